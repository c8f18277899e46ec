"""What happens while it happens: the events of docs/CLI_JSON.md, field by field. A test compares both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from .parse import from_json
from .results import ErrorInfo, Finding, StreamResult

Phase = Literal["plan", "login", "unload", "load", "commit", "clean"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """What every event has."""

    v: int
    event: str
    time: float


@dataclass(frozen=True, kw_only=True)
class CommandBegan(Event):
    sluice: str
    command: str


@dataclass(frozen=True, kw_only=True)
class RunBegan(Event):
    run: str
    streams: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StreamPhase(Event):
    stream: str
    phase: Phase


@dataclass(frozen=True, kw_only=True)
class StreamProgress(Event):
    stream: str
    phase: Phase
    rows_loaded: int
    rows_total: int | None
    bytes_fetched: int
    bytes_total: int | None


@dataclass(frozen=True, kw_only=True)
class Found(Event, Finding):
    """A finding of `check`."""


@dataclass(frozen=True, kw_only=True)
class StreamEnded(Event, StreamResult):
    """A stream is committed, or will not be in this run."""


@dataclass(frozen=True, kw_only=True)
class SchemaListed(Event):
    schema: str
    tables: int


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    run: str
    interrupted: bool
    seconds: float
    done: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class CommandEnded(Event):
    exit_code: int
    error: ErrorInfo | None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class OtherEvent(Event):
    """One that this version does not know: a newer program tells more."""

    fields: dict[str, Any]


KINDS: dict[str, type[Event]] = {
    "command_began": CommandBegan,
    "run_began": RunBegan,
    "stream_phase": StreamPhase,
    "stream_progress": StreamProgress,
    "finding": Found,
    "stream_ended": StreamEnded,
    "schema_listed": SchemaListed,
    "run_ended": RunEnded,
    "command_ended": CommandEnded,
}


def event_of(line: bytes) -> Event | None:
    """The event of a line; None if the line has no end, as the last one of a process that was killed."""
    if not line.endswith(b"\n"):
        return None
    told = json.loads(line)
    kind = KINDS.get(told["event"])
    if kind is None:
        return OtherEvent(v=told["v"], event=told["event"], time=told["time"], fields=told)
    return from_json(kind, told)
