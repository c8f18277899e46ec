"""What the cases share: sandboxes, processes timed as the kernel accounts them, ratios beside their goals."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "build" / "bench"
VENV = ROOT / "build" / "venv" / "bin"
SLUICE = ROOT / "build" / "sluice"
READER = '"IAMR:sluice-reader"'


@dataclass(frozen=True)
class Options:
    scale: float  # of TPC-H's tables, and of every "ten million rows"
    repeats: int

    def rows(self, millions: float) -> int:
        return int(millions * 1e6 * self.scale)


@dataclass(frozen=True)
class Ratio:
    """A figure that has a goal; `floor`: the goal is the least, not the most."""

    name: str
    value: float
    goal: float | None = None
    floor: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        met = self.value >= self.goal if self.floor else self.value <= self.goal
        return "met" if met else "MISSED"


@dataclass
class Found:
    """What a case found: ratios, and the samples behind them."""

    ratios: list[Ratio] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Timed:
    seconds: float
    cpu: float
    mb: float  # at its peak
    output: str

    def stream(self) -> dict[str, Any]:
        """Of `sync --json` with one stream."""
        return dict(json.loads(self.output)["streams"][0])


def timed(command: list[str], env: dict[str, str], fails: bool = False) -> Timed:
    """One process from start to end. Ends the benchmark if it fails, unless it may."""
    with tempfile.TemporaryFile("w+") as errors:
        began = time.monotonic()
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=errors, text=True)
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0 and not fails:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.read()}{output}")
    return Timed(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def median(values: Iterable[float]) -> float:
    return statistics.median(list(values))


def drop(database: Path) -> None:
    database.unlink(missing_ok=True)
    Path(f"{database}.wal").unlink(missing_ok=True)


class Sandbox:
    """A Redshift of its own, and configurations of Sluice that read it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = self._environment()

    def _environment(self) -> dict[str, str]:
        """Its variables on top of ours."""
        script = f'set -a; . "{self.directory}/env"; env -0'
        out = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout.decode()
        env = dict(pair.split("=", 1) for pair in out.split("\0") if "=" in pair)
        # redshift_connector trusts its own bundle and the default one of OpenSSL.
        return {**env, "SSL_CERT_FILE": env["AWS_CA_BUNDLE"]}

    def control(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.env['SANDBOX_CONTROL_URL']}/_sandbox/{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.env['SANDBOX_CONTROL_TOKEN']}"},
        )  # fmt: skip
        context = ssl.create_default_context(cafile=self.env["AWS_CA_BUNDLE"])
        with urllib.request.urlopen(request, context=context) as answer:
            return json.loads(answer.read() or b"null")

    def sql(self, text: str) -> None:
        """As the namespace's administrator."""
        self.control("POST", "sql", {"sql": text})

    def set_cache(self, enabled: bool) -> None:
        """Whether an UNLOAD of an unchanged table may give out what the last one made."""
        self.control("POST", "faults", {"name": "unload.cache", "args": {"enabled": enabled}})

    def config(self, name: str, streams: list[dict[str, Any]], **settings: Any) -> Path:
        """A configuration beside the sandbox's own; into NAME.duckdb unless `settings` say otherwise."""
        document = yaml.safe_load((self.directory / "sluice.yaml").read_text())
        document["destination"] = {"type": "duckdb", "path": str(self.warehouse(name))}
        document.pop("defaults", None)
        file = self.directory / f"{name}.yaml"
        file.write_text(yaml.safe_dump({**document, "name": name, "streams": streams, **settings}))
        return file

    def warehouse(self, name: str) -> Path:
        return self.directory / f"{name}.duckdb"

    def sluice(self, config: Path, *arguments: str, fails: bool = False) -> Timed:
        return timed([str(SLUICE), "-c", str(config), *arguments], self.env, fails)

    def sync(self, config: Path, *arguments: str) -> Timed:
        return self.sluice(config, "sync", "--json", *arguments)


@contextmanager
def sandbox(name: str, data: str) -> Iterator[Sandbox]:
    directory = DIRECTORY / name
    command = str(VENV / "redshift-sandbox")
    subprocess.run([command, "down", "--dir", str(directory)], capture_output=True)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    up = subprocess.run([command, "up", "--dir", str(directory), "--data", data], text=True, **quiet)  # type: ignore[call-overload]
    if up.returncode != 0:
        raise SystemExit(f"the sandbox did not start:\n{up.stderr}")
    try:
        yield Sandbox(directory)
    finally:
        subprocess.run([command, "down", "--dir", str(directory)], stdout=subprocess.DEVNULL)
        shutil.rmtree(directory, ignore_errors=True)
