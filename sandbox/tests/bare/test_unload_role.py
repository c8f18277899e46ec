"""UNLOAD with IAM_ROLE, the role attached to the namespace, trusted, and its chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from redshift_sandbox import account, policies
from redshift_sandbox.testing import RunningSandbox, start_sandbox

ROLE = f"arn:aws:iam::{account.ACCOUNT}:role/unloader"
SECOND = f"arn:aws:iam::{account.ACCOUNT}:role/second"
SERVICES = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with start_sandbox("types") as one:
        yield one


def _trust(running: RunningSandbox, services: list[str], user: str = account.ROLE_DB_USER) -> dict[str, Any]:
    user_arn = (
        f"arn:aws:redshift:{account.REGION}:{account.ACCOUNT}:dbuser:"
        f"serverless-{account.ACCOUNT}-{running.world.card.workgroup_id}/{user}"
    )
    condition = {"StringEquals": {"aws:SourceAccount": account.ACCOUNT, "sts:ExternalId": user_arn}}
    statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}


def _unload(running: RunningSandbox, prefix: str, role: str) -> list[str]:
    text = f"UNLOAD ('SELECT 1 AS a') TO 's3://{account.BUCKET}/{prefix}' IAM_ROLE {role} FORMAT PARQUET MANIFEST"
    with running.connect() as connection:
        connection.execute(text.encode())
    return running.objects(prefix)


def _refused(running: RunningSandbox, role: str) -> None:
    with pytest.raises(psycopg.Error, match=r"^Not authorized to get credentials of role arn:aws:iam::"):
        _unload(running, "sluice/refused/", role)


def test_b40_attached_role_with_its_trust(running: RunningSandbox) -> None:
    administrator = running.administrator
    administrator.apply_trust("unloader", json.dumps(_trust(running, SERVICES)))
    administrator.apply_permissions("role", "unloader", policies.staging_only(account.BUCKET, "sluice"))
    _refused(running, f"'{ROLE}'")
    administrator.attach_role(ROLE, default=True)
    assert "sluice/r1/manifest" in _unload(running, "sluice/r1/", f"'{ROLE}'")
    assert "sluice/r2/manifest" in _unload(running, "sluice/r2/", "default")
    for wrong in (_trust(running, SERVICES[:1]), _trust(running, SERVICES, "IAMR:other")):
        administrator.apply_trust("unloader", wrong)
        _refused(running, f"'{ROLE}'")


def test_rights_are_those_of_the_role(running: RunningSandbox) -> None:
    running.administrator.apply_trust("unloader", _trust(running, SERVICES))
    running.administrator.attach_role(ROLE)
    with pytest.raises(psycopg.Error, match="no identity-based policy allows the s3:ListBucket action,Status 403"):
        _unload(running, "sluice/r3/", f"'{ROLE}'")


def test_chain_of_roles(running: RunningSandbox) -> None:
    administrator = running.administrator
    administrator.apply_trust("unloader", _trust(running, SERVICES))
    administrator.attach_role(ROLE)
    second = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"}
    administrator.apply_trust("second", {"Version": "2012-10-17", "Statement": [second]})
    administrator.apply_permissions("role", "second", policies.staging_only(account.BUCKET, "sluice"))
    assert "sluice/r4/manifest" in _unload(running, "sluice/r4/", f"'{ROLE},{SECOND}'")
    _refused(running, f"'{SECOND}'")
    administrator.apply_trust("second", {"Version": "2012-10-17", "Statement": [{**second, "Effect": "Deny"}]})
    _refused(running, f"'{ROLE},{SECOND}'")
