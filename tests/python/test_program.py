"""The package with the program itself, against a sandbox: from a dict to verified rows."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sluice
from harness import ROOT, Harness, issued_secrets, wait_for
from sluice import aio, events

EXAMPLE = re.compile(r"<!-- tested: python -->\n```python\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.usefixtures("harness")


def test_from_a_dict_to_verified_rows(harness: Harness) -> None:
    """One configuration, never on a disk, for every call."""
    config = harness.streams("tpch.nation", "tpch.region").settings
    assert sluice.check(config).ok
    found = {table.name: table for table in sluice.discover(config, "tpch").tables}
    assert found["tpch.nation"].configured and found["tpch.nation"].columns[0].name == "n_nationkey"
    assert len(sluice.preview(config, stream="tpch.region", limit=2).rows) == 2
    planned = sluice.plan(config, "tpch.nation")
    assert planned.streams[0].select and planned.streams[0].landing is not None
    assert planned.streams[0].landing.table == "create" and planned.streams[0].from_ is None
    assert sluice.status(config).streams[0].committed is None

    told: list[sluice.Event] = []
    result = sluice.sync(config, on_event=told.append)
    assert result.rows == 30 and all(stream.proof.agrees for stream in result.streams)
    assert harness.tables() == {"tpch.nation": 25, "tpch.region": 5}
    assert isinstance(told[0], events.CommandBegan) and isinstance(told[-1], events.CommandEnded)
    ended = {event.stream: event.rows for event in told if isinstance(event, events.StreamEnded)}
    assert ended == {"tpch.nation": 25, "tpch.region": 5}

    now = sluice.status(config)
    assert {stream.stream: stream.rows for stream in now.streams} == ended
    (run,) = sluice.history(config, runs=1).runs
    assert run.run == result.run and run.outcome == "done" and now.cost.last_30_days.runs == 1
    written = b"".join(path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file() and path.stat().st_size)
    assert not [secret for secret in issued_secrets(harness.sandbox) if secret.encode() in written]


def test_errors_are_the_programs_own(harness: Harness) -> None:
    config = harness.streams("tpch.nation", "tpch.no_such_table").settings
    with pytest.raises(sluice.StreamsFailed) as failed:
        sluice.sync(config)
    assert failed.value.code == "not_found" and "no_such_table" in failed.value.subject
    assert [stream.status for stream in failed.value.result.streams] == ["done", "failed"]
    with pytest.raises(sluice.ConfigurationError) as wrong:
        sluice.sync({**config, "redshift": {**config["redshift"], "port": "none"}})
    assert wrong.value.subject == "the configuration" and wrong.value.problems[0].field == "redshift.port"
    with pytest.raises(sluice.ConfigurationError, match="sluice init"):
        sluice.sync("none.yaml")


def test_a_cancelled_sync_leaves_a_clean_bucket(harness: Harness) -> None:
    config = harness.streams("tpch.lineitem").settings
    began = time.monotonic()
    with sluice.start_sync(config) as run:
        for event in run:
            if isinstance(event, events.StreamPhase) and event.phase == "unload":
                run.cancel()
        with pytest.raises(sluice.Interrupted) as stopped:
            run.result()
    assert stopped.value.result is not None and stopped.value.result.interrupted
    assert time.monotonic() - began < 60
    harness.assert_bucket_clean()


def test_syncs_side_by_side_by_asyncio(harness: Harness) -> None:
    """Three configurations at once in one loop; the path of a file does as well as a dict."""
    harness.streams("tpch.nation")
    configs: list[sluice.Config] = []
    for number in range(3):
        settings = json.loads(json.dumps(harness.settings))
        settings["name"] = f"{harness.name}-{number}"
        settings["destination"]["path"] = str(harness.folder / f"{number}.duckdb")
        settings["limits"]["work_dir"] = str(harness.folder / f"parts{number}")
        configs.append(settings)
    path = harness.folder / "third.yaml"
    path.write_text(json.dumps(configs[2]))
    configs[2] = path

    async def main() -> list[sluice.SyncResult]:
        return await asyncio.gather(*(aio.sync(config) for config in configs))

    assert [result.rows for result in asyncio.run(main())] == [25, 25, 25]
    wait_for(lambda: harness.objects() == [], "a clean bucket")


def test_the_examples_of_the_page_run(harness: Harness) -> None:
    """docs/PYTHON.md, word for word, each in a process of its own."""
    examples = EXAMPLE.findall((ROOT / "docs/PYTHON.md").read_text())
    assert len(examples) == 3
    harness.streams("tpch.nation").write_config()
    told = [
        subprocess.run(
            [sys.executable, "-c", example],
            env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
            cwd=harness.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        for example in examples
    ]
    assert [one.returncode for one in told] == [0, 0, 0], [one.stderr for one in told]
    assert told[0].stdout.splitlines() == ["True", "tpch.nation 25 True", "25"]
    assert "tpch.nation unload\n" in told[1].stdout and "tpch.nation has 25 rows\n" in told[1].stdout
    assert told[2].stdout.splitlines()[0] == "command_began" and told[2].stdout.splitlines()[-1] == "25"
