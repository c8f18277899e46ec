"""One client's session: its loop, and what it does with each message.

One thread per session moves bytes between the client and a backend that runs as the client's real role.
SQL is translated in Query and Parse; everything else is forwarded unchanged.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import Any

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway import backend as backends
from redshift_sandbox.gateway import disturb, wire
from redshift_sandbox.gateway.backend import Backend
from redshift_sandbox.gateway.exchange import Exchange
from redshift_sandbox.gateway.flow import Expected, Step
from redshift_sandbox.gateway.hub import Hub
from redshift_sandbox.gateway.login import Greeting
from redshift_sandbox.gateway.snapshots import Snapshots
from redshift_sandbox.gateway.statements import Prepared, Running, State, Statements
from redshift_sandbox.gateway.stream import Closed, Stream, wait
from redshift_sandbox.gateway.unloads import run_unload

_IDLE_LOOK_SECONDS = 0.5  # how often a session looks whether it has been idle for too long
_LINGER_SECONDS = 5.0  # how long a client may take to read its last message


class Session:
    """Serves `greeting`'s client on `backend` until one of them closes. run() belongs to one thread; cancel() and
    end() may come from any."""

    def __init__(self, hub: Hub, greeting: Greeting, backend: Backend, user: str) -> None:
        superuser = backend.parameters.get("is_superuser") == "on"
        self.hub = hub
        self.state = State(user, greeting.database, backend.pid, superuser)
        self.client = Stream(greeting.sock)
        self.statements = Statements(hub, self.state)
        self.cancel_requested = threading.Event()
        knob = hub.faults.take("gateway.reset_after_bytes")
        if knob is not None:
            self.client.reset_after = int(knob.get("bytes", 0))
        self._backend = Stream(backend.sock)
        self.exchange = Exchange(self.client, self._backend, self.statements, hub.signal)
        self._key = backend.key
        self._inbox = bytearray()
        self._messages: deque[tuple[str, bytes]] = deque()
        self._script: deque[list[Prepared]] = deque()  # what is left of a simple query
        self._prepared: dict[bytes, Prepared] = {}
        self._portals: dict[bytes, Prepared] = {}
        self._done = False
        self._drop_client = False
        self._snapshots = Snapshots()
        self._active = hub.clock.now()
        self._reset_when_done = False  # the client gets no reply to what runs now

    @property
    def session_id(self) -> int:
        return self.state.session_id

    def facts(self) -> dict[str, Any]:
        return {"session_id": self.session_id, "user": self.state.user, "database": self.state.database}

    # ---- the loop

    def run(self) -> None:
        session_id = self.state.session_id
        self.hub.meter.session_opened(session_id, self.state.user)
        try:
            while not self._done:
                self._advance()
                self._push()
                if not self._done:
                    self._wait()
            self.client.flush_all(_LINGER_SECONDS)
        except Closed:
            self.hub.log("session.closed", {"session_id": session_id})
        except wire.ProtocolError as error:
            self._last_words(SqlError("08P01", str(error), severity="FATAL"))
        except Exception as error:  # the client gets an error, and the other sessions go on
            self.hub.log("session.failed", {"session_id": session_id, "error": type(error).__name__})
            self._last_words(SqlError("XX000", f"internal error: {type(error).__name__}", severity="FATAL"))
        finally:
            self.statements.abandon()
            self.hub.meter.session_closed(session_id)
            self.client.close()
            self._backend.close()

    def cancel(self) -> None:
        """What a CancelRequest does: the running statement or UNLOAD fails with 57014."""
        self.cancel_requested.set()
        backends.cancel(self.hub.postgres.socket_path, self._key)

    def end(self) -> None:
        """Makes run() return soon."""
        self.cancel_requested.set()
        self.client.shut()
        self._backend.shut()

    def drop_client_if_asked(self) -> None:
        """The fault that closes the connection while the statement goes on."""
        if self._drop_client:
            with contextlib.suppress(Closed):
                self.client.reset()

    def send(self, timeout_seconds: float) -> None:
        """Sends what is queued for the client, in the middle of a statement. Throws Closed."""
        if not self._reset_when_done:
            self.client.flush_all(timeout_seconds)

    def _wait(self) -> None:
        read_client = not self._backend.congested and not self._messages and not self._script
        read_backend = not self.client.congested
        wait([(self.client, read_client), (self._backend, read_backend)], _IDLE_LOOK_SECONDS)
        if read_backend:
            self._take_answers()
        if read_client:
            data = self.client.receive()
            if data or not self.exchange.idle:
                self._active = self.hub.clock.now()
            self._inbox += data or b""
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        """https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html; the text is assumed."""
        knob = self.hub.faults.peek("gateway.idle_timeout")
        if knob is None or self._inbox or self._messages or self._script or not self.exchange.idle:
            return
        name, default = ("seconds", 3600) if self.state.status == b"I" else ("transaction_seconds", 21600)
        if (self.hub.clock.now() - self._active).total_seconds() > float(knob.get(name, default)):
            self._last_words(SqlError("57P05", "terminating connection due to idle-session timeout", severity="FATAL"))
            self._done = True

    def _push(self) -> None:
        self._backend.flush()
        if self._drop_client:
            self.client.reset()
        if self._reset_when_done:
            if self.exchange.idle and not self._script:
                self.client.reset()
            return
        self.client.flush()

    def _take_answers(self) -> None:
        try:
            self.exchange.take_answers()
        except Closed:
            self._done = True  # the last messages of the backend are still sent to the client

    def _last_words(self, error: SqlError) -> None:
        try:
            self.client.queue(wire.error_response(error))
            self.client.flush_all(_LINGER_SECONDS)
        except Closed:
            return

    # ---- from the client

    def _advance(self) -> None:
        """Handles what the client sent, up to something that must wait for the backend."""
        for kind, body in wire.cut_messages(self._inbox):
            self._messages.append((chr(kind), body))
        while not self._done:
            if self._script:
                if not self.exchange.idle:
                    return
                self._next_of_script()
            elif self._messages:
                if self._must_wait(*self._messages[0]):
                    return
                self._handle(*self._messages.popleft())
            else:
                return

    def _must_wait(self, kind: str, body: bytes) -> bool:
        """A simple query may change settings or hold UNLOAD: it starts when all before it has ended. The same
        holds for an UNLOAD in the extended protocol, and for Parse in a transaction whose snapshot is followed."""
        if self.exchange.idle:
            return False
        if kind == "P" and self._snapshots.followed and not self.exchange.skipping:
            self.exchange.hurry()
            return True
        if kind == "E" and not self.exchange.skipping:
            portal = self._portals.get(_names(body, 1)[0])
            if portal is not None and portal.unload:
                self.exchange.hurry()
                return True
        return kind == "Q"

    def _handle(self, kind: str, body: bytes) -> None:
        exchange = self.exchange
        if kind == "X":
            exchange.forward(b"X")
            self._done = True
        elif kind == "S":
            exchange.skipping = exchange.in_extended = False
            exchange.forward(b"S", body, Expected(Step.SYNC))
        elif not exchange.skipping:
            self._tell_unload_count()
            exchange.in_extended = kind in "PBDECH"
            self._handle_request(kind, body)

    def _handle_request(self, kind: str, body: bytes) -> None:
        if kind == "Q":
            self._simple_query(_text(body))
        elif kind == "P":
            self._parse(body)
        elif kind == "B":
            self._bind(body)
        elif kind == "D":
            self.exchange.forward(b"D", body, Expected(Step.DESCRIBE))
        elif kind == "E":
            self._execute(body)
        elif kind == "C":
            self._close(body)
        elif kind == "H":
            self.exchange.forward(b"H")
        elif kind == "F":
            self.exchange.refuse_query(SqlError("0A000", "function call protocol is not supported"))
        elif kind not in "dcf":  # the data of a COPY that was refused
            raise wire.ProtocolError(f"invalid frontend message type {ord(kind)}")

    def _start(self, statements: list[Prepared]) -> deque[Running]:
        self.cancel_requested.clear()
        faults = self.hub.faults
        if disturb.meets(faults, "gateway.reset_before", statements) is not None:
            self.client.reset()
        for name in ("gateway.drop_during_statement", "gateway.reset_during"):
            self._drop_client |= disturb.meets(faults, name, statements) is not None
        self._reset_when_done |= disturb.meets(faults, "gateway.reset_after", statements) is not None
        return self.statements.start(statements)

    def _tell_unload_count(self) -> None:
        """Brings the backend's copy of the last UNLOAD and COPY counts up to date: before a request, and outside
        failed transactions. A rollback undoes it, so after a transaction it is done again."""
        state = self.state
        if (state.unload_count, state.copied) == (None, None) or state.status == b"E":
            return
        if not self.exchange.idle or self.exchange.in_extended:
            return
        if state.unload_count is not None:
            self.exchange.ask(f"SET redshift.last_unload_count TO '{state.unload_count}'")
        if state.copied is not None:
            self.exchange.ask(f"SET redshift.last_copy TO '{state.copied[0]} {state.copied[1]}'")
        if state.status == b"I":
            state.unload_count = state.copied = None

    # ---- simple protocol

    def _simple_query(self, sql: str) -> None:
        try:
            statements = self.statements.read(sql)
        except SqlError as error:
            self.statements.refused()
            self.exchange.refuse_query(error)
            return
        if not statements:
            self.exchange.forward(b"Q", b"\0", Expected(Step.QUERY))
        self.exchange.query_failed = False
        # Ordinary statements that follow each other go to the backend as one query. UNLOAD goes alone, and so does
        # BEGIN: the transaction may have to be started again after it.
        for one in statements:
            before = self._script[-1][0] if self._script else one
            alone = one.unload or one.begins or not self._script or before.unload or before.begins
            if alone:
                self._script.append([one])
            else:
                self._script[-1].append(one)

    def _next_of_script(self) -> None:
        if self.exchange.query_failed:
            self._script.clear()
            return
        statements = self._script.popleft()
        running = self._start(statements)
        last = not self._script
        failed = disturb.failure(self.hub.faults, statements, running[0].query_id) or self._outlived(statements)
        if failed is not None:
            for one in running:
                self.statements.finish(one, failed)
            self._script.clear()
            if any(one.verb in ("COMMIT", "END") for one in statements) and self.state.status == b"T":
                self.exchange.ask("ROLLBACK")  # a COMMIT that fails ends its transaction
                self.statements.set_status(b"I")
            self.exchange.refuse_query(failed)
            return
        if statements[0].unload:
            self._unload_in_query(statements[0], running[0], last)
            return
        sql = ";\n".join(one.statement.sql for one in statements)
        self.exchange.forward(b"Q", wire.cstring(sql), Expected(Step.QUERY, running, more_follows=not last))

    def _outlived(self, statements: list[Prepared]) -> SqlError | None:
        """Follows the transaction's snapshot; the error of statements whose tables have gone since."""
        if statements[0].begins and self.state.status == b"I":
            self._snapshots.began(statements[0].statement.sql)
        elif self.state.status == b"T":
            try:
                return self._snapshots.before([one.touched for one in statements], self.exchange.ask)
            except SqlError as error:
                return error
        return None

    def _unload_in_query(self, statement: Prepared, running: Running, last: bool) -> None:
        error = run_unload(self, statement.unload, running.query_id)
        self._active = self.hub.clock.now()
        self.statements.finish(running, error)
        if error is not None:
            self._script.clear()
            self.exchange.refuse_query(error)
            return
        self.client.queue(wire.command_complete(statement.verb))
        if last:
            self.statements.all_finished()
            self.client.queue(wire.ready_for_query(self.state.status))

    # ---- extended protocol

    def _parse(self, body: bytes) -> None:
        name, sql, types = _names(body, 2)
        self._prepared.pop(name, None)
        try:
            prepared = self.statements.read_single(_text(sql))
            self._follow(prepared)
            backend_sql = prepared.statement.sql
            self._prepared[name] = prepared
        except SqlError as error:
            backend_sql = self.exchange.refusal(error)
        self.exchange.forward(b"P", name + b"\0" + wire.cstring(backend_sql) + types, Expected(Step.PARSE))

    def _follow(self, prepared: Prepared) -> None:
        """Follows the transaction's snapshot at the first message of an exchange, while the backend can still be
        asked, and only if the transaction began in the simple protocol. Throws SqlError."""
        if prepared.begins:
            self._snapshots.lost()
        exchange = self.exchange
        if not self._snapshots.followed or self.state.status != b"T" or not exchange.idle:
            return
        exchange.in_extended = False
        gone = self._outlived([prepared])
        exchange.in_extended = True
        if gone is not None:
            raise gone

    def _bind(self, body: bytes) -> None:
        portal, statement, _ = _names(body, 2)
        self._portals.pop(portal, None)
        if statement in self._prepared:
            self._portals[portal] = self._prepared[statement]
        self.exchange.forward(b"B", body, Expected(Step.BIND))

    def _execute(self, body: bytes) -> None:
        prepared = self._portals.get(_names(body, 1)[0])
        if prepared is None:
            self.exchange.forward(b"E", body, Expected(Step.EXECUTE))
            return
        running = self._start([prepared])
        error = disturb.failure(self.hub.faults, [prepared], running[0].query_id)
        if not prepared.unload and error is None:
            self.exchange.forward(b"E", body, Expected(Step.EXECUTE, running))
            return
        error = error or run_unload(self, prepared.unload, running[0].query_id)
        self.statements.finish(running[0], error)
        self.statements.all_finished()
        if error is None:
            self.client.queue(wire.command_complete(prepared.verb))
        elif self.exchange.skipping:  # the backend has failed too, and already waits for Sync
            self.client.queue(wire.error_response(error))
        else:
            # A Parse that fails leaves the backend in the same state as an Execute that fails.
            refusal = wire.cstring(self.exchange.refusal(error))
            self.exchange.forward(b"P", b"pg_sandbox_refused\0" + refusal + b"\0\0", Expected(Step.PARSE))

    def _close(self, body: bytes) -> None:
        store = self._prepared if body[:1] == b"S" else self._portals
        store.pop(_names(body[1:], 1)[0], None)
        self.exchange.forward(b"C", body, Expected(Step.CLOSE))


def _names(body: bytes, count: int) -> list[bytes]:
    """The first `count` strings of a message, and the rest."""
    parts = body.split(b"\0", count)
    if len(parts) <= count:
        raise wire.ProtocolError("invalid string in message")
    return parts


def _text(raw: bytes) -> str:
    try:
        return raw.split(b"\0", 1)[0].decode()
    except UnicodeDecodeError as error:
        raise wire.ProtocolError("SQL is not UTF-8") from error
