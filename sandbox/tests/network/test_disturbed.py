"""Faults that hit the n-th statement or object of a kind, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError

from redshift_sandbox import account
from redshift_sandbox.testing import RunningSandbox, fault, fresh_name

Prefix = Callable[[], str]
NATION = "SELECT * FROM tpch.nation"


@pytest.fixture
def table(sandbox: RunningSandbox) -> str:
    name = f"public.{fresh_name('disturbed_')}"
    sandbox.admin(f'CREATE TABLE {name} (a int); GRANT ALL ON {name} TO "{account.ROLE_DB_USER}"')
    return name


def rows(sandbox: RunningSandbox, table: str) -> int:
    return int(sandbox.admin(f"SELECT count(*) FROM {table}")[0][0])


@pytest.mark.parametrize(("when", "rows_then"), [("before", 0), ("during", 1), ("after", 1)])
def test_reset_around_commit(sandbox: RunningSandbox, table: str, when: str, rows_then: int) -> None:
    with fault(sandbox, f"gateway.reset_{when}", {"statement": "commit"}, count=1):
        connection = sandbox.connect()
        connection.execute("BEGIN")
        connection.execute(f"INSERT INTO {table} VALUES (1)".encode())
        with pytest.raises(psycopg.OperationalError):
            connection.execute("COMMIT")
        assert connection.broken
    # What a client cannot know: whether it was committed.
    for _ in range(200):
        if rows(sandbox, table) == rows_then:
            break
    assert rows(sandbox, table) == rows_then


def test_reset_after_unload_leaves_its_manifest_and_no_word(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    connection = sandbox.connect()
    heard: list[str] = []
    connection.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    lost = fault(sandbox, "gateway.reset_after", {"statement": "UNLOAD"}, count=1)
    with lost, pytest.raises(psycopg.OperationalError):
        sandbox.unload(connection, NATION, where)
    assert f"{where}manifest" in sandbox.objects(where)
    assert heard == []


def test_reset_before_unload_leaves_nothing(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    sandbox.world.meter.reset()
    lost = fault(sandbox, "gateway.reset_before", {"statement": "UNLOAD"}, count=1)
    with lost, pytest.raises(psycopg.OperationalError):
        sandbox.unload(sandbox.connect(), NATION, where)
    assert sandbox.objects(where) == []
    assert sandbox.world.meter.unloads.started == 0


def test_faults_hit_the_nth_of_their_kind(sandbox: RunningSandbox, prefix: Prefix) -> None:
    args = {"skip": 1, "statement": "UNLOAD", "match": "nation", "sqlstate": "57014", "message": "enough"}
    with sandbox.connect() as connection, fault(sandbox, "gateway.error", args, count=1):
        connection.execute("SELECT count(*) FROM tpch.nation")
        sandbox.unload(connection, "SELECT * FROM tpch.region", prefix())
        sandbox.unload(connection, NATION, prefix())
        with pytest.raises(psycopg.errors.QueryCanceled, match="enough"):
            sandbox.unload(connection, NATION, prefix())
        sandbox.unload(connection, NATION, prefix())


@pytest.mark.parametrize(
    ("name", "message", "detail"),
    [("serializable_conflict", "1023", "Serializable isolation violation on table"),
     ("relation_gone", "1018", "Relation does not exist")],
)  # fmt: skip
@pytest.mark.parametrize("statement", ["SELECT", "UNLOAD", "COMMIT"])
def test_b33_conflicts_by_knob_abort_the_transaction(
    sandbox: RunningSandbox, prefix: Prefix, name: str, message: str, detail: str, statement: str
) -> None:
    with sandbox.connect() as connection, fault(sandbox, f"gateway.{name}", {"statement": statement}, count=1):
        connection.execute("BEGIN")
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("SELECT count(*) FROM tpch.nation")
            sandbox.unload(connection, NATION, prefix())
            connection.execute("COMMIT")
        assert (caught.value.sqlstate, caught.value.diag.message_primary) == ("XX000", message)
        assert detail in (caught.value.diag.message_detail or "")
        if statement == "COMMIT":
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE, "it ends all the same"
        else:
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                connection.execute("SELECT 1")
            connection.execute("ROLLBACK")
        sandbox.unload(connection, NATION, prefix())


def test_keys_expire_after_some_files(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with (
        sandbox.connect() as connection,
        fault(sandbox, "unload.slices", {"rows_per_file": 5}),
        fault(sandbox, "unload.keys_expire", {"files": 2}, count=1),
        pytest.raises(psycopg.Error) as caught,
    ):
        sandbox.unload(connection, NATION, where)
    assert "Status 400,Error ExpiredToken" in str(caught.value)
    assert len(sandbox.objects(where)) == 2


def test_b47_failure_after_some_files_of_one_prefix(sandbox: RunningSandbox, prefix: Prefix) -> None:
    meant, other = prefix(), prefix()
    with (
        sandbox.connect() as connection,
        fault(sandbox, "unload.slices", {"rows_per_file": 5}),
        fault(sandbox, "unload.fail_after_files", {"files": 2, "match": meant}, count=1),
    ):
        sandbox.unload(connection, NATION, other)
        with pytest.raises(psycopg.Error):
            sandbox.unload(connection, NATION, meant)
        assert len(sandbox.objects(meant)) == 2
        assert f"{meant}manifest" not in sandbox.objects(meant)


def test_b48_the_counter_may_lie(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection, fault(sandbox, "unload.count_zero", count=1):
        done = sandbox.unload(connection, NATION, where)
        assert connection.execute("SELECT pg_last_unload_count()").fetchone() == (0,)
        assert done.notices == [("INFO", "UNLOAD completed, 25 record(s) unloaded successfully.")]
        assert sandbox.manifest(where)["meta"]["record_count"] == 25
        sandbox.unload(connection, NATION, prefix())
        assert connection.execute("SELECT pg_last_unload_count()").fetchone() == (25,)


def test_parts_of_a_folder_stand_for_the_rows(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.parquet").write_bytes(name.encode() * 10)
    where = prefix()
    with sandbox.connect() as connection, fault(
        sandbox, "unload.parts_from", {"folder": str(tmp_path), "rows": 7, "ghosts": 3, "match": where}
    ):
        sandbox.unload(connection, NATION, where)
        sandbox.unload(connection, NATION, prefix())  # not for another prefix
        entries = sandbox.manifest(where)["entries"]
        assert [entry["meta"]["content_length"] for entry in entries] == [10, 10, 1000, 1000, 1000]
        assert [entry["meta"]["record_count"] for entry in entries] == [7, 7, 1, 1, 1]
        assert len(sandbox.objects(where)) == 3  # two parts and the manifest


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [("slow_down", "SlowDown", 503), ("expired_token", "ExpiredToken", 400), ("access_denied", "AccessDenied", 403)],
)
def test_refusals_of_one_operation_on_one_object(
    sandbox: RunningSandbox, prefix: Prefix, name: str, code: str, status: int
) -> None:
    from botocore.config import Config

    where = prefix()
    s3 = sandbox.role_session().client(
        "s3", endpoint_url=sandbox.world.aws_url, verify=str(sandbox.world.ca_file),
        config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    for key in ("a", "b"):
        sandbox.world.aws.store.put_bytes(sandbox.world.aws.store.bucket(account.BUCKET), where + key, b"body")
    with fault(sandbox, f"s3.{name}", {"operation": "GetObject", "match": "/b", "skip": 1}, count=1):
        s3.head_object(Bucket=account.BUCKET, Key=where + "b")
        s3.get_object(Bucket=account.BUCKET, Key=where + "a")
        s3.get_object(Bucket=account.BUCKET, Key=where + "b")
        with pytest.raises(ClientError) as caught:
            s3.get_object(Bucket=account.BUCKET, Key=where + "b")
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        s3.get_object(Bucket=account.BUCKET, Key=where + "b")


def test_a_body_cut_short(sandbox: RunningSandbox, prefix: Prefix) -> None:
    key = prefix() + "object"
    sandbox.world.aws.store.put_bytes(sandbox.world.aws.store.bucket(account.BUCKET), key, b"0123456789" * 10_000)
    s3 = sandbox.client(sandbox.role_session(), "s3")
    with fault(sandbox, "s3.truncate_body", {"after": 1234}, count=1):
        body = s3.get_object(Bucket=account.BUCKET, Key=key)["Body"]
        with pytest.raises((IncompleteReadError, ResponseStreamingError)):
            body.read()
    assert len(s3.get_object(Bucket=account.BUCKET, Key=key)["Body"].read()) == 100_000
