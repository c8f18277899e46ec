"""Tables from Amazon Redshift Serverless in DuckDB, PostgreSQL or a lake of Parquet files, every row counted.

    result = sluice.sync("sluice.yaml")
    result.rows, [stream.stream for stream in result.streams]

A configuration is a file's path or a dict of what would stand in it; None is `sluice.yaml`, or what $SLUICE_CONFIG
names. A dict is given to the program in memory: no secret in it is on a disk or a command line. Each call runs the
program once; it throws SluiceError with `code`, `subject` and `remedy`. `sluice.aio` has the same calls for asyncio.
docs/PYTHON.md tells more.
"""

from __future__ import annotations

import importlib.metadata as _metadata
from typing import Literal, Unpack

from . import calls as _calls
from . import events as events
from . import results as results
from .binary import find_binary
from .calls import Common, Names
from .command import Config
from .errors import BinaryNotFound, ConfigurationError, Interrupted, ProgramFailed, SluiceError, StreamsFailed
from .events import Event
from .process import Run
from .process import run as _run
from .progress import Observer, Progress
from .progress import observers as _observers
from .results import CheckResult, DiscoverResult, HistoryResult, PlanResult, PreviewResult, StatusResult, SyncResult

try:
    __version__ = _metadata.version("sluice")
except _metadata.PackageNotFoundError:  # used from its sources
    __version__ = "0.0.0"

__all__ = [
    "BinaryNotFound",
    "CheckResult",
    "Config",
    "ConfigurationError",
    "DiscoverResult",
    "Event",
    "HistoryResult",
    "Interrupted",
    "PlanResult",
    "PreviewResult",
    "ProgramFailed",
    "Progress",
    "Run",
    "SluiceError",
    "StatusResult",
    "StreamsFailed",
    "SyncResult",
    "__version__",
    "check",
    "discover",
    "events",
    "find_binary",
    "history",
    "plan",
    "preview",
    "results",
    "start_sync",
    "status",
    "sync",
]


def check(
    config: Config | None = None,
    *,
    only: Literal["source", "destination"] | None = None,
    on_event: Observer | None = None,
    **common: Unpack[Common],
) -> CheckResult:
    """Proves each step of the set-up guide. What is wrong is in the result (`ok`, `failures`), each with its remedy."""
    return _run(_calls.check(config, only, common), *_observers(on_event, False))


def discover(
    config: Config | None = None,
    schemas: Names = (),
    *,
    verify_keys: bool = False,
    on_event: Observer | None = None,
    **common: Unpack[Common],
) -> DiscoverResult:
    """Schemas, tables, columns, keys, and how each table would best be synced."""
    return _run(_calls.discover(config, schemas, verify_keys, common), *_observers(on_event, False))


def preview(config: Config | None = None, *, stream: str, limit: int = 20, **common: Unpack[Common]) -> PreviewResult:
    """The first rows of a stream, as a sync would read them."""
    return _run(_calls.preview(config, stream, limit, common))


def sync(
    config: Config | None = None,
    streams: Names = (),
    *,
    full: bool = False,
    allow_deletes: bool = False,
    on_event: Observer | None = None,
    progress: bool | None = None,
    **common: Unpack[Common],
) -> SyncResult:
    """Brings streams to the destination; all of them, if none is named. Throws StreamsFailed if one or more failed,
    whose `result` has the others. Ctrl-C cancels and cleans up before KeyboardInterrupt goes on. `progress`: shown
    always, never, or (None) in a notebook."""
    return _run(_calls.sync(config, streams, full, allow_deletes, common), *_observers(on_event, progress))


def start_sync(
    config: Config | None = None,
    streams: Names = (),
    *,
    full: bool = False,
    allow_deletes: bool = False,
    **common: Unpack[Common],
) -> Run[SyncResult]:
    """A sync under way, for `with`: iterate over it for its events, `cancel()` it, ask for its `result()`."""
    return Run(_calls.sync(config, streams, full, allow_deletes, common))


def plan(config: Config | None = None, streams: Names = (), **common: Unpack[Common]) -> PlanResult:
    """What a sync would do, with which SELECT, and what it would cost; reads no rows. Throws StreamsFailed if a
    stream cannot be synced."""
    return _run(_calls.plan(config, streams, common))


def status(config: Config | None = None, **common: Unpack[Common]) -> StatusResult:
    """How far each stream is; contacts nobody."""
    return _run(_calls.status(config, common))


def history(config: Config | None = None, *, runs: int = 20, **common: Unpack[Common]) -> HistoryResult:
    """What past runs did, newest first."""
    return _run(_calls.history(config, runs, common))
