"""Connections that are kept between UNLOADs: a new one takes longer than the UNLOAD of a small table.

The Arrow driver reads the whole catalog of types first.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

_KEPT_MAX = 8  # of one kind and DSN: as many as UNLOADs usually run at once
_IDLE_MAX = 48  # in all: every database user has its own DSN, and the server allows 200 connections


class Pool:
    """Idle connections by (kind, DSN), which says user, database and settings. Any thread may call it."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._idle: list[tuple[tuple[str, str], Any]] = []  # idle for the longest time first
        self._closed = False

    def take(self, kind: str, dsn: str, connect: Callable[[str], Any]) -> Any:
        """An idle connection, or a new one. Throws what `connect` throws."""
        with self._mutex:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place][0] == (kind, dsn):
                    return self._idle.pop(place)[1]
        return connect(dsn)

    def give(self, kind: str, dsn: str, connection: Any) -> None:
        """Gives a connection back. REQUIRES: it is in no transaction, and nothing of it is in use."""
        left_over = connection
        with self._mutex:
            alike = sum(1 for key, _ in self._idle if key == (kind, dsn))
            if not self._closed and alike < _KEPT_MAX:
                self._idle.append(((kind, dsn), connection))
                left_over = self._idle.pop(0)[1] if len(self._idle) > _IDLE_MAX else None
        if left_over is not None:
            drop(left_over)

    def close(self) -> None:
        """Closes idle connections, and from now on every one that is given back."""
        with self._mutex:
            self._closed = True
            idle = [connection for _, connection in self._idle]
            self._idle.clear()
        for connection in idle:
            drop(connection)


def drop(connection: Any) -> None:
    """Closes a connection in whatever state it is."""
    with contextlib.suppress(Exception):
        connection.close()
