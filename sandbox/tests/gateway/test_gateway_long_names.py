"""Names of up to 127 bytes keep all of them, wherever they are seen; longer ones are cut, as Redshift says."""

from __future__ import annotations

import psycopg
import pytest
from gateway_world import USER, World

LONG = "t" * 100 + "_table"
OTHER = "t" * 100 + "_other"
COLUMN = "größe_" + "c" * 113
MOST = "x" * 127


@pytest.fixture
def table(world: World, schema: str) -> str:
    world.admin(f"""CREATE TABLE {schema}.{LONG} (id int PRIMARY KEY, "{COLUMN}" varchar(9), {MOST} int);
        CREATE TABLE {schema}.{OTHER} (id int); INSERT INTO {schema}.{LONG} VALUES (1, 'a', 2);
        GRANT USAGE ON SCHEMA {schema} TO "{USER}"; GRANT SELECT ON {schema}.{LONG} TO "{USER}" """)
    return f"{schema}.{LONG}"


def test_b66_long_names_in_results(world: World, table: str) -> None:
    with world.connect() as connection:
        for prepare in (False, True):
            cursor = connection.execute(f'SELECT *, id AS "{"A" * 90}" FROM {table}'.encode(), prepare=prepare)
            assert [column.name for column in cursor.description or []] == ["id", COLUMN, MOST, "a" * 90]
            assert cursor.fetchall() == [(1, "a", 2, 1)]
        assert connection.execute(f"SELECT t.{MOST} FROM {table.upper()} t".encode()).fetchall() == [(2,)]


def test_b66_long_names_in_the_catalog(world: World, schema: str, table: str) -> None:
    with world.connect() as connection:
        found = connection.execute("SELECT table_name FROM svv_all_tables WHERE schema_name = %s", (schema,)).fetchall()
        assert found == [(LONG,)]
        sql = "SELECT column_name FROM svv_all_columns WHERE table_name = %s ORDER BY ordinal_position"
        assert connection.execute(sql, (LONG,)).fetchall() == [("id",), (COLUMN,), (MOST,)]
        for statement, place in ((f"SHOW TABLES FROM SCHEMA dev.{schema}", 2),
                                 (f"SHOW CONSTRAINTS PRIMARY KEYS FROM TABLE dev.{table}", 2)):  # fmt: skip
            assert [row[place] for row in connection.execute(statement.encode())] == [LONG]
        shown = connection.execute(f"SHOW COLUMNS FROM TABLE dev.{table}".encode()).fetchall()
        assert [row[3] for row in shown] == ["id", COLUMN, MOST]
        sql = """SELECT a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relname = %s AND a.attnum > 1 ORDER BY a.attnum"""
        assert connection.execute(sql, (LONG,)).fetchall() == [(COLUMN,), (MOST,)]


def test_b66_long_names_in_errors(world: World, schema: str, table: str) -> None:
    with world.connect() as connection:
        with pytest.raises(psycopg.Error, match=f"^permission denied for relation {OTHER}$"):
            connection.execute(f"SELECT * FROM {schema}.{OTHER}".encode())
        with pytest.raises(psycopg.Error, match=f'^column "{"n" * 80}" does not exist in {LONG}$'):
            connection.execute(f"SELECT {'n' * 80} FROM {table}".encode())
        with pytest.raises(psycopg.Error, match=f'"{schema}.{MOST}" does not exist'):
            connection.execute(f"SELECT * FROM {schema}.{MOST}".encode())


def test_b66_names_are_cut_after_127_bytes(world: World, schema: str) -> None:
    world.admin(f'CREATE TABLE {schema}.{"y" * 130} (a int, "{"ö" * 70}" int)')
    sql = f"SELECT table_name, column_name FROM svv_all_columns WHERE schema_name = '{schema}' ORDER BY 2"
    assert world.admin(sql) == [("y" * 127, "a"), ("y" * 127, "ö" * 63)]
    with pytest.raises(psycopg.errors.DuplicateTable):
        world.admin(f"CREATE TABLE {schema}.{'y' * 127} (a int)")


def test_names_of_63_bytes_stay_as_they_are(world: World, schema: str) -> None:
    names = ["z" * 63, "z" * 42 + "~" + "0" * 20]
    world.admin(f'CREATE TABLE {schema}.t ("{names[0]}" int, "{names[1]}" int)')
    world.admin(f'GRANT USAGE ON SCHEMA {schema} TO "{USER}"; GRANT SELECT ON {schema}.t TO "{USER}"')
    with world.connect() as connection:
        assert [c.name for c in connection.execute(f"SELECT * FROM {schema}.t".encode()).description or []] == names


def test_late_binding_views_with_long_names(world: World, schema: str, table: str) -> None:
    world.admin(f"CREATE VIEW {schema}.{MOST} AS SELECT {MOST} FROM {table} WITH NO SCHEMA BINDING")
    world.admin(f'GRANT SELECT ON {schema}.{MOST} TO "{USER}"')
    with world.connect() as connection:
        assert connection.execute(f"SELECT {MOST} FROM {schema}.{MOST}".encode()).fetchall() == [(2,)]
        found = connection.execute(f"""SELECT v, c FROM pg_get_late_binding_view_cols() AS
            x(s name, v name, c name, t varchar, n int) WHERE s = '{schema}'""".encode()).fetchall()
        assert found == [(MOST, MOST)]
