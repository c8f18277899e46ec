"""Reads a lake by its commit files, as docs/LAKE.md tells a reader to: from a folder or a bucket, with DuckDB or
with pyarrow. It shares no code with the program, and checks what the page promises as it goes."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Engine = Literal["duckdb", "pyarrow"]
Row = tuple[Any, ...]

_COMMIT = re.compile(r"[0-9]{20}\.json")
_SEALED = re.compile(rb',\s*"sha256": "([0-9a-f]{64})"\s*\}\s*\Z')


class Broken(AssertionError):
    """The lake is not what docs/LAKE.md says."""


def encode(name: str) -> str:
    """A name as a path component."""
    out = "".join(chr(b) if chr(b) in _PLAIN else f"%{b:02X}" for b in name.encode())
    return f"%{ord(out[0]):02X}{out[1:]}" if out[:1] in ("_", ".") else out


_PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789_-."


class Lake(ABC):
    """`Folder(path)` or `Bucket(boto3_client, bucket, prefix)`."""

    @abstractmethod
    def names(self, prefix: str = "") -> list[str]:
        """All files that start with `prefix`, below the root."""

    @abstractmethod
    def read(self, name: str) -> bytes: ...

    @abstractmethod
    def local(self, names: list[str]) -> Any:
        """Context of paths on local disk, in the order of `names`."""

    def tables(self) -> set[str]:
        """Encoded "schema/table" of every table that has a version."""
        split = [name.split("/") for name in self.names()]
        return {f"{p[0]}/{p[1]}" for p in split if len(p) == 4 and p[2] == "_commits" and _COMMIT.fullmatch(p[3])}

    def home(self, schema: str, table: str) -> str:
        """The table's folder, below the root."""
        return _home(schema, table)

    def versions(self, schema: str, table: str) -> list[int]:
        found = (n.rpartition("/")[2] for n in self.names(f"{_home(schema, table)}/_commits/"))
        return sorted(int(n[:20]) for n in found if _COMMIT.fullmatch(n))

    def commit(self, schema: str, table: str, version: int | None = None) -> dict[str, Any] | None:
        """The newest version's commit file, or that one's; None if there is no such table."""
        versions = self.versions(schema, table)
        if not versions:
            return None
        number = versions[-1] if version is None else version
        commit = _parse(self.read(f"{_home(schema, table)}/_commits/{number:020}.json"))
        _expect(commit["version"] == number, "a version's number is its name")
        _expect((commit["schema"], commit["table"]) == (schema, table), "a commit file names its table")
        _expect(commit["rows"] == sum(f["rows"] for f in commit["files"]), "rows add up")
        _expect(commit["bytes"] == sum(f["bytes"] for f in commit["files"]), "bytes add up")
        return commit

    def columns(self, schema: str, table: str) -> list[tuple[str, str]]:
        commit = self.commit(schema, table)
        return [] if commit is None else [(c["name"], c["type"]) for c in commit["columns"]]

    def rows(
        self, schema: str, table: str, *, engine: Engine = "duckdb", version: int | None = None
    ) -> list[Row] | None:
        """Rows in no order; None if there is no such table."""
        commit = self.commit(schema, table, version)
        if commit is None:
            return None
        home = _home(schema, table)
        out: list[Row] = []
        with self.local([f"{home}/{f['path']}" for f in commit["files"]]) as paths:
            for path, file in zip(paths, commit["files"], strict=True):
                _expect(path.stat().st_size == file["bytes"], f"{file['path']} has the bytes its commit says")
                read = _by_duckdb if engine == "duckdb" else _by_pyarrow
                rows = read(path, commit["columns"])
                _expect(len(rows) == file["rows"], f"{file['path']} has the rows its commit says")
                out += rows
        return out

    def unlisted(self) -> list[str]:
        """Files below data/ that no version lists: of dead loads, or of one under way."""
        listed = set()
        for home in self.tables():
            for name in self.names(f"{home}/_commits/"):
                if _COMMIT.fullmatch(name.rpartition("/")[2]):
                    listed |= {f"{home}/{f['path']}" for f in _parse(self.read(name))["files"]}
        return sorted(n for n in self.names() if "/data/" in n and n not in listed)

    def missing(self) -> list[str]:
        """Files that a version lists and that are not there: always a mistake."""
        there = set(self.names())
        lost = []
        for home in self.tables():
            for name in self.names(f"{home}/_commits/"):
                if _COMMIT.fullmatch(name.rpartition("/")[2]):
                    files = _parse(self.read(name))["files"]
                    lost += [f"{home}/{f['path']}" for f in files if f"{home}/{f['path']}" not in there]
        return lost


class Folder(Lake):
    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, prefix: str = "") -> list[str]:
        # Where the prefix's folder begins: an rglob of the whole lake for every question would be slow.
        start = self._root / prefix.rpartition("/")[0]
        found = (p.relative_to(self._root).as_posix() for p in start.rglob("*") if p.is_file())
        return sorted(n for n in found if n.startswith(prefix))

    def read(self, name: str) -> bytes:
        return (self._root / name).read_bytes()

    @contextmanager
    def local(self, names: list[str]) -> Iterator[list[Path]]:
        yield [self._root / name for name in names]


class Bucket(Lake):
    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def names(self, prefix: str = "") -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        keys = (o["Key"] for page in pages for o in page.get("Contents", []))
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def read(self, name: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()
        return body

    @contextmanager
    def local(self, names: list[str]) -> Iterator[list[Path]]:
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{n}.parquet" for n in range(len(names))]
            for name, path in zip(names, paths, strict=True):
                self._client.download_file(self._bucket, self._prefix + name, str(path))
            yield paths


def _home(schema: str, table: str) -> str:
    return f"{encode(schema)}/{encode(table)}"


def _parse(text: bytes) -> dict[str, Any]:
    sealed = _SEALED.search(text)
    _expect(sealed is not None, "a commit file ends in its sha256")
    assert sealed is not None
    digest = hashlib.sha256(text[: sealed.start()]).hexdigest()
    _expect(digest == sealed[1].decode(), "a commit file is as it was written")
    commit: dict[str, Any] = json.loads(text)
    _expect((commit["format"], commit["format_version"]) == ("sluice-lake", 1), "the format is known")
    return commit


def _by_duckdb(path: Path, columns: list[dict[str, str]]) -> list[Row]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        source = f"read_parquet({_text(str(path))}, hive_partitioning = false, binary_as_string = true)"
        have = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        wanted = [
            f"CAST({_name(c['name'])} AS {c['type']})" if c["name"] in have else f"CAST(NULL AS {c['type']})"
            for c in columns
        ]
        return connection.execute(f"SELECT {', '.join(wanted)} FROM {source}").fetchall()


def _by_pyarrow(path: Path, columns: list[dict[str, str]]) -> list[Row]:
    table = pq.read_table(path, coerce_int96_timestamp_unit="us", partitioning=None)
    cells = []
    for column in columns:
        target = _arrow_type(column["type"])
        if column["name"] not in table.column_names:
            cells.append([None] * table.num_rows)
            continue
        data = table.column(column["name"])
        if pa.types.is_timestamp(target) and target.tz and not data.type.tz:
            data = pc.assume_timezone(data.cast(pa.timestamp("us")), "UTC")
        cells.append(data.cast(target).to_pylist())
    return list(zip(*cells, strict=True)) if cells else [()] * table.num_rows


_ARROW = {
    "BOOLEAN": pa.bool_(), "SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64(),
    "FLOAT": pa.float32(), "DOUBLE": pa.float64(), "VARCHAR": pa.string(), "JSON": pa.string(),
    "BLOB": pa.binary(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"), "TIME": pa.time64("us"),
    "TIME WITH TIME ZONE": pa.time64("us"),
}  # fmt: skip


def _arrow_type(engine_type: str) -> pa.DataType:
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", engine_type)
    if decimal:
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    return _ARROW[engine_type]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _expect(holds: bool, promise: str) -> None:
    if not holds:
        raise Broken(promise)
