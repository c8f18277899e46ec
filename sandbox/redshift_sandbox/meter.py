"""Counts what Redshift Serverless would bill: statements, bursts of activity, seconds, open transactions.

Billing is per second while anything runs, with a minimum of 60 s for each burst, and an open transaction
keeps it running (https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-billing.html). Activity that
begins while an earlier minimum still runs belongs to the same burst (assumed). Time is the sandbox's clock.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from redshift_sandbox.contracts import Clock

MINIMUM_SECONDS = 60.0


@dataclass
class Tally:
    """The costs of one session, or of the workgroup."""

    statements: int = 0
    wake_ups: int = 0
    closed_seconds: float = 0.0  # billed seconds of bursts that are over
    transaction_seconds: float = 0.0
    active: int = 0  # statements running plus transactions open
    _burst_start: float | None = None
    _last_end: float = 0.0

    def begin(self, now: float) -> None:
        if self.active == 0 and (self._burst_start is None or now > self._covered_until()):
            self.closed_seconds += self._burst_seconds(self._last_end)
            self._burst_start = now
            self.wake_ups += 1
        self.active += 1

    def end(self, now: float) -> None:
        self.active -= 1
        self._last_end = now

    def awake(self, now: float) -> bool:
        return self.active > 0 or (self._burst_start is not None and now <= self._covered_until())

    def billed_seconds(self, now: float) -> float:
        return self.closed_seconds + self._burst_seconds(now if self.active else self._last_end)

    def _covered_until(self) -> float:
        assert self._burst_start is not None
        return max(self._last_end, self._burst_start + MINIMUM_SECONDS)

    def _burst_seconds(self, end: float) -> float:
        return 0.0 if self._burst_start is None else max(MINIMUM_SECONDS, end - self._burst_start)

    def report(self, now: float, open_since: list[float]) -> dict[str, Any]:
        return {
            "statements": self.statements,
            "wake_ups": self.wake_ups,
            "billed_seconds": round(self.billed_seconds(now), 3),
            "transaction_seconds": round(self.transaction_seconds + sum(now - since for since in open_since), 3),
            "active": self.active,
        }


@dataclass
class _Session:
    user: str
    tally: Tally = field(default_factory=Tally)
    running: bool = False
    transaction_since: float | None = None
    closed: bool = False


@dataclass
class Unloads:
    """The totals of all UNLOADs. `seconds` is the machine's time spent in them: a benchmark subtracts it."""

    started: int = 0
    completed: int = 0
    seconds: float = 0.0
    rows: int = 0
    files: int = 0
    bytes: int = 0


class Meter:
    """Thread-safe. The gateway reports to it; the control interface answers `report()`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._total = Tally()
        self._sessions: dict[int, _Session] = {}
        self._aws_calls: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._logins = 0
        self._unloads = Unloads()

    @property
    def statements_by_kind(self) -> Mapping[str, int]:
        """Statements by their first word in capitals, such as "UNLOAD"; refused ones as "refused"."""
        with self._mutex:
            return Counter(self._kinds)

    @property
    def logins(self) -> int:
        with self._mutex:
            return self._logins

    @property
    def unloads(self) -> Unloads:
        """UNLOADs that have ended, with or without success, since the last reset."""
        with self._mutex:
            return replace(self._unloads)

    def unload_ended(self, *, completed: bool, seconds: float, rows: int, files: int, size_bytes: int) -> None:
        with self._mutex:
            one = self._unloads
            one.started += 1
            one.completed += int(completed)
            one.seconds += seconds
            one.rows += rows
            one.files += files
            one.bytes += size_bytes

    @property
    def aws_calls(self) -> Mapping[str, int]:
        """Calls of clients by "service:Operation", such as "sts:AssumeRole", since the last reset. Refused calls
        count; what UNLOAD itself writes into S3 does not."""
        with self._mutex:
            return Counter(self._aws_calls)

    @property
    def statements(self) -> int:
        """Of all sessions together."""
        with self._mutex:
            return self._total.statements

    @property
    def wake_ups(self) -> int:
        """How often the workgroup started to cost money."""
        with self._mutex:
            return self._total.wake_ups

    @property
    def statements_by_session(self) -> list[int]:
        """One number for each login, in their order; without sessions that had ended at the last reset."""
        with self._mutex:
            return [one.tally.statements for one in self._sessions.values()]

    def aws_called(self, service: str, operation: str) -> None:
        with self._mutex:
            self._aws_calls[f"{service}:{operation}"] += 1

    def session_opened(self, session_id: int, user: str) -> None:
        with self._mutex:
            self._logins += 1
            self._sessions[session_id] = _Session(user)

    def session_closed(self, session_id: int) -> None:
        """Ends what the session still had open; its numbers stay in the report."""
        self.statement_finished(session_id)
        self.transaction_closed(session_id)
        with self._mutex:
            self._sessions[session_id].closed = True

    def statement_started(self, session_id: int, count: int = 1, kinds: Sequence[str] = ()) -> None:
        """`count` statements arrived together, of these `kinds` if they are given; the session is busy until
        statement_finished."""
        now = self._now()
        with self._mutex:
            self._kinds.update(kinds)
            session = self._sessions[session_id]
            for tally in (session.tally, self._total):
                tally.statements += count
                if not session.running:
                    tally.begin(now)
            session.running = True

    def statement_finished(self, session_id: int) -> None:
        """Does nothing if no statement of the session runs."""
        now = self._now()
        with self._mutex:
            session = self._sessions[session_id]
            if session.running:
                session.running = False
                self._end(session, now)

    def transaction_opened(self, session_id: int) -> None:
        now = self._now()
        with self._mutex:
            session = self._sessions[session_id]
            if session.transaction_since is None:
                session.transaction_since = now
                session.tally.begin(now)
                self._total.begin(now)

    def transaction_closed(self, session_id: int) -> None:
        now = self._now()
        with self._mutex:
            session = self._sessions[session_id]
            if session.transaction_since is not None:
                for tally in (session.tally, self._total):
                    tally.transaction_seconds += now - session.transaction_since
                session.transaction_since = None
                self._end(session, now)

    def awake(self) -> bool:
        """Whether the compute runs, or is still billed."""
        with self._mutex:
            return self._total.awake(self._now())

    def report(self) -> dict[str, Any]:
        """{"total": {...}, "sessions": [{"session_id", "user", ...}], "aws_calls": {...}, ...}, seconds as numbers."""
        now = self._now()
        with self._mutex:
            sessions = [
                {"session_id": session_id, "user": one.user,
                 **one.tally.report(now, [one.transaction_since] if one.transaction_since is not None else [])}
                for session_id, one in self._sessions.items()
            ]  # fmt: skip
            opened = [one.transaction_since for one in self._sessions.values() if one.transaction_since is not None]
            return {
                "total": self._total.report(now, opened), "sessions": sessions, "aws_calls": dict(self._aws_calls),
                "statements_by_kind": dict(self._kinds), "logins": self._logins, "unloads": asdict(self._unloads),
            }  # fmt: skip

    def reset(self) -> None:
        """Removes everything that has ended: counts start at zero for the next measurement."""
        now = self._now()
        with self._mutex:
            self._total = Tally()
            self._aws_calls.clear()
            self._kinds.clear()
            self._logins = 0
            self._unloads = Unloads()
            self._sessions = {key: one for key, one in self._sessions.items() if not one.closed}
            for one in self._sessions.values():
                one.tally = Tally()
                if one.transaction_since is not None:
                    one.transaction_since = now
                for _ in range(int(one.running) + int(one.transaction_since is not None)):
                    one.tally.begin(now)
                    self._total.begin(now)

    def _end(self, session: _Session, now: float) -> None:
        session.tally.end(now)
        self._total.end(now)

    def _now(self) -> float:
        return self._clock.now().timestamp()
