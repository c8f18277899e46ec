"""The package as its users see it: against a program that plays what a test scripts, and against the program itself
with one sandbox for a test process."""

from __future__ import annotations

import itertools
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests/e2e")]
pytest.register_assert_rewrite("harness")

from harness import PROGRAM, Harness  # noqa: E402
from redshift_sandbox.world import Options, Sandbox  # noqa: E402

_numbers = itertools.count(1)
# Plays the program: what it was given is in the file `given`; then the script says what happens.
PLAYED = """
    #!{python}
    import json, os, signal, sys, time
    arguments = sys.argv[1:]
    given = {{"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd(), "group": os.getpgid(0)}}
    if "--config" in arguments and "/dev/fd/" in arguments[arguments.index("--config") + 1]:
        given["config"] = open(arguments[arguments.index("--config") + 1]).read()
    def descriptor():
        return int(arguments[arguments.index("--events") + 1])
    def tell(**event):
        os.write(descriptor(), json.dumps({{"v": 1, "time": 0.5, **event}}).encode() + b"\\n")
    def end(code, document):
        print(json.dumps({{"sluice": "9", "command": "c", "exit_code": code, "error": None, **document}}), flush=True)
        os._exit(code)
    with open({given!r} + ".part", "w") as file:
        json.dump(given, file)
    os.rename({given!r} + ".part", {given!r})
"""


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(Options(tmp_path_factory.mktemp("sandbox"), data="tpch:0.01")) as running:
        yield running


@pytest.fixture
def harness(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    """A connection; this process has its variables and works in its folder, as a user's program would."""
    made = Harness(sandbox, tmp_path, f"python-{next(_numbers)}")
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLUICE_BINARY", str(PROGRAM))
    monkeypatch.chdir(tmp_path)
    yield made
    sandbox.faults.clear()


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    """Ctrl-C does what it does to a user's program, also where the tests were started in the background: there a shell
    has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Player:
    """Makes the program do what a script says."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "played"
        self._given = folder / "given"

    def plays(self, script: str) -> None:
        head = dedent(PLAYED).format(python=sys.executable, given=str(self._given)).lstrip()
        self.program.write_text(head + dedent(script))
        self.program.chmod(0o755)

    def ends(self, code: int, document: Any) -> None:
        self.plays(f"end({code}, json.loads({json.dumps(document)!r}))")

    @property
    def given(self) -> Any:
        return json.loads(self._given.read_text())

    @property
    def began(self) -> bool:
        return self._given.exists()


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Player:
    player = Player(tmp_path)
    player.plays("")
    monkeypatch.setenv("SLUICE_BINARY", str(player.program))
    return player


@pytest.fixture
def sample() -> Callable[..., Any]:
    """A value of each field of a class of results, with some of one's own: sample(StreamResult, stream="a")."""
    from samples import sample_of

    return sample_of
