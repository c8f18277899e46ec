"""Where tables land, seen by a reader that shares nothing with the program: what stands there, what was
committed, what was left behind."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import duckdb
import psycopg
from lake_reader import Folder, Lake
from redshift_sandbox import account
from redshift_sandbox.aws.s3_model import Bucket
from redshift_sandbox.aws.s3_store import ObjectStore
from redshift_sandbox.world import Sandbox

if TYPE_CHECKING:
    from postgres_server import PostgresServer

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Committed:
    """What the destination says of a stream's last commit."""

    run: str
    attempt: str
    watermark: str | None


class Destination(ABC):
    """One destination of one connection. Everything reads it as it is now; nothing is kept open, so that
    the program may write between."""

    kind: str
    write_modes: tuple[str, ...] = ("overwrite", "append", "merge", "history")

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The `destination` of a configuration."""

    def variables(self) -> dict[str, str]:
        """What the environment must hold besides."""
        return {}

    @abstractmethod
    def exists(self) -> bool:
        """Whether anything was ever written there."""

    @abstractmethod
    def query(self, sql: str) -> Rows:
        """SQL in the destination's own dialect."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Several questions in a row may share a connection meanwhile."""
        yield

    @abstractmethod
    def tables(self) -> dict[str, int]:
        """Rows of each schema.table, without Sluice's own."""

    @abstractmethod
    def columns(self, table: str) -> list[str]: ...

    def rows(self, table: str, columns: list[str] | None = None) -> Rows:
        """Rows in no order: Decimal, datetime, str, int, float, bool, None."""
        names = columns if columns is not None else self.columns(table)
        return self.query(f"SELECT {', '.join(map(quoted, names))} FROM {quoted_table(table)}")

    @abstractmethod
    def committed(self) -> dict[str, Committed]:
        """The last commit of each stream."""

    def leftovers(self) -> list[str]:
        """What belongs to no committed state: staging tables, files of dead runs."""
        return []

    def remove(self) -> None:  # noqa: B027 most lie in the test's own folder
        """After the test."""

    def fingerprint(self) -> dict[str, Any]:
        """What a reader can see; two that are equal show the same rows."""
        return {name: (self.columns(name), sorted(map(repr, self.rows(name)))) for name in self.tables()}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quoted_table(table: str) -> str:
    schema, name = table.split(".", 1)
    return f"{quoted(schema)}.{quoted(name)}"


class DuckDb(Destination):
    kind = "duckdb"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: duckdb.DuckDBPyConnection | None = None
        self.fix: Callable[[], object] | None = None  # a command that opens the file

    def settings(self) -> dict[str, Any]:
        return {"type": "duckdb", "path": str(self.path)}

    def exists(self) -> bool:
        return self.path.exists()

    def query(self, sql: str) -> Rows:
        if self._open is not None:
            return self._open.execute(sql).fetchall()
        with self._connect() as connection:
            return connection.execute(sql).fetchall()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        # A reader must wait for the next sluice here (GUARANTEES, "What is not promised").
        if self.fix is not None and Path(f"{self.path}.undo").exists():
            self.fix()
        return duckdb.connect(str(self.path), read_only=True)

    @contextmanager
    def reading(self) -> Iterator[None]:
        if not self.exists():
            yield
            return
        with self._connect() as self._open:
            try:
                yield
            finally:
                self._open = None

    def tables(self) -> dict[str, int]:
        if not self.exists():
            return {}
        names = self.query(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema <> '_sluice' ORDER BY 1, 2"
        )
        return {f"{s}.{t}": self.query(f"SELECT count(*) FROM {quoted(s)}.{quoted(t)}")[0][0] for s, t in names}

    def columns(self, table: str) -> list[str]:
        schema, name = table.split(".", 1)
        found = self.query(
            "SELECT column_name FROM duckdb_columns() WHERE"
            f" schema_name = '{schema}' AND table_name = '{name}' ORDER BY column_index"
        )
        return [row[0] for row in found]

    def committed(self) -> dict[str, Committed]:
        if not self.exists() or not self.query("SELECT 1 FROM duckdb_tables() WHERE schema_name = '_sluice'"):
            return {}
        return {s: Committed(r, a, w) for s, r, a, w in self.query(
            "SELECT stream, run, attempt, watermark FROM _sluice.state")}  # fmt: skip

    def fingerprint(self) -> dict[str, Any]:
        # Large tables too: hashed inside the database.
        return {
            name: (self.columns(name), self.query(f"SELECT count(*), sum(hash(t)) FROM {quoted_table(name)} t"))
            for name in self.tables()
        }


class Postgres(Destination):
    """A database of its own on the tests' private server."""

    kind = "postgres"

    def __init__(self, server: PostgresServer, database: str) -> None:
        self.server, self.database = server, database
        self._open: psycopg.Connection[Any] | None = None
        server.create_database(database)

    def settings(self) -> dict[str, Any]:
        return {"type": "postgres", "host": self.server.host, "port": self.server.port, "database": self.database,
                "user": self.server.user, "password": "${SLUICE_TEST_PASSWORD}", "sslmode": "disable"}  # fmt: skip

    def variables(self) -> dict[str, str]:
        return {"SLUICE_TEST_PASSWORD": self.server.password}

    def exists(self) -> bool:
        return bool(self.query("SELECT 1 FROM pg_namespace WHERE nspname = '_sluice'"))

    def query(self, sql: str) -> Rows:
        if self._open is not None:
            return self._open.execute(sql.encode()).fetchall()
        with self.server.connect(self.database) as connection:
            return connection.execute(sql.encode()).fetchall()

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self.server.connect(self.database) as self._open:
            try:
                yield
            finally:
                self._open = None

    def tables(self) -> dict[str, int]:
        names = self.query(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', '_sluice')"
            " AND NOT starts_with(tablename, '_sluice_') ORDER BY 1, 2"
        )
        return {f"{s}.{t}": self.query(f"SELECT count(*) FROM {quoted(s)}.{quoted(t)}")[0][0] for s, t in names}

    def columns(self, table: str) -> list[str]:
        schema, name = table.split(".", 1)
        found = self.query(
            "SELECT column_name FROM information_schema.columns WHERE"
            f" table_schema = '{schema}' AND table_name = '{name}' ORDER BY ordinal_position"
        )
        return [row[0] for row in found]

    def committed(self) -> dict[str, Committed]:
        if not self.query("SELECT 1 FROM pg_tables WHERE schemaname = '_sluice' AND tablename = 'state'"):
            return {}
        return {s: Committed(r, a, w) for s, r, a, w in self.query(
            "SELECT stream, run, attempt, watermark FROM _sluice.state")}  # fmt: skip

    def remove(self) -> None:
        self.server.drop_database(self.database)

    def leftovers(self) -> list[str]:
        """Tables of the program's own besides its state."""
        found = self.query(
            "SELECT tablename FROM pg_tables WHERE schemaname = '_sluice' AND tablename <> 'state'"
            " OR starts_with(tablename, '_sluice_')"
        )
        return sorted(row[0] for row in found)


class LakeAt(Destination):
    """A lake, read by its commit files alone."""

    write_modes = ("overwrite", "append")

    def __init__(self, lake: Lake, path: str) -> None:
        self.lake, self.path = lake, path

    def settings(self) -> dict[str, Any]:
        return {"type": "lake", "path": self.path}

    def exists(self) -> bool:
        return bool(self.lake.names())

    def query(self, sql: str) -> Rows:
        raise NotImplementedError("a lake answers no SQL")

    def _names(self) -> list[tuple[str, str]]:
        found = (home.split("/") for home in self.lake.tables())
        return sorted((unquote(schema), unquote(table)) for schema, table in found)

    def tables(self) -> dict[str, int]:
        commits = {name: self.lake.commit(*name) for name in self._names()}
        return {".".join(name): commit["rows"] for name, commit in commits.items() if commit is not None}

    def columns(self, table: str) -> list[str]:
        schema, name = table.split(".", 1)
        return [column for column, _ in self.lake.columns(schema, name)]

    def rows(self, table: str, columns: list[str] | None = None) -> Rows:
        schema, name = table.split(".", 1)
        there = self.columns(table)
        at = [there.index(column) for column in (there if columns is None else columns)]
        return [tuple(row[i] for i in at) for row in self.lake.rows(schema, name) or []]

    def committed(self) -> dict[str, Committed]:
        commits = filter(None, (self.lake.commit(*name) for name in self._names()))
        return {c["stream"]: Committed(c["run"], c["attempt"], (c["watermark"] or {}).get("value")) for c in commits}

    def leftovers(self) -> list[str]:
        # Files that no version lists may belong to a load under way: they stay for 48 hours.
        return [f"missing: {name}" for name in self.lake.missing()]


class LakeFolder(LakeAt):
    kind = "lake"

    def __init__(self, root: Path) -> None:
        super().__init__(Folder(root), str(root))


class LakeBucket(LakeAt):
    """In a bucket of the sandbox's, beneath a prefix of its own; looked at from behind, not through S3."""

    kind = "lake-s3"
    bucket = "acme-lake"

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        store = sandbox.aws.store
        if self.bucket not in [bucket.name for bucket in store.buckets()]:
            sandbox.aws.add_bucket(self.bucket, account.REGION, account.ACCOUNT)
            self._allow(sandbox)
        super().__init__(_Stored(store, store.bucket(self.bucket), f"{name}/"), f"s3://{self.bucket}/{name}/")

    def _allow(self, sandbox: Sandbox) -> None:
        actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        bucket = f"arn:aws:s3:::{self.bucket}"
        document = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": f"{bucket}/*"},
            {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads"], "Resource": bucket},
        ]}  # fmt: skip
        role = sandbox.facts.role_arn.rpartition("/")[2]
        sandbox.aws.identity.put_identity_policy(account.ACCOUNT, "role", role, "lake", json.dumps(document))


class _Stored(Lake):
    def __init__(self, store: ObjectStore, bucket: Bucket, prefix: str) -> None:
        self._store, self._bucket, self._prefix = store, bucket, prefix

    def names(self, prefix: str = "") -> list[str]:
        listing = self._store.list_objects(self._bucket, self._prefix + prefix, "", "", 100_000)
        return sorted(found.key.removeprefix(self._prefix) for found in listing.objects)

    def _path(self, name: str) -> Path:
        found = self._store.find(self._bucket, self._prefix + name)
        assert found is not None, f"{name} is not in the bucket"
        return found.file

    def read(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    @contextmanager
    def local(self, names: list[str]) -> Iterator[list[Path]]:
        yield [self._path(name) for name in names]


# What `make_destination` of conftest.py can make, and the program can be configured for.
DESTINATIONS: tuple[type[Destination], ...] = (DuckDb, Postgres, LakeFolder, LakeBucket)
