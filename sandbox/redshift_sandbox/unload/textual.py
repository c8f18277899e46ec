"""The text formats of UNLOAD: CSV, JSON and delimited text. https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html

Booleans are `t` and `f`, NULL and '' are both empty in CSV unless NULL AS says otherwise, floats print `nan`, `inf`,
`-inf` (measured by others). That only Parquet files get an extension of their own is assumed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.unload.columns import Described
from redshift_sandbox.unload.parts import Part
from redshift_sandbox.unload.statement import Format, UnloadStatement

Row = tuple[str | None, ...]

_BOOLEAN = 16
_NUMBERS = frozenset({20, 21, 23, 700, 701, 1700})
_FLOATS = frozenset({700, 701})
_FLOAT_WORDS = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
_COMPRESSED = {"GZIP": ("gzip", ".gz"), "BZIP2": ("bz2", ".bz2"), "ZSTD": ("zstd", ".zst")}


def text_extension(statement: UnloadStatement) -> str:
    """The extension of the files: that of EXTENSION, else that of the compression."""
    if statement.extension is not None:
        return "." + statement.extension.lstrip(".")
    return _COMPRESSED[statement.compression][1] if statement.compression else ""


class TextFiles:
    """Turns rows into finished files."""

    def __init__(self, statement: UnloadStatement, described: Sequence[Described], folder: Path) -> None:
        self._statement = statement
        self._described = described
        self._folder = folder
        names = [d.name for d in described]
        if statement.format is Format.JSON and len(set(names)) != len(names):
            raise SqlError("42701", "UNLOAD to JSON requires unique column names")
        csv = statement.format is Format.CSV
        self._delimiter = statement.delimiter or ("," if csv else "|")
        self._null = statement.null_as or ""

    def write(self, rows: Iterator[Row], sizes: Iterator[int]) -> Iterator[Part]:
        """Files of at most the given numbers of rows and of the size the statement allows."""
        row = next(rows, None)
        index = 0
        while row is not None:
            path = self._folder / str(index)
            count, allowed, index = 0, next(sizes), index + 1
            with pa.OSFile(str(path), "wb") as sink, self._compressed(sink) as out:
                written = self._header(out)
                while row is not None and count < allowed and written < self._statement.max_file_bytes():
                    line = self._line(row).encode()
                    out.write(line)
                    count, written = count + 1, written + len(line)
                    row = next(rows, None)
            yield Part(path, count, path.stat().st_size)

    def _compressed(self, sink: pa.NativeFile) -> pa.NativeFile:
        if self._statement.compression is None:
            return sink
        return pa.CompressedOutputStream(sink, _COMPRESSED[self._statement.compression][0])

    def _header(self, out: pa.NativeFile) -> int:
        if not self._statement.header:
            return 0
        line = (self._delimiter.join(self._quoted(d.name) for d in self._described) + "\n").encode()
        out.write(line)
        return len(line)

    def _line(self, row: Row) -> str:
        if self._statement.format is Format.JSON:
            return self._json(row) + "\n"
        return self._delimiter.join(self._field(d, value) for d, value in zip(self._described, row, strict=True)) + "\n"

    def _field(self, d: Described, value: str | None) -> str:
        if value is None:
            return self._null
        if d.oid == _BOOLEAN:
            value = value[0]
        elif d.oid in _FLOATS:
            value = _FLOAT_WORDS.get(value, value)
        return self._quoted(value)

    def _quoted(self, value: str) -> str:
        if self._statement.format is Format.CSV:
            special = (self._delimiter, '"', "\n", "\r")
            return '"' + value.replace('"', '""') + '"' if any(c in value for c in special) else value
        if self._statement.escape:
            for character in ("\\", self._delimiter, "\n", "\r", '"', "'"):
                value = value.replace(character, "\\" + character)
        return f'"{value}"' if self._statement.add_quotes else value

    def _json(self, row: Row) -> str:
        pairs = (
            f"{json.dumps(d.name, ensure_ascii=False)}:{_json_value(d, value)}"
            for d, value in zip(self._described, row, strict=True)
        )
        return "{" + ",".join(pairs) + "}"


def _json_value(d: Described, value: str | None) -> str:
    if value is None:
        return "null"
    if d.oid == _BOOLEAN:
        return f'"{value[0]}"'
    if d.oid in _NUMBERS and value not in _FLOAT_WORDS:
        return value
    return json.dumps(_FLOAT_WORDS.get(value, value) if d.oid in _FLOATS else value, ensure_ascii=False)
