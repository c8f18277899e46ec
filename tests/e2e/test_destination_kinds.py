"""Goal: rows land in what the configuration names, or nowhere: what is no database or no lake is refused by what
it is and stays as it was; a time that the destination cannot hold is refused by name; a column that went is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from harness import Harness, only_error, streams_of

pytestmark = pytest.mark.e2e

NAMES = ["x.csv", "x.tsv", "x.json", "x.ndjson", "x.parquet", "x.xlsx", "x.csv.gz", ":memory:", "md:acme", "out/",
         "postgres:dbname=x", "postgresql://u:t0psecret@h/d", "duck:x.duckdb", "sqlite:x.db", "s3://acme/x.duckdb",
         "~bob/x.duckdb", "https://h/x.duckdb"]  # fmt: skip


def csv(path: Path) -> None:
    path.write_text("a,b\n1,2\n")


def json_lines(path: Path) -> None:
    path.write_text('{"a": 1}\n{"a": 2}\n')


def parquet(path: Path) -> None:
    duckdb.sql("SELECT 1 AS a").write_parquet(str(path))


def sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")


def folder(path: Path) -> None:
    path.mkdir()


def dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nothing")


KINDS = [(csv, "DuckDB database"), (json_lines, "DuckDB database"), (parquet, "Parquet"), (sqlite, "SQLite"),
         (folder, "a folder"), (dangling, "a symbolic link to nothing")]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_path_that_names_no_database_is_refused_before_anything_is_asked(harness: Harness, name: str) -> None:
    harness.streams("tpch.nation").settings["destination"] = {"type": "duckdb", "path": name}
    before = sorted(path.name for path in harness.folder.iterdir())
    for command in (["config", "validate"], ["check", "--json"], ["sync", "--json"]):
        finished = harness.run(*command)
        assert finished.exit_code == 2, finished
        assert "destination.path" in finished.stdout + finished.stderr
        assert "t0psecret" not in finished.stdout + finished.stderr
    assert sorted({path.name for path in harness.folder.iterdir()} - {"sluice.yaml"}) == before


@pytest.mark.parametrize(("make", "what"), KINDS, ids=[make.__name__ for make, _ in KINDS])
def test_what_is_no_database_takes_no_row(harness: Harness, make: Callable[[Path], None], what: str) -> None:
    path = harness.folder / "there.duckdb"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    harness.streams("tpch.nation").settings["destination"] = {"type": "duckdb", "path": path.name}
    for command in ("check", "sync"):
        finished = harness.run(command, "--json")
        assert finished.exit_code == 1, finished
        assert what in finished.stdout, finished.stdout
    assert (path.read_bytes() if path.is_file() else None) == before
    assert not list(harness.folder.glob("there.duckdb.*"))
    assert harness.objects() == []


def test_the_home_folder_is_the_same_for_every_command(harness: Harness) -> None:
    harness.streams("tpch.nation").settings["destination"] = {"type": "duckdb", "path": "~/x.duckdb"}
    for _ in range(2):
        assert harness.run("check", "--json").exit_code == 0
        harness.sync()
    for command in ("status", "history"):
        assert harness.run(command, "--json").exit_code == 0
    with duckdb.connect(str(harness.home / "x.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM tpch.nation").fetchall() == [(25,)]
    assert not (harness.folder / "~").exists()
    assert sorted(path.name for path in harness.home.iterdir()) == ["x.duckdb"]


def test_a_lake_is_a_folder(harness: Harness) -> None:
    path = harness.folder / "lake"
    harness.streams("tpch.nation").settings["destination"] = {"type": "lake", "path": "lake"}
    path.write_text("somebody's")
    finished = harness.run("sync", "--json")
    assert finished.exit_code == 1 and "it is a file" in finished.stdout, finished
    assert path.read_text() == "somebody's"
    harness.settings["destination"] = {"type": "lake", "path": "~/lake"}
    harness.sync()
    assert (harness.home / "lake" / "tpch" / "nation" / "_commits").is_dir()


@pytest.mark.parametrize("kind", ["duckdb", "postgres", "lake", "lake-s3"])
@pytest.mark.parametrize("type_", ["timestamp", "timestamptz"])
def test_a_time_out_of_range_is_refused_by_name(connect: Callable[..., Harness], kind: str, type_: str) -> None:
    harness = connect(destination=kind)
    table = f"tpch.late_{harness.name.replace('-', '_')}"[:60]
    harness.source(f"CREATE TABLE {table} (id bigint, at {type_})")
    harness.source(f'GRANT SELECT ON {table} TO "{harness.sandbox.facts.role_db_user}"')
    harness.source(f"INSERT INTO {table} VALUES (1, '2026-01-01'), (2, '294247-01-10 04:00:54')")
    harness.streams(table).sync()
    for late in ("294247-01-11 00:00:00", "294270-06-01 12:00:00"):
        harness.source(f"INSERT INTO {table} VALUES (3, '{late}')")
        finished = harness.run("sync", "--json")
        assert finished.exit_code == 1, finished
        error = only_error(finished.json["streams"])
        assert error["code"] == "unsupported"
        assert error["message"] == "timestamp out of range"
        assert error["subject"] == f"column at of table {table}"
        assert "gain" not in error["remedy"]
        harness.source(f"DELETE FROM {table} WHERE id = 3")
    assert harness.tables() == {table: 2}
    harness.assert_bucket_clean()


@pytest.mark.parametrize("kind", ["duckdb", "postgres", "lake"])
@pytest.mark.parametrize("mode", ["overwrite", "append", "merge"])
def test_a_dropped_column_is_told_once(connect: Callable[..., Harness], kind: str, mode: str) -> None:
    if kind == "lake" and mode == "merge":
        kind = "lake-s3"
        mode = "append"
    harness = connect(destination=kind)
    table = f"tpch.went_{harness.name.replace('-', '_')}"[:60]
    harness.source(f"CREATE TABLE {table} (id bigint, v text, gone numeric(10,2), u timestamp)")
    harness.source(f'GRANT SELECT ON {table} TO "{harness.sandbox.facts.role_db_user}"')
    harness.source(f"INSERT INTO {table} VALUES (1, 'a', 5.5, '2024-01-01'), (2, 'b', 6.5, '2024-01-01')")
    stream = {"table": table, "write_mode": mode, "primary_key": ["id"]}
    if mode == "merge":
        stream |= {"sync_mode": "incremental", "cursor": "u"}
    harness.settings["streams"] = [stream]
    told = []
    for change in ("SELECT 1", f"ALTER TABLE {table} DROP COLUMN gone", f"UPDATE {table} SET u = '2024-02-01'",
                   f"UPDATE {table} SET u = '2024-03-01'"):  # fmt: skip
        harness.source(change)
        finished = harness.sync()
        assert streams_of(finished)[table]["status"] == "done"
        told.append((finished.stdout + finished.stderr).count("column gone is gone"))
    assert told == [0, 1, 0, 0]


@pytest.mark.parametrize("kind", ["duckdb", "postgres", "lake", "lake-s3"])
def test_a_stream_is_split_by_its_size(connect: Callable[..., Harness], kind: str) -> None:
    """Of tables of all types, with rows and without: the size is asked for in the snapshot that is read."""
    harness = connect(destination=kind)
    empty = f"tpch.none_{harness.name.replace('-', '_')}"[:60]
    harness.source(f"CREATE TABLE {empty} (id bigint, v varchar(10))")
    harness.source(f'GRANT SELECT ON {empty} TO "{harness.sandbox.facts.role_db_user}"')
    harness.settings["streams"] = [
        {"table": "types.types_plain", "primary_key": ["id"], "split": "auto"},
        {"table": "tpch.orders", "primary_key": ["o_orderkey"], "split": "auto"},
        {"table": empty, "primary_key": ["id"], "split": "auto"},
    ]
    harness.sandbox.meter.reset()
    harness.sync()
    assert harness.tables() == {
        "types.types_plain": harness.source_count("types.types_plain"),
        "tpch.orders": harness.source_count("tpch.orders"),
        **({empty: 0} if empty in harness.tables() else {}),
    }
    assert harness.sandbox.meter.statements_by_kind["UNLOAD"] == 3  # none is large
    harness.assert_bucket_clean()
