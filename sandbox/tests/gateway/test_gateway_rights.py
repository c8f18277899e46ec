"""SHOW of the catalog, grants on columns, functions about privileges."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from gateway_world import USER, World

KEYS = ["database_name", "schema_name", "table_name", "column_name", "key_seq", "pk_name"]
TABLES = [
    "database_name", "schema_name", "table_name", "table_type", "table_acl", "remarks", "owner", "last_altered_time",
    "last_modified_time", "dist_style", "table_subtype",
]  # fmt: skip
COLUMNS = [
    "database_name", "schema_name", "table_name", "column_name", "ordinal_position", "column_default", "is_nullable",
    "data_type", "character_maximum_length", "numeric_precision", "numeric_scale", "remarks", "sort_key_type",
    "sort_key", "dist_key", "encoding", "collation",
]  # fmt: skip


def _ask(world: World, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with world.connect() as connection:
        cursor = connection.execute(sql.encode())
        assert cursor.statusmessage == "SHOW"
        return [column.name for column in cursor.description or []], cursor.fetchall()


@pytest.fixture
def tables(world: World, schema: str) -> str:
    world.admin(f"""
        CREATE VIEW {schema}.seen AS SELECT 1 AS a;
        CREATE TABLE {schema}.lines (line_no int, order_id bigint, note varchar(25), amount numeric(12,2),
                                     PRIMARY KEY (order_id, line_no));
        CREATE TABLE {schema}.hidden (a int PRIMARY KEY);
        GRANT SELECT ON {schema}.lines, {schema}.seen TO "{USER}";
    """)
    return schema


@pytest.mark.parametrize("form", ["dev.{s}.lines", '"dev"."{s}"."lines"', "{s}.LINES"])
def test_b28_primary_keys_in_their_order(world: World, tables: str, form: str) -> None:
    names, rows = _ask(world, "SHOW CONSTRAINTS PRIMARY KEYS FROM TABLE " + form.format(s=tables))
    assert names == KEYS
    assert [row[:5] for row in rows] == [
        ("dev", tables, "lines", "order_id", 1), ("dev", tables, "lines", "line_no", 2),
    ]  # fmt: skip
    assert {row[5] for row in rows} == {"lines_pkey"}


def test_nothing_of_what_the_caller_may_not_read(world: World, tables: str) -> None:
    for sql in ("SHOW CONSTRAINTS PRIMARY KEYS FROM TABLE", "SHOW COLUMNS FROM TABLE"):
        assert _ask(world, f"{sql} dev.{tables}.hidden")[1] == []
        assert _ask(world, f"{sql} other.{tables}.lines")[1] == []


def test_b28_tables(world: World, tables: str) -> None:
    names, rows = _ask(world, f"SHOW TABLES FROM SCHEMA dev.{tables}")
    assert names == TABLES
    assert [(row[2], row[3], row[6], row[10]) for row in rows] == [
        ("lines", "TABLE", "admin", "REGULAR TABLE"), ("seen", "VIEW", "admin", "REGULAR VIEW"),
    ]  # fmt: skip
    assert [row[2] for row in _ask(world, f"SHOW TABLES FROM SCHEMA dev.{tables} LIKE 's%' LIMIT 5")[1]] == ["seen"]
    assert len(_ask(world, f"SHOW TABLES FROM SCHEMA dev.{tables} LIMIT 1")[1]) == 1


def test_b28_columns(world: World, tables: str) -> None:
    names, rows = _ask(world, f"SHOW COLUMNS FROM TABLE dev.{tables}.lines")
    assert names == COLUMNS
    assert [(row[3], row[4], row[6], row[7], row[8], row[9], row[10]) for row in rows] == [
        ("line_no", 1, "NO", "integer", None, 32, 0), ("order_id", 2, "NO", "bigint", None, 64, 0),
        ("note", 3, "YES", "character varying", 25, None, None), ("amount", 4, "YES", "numeric", None, 12, 2),
    ]  # fmt: skip


def test_databases_schemas_and_nonsense(world: World, tables: str) -> None:
    assert "dev" in [row[0] for row in _ask(world, "SHOW DATABASES")[1]]
    assert tables in [row[1] for row in _ask(world, "SHOW SCHEMAS FROM DATABASE dev")[1]]
    with world.connect() as connection:
        for sql in ("SHOW TABLES FROM SCHEMA", "SHOW COLUMNS FROM TABLE a.b.c.d", "SHOW TABLES FROM SCHEMA dev.x y"):
            with pytest.raises(psycopg.errors.SyntaxError):
                connection.execute(sql.encode())


# Grants on columns


def test_b31_star_shrinks_and_an_explicit_list_fails(world: World, schema: str) -> None:
    world.admin(f'CREATE TABLE {schema}.t (a int, secret int, "c d" int); INSERT INTO {schema}.t VALUES (1, 2, 3);'
                f'GRANT SELECT (a, "c d") ON {schema}.t TO "{USER}"')  # fmt: skip
    with world.connect() as connection:
        for sql in (f"SELECT * FROM {schema}.t", f'select * from dev."{schema}".T where a = 1 limit 3'):
            cursor = connection.execute(sql.encode())
            assert [column.name for column in cursor.description or []] == ["a", "c d"]
            assert cursor.fetchall() == [(1, 3)]
        assert connection.execute(f"SELECT * FROM {schema}.t", prepare=True).fetchall() == [(1, 3)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for relation t"):
            connection.execute(f"SELECT a, secret FROM {schema}.t".encode())
        seen = connection.execute("SELECT column_name FROM svv_all_columns WHERE schema_name = %s", [schema])
        assert sorted(seen.fetchall()) == [("a",), ("c d",)]
    assert len(world.admin(f"SELECT * FROM {schema}.t")[0]) == 3


def test_b31_grant_on_all_tables_misses_later_ones(world: World, schema: str) -> None:
    world.admin(f"CREATE TABLE {schema}.early (a int); GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO \"{USER}\";"
                f"CREATE TABLE {schema}.late (a int)")  # fmt: skip
    with world.connect() as connection:
        connection.execute(f"SELECT a FROM {schema}.early".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT * FROM {schema}.late".encode())


def test_questions_about_privileges_are_the_sessions_own(world: World, tables: str) -> None:
    world.admin(f'CREATE SCHEMA {tables}_no; GRANT SELECT (a) ON {tables}.hidden TO "{USER}"')
    asked = (
        f"SELECT has_schema_privilege('{tables}', 'USAGE'), has_schema_privilege('{tables}_no', 'USAGE'),"
        f" has_table_privilege('{tables}.lines', 'SELECT'), has_table_privilege('{tables}.hidden', 'SELECT'),"
        f" has_column_privilege('{tables}.hidden', 'a', 'SELECT'),"
        f" has_table_privilege(current_user, '{tables}.lines', 'INSERT')"
    )
    with world.connect() as connection:
        assert connection.execute(asked.encode()).fetchone() == (True, False, True, False, True, False)
    world.admin(f"DROP SCHEMA {tables}_no")
