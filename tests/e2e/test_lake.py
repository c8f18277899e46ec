"""Lakes from end to end: every value, in a folder and in a bucket, read by the commit file with DuckDB and with
pyarrow; and what S3 may do to a commit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from harness import Harness, only_error, streams_of
from lake_reader import Engine, Lake

pytestmark = pytest.mark.e2e

KINDS = ("lake", "lake-s3")
ENGINES: tuple[Engine, ...] = ("duckdb", "pyarrow")


def lake_of(harness: Harness) -> Lake:
    lake: Lake = harness.there.lake
    return lake


def rows_of(harness: Harness, table: str, engine: Engine) -> list[tuple[Any, ...]]:
    schema, name = table.split(".", 1)
    rows = lake_of(harness).rows(schema, name, engine=engine)
    assert rows is not None, table
    return rows


def canonical(rows: list[tuple[Any, ...]]) -> list[str]:
    """Text in which equal values are equal: NaN equals itself, an instant is one whatever its zone."""
    return sorted(repr(tuple(_plain(value) for value in row)) for row in rows)


def _plain(value: Any) -> Any:
    if hasattr(value, "astimezone") and value.tzinfo is not None and hasattr(value, "year"):
        # Python's own years end where Redshift's and UTC's do not: an hour's shift may leave them.
        offset = value.utcoffset()
        return ("utc", value.replace(tzinfo=None) - offset)
    return value


@pytest.mark.parametrize("kind", KINDS)
def test_a_smallint_is_copied_or_rewritten(connect: Callable[..., Harness], kind: str) -> None:
    harness = connect(destination=kind)
    table = f"types.small_{harness.name.replace('-', '_')}"[:60]
    harness.source(
        f"CREATE TABLE {table} AS SELECT n::bigint AS id, (n - 3)::smallint AS s FROM generate_series(1, 5) n"
    )
    harness.source(f'GRANT SELECT ON {table} TO "{harness.sandbox.facts.role_db_user}"')
    harness.streams(table).sync()
    for engine in ENGINES:
        assert sorted(rows_of(harness, table, engine)) == [(n, n - 3) for n in range(1, 6)], engine


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_arrives_as_it_does_in_duckdb(connect: Callable[..., Harness], kind: str) -> None:
    beside = connect().all_tables()
    beside.sync()
    harness = connect(destination=kind).all_tables()
    harness.sync()
    harness.assert_bucket_clean()
    assert harness.tables() == beside.tables()
    for table in harness.tables():
        schema, name = table.split(".", 1)
        there = beside.query(f'SELECT * FROM "{schema}"."{name.replace(chr(34), chr(34) * 2)}"')
        assert canonical(rows_of(harness, table, "duckdb")) == canonical(there), table
    assert lake_of(harness).missing() == []
    assert lake_of(harness).unlisted() == []
    harness.assert_no_parts_on_disk()


@pytest.mark.parametrize("kind", KINDS)
def test_duckdb_and_pyarrow_read_the_same(connect: Callable[..., Harness], kind: str) -> None:
    harness = connect(destination=kind).streams(
        "types.types_plain", "types.types_decimal", "types.types_null", "types.odd_names", "types.empty", "tpch.orders"
    )
    harness.sync()
    for table in harness.tables():
        rows = rows_of(harness, table, "pyarrow")
        assert canonical(rows) == canonical(rows_of(harness, table, "duckdb")), table
        assert len(rows) == harness.source_count(table)


def test_the_documented_snippet_reads_a_table(connect: Callable[..., Harness]) -> None:
    harness = connect(destination="lake").streams("tpch.nation")
    harness.sync()
    table = harness.folder / "lake" / "tpch" / "nation"
    commit = json.loads(max((table / "_commits").glob("[0-9]*.json")).read_text())
    files = [str(table / file["path"]) for file in commit["files"]]
    with duckdb.connect() as connection:
        read = connection.read_parquet(files, union_by_name=True)
        assert read.columns == [column["name"] for column in commit["columns"]]
        assert len(read.fetchall()) == commit["rows"] == 25


def test_parts_are_copied_where_no_column_needs_converting(connect: Callable[..., Harness]) -> None:
    harness = connect(destination="lake-s3").streams("tpch.partsupp", "tpch.nation", "types.types_text")
    harness.sandbox.log.clear()
    harness.sync()
    harness.assert_bucket_clean()
    commits = {name: lake_of(harness).commit(*name.split(".")) for name in harness.tables()}
    copied = {name: {file["copied"] for file in (c or {})["files"]} for name, c in commits.items()}
    # nation has a CHAR, whose padding means nothing.
    assert copied == {"tpch.partsupp": {True}, "tpch.nation": {False}, "types.types_text": {True}}
    # Of each part that is copied the tail alone was read: by one request, or two for a long one.
    read = [entry for entry in harness.sandbox.log.entries() if entry.get("operation") == "GetObject"
            and "partsupp" in str(entry.get("path")) and ".parquet" in str(entry.get("path"))]  # fmt: skip
    commit = commits["tpch.partsupp"]
    assert commit is not None
    assert len(read) == len(commit["files"])
    for table in ("tpch.partsupp", "types.types_text"):
        rows = canonical(rows_of(harness, table, "pyarrow"))
        assert rows == canonical(rows_of(harness, table, "duckdb"))
        assert len(rows) == harness.source_count(table)


def test_a_copied_table_is_appended_to_by_rewritten_parts(connect: Callable[..., Harness]) -> None:
    harness = connect(destination="lake-s3").streams("tpch.partsupp")
    harness.sync()
    stream = harness.settings["streams"][0]
    stream |= {"write_mode": "append"}
    harness.sync()
    # The same rows in a shape that needs converting.
    harness.settings["streams"] = [
        {"name": "partsupp", "sql": "SELECT *, 'x'::char(3) AS added FROM tpch.partsupp", "write_mode": "append"}
    ]
    harness.settings["destination"]["schema"] = "tpch"
    harness.sync()
    commit = lake_of(harness).commit("tpch", "partsupp")
    assert commit is not None
    assert [f["copied"] for f in commit["files"]].count(False) >= 1
    assert [f["copied"] for f in commit["files"]].count(True) >= 2
    assert commit["columns"][-1]["name"] == "added"
    count = harness.source_count("tpch.partsupp")
    for engine in ("duckdb", "pyarrow"):
        rows = rows_of(harness, "tpch.partsupp", engine)
        assert len(rows) == 3 * count
        assert [row[-1] for row in rows].count("x") == count


@pytest.mark.parametrize("kind", KINDS)
def test_merge_is_refused_with_what_to_do(connect: Callable[..., Harness], kind: str) -> None:
    harness = connect(destination=kind).streams("tpch.nation")
    harness.settings["streams"][0] |= {"write_mode": "merge", "primary_key": ["n_nationkey"]}
    refused = harness.run("sync", "--json")
    assert refused.exit_code != 0
    text = refused.stdout + refused.stderr
    assert "write_mode: overwrite" in text
    assert "write_mode: append" in text
    assert lake_of(harness).names() == []


@pytest.mark.faults
def test_a_lost_answer_to_the_commit_is_settled(connect: Callable[..., Harness]) -> None:
    harness = connect(destination="lake-s3").streams("tpch.nation")
    harness.sandbox.faults.set("s3.lose_answer", 1, {"operation": "PutObject", "match": "_commits/"})
    done = harness.sync()
    assert streams_of(done)["tpch.nation"]["counts"]["inserted"] == 25
    assert lake_of(harness).versions("tpch", "nation") == [1]
    assert harness.tables() == {"tpch.nation": 25}


@pytest.mark.faults
def test_a_conditional_write_that_met_another_is_tried_again(connect: Callable[..., Harness]) -> None:
    harness = connect(destination="lake-s3").streams("tpch.nation")
    harness.sandbox.faults.set("s3.conditional_conflict", 2, {"match": "_commits/"})
    harness.sync()
    assert harness.tables() == {"tpch.nation": 25}


@pytest.mark.faults
def test_a_damaged_commit_file_is_named(connect: Callable[..., Harness]) -> None:
    harness = connect(destination="lake").streams("tpch.nation")
    harness.sync()
    commit = harness.folder / "lake" / "tpch" / "nation" / "_commits" / f"{1:020}.json"
    text = commit.read_text()
    commit.write_text(text.replace('"rows": 25', '"rows": 24'))
    failed = harness.run("sync", "--json")
    assert failed.exit_code != 0
    error = only_error(failed.json["streams"])
    assert error["code"] == "corrupt"
    assert str(commit) in error["subject"]
    commit.write_text(text)
    harness.sync()
    assert harness.tables() == {"tpch.nation": 25}
