"""What docs/SERVE.md tells an operator, as it stands there, and programs to try it with."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from service import PATIENCE, ROOT

PAGE = (ROOT / "docs" / "SERVE.md").read_text()
# What tools/setup.sh --operators fetches.
OPERATORS = ROOT / "build" / "clients" / "operators"
LIBRARIES = OPERATORS / "usr" / "lib" / "x86_64-linux-gnu"
NOBODY = 65534


def block(heading: str, language: str = "", number: int = 0) -> str:
    """A block of code beneath a heading of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(heading), re.DOTALL | re.MULTILINE)[number]


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def moved(text: str, **places: object) -> str:
    """With each path of the page in its place of a test; every one must stand there."""
    for old, new in places.items():
        assert old in text, (old, text)
        text = text.replace(old, str(new))
    return text


def wait_for(done: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def rows_of(file: Path, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that tells something; SQLite's own beside a database come and go."""
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file() and one.stat().st_size > 0 and not one.name.endswith(("-wal", "-shm"))
    }


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def operator(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    """A program of `OPERATORS`, with its libraries."""
    path = f"{LIBRARIES}:{LIBRARIES}/systemd"
    return subprocess.run([str(OPERATORS / str(command[0])), *map(str, command[1:])], text=True, capture_output=True,
                          timeout=PATIENCE, env={"LD_LIBRARY_PATH": path, "PATH": os.environ["PATH"]}, **options)  # type: ignore[call-overload,no-any-return]  # fmt: skip


@contextmanager
def nginx(folder: Path, server: str) -> Iterator[None]:
    """Of one server block. Ends with its test."""
    program = OPERATORS / "usr" / "sbin" / "nginx"
    file = folder / "nginx.conf"
    scratch = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    file.write_text(f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
                    f"http {{\naccess_log off;\n{scratch}{server}}}\n")  # fmt: skip
    checked = subprocess.run([program, "-t", "-c", file, "-e", folder / "error.log"], text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr
    running = subprocess.Popen([program, "-c", file, "-e", folder / "error.log"], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait(PATIENCE)
