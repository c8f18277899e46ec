"""Sluice against its floors and its peers, in one run with interleaved repeats.

  floor_fetch   parallel ranged GET of the same parts to local disk (curl's own parallel mode)
  floor_load    DuckDB CREATE TABLE AS from the same parts, local
  sync          `sluice sync`, whole: start, login, UNLOAD, fetch, load, proof, commit, clean
  awswrangler   awswrangler.redshift.unload into a DuckDB file, chunk by chunk
  cursor        redshift_connector fetch into a DuckDB file; a tenth of the rows, scaled

Each with UNLOAD run afresh and with the sandbox's result cache. Prints a table, writes build/bench.json.
The sandbox shares the machine's cores with what is measured: ratios within one run count, seconds do not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "build" / "bench"
VENV = ROOT / "build" / "venv" / "bin"
PEERS = ROOT / "bench" / "peers.py"
# The cursor is so slow that it is timed on a part of the rows, and said so.
CURSOR_SHARE = 10


@dataclass
class Run:
    name: str
    seconds_min: float
    seconds_median: float
    seconds_max: float
    rows: int
    peak_mb: float


def environment() -> dict[str, str]:
    """The sandbox's variables on top of ours."""
    script = f'set -a; . "{DIRECTORY}/env"; env -0'
    out = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout.decode()
    env = dict(pair.split("=", 1) for pair in out.split("\0") if "=" in pair)
    # redshift_connector trusts its own bundle and the default one of OpenSSL.
    return {**env, "SSL_CERT_FILE": env["AWS_CA_BUNDLE"]}


def control(env: dict[str, str], method: str, path: str, body: dict[str, object] | None = None) -> object:
    import ssl

    request = urllib.request.Request(
        f"{env['SANDBOX_CONTROL_URL']}/_sandbox/{path}", method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {env['SANDBOX_CONTROL_TOKEN']}"},
    )  # fmt: skip
    context = ssl.create_default_context(cafile=env["AWS_CA_BUNDLE"])
    with urllib.request.urlopen(request, context=context) as answer:
        return json.loads(answer.read() or b"null")


def set_cache(env: dict[str, str], enabled: bool) -> None:
    control(env, "POST", "faults", {"name": "unload.cache", "args": {"enabled": enabled}})


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Wall seconds and peak MB of one finished process, as the kernel accounts it."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{output}")
    return seconds, usage.ru_maxrss / 1024


def write_config() -> Path:
    text = (DIRECTORY / "sluice.yaml").read_text()
    head = text.split("streams:")[0]
    config = DIRECTORY / "bench.yaml"
    config.write_text(head + "streams:\n  - table: tpch.lineitem\n")
    return config


def measure(cases: dict[str, Callable[[], tuple[float, float]]], rows: dict[str, int], repeats: int) -> list[Run]:
    """Every case once per round, so that a slow minute of the machine hits all of them."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, case in cases.items():
            samples[name].append(case())
            print(f"    {name:<12} {samples[name][-1][0]:7.2f} s {samples[name][-1][1]:7.0f} MB", flush=True)
    runs = []
    for name, taken in samples.items():
        seconds = [s for s, _ in taken]
        runs.append(
            Run(name, min(seconds), statistics.median(seconds), max(seconds), rows[name], max(mb for _, mb in taken))
        )
    return runs


def ratios(runs: list[Run]) -> dict[str, float]:
    by_name = {run.name.split(".")[-1]: run.seconds_median for run in runs}
    floor = max(by_name["floor_fetch"], by_name["floor_load"])
    found = {"sync_over_floor": by_name["sync"] / floor}
    if "awswrangler" in by_name:
        found["awswrangler_over_sync"] = by_name["awswrangler"] / by_name["sync"]
    if "cursor" in by_name:
        found["cursor_over_sync"] = by_name["cursor"] * CURSOR_SHARE / by_name["sync"]
    return found


def print_table(runs: list[Run]) -> None:
    print(f"\n  {'':<22}{'min s':>9}{'median s':>10}{'max s':>9}{'rows/s':>13}{'peak MB':>10}")
    for run in runs:
        print(
            f"  {run.name:<22}{run.seconds_min:9.2f}{run.seconds_median:10.2f}{run.seconds_max:9.2f}"
            f"{run.rows / run.seconds_median:13,.0f}{run.peak_mb:10.0f}"
        )


def bench(scale: float, repeats: int) -> dict[str, object]:
    env = environment()
    config = write_config()
    python = str(VENV / "python")
    parts = DIRECTORY / "parts"
    count_text = subprocess.run(
        [python, str(PEERS), "stage", str(config), str(parts)], env=env, check=True, capture_output=True, text=True
    ).stdout
    rows = int(count_text.split()[-1])
    print(f"  lineitem: {rows:,} rows, parts staged for the floors")
    warehouse = DIRECTORY / "warehouse.duckdb"

    def fresh(path: Path) -> None:
        path.unlink(missing_ok=True)
        Path(f"{path}.wal").unlink(missing_ok=True)

    def sync() -> tuple[float, float]:
        fresh(warehouse)
        return timed([str(ROOT / "build" / "sluice"), "-c", str(config), "sync"], env)

    def peer(name: str) -> Callable[[], tuple[float, float]]:
        target = DIRECTORY / f"{name}.duckdb"

        def run() -> tuple[float, float]:
            fresh(target)
            return timed([python, str(PEERS), name, str(config), str(parts), str(target), str(CURSOR_SHARE)], env)

        return run

    fetch = DIRECTORY / "floor_fetch.sh"

    def floor_fetch() -> tuple[float, float]:
        shutil.rmtree(DIRECTORY / "fetched", ignore_errors=True)
        return timed(["bash", str(fetch)], env)

    result: dict[str, object] = {}
    all_runs: list[Run] = []
    all_ratios: dict[str, dict[str, float]] = {}
    for label, cached in (("cached", True), ("fresh", False)):
        print(f"\n  UNLOAD {'from the result cache' if cached else 'run afresh'}:")
        set_cache(env, cached)
        cases = {
            "floor_fetch": floor_fetch, "floor_load": peer("floor_load"), "sync": sync,
            "awswrangler": peer("awswrangler"),
        }  # fmt: skip
        if cached:
            cases["cursor"] = peer("cursor")
            sync(), cases["awswrangler"]()  # fill the cache for both select texts
        counts = dict.fromkeys(cases, rows) | {"cursor": rows // CURSOR_SHARE}
        runs = measure(cases, counts, repeats)
        if not cached:  # the cursor never unloads: its figure holds for both
            runs += [Run(**{**asdict(r), "name": "cursor"}) for r in all_runs if r.name == "cached.cursor"]
        found = ratios(runs)
        for run in runs:
            run.name = f"{label}.{run.name}"
        print_table(runs)
        print("  " + "   ".join(f"{name} {value:.2f}" for name, value in found.items()))
        all_runs += runs
        all_ratios[label] = found
    result["runs"] = [asdict(run) for run in all_runs]
    result["ratios"] = all_ratios
    result["scale"] = scale
    result["cursor_share"] = CURSOR_SHARE
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    sandbox = str(VENV / "redshift-sandbox")
    subprocess.run([sandbox, "down", "--dir", str(DIRECTORY)], capture_output=True)
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    subprocess.run(
        [sandbox, "up", "--dir", str(DIRECTORY), "--data", f"tpch:{arguments.scale:g}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        result = bench(arguments.scale, arguments.repeats)
    finally:
        subprocess.run([sandbox, "down", "--dir", str(DIRECTORY)], check=True, stdout=subprocess.DEVNULL)
    target = ROOT / "build" / "bench.json"
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\n  figures: {target.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
