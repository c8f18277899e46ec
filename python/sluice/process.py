"""The program as a child process, its events as an iterator."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import IO, Generic, TypeVar

from .binary import find_binary
from .command import LOG_LINES, Command, config_file
from .events import Event, event_of
from .results import Document

R = TypeVar("R", bound=Document)
LOG = logging.getLogger("sluice")


@contextlib.contextmanager
def descriptors(command: Command[R]) -> Iterator[tuple[int | None, int | None, int | None]]:
    """For the child the configuration and the end to which events are written, for the caller the end they are read
    from. Closes the child's; the caller's too if it throws."""
    config = reading = writing = None
    try:
        if isinstance(command.options.config, dict) or hasattr(command.options.config, "items"):
            config = config_file(command.options.config)  # type: ignore[arg-type]
        if command.has_events:
            reading, writing = os.pipe()
        yield config, writing, reading
    except BaseException:
        if reading is not None:
            os.close(reading)
        raise
    finally:
        for one in (config, writing):
            if one is not None:
                os.close(one)


class Run(Generic[R]):
    """A command under way. Iterate over it for its events, then ask for `result()`. As a context manager it never
    leaves the program behind: on the way out, a run that has not ended is cancelled and waited for. One thread uses
    it, but `cancel()` may come from any."""

    def __init__(self, command: Command[R]) -> None:
        self._command = command
        program = find_binary(command.options.environment())
        with descriptors(command) as (config, events, reading):
            self._config = config
            # A group of its own: a Ctrl-C in a terminal would reach the program beside our own SIGINT, and the second
            # one says "stop at once".
            self._process = subprocess.Popen(
                command.line(config, events),
                executable=program,
                env=command.options.environment(),
                cwd=command.options.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[one for one in (config, events) if one is not None],
                process_group=0,
            )
        self._events: IO[bytes] | None = None if reading is None else os.fdopen(reading, "rb")
        self._printed = b""
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._readers = [threading.Thread(target=one, daemon=True) for one in (self._read_result, self._read_log)]
        for reader in self._readers:
            reader.start()

    def __iter__(self) -> Iterator[Event]:
        while self._events is not None:
            line = self._events.readline()
            event = event_of(line) if line else None
            if event is None:
                self._close_events()
                return
            yield event

    def result(self) -> R:
        """Waits for the end. Throws SluiceError, always the same; events that nobody read are gone."""
        for _ in self:
            pass
        self._wait()
        return self._command.finish(self._process.returncode, self._printed, "\n".join(self._log), self._config)

    def cancel(self) -> None:
        """Asks for the end, as Ctrl-C does: what runs at the server is cancelled, the bucket cleaned, unfinished
        tables stay as they were. Called again it says: at once. Returns immediately; `result()` waits and throws
        Interrupted."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def __enter__(self) -> Run[R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # First, or the program would wait for its reader.
        self._close_events()
        if self._process.poll() is None:
            self.cancel()
        try:
            self._wait()
        except BaseException:
            # The user is impatient: a second Ctrl-C while the program cleans up.
            self.cancel()
            self._wait()
            raise

    def _wait(self) -> None:
        for reader in self._readers:
            reader.join()
        self._process.wait()

    def _close_events(self) -> None:
        if self._events is not None:
            self._events.close()
            self._events = None

    def _read_result(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            self._printed = stream.read()

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self._log.append(note(line))


def note(line: bytes) -> str:
    """Warnings are in the results, too: whoever wants them as they come listens to the logger `sluice`."""
    text = line.decode(errors="replace").rstrip("\n")
    LOG.info("%s", text)
    return text


def run(command: Command[R], *observers: Callable[[Event], object]) -> R:
    """An observer that throws ends the run, as if it were cancelled."""
    with Run(command) as running:
        for event in running:
            for observe in observers:
                observe(event)
        return running.result()
