"""The packages of tools/dist.py: of the program under test, and, where only the packing matters, of a small one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLUICE_BUILD", ROOT / "build" / "dev"))
PROGRAM = BUILD / "src" / "cli" / "sluice"
# It has a version, a manual page, and a library that not every system has.
SMALL = r"""
#include <stdio.h>
#include <sqlite3.h>
int main(int count, char** words) {
  if (count < 2) return sqlite3_libversion_number() == 0;
  if (words[1][0] == '-') puts("sluice 9.8.7");
  if (words[1][0] == 'm') puts(".TH SLUICE 1 \"\" \"sluice 9.8.7\" \"User Commands\"\n.SH NAME\nsluice \\- small");
  if (words[1][0] == 'c') puts("# completes");
}
"""


def environment() -> dict[str, str]:
    """Nothing of this process that says where a program or a module is."""
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG") or name.startswith("PIP_")}
    return {**kept, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}


def run(*command: str | Path, cwd: Path | None = None, **variables: str) -> str:
    done = subprocess.run([str(word) for word in command], env={**environment(), **variables}, cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=170)  # fmt: skip
    assert done.returncode == 0, f"{command[0]}: exit code {done.returncode}\n{done.stdout}"
    return done.stdout


def dist(binary: Path, out: Path, **variables: str) -> tuple[Path, Path]:
    run(sys.executable, ROOT / "tools/dist.py", "--fast", "--binary", binary, "--out", out, **variables)
    (wheel,), (package,) = out.glob("*.whl"), out.glob("*.deb")
    return wheel, package


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Wheel and Debian package of the program."""
    return dist(PROGRAM, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.c").write_text(SMALL)
    run("gcc", "-fPIE", "-pie", "-O1", "-o", folder / "small", folder / "small.c", "-lsqlite3", "-Wl,-z,now")
    return folder / "small"


@pytest.fixture
def dist_of_small(small: Path, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    return lambda name, **variables: dist(small, tmp_path / name, **variables)
