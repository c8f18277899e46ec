# Goal: `redshift-sandbox` starts in the background, says what to do next, writes files that work, and `down` ends what
# `up` started and nothing else.

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from redshift_sandbox import processes

_SOURCE = Path(__file__).resolve().parents[2]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(_SOURCE)}
    line = [sys.executable, "-m", "redshift_sandbox.cli", *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=150)


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="redshift-sandbox-cli-") as folder:
        yield Path(folder)
        command("down", "--dir", folder)


def test_up_status_psql_down(directory: Path) -> None:
    up = command("up", "--dir", str(directory), "--data", "types")
    assert up.returncode == 0, up.stderr
    for word in ("is ready", "analytics", "acme-sluice-staging", "source ", "sluice check", "redshift-sandbox down"):
        assert word in up.stdout
    state = json.loads(command("status", "--dir", str(directory), "--json").stdout)
    assert state["running"]
    again = command("up", "--dir", str(directory))
    assert (again.returncode, "is already running" in again.stdout) == (0, True)
    query = ("psql", "--dir", str(directory), "--", "-X", "-At", "-c", "SELECT value FROM types.one_row")
    answer = command(*query)
    assert (answer.returncode, answer.stdout) == (0, "alone\n"), answer.stderr
    assert command("down", "--dir", str(directory)).returncode == 0
    assert processes.start_mark(state["pid"]) != state["started"]
    assert command("status", "--dir", str(directory)).returncode == 1
    assert command("psql", "--dir", str(directory)).returncode == 1


def test_shop_changes_as_the_command_says(directory: Path) -> None:
    folder = str(directory)
    assert command("up", "--dir", folder, "--data", "shop").returncode == 0
    first = command("shop", "step", "--dir", folder, "--seed", "7", "--steps", "5")
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.splitlines()) == 6 and first.stdout.splitlines()[-1].startswith("seed 7; ")
    held = command("shop", "step", "--dir", folder, "--kind", "hold", "--table", "orders").stdout
    assert "hold orders" in held and "0 transaction(s)" not in held
    assert "release orders" in command("shop", "settle", "--dir", folder).stdout
    assert "0 transaction(s)" in command("shop", "status", "--dir", folder).stdout
    wrong = command("shop", "step", "--dir", folder, "--kind", "explode")
    assert (wrong.returncode, "there is no kind of change 'explode'" in wrong.stderr) == (2, True)
    query = ("psql", "--dir", folder, "--", "-X", "-At", "-c", "SELECT count(*) > 0 FROM shop.items")
    assert command(*query).stdout == "t\n"


def test_restart_keeps_what_clients_know(directory: Path) -> None:
    command("up", "--dir", str(directory), "--data", "types")
    before = (directory / "sluice.yaml").read_text()
    keys = [line for line in (directory / "env").read_text().splitlines() if "AWS_" in line or "EXTERNAL" in line]
    command("down", "--dir", str(directory))
    again = command("up", "--dir", str(directory), "--data", "types")
    assert again.returncode == 0, again.stderr
    assert (directory / "sluice.yaml").read_text() == before
    assert set(keys) <= set((directory / "env").read_text().splitlines())


def test_files_for_the_client(directory: Path) -> None:
    command("up", "--dir", str(directory), "--data", "tpch:0.01,types")
    role = yaml.safe_load((directory / "sluice.yaml").read_text())
    keys = yaml.safe_load((directory / "sluice-keys.yaml").read_text())
    assert set(role) == {"name", "redshift", "staging", "auth", "destination", "defaults", "streams"}
    assert role["redshift"]["username"] == "IAMR:sluice-reader"
    assert role["auth"]["external_id"] == "${SLUICE_EXTERNAL_ID}"
    assert keys["redshift"]["username"] == "IAM:sluice-keys"
    assert keys["auth"]["secret_access_key"] == "${SANDBOX_KEYS_SECRET_ACCESS_KEY}"
    tables = [stream["table"] for stream in role["streams"]]
    assert "tpch.lineitem" in tables
    assert "types.types_plain" in tables
    assert "types.no_grant" not in tables
    assert stat.S_IMODE((directory / "env").stat().st_mode) == 0o600
    public = "".join((directory / name).read_text() for name in ("sluice.yaml", "sluice-keys.yaml", "state.json"))
    for line in (directory / "env").read_text().splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        if "SECRET" in name or "TOKEN" in name:
            assert value.strip("'") not in public


def test_down_leaves_other_processes_alone(directory: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        state = processes.State(other.pid, "another-boot/1", "types", "localhost", 1, "https://127.0.0.1:1")
        processes.write_state(directory, state)
        assert command("down", "--dir", str(directory)).returncode == 0
        assert other.poll() is None
        other.send_signal(signal.SIGKILL)


def test_failures_say_why(directory: Path) -> None:
    done = command("up", "--dir", str(directory), "--data", "tpch:nonsense")
    assert done.returncode == 2
    assert "is not a scale factor; tpch takes 0.001 to 100" in done.stderr
    assert processes.running(directory) is None


def test_a_directory_keeps_its_data_sets(directory: Path) -> None:
    command("up", "--dir", str(directory), "--data", "types")
    command("down", "--dir", str(directory))
    done = command("up", "--dir", str(directory), "--data", "tpch:0.01,types")
    assert done.returncode == 1
    assert "has the data sets types, not tpch-0.01, types; take another directory" in done.stderr
    assert command("up", "--dir", str(directory), "--data", "types").returncode == 0


def test_killed_sandbox_leaves_no_database_behind(directory: Path) -> None:
    command("up", "--dir", str(directory), "--data", "types")
    state = processes.running(directory)
    assert state is not None
    handle = os.pidfd_open(state.pid)
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    os.close(handle)
    done = command("up", "--dir", str(directory), "--data", "types")
    assert done.returncode == 0, done.stderr
