"""A whole sync of TPC-H's lineitem against its floors and its peers, in one run with interleaved repeats.

  floor_fetch   parallel ranged GET of the same parts to local disk (curl's own parallel mode)
  floor_load    DuckDB CREATE TABLE AS from the same parts, local
  sync          `sluice sync`, whole: start, login, UNLOAD, fetch, load, proof, commit, clean
  awswrangler   awswrangler.redshift.unload into a DuckDB file, chunk by chunk
  cursor        redshift_connector fetch into a DuckDB file; a tenth of the rows, scaled

Each with UNLOAD run afresh and with the sandbox's result cache.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass

import kit

PEERS = kit.ROOT / "bench" / "peers.py"
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


def _rounds(cases: dict[str, Callable[[], kit.Timed]], rows: dict[str, int], repeats: int) -> list[Run]:
    """Every case once per round, so that a slow minute of the machine hits all of them."""
    samples: dict[str, list[kit.Timed]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, case in cases.items():
            samples[name].append(case())
            print(
                f"    {name:<12} {samples[name][-1].seconds:7.2f} s {samples[name][-1].mb:7.0f} MB",
                flush=True,
            )
    runs = []
    for name, taken in samples.items():
        seconds = [t.seconds for t in taken]
        mb = max(t.mb for t in taken)
        runs.append(
            Run(
                name,
                min(seconds),
                statistics.median(seconds),
                max(seconds),
                rows[name],
                mb,
            )
        )
    return runs


def _ratios(label: str, runs: list[Run]) -> list[kit.Ratio]:
    by_name = {run.name: run.seconds_median for run in runs}
    floor = max(by_name["floor_fetch"], by_name["floor_load"])
    found = [kit.Ratio(f"{label}.sync_over_floor", by_name["sync"] / floor)]
    found.append(kit.Ratio(f"{label}.awswrangler_over_sync", by_name["awswrangler"] / by_name["sync"]))
    cursor = by_name["cursor"] * CURSOR_SHARE / by_name["sync"]
    found.append(kit.Ratio(f"{label}.cursor_over_sync", cursor))
    return found


def _print(label: str, runs: list[Run]) -> None:
    print(f"\n  {label:<22}{'min s':>9}{'median s':>10}{'max s':>9}{'rows/s':>13}{'peak MB':>10}")
    for run in runs:
        print(
            f"  {run.name:<22}{run.seconds_min:9.2f}{run.seconds_median:10.2f}{run.seconds_max:9.2f}"
            f"{run.rows / run.seconds_median:13,.0f}{run.peak_mb:10.0f}"
        )


class Cases:
    def __init__(self, box: kit.Sandbox) -> None:
        self.box = box
        self.config = box.config("lineitem", [{"table": "tpch.lineitem"}])
        self.parts = box.directory / "parts"
        count = kit.timed([*self._peers("stage"), str(self.parts)], box.env).output
        self.rows = int(count.split()[-1])

    def _peers(self, name: str) -> list[str]:
        return [str(kit.VENV / "python"), str(PEERS), name, str(self.config)]

    def sync(self) -> kit.Timed:
        kit.drop(self.box.warehouse("lineitem"))
        return self.box.sluice(self.config, "sync")

    def peer(self, name: str) -> Callable[[], kit.Timed]:
        target = self.box.directory / f"peer-{name}.duckdb"

        def run() -> kit.Timed:
            kit.drop(target)
            return kit.timed(
                [*self._peers(name), str(self.parts), str(target), str(CURSOR_SHARE)],
                self.box.env,
            )

        return run

    def floor_fetch(self) -> kit.Timed:
        shutil.rmtree(self.box.directory / "fetched", ignore_errors=True)
        return kit.timed(["bash", str(self.box.directory / "floor_fetch.sh")], self.box.env)


RATIOS = ("sync_over_floor",)


def measure(options: kit.Options, only: set[str]) -> kit.Found:
    found = kit.Found()
    with kit.sandbox("lineitem", f"tpch:{options.scale:g}") as box:
        all_cases = Cases(box)
        print(f"    lineitem: {all_cases.rows:,} rows, parts staged for the floors")
        cursor: Run | None = None
        for label, cached in (("cached", True), ("fresh", False)):
            box.set_cache(cached)
            cases: dict[str, Callable[[], kit.Timed]] = {
                "floor_fetch": all_cases.floor_fetch, "floor_load": all_cases.peer("floor_load"),
                "sync": all_cases.sync, "awswrangler": all_cases.peer("awswrangler"),
            }  # fmt: skip
            if cached:
                cases["cursor"] = all_cases.peer("cursor")
                (
                    cases["sync"](),
                    cases["awswrangler"](),
                )  # fill the cache for both select texts
            counts = dict.fromkeys(cases, all_cases.rows) | {"cursor": all_cases.rows // CURSOR_SHARE}
            runs = _rounds(cases, counts, options.repeats)
            if cursor is None:
                cursor = runs[-1]
            else:
                runs.append(cursor)  # it never unloads: its figure holds for both
            _print(f"UNLOAD {label}", runs)
            found.ratios += _ratios(label, runs)
            found.runs += [asdict(run) | {"name": f"{label}.{run.name}"} for run in runs]
    return found
