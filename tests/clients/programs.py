"""Runs a client as its users run it: a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "build" / "clients"  # what tools/setup.sh --clients installs


def run_program(
    command: Sequence[str | Path], environment: dict[str, str], folder: Path | None = None, *, fails: bool = False
) -> str:
    """What the program printed; it must end well, or must not if it `fails`."""
    done = subprocess.run(
        [str(word) for word in command], env=environment, cwd=folder, capture_output=True, text=True, timeout=400
    )
    assert (done.returncode != 0) == fails, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr if fails else done.stdout
