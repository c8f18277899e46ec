"""--events: whoever looks after a sync reads what happens, in order and whole; and whatever becomes of that reader,
the sync does what it would have done without."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from harness import Finished, Harness, issued_secrets, streams_of

pytestmark = pytest.mark.cli


def events_of(text: str) -> list[dict[str, Any]]:
    """Every line is one event, and the times only grow."""
    events = [json.loads(line) for line in text.splitlines()]
    assert all(event["v"] == 1 for event in events)
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    return events


def with_pipe(harness: Harness, *arguments: str) -> tuple[Finished, list[dict[str, Any]]]:
    """Runs with an inherited descriptor, as a supervisor does."""
    reading, writing = os.pipe()
    process = harness.start(*arguments, "--events", str(writing), pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading) as reader:
        text = reader.read()
    return harness.finish(process), events_of(text)


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_a_sync_is_told_in_order(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.region")
    result, events = with_pipe(harness, "sync", "--json")
    assert result.exit_code == 0, result
    assert names(events)[:2] == ["command_began", "run_began"]
    assert names(events)[-2:] == ["run_ended", "command_ended"]
    assert events[0]["command"] == "sync"
    assert events[1]["run"] == result.json["run"]
    assert events[1]["streams"] == ["tpch.nation", "tpch.region"]
    for stream, told in streams_of(result).items():
        own = [event for event in events if event.get("stream") == stream]
        phases = [event["phase"] for event in own if event["event"] == "stream_phase"]
        assert phases[0] == "plan" and phases.index("unload") < phases.index("load") < phases.index("commit")
        assert own[-1]["event"] == "stream_ended"
        same = ("status", "rows", "bytes", "proof", "counts", "watermark", "error")
        assert {name: own[-1][name] for name in same} == {name: told[name] for name in same}
        assert own[-1]["rows"] > 0 and own[-1]["proof"]["agrees"]
    assert (events[-2]["done"], events[-2]["failed"]) == (2, 0)
    assert (events[-1]["exit_code"], events[-1]["error"]) == (0, None)


def test_a_stream_that_fails_ends_with_its_error(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.no_such_table")
    result, events = with_pipe(harness, "sync", "--json")
    assert result.exit_code == 3
    ended = {event["stream"]: event for event in events if event["event"] == "stream_ended"}
    assert ended["tpch.nation"]["status"] == "done"
    assert ended["tpch.no_such_table"]["status"] == "failed"
    assert ended["tpch.no_such_table"]["error"]["code"] == "not_found"
    assert (events[-2]["done"], events[-2]["failed"]) == (1, 1)
    assert events[-1]["exit_code"] == 3


def test_a_sync_that_cannot_begin_ends_with_its_error(harness: Harness) -> None:
    harness.streams("tpch.nation")
    harness.settings["redshift"]["workgroup"] = "no-such-workgroup"
    result, events = with_pipe(harness, "sync", "--json")
    assert result.exit_code == 1
    assert names(events)[0] == "command_began" and names(events)[-1] == "command_ended"
    assert events[-1]["error"]["code"] == "not_found"
    harness.settings["redshift"]["port"] = "none"
    result, events = with_pipe(harness, "sync")
    assert names(events) == ["command_began", "command_ended"]
    assert (events[-1]["exit_code"], events[-1]["error"]["code"]) == (2, "invalid_config")


def test_a_check_tells_each_finding(harness: Harness) -> None:
    harness.streams("tpch.nation")
    result, events = with_pipe(harness, "check", "--json")
    found = [event for event in events if event["event"] == "finding"]
    assert [event["id"] for event in found] == [finding["id"] for finding in result.json["findings"]]
    assert all(event[name] == finding[name] for event, finding in zip(found, result.json["findings"], strict=True)
               for name in finding)  # fmt: skip


def test_discover_clean_and_reset_tell_theirs(harness: Harness) -> None:
    harness.streams("tpch.nation")
    _, events = with_pipe(harness, "discover")
    listed = {event["schema"]: event["tables"] for event in events if event["event"] == "schema_listed"}
    assert listed["tpch"] > 0
    _, events = with_pipe(harness, "clean")
    assert names(events) == ["command_began", "command_ended"]
    harness.sync()
    _, events = with_pipe(harness, "reset", "tpch.nation")
    assert names(events) == ["command_began", "stream_reset", "command_ended"]


def test_a_file_gets_them_behind_what_it_holds(harness: Harness) -> None:
    harness.streams("tpch.nation")
    file = harness.folder / "events.ndjson"
    for _ in range(2):
        harness.sync("--events", str(file))
    assert names(events_of(file.read_text())).count("run_ended") == 2


@pytest.mark.parametrize("what", ["gone at once", "full disk", "hangs"])
def test_no_reader_harms_a_sync(harness: Harness, what: str) -> None:
    harness.streams("tpch.nation", "tpch.region")
    reading, writing = os.pipe()
    if what == "gone at once":
        os.close(reading)
    where = "/dev/full" if what == "full disk" else str(writing)
    process = harness.start("sync", "--json", "--events", where, pass_fds=[writing])
    os.close(writing)
    result = harness.finish(process)  # of a reader that hangs: nobody reads the pipe
    if what != "gone at once":
        os.close(reading)
    assert result.exit_code == 0, result
    assert harness.tables() == {"tpch.nation": 25, "tpch.region": 5}
    harness.assert_bucket_clean()
    if what != "hangs":  # a pipe holds 64 kB, which is more than these
        assert result.stderr.count("no more events are written") == 1, result.stderr
        assert ("its reader closed it" if what == "gone at once" else "the disk is full") in result.stderr


@pytest.mark.parametrize("where", ["no/such/folder/e", ".", "999", "1", "x"])
def test_what_cannot_be_opened_ends_before_anything_begins(harness: Harness, tmp_path: Path, where: str) -> None:
    harness.streams("tpch.nation")
    if where == "x":
        os.mkfifo(harness.folder / "x")
    harness.sandbox.meter.reset()
    result = harness.run("sync", "--json", "--events", where)
    assert result.exit_code == 2
    assert result.json["error"]["code"] == "invalid_config"
    assert "--events" in result.json["error"]["subject"] and result.json["error"]["remedy"]
    assert sum(harness.sandbox.meter.aws_calls.values()) == 0
    assert not harness.warehouse.exists()


def test_a_number_that_the_parent_forgot_is_none_of_ours(harness: Harness) -> None:
    harness.streams("tpch.nation")
    for number in ("3", "4", "5", "6"):
        result = harness.run("sync", "--json", "--events", number)
        assert result.exit_code == 2 and "no descriptor of that number" in result.json["error"]["message"]


def test_no_event_holds_a_secret(harness: Harness) -> None:
    harness.streams("tpch.nation")
    file = harness.folder / "events.ndjson"
    harness.run("check", "--events", str(file))
    harness.sync("--events", str(file))
    harness.settings["auth"]["external_id"] = "wrong-external-id-value"
    harness.run("sync", "--events", str(file))
    text = file.read_text()
    assert not [secret for secret in issued_secrets(harness.sandbox) if secret in text]
    assert "wrong-external-id-value" not in text
