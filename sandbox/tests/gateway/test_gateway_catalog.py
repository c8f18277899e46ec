"""Catalog views and row descriptions."""

from __future__ import annotations

import os

import psycopg
import pytest
from gateway_world import USER, World

COLUMNS = {
    "svv_all_schemas": "database_name schema_name schema_owner schema_type schema_acl source_database schema_option",
    "svv_all_tables": "database_name schema_name table_name table_type table_acl remarks",
    "svv_all_columns": "database_name schema_name table_name column_name ordinal_position column_default is_nullable"
    " data_type character_maximum_length numeric_precision numeric_scale remarks",
    "svv_redshift_databases": "database_name database_owner database_type database_acl database_options"
    " database_isolation_level",
}  # fmt: skip


@pytest.mark.parametrize("view", COLUMNS)
@pytest.mark.parametrize("qualifier", ["", "pg_catalog."])
def test_b27_views_have_exactly_the_documented_columns(world: World, view: str, qualifier: str) -> None:
    with world.connect() as connection:
        description = connection.execute(f"SELECT * FROM {qualifier}{view} LIMIT 0").description
        assert description is not None and sorted(c.name for c in description) == sorted(COLUMNS[view].split())


def test_b27_views_show_what_the_caller_can_access(world: World, schema: str) -> None:
    hidden = "h" + os.urandom(6).hex()
    world.admin(f"CREATE SCHEMA {hidden}; CREATE TABLE {hidden}.t (a int)")
    world.admin(f"CREATE TABLE {schema}.open (a int NOT NULL, b varchar(20), c numeric(18,2), d char(3))")
    world.admin(f"CREATE TABLE {schema}.closed (a int); CREATE TABLE {schema}.half (yes int, no int)")
    world.admin(f"CREATE VIEW {schema}.v AS SELECT a FROM {schema}.open")
    world.admin(
        f'GRANT SELECT ON {schema}.open, {schema}.v TO "{USER}"; GRANT SELECT (yes) ON {schema}.half TO "{USER}"'
    )
    try:
        with world.connect() as connection:
            schemas = {row[0] for row in connection.execute("SELECT schema_name FROM svv_all_schemas")}
            assert schema in schemas and hidden not in schemas
            tables = connection.execute(
                "SELECT table_name, table_type FROM svv_all_tables WHERE schema_name = %s ORDER BY 1", (schema,)
            ).fetchall()
            assert tables == [("half", "TABLE"), ("open", "TABLE"), ("v", "VIEW")]
            columns = connection.execute(
                "SELECT table_name, column_name, ordinal_position, is_nullable, data_type, character_maximum_length,"
                " numeric_precision, numeric_scale FROM svv_all_columns WHERE database_name = 'dev'"
                " AND schema_name = %s AND table_name IN ('open', 'half', 'closed') ORDER BY 1, 3", (schema,),
            ).fetchall()  # fmt: skip
            assert columns == [
                ("half", "yes", 1, "YES", "integer", None, 32, 0),
                ("open", "a", 1, "NO", "integer", None, 32, 0),
                ("open", "b", 2, "YES", "character varying", 20, None, None),
                ("open", "c", 3, "YES", "numeric", None, 18, 2),
                ("open", "d", 4, "YES", "character", 3, None, None),
            ]
    finally:
        world.admin(f"DROP SCHEMA {hidden} CASCADE")


def test_the_sandbox_hides_itself(world: World) -> None:
    found = world.admin("SELECT schema_name FROM svv_all_schemas WHERE schema_name LIKE '%sandbox%'")
    assert found == []
    with world.connect() as connection:
        rows = connection.execute("SELECT table_name FROM svv_all_tables WHERE table_name LIKE '%sandbox%'").fetchall()
        assert rows == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM pg_sandbox.query_history")


def test_pg_user_is_readable(world: World) -> None:
    sql = "SELECT current_user, u.usesuper, current_database() FROM pg_user u WHERE u.usename = current_user"
    with world.connect() as connection:
        assert connection.execute(sql).fetchone() == (USER, False, "dev")


@pytest.mark.parametrize("name", ["svv_table_info", "stl_query", "stv_recents", "pg_catalog.stv_db_isolation_level"])
def test_b27_superuser_views(world: World, name: str) -> None:
    relation = name.removeprefix("pg_catalog.")
    with (
        world.connect() as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"^permission denied for relation {relation}$"),
    ):
        connection.execute(f"SELECT * FROM {name}")


def test_svv_table_info_omits_empty_tables(world: World, schema: str) -> None:
    world.admin(
        f"CREATE TABLE {schema}.empty (a int); CREATE TABLE {schema}.full (a int); INSERT INTO {schema}.full VALUES (1)"
    )
    assert world.admin(f'SELECT "table" FROM svv_table_info WHERE "schema" = \'{schema}\'') == [("full",)]


def test_b27_knob_denies_pg_tables(world: World) -> None:
    with world.connect() as connection:
        connection.execute("SELECT count(*) FROM pg_tables")
        world.faults.on["gateway.deny_pg_tables"] = {}
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for relation pg_tables"):
            connection.execute("SELECT count(*) FROM pg_catalog.pg_tables")


DECLARED = {
    "b": ("boolean", 16, -1), "s": ("smallint", 21, -1), "i": ("integer", 23, -1), "l": ("bigint", 20, -1),
    "r": ("real", 700, -1), "f": ("float", 701, -1), "n": ("decimal(18,2)", 1700, (18 << 16 | 2) + 4),
    "n0": ("decimal", 1700, (18 << 16) + 4), "c": ("char(7)", 1042, 11), "v": ("varchar(25)", 1043, 29),
    "x": ("text", 1043, 260), "d": ("date", 1082, -1), "t": ("timestamp", 1114, -1), "z": ("timestamptz", 1184, -1),
    "h": ("time", 1083, -1), "hz": ("timetz", 1266, -1),
}  # fmt: skip


@pytest.mark.parametrize("relation", ["t", "v"])
def test_b29_row_description_of_an_empty_result(world: World, schema: str, relation: str) -> None:
    columns = ", ".join(f"{name} {declared}" for name, (declared, _, _) in DECLARED.items())
    world.admin(f"CREATE TABLE {schema}.t ({columns}); CREATE VIEW {schema}.v AS SELECT * FROM {schema}.t")
    world.admin(f'GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO "{USER}"')
    wanted = [(name, oid, typmod) for name, (_, oid, typmod) in DECLARED.items()]
    names = ", ".join(f'"{name}"' for name in DECLARED)
    with world.connect() as connection:
        for prepare in (False, True):
            sql = f'SELECT {names} FROM "{schema}"."{relation}" LIMIT 0'
            result = connection.execute(sql, prepare=prepare).pgresult
            assert result is not None
            got = [((result.fname(n) or b"").decode(), result.ftype(n), result.fmod(n)) for n in range(result.nfields)]
            assert got == wanted


def test_b29_columns_with_mixed_case(world: World, schema: str) -> None:
    with world.connect() as connection:
        world.admin(f'GRANT CREATE ON SCHEMA {schema} TO "{USER}"')
        connection.execute("SET enable_case_sensitive_identifier TO true")
        connection.execute(f'CREATE TABLE {schema}."Orders" ("OrderId" bigint, "A b""c" varchar(3))')
        description = connection.execute(f'SELECT "OrderId", "A b""c" FROM {schema}."Orders" LIMIT 0').description
        assert description is not None
        assert [(c.name, c.type_code) for c in description] == [("OrderId", 20), ('A b"c', 1043)]


def test_sys_query_history_shows_own_rows_without_secrets(world: World) -> None:
    marker = "m" + os.urandom(6).hex()
    columns = "query_text, status, query_type"
    sql = f"SELECT {columns} FROM sys_query_history WHERE query_text LIKE '%{marker}%' ORDER BY query_id"
    with world.connect() as mine, world.connect(user="IAMR:other") as other:
        mine.execute(f"SELECT 1 AS {marker}")
        with pytest.raises(psycopg.Error):
            mine.execute(f"SELECT {marker}")
        assert [row[1:] for row in mine.execute(sql)] == [("success", "SELECT"), ("failed", "SELECT")]
        assert other.execute(sql).fetchall() == []
        with pytest.raises(psycopg.Error):
            mine.execute(f"ALTER USER nobody_{marker} PASSWORD 'Hidden-{marker}'")
        texts = [row[0] for row in mine.execute(sql)]
        assert f"ALTER USER nobody_{marker} PASSWORD ''" in texts
