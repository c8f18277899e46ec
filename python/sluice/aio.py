"""The same calls for asyncio. A task that is cancelled cancels its run, as Ctrl-C does, and waits until it has
cleaned up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Generic, Literal, TypeVar, Unpack

from . import calls
from .binary import find_binary
from .calls import Common, Names
from .command import LOG_LINES, Command, Config
from .events import Event, event_of
from .process import descriptors, note
from .progress import Observer, observers
from .results import (
    CheckResult,
    DiscoverResult,
    Document,
    HistoryResult,
    PlanResult,
    PreviewResult,
    StatusResult,
    SyncResult,
)

R = TypeVar("R", bound=Document)
# One event in one line: a stream with thousands of warnings is far below it.
LINE_BYTES_MAX = 64 << 20


class AsyncRun(Generic[R]):
    """A command under way, as `sluice.Run` is: `async with` starts it, `async for` gives its events."""

    def __init__(self, command: Command[R]) -> None:
        self._command = command
        self._log: deque[str] = deque(maxlen=LOG_LINES)

    async def __aenter__(self) -> AsyncRun[R]:
        options = self._command.options
        program = find_binary(options.environment())
        with descriptors(self._command) as (config, events, reading):
            self._config = config
            self._process = await asyncio.create_subprocess_exec(
                *self._command.line(config, events),
                executable=program,
                env=options.environment(),
                cwd=options.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=[one for one in (config, events) if one is not None],
                process_group=0,
                limit=LINE_BYTES_MAX,
            )
        self._end = asyncio.create_task(self._read_to_end())
        self._events: asyncio.StreamReader | None = None
        self._transport: asyncio.ReadTransport | None = None
        if reading is not None:
            self._events = asyncio.StreamReader(limit=LINE_BYTES_MAX)
            protocol = asyncio.StreamReaderProtocol(self._events)
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(reading, "rb", 0))
        return self

    async def __aiter__(self) -> AsyncIterator[Event]:
        while self._events is not None:
            line = await self._events.readline()
            event = event_of(line) if line else None
            if event is None:
                self._close_events()
                return
            yield event

    async def result(self) -> R:
        """Waits for the end. Throws SluiceError; events that nobody read are gone."""
        async for _ in self:
            pass
        printed = await asyncio.shield(self._end)
        return self._command.finish(await self._process.wait(), printed, "\n".join(self._log), self._config)

    def cancel(self) -> None:
        """As `sluice.Run.cancel()`."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_events()
        if self._process.returncode is None:
            self.cancel()
        try:
            await asyncio.shield(self._end)
        except asyncio.CancelledError:
            # Cancelled once more while the program cleans up: at once, then.
            self.cancel()
            await asyncio.shield(self._end)
            raise

    async def _read_to_end(self) -> bytes:
        assert self._process.stdout is not None
        printed, _ = await asyncio.gather(self._process.stdout.read(), self._read_log())
        await self._process.wait()
        return printed

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self._log.append(note(line))

    def _close_events(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._events = self._transport = None


async def _run(command: Command[R], on_event: Observer | None, progress: bool | None) -> R:
    watching = observers(on_event, progress)
    async with AsyncRun(command) as running:
        async for event in running:
            for observe in watching:
                observe(event)
        return await running.result()


async def check(
    config: Config | None = None,
    *,
    only: Literal["source", "destination"] | None = None,
    on_event: Observer | None = None,
    **common: Unpack[Common],
) -> CheckResult:
    """As `sluice.check`."""
    return await _run(calls.check(config, only, common), on_event, False)


async def discover(
    config: Config | None = None,
    schemas: Names = (),
    *,
    verify_keys: bool = False,
    on_event: Observer | None = None,
    **common: Unpack[Common],
) -> DiscoverResult:
    """As `sluice.discover`."""
    return await _run(calls.discover(config, schemas, verify_keys, common), on_event, False)


async def preview(
    config: Config | None = None, *, stream: str, limit: int = 20, **common: Unpack[Common]
) -> PreviewResult:
    """As `sluice.preview`."""
    return await _run(calls.preview(config, stream, limit, common), None, False)


async def sync(
    config: Config | None = None,
    streams: Names = (),
    *,
    full: bool = False,
    allow_deletes: bool = False,
    on_event: Observer | None = None,
    progress: bool | None = None,
    **common: Unpack[Common],
) -> SyncResult:
    """As `sluice.sync`."""
    return await _run(calls.sync(config, streams, full, allow_deletes, common), on_event, progress)


def start_sync(
    config: Config | None = None,
    streams: Names = (),
    *,
    full: bool = False,
    allow_deletes: bool = False,
    **common: Unpack[Common],
) -> AsyncRun[SyncResult]:
    """As `sluice.start_sync`; begins with `async with`."""
    return AsyncRun(calls.sync(config, streams, full, allow_deletes, common))


async def plan(config: Config | None = None, streams: Names = (), **common: Unpack[Common]) -> PlanResult:
    """As `sluice.plan`."""
    return await _run(calls.plan(config, streams, common), None, False)


async def status(config: Config | None = None, **common: Unpack[Common]) -> StatusResult:
    """As `sluice.status`."""
    return await _run(calls.status(config, common), None, False)


async def history(config: Config | None = None, *, runs: int = 20, **common: Unpack[Common]) -> HistoryResult:
    """As `sluice.history`."""
    return await _run(calls.history(config, runs, common), None, False)
