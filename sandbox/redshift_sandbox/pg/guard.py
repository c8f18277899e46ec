"""Runs one postgres and ends it when the process that asked for it is gone.

Started as a script of its own, `guard.py UID GID POSTGRES [ARGUMENT...]`, with the read end of a pipe as
standard input: the sandbox has the write end, so end of file means that the sandbox has ended, for whatever
reason. The guard and not the sandbox is the parent of postgres because the kernel's parent-death signal
fires on the death of the *thread* that forked, and the sandbox starts PostgreSQL from any thread.
Only small modules are imported, because every start waits for this.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _become_postgres(uid: int, gid: int, command: list[str]) -> None:
    os.setsid()
    if uid != os.getuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After setuid: the kernel clears the parent-death signal when credentials change.
    # SIGQUIT is the immediate shutdown of postgres, for the case that the guard itself is killed.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    os.execv(command[0], command)


def _remove_sockets(directory: str) -> None:
    """The sandbox does this itself unless it was killed."""
    try:
        for name in os.listdir(directory):  # noqa: PTH208
            os.unlink(directory + "/" + name)  # noqa: PTH108
        os.rmdir(directory)  # noqa: PTH106
    except OSError:
        return


def main(arguments: list[str]) -> int:
    """Returns the exit code of postgres. `-k DIRECTORY` among the arguments names the folder of the sockets."""
    uid, gid, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    woken_read, woken_write = os.pipe()
    os.set_blocking(woken_write, False)
    signal.set_wakeup_fd(woken_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # the sandbox decides, through the pipe
    child = os.fork()
    if child == 0:
        for restored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(restored, signal.SIG_DFL)
        try:
            _become_postgres(uid, gid, command)
        finally:
            os._exit(127)
    while True:
        ready, _, _ = select.select([0, woken_read], [], [])
        if 0 in ready and not os.read(0, 64):
            os.kill(child, signal.SIGINT)  # fast shutdown: sessions end, files are consistent
            status = os.waitpid(child, 0)[1]
            _remove_sockets(command[command.index("-k") + 1])
            return os.waitstatus_to_exitcode(status)
        if woken_read in ready:
            os.read(woken_read, 64)
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
