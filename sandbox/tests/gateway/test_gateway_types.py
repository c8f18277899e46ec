"""Columns of Redshift's own types, limits of decimals and lengths, times in UTC."""

from __future__ import annotations

import psycopg
import pytest
from gateway_world import USER, World

_POINT = "0101000000000000000000F03F0000000000000040"
_TYPES = {
    # column: declaration, spelling in svv_all_columns, number in the protocol, value, how it is printed
    "bytes": ("varbyte(20)", "binary varying", 6551, "'abc'", "616263"),
    "shape": ("geometry", "geometry", 3999, "ST_Point(1, 2)", _POINT),
    "place": ("geography", "geography", 3001, f"'{_POINT}'", _POINT),
    "sketch": ("hllsketch", "hllsketch", 2935, "'{\"logm\":15}'", '{"logm":15}'),
    "months": ("interval year to month", "interval year to month", 1188, "INTERVAL '1-2' YEAR TO MONTH",
               "1 year 2 mons"),
    "span": ("interval day to second(3)", "interval day to second", 1190, "INTERVAL '3 days 4 hours'",
             "3 days 04:00:00"),
    "info": ("super", "super", 4000, "JSON_PARSE('[1]')", "[1]"),
}  # fmt: skip


def _table(world: World, schema: str) -> None:
    world.admin(f"CREATE TABLE {schema}.t ({', '.join(f'{name} {one[0]}' for name, one in _TYPES.items())})")
    world.admin(f"INSERT INTO {schema}.t VALUES ({', '.join(one[3] for one in _TYPES.values())})")
    world.admin(f'GRANT USAGE ON SCHEMA {schema} TO "{USER}"; GRANT SELECT ON {schema}.t TO "{USER}"')


def test_b63_own_types_in_the_catalog_and_in_results(world: World, schema: str) -> None:
    _table(world, schema)
    world.admin(f"CREATE VIEW {schema}.late AS SELECT * FROM {schema}.t WITH NO SCHEMA BINDING")
    world.admin(f'GRANT SELECT ON {schema}.late TO "{USER}"')
    with world.connect() as connection:
        spelled = connection.execute(
            "SELECT column_name, data_type FROM svv_all_columns WHERE schema_name = %s AND table_name = 't'", (schema,)
        ).fetchall()
        assert dict(spelled) == {name: one[1] for name, one in _TYPES.items()}
        for relation in ("t", "late"):
            result = connection.execute(f"SELECT * FROM {schema}.{relation}".encode()).pgresult
            assert result is not None
            assert [result.ftype(i) for i in range(len(_TYPES))] == [one[2] for one in _TYPES.values()]
            shown = [(result.get_value(0, i) or b"").decode() for i in range(len(_TYPES))]
            assert shown == [one[4] for one in _TYPES.values()]
        oids = dict(connection.execute("SELECT typname, oid FROM pg_type").fetchall())
        assert [oids[name] for name in ("varbyte", "geometry", "intervaly2m", "super")] == [6551, 3000, 1188, 4000]


def test_b63_values_of_own_types_as_text(world: World, schema: str) -> None:
    _table(world, schema)
    assert world.admin(f"""SELECT TO_HEX(bytes), ST_AsHexEWKB(shape), ST_AsHexEWKB(place), CAST(months AS VARCHAR),
        CAST(span AS VARCHAR), FROM_VARBYTE(bytes, 'utf-8'), TO_VARBYTE('c3', 'hex') = '\\\\303'::varbyte
        FROM {schema}.t""") == [("616263", _POINT, _POINT, "1 year 2 mons", "3 days 04:00:00", "abc", True)]


def test_many_rows_of_bytes(world: World) -> None:
    value = "CASE WHEN n % 2 = 0 THEN CAST(n::varchar AS varbyte) END"
    sql = f"SELECT n, {value}, '\\\\\\\\x' FROM generate_series(1, 3000) n"
    with world.connect() as connection:
        rows = connection.execute(sql.encode()).fetchall()
        assert connection.execute("SELECT count(*), '\\\\\\\\x' AS text").fetchone() == (1, "\\\\x")
    assert [row[1] for row in rows] == [str(n).encode().hex() if n % 2 == 0 else None for n in range(1, 3001)]
    assert {row[2] for row in rows} == {"\\\\x"}


@pytest.mark.parametrize(
    ("expression", "oid"),
    [("INTERVAL '1-2' YEAR TO MONTH", 1188), ("INTERVAL '3' MONTH", 1188), ("INTERVAL '1 2:3:4' DAY TO SECOND", 1190),
     ("'a'::varbyte", 6551), ("CAST('1 day' AS INTERVAL DAY TO SECOND)", 1190)],
)  # fmt: skip
def test_b63_types_of_expressions(world: World, expression: str, oid: int) -> None:
    with world.connect() as connection:
        description = connection.execute(f"SELECT {expression}".encode()).description
        assert description is not None and description[0].type_code == oid


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("decimal(39, 0)", "DECIMAL precision 39 must be between 1 and 38"),
        ("decimal(0)", "DECIMAL precision 0 must be between 1 and 38"),
        ("numeric(10, 11)", "DECIMAL scale 11 must be between 0 and precision 10"),
        ("varchar(65536)", "length for type character varying cannot exceed 65535"),
        ("char(4097)", "length for type character cannot exceed 4096"),
        ("char(0)", "length for type character must be at least 1"),
        ("varbyte(16777217)", "length for type binary varying cannot exceed 16777216"),
    ],
)
def test_b65_limits_of_declarations(world: World, schema: str, declared: str, text: str) -> None:
    for statement in (f"CREATE TABLE {schema}.t (a {declared})", f"SELECT NULL::{declared}"):
        with world.connect() as connection, pytest.raises(psycopg.Error) as caught:
            connection.execute(statement.encode())
        assert (caught.value.sqlstate, caught.value.diag.message_primary) == ("22023", text)


def test_b65_decimals_have_38_digits(world: World, schema: str) -> None:
    digits = "9" * 38
    world.admin(f"CREATE TABLE {schema}.t (a decimal(38, 0), b decimal(38, 37))")
    world.admin(f"INSERT INTO {schema}.t VALUES ({digits}, -9.{digits[1:]})")
    assert world.admin(f"SELECT a::varchar, b::varchar FROM {schema}.t") == [(digits, f"-9.{digits[1:]}")]
    for statement in (f"SELECT 1{digits}", f"SELECT 1.{digits}"):
        with world.connect() as connection, pytest.raises(psycopg.errors.NumericValueOutOfRange):
            connection.execute(statement.encode())
    with world.connect() as connection, pytest.raises(psycopg.errors.NumericValueOutOfRange):
        connection.execute(f"SELECT CAST('1{digits}' AS DECIMAL(38, 0))".encode())


@pytest.mark.parametrize("text", ["4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999"])
def test_b65_timestamps_to_their_limits(world: World, text: str) -> None:
    with world.connect() as connection:
        assert connection.execute(f"SELECT ('{text}'::timestamp)::varchar".encode()).fetchone() == (text,)


@pytest.mark.parametrize("text", ["4714-01-01 00:00:00 BC", "294277-01-01 00:00:00"])
def test_b65_timestamps_beyond_their_limits(world: World, text: str) -> None:
    with world.connect() as connection, pytest.raises(psycopg.errors.DatetimeFieldOverflow):
        connection.execute(f"SELECT '{text}'::timestamp".encode())


def test_b64_times_with_a_zone_are_kept_in_utc(world: World, schema: str) -> None:
    world.admin(f"""CREATE TABLE {schema}.t (n int, at timetz);
        INSERT INTO {schema}.t VALUES (1, '12:30:00+02'), (2, NULL);
        ALTER TABLE {schema}.t ADD COLUMN "Till" timetz;
        INSERT INTO {schema}.t VALUES (3, '23:59:59.999999-08', '00:00+14');
        UPDATE {schema}.t SET at = '01:00+01' WHERE n = 2""")
    assert world.admin(f"SELECT at::varchar, till::varchar FROM {schema}.t ORDER BY n") == [
        ("10:30:00+00", None), ("00:00:00+00", None), ("07:59:59.999999+00", "10:00:00+00"),
    ]  # fmt: skip


def test_b67_an_identity_column_takes_no_values(world: World, schema: str) -> None:
    world.admin(f'CREATE TABLE {schema}.t (id int IDENTITY(1, 1), v int); GRANT USAGE ON SCHEMA {schema} TO "{USER}"')
    world.admin(f'GRANT INSERT ON {schema}.t TO "{USER}"')
    with world.connect() as connection, pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
        connection.execute(f"INSERT INTO {schema}.t (id, v) VALUES (7, 1)".encode())
    assert caught.value.diag.message_primary == "cannot set an identity column to a value"
