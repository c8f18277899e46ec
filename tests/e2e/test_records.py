"""What past syncs did, and putting it right by hand: status, history, clean, reset."""

from __future__ import annotations

import signal

import pytest
from harness import Harness, wait_for

pytestmark = pytest.mark.cli


def test_status_and_history_tell_what_happened(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.region")
    before = harness.run("status", "--json").json
    assert [stream["committed"] for stream in before["streams"]] == [None, None]
    run = harness.sync().json["run"]
    status = harness.run("status", "--json").json
    assert [stream["rows"] for stream in status["streams"]] == [25, 5]
    assert status["holder"] is None and status["unclean"] == []
    history = harness.run("history", "--json").json
    assert [(entry["run"], entry["outcome"]) for entry in history["runs"]] == [(run, "done")]
    for screen in (harness.run("status"), harness.run("history")):
        assert screen.exit_code == 0 and "tpch.nation" in screen.stdout, screen


def test_a_killed_sync_shows_and_clean_removes_what_it_left(harness: Harness) -> None:
    harness.streams("tpch.lineitem")
    harness.sandbox.faults.set("s3.slow", args={"bytes_per_second": 100_000, "match": harness.name})
    process = harness.start("sync")
    wait_for(lambda: any("manifest" in key for key in harness.objects()), "the manifest")
    assert "process" in harness.run("status", "--json").json["holder"]
    refused = harness.run("clean", "--json")
    assert refused.exit_code == 1 and refused.json["error"]["code"] == "conflict"
    process.send_signal(signal.SIGKILL)
    harness.finish(process)
    harness.sandbox.faults.clear()
    status = harness.run("status", "--json").json
    assert status["holder"] is None and len(status["unclean"]) == 1
    assert harness.run("history", "--json").json["runs"][0]["outcome"] is None
    cleaned = harness.run("clean", "--json")
    assert cleaned.exit_code == 0 and cleaned.json["objects_deleted"] > 0, cleaned
    harness.assert_bucket_clean()


def test_reset_reads_from_the_beginning(harness: Harness) -> None:
    table = f"tpch.reset_{harness.name.replace('-', '_')}"[:60]
    harness.source(f"CREATE TABLE {table} (id bigint, changed timestamp)")
    harness.source(f'GRANT SELECT ON {table} TO "{harness.sandbox.facts.role_db_user}"')
    harness.source(
        f"INSERT INTO {table} SELECT i, timestamp '2026-01-01' + i * interval '1 s' FROM generate_series(1, 9) i"
    )
    harness.settings["streams"] = [
        {"table": table, "sync_mode": "incremental", "write_mode": "append", "cursor": "changed"}
    ]
    assert harness.sync().json["streams"][0]["rows"] == 9
    assert harness.sync().json["streams"][0]["rows"] == 0
    assert harness.run("reset", table).exit_code == 0
    assert harness.run("status", "--json").json["streams"][0]["reset"] is True
    assert harness.sync().json["streams"][0]["rows"] == 9
    assert harness.run("status", "--json").json["streams"][0]["reset"] is False
    assert harness.query(f"SELECT count(*) FROM {table}") == [(9,)]
    unknown = harness.run("reset", "tpch.nothing")
    assert unknown.exit_code == 2 and "no stream of that name" in unknown.stderr


def test_what_failed_is_told_with_its_remedy_until_the_stream_commits(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.no_such_table")
    failed = harness.run("sync", "--json")
    assert failed.exit_code == 3
    error = failed.json["streams"][1]["error"]
    status = harness.run("status", "--json").json
    assert status["streams"][0]["failure"] is None and status["failure"] is None
    failure = status["streams"][1]["failure"]
    assert failure["run"] == failed.json["run"] and failure["stream"] == "tpch.no_such_table"
    for name in ("code", "subject", "message", "remedy"):
        assert failure[name] == error[name]
    assert harness.run("history", "--json").json["runs"][0]["failures"] == [failure]
    for screen in (harness.run("status"), harness.run("history")):
        assert error["message"] in screen.stdout and error["remedy"].splitlines()[0] in screen.stdout, screen
    harness.streams("tpch.nation")
    harness.sync()
    assert harness.run("status", "--json").json["streams"][0]["failure"] is None


def test_a_sign_in_that_fails_is_told_as_the_runs(harness: Harness) -> None:
    harness.streams("tpch.nation")
    harness.settings["redshift"]["database"] = "no_such_database"
    failed = harness.run("sync", "--json")
    assert failed.exit_code == 1
    failure = harness.run("status", "--json").json["failure"]
    assert failure["stream"] is None and failure["message"] == failed.json["error"]["message"]
    assert failed.json["error"]["message"] in harness.run("status").stdout


def test_runs_older_than_history_keep_are_forgotten_and_no_commit_is(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.region")
    harness.settings["history"] = {"keep": "0s"}
    first = harness.sync().json["run"]

    def forgotten() -> bool:
        harness.sync()
        return first not in [run["run"] for run in harness.run("history", "--json").json["runs"]]

    wait_for(forgotten, "the first run is forgotten")
    assert [stream["rows"] for stream in harness.run("status", "--json").json["streams"]] == [25, 5]
