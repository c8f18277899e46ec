"""What the machine does to the service: a disk that is full, a database that is held, connections without end."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redshift_sandbox.world import Sandbox
from service import PATIENCE, Service, Tenant

pytestmark = pytest.mark.serve

DISK_MB = 24


class SmallDiskService(Service):
    """Its data folder is a disk of its own, of few megabytes, in a mount namespace of its own.

    That takes root, or a kernel that lets users make namespaces (sysctl user.max_user_namespaces, and on some
    kernels kernel.unprivileged_userns_clone=1). A container needs --cap-add SYS_ADMIN."""

    def start(self) -> None:
        self.data.mkdir(exist_ok=True)
        mount = f'mount -t tmpfs -o size={DISK_MB}m,mode=700 tmpfs "$0" && exec "$@"'
        who = ["-m"] if os.geteuid() == 0 else ["-rm"]
        self.within = ["unshare", *who, "sh", "-c", mount, str(self.data)]
        super().start()
        self.seen = Path(f"/proc/{self.process.pid}/root{self.data}")
        assert os.statvfs(self.seen).f_blocks * os.statvfs(self.seen).f_frsize == DISK_MB << 20

    def fill(self) -> None:
        with (self.seen / "ballast").open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(4096))

    def make_room(self) -> None:
        (self.seen / "ballast").unlink()


def status_of(service: Service, path: str) -> int:
    return service.client(None).raw("GET", path).status


def wait_until(what: Callable[[], Any], why: str) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until, why
        time.sleep(0.05)
    return found


def cmdline(pid: int) -> bytes:
    """Empty of a process that has ended, whether or not its parent has asked how."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def unloading(service: Service, tenant: Tenant, pipeline: str) -> Any:
    """A run that waits for its UNLOAD, for some seconds; what comes behind it does not."""
    service.sandbox.faults.set("unload.slow_per_file", args={"seconds": 4})
    service.sandbox.faults.set("unload.cache", args={"enabled": False})
    run = tenant.post(f"{tenant.path}/pipelines/{pipeline}/runs").ok(202)
    with tenant.stream("GET", f"{tenant.path}/runs/{run['id']}/events") as events:
        assert any(event.data.get("phase") == "unload" for event in events)
    time.sleep(0.5)
    service.sandbox.faults.clear()
    return run


def test_on_a_full_disk_nothing_is_half_saved_and_all_goes_on_when_there_is_room(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What would be written is refused, and done when it can be.

    G76: On a full disk, or while another process holds its database, the service saves nothing by half and loses no
    run.
    """
    with SmallDiskService(sandbox, tmp_path) as service:
        tenant = service.make_tenant("of a small disk")
        pipeline = tenant.make_pipeline("tpch.region")
        waiting = tenant.make_pipeline("tpch.nation", name="other", destination=pipeline["destination"])
        run = unloading(service, tenant, pipeline["id"])
        queued = tenant.post(f"{tenant.path}/pipelines/{waiting['id']}/runs").ok(202)
        assert status_of(service, "/readyz") == 200
        destinations = tenant.items(f"{tenant.path}/destinations")
        service.fill()
        body = {"name": "more", "type": "duckdb", "path": "more.duckdb"}
        for _ in range(5):
            refused = tenant.post(f"{tenant.path}/destinations", body, Idempotency_Key="once").refused(507, "no_space")
            assert "--data" in refused["remedy"] and refused["retryable"] is True, refused
        tenant.put(f"{tenant.path}/pipelines/{pipeline['id']}", pipeline | {"name": "new"}).refused(507, "no_space")
        tenant.delete(f"{tenant.path}/pipelines/{waiting['id']}").refused(507, "no_space")
        service.admin.post("/tenants", {"name": "another"}).refused(507, "no_space")
        # It is alive, says so, and tells all that it knows.
        assert (status_of(service, "/healthz"), status_of(service, "/readyz")) == (200, 503)
        assert tenant.items(f"{tenant.path}/destinations") == destinations
        assert tenant.get(f"{tenant.path}/pipelines/{pipeline['id']}").ok()["name"] == pipeline["name"]
        assert [one["name"] for one in service.admin.items("/tenants")] == ["of a small disk"]
        # The sync ends without room, too: that is kept in mind until it can be written down.
        process = service.seen / "runs" / run["id"] / "process"
        pid = int(process.read_text().split()[0])
        wait_until(lambda: not cmdline(pid), "the sync goes on")
        assert tenant.get(f"{tenant.path}/runs/{run['id']}").ok()["state"] == "running"
        assert tenant.get(f"{tenant.path}/runs/{queued['id']}").ok()["state"] == "queued"
        service.make_room()
        ended = tenant.wait(run["id"])
        # Its own words, if the disk had room for them.
        assert ended["state"] == "failed" and ended["error"]["code"] in ("no_space", "unavailable"), ended
        assert tenant.wait(queued["id"])["state"] == "succeeded"
        assert status_of(service, "/readyz") == 200
        made = tenant.post(f"{tenant.path}/destinations", body, Idempotency_Key="once").ok(201)
        assert tenant.items(f"{tenant.path}/destinations") == [*destinations, made]
        assert tenant.run(pipeline["id"])["state"] == "succeeded"


@contextlib.contextmanager
def held(service: Service) -> Iterator[None]:
    """Its database, by another process: a backup that hangs, somebody's sqlite3."""
    with contextlib.closing(sqlite3.connect(service.data / "service.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_a_database_that_is_held_is_told_and_no_run_is_lost(sandbox: Sandbox, tmp_path: Path) -> None:
    """What would be written is refused, and done when it can be.

    G76: On a full disk, or while another process holds its database, the service saves nothing by half and loses no
    run.
    """
    with Service(sandbox, tmp_path) as service:
        tenant = service.make_tenant("of a held database")
        pipeline = tenant.make_pipeline("tpch.region")
        waiting = tenant.make_pipeline("tpch.nation", name="other", destination=pipeline["destination"])
        run = unloading(service, tenant, pipeline["id"])
        queued = tenant.post(f"{tenant.path}/pipelines/{waiting['id']}/runs").ok(202)
        body = {"name": "more", "type": "duckdb", "path": "more.duckdb"}
        [pid] = [int(one.read_text().split()[0]) for one in service.data.glob("runs/*/process")]
        # The limit by which the supervisor judges its memory is its own: twice 400 MB, and 150.
        assert re.search(rf"resident set +{(2 * 400 + 150) << 20} ", Path(f"/proc/{pid}/limits").read_text())
        with held(service):
            answer = tenant.post(f"{tenant.path}/destinations", body, Idempotency_Key="once")
            refused = answer.refused(503, "unavailable")
            assert "fuser" in refused["remedy"] and refused["retryable"] is True, refused
            assert int(answer.headers["retry-after"]) > 0
            # However many write: nobody takes all threads and their five seconds from the others.
            with ThreadPoolExecutor(24) as pool:
                answers = list(pool.map(lambda _: tenant.post(f"{tenant.path}/destinations", body).status, range(48)))
                assert set(answers) == {503}
            assert (status_of(service, "/healthz"), status_of(service, "/readyz")) == (200, 503)
            # Whoever only reads is answered: with what was there before.
            assert len(tenant.items(f"{tenant.path}/destinations")) == 1
            wait_until(lambda: not cmdline(pid), "the sync goes on")
            assert tenant.get(f"{tenant.path}/runs/{run['id']}").ok()["state"] == "running"
            assert tenant.get(f"{tenant.path}/runs/{queued['id']}").ok()["state"] == "queued"
        assert status_of(service, "/readyz") == 200
        assert [tenant.wait(one["id"])["state"] for one in (run, queued)] == ["succeeded", "succeeded"]
        assert {one["id"] for one in tenant.items(f"{tenant.path}/runs")} == {run["id"], queued["id"]}
        tenant.post(f"{tenant.path}/destinations", body, Idempotency_Key="once").ok(201)
