"""One sandbox and one service for a test process; tenants of its own for every test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("service", "contract")

from redshift_sandbox.world import Options, Sandbox  # noqa: E402
from service import Client, Service, Tenant  # noqa: E402

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "serve: the service's API, who may do what, and attacks on it")
    config.addinivalue_line("markers", "load: many tenants, whose schedules fire together")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(Options(tmp_path_factory.mktemp("sandbox"), data="tpch:0.01")) as running:
        yield running


@pytest.fixture(scope="session")
def service(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(sandbox, tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture
def admin(service: Service) -> Client:
    return service.admin


@pytest.fixture
def tenant(service: Service) -> Tenant:
    return service.make_tenant(f"tenant {next(_numbers)}")


@pytest.fixture
def stranger(service: Service) -> Tenant:
    """Another customer of the same service."""
    return service.make_tenant(f"stranger {next(_numbers)}")


@pytest.fixture
def other_folder(tmp_path: Path) -> Path:
    return tmp_path
