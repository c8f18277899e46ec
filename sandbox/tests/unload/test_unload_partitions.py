# Goal: PARTITION BY writes Hive's folders, with and without the keys in the files.

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from reading import rows

from redshift_sandbox.testing import RunningSandbox

Prefix = Callable[[], str]

SELECT = """SELECT * FROM (SELECT 1 AS id, 'eu'::varchar(5) AS region, DATE '2024-02-29' AS day UNION ALL
 SELECT 2, 'eu', NULL UNION ALL SELECT 3, 'a/b=c', DATE '2024-02-29' UNION ALL SELECT 4, NULL, NULL) AS t"""
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def folders(sandbox: RunningSandbox, where: str) -> list[str]:
    return sorted(key.removeprefix(where).rpartition("/")[0] for key in sandbox.objects(where))


def read(sandbox: RunningSandbox, below: str, folder: Path) -> list[tuple[Any, ...]]:
    for number, key in enumerate(sandbox.objects(below)):
        (folder / f"{number}.parquet").write_bytes(sandbox.body(key))
    return rows(sorted(folder.glob("*.parquet")))


def test_b69_folders_of_hive_without_the_keys(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        done = sandbox.unload(connection, SELECT, where, "PARQUET PARTITION BY (region, DAY) MANIFEST VERBOSE")
    assert folders(sandbox, where) == sorted([
        "", "region=eu/day=2024-02-29", f"region=eu/day={HIVE_NULL}", "region=a%2Fb%3Dc/day=2024-02-29",
        f"region={HIVE_NULL}/day={HIVE_NULL}",
    ])  # fmt: skip
    assert ("INFO", "UNLOAD completed, 4 record(s) unloaded successfully.") in done.notices
    manifest = sandbox.manifest(where)
    assert [one["name"] for one in manifest["schema"]["elements"]] == ["id"]
    assert manifest["meta"]["record_count"] == 4
    assert all("_part_00.parquet" in one["url"] and one["meta"]["record_count"] == 1 for one in manifest["entries"])
    assert read(sandbox, where + "region=eu/day=2024-02-29/", tmp_path) == [(1,)]


def test_b69_include_keeps_the_keys(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, SELECT, where, "PARQUET PARTITION BY (region) INCLUDE")
    found = read(sandbox, where + "region=eu/", tmp_path)
    assert sorted(row[:2] for row in found) == [(1, "eu"), (2, "eu")]


def test_b69_text_and_parallel_off(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, SELECT, where, "CSV PARTITION BY (day) PARALLEL OFF HEADER")
    assert sandbox.objects(where) == [f"{where}day=2024-02-29/000", f"{where}day={HIVE_NULL}/000"]
    assert sandbox.body(f"{where}day=2024-02-29/000") == b"id,region\n1,eu\n3,a/b=c\n"


@pytest.mark.parametrize(("options", "state", "text"), [
    ("PARTITION BY (nothing)", "42703", "is not in the select list"),
    ("PARTITION BY (id, region, day)", "42601", "at least one column"),
    ("PARTITION BY (id, id)", "42701", "twice"),
    ("PARTITION BY id", "42601", "syntax error"),
    ("PARTITION BY ()", "42601", "syntax error"),
    ("PARTITION BY (day) PARTITION BY (id)", "42601", "conflicting or redundant options"),
])  # fmt: skip
def test_refusals(sandbox: RunningSandbox, prefix: Prefix, options: str, state: str, text: str) -> None:
    where = prefix()
    with sandbox.connect() as connection, pytest.raises(psycopg.Error, match=text) as caught:
        sandbox.unload(connection, SELECT, where, f"PARQUET {options}")
    assert caught.value.sqlstate == state
    assert sandbox.objects(where) == []


def test_super_is_no_key(sandbox: RunningSandbox, prefix: Prefix) -> None:
    with sandbox.connect() as connection, pytest.raises(psycopg.Error, match="cannot be of type super"):
        sandbox.unload(connection, "SELECT 1 AS a, json_parse('[1]') AS b", prefix(), "PARQUET PARTITION BY (b)")


def test_encrypted_with_a_named_key(sandbox: RunningSandbox, prefix: Prefix) -> None:
    """KMS_KEY_ID and ENCRYPTED go with PARTITION BY: every object of every folder, and the manifest."""
    where, key = prefix(), "arn:aws:kms:us-east-1:123456789012:key/1234"
    may = {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": key}
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    with sandbox.connect() as connection:
        options = f"PARQUET MANIFEST PARTITION BY (region) KMS_KEY_ID '{key}' ENCRYPTED"
        with pytest.raises(psycopg.Error, match="kms:GenerateDataKey"):
            sandbox.unload(connection, SELECT, where, options)
        sandbox.administrator.apply_permissions("role", "sluice-reader", document, "partitions")
        try:
            sandbox.unload(connection, SELECT, where, options)
        finally:
            sandbox.administrator.apply_permissions("role", "sluice-reader", None, "partitions")
    store = sandbox.world.aws.store
    bucket = store.bucket("acme-sluice-staging")
    found = [store.find(bucket, name) for name in sandbox.objects(where)]
    assert len(found) == 4
    assert {(one.headers.encryption, one.headers.kms_key) for one in found if one} == {("aws:kms", key)}
