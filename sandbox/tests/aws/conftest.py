"""The AWS services for each test, on loopback and a free port, and standard boto3 clients for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_harness import ACCOUNT, ALLOW_ALL, REGION, Sandbox
from botocore.client import BaseClient


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """With the bucket acme and the workgroup analytics in us-east-1, and the user admin, who may do everything."""
    for name in ("AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    running = Sandbox(tmp_path / "aws")
    services = running.services
    running.start()
    try:
        services.add_bucket("acme", REGION)
        running.workgroup = services.add_workgroup("analytics", ACCOUNT, REGION, "127.0.0.1", 5439)
        running.admin = running.user("admin", ALLOW_ALL)
        yield running
    finally:
        services.stop()


@pytest.fixture
def s3(sandbox: Sandbox) -> BaseClient:
    """S3 as the admin sees it."""
    return sandbox.client("s3")
