"""Runs UNLOAD and COPY for a session: what the unloader needs of it, and the checks before the statement."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterable
from typing import Protocol

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway import wire
from redshift_sandbox.gateway.exchange import Exchange
from redshift_sandbox.gateway.hub import Hub
from redshift_sandbox.gateway.statements import State, Statements
from redshift_sandbox.gateway.stream import Closed, Stream

_NOTICE_SECONDS = 10.0
# UNLOAD reads through its own connections: they would wait without end for a DROP that itself waits for the session's
# transaction.
_LOCK_MILLISECONDS = "10000"
# Everything about the session that decides what its query reads, in one query.
_SITUATION = """SELECT current_user, pg_catalog.current_setting('transaction_read_only'),
 (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'),
 pg_catalog.current_setting('search_path'), pg_catalog.current_setting('TimeZone'),
 pg_catalog.current_setting('DateStyle')"""


class Session(Protocol):
    """What UNLOAD needs of the session that runs it."""

    hub: Hub
    state: State
    client: Stream
    statements: Statements
    exchange: Exchange
    cancel_requested: threading.Event

    def drop_client_if_asked(self) -> None: ...

    def send(self, timeout_seconds: float) -> None: ...


def run_unload(session: Session, sql: str, query_id: int) -> SqlError | None:
    """Executes `sql`; None on success. REQUIRES: the session's backend is idle.

    Never raises: a client that has closed its connection does not stop an UNLOAD
    (measured by others on provisioned clusters).
    """
    unloader = session.hub.unloader
    assert unloader is not None
    if session.state.status == b"E":
        return SqlError("25P02", "current transaction is aborted, commands ignored until end of transaction block")
    session.drop_client_if_asked()
    try:
        context = UnloadContext(session, query_id)
        if context.read_only:
            return SqlError("25006", "transaction is read-only")
        unloader.run(context, sql)
    except SqlError as error:
        if error.sqlstate == "57014":
            return SqlError("57014", f"Query ({query_id}) canceled on user's request")
        return error
    except Exception as error:
        if session.cancel_requested.is_set():  # whatever the error of the interrupted read was
            return SqlError("57014", f"Query ({query_id}) canceled on user's request")
        session.hub.log("unload.failed", {"session_id": session.state.session_id, "error": type(error).__name__})
        return SqlError("XX000", f"internal error: {type(error).__name__}")
    return None


class UnloadContext:
    """contracts.SessionContext for one UNLOAD. Lives as long as the statement, in the session's thread."""

    def __init__(self, session: Session, query_id: int) -> None:
        self._session = session
        self.query_id = query_id
        self.database = session.state.database
        self.session_id = session.state.session_id
        self.in_transaction = session.state.status != b"I"
        situation = [value or "" for value in session.exchange.ask(_SITUATION)[0]]
        self.user = situation[0]
        self.read_only = situation[1] == "on"
        self._settings = dict(zip(("search_path", "TimeZone", "DateStyle"), situation[3:], strict=True))
        milliseconds = int(situation[2])
        self._deadline = session.hub.clock.now() + dt.timedelta(milliseconds=milliseconds) if milliseconds else None

    def snapshot(self) -> str | None:
        """The name of the transaction's snapshot, valid until it ends."""
        if not self.in_transaction:
            return None
        return self._session.exchange.ask("SELECT pg_catalog.pg_export_snapshot()")[0][0]

    def backend_dsn(self) -> str:
        settings = {**self._settings, "lock_timeout": _LOCK_MILLISECONDS}
        options = " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items())
        return self._session.hub.postgres.dsn(user=self.user, database=self.database, options=options)

    def notice(self, severity: str, message: str) -> None:
        session = self._session
        session.client.queue(wire.fields(b"N", [("S", severity), ("C", "00000"), ("M", message)]))
        with contextlib.suppress(Closed):  # UNLOAD goes on without its client
            session.send(_NOTICE_SECONDS)

    def cancelled(self) -> bool:
        if self._deadline is not None and self._session.hub.clock.now() > self._deadline:
            return True
        return self._session.cancel_requested.is_set()

    def identifier_case_sensitive(self) -> bool:
        return self._session.state.case_sensitive

    def to_backend_sql(self, redshift_sql: str) -> str:
        return self._session.statements.to_backend(redshift_sql)

    def query(self, backend_sql: str) -> list[list[str | None]]:
        return self._session.exchange.ask(backend_sql)

    def copy_in(self, backend_sql: str, lines: Iterable[bytes]) -> None:
        self._session.exchange.copy_in(backend_sql, lines)

    def last_copy_count(self, rows: int) -> None:
        self._session.state.copied = (self.query_id, rows)

    def last_unload_count(self, rows: int) -> None:
        self._session.state.unload_count = rows


def _escaped(value: str) -> str:
    """A value of libpq's options keyword: a backslash goes before spaces and backslashes."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
