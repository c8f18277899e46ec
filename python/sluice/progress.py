"""Progress of a sync: a table that changes in a notebook, lines elsewhere. No dependency: IPython is used where it
runs."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from .events import Event, RunBegan, RunEnded, StreamEnded, StreamPhase, StreamProgress

Observer = Callable[[Event], object]
_UNITS = ("B", "KB", "MB", "GB", "TB")


def observers(on_event: Observer | None, progress: bool | None) -> list[Observer]:
    """`progress`: None is only in a notebook."""
    found = [] if on_event is None else [on_event]
    notebook = notebook_display()
    if progress or (progress is None and notebook is not None):
        found.append(Progress(notebook))
    return found


def notebook_display() -> Any | None:
    """IPython's `display` if this runs in a kernel (a notebook), which can change what it displayed."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if ipython is None or getattr(shell, "kernel", None) is None:
        return None
    return ipython.display.display


@dataclass
class _Stream:
    name: str
    state: str = "waits"
    detail: str = ""

    def text(self, width: int) -> str:
        return f"{self.name:<{width}}  {self.state:<8}{self.detail}".rstrip()


class Progress:
    """An observer of events. REQUIRES: one thread."""

    def __init__(self, display: Any | None = None, stream: IO[str] | None = None) -> None:
        self._display = display
        self._stream = stream
        self._handle: Any | None = None
        self._streams: dict[str, _Stream] = {}
        self._end = ""

    def __call__(self, event: Event) -> None:
        changed = self._take(event)
        if self._display is not None:
            self._show()
        elif changed:
            # At the time of the call: a notebook or a test may have put another in its place.
            print(changed, file=self._stream or sys.stderr, flush=True)

    def text(self) -> str:
        width = max((len(one.name) for one in self._streams.values()), default=0)
        return "\n".join([*(one.text(width) for one in self._streams.values()), *([self._end] if self._end else [])])

    def _take(self, event: Event) -> str:
        """Changes the table; returns the line worth printing where nothing can be changed afterwards, or ""."""
        match event:
            case RunBegan():
                self._streams = {name: _Stream(_printable(name)) for name in event.streams}
                return ""
            case StreamProgress():
                self._of(event.stream).detail = _rows(event) + f", {_bytes(event.bytes_fetched)}"
                return ""
            case StreamPhase():
                self._of(event.stream).state, self._of(event.stream).detail = event.phase, ""
                return ""
            case StreamEnded():
                why = "" if event.error is None else f": {_printable(event.error.message)}"
                one = self._of(event.stream)
                one.state = event.status
                one.detail = f"{event.rows:,} rows, {_bytes(event.bytes)}, {event.seconds:.1f} s{why}"
                return one.text(len(one.name))
            case RunEnded():
                failed = f", {event.failed} failed" if event.failed else ""
                self._end = f"{event.done} done{failed} in {event.seconds:.1f} s"
                return self._end
        return ""

    def _of(self, name: str) -> _Stream:
        return self._streams.setdefault(name, _Stream(_printable(name)))

    def _show(self) -> None:
        shown = {"text/plain": self.text(), "text/html": f"<pre>{html.escape(self.text())}</pre>"}
        if self._handle is None:
            assert self._display is not None
            self._handle = self._display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)


def _rows(event: StreamProgress) -> str:
    total = "" if event.rows_total is None else f" / {event.rows_total:,}"
    return f"{event.rows_loaded:,}{total} rows"


def _bytes(number: float) -> str:
    for unit in _UNITS[:-1]:
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} {_UNITS[-1]}"


def _printable(text: str) -> str:
    """A name may hold what controls a terminal."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
