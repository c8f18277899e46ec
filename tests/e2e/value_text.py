"""All rows of a table as canonical text that its database makes itself, so that no client's conversion can hide a
change: equal values are equal, different ones differ, on whatever side."""

from __future__ import annotations

import io

import duckdb
import numpy
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv

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
    values = column.combine_chunks()
    raw = values.fill_null(0).to_numpy(zero_copy_only=False).astype(numpy.dtype(code)).tobytes()
    width = numpy.dtype(code).itemsize
    hexes = [raw[i * width : (i + 1) * width].hex() for i in range(len(values))]
    return pa.array(
        [None if null else h for h, null in zip(hexes, values.is_null().to_pylist(), strict=True)], pa.string()
    )


def in_order(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in table.column_names])
