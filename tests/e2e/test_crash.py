"""G6: After SIGKILL at any point, the next sync ends with right data and an empty bucket.

The program is killed right after each effect, before it can do anything else; a fresh process then runs.
"""

from __future__ import annotations

import signal

import pytest
from harness import CRASHING_PROGRAM, Harness, wait_for

pytestmark = pytest.mark.crash

EFFECTS = ["prefix_recorded", "unloaded", "loaded", "committed", "cleaned"]
TABLES = ["tpch.orders", "tpch.nation"]


def killed_sync(harness: Harness, effect: str, stream: str) -> None:
    harness.variables["SLUICE_CRASH_AT"] = f"{effect} {stream}"
    finished = harness.run("sync", "--json", program=CRASHING_PROGRAM)
    assert finished.exit_code == -signal.SIGKILL, finished
    del harness.variables["SLUICE_CRASH_AT"]


@pytest.mark.parametrize("effect", EFFECTS)
def test_killed_after_each_effect(harness: Harness, effect: str) -> None:
    harness.streams(*TABLES)
    harness.settings["streams_parallel"] = 1
    harness.sync()
    before = harness.fingerprint()
    stream = TABLES[0]

    killed_sync(harness, effect, stream)

    # G3: Rows and watermark appear together or not at all.
    attempts = dict(harness.query("SELECT stream, run FROM _sluice.state"))
    same_run = attempts["tpch.orders"] == attempts["tpch.nation"]
    # Small streams are cleaned up together, after the last of them.
    assert same_run == (effect != "committed")
    assert harness.fingerprint() == before
    # G4: Files go only after the commit is confirmed, and only beneath our own prefix.
    if effect in ("unloaded", "loaded", "committed"):
        assert any(key.endswith("manifest") for key in harness.objects())

    harness.sync()
    assert harness.fingerprint() == before
    harness.assert_bucket_clean()
    harness.assert_no_parts_on_disk()


@pytest.mark.parametrize("effect", EFFECTS)
def test_killed_in_the_first_sync_ever(harness: Harness, effect: str) -> None:
    harness.streams(*TABLES)
    harness.settings["streams_parallel"] = 1
    killed_sync(harness, effect, TABLES[0])
    committed = {"committed": TABLES[:1], "cleaned": TABLES}.get(effect, [])
    assert harness.tables() == {name: harness.source_count(name) for name in sorted(committed)}
    harness.sync()
    assert harness.tables() == {name: harness.source_count(name) for name in sorted(TABLES)}
    harness.assert_bucket_clean()


def test_killed_while_unload_runs(harness: Harness) -> None:
    """Redshift goes on writing for a client that is gone: what it writes is removed by the next syncs."""
    harness.sandbox.faults.set("unload.slow_per_file", args={"seconds": 0.3})
    harness.sandbox.faults.set("unload.cache", args={"enabled": False})
    harness.streams("tpch.orders")
    process = harness.start("sync", "--json")
    wait_for(lambda: any(k.endswith(".parquet") for k in harness.objects()), "the first part")
    process.kill()
    harness.finish(process)
    wait_for(lambda: any(k.endswith("manifest") for k in harness.objects()), "the zombie's manifest")
    harness.sandbox.faults.clear()
    harness.sync()
    assert harness.tables() == {"tpch.orders": harness.source_count("tpch.orders")}
    harness.assert_bucket_clean()


def test_a_lost_ledger_loses_no_rows(harness: Harness) -> None:
    harness.streams("tpch.nation").sync()
    for file in harness.folder.rglob("*.ledger*"):
        file.unlink()
    harness.sync()
    assert harness.tables() == {"tpch.nation": 25}
    harness.assert_bucket_clean()
