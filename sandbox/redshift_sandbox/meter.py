"""Counts what Redshift Serverless would bill: statements, bursts of activity, seconds, open transactions.

Billing is per second while anything runs, with a minimum of 60 s for each burst, and an open transaction
keeps it running (https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-billing.html). Activity that
begins while an earlier minimum still runs belongs to the same burst (assumed). Time is the sandbox's clock.

`usage()` is the same bill by the minute, as sys_serverless_usage shows it.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from redshift_sandbox.contracts import Clock

MINIMUM_SECONDS = 60.0
RPUS = 8  # base capacity of the workgroup; it never scales here

# S3's two prices: a request of the dearer kind writes or lists (https://aws.amazon.com/s3/pricing/).
_DEARER = frozenset((
    "PutObject", "CopyObject", "ListObjectsV2", "ListObjects", "ListObjectVersions", "ListBuckets",
    "ListMultipartUploads", "ListParts", "CreateMultipartUpload", "UploadPart", "UploadPartCopy",
    "CompleteMultipartUpload", "CreateBucket",
))  # fmt: skip
_FREE = frozenset(("DeleteObject", "DeleteObjects", "AbortMultipartUpload", "DeleteBucket"))


@dataclass(frozen=True)
class UsageMinute:
    """One row of sys_serverless_usage (https://docs.aws.amazon.com/redshift/latest/dg/SYS_SERVERLESS_USAGE.html)."""

    start: float  # seconds since 1970, a whole minute
    compute_seconds: float  # RPU-seconds in which something ran
    charged_seconds: int  # RPU-seconds that are billed


@dataclass
class S3Traffic:
    """Requests to S3 by their price, and the bytes of their bodies; those of clients, or those of UNLOAD and COPY."""

    write_or_list: int = 0  # PUT, COPY, POST, LIST
    read: int = 0  # GET, HEAD and what else is billed like them
    free: int = 0  # DELETE, and the end of an upload
    bytes_up: int = 0
    bytes_down: int = 0

    def add(self, operation: str, up: int = 0, down: int = 0, count: int = 1) -> None:
        if operation in _DEARER:
            self.write_or_list += count
        elif operation in _FREE:
            self.free += count
        else:
            self.read += count
        self.bytes_up += up
        self.bytes_down += down


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
    _busy_since: float = 0.0
    bursts: list[tuple[float, float]] = field(default_factory=list)  # those that are over
    busy: Counter[int] = field(default_factory=Counter)  # microseconds in which something ran, by minute

    def begin(self, now: float) -> None:
        if self.active == 0 and (self._burst_start is None or now > self._covered_until()):
            self.closed_seconds += self._burst_seconds(self._last_end)
            if self._burst_start is not None:
                self.bursts.append((self._burst_start, self._last_end))
            self._burst_start, self._last_end = now, 0.0
            self.wake_ups += 1
        if self.active == 0:
            self._busy_since = now
        self.active += 1

    def end(self, now: float) -> None:
        self.active -= 1
        self._last_end = now
        if self.active == 0:
            for minute, seconds in _by_minute(self._busy_since, now):
                self.busy[minute] += round(seconds * 1e6)

    def charged(self) -> dict[int, int]:
        """Billed whole seconds by minute. A burst in which nothing has ended yet is not billed yet: AWS calculates the
        charge after a transaction ends. What a burst lacks to its minimum is billed in its last minute (assumed)."""
        ended = list(self.bursts)
        if self._burst_start is not None and self._last_end:
            ended.append((self._burst_start, self._last_end))
        found: Counter[int] = Counter()
        for start, end in ended:
            left = math.ceil(round(max(MINIMUM_SECONDS, end - start), 6))
            pieces = _by_minute(start, end)
            for minute, seconds in pieces[:-1]:
                found[minute] += int(seconds)
                left -= int(seconds)
            found[pieces[-1][0]] += left
        return found

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


def _by_minute(start: float, end: float) -> list[tuple[int, float]]:
    """The seconds from `start` to `end` that lie in each minute since 1970; at least one entry."""
    first, last = int(start // 60), int(end // 60)
    return [(minute, min(end, 60.0 * (minute + 1)) - max(start, 60.0 * minute)) for minute in range(first, last + 1)]


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
        self._clients_s3 = S3Traffic()
        self._own_s3 = S3Traffic()

    @property
    def billed_seconds(self) -> float:
        """What is billed so far, the minimum of each burst included; what runs counts up to now."""
        with self._mutex:
            return self._total.billed_seconds(self._now())

    @property
    def charged_rpu_seconds(self) -> int:
        """The sum of `charged_seconds` in sys_serverless_usage: RPU-seconds of all bursts in which something has
        ended, each rounded up to whole seconds."""
        with self._mutex:
            return RPUS * sum(self._total.charged().values())

    def usage(self) -> list[UsageMinute]:
        """The rows of sys_serverless_usage since the last reset, oldest first."""
        with self._mutex:
            charged, busy = self._total.charged(), dict(self._total.busy)
        return [
            UsageMinute(60.0 * minute, RPUS * busy.get(minute, 0) / 1e6, RPUS * charged.get(minute, 0))
            for minute in sorted({*charged, *busy})
        ]

    @property
    def s3_of_clients(self) -> S3Traffic:
        """Requests that came over HTTPS since the last reset, refused ones included, and the bytes of objects (not of
        listings or errors) that went up and down."""
        with self._mutex:
            return replace(self._clients_s3)

    @property
    def s3_of_statements(self) -> S3Traffic:
        """Requests of UNLOAD itself, which the bucket's owner pays, too: those that list, write and delete."""
        with self._mutex:
            return replace(self._own_s3)

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

    def aws_called(self, service: str, operation: str, bytes_up: int = 0, bytes_down: int = 0) -> None:
        with self._mutex:
            self._aws_calls[f"{service}:{operation}"] += 1
            if service == "s3":
                self._clients_s3.add(operation, bytes_up, bytes_down)

    def statement_called_s3(self, operation: str, bytes_up: int = 0, bytes_down: int = 0) -> None:
        with self._mutex:
            self._own_s3.add(operation, bytes_up, bytes_down)

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
                "charged_rpu_seconds": RPUS * sum(self._total.charged().values()),
                "s3_of_clients": asdict(self._clients_s3), "s3_of_statements": asdict(self._own_s3),
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
            self._clients_s3, self._own_s3 = S3Traffic(), S3Traffic()
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
