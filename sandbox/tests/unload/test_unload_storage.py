# Goal: UNLOAD uses only the statement's own keys for S3, refuses a prefix that is not empty, writes several
# files and the manifest last, and reports its count.

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from reading import local_parts, rows

from redshift_sandbox import account, policies
from redshift_sandbox.contracts import AccessKeys
from redshift_sandbox.testing import RunningSandbox, fault, fresh_name, start_sandbox

Prefix = Callable[[], str]

ORDERS = "SELECT * FROM tpch.orders"


def refused(sandbox: RunningSandbox, prefix: str, keys: AccessKeys, **more: str) -> psycopg.Error:
    with sandbox.connect() as connection, pytest.raises(psycopg.Error) as caught:
        sandbox.unload(connection, ORDERS, prefix, keys=keys, **more)
    return caught.value


def expect_detail(error: psycopg.Error, status: int, code: str) -> None:
    """The form of https://github.com/embulk/embulk-output-jdbc/issues/85."""
    assert error.sqlstate == "XX000"
    lines = [line.strip() for line in (error.diag.message_detail or "").strip().splitlines()]
    assert lines[0] == lines[-1] == "-" * 47
    assert lines[1].startswith("error:  S3ServiceException:")
    assert f",Status {status},Error {code},Rid " in lines[1]
    assert ",CanRetry " in lines[1]
    assert [line.split(":")[0] for line in lines[1:-1]] == ["error", "code", "context", "query", "location", "process"]
    assert (error.diag.message_primary or "").startswith("S3ServiceException:")


def test_b40_keys_of_another_run_are_denied(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    error = refused(sandbox, where, sandbox.unload_keys(prefix()))
    expect_detail(error, 403, "AccessDenied")
    assert sandbox.objects(where) == []


def test_keys_narrowed_to_the_run_suffice(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        done = sandbox.unload(connection, ORDERS, where, keys=sandbox.unload_keys(where))
    assert where + "manifest" in done.keys


def test_b40_without_the_token_the_key_is_unknown(sandbox: RunningSandbox, prefix: Prefix) -> None:
    keys = sandbox.role_keys()
    error = refused(sandbox, prefix(), AccessKeys(keys.access_key_id, keys.secret_access_key))
    expect_detail(error, 403, "InvalidAccessKeyId")


def test_wrong_secret(sandbox: RunningSandbox, prefix: Prefix) -> None:
    keys = sandbox.role_keys()
    error = refused(sandbox, prefix(), AccessKeys(keys.access_key_id, "x" * 40, keys.session_token))
    expect_detail(error, 403, "SignatureDoesNotMatch")


def test_missing_bucket(sandbox: RunningSandbox, prefix: Prefix) -> None:
    with sandbox.connect() as connection, pytest.raises(psycopg.Error) as caught:
        text = sandbox.unload_text(ORDERS, prefix(), bucket="no-such-bucket")
        connection.execute(text.encode())
    expect_detail(caught.value, 404, "NoSuchBucket")


def test_b40_iam_role_that_is_not_attached(sandbox: RunningSandbox, prefix: Prefix) -> None:
    text = f"UNLOAD ('{ORDERS}') TO 's3://{account.BUCKET}/{prefix()}' IAM_ROLE '{sandbox.world.role_arn}' PARQUET"
    with sandbox.connect() as connection, pytest.raises(psycopg.Error, match=r"^Not authorized to get credentials of"):
        connection.execute(text.encode())


def test_long_term_keys_work_without_a_token(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    card = sandbox.world.card
    with sandbox.connect() as connection:
        sandbox.unload(connection, ORDERS, where, keys=AccessKeys(card.keys.key_id, card.keys.secret))
    assert sandbox.manifest(where)["meta"]["record_count"] == 15000


def test_b40_keys_expire_before_and_during_the_run() -> None:
    # Its own sandbox, because its clock moves.
    with start_sandbox("tpch:0.01") as sandbox:
        sandbox.world.faults.set("sigv4.machine_dates")
        with sandbox.connect() as connection, fault(sandbox, "unload.slow_per_file", {"seconds": 1}):
            keys = sandbox.fresh_role_keys(seconds=900)
            ran = threading.Thread(target=_expire_after_first_file, args=(sandbox, "sluice/during/"))
            ran.start()
            with pytest.raises(psycopg.Error) as caught:
                sandbox.unload(connection, ORDERS, "sluice/during/", keys=keys)
            ran.join()
            expect_detail(caught.value, 400, "ExpiredToken")
            left = sandbox.objects("sluice/during/")
            assert len(left) >= 1, "what was written stays"
            assert "sluice/during/manifest" not in left
            with pytest.raises(psycopg.Error) as caught:
                sandbox.unload(connection, ORDERS, "sluice/before/", keys=keys)
            expect_detail(caught.value, 400, "ExpiredToken")


def _expire_after_first_file(sandbox: RunningSandbox, prefix: str) -> None:
    waiting = threading.Event()
    while not sandbox.objects(prefix):
        waiting.wait(0.02)
    sandbox.world.clock.advance(901)


def test_b41_other_region_needs_its_name(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    error = refused(sandbox, where, sandbox.role_keys(), bucket=account.OTHER_BUCKET)
    assert "The S3 bucket addressed by the query is in a different region from this cluster" in str(error)
    expect_detail(error, 301, "PermanentRedirect")
    with sandbox.connect() as connection:
        options = f"FORMAT PARQUET MANIFEST REGION '{account.OTHER_REGION}'"
        done = sandbox.unload(connection, ORDERS, where, options, bucket=account.OTHER_BUCKET)
    assert where + "manifest" in done.keys


def test_b42_prefix_is_compared_as_a_string(sandbox: RunningSandbox, prefix: Prefix) -> None:
    root = prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, ORDERS, root + "10/")
        with pytest.raises(psycopg.Error, match=r"^Specified unload destination on S3 is not empty") as caught:
            sandbox.unload(connection, ORDERS, root + "1")
        assert caught.value.sqlstate == "XX000"
        assert "or using the ALLOWOVERWRITE option." in str(caught.value)
        sandbox.unload(connection, ORDERS, root + "1/")  # a new folder below one with files is fine
        with pytest.raises(psycopg.Error, match="not empty"):
            sandbox.unload(connection, ORDERS, root + "1/")


def test_b42_allowoverwrite_keeps_other_files(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    options = "FORMAT PARQUET MANIFEST ALLOWOVERWRITE"
    with sandbox.connect() as connection:
        first = set(sandbox.unload(connection, ORDERS, where, options).keys)
        second = set(sandbox.unload(connection, "SELECT * FROM tpch.region", where, options).keys)
    # By chance a slice may get the same number again, so there are more files, but not always twice as many.
    assert first < second
    listed = {str(entry["url"]).split("/", 3)[3] for entry in sandbox.manifest(where)["entries"]}
    assert listed < second
    assert sum(len(parquet.read_table(pa.BufferReader(sandbox.body(key)))) for key in listed) == 5


def test_b42_cleanpath_deletes_and_needs_the_right(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        first = set(sandbox.unload(connection, ORDERS, where).keys)
        with pytest.raises(psycopg.Error) as caught:
            sandbox.unload(connection, ORDERS, where, "FORMAT PARQUET CLEANPATH", keys=sandbox.unload_keys(where))
        expect_detail(caught.value, 403, "AccessDenied")
        assert set(sandbox.objects(where)) == first
        second = sandbox.unload(connection, ORDERS, where, "FORMAT PARQUET CLEANPATH").keys
    assert len(second) == 4, "neither files nor the manifest of the first are left"
    assert where + "manifest" not in second


def test_b43_several_files_with_gaps(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> None:
    where = prefix()
    with sandbox.connect() as connection, fault(sandbox, "unload.slices", {"slices": 3, "rows_per_file": 2000}):
        done = sandbox.unload(connection, ORDERS, where)
    names = [key.removeprefix(where) for key in done.keys if key.endswith(".parquet")]
    assert len(names) == 8
    slices = sorted({int(name.split("_part_")[0]) for name in names})
    assert len(slices) == 3
    assert slices != list(range(slices[0], slices[0] + 3))
    assert {name.split("_part_")[1] for name in names} == {"00.parquet", "01.parquet", "02.parquet"}
    counts = [entry["meta"]["record_count"] for entry in sandbox.manifest(where)["entries"]]
    assert counts == [2000] * 7 + [1000]
    with sandbox.connect() as connection:
        expected = connection.execute("SELECT o_orderkey FROM tpch.orders ORDER BY 1").fetchall()
    assert rows(local_parts(sandbox, where, tmp_path), "o_orderkey") == expected


def test_slice_numbers_vary(sandbox: RunningSandbox, prefix: Prefix) -> None:
    seen = set()
    with sandbox.connect() as connection:
        for _ in range(4):
            where = prefix()
            keys = sandbox.unload(connection, "SELECT 1 AS a", where, "FORMAT PARQUET").keys
            seen.add(keys[0].removeprefix(where))
    assert len(seen) > 1


def test_parallel_off_is_one_series(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        done = sandbox.unload(connection, ORDERS, where, "FORMAT PARQUET PARALLEL OFF")
    assert done.keys == [where + "000.parquet"]


def test_b43_max_file_size_in_steps_of_32_mb(sandbox: RunningSandbox, prefix: Prefix) -> None:
    table = fresh_name("big")
    text = "md5(i::text) || md5((-i)::text)"  # does not compress
    sandbox.admin(f"CREATE TABLE {table} AS SELECT {text} AS v FROM generate_series(1, 1300000) AS i")
    sandbox.admin(f'GRANT SELECT ON {table} TO "{account.ROLE_DB_USER}"')
    sizes = {}
    with sandbox.connect() as connection, fault(sandbox, "unload.slices", {"slices": 1}):
        for limit in (5, 64):
            where = prefix()
            options = f"FORMAT PARQUET MANIFEST VERBOSE MAXFILESIZE {limit} MB"
            sandbox.unload(connection, f"SELECT v FROM {table}", where, options)
            sizes[limit] = [entry["meta"]["content_length"] for entry in sandbox.manifest(where)["entries"]]
    sandbox.admin(f"DROP TABLE {table}")
    assert max(sizes[5]) <= 40 * 2**20, "at least one step of 32 MB, taken as approximate"
    assert len(sizes[5]) == 3
    assert len(sizes[64]) == 2


def test_b43_manifest_comes_last(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, ORDERS, where)
        store = sandbox.world.aws.store
        found = store.list_objects(store.bucket(account.BUCKET), where, "", "", 1000).objects
        modified = {o.key: o.modified for o in found}
        assert max(modified, key=lambda key: modified[key]) == where + "manifest"
        # Stopped after its last file, a run leaves all files and no manifest.
        where = prefix()
        with fault(sandbox, "unload.fail_after_files", {"files": 4}), pytest.raises(psycopg.Error):
            sandbox.unload(connection, ORDERS, where)
    assert len(sandbox.objects(where)) == 4
    assert where + "manifest" not in sandbox.objects(where)


def test_b47_files_appear_while_the_statement_runs(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    seen: list[list[str]] = []

    def watch() -> None:
        waiting = threading.Event()
        while not (seen and where + "manifest" in seen[-1]):
            seen.append(sandbox.objects(where))
            waiting.wait(0.02)

    watcher = threading.Thread(target=watch)
    with sandbox.connect() as connection, fault(sandbox, "unload.slow_per_file", {"seconds": 0.2}):
        watcher.start()
        sandbox.unload(connection, ORDERS, where)
        watcher.join()
    assert {1, 2, 3} <= {len(keys) for keys in seen}


def test_b44_no_rows_no_objects(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, ORDERS, prefix())
        done = sandbox.unload(connection, "SELECT * FROM types.empty", where)
        assert connection.execute("SELECT pg_last_unload_count()").fetchone() == (0,)
    assert done.keys == []
    assert done.notices == [("INFO", "UNLOAD completed, 0 record(s) unloaded successfully.")]
    assert done.tag == "UNLOAD"


def test_b45_manifest_byte_for_byte(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix() + "day=2024-01-01/"
    with sandbox.connect() as connection, fault(sandbox, "unload.slices", {"slices": 2, "rows_per_file": 3}):
        done = sandbox.unload(connection, "SELECT r_regionkey, r_name, r_comment FROM tpch.region", where)
    parts = [(key, len(sandbox.body(key))) for key in done.keys if key.endswith(".parquet")]
    assert len(parts) == 2
    entries = ",".join(
        f'{{"url":"s3://{account.BUCKET}/{key}","meta":{{"content_length":{size},"record_count":{count}}}}}'
        for (key, size), count in zip(parts, (3, 2), strict=True)
    )
    expected = (
        f'{{"entries":[{entries}],'
        '"schema":{"elements":[{"name":"r_regionkey","type":{"base":"bigint"}},'
        '{"name":"r_name","type":{"base":"character","max_length":25}},'
        '{"name":"r_comment","type":{"base":"character varying","max_length":152}}]},'
        f'"meta":{{"content_length":{sum(size for _, size in parts)},"record_count":5}},'
        '"author":{"name":"Amazon Redshift","version":"1.0.0"}}'
    )
    assert sandbox.body(where + "manifest").decode() == expected


def test_plain_manifest_has_addresses_alone(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        done = sandbox.unload(connection, "SELECT 1 AS a", where, "FORMAT PARQUET MANIFEST")
    assert json.loads(sandbox.body(where + "manifest")) == {
        "entries": [{"url": f"s3://{account.BUCKET}/{done.keys[0]}"}]
    }


def test_b46_notice_tag_and_count(sandbox: RunningSandbox, prefix: Prefix) -> None:
    with sandbox.connect() as connection:

        def count() -> int:
            row = connection.execute("SELECT pg_last_unload_count()").fetchone()
            assert row is not None
            return int(row[0])

        done = sandbox.unload(connection, ORDERS, prefix())
        assert done.notices == [("INFO", "UNLOAD completed, 15000 record(s) unloaded successfully.")]
        assert done.tag == "UNLOAD"
        assert count() == 15000
        for broken in ("SELEC 1", "SELECT nothing FROM tpch.orders", "SELECT * FROM types.no_grant"):
            with pytest.raises(psycopg.Error):
                sandbox.unload(connection, broken, prefix())
            assert count() == 15000, "refused before it began"
        with fault(sandbox, "unload.fail_after_files", {"files": 1}), pytest.raises(psycopg.Error):
            sandbox.unload(connection, ORDERS, prefix())
        assert count() == 0, "failed while unloading"


def test_b46_history_shows_own_rows_only(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    user, password = sandbox.fresh_login(sandbox.keys_session())
    with sandbox.connect() as connection, sandbox.connect(user=user, password=password) as other:
        sandbox.unload(connection, ORDERS, where)
        location = f"s3://{account.BUCKET}/{where}"
        query = ("SELECT status, unloaded_rows, unloaded_files_count, file_format FROM sys_unload_history "
                 f"WHERE unloaded_location = '{location}'")  # fmt: skip
        assert connection.execute(query.encode()).fetchall() == [("completed", 15000, 4, "PARQUET")]
        assert other.execute(query.encode()).fetchall() == []
        detail = f"SELECT sum(line_count), count(*) FROM sys_unload_detail WHERE file_name LIKE '{location}%'"
        assert connection.execute(detail.encode()).fetchone() == (15000, 4)
        assert other.execute(detail.encode()).fetchone() == (None, 0)


def test_count_is_the_sum_of_the_footers(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, "SELECT * FROM tpch.lineitem", where)
    parts = local_parts(sandbox, where, tmp_path)
    assert sum(parquet.ParquetFile(path).metadata.num_rows for path in parts) == 60175
    assert sandbox.manifest(where)["meta"]["content_length"] == sum(path.stat().st_size for path in parts)


def test_session_policy_text_is_short_enough() -> None:
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: at most 2048 characters.
    assert len(policies.unload_keys(account.BUCKET, "sluice/some-connection/some-run/")) < 1024
