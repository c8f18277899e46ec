"""Reads the rows of one SELECT from the private PostgreSQL, as the session's user and in the session's snapshot.

Two connections take part in one snapshot: psycopg plans, describes and asks about changes; ADBC streams the rows
as Arrow. Neither is the session's own, so temporary tables and uncommitted changes of the session are not seen;
the README names this limit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
from psycopg import pq, sql

from redshift_sandbox.contracts import SessionContext, SqlError
from redshift_sandbox.unload.columns import Column, Described, is_open_numeric
from redshift_sandbox.unload.errors import cancelled, from_postgres
from redshift_sandbox.unload.watch import cancelling

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@dataclass(frozen=True)
class Plan:
    """What PostgreSQL's planner says of the SELECT."""

    rows: int  # estimated
    tree: dict[str, Any]  # EXPLAIN (VERBOSE, FORMAT JSON)


class Source:
    """REQUIRES: used as a context manager, by one thread."""

    def __init__(self, session: SessionContext, select: str, query_id: int) -> None:
        self._session = session
        self._select = session.to_backend_sql(select)
        self._query_id = query_id
        self._dsn = session.backend_dsn()
        self._planner = self._connected()

    def __enter__(self) -> Source:
        try:
            self._begin()
        except BaseException:
            self._planner.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._planner.close()

    # -- planning -------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Plans the SELECT. This is also the check of names and privileges: EXPLAIN starts the executor."""
        with self._as_user():
            tree = self._planned()
        return Plan(rows=max(1, int(tree["Plan Rows"])), tree=tree)

    def describe(self) -> list[Described]:
        """Name, type and typmod of each column."""
        with self._as_user():
            prepared = self._planner.pgconn.prepare(b"", self._select.encode())
            self._checked(prepared)
            result = self._checked(self._planner.pgconn.describe_prepared(b""))
            return [
                Described((result.fname(i) or b"").decode(), result.ftype(i), result.fmod(i))
                for i in range(result.nfields)
            ]

    def scales(self, described: Sequence[Described]) -> dict[int, int]:
        """The largest scale in each NUMERIC column that has none declared, by position."""
        open_columns = [i for i, d in enumerate(described) if is_open_numeric(d)]
        if not open_columns:
            return {}
        wanted = ", ".join(f"max(scale(c{i}))" for i in open_columns)
        with self._as_user(), self._cancellable():
            row = self._rows(f"SELECT {wanted} FROM {self._wrapped(len(described))}")[0]
        return {i: min(int(value or 0), 37) for i, value in zip(open_columns, row, strict=True)}

    # -- rows -----------------------------------------------------------------------------------

    def batches(self, columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow, streamed; a batch is about 16 MB."""
        wanted = ", ".join(f"c{i}::text" if c.as_text else f"c{i}" for i, c in enumerate(columns))
        select = f"SELECT {wanted} FROM {self._wrapped(len(columns))}"
        schema = pa.schema([column.field() for column in columns])
        try:
            with adbc.connect(self._dsn, autocommit=True) as connection, connection.cursor() as cursor:
                for statement in self._reader_setup():
                    cursor.execute(statement)
                with cancelling(self._session, cursor.adbc_cancel):
                    cursor.execute(select)
                    for batch in cursor.fetch_record_batch():
                        arrays = [c.converted(batch.column(i)) for i, c in enumerate(columns)]
                        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except adbc_driver_manager.Error as error:
            raise self._from_adbc(error) from None

    def text_rows(self, width: int) -> Iterator[tuple[str | None, ...]]:
        """The rows in PostgreSQL's text form, one by one."""
        wanted = ", ".join(f"c{i}::text" for i in range(width))
        cursor = self._planner.cursor()
        with self._as_user(), self._cancellable():
            try:
                yield from cursor.stream(f"SELECT {wanted} FROM {self._wrapped(width)}".encode())
            except psycopg.Error as error:
                raise self._from_psycopg(error) from None

    # -- change tokens (as the superuser; see cache.py) -----------------------------------------

    def identity(self) -> tuple[str, str]:
        """Whose rights and which database this read stands for."""
        return self._session.user, self._session.database

    def query_as_superuser(self, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a query of the sandbox's own in the same snapshot."""
        return self._rows(text, parameters)

    # -- plumbing -------------------------------------------------------------------------------

    def _connected(self) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(self._dsn, autocommit=True)
        except psycopg.Error as error:
            raise SqlError("08006", "the sandbox's database refused a connection of UNLOAD") from error

    def _begin(self) -> None:
        snapshot = self._session.snapshot()
        try:
            if snapshot is not None:
                self._refuse_read_only(snapshot)
            self._planner.execute(_BEGIN)
            if snapshot is not None:
                self._planner.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        except psycopg.Error as error:
            raise self._from_psycopg(error) from None
        self._snapshot = snapshot or self._rows("SELECT pg_export_snapshot()")[0][0]

    def _refuse_read_only(self, snapshot: str) -> None:
        # The file of an exported snapshot says whether its transaction is read-only; nothing else does.
        exported = self._rows("SELECT pg_read_file('pg_snapshots/' || %s)", [snapshot])[0][0]
        if "\nro:1" in exported:
            raise SqlError("25006", "transaction is read-only")

    def _reader_setup(self) -> list[str]:
        user = psycopg.sql.Identifier(self._session.user).as_string(self._planner)
        snapshot = psycopg.sql.Literal(self._snapshot).as_string(self._planner)
        return [_BEGIN, f"SET TRANSACTION SNAPSHOT {snapshot}", f"SET LOCAL SESSION AUTHORIZATION {user}"]

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

    def _as_user(self) -> _AsUser:
        return _AsUser(self._planner, self._session.user)

    def _cancellable(self) -> Any:
        return cancelling(self._session, self._planner.cancel_safe)

    def _rows(self, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._planner.execute(text.encode(), parameters or None).fetchall()
        except psycopg.Error as error:
            raise self._from_psycopg(error) from None

    def _checked(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            return result
        state = result.error_field(pq.DiagnosticField.SQLSTATE)
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY)
        raise from_postgres(state.decode() if state else None, (message or b"").decode(errors="replace"))

    def _from_psycopg(self, error: psycopg.Error) -> SqlError:
        if self._session.cancelled():
            return cancelled(self._query_id)
        return from_postgres(error.sqlstate, error.diag.message_primary or "the database closed the connection")

    def _from_adbc(self, error: adbc_driver_manager.Error) -> SqlError:
        if self._session.cancelled():
            return cancelled(self._query_id)
        details = dict(error.details or [])
        primary = details.get("PG_DIAG_MESSAGE_PRIMARY", b"")
        text = primary.decode(errors="replace") if isinstance(primary, bytes) else str(primary)
        return from_postgres(error.sqlstate, text or "the database broke off while reading")


class _AsUser:
    """Acts as the session's user within the block; statements outside it are the superuser's."""

    def __init__(self, connection: psycopg.Connection[Any], user: str) -> None:
        self._connection = connection
        self._user = user

    def __enter__(self) -> None:
        self._connection.execute(sql.SQL("SET LOCAL SESSION AUTHORIZATION {}").format(sql.Identifier(self._user)))

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if self._connection.info.transaction_status == pq.TransactionStatus.INTRANS:
            self._connection.execute("RESET SESSION AUTHORIZATION")
