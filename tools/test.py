#!/usr/bin/python3
"""Runs the project's tests and ends with one line, `N passed, N failed`.

  tools/test.py                 everything but the sanitizers
  tools/test.py --all           everything, what CI runs: the unit tests once, under the sanitizers
  tools/test.py --only unit     one label (LABELS): a suite, or a marker of tests/e2e
  tools/test.py --room sync     builds and runs one room's unit tests (destinations/lake: with its folder)
  tools/test.py --sanitizers    unit tests and the end-to-end run under ASan+UBSan and TSan

What failed and a table of where the time went stand before the last line.

Needs only Debian's own Python; what it runs comes from tools/setup.sh.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "reports"
PYTEST = [str(ROOT / "build/venv/bin/python"), "-m", "pytest"]
# Markers of tests/e2e, each what `--only` takes (tests/e2e/conftest.py declares the same).
E2E_LABELS = (
    "e2e",
    "types",
    "faults",
    "secrets",
    "shape",
    "crash",
    "choose",
    "cli",
    "model",
    "mistakes",
    "check",
    "providers",
    "closed_loop",
    "init",
    "setup",
    "history",
    "mutants",
    "memory",
    "cost",
)
# Labels of which one file has most of the tests.
SHARED_OUT = ("model", "crash", "mutants", "check")
# Folders of their own, beside tests/e2e.
FOLDER_LABELS = ("serve", "load", "python")
LABELS = ("unit", "tidy", "sandbox", "clients", "browser", "packages", *FOLDER_LABELS, *E2E_LABELS)
JOBS = int(os.environ.get("JOBS", "2"))
# An end-to-end test waits for servers a quarter of its time.
E2E_JOBS = JOBS + 1
# Most take milliseconds; those that start a PostgreSQL take minutes under the sanitizers. Beyond this it hangs.
UNIT_SECONDS_MAX = 1200
# A whole suite of Python; the longest takes ten minutes.
SUITE_SECONDS_MAX = 2400

# What the sanitizers leave out. Long histories are thousands of statements that DuckDB and PostgreSQL answer, and
# kills at any moment begin again and again: minutes, for code that other tests run too. These run in the debug build.
# And TSan cannot follow a child that is forked beside DuckDB's threads. Merges, history and changes of schema are SQL
# behind the same threads as each other load, and the end-to-end tests under TSan merge, too.
LONG_HISTORIES = "*AgreesWithAPlainMap*:*KilledAtAnyMoment*"
LONG_HISTORIES_IN = ("destinations_duckdb_test", "destinations_postgres_test")
NOT_SANITIZED = {
    "asan-ubsan": f"-{LONG_HISTORIES}",
    "tsan": f"-{LONG_HISTORIES}:*Killed*:*AHolderThatDied*:*/Merging.*:*/History.*:*/SchemaChanges.*",
}
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=97",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=97",
    "TSAN_OPTIONS": f"suppressions={ROOT}/tests/tsan.supp:halt_on_error=1:exitcode=97:"
    "detect_deadlocks=0",  # it counts to 64 locks at a time; jemalloc takes more around every fork
    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.supp",
}


# The programs of the end-to-end tests, and the rooms in which more than one thread runs. The others hold
# values and pure functions: there is nothing for TSan to find, and their tests take minutes to build.
TSAN_TARGETS = (
    "sluice",
    "sluice_crash",
    "base_test",
    "aws_test",
    "pq_test",
    "columnar_test",
    "staging_test",
    "sync_test",
    "cli_test",
    "serve_http_test",
    "serve_runs_test",
    "destinations_duckdb_test",
    "destinations_lake_test",
    "destinations_postgres_test",
)


# Of a failed test's message, and of such tests: what fits on a screen and into the end of a log that is cut.
FAILURE_LINES = 12
FAILURES_TOLD = 10


def what_failed(suite: ElementTree.Element) -> Iterator[str]:
    """A failed test's name and the last lines of what it says, one text for each."""
    for case in suite.iter("testcase"):
        for bad in (*case.iter("failure"), *case.iter("error")):
            lines = (bad.text or bad.get("message") or "").strip().splitlines()[-FAILURE_LINES:]
            yield "\n".join([f"{case.get('classname')} {case.get('name')}", *(f"    {line[:200]}" for line in lines)])


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    told: list[str] = field(default_factory=list)

    def fail(self, what: str) -> None:
        """Counts what failed outside any test."""
        print(what)
        self.failed += 1
        self.told.append(what)

    def failures(self) -> str:
        """What failed, to stand near the end of a long log; empty if all passed."""
        if not self.told:
            return ""
        more = len(self.told) - FAILURES_TOLD
        return "\n".join(
            ["== what failed", *self.told[:FAILURES_TOLD], *([f"and {more} more"] if more > 0 else []), ""]
        )

    def add(self, report: Path, name: str, exit_code: int, printed: str = "") -> None:
        """Counts a JUnit report; a program that died without one, or that found nothing to run but
        said so by its exit code, is one failure, told with the end of what it printed."""
        passed = failed = 0
        if report.exists():
            for suite in ElementTree.parse(report).getroot().iter("testsuite"):
                tests = int(suite.get("tests", 0))
                bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                skipped = int(suite.get("skipped", 0) or 0) + int(suite.get("disabled", 0) or 0)
                passed += tests - bad - skipped
                failed += bad
                self.told += [f"{name}: {one}" for one in what_failed(suite)]
        self.passed += passed
        self.failed += failed
        if exit_code != 0 and failed == 0:
            end = (f"    {line[:200]}" for line in printed.splitlines()[-FAILURE_LINES:])
            self.fail("\n".join([f"{name}: ended with exit code {exit_code} and no failed test in its report", *end]))


def say(text: str) -> None:
    print(f"== {text}", flush=True)


@dataclass
class Times:
    """Seconds of each part of a run, in the order in which they began."""

    parts: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self.parts[name] = 0.0
        try:
            yield
        finally:
            self.parts[name] = time.monotonic() - began

    def table(self) -> str:
        width = max((len(name) for name in self.parts), default=0)
        return "\n".join(f"  {name:<{width}}  {seconds:7.0f} s" for name, seconds in self.parts.items())


TIMES = Times()


def build(preset: str, targets: list[str], *, unity: bool = False) -> bool:
    """`unity`: compile several files as one though the preset does not, as for a build that happens once."""
    say(f"build {preset}")
    log = ROOT / "build" / f"build-{preset}.log"
    with log.open("w") as out:
        for command in (
            ["cmake", "--preset", preset, *(["-DSLUICE_UNITY=ON"] if unity else [])],
            ["cmake", "--build", f"build/{preset}", "-j", str(JOBS), "--target", *targets],
        ):
            with TIMES.measure(f"build {preset}"):
                code = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT).returncode
            if code != 0:
                out.flush()
                print("\n".join(log.read_text(errors="replace").splitlines()[-60:]))
                print(f"the build failed; its whole output is in {log}")
                return False
    return True


def in_memory(program: Path, environment: dict[str, str]) -> dict[str, str]:
    """The tests of a sync wait for little else than the disk's word that the ledger has been written: theirs is kept
    in memory, where there is room for it."""
    memory = Path("/dev/shm")
    if not program.name.startswith("sync") or not os.access(memory, os.W_OK):
        return environment
    return {**environment, "TMPDIR": str(memory)} if shutil.disk_usage(memory).free > 1 << 30 else environment


def run_unit_program(preset: str, program: Path, environment: dict[str, str]) -> tuple[Path, int, str]:
    """Its report, its exit code and what it printed."""
    report = REPORTS / f"{preset}-{program.name}.xml"
    report.unlink(missing_ok=True)
    command = [str(program), "--gtest_brief=1", f"--gtest_output=xml:{report}"]
    began = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=in_memory(program, environment),
            timeout=UNIT_SECONDS_MAX,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="replace",
        )
        code, text = done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        code, text = 124, (expired.output or b"").decode(errors="replace")
        text += f"{program.name}: still running after {UNIT_SECONDS_MAX} s\n"
    return report, code, f"{text}{program.name}: {time.monotonic() - began:.1f} s"


def run_unit(
    preset: str, tally: Tally, environment: dict[str, str], room: str = "**", names: tuple[str, ...] = ()
) -> None:
    """Several programs at a time: tests pass side by side. Without `names` every one that is built."""
    programs = [
        one
        for one in (ROOT / "build" / preset).glob(f"src/{room}/*_test")
        if one.is_file() and (not names or one.name in names)
    ]
    # The largest first, so that no long one runs alone at the end.
    programs.sort(key=lambda one: (-one.stat().st_size, one.name))
    with TIMES.measure(f"unit {preset}"), ThreadPoolExecutor(JOBS) as pool:
        for program, (report, code, text) in zip(
            programs,
            pool.map(lambda one: run_unit_program(preset, one, environment), programs),
            strict=True,
        ):
            print(text, flush=True)
            tally.add(report, f"{preset} {program.name}", code, text)


def run_pytest(name: str, arguments: list[str], tally: Tally, environment: dict[str, str]) -> None:
    say(name)
    report = REPORTS / f"{name.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    command = [*PYTEST, "-q", "--no-header", f"--junitxml={report}", "-p", "no:cacheprovider", *arguments]
    with TIMES.measure(name):
        # `make chaos` takes as long as it is asked to.
        bound = None if environment.keys() & {"HISTORIES", "KILLS"} else SUITE_SECONDS_MAX
        try:
            code, end = subprocess.run(command, cwd=ROOT, env=environment, timeout=bound).returncode, ""
        except subprocess.TimeoutExpired:
            code, end = 124, f"still running after {SUITE_SECONDS_MAX} s"
    tally.add(report, name, code, end)
    tell_kills(report)


def tell_kills(report: Path) -> None:
    """One line of totals, if tests recorded what became of kills at random moments."""
    totals: dict[str, int] = {}
    if report.exists():
        for one in ElementTree.parse(report).getroot().iter("property"):
            if (one.get("name") or "").startswith("kills:"):
                what = str(one.get("name")).removeprefix("kills:")
                totals[what] = totals.get(what, 0) + int(one.get("value") or 0)
    if totals:
        print("at random moments: " + ", ".join(f"{number} {what}" for what, number in totals.items()))


def run_all(only: str | None, tally: Tally, *, units_are_sanitized: bool = False) -> None:
    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)
    needs_build = only in (None, "unit", "browser", "packages", *FOLDER_LABELS, *E2E_LABELS)
    targets = ["all", "sluice_mutant"] if only in (None, "mutants") else ["all"]
    if units_are_sanitized:
        targets = ["sluice", "sluice_crash", "sluice_load", "sluice_mutant", *LONG_HISTORIES_IN]
    if needs_build and not build("dev", targets, unity=units_are_sanitized):
        tally.fail("the build of dev failed")
        return
    environment["SLUICE_BUILD"] = str(ROOT / "build/dev")
    if only in (None, "tidy"):
        run_pytest("tidy", ["tests/tidy"], tally, environment)
    if units_are_sanitized:
        say("unit: long histories")
        run_unit("dev", tally, {**environment, "GTEST_FILTER": LONG_HISTORIES}, names=LONG_HISTORIES_IN)
    elif only in (None, "unit"):
        say("unit")
        run_unit("dev", tally, environment)
    if only in (None, "sandbox"):
        run_pytest("sandbox", ["sandbox/tests", "-n", "2", "--dist", "loadfile"], tally, environment)
    if only in (None, "clients"):
        run_clients(tally, environment)
    for name in FOLDER_LABELS:
        if only in (None, name):
            folder = {"load": "serve"}.get(name, name)
            if name == "serve" and not installed("operators", tally, environment):
                continue
            marks = ["-m", name] if folder == "serve" else []
            run_pytest(name, [f"tests/{folder}", *marks, "-n", str(JOBS), "--dist", "loadfile"], tally, environment)
    if only in (None, "browser"):
        run_browser(tally, environment)
    if only in (None, "packages"):
        run_packages(tally, environment)
    for name, marks in e2e_parts(only):
        # One file's many cases are shared out; elsewhere a file's tests may share what takes long to make.
        share = "worksteal" if name in SHARED_OUT else "loadfile"
        run_pytest(name, ["tests/e2e", "-n", str(E2E_JOBS), "--dist", share, *marks], tally, environment)


def installed(what: str, tally: Tally, environment: dict[str, str]) -> bool:
    """What a suite needs beside the rest: `tools/setup.sh --WHAT`. False: that failed, and is counted."""
    with TIMES.measure(f"install {what}"):
        code = subprocess.run(["tools/setup.sh", f"--{what}"], cwd=ROOT, env=environment).returncode
    if code != 0:
        tally.fail(f"what the suite needs could not be installed: tools/setup.sh --{what}")
    return code == 0


def run_clients(tally: Tally, environment: dict[str, str]) -> None:
    """Stock clients against the sandbox. They bring environments of their own, which are installed first."""
    if installed("clients", tally, environment):
        run_pytest("clients", ["tests/clients", "-n", "2", "--dist", "loadfile"], tally, environment)


def run_browser(tally: Tally, environment: dict[str, str]) -> None:
    """The page in chromium, which is installed first."""
    if installed("browser", tally, environment):
        run_pytest("browser", ["tests/browser", "-n", "2", "--dist", "loadfile"], tally, environment)


def run_packages(tally: Tally, environment: dict[str, str]) -> None:
    """Packages of the debug build, as a release takes minutes to compile; what judges them is installed first."""
    if installed("packages", tally, environment):
        run_pytest("packages", ["tests/packages", "-n", "2", "--dist", "loadfile"], tally, environment)


def run_room(room: str, tally: Tally) -> None:
    if not build("dev", [f"{room.replace('/', '_')}_test"]):
        tally.fail("the build of dev failed")
        return
    environment = dict(os.environ)
    run_unit("dev", tally, environment, room)


def e2e_parts(only: str | None) -> list[tuple[str, list[str]]]:
    """Name and marker expression of each run of tests/e2e."""
    if only in E2E_LABELS:
        return [(only, ["-m", only])]
    if only is not None:
        return []
    rest = " and ".join(f"not {label}" for label in SHARED_OUT)
    return [("e2e", ["-m", rest]), *((label, ["-m", label]) for label in SHARED_OUT)]


def run_sanitizers(tally: Tally) -> None:
    environment = {**os.environ, **SANITIZER_OPTIONS}
    environment.pop("PYTHONPATH", None)
    for preset, targets in (("asan-ubsan", ("all",)), ("tsan", TSAN_TARGETS)):
        if not build(preset, list(targets)):
            tally.fail(f"the build of {preset} failed")
            continue
        environment["GTEST_FILTER"] = NOT_SANITIZED[preset]
        say(f"unit under {preset}")
        run_unit(preset, tally, environment)
        environment["SLUICE_BUILD"] = str(ROOT / "build" / preset)
        run_pytest(f"e2e under {preset}", ["tests/e2e", "-m", "sanitized"], tally, environment)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=LABELS, metavar="LABEL", help=", ".join(LABELS))
    parser.add_argument("--room", metavar="ROOM", help="a folder of src/ that has unit tests")
    parser.add_argument("--sanitizers", action="store_true")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    began = time.monotonic()
    if arguments.all:
        run_all(None, tally, units_are_sanitized=True)
        run_sanitizers(tally)
    elif arguments.sanitizers:
        run_sanitizers(tally)
    elif arguments.room:
        run_room(arguments.room.strip("/").removeprefix("src/"), tally)
    else:
        run_all(arguments.only, tally)
    if tally.passed + tally.failed == 0:
        tally.fail("no test ran")
    print(tally.failures(), end="")
    print(f"== where the time went\n{TIMES.table()}\nin {time.monotonic() - began:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
