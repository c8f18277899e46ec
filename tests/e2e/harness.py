"""The program under test, against a sandbox in this process: runs it as a user would, and looks at
everything it left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from redshift_sandbox import account
from redshift_sandbox.aws.s3_store import Bucket
from redshift_sandbox.outfiles import environment
from redshift_sandbox.world import Sandbox

from destinations import Destination, DuckDb

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLUICE_BUILD", ROOT / "build" / "dev"))
PROGRAM = BUILD / "src" / "cli" / "sluice"
# The same program with a hook that kills it right after a named effect (tests/crash).
CRASHING_PROGRAM = BUILD / "tests" / "crash" / "sluice_crash"
NEIGHBOUR = "sluice/neighbour/keep.txt"
# Under the sanitizers everything is several times slower.
PATIENCE = 600


@dataclass
class Finished:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass
class Harness:
    """One connection (configuration, destination, ledger, work folder) to a shared sandbox."""

    sandbox: Sandbox
    folder: Path
    name: str
    auth: str = "role"
    # Default: a DuckDB file in `folder`.
    destination: Destination | None = None
    outputs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = self.folder / "home"
        self.home.mkdir()
        self.warehouse = self.folder / "warehouse.duckdb"
        self.there: Destination = self.destination or DuckDb(self.warehouse)
        if isinstance(self.there, DuckDb):
            self.there.fix = lambda: self.run("check", "--json")
        self.settings: dict[str, Any] = self._settings()
        self.variables = self._variables()
        self.put_object(NEIGHBOUR, b"somebody else's")

    # -- set-up ---------------------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        facts = self.sandbox.facts
        auth: dict[str, str] = {"role_arn": facts.role_arn, "external_id": "${SLUICE_EXTERNAL_ID}"}
        user = facts.role_db_user
        if self.auth == "keys":
            auth = {"access_key_id": "${SANDBOX_KEYS_ACCESS_KEY_ID}",
                    "secret_access_key": "${SANDBOX_KEYS_SECRET_ACCESS_KEY}"}  # fmt: skip
            user = facts.keys_db_user
        return {
            "name": self.name,
            "redshift": {"workgroup": facts.workgroup, "host": facts.host, "port": facts.port,
                         "database": facts.database, "username": user, "sslrootcert": str(facts.ca_file)},
            "staging": {"bucket": facts.bucket, "region": facts.region, "root": "sluice/"},
            "auth": auth,
            "destination": self.there.settings(),
            "defaults": {"sync_mode": "full_refresh", "write_mode": "overwrite"},
            "limits": {"work_dir": str(self.folder / "parts")},
            "streams": [],
        }  # fmt: skip

    def _variables(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8",
                **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")},
                "AWS_EC2_METADATA_DISABLED": "true",  # never this machine's own
                **environment(self.sandbox.facts), **self.there.variables()}  # fmt: skip

    def streams(self, *tables: str) -> Harness:
        self.settings["streams"] = [{"table": table} for table in tables]
        return self

    def all_tables(self) -> Harness:
        return self.streams(*(f"{t.schema}.{t.table}" for t in self.sandbox.facts.tables))

    def write_config(self) -> Path:
        path = self.folder / "sluice.yaml"
        path.write_text(yaml.safe_dump(self.settings, sort_keys=False))
        return path

    # -- the program ----------------------------------------------------------------------------

    def start(self, *arguments: str, program: Path = PROGRAM, **options: Any) -> subprocess.Popen[str]:
        config = options.pop("config", None) or self.write_config()
        command = [str(program), "--config", str(config), *arguments]
        return subprocess.Popen(command, env=self.variables, cwd=self.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)  # fmt: skip

    def run(self, *arguments: str, **options: Any) -> Finished:
        return self.finish(self.start(*arguments, **options))

    def finish(self, process: subprocess.Popen[str]) -> Finished:
        stdout, stderr = process.communicate(timeout=PATIENCE)
        self.outputs += [stdout, stderr]
        return Finished(process.returncode, stdout, stderr)

    def sync(self, *arguments: str, **options: Any) -> Finished:
        """`sync --json` that must succeed."""
        finished = self.run("sync", "--json", *arguments, **options)
        assert finished.exit_code == 0, finished
        return finished

    # -- what is left ---------------------------------------------------------------------------

    @property
    def bucket(self) -> Bucket:
        return self.sandbox.aws.store.bucket(self.sandbox.facts.bucket)

    def put_object(self, key: str, body: bytes) -> None:
        self.sandbox.aws.store.put_bytes(self.bucket, key, body)

    def objects(self) -> list[str]:
        """Keys in the bucket beneath this connection's root, unfinished uploads included."""
        store, prefix = self.sandbox.aws.store, f"sluice/{self.name}/"
        listing = store.list_objects(self.bucket, prefix, "", "", 100_000)
        return sorted(
            [o.key for o in listing.objects] + [u.key + " (upload)" for u in store.uploads(self.bucket, prefix)]
        )

    def assert_bucket_clean(self) -> None:
        assert self.objects() == []
        self.assert_neighbour_untouched()

    def assert_neighbour_untouched(self) -> None:
        found = self.sandbox.aws.store.find(self.bucket, NEIGHBOUR)
        assert found is not None
        for entry in self.sandbox.log.entries():
            if entry.get("service") == "s3" and entry.get("method") in ("DELETE", "PUT", "POST"):
                assert NEIGHBOUR not in str(entry.get("path", "")), entry

    def assert_no_parts_on_disk(self) -> None:
        parts = self.folder / "parts"
        assert not parts.exists() or list(parts.iterdir()) == []

    # -- the destination ------------------------------------------------------------------------

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.there.query(sql)

    def tables(self) -> dict[str, int]:
        """Tables with their row counts, without Sluice's own."""
        return self.there.tables()

    def fingerprint(self) -> dict[str, Any]:
        """What a reader of the destination can see: columns and rows of each table."""
        return self.there.fingerprint()

    # -- the source -----------------------------------------------------------------------------

    def source(self, sql: str) -> list[tuple[Any, ...]]:
        with self.sandbox.postgres.admin(account.DATABASE) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def source_count(self, table: str) -> int:
        return int(self.source(f"SELECT count(*) FROM {table}")[0][0])


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Polls; a test fails rather than hangs."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


class Sampler:
    """Reads a process's arguments over and over while it lives: what `ps` would show."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.seen: set[str] = set()
        self._process = process
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        path = Path(f"/proc/{self._process.pid}/cmdline")
        while self._process.poll() is None:
            try:
                self.seen.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                return
            time.sleep(0.01)

    def join(self) -> None:
        self._thread.join(timeout=10)


def issued_secrets(sandbox: Sandbox) -> Iterator[str]:
    """Every secret that exists in the sandbox: long-term keys, session keys and tokens, passwords."""
    yield sandbox.card.base.secret
    yield sandbox.card.keys.secret
    yield from sandbox.aws.identity.issued_secrets()
    yield from sandbox.aws.passwords.issued_secrets()


def streams_of(result: Finished) -> dict[str, dict[str, Any]]:
    return {stream["stream"]: stream for stream in result.json["streams"]}


def only_error(streams: Sequence[dict[str, Any]]) -> dict[str, Any]:
    errors = [stream["error"] for stream in streams if stream.get("error")]
    assert len(errors) == 1, streams
    return dict(errors[0])
