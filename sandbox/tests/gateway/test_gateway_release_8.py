"""The catalog has the shape of PostgreSQL 8.0 with Redshift's own columns, and SQL reads as its clients write it."""

from __future__ import annotations

import psycopg
import pytest
from gateway_world import USER, World


@pytest.mark.parametrize(
    ("relation", "has", "lacks"),
    [
        ("pg_class", "relname, reldiststyle, relhasoids, reltriggers", "relpersistence"),
        ("pg_attribute", "attname, attencodingtype, attisdistkey, attsortkeyord", "attcollation"),
        ("pg_type", "typname, typelem, oid", "typarray"),
        ("pg_database", "datname, datconfig", "datcollate"),
        ("pg_proc", "proname, proisagg", "prokind"),
        ("pg_attrdef", "adnum, adsrc", "adbin_text"),
        ("pg_constraint", "conname, consrc", "conindid"),
    ],
)
def test_b60_the_catalog_has_the_columns_of_release_8(world: World, relation: str, has: str, lacks: str) -> None:
    with world.connect() as connection:
        connection.execute(f"SELECT {has} FROM pg_catalog.{relation} AS {relation} LIMIT 1".encode())
        connection.execute(f"SELECT {relation}.* FROM {relation} LIMIT 0".encode())
        with pytest.raises(psycopg.errors.UndefinedColumn) as caught:
            connection.execute(f"SELECT c.{lacks} FROM pg_catalog.{relation} c".encode())
        assert caught.value.diag.message_primary == f'column "{lacks}" does not exist in {relation}'
        assert caught.value.diag.message_hint is None


@pytest.mark.parametrize("relation", ["pg_collation", "pg_roles", "pg_extension", "pg_catalog.pg_matviews"])
def test_b60_relations_of_later_releases_do_not_exist(world: World, relation: str) -> None:
    with world.connect() as connection, pytest.raises(psycopg.errors.UndefinedTable) as caught:
        connection.execute(f"SELECT 1 FROM {relation}".encode())
    assert caught.value.diag.message_primary == f'relation "{relation}" does not exist'


def test_a_table_of_ones_own_may_have_a_catalog_name(world: World, schema: str) -> None:
    world.admin(f"CREATE TABLE {schema}.pg_collation (pg_class int); INSERT INTO {schema}.pg_collation VALUES (3)")
    assert world.admin(f"SELECT c.pg_class AS pg_class FROM {schema}.pg_collation c") == [(3,)]


def test_the_catalog_does_not_show_the_sandbox(world: World) -> None:
    with world.connect() as connection:
        for relation, name in (("pg_class", "relname"), ("pg_namespace", "nspname"), ("pg_proc", "proname"),
                               ("pg_type", "typname")):  # fmt: skip
            found = connection.execute(f"SELECT {name} FROM {relation} WHERE {name} LIKE '%sandbox%'".encode())
            assert found.fetchall() == []


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT lower(a) AS folded FROM {t} WHERE folded = 'x'", [("x",)]),
        ("SELECT n + 1 AS more, more * 2 AS twice FROM {t} WHERE twice > 4 ORDER BY 1", [(3, 6)]),
        ("SELECT n AS a FROM {t} WHERE a = 'X'", [(1,)]),  # a column of the table comes first
        ("SELECT s.more FROM (SELECT n + 1 AS more FROM {t} WHERE more = 3) s", [(3,)]),
        # An alias with the name of a type or of a date's part is not meant there.
        ("SELECT n AS date FROM {t} WHERE DATE '2024-01-01' < '2024-02-01'::date AND date = 2", [(2,)]),
        ("SELECT n AS day, n AS year, n AS time FROM {t} WHERE EXTRACT(year FROM DATEADD(day, 1, DATE '2024-12-31')) = "
         "2025 AND DATE_PART(day, SYSDATE AT TIME ZONE 'UTC') > 0 AND CAST(NULL AS time) IS NULL AND day = 1",
         [(1, 1, 1)]),
        ("SELECT count(*) FROM (SELECT a FROM {t}) WHERE 1 AND a = 'X'", [(1,)]),
        ("SELECT count(*) FROM {t} WHERE 1", [(2,)]),
        ("SELECT NULL AS nothing, nothing AS other FROM {t} LIMIT 1", [(None, None)]),
        ("SELECT CASE n WHEN 1THEN 'one' ELSE 'many' END FROM {t} ORDER BY n", [("one",), ("many",)]),
        ("SELECT ISNULL(NULL, n), CHARINDEX('b', 'abc'), REGEXP_REPLACE('a1b2', '[0-9]') FROM {t} WHERE n = 1",
         [(1, 2, "ab")]),
    ],
)  # fmt: skip
def test_b61_sql_as_clients_of_redshift_write_it(
    world: World, schema: str, sql: str, rows: list[tuple[object, ...]]
) -> None:  # fmt: skip
    world.admin(f"CREATE TABLE {schema}.t (a varchar(9), n int); INSERT INTO {schema}.t VALUES ('X', 1), ('Y', 2)")
    world.admin(f'GRANT USAGE ON SCHEMA {schema} TO "{USER}"; GRANT SELECT ON {schema}.t TO "{USER}"')
    with world.connect() as connection:
        for prepare in (False, True):
            assert connection.execute(sql.format(t=f"{schema}.t").encode(), prepare=prepare).fetchall() == rows


def test_b62_columns_of_late_binding_views(world: World, schema: str) -> None:
    world.admin(f"""CREATE TABLE {schema}.t (a int, b varchar(7));
        CREATE VIEW {schema}.late AS SELECT b, a FROM {schema}.t WITH NO SCHEMA BINDING""")
    for kind in ("varchar", "text", "character varying(40)"):
        assert world.admin(f"""SELECT name, kind, number FROM pg_get_late_binding_view_cols()
            cols(in_schema name, in_view name, name name, kind {kind}, number int) WHERE in_schema = '{schema}'
            ORDER BY number""") == [("b", "character varying(7)", 1), ("a", "integer", 2)]  # fmt: skip
    assert world.admin(f"""SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{schema}' AND c.relname = 'late'""") == [(0,)]


def test_b32_foreign_keys_are_information_only(world: World, schema: str) -> None:
    world.admin(f"""CREATE TABLE {schema}.a (id int PRIMARY KEY);
        CREATE TABLE {schema}.b (a int REFERENCES {schema}.a (id));
        INSERT INTO {schema}.b VALUES (7); INSERT INTO {schema}.a VALUES (1), (1); DELETE FROM {schema}.a""")
    assert world.admin(f"""SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'
        AND conrelid = '{schema}.b'::regclass""") == [(f"FOREIGN KEY (a) REFERENCES {schema}.a(id)",)]
    assert world.admin(f"SELECT a FROM {schema}.b") == [(7,)]


@pytest.mark.parametrize(("declared", "call", "values"), [
    ("int IDENTITY(5, 2)", '"identity"', [5, 7]), ("bigint IDENTITY(0, 1)", '"identity"', [0, 1]),
    ("bigint IDENTITY(-1, -3)", '"identity"', [-1, -4]),
    ("bigint GENERATED BY DEFAULT AS IDENTITY(1, 1)", "default_identity", [1, 2]),
])  # fmt: skip
def test_b67_identity_columns(world: World, schema: str, declared: str, call: str, values: list[int]) -> None:
    world.admin(f"CREATE TABLE {schema}.t (id {declared}, v int); INSERT INTO {schema}.t (v) VALUES (1), (2)")
    assert world.admin(f"SELECT id FROM {schema}.t ORDER BY v") == [(value,) for value in values]
    found = world.admin(f"""SELECT d.adsrc, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
        WHERE d.adrelid = '{schema}.t'::regclass""")
    assert found[0][0] == found[0][1] and found[0][0].startswith(f"{call}(")
    takes = call == "default_identity"
    if takes:
        world.admin(f"INSERT INTO {schema}.t (id, v) VALUES (77, 3)")
    else:
        with pytest.raises(psycopg.Error):
            world.admin(f"INSERT INTO {schema}.t (id, v) VALUES (77, 3)")
