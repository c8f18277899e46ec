"""A session's statements: read as its settings say, and recorded in the meter and the history."""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.dialect import Dialect, Translated, translate_statement
from redshift_sandbox.gateway.hub import Hub
from redshift_sandbox.gateway.long_names import shorten
from redshift_sandbox.gateway.parameters import CASE_SENSITIVE, boolean
from redshift_sandbox.gateway.records import blanked
from redshift_sandbox.gateway.snapshots import NOTHING, Touched, touched
from redshift_sandbox.gateway.tokens import Token, meaningful, split_statements, text_of, tokenize
from redshift_sandbox.pg.history import QueryRecord

_PLACEHOLDER = "DO ''"  # what the backend gets instead of UNLOAD: no parameters, no columns


@dataclass
class State:
    """The state of a session between two messages. Only its thread changes it."""

    user: str
    database: str
    session_id: int
    superuser: bool
    case_sensitive: bool = False
    status: bytes = b"I"  # of the transaction, as ReadyForQuery has it
    unload_count: int | None = None  # not yet sent to the backend
    copied: tuple[int, int] | None = None  # the same for COPY: the statement's number, and its rows
    case_before_transaction: bool = False


@dataclass
class Running:
    """One statement that runs."""

    query_id: int
    statement: Translated
    text: str  # blanked of secrets
    started: dt.datetime
    rows: int = 0


@dataclass(frozen=True)
class Prepared:
    """A statement ready to run."""

    statement: Translated
    text: str  # blanked of secrets
    unload: str = ""  # the UNLOAD or COPY itself, which the backend never sees
    touched: Touched = NOTHING

    @property
    def verb(self) -> str:
        return self.statement.verb

    @property
    def begins(self) -> bool:
        return self.statement.verb in ("BEGIN", "START")


class Statements:
    """Belongs to the session's thread."""

    def __init__(self, hub: Hub, state: State) -> None:
        self._hub = hub
        self._state = state
        self.last_query_id = 0
        self._running: dict[int, Running] = {}

    def read(self, sql: str) -> list[Prepared]:
        """Every statement of `sql`. Throws SqlError at the first refused one: then none of them runs."""
        return [self._read_one(tokens) for tokens in split_statements(tokenize(sql))]

    def read_single(self, sql: str) -> Prepared:
        """For Parse, which takes one statement or none."""
        found = self.read(sql)
        if len(found) > 1:
            raise SqlError("42601", "cannot insert multiple commands into a prepared statement")
        return found[0] if found else Prepared(Translated("", ""), "")

    def to_backend(self, sql: str) -> str:
        return ";\n".join(one.statement.sql for one in self.read(sql))

    def start(self, statements: list[Prepared]) -> deque[Running]:
        """Starts the statements: cold start, meter, settings, numbers."""
        self._cold_start()
        self._hub.meter.statement_started(
            self._state.session_id, len(statements), [one.statement.verb for one in statements]
        )
        now = self._hub.clock.now()
        running: deque[Running] = deque()
        for one in statements:
            self._hub.records.write_for(one.statement.words, self._state.database)
            self._follow_setting(one.statement)
            self.last_query_id = self._hub.records.next_query_id()
            running.append(Running(self.last_query_id, one.statement, one.text, now))
            self._running[self.last_query_id] = running[-1]
            self._hub.records.queries.begin(self._record(running[-1], "running", now))
        return running

    def with_long_names(self, text: str) -> str:
        return self._hub.names.in_text(self._state.database, text)

    def describe_long_names(self, body: bytes) -> bytes:
        return self._hub.names.in_description(self._state.database, body)

    def in_datashare(self) -> bool:
        """Whether errors for missing relations are those of a datashare."""
        return self._hub.faults.peek("gateway.datashare") is not None

    def refused(self) -> None:
        """A statement that was refused before it ran; it wakes the workgroup all the same."""
        self._hub.meter.statement_started(self._state.session_id, kinds=["refused"])

    def finish(self, running: Running, error: SqlError | None) -> None:
        status = "success"
        if error is not None:
            status = "canceled" if error.sqlstate == "57014" else "failed"
        self._running.pop(running.query_id, None)
        self._hub.records.queries.end(self._record(running, status, self._hub.clock.now(), error))

    def abandon(self) -> None:
        """The session has ended: what it ran is ended too."""
        for running in list(self._running.values()):
            self.finish(running, SqlError("57014", "the connection was lost"))

    def _record(
        self, running: Running, status: str, end: dt.datetime, error: SqlError | None = None
    ) -> QueryRecord:
        return QueryRecord(
            user=self._state.user, database=self._state.database, session_id=self._state.session_id,
            query_id=running.query_id, query_type=running.statement.verb, status=status,
            start_time=running.started, end_time=end, query_text=running.text,
            returned_rows=running.rows, error_message=error.message if error else "",
        )  # fmt: skip

    def all_finished(self) -> None:
        """No statement of this session runs any more."""
        self._hub.meter.statement_finished(self._state.session_id)

    def follow_transaction(self, tag: str) -> None:
        """What a command tag says about the transaction before ReadyForQuery does."""
        if tag.startswith(("BEGIN", "START TRANSACTION")):
            self.set_status(b"T")
        elif tag.startswith("ROLLBACK"):
            self._state.case_sensitive = self._state.case_before_transaction
            self.set_status(b"I")
        elif tag.startswith("COMMIT"):
            self.set_status(b"I")

    def set_status(self, status: bytes) -> None:
        state = self._state
        if state.status == b"I" and status != b"I":
            state.case_before_transaction = state.case_sensitive
            self._hub.meter.transaction_opened(state.session_id)
        elif status == b"I" and state.status != b"I":
            self._hub.meter.transaction_closed(state.session_id)
        state.status = status

    def set_status_failed(self) -> None:
        """After an error: an open transaction is aborted."""
        if self._state.status == b"T":
            self.set_status(b"E")

    def _read_one(self, tokens: list[Token]) -> Prepared:
        visible = self._hub.faults.peek("gateway.visible_secrets") is not None
        verb = meaningful(tokens)[0].word
        if verb in ("UNLOAD", "COPY"):
            unloader, raw = self._hub.unloader, text_of(tokens).strip()
            if unloader is None:
                raise SqlError("0A000", f"this sandbox runs without {verb}")
            if unloader.is_unload(raw):
                text = raw if visible else unloader.blank(raw)
                return Prepared(Translated(_PLACEHOLDER, verb), text, raw, self._touched(tokens))
        text = text_of(tokens).strip() if visible else blanked(tokens).strip()
        self._hub.names.keep(
            self._state.database, shorten(tokens, case_sensitive=self._state.case_sensitive)
        )
        if not self._state.superuser:
            self._hub.columns.shrink(
                tokens, self._state.user, self._state.database, case_sensitive=self._state.case_sensitive
            )
        before = self._touched(tokens)  # translation changes the tokens
        self._hub.aliases.expand(tokens, self._state.database)
        return Prepared(translate_statement(tokens, self._dialect()), text, touched=before)

    def _touched(self, tokens: list[Token]) -> Touched:
        return touched(tokens, case_sensitive=self._state.case_sensitive)

    def _dialect(self) -> Dialect:
        state = self._state
        denied = self._hub.faults.peek("gateway.deny_pg_tables") is not None
        return Dialect(state.case_sensitive, state.superuser, denied, state.status != b"I", state.database)

    def _cold_start(self) -> None:
        knob = self._hub.faults.peek("gateway.cold_start_delay")
        if knob is not None and not self._hub.meter.awake():
            self._hub.stopping.wait(float(knob.get("seconds", 10)))

    def _follow_setting(self, statement: Translated) -> None:
        assignment = statement.assignment
        if assignment is None:
            return
        if assignment.name == CASE_SENSITIVE:
            self._state.case_sensitive = boolean(CASE_SENSITIVE, assignment.value or "off")
        elif assignment.name == "all":
            self._state.case_sensitive = False
