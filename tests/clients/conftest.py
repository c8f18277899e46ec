"""Stock clients against the sandbox, each in its own process, as its users run it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest
from programs import run_program
from redshift_sandbox.serverless_fixture import RedshiftServerless

pytest_plugins = ["redshift_sandbox.pytest_plugin"]


@pytest.fixture
def client_environment(redshift_serverless: RedshiftServerless) -> dict[str, str]:
    """Nothing of this process but PATH and HOME, and the sandbox's variables."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    return {**kept, **own, **redshift_serverless.environment}


@pytest.fixture
def run_python(client_environment: dict[str, str]) -> Callable[[str], Any]:
    """Runs a client's script; it prints one JSON document."""
    return lambda script: json.loads(
        run_program([sys.executable, "-W", "ignore", "-c", dedent(script)], client_environment)
    )
