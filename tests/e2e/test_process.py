"""How the program stands to the machine it runs on: signals of a failed write, closed files, limits, links, core
files. Nothing here ends it without a word, and nothing of it is for others to read."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import PROGRAM, Finished, Harness, wait_for

pytestmark = pytest.mark.faults

TABLE = "tpch.orders"


@pytest.fixture
def ready(harness: Harness) -> Harness:
    harness.streams("tpch.nation")
    return harness


def run(harness: Harness, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options.setdefault("stdout", subprocess.PIPE)
    command = [str(PROGRAM), "--config", str(harness.write_config()), *arguments]
    return subprocess.run(command, env=harness.variables, cwd=harness.folder, stdin=subprocess.DEVNULL, check=False,
                          stderr=subprocess.PIPE, text=True, timeout=120, **options)  # fmt: skip


# -- the result cannot be written -----------------------------------------------------------------

COMMANDS = [["sync", "--json"], ["sync"], ["check", "--json"], ["discover"], ["config", "validate"],
            ["status", "--json"], ["--help"], ["--version"], ["config", "schema"], ["completion", "bash"]]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_for_the_result_is_an_error(ready: Harness, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        finished = run(ready, *command, stdout=full)
    if command == ["sync"]:  # what a person reads goes to standard error
        assert finished.returncode in (0, 1)
        return
    assert finished.returncode == 1, finished
    assert "standard output" in finished.stderr and "disk is full" in finished.stderr


@pytest.mark.parametrize("command", [["sync", "--json"], ["discover"], ["--help"]], ids=" ".join)
def test_a_reader_that_left_is_told(ready: Harness, command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    finished = run(ready, *command, stdout=writing)
    os.close(writing)
    assert finished.returncode == 1, finished
    assert "its reader closed it" in finished.stderr


def test_a_closed_output_is_told_and_no_file_takes_its_place(ready: Harness) -> None:
    finished = run(ready, "sync", "--json", preexec_fn=lambda: os.close(1))
    assert finished.returncode == 1
    assert "standard output" in finished.stderr and "it is closed" in finished.stderr
    assert ready.tables() == {"tpch.nation": 25}  # the sync itself is done, and its file is whole


def test_all_standard_files_closed(ready: Harness) -> None:
    finished = run(ready, "sync", "--json", preexec_fn=lambda: os.closerange(0, 3))
    assert finished.returncode == 1
    assert ready.tables() == {"tpch.nation": 25}


# -- limits ---------------------------------------------------------------------------------------


def test_a_limit_of_file_sizes_is_an_error_with_the_files_name(harness: Harness) -> None:
    harness.streams(TABLE)
    finished = run(harness, "sync", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
    assert finished.returncode == 1, finished  # not -25: killed by SIGXFSZ
    assert "no_space" in finished.stderr and str(harness.folder) in finished.stderr


@pytest.mark.parametrize("limit", [8, 12, 20, 63])
def test_few_open_files_are_named_and_no_certificate(ready: Harness, limit: int) -> None:
    finished = run(ready, "sync", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    assert finished.returncode == 1
    assert f"too many open files (limit {limit})" in finished.stderr and "ulimit -n" in finished.stderr


def test_as_many_open_files_as_are_asked_for_are_enough(ready: Harness) -> None:
    finished = run(ready, "sync", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    assert finished.returncode == 0, finished.stderr


def test_a_low_soft_limit_of_open_files_is_raised(ready: Harness) -> None:
    finished = run(ready, "sync", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (12, 4096)))
    assert finished.returncode == 0, finished.stderr


# -- secrets in memory ----------------------------------------------------------------------------


def test_no_core_file(harness: Harness) -> None:
    harness.streams(TABLE)
    harness.sandbox.faults.set("unload.slow_per_file", count=1, args={"seconds": 30})
    process = harness.start("sync", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)))
    try:
        limits = Path(f"/proc/{process.pid}/limits")
        wait_for(lambda: "Max core file size        0" in limits.read_text(), "no core file")
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not list(harness.folder.glob("core*"))


def test_what_is_on_disk_is_for_nobody_else(harness: Harness) -> None:
    harness.streams(TABLE)
    harness.sandbox.faults.set("s3.slow", args={"bytes_per_second": 100_000})
    parts = harness.folder / "parts"
    process = harness.start("sync")
    try:
        wait_for(lambda: any(parts.rglob("*.parquet")), "a part on disk")
        modes = {path: path.stat().st_mode & 0o777 for path in parts.rglob("*")}
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    files = [mode for path, mode in modes.items() if path.suffix == ".parquet"]
    assert files and set(files) == {0o600}
    for path in modes:
        if path.suffix == ".parquet":
            assert modes[path.parent] == 0o700


# -- links ----------------------------------------------------------------------------------------


def ledger_of(harness: Harness) -> Path:
    return harness.folder / ".sluice" / f"{harness.name}.ledger"


@pytest.mark.parametrize("end", ["", ".lock", "-wal", "-shm"])
def test_a_link_in_the_place_of_a_state_file_is_not_followed(ready: Harness, end: str) -> None:
    victim = ready.folder / "victim"
    victim.write_text("precious")
    ledger_of(ready).parent.mkdir()
    Path(str(ledger_of(ready)) + end).symlink_to(victim)
    finished = run(ready, "sync")
    assert finished.returncode == 1, finished
    assert "symbolic link" in finished.stderr and ".ledger" + end in finished.stderr
    assert victim.read_text() == "precious"


def test_a_link_to_nothing_makes_nothing(ready: Harness) -> None:
    ledger_of(ready).parent.mkdir()
    Path(str(ledger_of(ready)) + ".lock").symlink_to(ready.folder / "made")
    assert run(ready, "sync").returncode == 1
    assert not (ready.folder / "made").exists()


def test_a_second_name_of_another_file_is_not_written_to(ready: Harness) -> None:
    victim = ready.folder / "victim"
    victim.write_text("precious")
    ledger_of(ready).parent.mkdir()
    os.link(victim, str(ledger_of(ready)) + ".lock")
    finished = run(ready, "sync")
    assert finished.returncode == 1 and "second name" in finished.stderr
    assert victim.read_text() == "precious"


def test_a_pipe_in_the_place_of_the_lock_is_not_waited_for(ready: Harness) -> None:
    ledger_of(ready).parent.mkdir()
    os.mkfifo(str(ledger_of(ready)) + ".lock")
    finished = run(ready, "sync")
    assert finished.returncode == 1 and ".lock" in finished.stderr


# -- a ledger that is none ------------------------------------------------------------------------


def random_bytes(ledger: Path) -> None:
    ledger.write_bytes(os.urandom(8192))


def cut_off(ledger: Path) -> None:
    ledger.write_bytes(b"SQLite format 3\0" + bytes(50))


def another_database(ledger: Path) -> None:
    with sqlite3.connect(ledger) as database:
        database.execute("CREATE TABLE photos(name TEXT)")
        database.execute("INSERT INTO photos VALUES ('cat')")


def newer_format(ledger: Path) -> None:
    with sqlite3.connect(ledger) as database:
        database.execute("CREATE TABLE run(run TEXT)")
        database.execute("CREATE TABLE attempt(attempt TEXT)")
        database.execute("PRAGMA user_version=99")


def folder(ledger: Path) -> None:
    ledger.mkdir()


@pytest.mark.parametrize("make", [random_bytes, cut_off, another_database, newer_format, folder])
def test_a_ledger_that_is_none_is_told_by_every_command(ready: Harness, make: Callable[[Path], None]) -> None:
    ledger = ledger_of(ready)
    ledger.parent.mkdir()
    make(ledger)
    before = ledger.read_bytes() if ledger.is_file() else None
    for command in (["sync"], ["status"], ["history"], ["clean"]):
        finished = run(ready, *command)
        if make is newer_format and command[0] in ("status", "history"):
            continue  # reads what it knows of it
        assert finished.returncode == 1, (command, finished)
        assert str(ledger) in finished.stderr, (command, finished.stderr)
        assert "ove it away" in finished.stderr, (command, finished.stderr)
    assert before is None or ledger.read_bytes() == before
    if ledger.is_dir():
        ledger.rmdir()
    else:
        ledger.rename(ledger.with_suffix(".away"))
    ready.sync()  # as the remedy says
    assert ready.tables() == {"tpch.nation": 25}


def test_ledger_in_a_folder_that_is_a_file(ready: Harness) -> None:
    (ready.folder / ".sluice").write_text("")
    finished = run(ready, "sync")
    assert finished.returncode == 1 and ".sluice" in finished.stderr


# -- files that do not end ------------------------------------------------------------------------


def told(finished: Finished | subprocess.CompletedProcess[str], *words: str) -> None:
    text = (finished.stdout or "") + finished.stderr
    for word in words:
        assert word in text, text


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero"])
@pytest.mark.parametrize("what", ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_CA_BUNDLE", "sslrootcert"])
def test_a_file_without_an_end_is_named(ready: Harness, what: str, kind: str) -> None:
    name = kind
    if kind == "pipe":
        name = str(ready.folder / "pipe")
        os.mkfifo(name)
    if what == "sslrootcert":
        ready.settings["redshift"]["sslrootcert"] = name
    else:
        ready.variables[what] = name
        ready.settings["auth"] = {"profile": "default", "allow_keys_in_unload": True}
    finished = run(ready, "sync")
    assert finished.returncode != 0
    told(finished, name)
