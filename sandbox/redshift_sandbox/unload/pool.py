"""Connections kept between UNLOADs: making one costs more than unloading a small table.

The Arrow driver reads the whole catalog of types first.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

_KEPT_MAX = 8  # of one kind: as many UNLOADs as usually run at once


class Pool:
    """Idle connections by (kind, DSN), which says user, database and settings. Any thread may call it."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._idle: dict[tuple[str, str], list[Any]] = defaultdict(list)
        self._closed = False

    def take(self, kind: str, dsn: str, connect: Callable[[str], Any]) -> Any:
        """An idle connection, or a new one. Throws what `connect` throws."""
        with self._mutex:
            found = self._idle[kind, dsn].pop() if self._idle[kind, dsn] else None
        return connect(dsn) if found is None else found

    def give(self, kind: str, dsn: str, connection: Any) -> None:
        """REQUIRES: the connection is in no transaction and nothing of it is in use."""
        with self._mutex:
            kept = self._idle[kind, dsn]
            if not self._closed and len(kept) < _KEPT_MAX:
                kept.append(connection)
                return
        drop(connection)

    def close(self) -> None:
        """Closes what is idle, and from now on what is given."""
        with self._mutex:
            self._closed = True
            idle = [one for kept in self._idle.values() for one in kept]
            self._idle.clear()
        for connection in idle:
            drop(connection)


def drop(connection: Any) -> None:
    """Closes a connection in whatever state it is."""
    with contextlib.suppress(Exception):
        connection.close()
