"""One client's session: its loop, and what each message of it means.

One thread per session moves bytes between the client and a backend that runs as the client's real role.
SQL is translated in Query and Parse; everything else is forwarded as it came. A refused statement is sent
as SQL that cannot be parsed, and the backend's error replaced: so transactions abort and the extended
protocol skips to Sync exactly as PostgreSQL does it, without the gateway keeping a copy of those rules.
"""

from __future__ import annotations

import itertools
import struct
import threading
from collections import deque
from collections.abc import Iterable

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway import backend as backends
from redshift_sandbox.gateway import errors, wire
from redshift_sandbox.gateway.backend import Backend
from redshift_sandbox.gateway.dialect import Dialect, Translated, translate_statement
from redshift_sandbox.gateway.flow import COMPLETES, Expected, Prepared, Running, Step, relations_of
from redshift_sandbox.gateway.hub import Hub
from redshift_sandbox.gateway.login import Greeting
from redshift_sandbox.gateway.parameters import CASE_SENSITIVE, boolean
from redshift_sandbox.gateway.records import HISTORY_VIEWS, blanked
from redshift_sandbox.gateway.responses import ResponseFilter
from redshift_sandbox.gateway.stream import Closed, Stream, wait
from redshift_sandbox.gateway.tokens import Token, meaningful, split_statements, text_of, tokenize
from redshift_sandbox.gateway.unloads import run_unload
from redshift_sandbox.pg.history import QueryRecord

_LINGER_SECONDS = 5.0  # a client that does not read its last message is not waited for longer
_PLACEHOLDER = "DO ''"  # stands for UNLOAD in the backend: no parameters, no columns
# Parameters reported to the client, as PostgreSQL 8.0 reported them.
_REPORTED = frozenset(("client_encoding", "DateStyle", "is_superuser", "session_authorization"))


def greeting_parameters(backend: Backend) -> list[tuple[str, str]]:
    """ParameterStatus at login; no standard_conforming_strings, no TimeZone: 8.0 reported neither."""
    given = backend.parameters
    return [
        ("client_encoding", "UNICODE"),
        ("DateStyle", given.get("DateStyle", "ISO, MDY")),
        ("integer_datetimes", "on"),
        ("is_superuser", given.get("is_superuser", "off")),
        ("server_encoding", "UNICODE"),
        ("server_version", "8.0.2"),
        ("session_authorization", given.get("session_authorization", "")),
    ]


class Session:
    """Serves `greeting`'s client on `backend` until either goes. run() belongs to one thread; cancel()
    may come from any."""

    def __init__(self, hub: Hub, greeting: Greeting, backend: Backend, user: str) -> None:
        self.hub = hub
        self.user = user
        self.database = greeting.database
        self.session_id = backend.pid
        self.superuser = backend.parameters.get("is_superuser") == "on"
        self.case_sensitive = False
        self.status = b"I"
        self.client = Stream(greeting.sock)
        self.backend = Stream(backend.sock)
        self.cancel_requested = threading.Event()
        self.unload_count: int | None = None  # not yet told to the backend
        self._key = backend.key
        self._inbox = bytearray()
        self._messages: deque[tuple[int, bytes]] = deque()
        self._script: deque[tuple[list[Translated], str, list[str]]] = deque()
        self._expected: deque[Expected] = deque()
        self._statements: dict[bytes, Prepared] = {}
        self._portals: dict[bytes, Prepared] = {}
        self._refusals: dict[int, SqlError] = {}
        self._refusal_numbers = itertools.count(1)
        self._skipping = False
        self._in_extended = False  # between the first extended message and its Sync
        self._case_before_transaction = False
        self._filter = ResponseFilter(self._on_response)
        self._done = False
        self._drop_client = False
        self._current_query_id = 0

    # ---- the loop

    def run(self) -> None:
        self.hub.meter.session_opened(self.session_id, self.user)
        try:
            while not self._done:
                self._advance()
                self._push()
                if not self._done:
                    self._wait()
            self.client.flush_all(_LINGER_SECONDS)
        except Closed:
            self.hub.log("session.closed", {"session_id": self.session_id})
        except wire.ProtocolError as error:
            self._last_words(SqlError("08P01", str(error), severity="FATAL"))
        finally:
            self.hub.meter.session_closed(self.session_id)
            self.client.close()
            self.backend.close()

    def cancel(self) -> None:
        """What a CancelRequest does: the running statement or UNLOAD fails with 57014."""
        self.cancel_requested.set()
        backends.cancel(self.hub.postgres.socket_path, self._key)

    def end(self) -> None:
        """Makes run() return soon. For another thread, when the gateway stops."""
        self.cancel_requested.set()
        self.client.shut()
        self.backend.shut()

    def _wait(self) -> None:
        read_client = not self.backend.congested and not self._holds()
        read_backend = not self.client.congested
        wait([(self.client, read_client), (self.backend, read_backend)], None)
        if read_backend:
            self._read_backend()
        if read_client:
            data = self.client.receive()
            if data:
                self._inbox += data

    def _push(self) -> None:
        self.backend.flush()
        if self._drop_client:
            self.client.drop()
            raise Closed("dropped by fault")
        self.client.flush()

    def drop_client_if_asked(self) -> None:
        """The fault that cuts the connection while the statement goes on."""
        if self._drop_client:
            self.client.drop()

    def _read_backend(self) -> None:
        try:
            data = self.backend.receive()
        except Closed:
            self._done = True  # what it said last still goes to the client
            return
        if data:
            for part in self._filter.feed(data):
                self.client.queue(part)

    def _last_words(self, error: SqlError) -> None:
        try:
            self.client.queue(wire.error_response(error))
            self.client.flush_all(_LINGER_SECONDS)
        except Closed:
            return

    # ---- from the client

    def _holds(self) -> bool:
        """Whether the next thing to do waits for answers still under way."""
        return bool(self._messages or self._script)

    def _advance(self) -> None:
        """Handles what the client sent, up to something that must wait for the backend."""
        for kind, body in wire.cut_messages(self._inbox):
            self._messages.append((kind, body))
        while not self._done:
            if self._script:
                if self._expected:
                    return
                self._next_of_script()
            elif self._messages:
                kind, body = self._messages[0]
                if self._must_wait(kind, body):
                    return
                self._messages.popleft()
                self._handle(chr(kind), body)
            else:
                return

    def _must_wait(self, kind: int, body: bytes) -> bool:
        if not self._expected:
            return False
        if kind == ord("E") and not self._skipping:
            portal = self._portals.get(body.split(b"\0", 1)[0])
            if portal is not None and portal.unload is not None:
                self._forward(b"H")
                return True
        # A simple query may hold UNLOAD or change settings: it starts when all before it has ended.
        return kind == ord("Q")

    def _handle(self, kind: str, body: bytes) -> None:
        if kind == "X":
            self._forward(b"X")
            self._done = True
        elif kind == "S":
            self._skipping = self._in_extended = False
            self._forward(b"S", body, Expected(Step.SYNC))
        elif self._skipping:
            return
        else:
            self._tell_unload_count()
            self._in_extended = kind in "PBDECH"
            self._handle_request(kind, body)

    def _handle_request(self, kind: str, body: bytes) -> None:
        if kind == "Q":
            self._simple_query(_text(body))
        elif kind == "P":
            self._parse(body)
        elif kind == "B":
            self._bind(body)
        elif kind == "D":
            self._forward(b"D", body, Expected(Step.DESCRIBE))
        elif kind == "E":
            self._execute(body)
        elif kind == "C":
            self._close(body)
        elif kind == "H":
            self._forward(b"H")
        elif kind == "F":
            self._refuse_query(SqlError("0A000", "function call protocol is not supported"))
        elif kind not in "dcf":  # COPY data of a COPY that was refused
            raise wire.ProtocolError(f"invalid frontend message type {ord(kind)}")

    def _forward(self, kind: bytes, body: bytes = b"", expected: Expected | None = None) -> None:
        self.backend.queue(wire.message(kind, body))
        if expected is not None:
            self._expected.append(expected)

    # ---- simple protocol

    def _simple_query(self, sql: str) -> None:
        try:
            parts = self._translate_all(sql)
        except SqlError as error:
            self.hub.meter.statement_started(self.session_id)
            self._refuse_query(error)
            return
        if not parts:
            self._forward(b"Q", b"\0", Expected(Step.QUERY))
            return
        self._script.extend(parts)

    def _translate_all(self, sql: str) -> list[tuple[list[Translated], str, list[str]]]:
        """The query cut into runs of ordinary statements and single UNLOADs: (statements, UNLOAD or "",
        their texts for the record)."""
        parts: list[tuple[list[Translated], str, list[str]]] = []
        for tokens in split_statements(tokenize(sql)):
            raw = text_of(tokens).strip()
            if self._is_unload(tokens, raw):
                parts.append(([Translated(_PLACEHOLDER, "UNLOAD")], raw, [self._blank_unload(raw)]))
                continue
            one = translate_statement(tokens, self._dialect())
            text = blanked(tokens).strip()
            begins = one.verb in ("BEGIN", "START")  # its isolation level must come before any query
            if parts and not parts[-1][1] and not begins:
                parts[-1][0].append(one)
                parts[-1][2].append(text)
            else:
                parts.append(([one], "", [text]))
        return parts

    def _next_of_script(self) -> None:
        statements, unload, texts = self._script.popleft()
        running = deque(self._start(statements, texts))
        last = not self._script
        if unload:
            self._unload_in_query(unload, running[0], last)
            return
        expected = Expected(Step.QUERY, running, more_follows=not last)
        self._forward(b"Q", wire.cstring(";\n".join(one.sql for one in statements)), expected)

    def _unload_in_query(self, sql: str, running: Running, last: bool) -> None:
        error = run_unload(self, sql, running.query_id)
        self._finish(running, error)
        if error is not None:
            self._script.clear()
            self._refuse_query(error)
            return
        self.client.queue(wire.command_complete("UNLOAD"))
        if last:
            self.hub.meter.statement_finished(self.session_id)
            self.client.queue(wire.ready_for_query(self.status))

    def _refuse_query(self, error: SqlError) -> None:
        self._forward(b"Q", wire.cstring(self._refusal(error)), Expected(Step.QUERY))

    def _refusal(self, error: SqlError) -> str:
        number = next(self._refusal_numbers)
        self._refusals[number] = error
        return errors.refused_marker(number)

    # ---- extended protocol

    def _parse(self, body: bytes) -> None:
        name, sql, types = body.split(b"\0", 2)
        self._statements.pop(name, None)
        try:
            prepared = self._prepare(_text(sql))
            backend_sql = prepared.statement.sql
            self._statements[name] = prepared
        except SqlError as error:
            backend_sql = self._refusal(error)
        self._forward(b"P", name + b"\0" + wire.cstring(backend_sql) + types, Expected(Step.PARSE))

    def _prepare(self, sql: str) -> Prepared:
        parts = split_statements(tokenize(sql))
        if len(parts) > 1:
            raise SqlError("42601", "cannot insert multiple commands into a prepared statement")
        if not parts:
            return Prepared(Translated("", ""), "")
        raw = text_of(parts[0]).strip()
        if self._is_unload(parts[0], raw):
            return Prepared(Translated(_PLACEHOLDER, "UNLOAD"), self._blank_unload(raw), raw)
        return Prepared(translate_statement(parts[0], self._dialect()), blanked(parts[0]).strip())

    def _bind(self, body: bytes) -> None:
        portal, statement, _ = body.split(b"\0", 2)
        prepared = self._statements.get(statement)
        if prepared is not None:
            self._portals[portal] = prepared
        else:
            self._portals.pop(portal, None)
        self._forward(b"B", body, Expected(Step.BIND))

    def _execute(self, body: bytes) -> None:
        prepared = self._portals.get(body.split(b"\0", 1)[0])
        if prepared is None:
            self._forward(b"E", body, Expected(Step.EXECUTE))
            return
        running = next(iter(self._start([prepared.statement], [prepared.text])))
        if prepared.unload is None:
            self._forward(b"E", body, Expected(Step.EXECUTE, deque([running])))
            return
        error = run_unload(self, prepared.unload, running.query_id)
        self._finish(running, error)
        self.hub.meter.statement_finished(self.session_id)
        if error is None:
            self.client.queue(wire.command_complete("UNLOAD"))
        elif self._skipping:  # the backend failed too and waits for Sync already
            self.client.queue(wire.error_response(error))
        else:
            # A Parse that fails puts the backend where a failed Execute would have put it.
            name = b"pg_sandbox_refused"
            self._forward(b"P", name + b"\0" + wire.cstring(self._refusal(error)) + b"\0\0", Expected(Step.PARSE))

    def _close(self, body: bytes) -> None:
        store = self._statements if body[:1] == b"S" else self._portals
        store.pop(body[1:].rstrip(b"\0"), None)
        self._forward(b"C", body, Expected(Step.CLOSE))

    # ---- statements

    def _dialect(self) -> Dialect:
        denied = self.hub.faults.peek("gateway.deny_pg_tables") is not None
        return Dialect(self.case_sensitive, self.superuser, denied, self.status != b"I")

    def to_backend(self, tokens_sql: str) -> str:
        return ";\n".join(
            translate_statement(tokens, self._dialect()).sql for tokens in split_statements(tokenize(tokens_sql))
        )

    def _is_unload(self, tokens: list[Token], raw: str) -> bool:
        if meaningful(tokens)[0].word != "UNLOAD":
            return False
        if self.hub.unloader is None:
            raise SqlError("0A000", "this sandbox runs without UNLOAD")
        return self.hub.unloader.is_unload(raw)

    def _blank_unload(self, raw: str) -> str:
        assert self.hub.unloader is not None
        return self.hub.unloader.blank(raw)

    def _start(self, statements: list[Translated], texts: list[str]) -> Iterable[Running]:
        """Statements begin: cold start, faults, meter, settings."""
        self._cold_start()
        self.cancel_requested.clear()
        if self.hub.faults.take("gateway.drop_during_statement") is not None:
            self._drop_client = True
        self.hub.meter.statement_started(self.session_id, len(statements))
        now = self.hub.clock.now()
        out = []
        for statement, text in zip(statements, texts, strict=True):
            if statement.words & HISTORY_VIEWS:
                self.hub.records.write()
            self._follow_setting(statement)
            self._filter.shows_version |= "version" in statement.words
            self._current_query_id = self.hub.records.next_query_id()
            out.append(Running(self._current_query_id, statement, text, now))
        return out

    def _cold_start(self) -> None:
        knob = self.hub.faults.peek("gateway.cold_start_delay")
        if knob is not None and not self.hub.meter.awake():
            self.hub.stopping.wait(float(knob.get("seconds", 10)))

    def _follow_setting(self, statement: Translated) -> None:
        assignment = statement.assignment
        if assignment is None:
            return
        if assignment.name == CASE_SENSITIVE:
            self.case_sensitive = boolean(CASE_SENSITIVE, assignment.value or "off")
        elif assignment.name == "all":
            self.case_sensitive = False

    def _finish(self, running: Running, error: SqlError | None) -> None:
        status = "success"
        if error is not None:
            status = "canceled" if error.sqlstate == "57014" else "failed"
        self.hub.records.add(
            QueryRecord(
                user=self.user, database=self.database, session_id=self.session_id, query_id=running.query_id,
                query_type=running.statement.verb, status=status, start_time=running.started,
                end_time=self.hub.clock.now(), query_text=running.text, returned_rows=running.rows,
                error_message=error.message if error else "",
            )
        )  # fmt: skip

    # ---- inner questions to the backend

    def ask(self, sql: str) -> list[list[str | None]]:
        """Rows of one statement on the session's own backend, unseen by the client. Throws SqlError.

        REQUIRES: no answer is under way. Inside the client's extended exchange it ends without Sync, so
        that the implicit transaction stays open; a failure then leaves the backend skipping to Sync.
        """
        name = b"pg_sandbox_ask\0"
        messages = [
            wire.message(b"P", name + wire.cstring(sql) + b"\0\0"),
            wire.message(b"B", name + name + b"\0\0\0\0\0\0"),
            wire.message(b"E", name + b"\0\0\0\0"),
            wire.message(b"C", b"P" + name),
            wire.message(b"C", b"S" + name),
            wire.message(b"H" if self._in_extended else b"S"),
        ]
        self.backend.queue(b"".join(messages))
        return self._answer()

    def _answer(self) -> list[list[str | None]]:
        buffer, rows, closed = bytearray(), [], 0
        failure: SqlError | None = None
        while True:
            self.backend.flush()
            wait([(self.backend, True)], None)
            buffer += self.backend.receive() or b""
            for kind, body in wire.cut_messages(buffer):
                if kind == ord("D"):
                    rows.append(_row(body))
                elif kind == ord("E"):
                    values = dict(wire.read_fields(body))
                    failure = SqlError(values["C"], values["M"])
                    self._skipping = self._in_extended
                elif kind == ord("3"):
                    closed += 1
                if kind == ord("Z") or (self._in_extended and (failure or closed == 2)):
                    if failure is not None:
                        raise failure
                    return rows

    def _tell_unload_count(self) -> None:
        """Brings the backend's copy of the last UNLOAD count up to date: before a request, and outside
        failed transactions. Within a transaction a rollback undoes it, hence again after that."""
        if self.unload_count is None or self.status == b"E" or self._expected or self._in_extended:
            return
        self.ask(f"SET redshift.last_unload_count TO '{self.unload_count}'")
        if self.status == b"I":
            self.unload_count = None

    # ---- from the backend

    def _on_response(self, kind: int, body: bytes) -> bytes | None:
        head = self._expected[0] if self._expected else None
        if kind == ord("E"):
            return self._on_error(body, head)
        if kind == ord("Z"):
            return self._on_ready(body, head)
        if kind == ord("S"):
            return self._on_parameter(body)
        if kind == ord("N"):
            kept = [(code, value) for code, value in wire.read_fields(body) if code in "SCMDHW"]
            return wire.fields(b"N", kept)
        replaced: bytes | None = None
        if kind == ord("C") and head is not None:
            replaced = self._on_complete(body, head)
        if head is not None and COMPLETES.get(kind) is head.step:
            self._expected.popleft()
            if head.step is Step.EXECUTE and not self._executing():
                self.hub.meter.statement_finished(self.session_id)
        return replaced

    def _executing(self) -> bool:
        return any(one.step in (Step.EXECUTE, Step.QUERY) for one in self._expected)

    def _on_complete(self, body: bytes, head: Expected) -> bytes | None:
        tag = body[:-1].decode()
        self._follow_transaction(tag)
        rows, self._filter.rows = self._filter.rows, 0
        if not head.running:
            return None
        running = head.running.popleft()
        running.rows = rows
        self._finish(running, None)
        shown = running.statement.tag
        return wire.command_complete(shown) if shown else None

    def _follow_transaction(self, tag: str) -> None:
        if tag.startswith(("BEGIN", "START TRANSACTION")):
            self._set_status(b"T")
        elif tag.startswith("ROLLBACK"):
            self.case_sensitive = self._case_before_transaction
            self._set_status(b"I")
        elif tag.startswith("COMMIT"):
            self._set_status(b"I")

    def _set_status(self, status: bytes) -> None:
        if self.status == b"I" and status != b"I":
            self._case_before_transaction = self.case_sensitive
            self.hub.meter.transaction_opened(self.session_id)
        elif status == b"I" and self.status != b"I":
            self.hub.meter.transaction_closed(self.session_id)
        self.status = status

    def _on_ready(self, body: bytes, head: Expected | None) -> bytes | None:
        self._set_status(body[:1])
        if head is None:
            return None
        self._expected.popleft()
        self._filter.shows_version = False
        if head.more_follows:
            return b""
        if not self._executing():
            self.hub.meter.statement_finished(self.session_id)
        return None

    def _on_error(self, body: bytes, head: Expected | None) -> bytes:
        values = wire.read_fields(body)
        number = errors.refused_number(dict(values).get("M", ""))
        running = head.running.popleft() if head is not None and head.running else None
        if number is not None and number in self._refusals:
            values = errors.as_fields(self._refusals.pop(number))
        else:
            query_id = running.query_id if running else self._current_query_id
            values = errors.rewrite(values, query_id, self._relations(running))
        if running is not None:
            by_code = dict(values)
            self._finish(running, SqlError(by_code.get("C", ""), by_code.get("M", "")))
        self._after_error(head)
        return wire.fields(b"E", values)

    def _relations(self, running: Running | None) -> tuple[str, ...]:
        if running is None:
            return ()
        try:
            return relations_of([token.text for token in meaningful(tokenize(running.statement.sql))])
        except SqlError:
            return ()

    def _after_error(self, head: Expected | None) -> None:
        if self.status == b"T":
            self._set_status(b"E")
        if head is not None and head.step is Step.QUERY:
            self._script.clear()
            head.more_follows = False
            head.running.clear()
            return
        while self._expected and self._expected[0].step not in (Step.SYNC, Step.QUERY):
            self._expected.popleft()
        if not self._expected:
            self._skipping = True
        if not self._executing():
            self.hub.meter.statement_finished(self.session_id)

    def _on_parameter(self, body: bytes) -> bytes:
        name, value = body[:-1].split(b"\0", 1)
        if name.decode() not in _REPORTED:
            return b""
        if name == b"client_encoding":
            value = b"UNICODE"
        return wire.parameter_status(name.decode(), value.decode())


def _text(raw: bytes) -> str:
    try:
        return raw.split(b"\0", 1)[0].decode()
    except UnicodeDecodeError as error:
        raise wire.ProtocolError("SQL is not UTF-8") from error


def _row(body: bytes) -> list[str | None]:
    (count,) = struct.unpack(">H", body[:2])
    position, out = 2, []
    for _ in range(count):
        (length,) = struct.unpack(">i", body[position : position + 4])
        position += 4
        out.append(None if length < 0 else body[position : position + length].decode())
        position += max(length, 0)
    return out
