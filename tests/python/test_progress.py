"""What is shown of a sync: lines where nothing can be changed, a table that changes in a notebook."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import sluice
from conftest import Player
from sluice import results
from sluice.events import Event, RunBegan, RunEnded, StreamEnded, StreamPhase, StreamProgress
from sluice.parse import from_json
from sluice.progress import Progress

Sample = Callable[..., Any]
ERROR = {"code": "timeout", "operation": "o", "subject": "s", "message": "no answer", "remedy": "r", "cause": "",
         "retryable": True, "in_doubt": False}  # fmt: skip


@pytest.fixture
def told(sample: Sample) -> list[Event]:
    return [
        RunBegan(v=1, event="", time=0, run="r", streams=("sales.orders", "<b>\x1b[2J")),
        StreamPhase(v=1, event="", time=0, stream="sales.orders", phase="load"),
        StreamProgress(v=1, event="", time=0, stream="sales.orders", phase="load", rows_loaded=1500, rows_total=20000,
                       bytes_fetched=2_500_000, bytes_total=None),
        from_json(StreamEnded, sample(StreamEnded, stream="sales.orders", rows=20000, bytes=4000, seconds=2.0)),
        from_json(StreamEnded, sample(StreamEnded, stream="<b>\x1b[2J", status="failed", error=ERROR)),
        RunEnded(v=1, event="", time=0, run="r", interrupted=False, seconds=3.0, done=1, failed=1),
    ]  # fmt: skip


def test_lines_are_of_what_ended(told: list[Event]) -> None:
    out = io.StringIO()
    show = Progress(stream=out)
    for event in told:
        show(event)
    assert out.getvalue().splitlines() == [
        "sales.orders  done    20,000 rows, 4 KB, 2.0 s",
        "<b>\\x1b[2J  failed  0 rows, 0 B, 0.0 s: no answer",
        "1 done, 1 failed in 3.0 s",
    ]


class Handle:
    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def display(self, shown: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw and display_id and not self.shown
        self.shown.append(shown)
        return self

    def update(self, shown: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(shown)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Handle:
    handle = Handle()
    ipython: Any = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    ipython.display = SimpleNamespace(display=handle.display)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return handle


def test_a_notebook_has_one_table_that_changes(notebook: Handle, told: list[Event]) -> None:
    show = Progress(sluice.progress.notebook_display())
    for event in told[:3]:
        show(event)
    assert notebook.shown[0]["text/plain"].splitlines()[0] == "sales.orders  waits"
    assert notebook.shown[-1]["text/plain"].splitlines()[0] == "sales.orders  load    1,500 / 20,000 rows, 2.5 MB"
    assert "&lt;b&gt;" in notebook.shown[-1]["text/html"] and "\x1b" not in notebook.shown[-1]["text/html"]


@pytest.mark.parametrize(("progress", "shown"), [(None, True), (False, False), (True, True)])
def test_it_is_shown_in_a_notebook_unless_it_is_not_wanted(
    notebook: Handle, played: Player, sample: Sample, progress: bool | None, shown: bool
) -> None:
    played.plays(f"""
        tell(event="run_began", run="r", streams=["a"])
        end(0, {sample(results.SyncResult)!r})
    """)
    sluice.sync(progress=progress)
    assert bool(notebook.shown) == shown


def test_elsewhere_it_must_be_asked_for(played: Player, sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    played.plays(f"""
        tell(event="run_ended", run="r", interrupted=False, seconds=1.5, done=2, failed=0)
        end(0, {sample(results.SyncResult)!r})
    """)
    sluice.sync()
    assert capsys.readouterr().err == ""
    sluice.sync(progress=True)
    assert capsys.readouterr().err == "2 done in 1.5 s\n"
