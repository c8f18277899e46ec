"""What the gateway remembers of statements: their numbers, and rows for sys_query_history.

Rows are kept in memory and written when somebody asks for the view, so that ordinary statements cost no
second connection.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import defaultdict

import psycopg

from redshift_sandbox.gateway.tokens import Kind, Token, text_of
from redshift_sandbox.pg import Postgres
from redshift_sandbox.pg.history import QueryRecord, record_queries

HISTORY_VIEWS = frozenset(("sys_query_history",))
_HELD_MAX = 1000
_SECRET_WORDS = frozenset(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "TOKEN", "CREDENTIALS", "PASSWORD"))


class Records:
    """Thread-safe."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._mutex = threading.Lock()
        self._held: list[QueryRecord] = []
        self._numbers = itertools.count(1001)

    def next_query_id(self) -> int:
        return next(self._numbers)

    def add(self, record: QueryRecord) -> None:
        with self._mutex:
            self._held.append(record)
            full = len(self._held) >= _HELD_MAX
        if full:
            self.write()

    def write(self) -> None:
        """Puts what is held into the database it belongs to."""
        with self._mutex:
            held, self._held = self._held, []
        by_database: dict[str, list[QueryRecord]] = defaultdict(list)
        for record in held:
            by_database[record.database].append(record)
        for database, records in by_database.items():
            # A database dropped meanwhile takes its history with it.
            with contextlib.suppress(psycopg.OperationalError), self._postgres.admin(database) as connection:
                record_queries(connection, records)


def blanked(tokens: list[Token]) -> str:
    """The statement with every literal behind a word of secrets emptied."""
    out: list[Token] = []
    behind = False
    for token in tokens:
        secret = behind and token.kind is Kind.STRING
        out.append(Token(Kind.STRING, "''") if secret else token)
        if token.kind is not Kind.SPACE:
            # `CREDENTIALS AS '...'`: AS stands between
            behind = token.word in _SECRET_WORDS or (behind and token.word == "AS")
    return text_of(out)
