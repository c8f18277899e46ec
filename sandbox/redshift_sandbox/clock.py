"""The sandbox's time: the machine's time plus an offset, which tests increase."""

from __future__ import annotations

import datetime as dt
import threading


class SandboxClock:
    """Implements contracts.Clock. Any thread may call it.

    Time goes on by itself, because clients sign with their own clocks; `advance` only adds to it,
    because the time of AWS never goes back either.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._offset = dt.timedelta(0)

    def now(self) -> dt.datetime:
        """The time in UTC, with its time zone."""
        with self._mutex:
            return dt.datetime.now(dt.UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Moves time forward. Raises ValueError for a negative step."""
        if seconds < 0:
            raise ValueError("the sandbox's clock only moves forward: give a positive number of seconds")
        with self._mutex:
            self._offset += dt.timedelta(seconds=seconds)

    def offset_seconds(self) -> float:
        """How far the sandbox is ahead of the machine."""
        with self._mutex:
            return self._offset.total_seconds()
