"""What the program is given, and what its end means to the caller; the program is played."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sluice
from conftest import Player
from sluice import aio, events, results

Sample = Callable[..., Any]
ERROR = {"code": "permission", "operation": "o", "subject": "bucket b", "message": "denied", "remedy": "allow it",
         "cause": "403", "retryable": False, "in_doubt": False}  # fmt: skip
COMMANDS = {"check": results.CheckResult, "discover": results.DiscoverResult, "preview": results.PreviewResult,
            "sync": results.PlanResult, "status": results.StatusResult, "history": results.HistoryResult}  # fmt: skip
SECRET = "wJalrXUtnFEMI"
# Tells its signals and ends by the first, as the program does; or not before the second.
WAITS = """
    stops = []
    def stop(*_):
        stops.append(1)
        open("stop" + str(len(stops)), "w").close()
    signal.signal(signal.SIGINT, stop)
    tell(event="stream_phase", stream="a", phase="load")
    while len(stops) < {stops}:
        time.sleep(0.01)
    end(130, json.loads({document!r}))
"""


@pytest.fixture
def waits(played: Player, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    monkeypatch.chdir(tmp_path)
    stopped = sample(results.StreamResult, status="stopped", error={**ERROR, "code": "cancelled"})
    document = json.dumps(sample(results.SyncResult, interrupted=True, streams=[stopped], exit_code=130))
    return lambda stops=1: played.plays(WAITS.format(stops=stops, document=document))


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


# -- what it is given


def test_names_are_no_options_and_choices_are(played: Player, sample: Sample, tmp_path: Path) -> None:
    played.ends(0, sample(results.SyncResult))
    sluice.sync("a.yaml", ["--full", "b"], full=True, allow_deletes=True, env_file="f", env={"V": "w"}, cwd=tmp_path)
    words = played.given["arguments"]
    assert words[:4] == ["--config", "a.yaml", "--env-file", "f"]
    assert words[4:10] == ["sync", "--json", "--quiet", "--no-color", "--full", "--allow-deletes"]
    assert words[10] == "--events" and words[12:] == ["--", "--full", "b"]
    assert played.given["environment"]["V"] == "w" and played.given["folder"] == str(tmp_path)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sluice.check(only="source"), ["check", "--only", "source"]),
        (lambda: sluice.discover(schemas="a b", verify_keys=True), ["discover", "--verify-keys", "--", "a b"]),
        (lambda: sluice.preview(stream="s", limit=3), ["preview", "--limit", "3", "--", "s"]),
        (lambda: sluice.plan(), ["sync", "--dry-run"]),
        (lambda: sluice.status(), ["status"]),
        (lambda: sluice.history(runs=7), ["history", "--runs", "7"]),
    ],
)
def test_each_call_is_its_command(played: Player, sample: Sample, call: Callable[[], Any], words: list[str]) -> None:
    kind = COMMANDS[words[0]]
    played.ends(0, sample(kind))
    assert type(call()) is kind
    given = played.given["arguments"]
    always = {"--json", "--quiet", "--no-color"}
    if "--events" in given:
        del given[given.index("--events") : given.index("--events") + 2]
    assert [word for word in given if word not in always] == words and always < set(given)


def test_a_dict_is_read_from_memory_and_stands_nowhere_else(played: Player, sample: Sample) -> None:
    played.ends(0, sample(results.StatusResult))
    config = {"name": "ä", "auth": {"secret_access_key": SECRET}, "destination": {"path": Path("a.duckdb")}}
    sluice.status(config)
    assert json.loads(played.given["config"]) == {**config, "destination": {"path": "a.duckdb"}}
    elsewhere = json.dumps([played.given["arguments"], played.given["environment"]])
    assert SECRET not in elsewhere and SECRET not in json.dumps([str(one) for one in Path.cwd().glob("*")])
    with pytest.raises(TypeError, match="cannot hold a set"):
        sluice.status({"streams": {1, 2}})


def test_no_descriptor_is_left_open(played: Player, sample: Sample) -> None:
    played.ends(0, sample(results.SyncResult))
    before = sorted(Path("/proc/self/fd").iterdir())
    sluice.sync({"name": "a"})
    with pytest.raises(OSError):
        sluice.sync({"name": "a"}, cwd="/nonexistent")
    asyncio.run(aio.sync({"name": "a"}))
    assert sorted(Path("/proc/self/fd").iterdir()) == before


# -- what its end means


def test_an_error_is_an_exception_with_code_subject_and_remedy(played: Player) -> None:
    played.ends(1, {"error": ERROR})
    with pytest.raises(sluice.SluiceError) as caught:
        sluice.status()
    error = caught.value
    assert (error.code, error.subject, error.remedy, error.retryable) == ("permission", "bucket b", "allow it", False)
    assert str(error) == "bucket b: denied (permission)\n403\nallow it"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_all_mistakes_of_a_configuration_are_told_without_the_descriptor(played: Player) -> None:
    played.plays(f"""
        file = arguments[arguments.index("--config") + 1]
        problem = {{"field": "name", "line": 2, "column": 1, "file": None, "problem": "is missing", "remedy": "add it"}}
        end(2, {{"error": {{**{ERROR!r}, "code": "invalid_config", "subject": file}}, "file": file,
                 "problems": [problem, problem]}})
    """)
    with pytest.raises(sluice.ConfigurationError) as caught:
        sluice.status({"a": 1})
    assert [one.field for one in caught.value.problems] == ["name", "name"]
    assert caught.value.subject == "the configuration"


def test_failed_streams_are_an_exception_that_has_the_others(played: Player, sample: Sample) -> None:
    failed = sample(results.StreamResult, status="failed", error=ERROR)
    streams = [sample(results.StreamResult, stream="a", rows=7), failed]
    played.ends(3, sample(results.SyncResult, streams=streams, exit_code=3))
    with pytest.raises(sluice.StreamsFailed) as caught:
        sluice.sync()
    assert caught.value.code == "permission" and caught.value.result.streams[0].rows == 7
    assert len(caught.value.result.failed) == 1
    assert pickle.loads(pickle.dumps(caught.value)).result == caught.value.result


def test_a_failed_finding_is_a_result(played: Player, sample: Sample) -> None:
    findings = [sample(results.Finding, id="login.ok"), sample(results.Finding, id="x", severity="failure")]
    played.ends(1, sample(results.CheckResult, findings=findings, exit_code=1))
    told = sluice.check()
    assert not told.ok and [one.id for one in told.failures] == ["x"]


@pytest.mark.parametrize(
    ("script", "kind", "told"),
    [
        ("os.kill(os.getpid(), 9)", sluice.ProgramFailed, "was killed by signal 9"),
        ("os.kill(os.getpid(), 2); time.sleep(9)", sluice.Interrupted, "before it had a result"),
        ("sys.stderr.write('no such option'); sys.exit(2)", sluice.ProgramFailed, "no such option"),
        ("print('[')", sluice.ProgramFailed, "exit code 0 and no result"),
        ("end(0, {})", sluice.ProgramFailed, "holder is missing"),
    ],
)
def test_an_end_without_a_result_is_told(played: Player, script: str, kind: type, told: str) -> None:
    played.plays("signal.signal(signal.SIGINT, signal.SIG_DFL)\n" + script)
    with pytest.raises(kind, match=told) as caught:
        sluice.status()
    assert caught.value.remedy


def test_a_long_log_and_a_long_result_do_not_meet_each_other(played: Player, sample: Sample) -> None:
    document = sample(results.SyncResult, destination="d" * (1 << 20))
    played.plays(f"""
        for number in range(2000):
            sys.stderr.write("x" * 1000 + chr(10))
            tell(event="run_began", run=str(number), streams=["s" * 1000])
        end(0, {document!r})
    """)
    told: list[sluice.Event] = []
    assert len(sluice.sync(on_event=told.append).destination) == 1 << 20
    assert len(told) == 2000
    assert len(asyncio.run(aio.sync()).destination) == 1 << 20


# -- cancel


def test_cancel_is_one_interrupt_and_the_result_comes_with_the_exception(
    waits: Callable[..., None], played: Player
) -> None:
    waits()
    with sluice.start_sync() as run:
        assert isinstance(next(iter(run)), events.StreamPhase)
        run.cancel()
        with pytest.raises(sluice.Interrupted) as caught:
            run.result()
    assert caught.value.code == "cancelled" and caught.value.result is not None
    assert caught.value.result.streams[0].status == "stopped"
    assert played.given["group"] != os.getpgid(0)  # a terminal's Ctrl-C does not reach it beside ours


def test_who_leaves_early_leaves_nothing_behind(waits: Callable[..., None]) -> None:
    waits()
    with sluice.start_sync() as run:
        for _ in run:
            break
    assert run._process.returncode == 130


def test_an_observer_that_throws_ends_the_run(waits: Callable[..., None]) -> None:
    waits()

    def observe(_: sluice.Event) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        sluice.sync(on_event=observe)


def test_ctrl_c_goes_on_when_the_program_has_cleaned_up(waits: Callable[..., None], tmp_path: Path) -> None:
    """The second Ctrl-C is the program's second, too."""
    waits(2)
    began = threading.Event()

    def press() -> None:
        began.wait()
        os.kill(os.getpid(), signal.SIGINT)
        wait_for(lambda: (tmp_path / "stop1").exists())
        os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        sluice.sync(on_event=lambda _: began.set(), cwd=tmp_path)
    pressing.join()
    assert (tmp_path / "stop2").exists()


def test_a_cancelled_task_cancels_its_run(waits: Callable[..., None]) -> None:
    waits()
    ended: list[int | None] = []

    async def main() -> None:
        seen = asyncio.Event()
        run = aio.start_sync()

        async def sync() -> None:
            async with run:
                async for _ in run:
                    seen.set()

        task = asyncio.create_task(sync())
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        ended.append(run._process.returncode)

    asyncio.run(main())
    assert ended == [130]


# -- where it is


def test_the_program_is_found_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled, named, there, own = (tmp_path / one / "sluice" for one in ("package", "named", "path", "venv"))
    for one in (bundled, named, there, own):
        one.parent.mkdir()
        one.write_text("#!/bin/sh\n")
        one.chmod(0o755)
    own.write_text("#!/venv/bin/python\nfrom sluice.__main__ import main\n")
    monkeypatch.setattr("sluice.binary.BUNDLED", bundled)
    monkeypatch.setenv("PATH", f"{own.parent}:{there.parent}")
    monkeypatch.setenv("SLUICE_BINARY", str(named))
    assert sluice.find_binary() == named
    monkeypatch.delenv("SLUICE_BINARY")
    assert sluice.find_binary() == bundled
    bundled.chmod(0o644)
    assert sluice.find_binary() == there  # and not the package's own command, which would call itself
    there.unlink()
    with pytest.raises(sluice.BinaryNotFound, match="make dist"):
        sluice.find_binary()
    monkeypatch.setenv("SLUICE_BINARY", str(own))
    with pytest.raises(sluice.BinaryNotFound, match="SLUICE_BINARY"):
        sluice.find_binary()
