"""The meter counts statements by login, wake-ups, and calls of the AWS services."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

import psycopg
import pytest

from redshift_sandbox import account
from redshift_sandbox.meter import Meter, S3Traffic
from redshift_sandbox.testing import RunningSandbox, fault


def test_b35_statements_of_each_login_and_wake_ups(sandbox: RunningSandbox) -> None:
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


class _Clock:
    """A time that only the test moves."""

    def __init__(self) -> None:
        self.seconds = 6000.0  # a whole minute

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.seconds, dt.UTC)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


def _run(meter: Meter, clock: _Clock, seconds: float) -> None:
    meter.statement_started(1)
    clock.advance(seconds)
    meter.statement_finished(1)


def test_b70_usage_by_the_minute_is_the_bill() -> None:
    clock = _Clock()
    meter = Meter(clock)
    meter.session_opened(1, "someone")
    clock.advance(50)
    _run(meter, clock, 90.5)  # 6050.0 to 6140.5: three minutes, 91 whole seconds
    assert [(one.start, one.compute_seconds, one.charged_seconds) for one in meter.usage()] == [
        (6000, 8 * 10, 8 * 10), (6060, 8 * 60, 8 * 60), (6120, 8 * 20.5, 8 * 21),
    ]  # fmt: skip
    clock.advance(100)
    _run(meter, clock, 1)  # another wake-up, and its minimum of a minute
    assert (meter.wake_ups, meter.billed_seconds) == (2, 150.5)
    assert meter.charged_rpu_seconds == 8 * (91 + 60) == sum(one.charged_seconds for one in meter.usage())


def test_b70_what_still_runs_is_not_charged_yet() -> None:
    clock = _Clock()
    meter = Meter(clock)
    meter.session_opened(1, "someone")
    meter.statement_started(1)
    clock.advance(200)
    assert (meter.charged_rpu_seconds, meter.billed_seconds) == (0, 200)
    meter.statement_finished(1)
    assert meter.charged_rpu_seconds == 8 * 200


def test_b70_sys_serverless_usage_shows_superusers_the_meter(sandbox: RunningSandbox) -> None:
    meter = sandbox.world.meter
    usage = ("SELECT sum(charged_seconds), max(compute_capacity), count(*) - count(data_storage) "
             "FROM sys_serverless_usage")  # fmt: skip
    with sandbox.connect() as connection:
        connection.execute("SELECT 1")
        meter.reset()
        connection.execute("SELECT count(*) FROM tpch.lineitem")
        charged = meter.charged_rpu_seconds
        assert charged == 8 * 60
        assert sandbox.admin(usage) == [(charged, 8.0, 0)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for relation"):
            connection.execute(usage)
        sandbox.admin(f'GRANT ROLE sys:monitor TO "{account.ROLE_DB_USER}"')
        try:
            # The statement that asks is not charged yet; it belongs to the same minute of activity.
            assert connection.execute(usage).fetchall() == [(charged, 8.0, 0)]
        finally:
            sandbox.admin(f'REVOKE ROLE sys:monitor FROM "{account.ROLE_DB_USER}"')


def test_requests_to_s3_by_price_and_bytes(sandbox: RunningSandbox, prefix: Callable[[], str]) -> None:
    meter, where = sandbox.world.meter, prefix()
    s3 = sandbox.client(sandbox.role_session(), "s3")
    with sandbox.connect() as connection:
        meter.reset()
        sandbox.unload(connection, "SELECT * FROM tpch.nation", where)
    size = sum(len(sandbox.body(key)) for key in sandbox.objects(where))
    own = meter.s3_of_statements
    # One listing whether the folder is empty; the parts and the manifest.
    assert (own.write_or_list, own.read, own.bytes_up) == (1 + len(sandbox.objects(where)), 0, size)
    s3.put_object(Bucket=account.BUCKET, Key=f"{where}more", Body=b"12345")
    s3.get_object(Bucket=account.BUCKET, Key=f"{where}more", Range="bytes=1-2")["Body"].read()
    s3.head_object(Bucket=account.BUCKET, Key=f"{where}more")
    s3.list_objects_v2(Bucket=account.BUCKET, Prefix=where)
    s3.delete_object(Bucket=account.BUCKET, Key=f"{where}more")
    assert meter.s3_of_clients == S3Traffic(write_or_list=2, read=2, free=1, bytes_up=5, bytes_down=2)
    assert meter.report()["s3_of_clients"]["bytes_down"] == 2
