"""Installed as a plugin of pytest: the fixtures `redshift_serverless` and `redshift_environment`.

    def test_mine(redshift_serverless):
        redshift_serverless.load("CREATE TABLE t AS SELECT 1 AS a")
        with redshift_serverless.connect() as connection: ...

One sandbox for each pytest process, in a temporary folder and on free ports of the loopback interface; it starts with
the first test that asks for it. The ini option `redshift_serverless_data` chooses data sets, such as `tpch:0.01`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from redshift_sandbox.serverless_fixture import RedshiftServerless


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("redshift_serverless_data", "data sets of redshift_serverless: tpch:SCALE, types, shop", default="")


@pytest.fixture(scope="session")
def redshift_serverless(request: pytest.FixtureRequest) -> Iterator[RedshiftServerless]:
    """A Redshift Serverless workgroup with its AWS services, for this pytest process."""
    from redshift_sandbox import world  # slow to import: only for those who use it
    from redshift_sandbox.pg.postgres import PostgresError
    from redshift_sandbox.serverless_fixture import RedshiftServerless

    directory = Path(tempfile.mkdtemp(prefix="redshift-serverless-"))
    data = str(request.config.getini("redshift_serverless_data"))
    try:
        try:
            running = world.Sandbox(world.Options(directory, data, developer=True))
            running.start()
        except PostgresError as error:
            pytest.fail(f"redshift_serverless: {error}", pytrace=False)
        try:
            yield RedshiftServerless(running)
        finally:
            running.stop()
            running.postgres.remove()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def redshift_environment(
    redshift_serverless: RedshiftServerless, monkeypatch: pytest.MonkeyPatch
) -> RedshiftServerless:
    """The same, with its variables in os.environ during the test: AWS SDKs then find it without arguments."""
    for name, value in redshift_serverless.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return redshift_serverless
