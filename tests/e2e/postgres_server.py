"""A PostgreSQL of Debian's for one test process: on loopback, in a folder of its own, never as root.

It is a plain server, not the sandbox's, which pretends to be Redshift. Durability is switched off: kills
end our program, never the server.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from redshift_sandbox.pg import guard
from redshift_sandbox.pg.postgres import _server_account

BINARIES = Path("/usr/lib/postgresql/15/bin")
SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "max_connections": "100",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "1GB",
    "jit": "off",
    "autovacuum": "off",
    "timezone": "UTC",
}


class PostgresServer:
    """Started as it is made; `stop` ends it and removes its files. `user` owns every database."""

    host = "127.0.0.1"
    user = "sluice"

    def __init__(self) -> None:
        self.password = secrets.token_urlsafe(12)
        self._uid, self._gid = _server_account()
        self._folder = Path(tempfile.mkdtemp(prefix="sluice-pg-"))  # where the server's user can reach it
        self._folder.chmod(0o755)
        self._guard: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._make_cluster()
        self.start()

    def _make_cluster(self) -> None:
        data, word = self._folder / "data", self._folder / "password"
        data.mkdir(mode=0o700)
        word.write_text(self.password)
        for path in (data, word):
            os.chown(path, self._uid, self._gid)
        switch: dict[str, Any] = {}
        if os.getuid() == 0:
            switch = {"user": self._uid, "group": self._gid, "extra_groups": []}
        command = [str(BINARIES / "initdb"), "-D", str(data), "-U", self.user, f"--pwfile={word}", "-E", "UTF8",
                   "--locale=C.UTF-8", "-A", "scram-sha-256", "--no-sync", "--no-instructions"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, cwd="/", **switch)
        with (data / "postgresql.conf").open("a") as out:
            out.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())

    def start(self) -> None:
        """Also after `crash`. The port stays what it was."""
        if self.port == 0:
            self.port = _free_port()
        log = self._folder / "log"
        sockets = self._folder / "sockets"
        sockets.mkdir(exist_ok=True)
        os.chown(sockets, self._uid, self._gid)
        command = [sys.executable, "-I", "-S", str(guard.__file__), str(self._uid), str(self._gid),
                   str(BINARIES / "postgres"), "-D", str(self._folder / "data"), "-k", str(sockets),
                   "-p", str(self.port)]  # fmt: skip
        with log.open("ab") as out:
            self._guard = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=out, cwd="/", start_new_session=True
            )
        limit = time.monotonic() + 60
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                assert self._guard.poll() is None, log.read_text(errors="replace")[-2000:]
                assert time.monotonic() < limit, log.read_text(errors="replace")[-2000:]
                time.sleep(0.05)

    def restart(self) -> None:
        """A fast shutdown, which ends every session, and a start."""
        self._end()
        self.start()

    def stop(self) -> None:
        self._end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self) -> None:
        process, self._guard = self._guard, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Autocommit, as the owner. The caller closes it."""
        return psycopg.connect(
            host=self.host, port=self.port, user=self.user, password=self.password, dbname=database, autocommit=True
        )

    def create_database(self, name: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())

    def drop_database(self, name: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
