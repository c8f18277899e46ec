"""Starts, finds and stops the private PostgreSQL 15.

The cluster listens on a Unix socket in a private directory and nowhere else; every local role is trusted
there, because only the gateway decides who may log in. Durability is switched off: the sandbox's rows can
always be created again.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo

SUPERUSER = "rdsdb"  # Redshift's own internal superuser; pg_user shows it there too
ADMIN = "admin"  # the administrator of a new namespace
DEFAULT_DATABASE = "dev"
_PORT = 5432  # only names the socket file
_DEBIAN_BINARIES = Path("/usr/lib/postgresql/15/bin")
_BINARIES_VARIABLE = "REDSHIFT_SANDBOX_POSTGRES"
_COMPAT = Path(__file__).parent / "compat"
_SOCKET_PATH_MAX = 107  # format (sockaddr_un of Linux), do not change

_SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "jit": "off",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "backslash_quote": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "'ISO, MDY'",
    "log_min_error_statement": "panic",  # statements may contain what must not be logged
    "log_min_messages": "fatal",
}


class PostgresError(Exception):
    """PostgreSQL could not be prepared, started or stopped. The text ends with what to do about it."""


def find_binaries() -> Path:
    """The folder of PostgreSQL 15's programs: the one that REDSHIFT_SANDBOX_POSTGRES names, else that of the Debian
    package, else that of the `pg_config` on the PATH. Throws PostgresError, which says how to get one."""
    given = os.environ.get(_BINARIES_VARIABLE)
    candidates = [Path(given)] if given else [_DEBIAN_BINARIES, *_of_pg_config()]
    seen = []
    for folder in candidates:
        version = _version(folder)
        if version == "15":
            return folder
        seen.append(f"{folder} has " + (f"PostgreSQL {version}" if version else "no program `postgres`"))
    raise PostgresError(
        f"PostgreSQL 15 is missing ({'; '.join(seen)}): install the Debian or Ubuntu package postgresql-15 "
        "(apt-get install postgresql-15; from apt.postgresql.org where the distribution has another version), or set "
        f"{_BINARIES_VARIABLE} to the folder bin of any PostgreSQL 15"
    )


def _of_pg_config() -> list[Path]:
    program = shutil.which("pg_config")
    if program is None:
        return []
    done = subprocess.run([program, "--bindir"], capture_output=True, text=True)
    return [Path(done.stdout.strip())] if done.returncode == 0 else []


def _version(folder: Path) -> str:
    """The major version of the server there; "" if there is none."""
    if not (folder / "postgres").exists() or not (folder / "initdb").exists():
        return ""
    done = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True)
    found = re.search(r"(\d+)(?:\.\d+)?\S*(?: |$)", done.stdout.strip())
    return found.group(1) if found else ""


def _server_account() -> tuple[int, int]:
    """The user PostgreSQL runs as: it refuses root."""
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise PostgresError("PostgreSQL refuses to run as root, and there is no user postgres or nobody; create one")


def _reachable(path: Path, uid: int) -> bool:
    """Whether `uid` may enter every directory above `path`."""
    for parent in path.resolve().parents:
        status = parent.stat()
        bit = stat.S_IXUSR if status.st_uid == uid else stat.S_IXOTH
        if not status.st_mode & bit:
            return False
    return True


def keep_first(part: Path, place: Path) -> None:
    """Puts a finished template into its place, unless another process has put one there meanwhile."""
    try:
        part.rename(place)
    except OSError:
        shutil.rmtree(part)


class Postgres:
    """One cluster in `directory`/data, kept between starts.

    `cache` holds an initialised template of the cluster, shared by all sandboxes of this machine's user;
    it is rebuilt whenever the compatibility catalog changes. Without it each new directory needs a full
    initdb. start() and stop() belong to one owner; dsn(), admin() may be called from any thread between.
    """

    def __init__(self, directory: Path, cache: Path | None = None) -> None:
        self._binaries = find_binaries()
        self._directory = directory
        self._cache = cache
        self._uid, self._gid = _server_account()
        self._guard: subprocess.Popen[bytes] | None = None
        self._socket_directory: Path | None = None

    @property
    def socket_path(self) -> Path:
        """The socket file, for clients that speak the protocol themselves."""
        return self._sockets() / f".s.PGSQL.{_PORT}"

    def dsn(self, *, user: str = SUPERUSER, database: str = DEFAULT_DATABASE, **keywords: str) -> str:
        """libpq keywords of a connection as `user`; no password is asked."""
        return conninfo.make_conninfo("", host=str(self._sockets()), port=_PORT, user=user, dbname=database, **keywords)

    def admin(self, database: str = DEFAULT_DATABASE) -> psycopg.Connection[Any]:
        """A new autocommit connection as superuser. The caller closes it."""
        return psycopg.connect(self.dsn(database=database), autocommit=True)

    def start(self, timeout_seconds: float = 60.0) -> None:
        """Creates the cluster if there is none, and returns when it accepts connections. Throws PostgresError."""
        if self._guard is not None:
            raise PostgresError("this PostgreSQL is already running")
        data = self._prepare_data()
        self._launch(data, timeout_seconds)

    def stop(self, timeout_seconds: float = 30.0) -> None:
        """Ends what start() started; does nothing if nothing runs. The data stays."""
        guard, self._guard = self._guard, None
        if guard is None:
            return
        assert guard.stdin is not None
        guard.stdin.close()
        try:
            guard.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            guard.kill()  # postgres then gets the parent-death signal
            guard.wait()
        if self._socket_directory is not None:
            shutil.rmtree(self._socket_directory, ignore_errors=True)
            self._socket_directory = None

    def remove(self) -> None:
        """Deletes the cluster's files. REQUIRES: stopped."""
        data = self._directory / "data"
        target = data.resolve()
        shutil.rmtree(target, ignore_errors=True)
        if data.is_symlink():
            shutil.rmtree(target.parent, ignore_errors=True)
            data.unlink()

    def _sockets(self) -> Path:
        if self._socket_directory is None:
            raise PostgresError("this PostgreSQL is not running: call start() first")
        return self._socket_directory

    def _prepare_data(self) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True)
        data = self._directory / "data"
        if (data / "PG_VERSION").exists():
            return data.resolve()
        place = data
        if not _reachable(data, self._uid):
            # The server's user cannot enter the directory: keep the files in another place, with a link to it.
            hidden = Path(tempfile.mkdtemp(prefix="redshift-sandbox-"))
            os.chown(hidden, self._uid, self._gid)
            place = hidden / "data"
            data.symlink_to(place)
        if self._cache is None:
            self._build_cluster(place)
        else:
            self._copy(self._template(self._cache), place)
        return place.resolve()

    def _template(self, cache: Path) -> Path:
        texts = "".join(path.read_text() for path in sorted(_COMPAT.glob("*.sql")))
        key = hashlib.sha256((json.dumps(_SETTINGS) + texts + str(self._uid)).encode()).hexdigest()[:16]
        template = cache / f"postgres-15-{key}"
        if template.exists():
            return template
        cache.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="redshift-sandbox-template-"))
        try:
            os.chown(fresh, self._uid, self._gid)
            self._build_cluster(fresh / "data")
            part = cache / f"{template.name}.{secrets.token_hex(4)}.part"
            self._copy(fresh / "data", part)
            keep_first(part, template)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return template

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        command = ["cp", "-a", "--reflink=auto", "--", str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(target, ignore_errors=True)
            raise PostgresError(f"copying {source} failed: {done.stderr.strip()[-500:]}; check space at {target}")

    def _build_cluster(self, data: Path) -> None:
        data.mkdir(mode=0o700)
        os.chown(data, self._uid, self._gid)
        command = [str(self._binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, "-E", "UTF8",
                   "--locale=C.UTF-8", "-A", "trust", "--no-sync", "--no-instructions"]  # fmt: skip
        switch: dict[str, Any] = {}
        if os.getuid() == 0:
            switch = {"user": self._uid, "group": self._gid, "extra_groups": []}
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **switch)
        if done.returncode:
            raise PostgresError(f"initdb failed: {done.stderr.strip()}; check space and rights of {data}")
        with (data / "postgresql.conf").open("a") as out:
            out.writelines(f"{name} = {value}\n" for name, value in _SETTINGS.items())
        builder = Postgres.__new__(Postgres)
        builder._directory, builder._cache, builder._binaries = data.parent, None, self._binaries
        builder._uid, builder._gid = self._uid, self._gid
        builder._guard, builder._socket_directory = None, None
        builder._launch(data, 60.0)
        try:
            builder._load_compat()
        finally:
            builder.stop()

    def _load_compat(self) -> None:
        with self.admin("template1") as connection:
            connection.execute("SET allow_system_table_mods = on")
            for path in sorted(_COMPAT.glob("*.sql")):
                connection.execute(path.read_text().encode())
            connection.execute(f"CREATE ROLE {ADMIN} LOGIN SUPERUSER CREATEDB CREATEROLE")
            connection.execute("DROP DATABASE postgres")
            connection.execute("REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")
        # A database cannot be copied while a connection to it is open.
        with self.admin("template1") as connection:
            connection.execute(f"CREATE DATABASE {DEFAULT_DATABASE}")

    def _launch(self, data: Path, timeout_seconds: float) -> None:
        sockets = Path(tempfile.mkdtemp(prefix="rsb-"))
        os.chown(sockets, self._uid, self._gid)
        if len(str(sockets / f".s.PGSQL.{_PORT}")) > _SOCKET_PATH_MAX:
            sockets.rmdir()
            raise PostgresError(f"socket path {sockets} is too long; point TMPDIR to a shorter directory")
        self._socket_directory = sockets
        log = self._directory / "postgres.log"
        log_start = log.stat().st_size if log.exists() else 0
        guard = Path(__file__).with_name("guard.py")
        command = [sys.executable, "-I", "-S", str(guard), str(self._uid), str(self._gid),
                   str(self._binaries / "postgres"), "-D", str(data), "-k", str(sockets), "-p", str(_PORT)]  # fmt: skip
        with log.open("ab") as out:
            self._guard = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=out, cwd="/", start_new_session=True
            )
        self._await_ready(log, log_start, time.monotonic() + timeout_seconds)

    def _await_ready(self, log: Path, log_start: int, deadline: float) -> None:
        assert self._guard is not None
        while True:
            try:
                psycopg.connect(self.dsn(database="template1"), connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                ended = self._guard.poll() is not None
                if ended or time.monotonic() > deadline:
                    self.stop()
                    tail = log.read_bytes()[log_start:].decode(errors="replace").strip()[-2000:]
                    raise PostgresError(f"PostgreSQL did not start: {tail or error}; see {log}") from error
            time.sleep(0.02)
