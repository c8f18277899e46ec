#!/usr/bin/python3
"""Makes packages of a program that is built already: a wheel that carries it, with the libraries it needs, and a
Debian package. The same program and commit give the same bytes.

  tools/dist.py                          build/release/src/cli/sluice -> build/dist
  tools/dist.py --binary FILE --out DIR  another one; --fast compresses little, for tests

`make dist` builds the program first. Times in the packages are SOURCE_DATE_EPOCH, or else the commit's.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dist_deb
import dist_wheel
from dist_wheel import Program

ROOT = Path(__file__).resolve().parent.parent


def epoch() -> int:
    """Sources without git, as in an archive of them, have one time for ever."""
    named = os.environ.get("SOURCE_DATE_EPOCH")
    if named is not None:
        return int(named)
    told = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
    return int(told.stdout) if told.returncode == 0 else 1767225600


def stripped(binary: Path, folder: Path) -> Path:
    copy = folder / "sluice"
    subprocess.run(["strip", "--strip-all", "-o", str(copy), str(binary)], check=True)
    copy.chmod(0o755)
    return copy


def version_of(binary: Path) -> str:
    told = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=True).stdout
    match = re.fullmatch(r"sluice (\d+\.\d+\.\d+)\n", told)
    if match is None:
        raise SystemExit(f"dist: {binary} --version says {told!r}, which is no version of a package")
    return match.group(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/src/cli/sluice")
    parser.add_argument("--out", type=Path, default=ROOT / "build/dist")
    parser.add_argument("--fast", action="store_true")
    arguments = parser.parse_args()
    if not arguments.binary.is_file():
        raise SystemExit(f"dist: there is no {arguments.binary}; `make dist` builds it")
    # What a package holds must not depend on who builds it where.
    os.environ.update(TZ="UTC", LC_ALL="C.UTF-8", SOURCE_DATE_EPOCH=str(epoch()))
    with tempfile.TemporaryDirectory(prefix="sluice-dist-") as name:
        folder = Path(name)
        binary = stripped(arguments.binary, folder)
        program = Program(binary, version_of(arguments.binary), epoch(), arguments.fast)
        arguments.out.mkdir(parents=True, exist_ok=True)
        for make in (dist_wheel.make, dist_deb.make):
            made = make(ROOT, program, folder)
            for old in arguments.out.glob(f"sluice*{made.suffix}"):
                old.unlink()
            print(shutil.move(made, arguments.out / made.name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
