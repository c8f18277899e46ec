"""The page in a browser, against the real service and the sandbox. What drives chromium lies beside the Python
environment (tools/setup.sh --browser), because no other test needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redshift_sandbox.world import Options, Sandbox

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "build/clients/browser"))

pytest.register_assert_rewrite("looks", "scene")

from looks import Looks  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from scene import Scene, make_scene  # noqa: E402
from service import FRAME, Service  # noqa: E402


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(Options(tmp_path_factory.mktemp("sandbox"), data="tpch:0.01,types")) as running:
        yield running


@pytest.fixture(scope="session")
def service(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One with a tenant, a source and a pipeline that has run (scene.py)."""
    running = Service(sandbox, tmp_path_factory.mktemp("service"), "--vendor", "Brook", "--allow-frame", FRAME)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def scene(service: Service) -> Scene:
    return make_scene(service)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Containers have no user namespaces for chromium's own sandbox; only our own page is opened. And a page that a
        # test makes up counts as one of the internet, which may show none of this machine.
        opened = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"],
        )
        yield opened
        opened.close()


@pytest.fixture
def looks(browser: Browser, service: Service, scene: Scene) -> Iterator[Looks]:
    """Makes pages; at the end none of them may have told of an error of its own."""
    made = Looks(browser, service)
    yield made
    made.close()


@pytest.fixture
def empty(browser: Browser, sandbox: Sandbox, tmp_path: Path) -> Iterator[Looks]:
    """As `looks`, of a service that has just been started for the first time."""
    running = Service(sandbox, tmp_path)
    made = Looks(browser, running)
    try:
        yield made
        made.close()
    finally:
        running.stop()


@pytest.fixture
def page(looks: Looks) -> Page:
    return looks.signed_in()
