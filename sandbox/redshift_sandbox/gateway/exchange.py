"""The exchange with the backend: requests are forwarded, answers are adapted for the client.

A refused statement is sent as SQL that cannot be parsed, and the backend's error is replaced. So transactions
abort and the extended protocol skips to Sync exactly as in PostgreSQL, and the gateway needs no copy of those
rules.
"""

from __future__ import annotations

import itertools
import struct
from collections import deque
from collections.abc import Callable, Iterable

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway import errors, wire
from redshift_sandbox.gateway.backend import Backend
from redshift_sandbox.gateway.flow import COMPLETES, Expected, Step
from redshift_sandbox.gateway.responses import ResponseFilter
from redshift_sandbox.gateway.statements import Running, Statements
from redshift_sandbox.gateway.stream import Stream, wait
from redshift_sandbox.gateway.types import TYPES

# Parameters reported to the client, as PostgreSQL 8.0 reported them.
_REPORTED = frozenset(("client_encoding", "DateStyle", "is_superuser", "session_authorization"))
_JSONB, _SUPER = struct.pack(">I", 3802), struct.pack(">I", TYPES["super"].oid)
_INTERVAL, _VARBYTE = struct.pack(">I", 1186), struct.pack(">I", TYPES["binary varying"].oid)
_BYTEA = struct.pack(">I", 17)
_GEOMETRY, _GEOMETRY_AS_HEX = struct.pack(">I", TYPES["geometry"].oid), struct.pack(">I", 3999)
_Y2M, _D2S = (struct.pack(">I", TYPES[f"interval {part}"].oid) for part in ("year to month", "day to second"))
_MONTHS_ONLY = 0b110  # format (INTERVAL_MASK of PostgreSQL's timestamp.h): bits of MONTH and YEAR
_TO_GATEWAY = b"pg_sandbox "  # the messages of the compatibility functions start like this
_COPY_SECONDS = 60.0  # how long the backend may take no more lines
_NOTICE_FIELDS = frozenset("SCMDHW")  # without the fields of later releases


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


class Exchange:
    """Belongs to the session's thread. Sends to `backend`, answers into `client`."""

    def __init__(
        self, client: Stream, backend: Stream, statements: Statements, signal: Callable[[str, int], None]
    ) -> None:
        """`signal` is called with "cancel" or "terminate" and the number of a session."""
        self._signal = signal
        self._client = client
        self._backend = backend
        self._statements = statements
        self._expected: deque[Expected] = deque()
        self._refusals: dict[int, SqlError] = {}
        self._refusal_numbers = itertools.count(1)
        self._filter = ResponseFilter(self._on_response)
        self._flushed = False
        self.skipping = False  # the backend ignores everything up to Sync, and so does the gateway
        self.in_extended = False  # between the first extended message and its Sync
        self.query_failed = False  # of the current simple query: the rest of it must not run

    @property
    def idle(self) -> bool:
        """Whether no answer is outstanding."""
        return not self._expected

    def forward(self, kind: bytes, body: bytes = b"", expected: Expected | None = None) -> None:
        self._flushed = False
        self._backend.queue(wire.message(kind, body))
        if expected is not None:
            self._expected.append(expected)
            for running in expected.running:
                self._filter.shows_version |= "version" in running.statement.words

    def hurry(self) -> None:
        """Makes the backend send now what it would send at Sync."""
        if not self._flushed:
            self.forward(b"H")
            self._flushed = True

    def refuse_query(self, error: SqlError) -> None:
        self.forward(b"Q", wire.cstring(self.refusal(error)), Expected(Step.QUERY))

    def refusal(self, error: SqlError) -> str:
        """SQL for which the backend's answer will be `error`."""
        number = next(self._refusal_numbers)
        self._refusals[number] = error
        return errors.refused_marker(number)

    def take_answers(self) -> None:
        """Reads what the backend has sent. Throws Closed if it has closed the connection."""
        data = self._backend.receive()
        if data:
            for part in self._filter.feed(data):
                self._client.queue(part)

    # ---- inner questions

    def ask(self, sql: str) -> list[list[str | None]]:
        """Rows of one statement on the session's own backend, not shown to the client. Throws SqlError, Closed.

        REQUIRES: idle. Inside the client's extended exchange it ends without Sync, so that the implicit
        transaction stays open; a failure then leaves the backend skipping to Sync.
        """
        name = b"pg_sandbox_ask\0"
        messages = [
            wire.message(b"P", name + wire.cstring(sql) + b"\0\0"),
            wire.message(b"B", name + name + b"\0\0\0\0\0\0"),
            wire.message(b"E", name + b"\0\0\0\0"),
            wire.message(b"C", b"P" + name),
            wire.message(b"C", b"S" + name),
            wire.message(b"H" if self.in_extended else b"S"),
        ]
        self._backend.queue(b"".join(messages))
        return self._answer()

    def _answer(self) -> list[list[str | None]]:
        buffer, rows, closed = bytearray(), [], 0
        failure: SqlError | None = None
        while True:
            self._backend.flush()
            wait([(self._backend, True)], None)
            buffer += self._backend.receive() or b""
            for kind, body in wire.cut_messages(buffer):
                if kind == ord("D"):
                    rows.append(_row(body))
                elif kind == ord("E"):
                    values = dict(wire.read_fields(body))
                    failure = SqlError(values["C"], values["M"])
                    self.skipping = self.in_extended
                elif kind == ord("3"):
                    closed += 1
                if kind == ord("Z") or (self.in_extended and (failure or closed == 2)):
                    if failure is not None:
                        raise failure
                    return rows

    def copy_in(self, sql: str, lines: Iterable[bytes]) -> None:
        """A COPY FROM STDIN on the session's own backend, not shown to the client. Throws SqlError, Closed. The same
        rules as for `ask`."""
        name = b"pg_sandbox_copy\0"
        begin = [
            wire.message(b"P", name + wire.cstring(sql) + b"\0\0"),
            wire.message(b"B", name + name + b"\0\0\0\0\0\0"),
            wire.message(b"E", name + b"\0\0\0\0"),
        ]
        self._backend.queue(b"".join(begin))
        for line in lines:
            self._backend.queue(wire.message(b"d", line))
            if self._backend.congested:
                self._backend.flush_all(_COPY_SECONDS)
        # A backend that has refused the COPY skips all this up to Sync; outside of an extended exchange one follows.
        end = [wire.message(b"c"), wire.message(b"C", b"P" + name), wire.message(b"C", b"S" + name),
               wire.message(b"H" if self.in_extended else b"S")]  # fmt: skip
        self._backend.queue(b"".join(end))
        self._answer()

    # ---- answers

    def _on_response(self, kind: int, body: bytes) -> bytes | None:
        head = self._expected[0] if self._expected else None
        if kind == ord("E"):
            return self._on_error(body, head)
        if kind == ord("Z"):
            return self._on_ready(body, head)
        if kind == ord("S"):
            return _reported(body)
        if kind == ord("N"):
            if body.startswith(_TO_GATEWAY, body.find(b"\0M") + 2):
                self._on_signal(dict(wire.read_fields(body))["M"])
                return b""
            return wire.fields(b"N", [one for one in wire.read_fields(body) if one[0] in _NOTICE_FIELDS])
        if kind == ord("T"):
            shaped = self._statements.describe_long_names(with_redshift_oids(body))
            self._filter.varbytes = varbyte_columns(shaped)
            described = wire.message(b"T", shaped)
            if head is not None and head.step is Step.DESCRIBE:
                self._expected.popleft()
            return described
        replaced = self._on_complete(body, head) if kind == ord("C") and head is not None else None
        if head is not None and COMPLETES.get(kind) is head.step:
            self._expected.popleft()
            if head.step is Step.EXECUTE:
                self._rest_if_done()
        return replaced

    def _on_signal(self, message: str) -> None:
        """Called by pg_cancel_backend() and pg_terminate_backend(), after the backend has allowed it."""
        _, verb, pid = message.split()
        self._signal(verb, int(pid))

    def _on_complete(self, body: bytes, head: Expected) -> bytes | None:
        self._statements.follow_transaction(body[:-1].decode())
        rows, self._filter.rows = self._filter.rows, 0
        if not head.running:
            return None
        running = head.running.popleft()
        running.rows = rows
        self._statements.finish(running, None)
        shown = running.statement.tag
        return wire.command_complete(shown) if shown else None

    def _on_ready(self, body: bytes, head: Expected | None) -> bytes | None:
        self._statements.set_status(body[:1])
        if head is None:
            return None
        self._expected.popleft()
        self._filter.shows_version = False
        if head.more_follows:
            return b""
        self._rest_if_done()
        return None

    def _on_error(self, body: bytes, head: Expected | None) -> bytes:
        values = wire.read_fields(body)
        number = errors.refused_number(dict(values).get("M", ""))
        running = head.running.popleft() if head is not None and head.running else None
        if number is not None and number in self._refusals:
            values = errors.as_fields(self._refusals.pop(number))
        else:
            values = self._rewritten(values, running)
        values = [(code, self._statements.with_long_names(value)) for code, value in values]
        if self._statements.in_datashare():
            values = errors.as_datashare(values)
        if running is not None:
            by_code = dict(values)
            self._statements.finish(running, SqlError(by_code.get("C", ""), by_code.get("M", "")))
        self._after_error(head)
        return wire.fields(b"E", values)

    def _rewritten(self, values: list[tuple[str, str]], running: Running | None) -> list[tuple[str, str]]:
        if running is None:
            return errors.rewrite(values, self._statements.last_query_id, "")
        return errors.rewrite(values, running.query_id, running.statement.sql)

    def _after_error(self, head: Expected | None) -> None:
        self._statements.set_status_failed()
        if head is not None and head.step is Step.QUERY:
            self.query_failed = True
            head.more_follows = False
            head.running.clear()
            return
        while self._expected and self._expected[0].step not in (Step.SYNC, Step.QUERY):
            self._expected.popleft()
        self.skipping = not self._expected
        self._rest_if_done()

    def _rest_if_done(self) -> None:
        if not any(one.step in (Step.EXECUTE, Step.QUERY) for one in self._expected):
            self._statements.all_finished()


def with_redshift_oids(body: bytes) -> bytes:
    """A RowDescription with Redshift's types: SUPER for jsonb, VARBYTE for bytea, two types for interval, and the
    number by which AWS's drivers know a GEOMETRY that is sent as hexadecimal digits."""
    if not any(oid in body for oid in (_JSONB, _INTERVAL, _BYTEA, _GEOMETRY)):
        return body
    out, position = bytearray(body), 2
    for _ in range(struct.unpack_from(">H", body)[0]):
        position = body.index(b"\0", position) + 1
        oid = body[position + 6 : position + 10]
        if oid == _JSONB:
            out[position + 6 : position + 10] = _SUPER
        elif oid == _GEOMETRY:
            out[position + 6 : position + 10] = _GEOMETRY_AS_HEX
        elif oid == _BYTEA:
            out[position + 6 : position + 10] = _VARBYTE
        elif oid == _INTERVAL:
            (modifier,) = struct.unpack_from(">i", body, position + 12)
            months = modifier >= 0 and not (modifier >> 16) & 0x7FFF & ~_MONTHS_ONLY
            out[position + 6 : position + 10] = _Y2M if months else _D2S
            out[position + 12 : position + 16] = b"\xff\xff\xff\xff"
        position += 18
    return bytes(out)


def varbyte_columns(description: bytes) -> list[int]:
    """Positions of the columns of a changed RowDescription that are VARBYTE and sent as text."""
    if _VARBYTE not in description:
        return []
    position, found = 2, []
    for number in range(struct.unpack_from(">H", description)[0]):
        position = description.index(b"\0", position) + 1
        as_text = description[position + 16 : position + 18] == b"\0\0"
        if as_text and description[position + 6 : position + 10] == _VARBYTE:
            found.append(number)
        position += 18
    return found


def _reported(body: bytes) -> bytes:
    name, value = body[:-1].split(b"\0", 1)
    if name.decode() not in _REPORTED:
        return b""
    return wire.parameter_status(name.decode(), "UNICODE" if name == b"client_encoding" else value.decode())


def _row(body: bytes) -> list[str | None]:
    (count,) = struct.unpack(">H", body[:2])
    position, out = 2, []
    for _ in range(count):
        (length,) = struct.unpack(">i", body[position : position + 4])
        position += 4
        out.append(None if length < 0 else body[position : position + length].decode())
        position += max(length, 0)
    return out
