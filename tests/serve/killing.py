"""A service that is killed, and starts again over its old folder."""

from __future__ import annotations

import http.client
import os
import time
from pathlib import Path
from typing import Any

import service
from service import PATIENCE, Client, Service

ENDED = ("succeeded", "partly", "failed", "stopped")


class MortalService(Service):
    """`program`: what it is, and what its children are."""

    program: Path = service.PROGRAM

    def start(self) -> None:
        usual, service.PROGRAM = service.PROGRAM, self.program
        try:
            super().start()
        finally:
            service.PROGRAM = usual

    def kill(self) -> None:
        """SIGKILL, so that nothing of its own runs afterwards; its children are not touched."""
        self.process.kill()
        self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def stop(self) -> int:
        code = super().stop()
        self.end_children()
        return code

    def children(self) -> list[int]:
        """Syncs of this service, whoever began them."""
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"sync" in words and any(str(self.data).encode() in word for word in words):
                found.append(int(folder.name))
        return found

    def end_children(self) -> None:
        for pid in self.children():
            os.kill(pid, 9)


def insist(client: Client, path: str, body: Any, key: str) -> Any:
    """A POST over a connection that may die under it: sent again under its key until it is answered."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return client.post(path, body, Idempotency_Key=key)
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < until
            time.sleep(0.05)


def all_runs(client: Client, tenant: str) -> list[Any]:
    return client.items(f"/tenants/{tenant}/runs")


def done_of(runs: list[Any]) -> list[Any]:
    """Those that were done: each of `runs`, or the one that was queued in its place.

    A supervisor that dies in the instant between marking a run and letting its child go leaves one that
    did nothing: it is told as failed, and done under another id."""
    failed = [run for run in runs if run["state"] != "succeeded"]
    assert all(run["state"] == "failed" and "without a result" in run["error"]["message"] for run in failed), failed
    assert len(failed) == sum(run["trigger"] == "retry" for run in runs), runs
    return [run for run in runs if run["state"] == "succeeded"]


def wait_until_idle(client: Client, tenant: str, seconds: float = PATIENCE) -> list[Any]:
    until = time.monotonic() + seconds
    while True:
        runs = all_runs(client, tenant)
        if all(run["state"] in ENDED for run in runs):
            return runs
        assert time.monotonic() < until, [(run["id"], run["state"]) for run in runs if run["state"] not in ENDED]
        time.sleep(0.2)
