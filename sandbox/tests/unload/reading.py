"""Reads back what UNLOAD wrote: with DuckDB, and INT96 with our own decoder, which uses no library."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet

from redshift_sandbox.testing import RunningSandbox

_JULIAN_EPOCH = 2440588
_DAY_MICROS = 86_400_000_000


def local_parts(sandbox: RunningSandbox, prefix: str, folder: Path) -> list[Path]:
    """Copies of the files that the manifest of `prefix` lists, in its order."""
    paths = []
    for number, entry in enumerate(sandbox.manifest(prefix)["entries"]):
        key = str(entry["url"]).split("/", 3)[3]
        path = folder / f"{number}.parquet"
        path.write_bytes(sandbox.body(key))
        paths.append(path)
    return paths


def rows(paths: list[Path], expression: str = "*") -> list[tuple[Any, ...]]:
    """The rows of all files, ordered by their first column."""
    names = ", ".join(f"'{path}'" for path in paths)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(f"SELECT {expression} FROM read_parquet([{names}]) ORDER BY 1").fetchall()


def int96_micros(path: Path, column: int) -> list[int | None]:
    """The column's values as microseconds since 1970, decoded from the pages."""
    metadata = parquet.ParquetFile(path).metadata
    found: list[int | None] = []
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(column)
        assert chunk.physical_type == "INT96"
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        with path.open("rb") as file:
            file.seek(start)
            found += _chunk(file.read(chunk.total_compressed_size), chunk.num_values)
    return found


def _chunk(data: bytes, wanted: int) -> list[int | None]:
    dictionary: list[int] = []
    values: list[int | None] = []
    at = 0
    while len(values) < wanted:
        header, at = _page_header(data, at)
        page = pa.decompress(data[at : at + header[3]], decompressed_size=header[2], codec="snappy").to_pybytes()
        at += header[3]
        if header[1] == 2:  # dictionary page
            dictionary = _plain(page)
            continue
        assert header[1] == 0, "a data page of version 1"
        values += _data_page(page, header["values"], header["encoding"], dictionary)
    return values


def _data_page(page: bytes, count: int, encoding: int, dictionary: list[int]) -> list[int | None]:
    length = struct.unpack_from("<I", page)[0]  # definition levels: present or null
    present = _hybrid(page[4 : 4 + length], 1, count)
    body = page[4 + length :]
    if encoding in (2, 8):  # PLAIN_DICTIONARY, RLE_DICTIONARY
        indexes = _hybrid(body[1:], body[0], sum(present))
        decoded = [dictionary[i] for i in indexes]
    else:
        decoded = _plain(body)
    following = iter(decoded)
    return [next(following) if here else None for here in present]


def _plain(data: bytes) -> list[int]:
    out = []
    for at in range(0, len(data), 12):
        nanos, julian = struct.unpack_from("<QI", data, at)
        assert nanos < 86_400_000_000_000, "the time of day is within a day"
        assert nanos % 1000 == 0
        out.append((julian - _JULIAN_EPOCH) * _DAY_MICROS + nanos // 1000)
    return out


def _hybrid(data: bytes, width: int, count: int) -> list[int]:
    """Parquet's run-length and bit-packed hybrid."""
    out: list[int] = []
    at = 0
    while len(out) < count:
        header, at = _varint(data, at)
        if header & 1:
            size = (header >> 1) * width
            bits = int.from_bytes(data[at : at + size], "little")
            out += [(bits >> (i * width)) & ((1 << width) - 1) for i in range((header >> 1) * 8)]
            at += size
        else:
            size = (width + 7) // 8
            out += [int.from_bytes(data[at : at + size], "little")] * (header >> 1)
            at += size
    return out[:count]


def _page_header(data: bytes, at: int) -> tuple[dict[Any, int], int]:
    """Thrift compact: field 1 type, 2 uncompressed size, 3 compressed size; in 5 or 7: 1 values, 2 encoding."""
    fields: dict[Any, int] = {}
    at = _struct(data, at, fields, nested=False)
    return fields, at


def _struct(data: bytes, at: int, fields: dict[Any, int], nested: bool) -> int:
    number = 0
    while data[at]:
        number, kind = number + (data[at] >> 4), data[at] & 15
        at += 1
        if kind in (5, 6):
            raw, at = _varint(data, at)
            value = (raw >> 1) ^ -(raw & 1)
            if not nested:
                fields[number] = value
            elif number in (1, 2):
                fields["values" if number == 1 else "encoding"] = value
        elif kind == 8:
            length, at = _varint(data, at)
            at += length
        elif kind == 12:
            at = _struct(data, at, fields if number in (5, 7) and not nested else {}, nested=True)
        else:
            assert kind in (1, 2), f"a field of kind {kind}"
    return at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
