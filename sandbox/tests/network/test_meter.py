"""The meter counts statements by login, wake-ups, and calls of the AWS services."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
import pytest

from redshift_sandbox import account
from redshift_sandbox.testing import RunningSandbox, fault


def test_statements_of_each_login_and_wake_ups(sandbox: RunningSandbox) -> None:
    meter = sandbox.world.meter
    limit = time.monotonic() + 20
    while sandbox.world.gateway.sessions():  # sessions of an earlier test may still be ending
        assert time.monotonic() < limit
        time.sleep(0.01)
    meter.reset()
    with sandbox.connect() as first, sandbox.connect() as second:
        first.execute("SELECT 1")
        second.execute("SELECT 1")
        second.execute("SELECT 2")
        assert meter.statements_by_session == [1, 2]
    assert (meter.statements, meter.wake_ups) == (3, 1)
    meter.reset()
    assert meter.statements == sum(meter.statements_by_session) == 0


def test_calls_by_service_and_operation(sandbox: RunningSandbox) -> None:
    meter = sandbox.world.meter
    session = sandbox.role_session()
    meter.reset()
    sandbox.fresh_role_keys()
    sandbox.fresh_login(session)
    s3 = sandbox.client(session, "s3")
    s3.put_object(Bucket=account.BUCKET, Key=f"{account.ROOT}/metered", Body=b"x")
    s3.list_objects_v2(Bucket=account.BUCKET, Prefix=f"{account.ROOT}/metered")
    assert meter.aws_calls == {
        "sts:AssumeRole": 1, "redshift-serverless:GetCredentials": 1, "s3:PutObject": 1, "s3:ListObjectsV2": 1,
    }  # fmt: skip
    assert meter.aws_calls["sts:GetCallerIdentity"] == 0
    assert meter.report()["aws_calls"] == dict(meter.aws_calls)
    meter.reset()
    assert not meter.aws_calls


def test_unloads_and_kinds_of_statements(sandbox: RunningSandbox, prefix: Callable[[], str]) -> None:
    meter = sandbox.world.meter
    with sandbox.connect() as connection:
        sandbox.login()
        connection.execute("SELECT 1")  # a session counts once it serves its client
        meter.reset()
        sandbox.unload(connection, "SELECT * FROM tpch.nation", prefix())
        with fault(sandbox, "unload.fail_after_files", {"files": 1}), pytest.raises(psycopg.Error):
            sandbox.unload(connection, "SELECT * FROM tpch.nation", prefix())
        with pytest.raises(psycopg.Error):
            connection.execute("DISCARD ALL")
        connection.execute("BEGIN")
        connection.execute("COMMIT")
        assert meter.logins == 0
    assert meter.statements_by_kind == {"UNLOAD": 2, "refused": 1, "BEGIN": 1, "COMMIT": 1}
    done = meter.unloads
    assert (done.started, done.completed, done.rows) == (2, 1, 25)
    assert done.files >= 1 and done.bytes > 0 and 0 < done.seconds < 60
    assert meter.report()["unloads"]["rows"] == 25
    meter.reset()
    with sandbox.connect() as connection:
        connection.execute("SELECT 1")
        assert meter.logins == 1
