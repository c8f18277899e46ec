"""What the gateway keeps of statements: their numbers, and rows for sys_query_history and sys_unload_history.

Rows are kept in memory and written when a client reads one of the views, so that ordinary statements need no
second connection. What runs at that moment is shown as running.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

import psycopg

from redshift_sandbox.contracts import Clock
from redshift_sandbox.gateway.tokens import Kind, Token, text_of
from redshift_sandbox.meter import RPUS, Meter
from redshift_sandbox.pg import Postgres
from redshift_sandbox.pg.history import (
    QueryRecord,
    UnloadRecord,
    UsageRecord,
    record_queries,
    record_unloads,
    replace_usage,
)

HISTORY_VIEWS = frozenset(("sys_query_history", "sys_unload_history", "sys_unload_detail", "sys_serverless_usage"))
_HELD_MAX = 1000
_SECRET_WORDS = frozenset(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "TOKEN", "CREDENTIALS", "PASSWORD"))

AnyRecord = TypeVar("AnyRecord", bound=QueryRecord | UnloadRecord)


class _Journal(Generic[AnyRecord]):
    """Records of one kind. Thread-safe."""

    def __init__(
        self, postgres: Postgres, clock: Clock,
        record: Callable[[psycopg.Connection[Any], Sequence[AnyRecord]], None],
    ) -> None:  # fmt: skip
        self._postgres, self._clock = postgres, clock
        self._record: Callable[[psycopg.Connection[Any], Sequence[Any]], None] = record
        self._mutex = threading.Lock()
        self._writing = threading.Lock()  # one after another, or a running one would be written twice
        self._held: list[AnyRecord] = []
        self._running: dict[int, AnyRecord] = {}
        self._told: set[str] = set()  # databases whose tables show something as running

    def begin(self, record: AnyRecord) -> None:
        with self._mutex:
            self._running[record.query_id] = record

    def end(self, record: AnyRecord) -> None:
        with self._mutex:
            self._running.pop(record.query_id, None)
            self._held.append(record)
            full = len(self._held) >= _HELD_MAX
        if full:
            self.write()

    def write(self) -> None:
        """Writes the records, and what runs, into the database they belong to."""
        with self._writing:
            now = self._clock.now()
            by_database: dict[str, list[AnyRecord]] = defaultdict(list)
            with self._mutex:
                held = self._held
                self._held = []
                running: list[AnyRecord] = [replace(one, end_time=now) for one in self._running.values()]
                told = self._told
                self._told = {one.database for one in running}
            for record in [*held, *running]:
                by_database[record.database].append(record)
            for database in {*by_database, *told}:
                # If the database has been dropped meanwhile, its history has gone with it.
                with contextlib.suppress(psycopg.OperationalError), self._postgres.admin(database) as connection:
                    self._record(connection, by_database[database])


class Records:
    """Thread-safe."""

    def __init__(self, postgres: Postgres, clock: Clock, meter: Meter) -> None:
        self._postgres, self._meter = postgres, meter
        self._writing_usage = threading.Lock()
        self.queries = _Journal[QueryRecord](postgres, clock, record_queries)
        self.unloads = _Journal[UnloadRecord](postgres, clock, record_unloads)
        self._numbers = itertools.count(1001)

    def next_query_id(self) -> int:
        return next(self._numbers)

    def write_for(self, words: frozenset[str], database: str) -> None:
        """Updates the views that a statement with these words reads in `database`."""
        if "sys_query_history" in words:
            self.queries.write()
        if words & {"sys_unload_history", "sys_unload_detail"}:
            self.unloads.write()
        if "sys_serverless_usage" in words:
            self._write_usage(database)

    def _write_usage(self, database: str) -> None:
        with self._writing_usage, self._postgres.admin(database) as connection:
            replace_usage(connection, [
                UsageRecord(dt.datetime.fromtimestamp(one.start, dt.UTC), one.compute_seconds, RPUS,
                            one.charged_seconds)
                for one in self._meter.usage()
            ])  # fmt: skip


def blanked(tokens: list[Token]) -> str:
    """The statement with an empty literal after every word that comes before a secret."""
    out: list[Token] = []
    behind = False
    for token in tokens:
        secret = behind and token.kind is Kind.STRING
        out.append(Token(Kind.STRING, "''") if secret else token)
        if token.kind is not Kind.SPACE:
            # `CREDENTIALS AS '...'`: AS comes between them
            behind = token.word in _SECRET_WORDS or (behind and token.word == "AS")
    return text_of(out)
