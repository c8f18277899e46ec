"""The history shows what runs, and it can be cancelled, with or without its client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from redshift_sandbox import account
from redshift_sandbox.testing import RunningSandbox, fault

Prefix = Callable[[], str]
WAIT_SECONDS = 20


@pytest.fixture
def slow(sandbox: RunningSandbox) -> Iterator[None]:
    """UNLOADs that run until they are cancelled."""
    with fault(sandbox, "unload.slow_per_file", {"seconds": 30}):
        yield


def history(connection: psycopg.Connection[Any], prefix: str, columns: str = "status") -> list[tuple[Any, ...]]:
    location = f"s3://{account.BUCKET}/{prefix}"
    query = f"SELECT {columns} FROM sys_unload_history WHERE unloaded_location = '{location}'"
    return connection.execute(query.encode()).fetchall()


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


class Unloading:
    """An UNLOAD in its own thread."""

    def __init__(self, sandbox: RunningSandbox, prefix: str) -> None:
        self.connection = sandbox.connect()
        self.pid = self.connection.info.backend_pid
        self.error: psycopg.Error | None = None
        self._thread = threading.Thread(target=self._run, args=(sandbox, prefix), daemon=True)
        self._thread.start()

    def _run(self, sandbox: RunningSandbox, prefix: str) -> None:
        try:
            sandbox.unload(self.connection, "SELECT * FROM tpch.nation", prefix)
        except psycopg.Error as error:
            self.error = error

    def join(self) -> None:
        self._thread.join(WAIT_SECONDS)
        assert not self._thread.is_alive()
        self.connection.close()


@pytest.mark.parametrize("how", ["CANCEL {}", "CANCEL {} 'enough'", "SELECT pg_cancel_backend({})"])
def test_a_running_unload_is_shown_and_cancelled(
    sandbox: RunningSandbox, prefix: Prefix, slow: None, how: str
) -> None:
    where = prefix()
    unloading = Unloading(sandbox, where)
    with sandbox.connect() as other:
        until(lambda: history(other, where) == [("running",)])
        columns = "session_id, end_time, duration >= 0, file_format, unloaded_files_count"
        assert history(other, where, columns) == [(unloading.pid, None, True, "PARQUET", 0)]
        running = f"FROM sys_query_history WHERE status = 'running' AND session_id = {unloading.pid}"
        assert other.execute(f"SELECT query_type {running}".encode()).fetchall() == [("UNLOAD",)]
        done = other.execute(how.format(unloading.pid).encode())
        assert done.statusmessage in ("CANCEL", "SELECT 1")
        unloading.join()
        assert unloading.error is not None and unloading.error.sqlstate == "57014"
        assert history(other, where, "status, end_time IS NULL, error_message LIKE 'Query % canceled%'") == [
            ("aborted", False, True)
        ]


def test_pids_may_come_from_the_view(sandbox: RunningSandbox, prefix: Prefix, slow: None) -> None:
    where = prefix()
    unloading = Unloading(sandbox, where)
    with sandbox.connect() as other:
        until(lambda: history(other, where) == [("running",)])
        assert history(other, where, "pg_cancel_backend(session_id)") == [(True,)]
        unloading.join()
        assert unloading.error is not None and unloading.error.sqlstate == "57014"


def test_a_zombie_goes_on_and_can_be_cancelled(sandbox: RunningSandbox, prefix: Prefix, slow: None) -> None:
    where = prefix()
    connection = sandbox.connect()
    pid = connection.info.backend_pid
    with fault(sandbox, "gateway.drop_during_statement", count=1), pytest.raises(psycopg.OperationalError):
        sandbox.unload(connection, "SELECT * FROM tpch.nation", where)
    with sandbox.connect() as other:
        # The connection is reset before the UNLOAD starts, so the history may not show it yet.
        until(lambda: history(other, where, "status, session_id") == [("running", pid)])
        other.execute(f"CANCEL {pid}".encode())
        until(lambda: history(other, where) == [("aborted",)])
        until(lambda: pid not in {one["session_id"] for one in sandbox.world.gateway.sessions()})
    assert sandbox.objects(where) == []


def test_b47_a_zombie_writes_its_manifest_in_the_end(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    connection = sandbox.connect()
    with fault(sandbox, "unload.slow_per_file", {"seconds": 0.3}):
        with fault(sandbox, "gateway.drop_during_statement", count=1), pytest.raises(psycopg.OperationalError):
            sandbox.unload(connection, "SELECT * FROM tpch.nation", where)
        assert f"{where}manifest" not in sandbox.objects(where)
        until(lambda: f"{where}manifest" in sandbox.objects(where))
    with sandbox.connect() as other:
        until(lambda: history(other, where, "status, unloaded_rows") == [("completed", 25)])


def test_others_sessions_are_not_shown_and_not_cancelled(sandbox: RunningSandbox, prefix: Prefix, slow: None) -> None:
    where = prefix()
    unloading = Unloading(sandbox, where)
    user, password = sandbox.fresh_login(sandbox.keys_session())
    with sandbox.connect() as mine, sandbox.connect(user=user, password=password) as other:
        until(lambda: history(mine, where) == [("running",)])
        assert history(other, where) == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(f"CANCEL {unloading.pid}".encode())
        assert history(mine, where) == [("running",)]
        mine.execute(f"SELECT pg_terminate_backend({unloading.pid})".encode())
        unloading.join()
        assert unloading.error is not None


def test_cancelling_no_session_changes_nothing(sandbox: RunningSandbox) -> None:
    with sandbox.connect() as connection:
        assert connection.execute("CANCEL 999999").statusmessage == "CANCEL"
        for broken in ("CANCEL", "CANCEL abc", "CANCEL 1 2"):
            with pytest.raises(psycopg.errors.SyntaxError):
                connection.execute(broken.encode())
