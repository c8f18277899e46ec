"""Builds the targets of tools/fuzz_targets.txt with libFuzzer and AddressSanitizer, and runs them, as many at a time as
there are processors (or JOBS).

    tools/fuzz.sh [NAME...]        "manifest", "s3_xml"; without names all

SECONDS_EACH (default 60) is the time of each. Corpora stay in build/fuzz/<name>/corpus; a crash is kept beside it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUT = ROOT / "build" / "fuzz"
SECONDS = int(os.environ.get("SECONDS_EACH", "60"))
SANITIZERS = "address,undefined"
FLAGS = ["-std=c++20", "-g", "-O1", f"-fsanitize=fuzzer-no-link,{SANITIZERS}", "-fno-sanitize-recover=undefined",
         "-Isrc", "-I.", '-DSLUICE_VERSION="fuzz"']  # fmt: skip


@dataclass(frozen=True)
class Target:
    file: str
    libraries: list[str]
    sources: list[str]

    @property
    def name(self) -> str:
        return Path(self.file).name.removesuffix("_fuzz.cc")

    def all_sources(self) -> list[str]:
        found: set[str] = {self.file}
        for pattern in ["src/base/*.cc", *self.sources]:
            names = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern.removeprefix("!"))}
            found = found - names if pattern.startswith("!") else found | names
        return sorted(n for n in found if n == self.file or not n.endswith(("_test.cc", "_fuzz.cc")))


def targets() -> list[Target]:
    found = []
    for line in (ROOT / "tools" / "fuzz_targets.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            file, libraries, sources = (part.split() for part in line.split("|"))
            found.append(Target(file[0], libraries, sources))
    return found


def without_line(known: list[Target]) -> list[str]:
    listed = {target.file for target in known}
    return sorted(
        name
        for path in (ROOT / "src").rglob("*_fuzz.cc")
        if (name := path.relative_to(ROOT).as_posix()) not in listed
    )


def object_of(source: str) -> Path:
    return OUT / "objects" / (source.replace("/", "_") + ".o")


def compile_one(source: str) -> str:
    """What the compiler complains of; empty if nothing."""
    ccache = shutil.which("ccache")
    libpq = ["-isystem", "/usr/include/postgresql"] if "/postgres/" in source else []
    command = [*([ccache] if ccache else []), "clang++-14", *FLAGS, *libpq, "-c", source, "-o", str(object_of(source))]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stderr


def link(target: Target) -> str:
    folder = OUT / target.name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    objects = [str(object_of(source)) for source in target.all_sources()]
    command = ["clang++-14", f"-fsanitize=fuzzer,{SANITIZERS}", *objects, "-o", str(folder / "run"),
               "-Wl,--gc-sections", "-lfmt", *target.libraries]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stderr


def run(target: Target) -> bool:
    folder = OUT / target.name
    command = [str(folder / "run"), f"-max_total_time={SECONDS}", "-max_len=65536", "-timeout=25", "-rss_limit_mb=2048",
               f"-artifact_prefix={folder}/", str(folder / "corpus")]  # fmt: skip
    with (folder / "log").open("w") as log:
        code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode
    lines = (folder / "log").read_text(errors="replace").splitlines()
    if code != 0:
        print("\n".join(lines[-40:]))
        print(f"fuzz: {target.name} FAILED, see {folder}", flush=True)
        return False
    print(f"fuzz: {target.name}: {lines[-1] if lines else ''}", flush=True)
    return True


def main(names: list[str]) -> int:
    known = targets()
    for name in without_line(known):
        print(f"fuzz: {name} has no line in tools/fuzz_targets.txt")
        return 1
    chosen = [target for target in known if not names or target.name in names]
    (OUT / "objects").mkdir(parents=True, exist_ok=True)
    workers = int(os.environ.get("JOBS", os.cpu_count() or 1))
    with ThreadPoolExecutor(workers) as pool:
        sources = sorted({source for target in chosen for source in target.all_sources()})
        complaints = [text for text in pool.map(compile_one, sources) if "error:" in text]
        complaints += [text for text in (pool.map(link, chosen) if not complaints else []) if text]
        if complaints:
            print("\n".join(complaints))
            return 1
        print(f"fuzz: {len(chosen)} targets, {SECONDS} s each, {workers} at a time", flush=True)
        return 0 if all(list(pool.map(run, chosen))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
