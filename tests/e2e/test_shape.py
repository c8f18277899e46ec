"""Streams that are shaped on their way: fewer columns and rows, other names and types, hidden values. What lands is
what these tests make of the source's rows by themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from harness import Harness, streams_of
from people import SALT, SHAPE, People, hashed

pytestmark = pytest.mark.shape

KINDS = ("duckdb", "postgres", "lake", "lake-s3")
MERGING = ("duckdb", "postgres")


@pytest.mark.parametrize("kind", KINDS)
def test_what_lands_is_what_the_shape_says(connect: Callable[..., Harness], kind: str) -> None:
    people = People(connect(destination=kind), **SHAPE)
    people.put(1)
    people.put(2, "draft")
    people.put(3, phone="'1234'", note="NULL", amount="NULL", vip="NULL")
    people.put(4, email="NULL", phone="NULL")
    people.put(200)
    people.put(201, note="'x a;b)--'")
    assert people.sync()["rows"] == 4
    assert people.harness.there.columns(people.target) == [
        "person_id", "der Name", "mail_hash", "phone", "note", "vip", "amount", "born", "order", "status", "changed",
        "_synced_at", "_source",
    ]  # fmt: skip
    born, source = dt.datetime(1990, 2, 3), f"{people.harness.name}.{people.table}"
    columns = ("person_id", "der Name", "mail_hash", "phone", "note", "vip", "amount", "born", "order", "_source")
    mail = {key: hashed(f"Mail{key}@é.example") for key in (1, 3, 201)}
    assert people.rows(*columns) == sorted([
        (1, "Name 1", mail[1], "0001", None, "true", "1.50", born, "***", source),
        (3, "Name 3", mail[3], "***", None, None, None, born, "***", source),
        (4, "Name 4", None, None, None, "false", "4.50", born, "***", source),
        (201, "Name 201", mail[201], "0201", None, "true", "201.50", born, "***", source),
    ], key=repr)  # fmt: skip
    (when,) = {row[0] for row in people.rows("_synced_at")}
    moment = when if isinstance(when, dt.datetime) else dt.datetime.fromisoformat(str(when))
    assert moment.tzinfo is not None
    assert abs((moment - people.harness.sandbox.clock.now()).total_seconds()) < 600


def test_defaults_shape_every_stream_and_a_query_is_shaped_too(connect: Callable[..., Harness]) -> None:
    harness = connect().streams("tpch.nation", "tpch.region")
    harness.variables["SLUICE_TEST_SALT"] = SALT
    harness.settings["defaults"] |= {
        "columns": {"exclude": ["n_comment"]}, "rename_all": "snake_case", "mask": {"r_comment": "-"},
        "hash": {"columns": ["n_name"], "salt": "${SLUICE_TEST_SALT}"},
    }  # fmt: skip
    harness.settings["streams"].append({
        "name": "some", "sql": 'SELECT n_nationkey AS "TheKey", n_name, n_comment FROM tpch.nation LIMIT 20',
        "where": '"TheKey" < 3',
    })  # fmt: skip
    harness.sync()
    assert harness.there.columns("tpch.nation") == ["n_nationkey", "n_name", "n_regionkey"]
    assert {row[0] for row in harness.there.rows("tpch.region", ["r_comment"])} == {"-"}
    names = [row[0] for row in harness.source("SELECT n_name FROM tpch.nation WHERE n_nationkey < 3")]
    assert harness.there.columns("main.some") == ["the_key", "n_name"]
    found = dict(harness.there.rows("main.some"))
    assert sorted(found) == [0, 1, 2]
    assert sorted(found.values()) == sorted(hashed(name.rstrip()) for name in names)


FOLLOW: dict[str, Any] = {
    "sync_mode": "incremental", "write_mode": "merge", "primary_key": ["PersonID", "email"], "cursor": "changed",
    "rename_all": "snake_case", "rename": {"changed": "as_of", "email": "who"}, "where": "status <> 'draft'",
    "hash": {"columns": ["email"], "salt": "${SLUICE_TEST_SALT}"}, "add": ["_synced_at"],
}  # fmt: skip


@pytest.mark.parametrize("kind", MERGING)
def test_a_filter_holds_for_rows_keys_and_cursor(connect: Callable[..., Harness], kind: str) -> None:
    people = People(connect(destination=kind), **FOLLOW, deletes={"key_scan": "0s", "max_percent": 100})
    for key in range(1, 5):
        people.put(key)
    people.put(9, "draft")
    first = people.sync()
    assert (first["rows"], first["watermark"]) == (4, "2026-01-01 00:00:04"), "of the rows that meet the filter"
    stamps = dict(people.rows("person_id", "_synced_at"))
    people.put(2, amount="7")
    people.put(3, "draft")  # leaves the filter: its key is not found any more
    people.put(9)  # enters it
    second = people.sync()
    counts = second["counts"]
    # A row that was read again and is the same is not written again because of its new stamp.
    assert (counts["inserted"], counts["updated"], counts["unchanged"]) == (1, 1, 2), counts
    assert (counts["deleted"], second["keys_compared"]) == (1, 4)
    found = people.rows("person_id", "who", "amount", "_synced_at")
    assert [(row[0], row[1]) for row in found] == [(key, hashed(f"Mail{key}@é.example")) for key in (1, 2, 4, 9)]
    assert {row[0] for row in found if row[3] == stamps.get(row[0])} == {1, 4}


def test_without_a_key_scan_a_row_that_leaves_the_filter_stays_and_is_told(harness: Harness) -> None:
    people = People(harness, **FOLLOW)
    people.put(1)
    people.put(2)
    people.sync()
    people.put(1, "draft")
    people.put(3)
    people.sync()
    assert [row[0] for row in people.rows("person_id")] == [1, 2, 3]
    (planned,) = harness.run("sync", "--dry-run", "--json").json["streams"]
    assert any("key_scan" in note for note in planned["notes"])


# G61: Rows that were taken by another filter, or hidden in another way, are not mixed with new ones unasked.
@pytest.mark.parametrize("kind", MERGING)
def test_what_is_there_is_not_mixed_with_another_filter_salt_or_key_name(
    connect: Callable[..., Harness], kind: str
) -> None:
    people = People(connect(destination=kind), **FOLLOW)
    for key in range(1, 4):
        people.put(key)
    people.put(4, "gone")
    people.sync()
    changes: list[dict[str, Any]] = [
        {"where": "status = 'live'"},
        {"hash": {"columns": ["email"], "salt": "another"}},
        {"rename": {"changed": "as_of", "email": "who_else"}},
        {"mask": {"note": "last4"}},
    ]
    for change in changes:
        people.stream |= change
        before = people.harness.there.fingerprint()
        refused = people.harness.run("sync", "--json")
        assert refused.exit_code == 1
        error = streams_of(refused)[people.table]["error"]
        assert error["code"] == "conflict" and "--full" in error["remedy"], error
        assert people.harness.there.fingerprint() == before
        found = {f["id"] for f in people.harness.run("check", "--json").json["findings"]}
        assert "streams.other_shape" in found
        if kind == "postgres" and "rename" in change:  # a key has no NULL there, so the old one cannot stay beside it
            there = people.harness.there
            with there.server.connect(there.database) as connection:  # type: ignore[attr-defined]
                connection.execute(f"ALTER TABLE {people.target} RENAME COLUMN who TO who_else")
        people.sync("--full", "--allow-deletes")
        people.put(5)
        people.sync()  # and goes on from there
        if people.stream["hash"]["salt"] == "another":
            people.stream["hash"]["salt"] = "${SLUICE_TEST_SALT}"
            people.sync("--full", "--allow-deletes")
    assert people.rows("person_id", "who_else", "note") == [
        (key, hashed(f"Mail{key}@é.example"), f"te {key}") for key in (1, 2, 3, 5)
    ]


def test_a_dry_run_tells_all_and_keeps_the_salt(harness: Harness) -> None:
    people = People(harness, **SHAPE)
    people.put(1)
    harness.settings["streams"] += [{"table": "tpch.no_such"}, {"table": "tpch.nation", "where": "n_nationkey = 'x"},
                                    ][:1]  # fmt: skip
    harness.settings["streams"].append({"table": "tpch.nation", "where": "no_such_column = 1"})
    harness.sandbox.meter.reset()
    planned = harness.run("sync", "--dry-run", "--json")
    assert planned.exit_code == 3
    shaped, missing, filtered = planned.json["streams"]
    assert missing["error"]["code"] == "not_found"
    assert "where" in filtered["error"]["remedy"] and "no_such_column" in filtered["select"]
    assert shaped["error"] is None
    assert SALT not in planned.stdout and "[salt]" in shaped["select"] and "status <> 'draft'" in shaped["select"]
    schema, table = people.table.split(".")
    assert shaped["rights"] == [f'USAGE ON SCHEMA "{schema}"', f'SELECT ON "{schema}"."{table}"']
    landing = shaped["landing"]
    assert landing["table"] == "create" and {"name": "mail_hash", "type": "VARCHAR"} in landing["columns"]
    assert "UNLOAD" not in harness.sandbox.meter.statements_by_kind
    harness.settings["streams"] = [people.stream]
    people.sync()
    people.stream["add"] = ["_synced_at"]
    people.stream |= {"write_mode": "append"}
    (again,) = harness.run("sync", "--dry-run", "--json").json["streams"]
    assert again["landing"]["table"] == "keep"
    assert any("_source" in change for change in again["landing"]["changes"])
    screen = harness.run("sync", "--dry-run").stdout
    assert "needs" in screen and "which stays" in screen and SALT not in screen


def test_what_cannot_be_shaped_is_told_with_its_line_and_nothing_is_billed(harness: Harness) -> None:
    people = People(harness)
    bad: dict[str, dict[str, Any]] = {
        "second statement": {"where": "1 = 1; DROP TABLE tpch.nation"},
        "no salt": {"hash": {"columns": ["email"]}},
        "needs its values": {"primary_key": ["PersonID"], "mask": {"PersonID": "last4"}},
        "no way to mask": {"mask": {"phone": "first4"}},
        "not a type": {"cast": {"amount": "strng"}},
        "one name": {"rename": {"email": "x", "phone": "X"}},
    }
    harness.sandbox.meter.reset()
    for words, shape in bad.items():
        people.stream.clear()
        people.stream |= {"table": people.table, **shape}
        for command in (("config", "validate", "--json"), ("check", "--json"), ("sync", "--json")):
            refused = harness.run(*command)
            assert refused.exit_code == 2, refused
            (problem,) = refused.json["problems"]
            assert words in problem["problem"] and problem["line"] > 0 and problem["remedy"], problem
    assert harness.sandbox.meter.statements_by_kind == {}
    assert harness.source("SELECT count(*) FROM tpch.nation") == [(25,)]
    # What only the source can tell is told before anything is unloaded.
    for words, shape in {"one name": {"rename": {"email": "phone"}}, "Emial": {"mask": {"Emial": None}}}.items():
        people.stream.clear()
        people.stream |= {"table": people.table, **shape}
        refused = harness.run("sync", "--json")
        assert refused.exit_code == 1
        error = streams_of(refused)[people.table]["error"]
        assert words in (error["message"] + error["subject"]).replace("called phone", "one name"), error
    assert "UNLOAD" not in harness.sandbox.meter.statements_by_kind
