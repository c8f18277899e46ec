"""The rows of COPY's files: text, CSV, JSON and Parquet -> one text or None for each column.

Every row knows its line, and a line that cannot be cut into the table's columns is a BadRow with Redshift's code:
https://docs.aws.amazon.com/redshift/latest/dg/r_Load_Error_Reference.html
"""

from __future__ import annotations

import bz2
import csv
import datetime as dt
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.unload.copy_statement import CopyStatement

_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class TableColumn:
    """One column that COPY fills."""

    name: str
    type: str  # as format_type() of PostgreSQL says it
    oid: int
    length: int | None  # in bytes, of CHAR and VARCHAR
    not_null: bool
    has_default: bool

    @property
    def is_text(self) -> bool:
        return self.oid in (25, 1042, 1043)


@dataclass(frozen=True)
class Row:
    file: str
    line: int
    values: tuple[str | None, ...]


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be loaded, as sys_load_error_detail shows it."""

    file: str
    line: int
    code: int
    reason: str
    column: TableColumn | None = None


def read_file(
    statement: CopyStatement, columns: Sequence[TableColumn], file: str, path: Path
) -> Iterator[Row | BadRow]:
    """Every row of one file; `file` is its address. Raises SqlError for a file that is not of this format at all."""
    if statement.format == "PARQUET":
        yield from _parquet_rows(statement, columns, file, path)
        return
    raw = _decompressed(statement, path, file)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        yield BadRow(file, line, 1220, "String contains invalid or unsupported UTF8 codepoints.")
        return
    if statement.format == "JSON":
        yield from _json_rows(columns, file, text)
        return
    width = len(columns)
    for line, fields in _lines(statement, text):
        if line <= statement.skip_lines or (not fields and statement.ignore_blank_lines):
            continue
        if len(fields) > width:
            yield BadRow(file, line, 1202, "Extra column(s) found")
        elif len(fields) < width and not statement.fill_record:
            yield BadRow(file, line, 1214, "Delimiter not found", columns[max(0, len(fields) - 1)])
        else:
            filled: list[str | None] = [*fields, *[None] * (width - len(fields))]
            yield Row(file, line, tuple(_field(statement, c, v) for c, v in zip(columns, filled, strict=True)))


def _decompressed(statement: CopyStatement, path: Path, file: str) -> bytes:
    raw = path.read_bytes()
    try:
        if statement.compression == "GZIP":
            return gzip.decompress(raw)
        if statement.compression == "BZIP2":
            return bz2.decompress(raw)
        if statement.compression == "ZSTD":
            return bytes(pa.CompressedInputStream(io.BytesIO(raw), "zstd").read())
    except (OSError, EOFError, pa.ArrowInvalid):
        raise SqlError("XX000", f"{statement.compression} decompression of {file} failed") from None
    return raw


def _lines(statement: CopyStatement, text: str) -> Iterator[tuple[int, list[str]]]:
    """The number of each line and its fields."""
    if statement.format == "CSV":
        source, delimiter = io.StringIO(text, newline=""), statement.delimiter or ","
        reader = csv.reader(source, delimiter=delimiter, quotechar=statement.quote)
        line = 1
        for fields in reader:
            yield line, fields
            line = reader.line_num + 1
        return
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    number, held = 0, ""
    for one in lines:
        number += 1
        held += one.removesuffix("\r")
        if statement.escape and (len(held) - len(held.rstrip("\\"))) % 2:
            held = held[:-1] + "\n"  # an escaped end of line belongs to the field
            continue
        yield number, _split(statement, held) if held else []
        held = ""


def _split(statement: CopyStatement, line: str) -> list[str]:
    delimiter = statement.delimiter or "|"
    if not statement.escape and not statement.remove_quotes:
        return line.split(delimiter)
    fields, now, quote, at = [], "", "", 0
    while at < len(line):
        character = line[at]
        if statement.escape and character == "\\" and at + 1 < len(line):
            now, at = now + ("\\N" if line[at + 1] == "N" else line[at + 1]), at + 2
            continue
        if statement.remove_quotes and character in "\"'" and (quote == character or (not quote and not now)):
            quote = "" if quote else character
        elif character == delimiter and not quote:
            fields.append(now)
            now = ""
        else:
            now += character
        at += 1
    return [*fields, now]


def _field(statement: CopyStatement, column: TableColumn, value: str | None) -> str | None:
    """https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-conversion.html"""
    if value is None or value == statement.null_as:
        return None
    if column.is_text:
        if statement.trim_blanks and column.oid != 1042:
            value = value.rstrip(" ")
        if (statement.empty_as_null and not value) or (statement.blanks_as_null and not value.strip(" ")):
            return None
        return _shortened(statement, column, value)
    value = value.strip(" ")
    if not value:
        return None  # an empty field of a number or a date is NULL
    if statement.time_format and column.oid in (1114, 1184):
        divisor = 1000 if statement.time_format == "epochmillisecs" else 1
        try:
            return dt.datetime.fromtimestamp(float(value) / divisor, dt.UTC).replace(tzinfo=None).isoformat(" ")
        except (ValueError, OverflowError):
            return value
    return value


def _shortened(statement: CopyStatement, column: TableColumn, value: str) -> str:
    if not statement.truncate_columns or column.length is None:
        return value
    return value.encode()[: column.length].decode(errors="ignore")


def _json_rows(columns: Sequence[TableColumn], file: str, text: str) -> Iterator[Row | BadRow]:
    decoder, at = json.JSONDecoder(parse_float=Decimal), 0
    while True:
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
        if at >= len(text):
            return
        line = text.count("\n", 0, at) + 1
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            yield BadRow(file, line, 1223, "Invalid value.")  # nothing behind it can be read
            return
        if not isinstance(value, dict):
            yield BadRow(file, line, 1223, "Invalid value.")
            return
        yield Row(file, line, tuple(_json_value(c, value.get(c.name)) for c in columns))


def _json_value(column: TableColumn, value: Any) -> str | None:
    if value is None:
        return None
    if column.oid == 3802 or column.type.endswith("super") or isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# What a Parquet file must hold for a column, as Redshift Spectrum reads it: nothing is widened.
_EXACT = {
    16: (pa.bool_(),), 21: (pa.int16(), pa.int8()), 23: (pa.int32(),), 20: (pa.int64(),), 700: (pa.float32(),),
    701: (pa.float64(),), 1082: (pa.date32(),),
}  # fmt: skip


def _parquet_rows(
    statement: CopyStatement, columns: Sequence[TableColumn], file: str, path: Path
) -> Iterator[Row | BadRow]:
    try:
        opened = parquet.ParquetFile(path)
    except (pa.ArrowInvalid, OSError):
        raise SqlError("XX000", f"Spectrum Scan Error: {file} is not a valid Parquet file") from None
    with opened:
        schema = opened.schema_arrow
        found = len(schema)
        if found > len(columns) or (found < len(columns) and not statement.fill_record):
            raise SqlError(
                "XX000", f"Spectrum Scan Error: Unmatched number of columns between table and file. "
                f"Table columns: {len(columns)}, Data columns: {found}, File name: {file}",
            )  # fmt: skip
        for column, one in zip(columns, schema, strict=False):
            if not _fits(statement, column, one.type):
                raise SqlError(
                    "XX000", f"Spectrum Scan Error: File '{file}' has an incompatible Parquet schema for column "
                    f"'{one.name}'. Column type: {column.type.upper()}, Parquet schema: {one.type}",
                )  # fmt: skip
        line, missing = 0, [None] * (len(columns) - found)
        for batch in opened.iter_batches(_BATCH_ROWS):
            for values in zip(*(_texts(array) for array in batch.columns), strict=True):
                line += 1
                yield Row(file, line, (*values, *missing))


def _fits(statement: CopyStatement, column: TableColumn, found: pa.DataType) -> bool:
    if isinstance(found, pa.ExtensionType | pa.BaseExtensionType):
        found = found.storage_type
    if column.oid == 3802 or column.type.endswith("super"):
        nested = pa.types.is_nested(found)
        return statement.serialize_to_json or not nested
    if column.is_text:
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_binary(found))
    if column.oid in (1114, 1184):
        return bool(pa.types.is_timestamp(found))
    if column.oid == 1700:
        scale = int(column.type.partition(",")[2].rstrip(")") or 0)
        precision = int(column.type.partition("(")[2].partition(",")[0].rstrip(")") or 38)
        return bool(pa.types.is_decimal(found)) and found.scale == scale and found.precision <= precision
    return found in _EXACT.get(column.oid, ())


def _texts(array: pa.Array) -> list[str | None]:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_timestamp(array.type):
        if array.type.unit == "ns":
            array = array.cast(pa.timestamp("us", array.type.tz), safe=False)
        return [None if v is None else v.replace(tzinfo=None).isoformat(" ") for v in array.to_pylist()]
    return [_text(value) for value in array.to_pylist()]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)
