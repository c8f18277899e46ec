"""A program on a pseudo-terminal, answered as a person would."""

from __future__ import annotations

import os
import pty
import re
import select
import termios
import time
from collections.abc import Mapping
from pathlib import Path

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Nothing that a person waits for takes longer; under a sanitizer on a busy machine it may.
PATIENCE = 30.0


class Terminal:
    """Starts `command` with a terminal of its own; everything it shows is kept. Use as a context."""

    def __init__(self, command: list[str], cwd: Path, environment: Mapping[str, str]) -> None:
        self.raw = b""
        self._read_until = 0
        self.exit_code: int | None = None
        self._process, self._fd = pty.fork()
        if self._process == 0:
            os.chdir(cwd)
            os.execve(command[0], command, dict(environment) | {"TERM": "xterm-256color"})

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)  # hangs up, which ends it
        if self.exit_code is None:
            os.waitpid(self._process, 0)

    @property
    def screen(self) -> str:
        """What was shown, without colours."""
        return ESCAPES.sub("", self.raw.decode(errors="replace")).replace("\r\n", "\n")

    def wait_for(self, text: str) -> str:
        """Until `text` is shown after what was waited for last; what was shown up to it."""
        limit = time.monotonic() + PATIENCE
        while text not in self.screen[self._read_until :]:
            if not self._take(limit - time.monotonic()):
                raise AssertionError(f"never shown: {text!r}\n{self.screen}")
        end = self.screen.index(text, self._read_until) + len(text)
        shown = self.screen[self._read_until : end]
        self._read_until = end
        return shown

    def answer(self, text: str) -> None:
        self.wait_for("> ")
        self.send(text + "\n")

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._fd)[3] & termios.ECHO)

    def enter_until(self, question: str) -> None:
        """Enter for every question before `question`; the next send() answers that."""
        while question not in self.wait_for("> "):
            self.send("\n")

    def send(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def finish(self) -> int:
        """Reads to the end; the exit code."""
        limit = time.monotonic() + PATIENCE
        while self._take(limit - time.monotonic()):
            pass
        assert time.monotonic() < limit, f"still running\n{self.screen}"
        _, status = os.waitpid(self._process, 0)
        self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code

    def _take(self, seconds: float) -> bool:
        """Some bytes; False at the end or after `seconds`."""
        ready, _, _ = select.select([self._fd], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            taken = os.read(self._fd, 4096)
        except OSError:  # EIO: the program has ended
            return False
        self.raw += taken
        return bool(taken)
