"""One private PostgreSQL and one gateway for all tests of this process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_world import USER, FakeClock, FakeFaults, FakePasswords, FakeUnloader, World, make_certificates

from redshift_sandbox.gateway import Gateway
from redshift_sandbox.meter import Meter
from redshift_sandbox.pg import Postgres


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("gateway")
    cache = Path(os.environ.get("SANDBOX_CACHE", Path(tempfile.gettempdir()) / f"redshift-sandbox-{os.getuid()}"))
    postgres = Postgres(directory / "pg", cache)
    postgres.start()
    certificates = make_certificates(directory)
    clock, faults, passwords, unloader = FakeClock(), FakeFaults(), FakePasswords(), FakeUnloader()
    meter = Meter(clock)
    log: list[tuple[str, dict[str, Any]]] = []
    gateway = Gateway(
        postgres, passwords, clock, faults, meter, lambda event, facts: log.append((event, facts)),
        certificates.context, unloader,
    )  # fmt: skip
    port = gateway.start()
    yield World(postgres, gateway, port, certificates.authority, clock, faults, passwords, unloader, meter, log)
    gateway.stop()
    postgres.stop()
    postgres.remove()


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    yield _world
    _world.faults.on.clear()
    _world.faults.once.clear()
    _world.passwords.verdicts.clear()
    _world.unloader.hook = None


@pytest.fixture
def schema(world: World) -> Iterator[str]:
    """A new schema that USER may use."""
    name = "s" + os.urandom(6).hex()
    with world.connect():
        pass  # the first login creates the user
    world.admin(f'CREATE SCHEMA {name}; GRANT USAGE ON SCHEMA {name} TO "{USER}"')
    yield name
    world.admin(f"DROP SCHEMA {name} CASCADE")
