"""The private PostgreSQL: start, restart, template, and its end together with the sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from redshift_sandbox.pg import Postgres, PostgresError

SANDBOX = Path(__file__).resolve().parents[2]
# Prints the server's process id and socket directory, then waits to be killed.
HOLDER = """
import sys, threading
from pathlib import Path
from redshift_sandbox.pg import Postgres
postgres = Postgres(Path(sys.argv[1]), Path(sys.argv[2]))
starter = threading.Thread(target=postgres.start)   # the starting thread ends: the server must not
starter.start(); starter.join()
pid = (Path(sys.argv[1]) / "data" / "postmaster.pid").read_text().split()[0]
print(pid, postgres.socket_path.parent, flush=True)
threading.Event().wait()
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until_gone(pid: int) -> bool:
    pause = threading.Event()
    for _ in range(1000):
        if gone(pid):
            return True
        pause.wait(0.02)
    return False


def test_restart_keeps_rows_and_stop_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    postgres = Postgres(tmp_path / "pg", cache)
    postgres.start()
    sockets = postgres.socket_path.parent
    pid = int((tmp_path / "pg" / "data" / "postmaster.pid").read_text().split()[0])
    with postgres.admin() as connection:
        connection.execute("CREATE TABLE kept (a int)")
    postgres.stop()
    postgres.stop()  # the second call does nothing
    assert gone(pid) and not sockets.exists()
    postgres.start()
    with postgres.admin() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    postgres.stop()
    place = (tmp_path / "pg" / "data").resolve()
    postgres.remove()
    assert not place.exists() and not (tmp_path / "pg" / "data").is_symlink()


def test_sandboxes_sharing_a_new_cache_do_not_disturb_each_other(tmp_path: Path) -> None:
    def run(number: int) -> object:
        postgres = Postgres(tmp_path / f"pg{number}", tmp_path / "cache")
        postgres.start()
        try:
            with postgres.admin() as connection:
                row = connection.execute("SELECT count(*) FROM svv_redshift_databases").fetchone()
                return row[0] if row else None
        finally:
            postgres.stop()
            postgres.remove()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, range(2))) == [1, 1]
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_no_tcp_and_a_private_socket(tmp_path: Path, cache: Path) -> None:
    postgres = Postgres(tmp_path / "pg", cache)
    postgres.start()
    try:
        assert postgres.socket_path.parent.stat().st_mode & 0o077 == 0
        with postgres.admin() as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    finally:
        postgres.stop()
        postgres.remove()


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_does_not_outlive_the_sandbox(tmp_path: Path, cache: Path, signal_number: int) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "pg"), str(cache)],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(SANDBOX)},
    )  # fmt: skip
    assert holder.stdout is not None
    pid, sockets = holder.stdout.readline().split()
    psycopg.connect(f"host={sockets} user=rdsdb dbname=dev").close()
    os.kill(holder.pid, signal_number)
    holder.wait(20)
    holder.stdout.close()
    assert wait_until_gone(int(pid))
    pause = threading.Event()
    while Path(sockets).exists():  # the guard removes the files of the server
        pause.wait(0.02)
    Postgres(tmp_path / "pg", cache).remove()


def test_a_cluster_that_cannot_start_says_why(tmp_path: Path, cache: Path) -> None:
    postgres = Postgres(tmp_path / "pg", cache)
    postgres.start()
    postgres.stop()
    with (tmp_path / "pg" / "data" / "postgresql.conf").open("a") as out:
        out.write("nonsense = on\n")
    with pytest.raises(PostgresError, match=r'(?s)unrecognized configuration parameter "nonsense".*postgres\.log'):
        postgres.start()
    postgres.remove()
    with pytest.raises(PostgresError, match="is not running"):
        postgres.dsn()
