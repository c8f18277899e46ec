"""Many tenants whose schedules fire together, while the supervisor is killed.

Quick by default, for every change; the whole (50 tenants of 20 sources, 1,000 runs) with `LOAD=full`, which
writes its figures to the file that `LOAD_FIGURES` names. The syncs are fakes (tests/load/main.cc).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from killing import MortalService, done_of
from redshift_sandbox.world import Sandbox
from service import BUILD, Client, Tenant

pytestmark = pytest.mark.load

PROGRAM = BUILD / "tests" / "load" / "sluice_load"
FULL = os.environ.get("LOAD") == "full"
TENANTS, SOURCES = (50, 20) if FULL else (10, 20)
KILLS = 8 if FULL else 3
SEED = int(os.environ.get("SEED", "0"))
PATIENCE = 1800 if FULL else 240
# Memory may not grow with the runs that were done.
GROWTH_KB_MAX = 32 << 10


class Prober(threading.Thread):
    """Asks over and over, as a page that is open does, and keeps how long each answer took."""

    def __init__(self, client: Client, paths: list[str]) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self._client, self._paths = client, paths
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.02):
            path = self._paths[len(self.seconds) % len(self._paths)]
            began = time.monotonic()
            try:
                answer = self._client.raw("GET", path)
            except (OSError, http.client.HTTPException):
                continue  # it is being killed
            assert answer.status == 200, answer
            self.seconds.append(time.monotonic() - began)

    def end(self) -> None:
        self._ended.set()
        self.join()


def at(share: float, sorted_values: list[float]) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def memory_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def fill(service: MortalService, number: int) -> Tenant:
    tenant = service.make_tenant(f"tenant {number}")
    for source in range(SOURCES):
        tenant.make_pipeline("sales.orders", name=f"p{source}", schedule=None)
    return tenant


def schedule_all(tenants: list[Tenant], cron: str) -> None:
    def one(tenant: Tenant) -> None:
        for pipeline in tenant.items(f"{tenant.path}/pipelines"):
            body = {"cron": cron, "time_zone": "UTC", "paused": False}
            answer = tenant.put(f"{tenant.path}/pipelines/{pipeline['id']}/schedule", body)
            assert answer.status == 200, answer

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, tenants))


def metrics(client: Client) -> dict[str, float]:
    found = {}
    for line in client.raw("GET", "/metrics").body.decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def test_schedules_that_fire_together_lose_no_run_and_double_none(sandbox: Sandbox, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    service = MortalService(sandbox, tmp_path, arguments=["--parallel-runs", "4"])
    service.program = PROGRAM
    with service:
        with ThreadPoolExecutor(4) as pool:
            tenants = list(pool.map(lambda number: fill(service, number), range(TENANTS)))
        moment = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=2 if FULL else 1)
        schedule_all(tenants, f"{moment.minute} {moment.hour} * * *")
        assert datetime.now(UTC) < moment, "the schedules came too late to fire together"
        prober = Prober(service.admin, ["/api/v1/overview", "/api/v1/me", f"/api/v1/tenants/{tenants[0].id}/runs"])
        prober.start()
        figures = drain(service, chance, TENANTS * SOURCES)
        prober.end()
        figures |= {"answers": len(prober.seconds), "p50_ms": round(at(0.5, sorted(prober.seconds)) * 1000, 1),
                    "p99_ms": round(at(0.99, sorted(prober.seconds)) * 1000, 1)}  # fmt: skip
        prove(service, tenants)
    print(json.dumps(figures))
    if name := os.environ.get("LOAD_FIGURES"):
        Path(name).write_text(json.dumps(figures, indent=2) + "\n")


def drain(service: MortalService, chance: random.Random, total: int) -> dict[str, Any]:
    """Kills the supervisor while the queue becomes empty."""
    file = service.data / "fake_runs.txt"

    def done() -> int:
        return file.read_text().count("\n") if file.exists() else 0

    until = time.monotonic() + PATIENCE
    kill_at = sorted(chance.randrange(total) for _ in range(KILLS))
    began: float | None = None
    memory: list[int] = []
    adopted = 0
    while done() < total:
        assert time.monotonic() < until, f"{done()} of {total} runs"
        if began is None and done() > 0:
            began = time.monotonic()
        if kill_at and done() >= kill_at[0]:
            kill_at.pop(0)
            service.kill()
            adopted += len(service.children())
            service.start()
            memory.clear()
        memory.append(memory_kb(service.process.pid))
        time.sleep(0.05)
    seconds = time.monotonic() - (began or 0)
    tail = memory[len(memory) // 2 :]
    assert tail[-1] - min(tail) < GROWTH_KB_MAX, tail
    return {"runs": total, "tenants": TENANTS, "kills": KILLS, "adopted": adopted, "seconds": round(seconds, 1),
            "memory_mb": round(max(memory) / 1024, 1)}  # fmt: skip


def prove(service: MortalService, tenants: list[Tenant]) -> None:
    until = time.monotonic() + 60
    while True:
        now = metrics(service.admin)
        if now["sluice_runs_queued"] == 0 and now["sluice_runs_running"] == 0:
            break
        assert time.monotonic() < until, now
        time.sleep(0.1)
    # What children did, and what the service says of them, one by one.
    times = Counter((service.data / "fake_runs.txt").read_text().split())
    assert set(times.values()) == {1}, [run for run, count in times.items() if count > 1]
    told = {}
    for tenant in tenants:
        runs = done_of(tenant.items(f"{tenant.path}/runs"))
        assert len(runs) == SOURCES
        assert len({run["pipeline"] for run in runs}) == SOURCES
        told |= {run["id"]: run for run in runs}
    assert told.keys() == times.keys()
    # Fair: no tenant's last run began when another's were long over. The queue holds all at once, so
    # each tenant's middle run lies near the middle of all.
    order = sorted(told.values(), key=lambda run: str(run["started_at"]))
    place = {run["id"]: number for number, run in enumerate(order)}
    for tenant in tenants:
        own = [place[run] for run in told if told[run]["tenant"] == tenant.id]
        middle = sum(own) / len(own) / len(order)
        assert 0.3 < middle < 0.7, (tenant.id, middle)
