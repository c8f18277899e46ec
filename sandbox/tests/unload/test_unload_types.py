# Goal: the files hold every plain type as Redshift writes it, and every value unchanged.

from __future__ import annotations

import datetime as dt
import math
import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as parquet
import pytest
from reading import int96_micros, local_parts, rows

from redshift_sandbox.data import types as types_data
from redshift_sandbox.testing import RunningSandbox, fault

Prefix = Callable[[], str]

_EPOCH = dt.datetime(1970, 1, 1)
_UTC_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def unloaded(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> Callable[[str], list[Path]]:
    """Unloads a select and returns local copies of its files."""

    def run(select: str) -> list[Path]:
        where = prefix()
        with sandbox.connect() as connection:
            sandbox.unload(connection, select, where)
        return local_parts(sandbox, where, tmp_path)

    return run


def schema_of(path: Path) -> dict[str, tuple[str, str, int]]:
    """Column -> physical type, legacy logical type, length of fixed bytes."""
    schema = parquet.ParquetFile(path).schema
    columns = [schema.column(i) for i in range(len(schema))]
    assert all(c.max_definition_level == 1 and c.max_repetition_level == 0 for c in columns), "all are optional"
    return {c.name: (c.physical_type, c.converted_type, c.length) for c in columns}


def test_b49_physical_types(unloaded: Callable[[str], list[Path]]) -> None:
    for path in unloaded("SELECT * FROM types.types_plain"):
        assert schema_of(path) == {
            "id": ("INT64", "NONE", 0),
            "a_bool": ("BOOLEAN", "NONE", 0),
            "a_smallint": ("INT32", "INT_16", 0),
            "a_integer": ("INT32", "NONE", 0),
            "a_bigint": ("INT64", "NONE", 0),
            "a_real": ("FLOAT", "NONE", 0),
            "a_double": ("DOUBLE", "NONE", 0),
            "a_decimal": ("FIXED_LEN_BYTE_ARRAY", "DECIMAL", 8),
            "a_char": ("BYTE_ARRAY", "UTF8", 0),
            "a_varchar": ("BYTE_ARRAY", "UTF8", 0),
            "a_date": ("INT32", "DATE", 0),
            "a_timestamp": ("INT96", "NONE", 0),
            "a_timestamptz": ("INT96", "NONE", 0),
        }


@pytest.mark.parametrize(("knob", "column", "kind"), [
    ("plain_smallint", "a_smallint", ("INT32", "NONE", 0)),
    ("date_as_timestamp", "a_date", ("INT96", "NONE", 0)),
    ("timestamps_as_int64", "a_timestamp", ("INT64", "NONE", 0)),
    ("timestamps_as_int64", "a_timestamptz", ("INT64", "NONE", 0)),
    ("decimal_as_integer", "a_decimal", ("INT64", "DECIMAL", 0)),
])  # fmt: skip
def test_b49_what_aws_does_not_say_may_be_otherwise(
    sandbox: RunningSandbox, unloaded: Callable[[str], list[Path]], knob: str, column: str, kind: tuple[str, str, int]
) -> None:
    query = f"SELECT id, {column} FROM types.types_plain"
    usual = rows(unloaded(query))
    with fault(sandbox, "unload.types", {knob: True}):
        paths = unloaded(query)
    assert schema_of(paths[0])[column] == kind
    changed = [dt.datetime.combine(v, dt.time()) if knob == "date_as_timestamp" and v else v for _, v in usual]
    assert [str(value) for _, value in rows(paths)] == [str(value) for value in changed]


def test_b49_null_of_super_may_be_json(sandbox: RunningSandbox, unloaded: Callable[[str], list[Path]]) -> None:
    query = "SELECT 1 AS id, NULL::super AS a, JSON_PARSE('[1]') AS b"
    assert rows(unloaded(query)) == [(1, None, "[1]")]
    with fault(sandbox, "unload.types", {"super_null_as_json": True}):
        assert rows(unloaded(query)) == [(1, "null", "[1]")]


def test_b49_decimals_take_the_least_width(unloaded: Callable[[str], list[Path]]) -> None:
    path = unloaded("SELECT * FROM types.types_decimal")[0]
    schema = parquet.ParquetFile(path).schema
    found = {}
    for column in (schema.column(i) for i in range(1, len(schema))):
        found[column.precision, column.scale] = column.length
        least = next(n for n in range(1, 17) if 2 ** (8 * n - 1) >= 10**column.precision)
        assert column.length == least
    assert found[18, 2] == 8
    assert found[38, 37] == 16


def test_b49_format_compression_and_footers(unloaded: Callable[[str], list[Path]]) -> None:
    values: list[float] = []
    for path in unloaded("SELECT * FROM types.types_plain"):
        metadata = parquet.ParquetFile(path).metadata
        assert metadata.format_version == "1.0"
        assert metadata.metadata is None, "no key-value metadata of the writer's own"
        for group in range(metadata.num_row_groups):
            for i in range(metadata.num_columns):
                column = metadata.row_group(group).column(i)
                assert column.compression == "SNAPPY"
                if column.physical_type == "INT96":
                    assert not column.is_stats_set
                elif column.path_in_schema == "a_double" and column.statistics.has_min_max:
                    values += [column.statistics.min, column.statistics.max]
    assert math.inf in values
    assert -math.inf in values
    assert not any(math.isnan(value) for value in values)


def test_b49_char_is_padded_and_varchar_is_not(unloaded: Callable[[str], list[Path]]) -> None:
    paths = unloaded("SELECT id, a_char, a_varchar FROM types.types_plain WHERE id IN (1, 2, 3, 4)")
    assert rows(paths) == [
        (1, "char      ", "varchar"), (2, " " * 10, ""), (3, "tenletters", "x" * 256), (4, " lead     ", " both "),
    ]  # fmt: skip


def test_b51_every_plain_value(sandbox: RunningSandbox, unloaded: Callable[[str], list[Path]]) -> None:
    paths = unloaded("SELECT * FROM types.types_plain")
    for got, given in zip(rows(paths), types_data._PLAIN_ROWS, strict=True):
        expected = [_as_written(value, i) for i, value in enumerate(given)]
        assert [_comparable(value) for value in got] == [_comparable(value) for value in expected]


def test_b51_every_decimal_value(unloaded: Callable[[str], list[Path]]) -> None:
    assert rows(unloaded("SELECT * FROM types.types_decimal")) == types_data._decimal_rows()


def test_every_text(unloaded: Callable[[str], list[Path]]) -> None:
    expected = [*types_data._TEXTS, None]
    assert [value for _, value in rows(unloaded("SELECT id, value FROM types.types_text"))] == expected


def test_nulls_stay_null(unloaded: Callable[[str], list[Path]]) -> None:
    assert rows(unloaded("SELECT * FROM types.types_null")) == [(i, *([None] * 13)) for i in range(1, 6)]


def test_sums_of_decimals_are_wide(sandbox: RunningSandbox, unloaded: Callable[[str], list[Path]]) -> None:
    paths = unloaded("SELECT sum(d_18_2) AS total FROM types.types_decimal")
    assert schema_of(paths[0])["total"] == ("FIXED_LEN_BYTE_ARRAY", "DECIMAL", 16)
    schema = parquet.ParquetFile(paths[0]).schema
    assert (schema.column(0).precision, schema.column(0).scale) == (38, 2)
    given = [row[5] for row in types_data._decimal_rows()]
    assert rows(paths) == [(sum(value for value in given if isinstance(value, Decimal)),)]


def test_int96_by_an_independent_decoder(unloaded: Callable[[str], list[Path]]) -> None:
    stamps: dict[int, int | None] = {}
    with_zone: dict[int, int | None] = {}
    for path in unloaded("SELECT id, a_timestamp, a_timestamptz FROM types.types_plain"):
        ids = [row[0] for row in rows([path], "id")]
        order = parquet.read_table(path, columns=["id"])["id"].to_pylist()
        assert sorted(order) == ids
        stamps |= dict(zip(order, int96_micros(path, 1), strict=True))
        with_zone |= dict(zip(order, int96_micros(path, 2), strict=True))
    for row in types_data._PLAIN_ROWS:
        number, stamp, zoned = int(str(row[0])), row[11], row[12]
        assert stamps[number] == _micros(stamp, _EPOCH)
        assert with_zone[number] == _micros(zoned, _UTC_EPOCH)


@pytest.mark.parametrize("text", [
    "0001-01-01 00:00:00", "0001-01-01 00:00:00.000001", "1582-10-04 23:59:59.999999", "1677-09-21 00:12:43.145224",
    "1899-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999", "1970-01-01 00:00:00", "1970-01-01 00:00:00.000001",
    "2000-02-29 12:00:00.5", "2038-01-19 03:14:08", "2262-04-11 23:47:16.854776", "9999-12-31 23:59:59.999999",
])  # fmt: skip
def test_b51_timestamps_at_the_edges(unloaded: Callable[[str], list[Path]], text: str) -> None:
    path = unloaded(f"SELECT TIMESTAMP '{text}' AS at")[0]
    moment = dt.datetime.fromisoformat(text)
    assert int96_micros(path, 0) == [_micros(moment, _EPOCH)]
    assert rows([path]) == [(moment,)]


@pytest.mark.parametrize(("expression", "kind", "written"), [
    ("TIME '12:00'", "time without time zone", "12:00:00"),
    ("'12:00+00'::timetz", "time with time zone", "12:00:00+00"), ("'abc'::varbyte", "varbyte", "616263"),
    ("ST_Point(1, 2)", "geometry", "0101000000000000000000F03F0000000000000040"),
    ("'01'::geography", "geography", "01"), ("'{}'::hllsketch", "hllsketch", "{}"),
    ("'1 year'::interval year to month", "interval year to month", "1 year"),
    ("'1 day'::interval day to second", "interval day to second", "1 day"),
])  # fmt: skip
def test_b50_types_parquet_cannot_take_are_refused_and_csv_takes_them(
    sandbox: RunningSandbox, prefix: Prefix, expression: str, kind: str, written: str
) -> None:
    with sandbox.connect() as connection, pytest.raises(psycopg.Error) as caught:
        sandbox.unload(connection, f"SELECT {expression} AS c", prefix())
    assert caught.value.diag.message_primary == f'UNLOAD {kind} column "c" is only supported for TEXT/CSV.'
    where = prefix()
    with sandbox.connect() as connection:
        done = sandbox.unload(connection, f"SELECT {expression} AS c", where, "FORMAT CSV")
    assert sandbox.body(sandbox.objects(where)[0]).decode() == f"{written}\n"
    assert done.notices == [("INFO", "UNLOAD completed, 1 record(s) unloaded successfully.")]


def test_csv(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        text = "SELECT 1 AS n, true AS b, 'a,\"b' AS t, NULL::int AS x, '' AS e, 'NaN'::float8 AS f"
        sandbox.unload(connection, text, where, "FORMAT CSV HEADER")
    assert sandbox.body(sandbox.objects(where)[0]) == b'n,b,t,x,e,f\n1,t,"a,""b",,,nan\n'


def test_json(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, "SELECT 1 AS n, true AS b, 'a\"b' AS t, NULL::int AS x", where, "FORMAT JSON")
    assert sandbox.body(sandbox.objects(where)[0]) == b'{"n":1,"b":"t","t":"a\\"b","x":null}\n'


def _as_written(value: object, column: int) -> object:
    if isinstance(value, str) and column == 8:
        return value.ljust(10)
    if isinstance(value, float) and column == 5:
        return _single(value)
    return value


def _single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _comparable(value: Any) -> object:
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value


def _micros(moment: object, epoch: dt.datetime) -> int | None:
    if moment is None:
        return None
    assert isinstance(moment, dt.datetime)
    return (moment - epoch) // dt.timedelta(microseconds=1)


def test_b66_names_of_127_bytes_in_files(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> None:
    name, where = "n" * 127, prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, f'SELECT 1 AS {name}, 2 AS "{"m" * 100}x"', where)
    path = local_parts(sandbox, where, tmp_path)[0]
    assert parquet.ParquetFile(path).schema.names == [name, "m" * 100 + "x"]
    assert [column["name"] for column in sandbox.manifest(where)["schema"]["elements"]] == [name, "m" * 100 + "x"]
