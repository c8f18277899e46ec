"""The background process of `up`: recorded so that `down` ends this process and no other.

`state.json` holds no secrets. A process id alone proves nothing, because ids are used again; with its start time and
the machine's boot id it always names the same process.
"""

from __future__ import annotations

import json
import os
import select
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

from redshift_sandbox.files import write_whole

_FILE = "state.json"
_STOP_SECONDS = 60.0


@dataclass(frozen=True)
class State:
    """One running sandbox."""

    pid: int
    started: str  # see start_mark
    data: str
    host: str
    redshift_port: int
    aws_url: str


def start_mark(pid: int) -> str | None:
    """When a process began, as the machine's boot id and clock ticks since then; None if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    if fields[0] == "Z":
        return None
    return f"{boot}/{fields[19]}"


def own_state(data: str, host: str, redshift_port: int, aws_url: str) -> State:
    """The state of this process."""
    pid = os.getpid()
    return State(pid, start_mark(pid) or "", data, host, redshift_port, aws_url)


def write_state(directory: Path, state: State) -> None:
    write_whole(directory / _FILE, json.dumps(asdict(state), indent=1).encode() + b"\n")


def forget_state(directory: Path) -> None:
    (directory / _FILE).unlink(missing_ok=True)


def running(directory: Path) -> State | None:
    """The sandbox that runs in `directory`, if there is one."""
    try:
        state = State(**json.loads((directory / _FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return state if start_mark(state.pid) == state.started else None


def stop(state: State, directory: Path) -> bool:
    """Asks the process to end, and waits; kills it after a minute. False if it had ended already."""
    try:
        handle = os.pidfd_open(state.pid)
    except ProcessLookupError:
        return False
    try:
        # From here on the handle means one process, so the check stays true.
        if start_mark(state.pid) != state.started:
            return False
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not select.select([handle], [], [], _STOP_SECONDS)[0]:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [])
    finally:
        os.close(handle)
    forget_state(directory)
    return True
