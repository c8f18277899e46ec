"""Writes tests/data/parquet/: a few tiny parts as Redshift unloads them, and some that are wrong.

DuckDB cannot write INT96, fixed-length decimals, or text without an annotation, so pyarrow does. The
files are committed; run this again only to change them. Nothing in it is random.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "data" / "parquet"
EPOCH_DAY_SECONDS = 86_400

# Text, and microseconds since 1970 of it, counted without any calendar of Python's.
INT96_EDGES: list[tuple[str, int]] = [
    ("0001-01-01 00:00:00", -62_135_596_800_000_000),
    ("0001-01-01 00:00:00.000001", -62_135_596_799_999_999),
    ("1582-10-15 00:00:00", -12_219_292_800_000_000),
    ("1677-09-21 00:12:43.145224", -9_223_372_036_854_776),
    ("1677-09-21 00:12:43.145225", -9_223_372_036_854_775),
    ("1969-12-31 23:59:59.999999", -1),
    ("1970-01-01 00:00:00", 0),
    ("2262-04-11 23:47:16.854775", 9_223_372_036_854_775),
    ("2262-04-11 23:47:16.854776", 9_223_372_036_854_776),
    ("9999-12-31 23:59:59.999999", 253_402_300_799_999_999),
]


def write(name: str, table: pa.Table, **options: bool) -> None:
    pq.write_table(
        table,
        FOLDER / name,
        version="1.0",
        compression="snappy",
        store_schema=False,
        use_deprecated_int96_timestamps=options.pop("int96", True),
        **options,
    )


def types() -> pa.Table:
    """Every plain type as Redshift writes it: a row of values, a row of edges, a row of nulls."""
    day = pa.date32()
    micros = pa.timestamp("us")
    document = json.dumps({"a": [1, None]}, separators=(",", ":"))
    return pa.table(
        {
            "b": pa.array([True, False, None]),
            "i2": pa.array([7, -32768, None], pa.int32()),
            "i4": pa.array([7, -2147483648, None], pa.int32()),
            "i8": pa.array([7, 9223372036854775807, None], pa.int64()),
            "f4": pa.array([1.5, float("nan"), None], pa.float32()),
            "f8": pa.array([1.5, float("-inf"), None], pa.float64()),
            "d9_2": pa.array([Decimal("1.25"), Decimal("-9999999.99"), None], pa.decimal128(9, 2)),
            "d18_2": pa.array([Decimal("1.25"), Decimal("-9999999999999999.99"), None], pa.decimal128(18, 2)),
            "d38_10": pa.array([Decimal("1.25"), Decimal("9" * 28 + "." + "9" * 10), None], pa.decimal128(38, 10)),
            "c": pa.array(["ab   ", " a b ", None]),
            "v": pa.array(["ab  ", "", None]),
            "d": pa.array([0, -719162, None], day),
            "ts": pa.array([1, INT96_EDGES[0][1], None], micros),
            "tz": pa.array([1, INT96_EDGES[-1][1], None], micros),
            "s": pa.array([document, "null", None], pa.json_()),
        }
    )


def variants() -> pa.Table:
    """The same meanings in the other physical forms that may come."""
    return pa.table(
        {
            "d9_2": pa.array([Decimal("-1.25")], pa.decimal128(9, 2)),
            "d18_2": pa.array([Decimal("-1.25")], pa.decimal128(18, 2)),
            "v": pa.array([b"text"], pa.binary()),
            "d": pa.array([-EPOCH_DAY_SECONDS * 1_000_000], pa.timestamp("us")),
            "ts": pa.array([-1], pa.timestamp("us")),
            "tz": pa.array([-1], pa.timestamp("us", tz="UTC")),
        }
    )


def with_page_checks() -> None:
    """Several row groups and pages, each page with its CRC, in both forms of data pages."""
    table = pa.table(
        {
            "n": pa.array(range(600)),
            "v": pa.array([f"text {i % 40}" if i % 7 else None for i in range(600)]),
        }
    )
    for name, version in (("pages.parquet", "1.0"), ("pages_v2.parquet", "2.0")):
        pq.write_table(
            table, FOLDER / name, version="2.6", data_page_version=version, compression="snappy",
            row_group_size=250, data_page_size=256, write_page_checksum=True, store_schema=False,
        )  # fmt: skip


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    write("types.parquet", types())
    write("variants.parquet", variants(), int96=False, store_decimal_as_integer=True)
    write(
        "int96_edges.parquet",
        pa.table(
            {
                "expected": pa.array([text for text, _ in INT96_EDGES]),
                "ts": pa.array([micros for _, micros in INT96_EDGES], pa.timestamp("us")),
            }
        ),
    )
    # 294276-12-31: within Redshift's range, beyond DuckDB's; seconds pass through pyarrow unharmed.
    write("int96_beyond.parquet", pa.table({"ts": pa.array([9_224_318_015_999], pa.timestamp("s"))}))
    write(
        "smallint_too_big.parquet",
        pa.table({"a": pa.array([1]), "n": pa.array([70_000], pa.int32())}),
    )
    write("text_not_utf8.parquet", pa.table({"v": pa.array([b"\xff\xfe"], pa.binary())}))
    write("super_not_json.parquet", pa.table({"s": pa.array(["{not json"])}))
    with_page_checks()
    write("nested.parquet", pa.table({"l": pa.array([[1, 2]])}))


if __name__ == "__main__":
    main()
