"""G8: Every value arrives as the source has it.

TPC-H at scale 0.1 and every plain type at its edges, PostgreSQL against the DuckDB file. Both sides are
read as canonical text that each database makes itself, so that no client's conversion can hide a change.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from harness import Harness
from redshift_sandbox import world
from redshift_sandbox.world import Options, Sandbox

pytestmark = pytest.mark.types

# Text in which equal values are equal and different ones differ, for each side.
# Floats by their bits; timestamps by microseconds, because each side trims zeros its own way.
SOURCE_TEXT = {
    "real": "encode(float4send({}), 'hex')",
    "double precision": "encode(float8send({}), 'hex')",
    "timestamp without time zone": "(extract(epoch from {}) * 1000000)::numeric(30,0)::text",
    "timestamp with time zone": "(extract(epoch from {}) * 1000000)::numeric(30,0)::text",
    "boolean": "CASE {} WHEN true THEN 'true' WHEN false THEN 'false' END",
    "date": "({} - date '1970-01-01')::text",
}
TARGET_TEXT = {
    "FLOAT": "lower(hex(({})::FLOAT::BLOB))",
    "TIMESTAMP": "epoch_us({})::VARCHAR",
    "TIMESTAMP WITH TIME ZONE": "epoch_us({})::VARCHAR",
    "DATE": "({} - DATE '1970-01-01')::VARCHAR",
}


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    with Sandbox(Options(tmp_path_factory.mktemp("values"), data="tpch:0.1,types")) as sandbox:
        harness = Harness(sandbox, tmp_path_factory.mktemp("connection"), "values").all_tables()
        harness.sync()
        yield harness


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def source_rows(connection: psycopg.Connection, schema: str, table: str) -> pa.Table:
    """All rows as text, in the order of all columns' text."""
    columns = connection.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [f"{quoted(schema)}.{quoted(table)}"],
    ).fetchall()
    expressions = []
    for name, kind in columns:
        # No blank-padding: in Redshift the blanks at the end of a CHAR do not count.
        text = SOURCE_TEXT.get(kind, "{}::text").format(quoted(name))
        expressions.append(f"{text} AS {quoted(name)}")
    out = io.BytesIO()
    select = f"SELECT {', '.join(expressions)} FROM {quoted(schema)}.{quoted(table)}"
    sql = f"COPY ({select}) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)"
    with connection.cursor().copy(sql) as copy:
        for block in copy:
            out.write(block)
    out.seek(0)
    names = [name for name, _ in columns]
    return pa_csv.read_csv(
        out,
        read_options=pa_csv.ReadOptions(block_size=64 << 20),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=True,
            quoted_strings_can_be_null=False, null_values=[""],
        ),
    )  # fmt: skip


def target_rows(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> pa.Table:
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position", [schema, table],
    ).fetchall()  # fmt: skip
    expressions = []
    for name, kind in columns:
        if kind in ("FLOAT", "DOUBLE"):
            expressions.append(f"{quoted(name)}")
        elif kind.startswith("DECIMAL"):  # DuckDB leaves out a zero before the point
            expressions.append(f"regexp_replace({quoted(name)}::VARCHAR, '^(-?)[.]', '\\10.') AS {quoted(name)}")
        else:
            text = TARGET_TEXT.get(kind, "{}::VARCHAR").format(quoted(name))
            expressions.append(f"{text} AS {quoted(name)}")
    table_ = connection.execute(
        f"SELECT {', '.join(expressions)} FROM {quoted(schema)}.{quoted(table)}"
    ).to_arrow_table()
    arrays = [
        _bits(column) if pa.types.is_floating(column.type) else column.cast(pa.string()) for column in table_.columns
    ]
    return pa.table(arrays, names=table_.column_names)


def _bits(column: pa.ChunkedArray) -> pa.Array:
    """Floats as the hex of their bits, big-endian, as float4send and float8send write them."""
    code = ">f4" if pa.types.is_float32(column.type) else ">f8"
    import numpy

    values = column.combine_chunks()
    raw = values.fill_null(0).to_numpy(zero_copy_only=False).astype(numpy.dtype(code)).tobytes()
    width = numpy.dtype(code).itemsize
    hexes = [raw[i * width : (i + 1) * width].hex() for i in range(len(values))]
    return pa.array(
        [None if null else h for h, null in zip(hexes, values.is_null().to_pylist(), strict=True)], pa.string()
    )


def in_order(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in table.column_names])


def test_every_value_of_every_table(synced: Harness) -> None:
    compared = 0
    with (
        synced.sandbox.postgres.admin(world.DATABASE) as source,
        duckdb.connect(str(synced.warehouse), read_only=True) as target,
    ):
        target.execute("SET TimeZone = 'UTC'")
        for table in synced.sandbox.facts.tables:
            expected = in_order(source_rows(source, table.schema, table.table))
            got = in_order(target_rows(target, table.schema, table.table))
            assert got.column_names == expected.column_names, table
            assert got.num_rows == expected.num_rows, table
            for name in expected.column_names:
                if not got[name].equals(expected[name].cast(pa.string())):
                    at = next(i for i in range(got.num_rows) if got[name][i] != expected[name][i])
                    pytest.fail(f"{table}.{name} row {at}: got {got[name][at]}, source has {expected[name][at]}")
            compared += expected.num_rows * expected.num_columns
    assert compared > 10_000_000, "scale 0.1 holds more values than that"


@pytest.mark.parametrize(
    "table", ["nation", "region", "part", "supplier", "partsupp", "customer", "orders", "lineitem"]
)
def test_tpch_is_there(synced: Harness, table: str) -> None:
    assert synced.tables()[f"tpch.{table}"] > 0


def test_types_become_what_the_documentation_says(synced: Harness, tmp_path: Path) -> None:
    kinds = dict(
        synced.query(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'tpch' AND table_name = 'lineitem'"
        )
    )
    assert kinds["l_orderkey"] == "BIGINT"
    assert kinds["l_quantity"] == "DECIMAL(15,2)"
    assert kinds["l_shipdate"] == "DATE"
    assert kinds["l_comment"] == "VARCHAR"
