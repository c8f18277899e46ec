"""Reads the rows of one SELECT from the private PostgreSQL, as the session's user and in the session's snapshot.

Two connections of the session's user share one snapshot: psycopg plans and describes, ADBC reads the rows as Arrow.
Neither is the session's own, so they do not see temporary tables and uncommitted changes of the session; the README
names this limit. A third one, of an administrator, serves the result cache.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader
from psycopg import pq, sql

from redshift_sandbox.contracts import SessionContext, SqlError
from redshift_sandbox.unload.columns import VARBYTES, Column, Described, is_open_numeric
from redshift_sandbox.unload.errors import cancelled, from_postgres
from redshift_sandbox.unload.pool import Pool, drop
from redshift_sandbox.unload.select_text import relations
from redshift_sandbox.unload.watch import cancelling

_KEPT_BYTES_MAX = 63  # PostgreSQL's NAMEDATALEN
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


AdminDsn = Callable[[str], str]  # database -> libpq keywords of an administrator


@dataclass(frozen=True)
class Plan:
    """What PostgreSQL's planner says about the SELECT."""

    rows: int  # estimated
    tree: dict[str, Any]  # EXPLAIN (VERBOSE, FORMAT JSON)


class Source:
    """REQUIRES: used as a context manager, by one thread."""

    def __init__(
        self, session: SessionContext, select: str, query_id: int, admin_dsn: AdminDsn, pool: Pool
    ) -> None:
        self._session = session
        self._admin_dsn = admin_dsn
        self._pool = pool
        self._admin: psycopg.Connection[Any] | None = None
        self._select = session.to_backend_sql(select)
        self._query_id = query_id
        self._dsn = session.backend_dsn()
        self._planner = self._connected(self._dsn)

    def __enter__(self) -> Source:
        try:
            self._begin()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        self._returned(self._dsn, self._planner)
        if self._admin is not None:
            self._returned(self._admin_dsn(self._session.database), self._admin)

    # -- planning -------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Plans the SELECT. This also checks names and privileges, because EXPLAIN starts the executor."""
        tree = self._planned()
        return Plan(rows=max(1, int(tree["Plan Rows"])), tree=tree)

    def describe(self) -> list[Described]:
        """Name, type and typmod of each column."""
        self._checked(self._planner.pgconn.prepare(b"", self._select.encode()))
        result = self._checked(self._planner.pgconn.describe_prepared(b""))
        names = self._long_names([(result.fname(i) or b"").decode() for i in range(result.nfields)])
        return [Described(name, result.ftype(i), result.fmod(i)) for i, name in enumerate(names)]

    def _long_names(self, names: list[str]) -> list[str]:
        """What names as long as PostgreSQL keeps stand for. Outside of the snapshot: a name may be newer than it."""
        if not any(len(name.encode()) == _KEPT_BYTES_MAX for name in names):
            return names
        dsn = self._admin_dsn(self._session.database)
        connection = self._connected(dsn)
        found = [self._rows(connection, "SELECT pg_catalog.pg_sandbox_full_name(%s)", (name,))[0][0] for name in names]
        self._returned(dsn, connection)
        return found

    def scales(self, described: Sequence[Described]) -> dict[int, int]:
        """The largest scale in each NUMERIC column without a declared one, by position."""
        open_columns = [i for i, d in enumerate(described) if is_open_numeric(d)]
        if not open_columns:
            return {}
        wanted = ", ".join(f"max(scale(c{i}))" for i in open_columns)
        with self._cancellable():
            row = self._rows(self._planner, f"SELECT {wanted} FROM {self._wrapped(len(described))}")[0]
        return {i: min(int(value or 0), 37) for i, value in zip(open_columns, row, strict=True)}

    # -- rows -----------------------------------------------------------------------------------

    def batches(self, columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow, streamed; a batch is about 16 MB."""
        wanted = ", ".join(f"c{i}::text" if c.as_text else f"c{i}" for i, c in enumerate(columns))
        select = f"SELECT {wanted} FROM {self._wrapped(len(columns))}"
        schema = pa.schema([column.field() for column in columns])
        try:
            with self._reader() as connection, connection.cursor() as cursor:
                for statement in self._reader_setup():
                    cursor.execute(statement)
                with cancelling(self._session, cursor.adbc_cancel):
                    cursor.adbc_statement.set_sql_query(select)
                    stream, _ = cursor.adbc_statement.execute_query()
                    # This reader keeps SQLSTATE and message of an error between two rows; the public one loses both.
                    for batch in AdbcRecordBatchReader._import_from_c(stream.address):
                        arrays = [c.converted(batch.column(i)) for i, c in enumerate(columns)]
                        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except adbc_driver_manager.Error as error:
            raise self._from_adbc(error) from None

    def text_rows(self, described: Sequence[Described]) -> Iterator[tuple[str | None, ...]]:
        """The rows in PostgreSQL's text form, one by one; bytes as hexadecimal digits."""
        width = len(described)
        wanted = ", ".join(
            f"pg_catalog.encode(c{i}, 'hex')" if d.oid in VARBYTES else f"c{i}::text" for i, d in enumerate(described)
        )
        cursor = self._planner.cursor()
        with self._cancellable():
            try:
                yield from cursor.stream(f"SELECT {wanted} FROM {self._wrapped(width)}".encode())
            except psycopg.Error as error:
                raise self._from_psycopg(error) from None

    # -- change tokens (see cache.py) -----------------------------------------------------------

    def identity(self) -> tuple[str, str]:
        """The user, the database and the settings of this read."""
        return self._session.user, self._session.database

    def query_as_superuser(self, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a query of the sandbox's own in the same snapshot."""
        if self._admin is None:
            self._admin = self._connected(self._admin_dsn(self._session.database))
            self._admin.execute("SET lock_timeout = '200ms'")  # these queries are not important enough to wait
            self._share_snapshot(self._admin)
        return self._rows(self._admin, text, parameters)

    # -- plumbing -------------------------------------------------------------------------------

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        """A connection of the Arrow driver; it is kept for others only if it had no error."""
        connection = self._pool.take("adbc", self._dsn, lambda dsn: adbc.connect(dsn, autocommit=True))
        try:
            yield connection
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
        except BaseException:
            drop(connection)
            raise
        self._pool.give("adbc", self._dsn, connection)

    def _returned(self, dsn: str, connection: psycopg.Connection[Any]) -> None:
        try:
            if connection.info.transaction_status != pq.TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
        except psycopg.Error:
            drop(connection)
        else:
            self._pool.give("psycopg", dsn, connection)

    def _connected(self, dsn: str) -> psycopg.Connection[Any]:
        def connect(wanted: str) -> psycopg.Connection[Any]:
            # Tables change between two UNLOADs, and a statement prepared for the old one would fail.
            return psycopg.connect(wanted, autocommit=True, prepare_threshold=None)

        try:
            connection: psycopg.Connection[Any] = self._pool.take("psycopg", dsn, connect)
            return connection
        except psycopg.Error as error:
            raise SqlError("08006", "the sandbox's database refused a connection of UNLOAD") from error

    def _begin(self) -> None:
        snapshot = self._session.snapshot()
        if snapshot is None:
            self._planner.execute(_BEGIN)
            snapshot = self._rows(self._planner, "SELECT pg_catalog.pg_export_snapshot()")[0][0]
            self._snapshot = str(snapshot)
        else:
            self._snapshot = snapshot
            self._share_snapshot(self._planner)

    def _share_snapshot(self, connection: psycopg.Connection[Any]) -> None:
        try:
            for statement in self._reader_setup():
                connection.execute(statement.encode())
        except psycopg.Error as error:
            raise self._from_psycopg(error) from None

    def _reader_setup(self) -> list[str]:
        return [_BEGIN, f"SET TRANSACTION SNAPSHOT {sql.Literal(self._snapshot).as_string(self._planner)}"]

    def _wrapped(self, width: int) -> str:
        names = ", ".join(f"c{i}" for i in range(width))
        return f"(\n{self._select}\n) AS unload({names})"

    def _planned(self) -> dict[str, Any]:
        result = self._planner.pgconn.exec_params(
            b"EXPLAIN (VERBOSE, FORMAT JSON) " + self._select.encode(), []
        )
        self._checked(result)
        tree: dict[str, Any] = json.loads(result.get_value(0, 0) or b"")[0]["Plan"]
        return tree

    def _cancellable(self) -> Any:
        return cancelling(self._session, self._planner.cancel_safe)

    def _rows(
        self, connection: psycopg.Connection[Any], text: str, parameters: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        try:
            return connection.execute(text.encode(), parameters or None).fetchall()
        except psycopg.Error as error:
            raise self._from_psycopg(error) from None

    def _checked(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            return result
        state = result.error_field(pq.DiagnosticField.SQLSTATE)
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY)
        text = (message or b"").decode(errors="replace")
        raise from_postgres(state.decode() if state else None, text, relations(self._select))

    def _from_psycopg(self, error: psycopg.Error) -> SqlError:
        if self._session.cancelled():
            return cancelled(self._query_id)
        return from_postgres(error.sqlstate, error.diag.message_primary or "the database closed the connection")

    def _from_adbc(self, error: adbc_driver_manager.Error) -> SqlError:
        if self._session.cancelled():
            return cancelled(self._query_id)
        # The keys are bytes, although the driver's annotations say otherwise.
        details = dict[object, bytes](error.details or [])
        primary = details.get(b"PG_DIAG_MESSAGE_PRIMARY", b"the database ended the connection while rows were read")
        return from_postgres(error.sqlstate, primary.decode(errors="replace"))

