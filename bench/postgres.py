"""The PostgreSQL destination against PostgreSQL's own binary COPY of the same rows.

  load      the whole of it: log in, decode Parquet, COPY, commit, close (bench/postgres_load.cc)
  raw_copy  psql's \\copy of a dump of that very table into a new one, in one transaction

Both into one server, in turns, with a checkpoint before each; so the ratio counts, the seconds do not.
`measure` is for bench/run.py; alone it prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "release" / "bench" / "postgres_load"
BINARIES = Path("/usr/lib/postgresql/15/bin")
PORT = 5432  # only names the socket file
# Durable, as a server that people use is; the rest as a small server of theirs.
SETTINGS = """
listen_addresses = ''
shared_buffers = 512MB
max_wal_size = 8GB
checkpoint_timeout = 30min
autovacuum = off
"""


def _as_server() -> dict[str, object]:
    """Who the server runs as: it refuses root."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


@contextmanager
def server() -> Iterator[Path]:
    """A PostgreSQL of its own; yields the folder of its socket, where it may also write."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-bench-pg-"))
    switch = _as_server()
    if switch:
        os.chown(folder, switch["user"], switch["group"])  # type: ignore[arg-type]
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    initdb = [BINARIES / "initdb", "-D", data, "-U", "bench", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust"]
    subprocess.run(initdb, check=True, **quiet, **switch)  # type: ignore[call-overload]
    with (data / "postgresql.conf").open("a") as out:
        out.write(SETTINGS)
    run = [BINARIES / "postgres", "-D", data, "-k", folder, "-p", str(PORT)]
    process = subprocess.Popen(run, **quiet, **switch)  # type: ignore[call-overload]
    try:
        deadline = time.monotonic() + 60
        while subprocess.run([BINARIES / "pg_isready", "-q", "-h", folder, "-p", str(PORT)]).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("PostgreSQL did not start")
            time.sleep(0.05)
        yield folder
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _psql(folder: Path, *statements: str) -> list[str]:
    command = [str(BINARIES / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(folder), "-p", str(PORT)]
    command += ["-U", "bench", "-d", "postgres"]
    for statement in statements:
        command += ["-c", statement]
    return command


def _timed(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MB of one process that ends well."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(parts: Path, repeats: int = 3, connections: int = 2) -> dict[str, float]:
    """Medians over `repeats` rounds of a load of the Parquet files in `parts` and of the raw COPY."""
    with server() as folder:
        load_command = [str(PROGRAM), str(parts), str(folder), str(PORT), "postgres", "bench", "public", "loaded",
                        str(connections)]  # fmt: skip
        dump = folder / "dump.bin"
        subprocess.run(load_command, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(_psql(folder, f"COPY loaded TO '{dump}' (FORMAT binary)"), check=True)
        if os.getuid() == 0:
            os.chown(dump, 0, 0)

        def load() -> tuple[float, float, float]:
            subprocess.run(_psql(folder, "DROP TABLE IF EXISTS loaded", "CHECKPOINT"), check=True)
            return _timed(load_command)

        def raw_copy() -> tuple[float, float, float]:
            subprocess.run(
                _psql(folder, "DROP TABLE IF EXISTS copied", "CREATE TABLE copied (LIKE loaded)", "CHECKPOINT"),
                check=True,
            )
            return _timed(_psql(folder, f"\\copy copied FROM '{dump}' (FORMAT binary)"))

        cases: dict[str, Callable[[], tuple[float, float, float]]] = {"raw_copy": raw_copy, "load": load}
        samples: dict[str, list[tuple[float, float, float]]] = {name: [] for name in cases}
        for _ in range(repeats):
            for name, case in cases.items():
                samples[name].append(case())
                seconds, cpu, mb = samples[name][-1]
                print(f"    {name:<10} {seconds:7.2f} s {cpu:7.2f} s of CPU {mb:6.0f} MB", file=sys.stderr, flush=True)
    medians = {name: statistics.median(s for s, _, _ in taken) for name, taken in samples.items()}
    return {
        "load_seconds": medians["load"],
        "raw_copy_seconds": medians["raw_copy"],
        "load_peak_mb": max(mb for _, _, mb in samples["load"]),
        "load_cpu_seconds": statistics.median(cpu for _, cpu, _ in samples["load"]),
        "connections": connections,
        "postgres_over_copy": medians["load"] / medians["raw_copy"],
    }


def make_parts(folder: Path, scale: float, count: int) -> Path:
    """TPC-H's lineitem in `count` Parquet files, made once."""
    if not list(folder.rglob("*.parquet")):
        folder.mkdir(parents=True, exist_ok=True)
        command = [str(ROOT / "build" / "venv" / "bin" / "tpchgen-cli"), "parquet", "-s", str(scale)]
        command += [f"--output-dir={folder}", "--tables=lineitem", f"--parts={count}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(folder.rglob("*.parquet")).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=Path, help="folder of Parquet files; default: lineitem, made here")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--count", type=int, default=8, help="of the files that are made")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--connections", type=int, default=2)
    arguments = parser.parse_args()
    subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    build = ["cmake", "--build", "build/release", "--target", "postgres_load"]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    name = f"lineitem-{arguments.scale:g}-{arguments.count}"
    parts = arguments.parts or make_parts(ROOT / "build" / "bench" / name, arguments.scale, arguments.count)
    print(json.dumps(measure(parts, arguments.repeats, arguments.connections), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
