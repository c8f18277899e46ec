"""Measures Sluice: against floors and peers, and against its own goals. `make bench`.

Each case is a module beside this one, which says what it measures:
  lineitem       a whole sync against its floors and its peers
  large_table    changes, memory and copies of ten million rows
  small_tables   what a sync costs beside the rows; check and init
  postgres       the PostgreSQL destination against a raw COPY

Prints each figure beside its goal and writes build/bench.json (`ratios`, `goals`, `runs`). The sandbox and whatever
else runs here share the machine with what is measured: ratios within one run count, seconds do not.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import kit
import large_table
import lineitem
import postgres
import small_tables

TARGET = kit.ROOT / "build" / "bench.json"


def measure_postgres(options: kit.Options, only: set[str]) -> kit.Found:
    build = ["cmake", "--build", "build/release", "-j2", "--target", "postgres_load"]
    subprocess.run(build, cwd=kit.ROOT, check=True, stdout=subprocess.DEVNULL)
    parts = postgres.make_parts(kit.DIRECTORY / f"lineitem-{options.scale:g}", options.scale, 8)
    figures = postgres.measure(parts, options.repeats)
    note = f"{figures['load_seconds']:.1f} s over {figures['raw_copy_seconds']:.1f} s"
    return kit.Found(
        [kit.Ratio("postgres_over_copy", figures["postgres_over_copy"], 1.25, note=note)],
        [figures],
    )


CASES = {
    "small_tables": (small_tables.measure, small_tables.RATIOS),
    "large_table": (large_table.measure, large_table.RATIOS),
    "postgres": (measure_postgres, ("postgres_over_copy",)),
    "lineitem": (lineitem.measure, lineitem.RATIOS),
}


def chosen(only: list[str]) -> dict[str, set[str]]:
    """Which ratios of which case; a case's name stands for all of its own."""
    known = {name for case, (_, ratios) in CASES.items() for name in (case, *ratios)}
    unknown = set(only) - known
    if unknown:
        raise SystemExit(f"nothing is called {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    found = {}
    for case, (_, ratios) in CASES.items():
        wanted = set(ratios) if not only or case in only else set(ratios) & set(only)
        if wanted:
            found[case] = wanted
    return found


def show(ratios: list[kit.Ratio]) -> None:
    print(f"\n  {'':<34}{'measured':>10}{'goal':>10}")
    for ratio in ratios:
        goal = "" if ratio.goal is None else f"{'>=' if ratio.floor else '<='} {ratio.goal:g}"
        print(f"  {ratio.name:<34}{ratio.value:10.3f}{goal:>10}  {ratio.verdict:<7} {ratio.note}".rstrip())


def write(found: kit.Found, options: kit.Options, partial: bool) -> None:
    """A run of some cases keeps the figures of the others, as each stands for itself."""
    before = json.loads(TARGET.read_text()) if partial and TARGET.exists() else {}
    ratios = {ratio.name: round(ratio.value, 4) for ratio in found.ratios}
    goals = {ratio.name: ratio.goal for ratio in found.ratios if ratio.goal is not None}
    document = {
        "ratios": {**before.get("ratios", {}), **ratios}, "goals": {**before.get("goals", {}), **goals},
        "runs": found.runs, "scale": options.scale, "repeats": options.repeats,
        "cursor_share": lineitem.CURSOR_SHARE,
    }  # fmt: skip
    TARGET.write_text(json.dumps(document, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--scale",
        type=float,
        default=1,
        help="of the tables: 0.1 for a tenth of the rows",
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="a case or a ratio; may be repeated",
    )
    parser.add_argument("--program", type=Path, help="the sluice to measure; default: build/sluice")
    arguments = parser.parse_args()
    if arguments.program:
        kit.SLUICE = arguments.program.resolve()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    kit.DIRECTORY.mkdir(parents=True, exist_ok=True)
    options = kit.Options(arguments.scale, arguments.repeats)
    found = kit.Found()
    for case, wanted in chosen(arguments.only).items():
        began = time.monotonic()
        print(f"\n  {case}:", flush=True)
        one = CASES[case][0](options, wanted)
        found.ratios += one.ratios
        found.runs += [run | {"case": case} for run in one.runs]
        print(f"    {case} took {time.monotonic() - began:.0f} s")
    show(found.ratios)
    write(found, options, bool(arguments.only))
    print(f"\n  figures: {TARGET.relative_to(kit.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
