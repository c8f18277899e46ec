"""Whatever dies, and whenever: the supervisor, its children, or both.

`KILLS=n` tells how often the supervisor is killed at random moments, `SEED=s` where chance begins.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from killing import MortalService, done_of, insist, wait_until_idle
from redshift_sandbox.world import Sandbox
from service import BUILD, PROGRAM, Tenant

pytestmark = pytest.mark.serve

KILLS = int(os.environ.get("KILLS", "6"))
SEED = int(os.environ.get("SEED", "0"))
CRASHING_PROGRAM = BUILD / "tests" / "crash" / "sluice_crash"
REGIONS = 5


@pytest.fixture
def mortal(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[[Path], MortalService]]:
    made: list[MortalService] = []

    def make(program: Path) -> MortalService:
        service = MortalService(sandbox, tmp_path)
        service.program = program
        service.__enter__()
        made.append(service)
        return service

    yield make
    for service in made:
        service.stop()


def rows_of(service: MortalService, tenant: Tenant, name: str) -> int:
    [file] = (service.data / "files" / tenant.id).rglob(f"of-{name}.duckdb")
    with duckdb.connect(str(file), read_only=True) as warehouse:
        found = warehouse.execute("SELECT count(*) FROM tpch.region").fetchone()
    assert found is not None
    return int(found[0])


def objects_of(sandbox: Sandbox, connection: str) -> list[str]:
    bucket = sandbox.aws.store.bucket(sandbox.facts.bucket)
    listing = sandbox.aws.store.list_objects(bucket, "", "", "", 100_000)
    return [one.key for one in listing.objects if f"/{connection}/" in f"/{one.key}"]


APPEND = {"defaults": {"sync_mode": "full_refresh", "write_mode": "append"}}


def test_a_supervisor_that_is_killed_at_any_moment_loses_no_run_and_doubles_none(
    mortal: Callable[[Path], MortalService], sandbox: Sandbox
) -> None:
    """G73: No run of the service is lost and none is done twice, whichever process dies."""
    chance = random.Random(SEED)
    service = mortal(PROGRAM)
    tenant = service.make_tenant("mortal")
    # Each run appends five rows: one that is lost is missed, one that is done twice is seen.
    pipelines = {name: tenant.make_pipeline("tpch.region", name=name, **APPEND) for name in ("a", "b", "c")}
    asked: dict[str, set[str]] = {name: set() for name in pipelines}
    adopted = 0
    for kill in range(KILLS):
        for name, pipeline in pipelines.items():
            answer = insist(tenant, f"{tenant.path}/pipelines/{pipeline['id']}/runs", {}, f"{kill} {name}")
            # One that waits already is as good.
            asked[name].add(answer.ok(202)["id"] if answer.status == 202 else answer.refused(409, "conflict") and "")
        time.sleep(chance.random() * 1.2)
        service.kill()
        adopted += len(service.children())
        service.start()
    runs = wait_until_idle(tenant, tenant.id)
    for name, pipeline in pipelines.items():
        own = [run for run in runs if run["pipeline"] == pipeline["id"]]
        assert asked[name] - {""} <= {run["id"] for run in own}
        assert len(done_of(own)) == sum(run["trigger"] == "manual" for run in own)
        assert rows_of(service, tenant, name) == REGIONS * len(done_of(own))
        assert objects_of(sandbox, pipeline["connection"]) == []
    assert adopted > 0, "no child outlived its supervisor: the moments were chosen badly"


def effects() -> list[str]:
    listed = subprocess.run([CRASHING_PROGRAM], env={"SLUICE_CRASH_AT": "list"}, capture_output=True, text=True)
    return listed.stdout.split()


def test_a_run_that_is_killed_after_any_effect_is_done_again_and_ends_right(
    mortal: Callable[[Path], MortalService], sandbox: Sandbox
) -> None:
    """G6: After SIGKILL at any point, the next sync ends with right data and an empty bucket."""
    service = mortal(CRASHING_PROGRAM)
    tenant = service.make_tenant("crashing")
    pipeline = tenant.make_pipeline("tpch.region", name="c")
    other = tenant.make_pipeline("tpch.nation", name="other")
    file = service.data / "crash_at"  # HOME of children
    died = []
    for effect in effects():
        file.write_text(f"{effect} tpch.region\n")
        run = tenant.post(f"{tenant.path}/pipelines/{pipeline['id']}/runs").ok(202)
        beside = tenant.post(f"{tenant.path}/pipelines/{other['id']}/runs").ok(202)
        runs = {one["id"]: one for one in wait_until_idle(tenant, tenant.id)}
        if file.exists():  # no sync reaches it here
            file.unlink()
            assert runs[run["id"]]["state"] == "succeeded"
            continue
        died.append(effect)
        ended = runs[run["id"]]
        assert ended["state"] == "failed" and "signal 9" in ended["error"]["message"], ended
        retries = [one for one in runs.values() if one["trigger"] == "retry"]
        assert len(retries) == len(died) and retries[0]["state"] == "succeeded", retries
        assert rows_of(service, tenant, "c") == REGIONS, effect
        assert objects_of(sandbox, pipeline["connection"]) == [], effect
        # G74: A crash of one run touches no other.
        assert runs[beside["id"]]["state"] == "succeeded"
    assert {"unloaded", "loaded", "committed", "cleaned"} <= set(died), died


def test_supervisor_and_child_die_together(mortal: Callable[[Path], MortalService], sandbox: Sandbox) -> None:
    """As when the machine goes down: what was under way is done once more, and once."""
    service = mortal(PROGRAM)
    tenant = service.make_tenant("together")
    pipeline = tenant.make_pipeline("tpch.region", name="t")
    sandbox.faults.set("unload.slow_per_file", args={"seconds": 1.0})
    try:
        run = tenant.post(f"{tenant.path}/pipelines/{pipeline['id']}/runs").ok(202)
        until = time.monotonic() + 60
        while not service.children():
            assert time.monotonic() < until
            time.sleep(0.02)
        service.kill()
        service.end_children()
    finally:
        sandbox.faults.clear()
    service.start()
    runs = {one["id"]: one for one in wait_until_idle(tenant, tenant.id)}
    assert len(runs) == 2 and runs.pop(run["id"])["state"] == "failed"
    [retry] = runs.values()
    assert (retry["trigger"], retry["state"]) == ("retry", "succeeded")
    assert rows_of(service, tenant, "t") == REGIONS


def test_a_run_is_stopped_by_a_supervisor_that_did_not_begin_it(
    mortal: Callable[[Path], MortalService], sandbox: Sandbox
) -> None:
    service = mortal(PROGRAM)
    tenant = service.make_tenant("stopped")
    pipeline = tenant.make_pipeline("tpch.nation", name="s")
    sandbox.faults.set("unload.slow_per_file", args={"seconds": 30.0})
    try:
        run = tenant.post(f"{tenant.path}/pipelines/{pipeline['id']}/runs").ok(202)
        with tenant.stream("GET", f"{tenant.path}/runs/{run['id']}/events") as events:
            for event in events:
                if event.name == "stream_phase" and event.data["phase"] == "unload":
                    break
        service.kill()
        service.start()
        tenant.post(f"{tenant.path}/runs/{run['id']}/stop")
        assert tenant.wait(run["id"])["state"] == "stopped"
    finally:
        sandbox.faults.clear()
    assert objects_of(sandbox, pipeline["connection"]) == []
