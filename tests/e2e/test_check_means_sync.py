"""What check calls ready can be synced: random configurations, wrong and right mixed, over random states of source,
bucket, destination and local folder.

`CASES=n` tells how many, `SEED=s` which is the first: a failing seed is run alone with `SEED=s CASES=1`."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from configurations import Case, make_case
from harness import Finished
from redshift_sandbox.world import Sandbox
from scene import Scene

from destinations import Destination

pytestmark = pytest.mark.check

FIRST = int(os.environ.get("SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("CASES", "160")))
KINDS = ("duckdb", "duckdb", "postgres", "duckdb", "lake")


# G25: A green check means that the next sync works: it does not fail for a reason that was there when check looked.
@pytest.mark.parametrize("seed", SEEDS)
def test_a_green_check_means_that_the_next_sync_works(
    sandbox: Sandbox, tmp_path: Path, make_destination: Callable[[str, Path, str], Destination], seed: int
) -> None:
    chance = random.Random(seed)
    scene = Scene(sandbox, tmp_path, f"cms-{seed}")
    case = make_case(scene, make_destination(KINDS[seed % len(KINDS)], tmp_path, f"cms-{seed}"), chance)
    before = state_of(case)
    check = scene.check()
    assert state_of(case) == before, explain(seed, case, check, "check left something behind")
    assert scene.objects() == []
    planned = scene.harness.run("sync", "--dry-run", "--json") if seed % 3 == 0 else None
    if planned is not None:
        assert state_of(case) == before, explain(seed, case, planned, "--dry-run left something behind")
    sync = scene.harness.run("sync", "--json")
    if check.exit_code == 0:
        assert sync.exit_code == 0, explain(seed, case, sync, "check is green, sync fails")
        assert planned is None or planned.exit_code == 0, explain(seed, case, planned, "--dry-run fails alone")
        return
    if not failures_of(check) & NOT_AS_MEANT:
        assert sync.exit_code != 0, explain(seed, case, check, "check is red, sync works")
    if planned is not None and plan_is_refused(check):
        assert planned.exit_code != 0, explain(seed, case, check, "check is red by the plan, --dry-run works")


# What the plan itself refuses, whatever the rights are.
OF_THE_PLAN = {
    "configuration.one_target", "local.work_dir", "streams.column_missing", "streams.column_twice",
    "streams.cursor_type", "streams.no_column", "streams.other_cursor", "streams.other_shape",
    "streams.relation_missing", "streams.shape", "streams.split_type",
    "streams.unreadable_column", "streams.view_broken", "streams.view_denied",
}  # fmt: skip
# A sync works and does something else than meant: brings what is left of the columns.
NOT_AS_MEANT = {"streams.column_grants"}


def failures_of(check: Finished) -> set[str]:
    return {f["id"] for f in check.json.get("findings", []) if f["severity"] == "failure"}


def plan_is_refused(check: Finished) -> bool:
    failures = failures_of(check)
    return check.exit_code == 2 or bool(failures & OF_THE_PLAN) or any(i.startswith("destination.") for i in failures)


def state_of(case: Case) -> dict[str, Any]:
    """What a reader finds at the destination and on local disk."""
    folder = case.scene.harness.folder
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != "sluice.yaml")
    # What SQLite keeps beside a ledger while it is open is no content.
    files = [name for name in files if not name.endswith(("-wal", "-shm", ".lock"))]
    return {"tables": case.destination.tables() if case.destination.exists() else {}, "files": files}


def explain(seed: int, case: Case, finished: Finished, what: str) -> str:
    return "\n".join(
        [f"SEED={seed} CASES=1: {what}", *case.told, json.dumps(case.scene.settings["streams"], indent=1),
         json.dumps(case.scene.settings["destination"]), finished.stdout[-6000:], finished.stderr[-2000:]]
    )  # fmt: skip


