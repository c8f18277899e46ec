"""One sandbox for a test process; a connection of its own for every test."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# So that what they assert explains itself.
pytest.register_assert_rewrite("harness", "history", "mistakes", "test_crash")

from harness import Harness  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402
from redshift_sandbox.world import Options, Sandbox  # noqa: E402
from scene import Scene  # noqa: E402

from destinations import Destination, DuckDb, LakeBucket, LakeFolder, Postgres  # noqa: E402

_numbers = itertools.count(1)

MARKERS = {
    "e2e": "tables travel from end to end",
    "types": "values compared one by one",
    "faults": "bad input and failures",
    "secrets": "nothing secret is written anywhere",
    "shape": "fewer columns and rows, other names and types, hidden values",
    "crash": "killed at every effect",
    "choose": "tables by pattern, discovered, looked at",
    "cost": "what a run tells of its costs, against the sandbox's meter",
    "cli": "screens, JSON and exit codes",
    "mistakes": "every mistake is named with its cure",
    "check": "a green check means that the next sync works",
    "providers": "keys from wherever AWS gives them",
    "closed_loop": "from a bare account to a green check by what setup prints",
    "init": "the configuration, asked for or by flags",
    "setup": "what an administrator is told to run",
    "model": "random histories against a plain model",
    "history": "one row per version of a key",
    "mutants": "deliberate defects are caught",
    "memory": "peak memory, whatever the parts hold",
    "sanitized": "runs under the sanitizers too",
}


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(Options(tmp_path_factory.mktemp("sandbox"), data="tpch:0.01,types")) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Asked for by name, by request: most tests need none."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
def make_destination(
    sandbox: Sandbox, request: pytest.FixtureRequest
) -> Iterator[Callable[[str, Path, str], Destination]]:
    """Makes destinations by kind (DESTINATIONS), empty, under a name of their own; gone after the test."""
    made: list[Destination] = []

    def make(kind: str, folder: Path, name: str) -> Destination:
        if kind == "duckdb":
            made.append(DuckDb(folder / "warehouse.duckdb"))
        elif kind == "postgres":
            made.append(Postgres(request.getfixturevalue("postgres_server"), name))
        elif kind == "lake":
            made.append(LakeFolder(folder / "lake"))
        elif kind == "lake-s3":
            made.append(LakeBucket(sandbox, name))
        else:
            raise ValueError(kind)
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture
def connect(
    sandbox: Sandbox,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    make_destination: Callable[[str, Path, str], Destination],
) -> Iterator[Callable[..., Harness]]:
    """Makes connections; the sandbox is put back as it was, and each bucket root must be clean at the
    end unless the test took the harness's word for it."""
    made: list[Harness] = []

    def make(auth: str = "role", destination: str = "duckdb") -> Harness:
        # Unique also where long names are cut: its root in the bucket belongs to it alone.
        name = f"{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())[:40].strip('-')}-{next(_numbers)}"
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Harness(sandbox, folder, name, auth, make_destination(destination, folder, name)))
        return made[-1]

    yield make
    sandbox.faults.clear()


@pytest.fixture
def harness(connect: Callable[..., Harness]) -> Harness:
    return connect()


@pytest.fixture
def make_scene(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[[str, str], Scene]]:
    """A set-up of its own by name (of letters, digits and `_`) and kind of identity ("role", "keys")."""
    yield lambda name, auth: Scene(sandbox, tmp_path, name.replace("_", "-"), auth)
    sandbox.faults.clear()
