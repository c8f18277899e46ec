"""sync --watch and on_failure: sync after sync until somebody ends it, and who is told when one fails."""

from __future__ import annotations

import http.server
import itertools
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Harness, issued_secrets, wait_for

pytestmark = pytest.mark.cli


def runs_of(harness: Harness) -> list[dict[str, Any]]:
    return list(harness.run("history", "--json").json["runs"])


def ended_by(harness: Harness, process: subprocess.Popen[str], number: int) -> tuple[int, list[dict[str, Any]]]:
    """Its exit code, and the documents that it printed."""
    process.send_signal(number)
    finished = harness.finish(process)
    documents, rest = [], finished.stdout
    while rest.strip():
        document, end = json.JSONDecoder().raw_decode(rest.lstrip())
        documents.append(document)
        rest = rest.lstrip()[end:]
    return finished.exit_code, documents


def test_watch_syncs_again_and_again_until_sigterm(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.region")
    process = harness.start("sync", "--watch", "1s", "--json")
    wait_for(lambda: len([run for run in runs_of(harness) if run["outcome"] == "done"]) >= 3, "three syncs")
    exit_code, documents = ended_by(harness, process, signal.SIGTERM)
    assert exit_code == 0
    assert len(documents) >= 3 and all(document["exit_code"] == 0 for document in documents)
    assert {stream["stream"] for stream in documents[-1]["streams"]} == {"tpch.nation", "tpch.region"}
    # One at a time: none began before the last had ended.
    runs = sorted(runs_of(harness), key=lambda run: run["run"])
    assert all(a["ended"] <= b["began"] for a, b in itertools.pairwise(runs))
    harness.assert_bucket_clean()


def test_sigterm_lets_what_is_under_way_commit_and_begins_nothing_more(harness: Harness) -> None:
    harness.streams("tpch.orders", "tpch.nation")
    harness.settings["streams_parallel"] = 1
    harness.sandbox.faults.set("s3.slow", args={"bytes_per_second": 400_000, "match": harness.name})
    process = harness.start("sync", "--watch", "1h", "--json")
    wait_for(lambda: any("manifest" in key for key in harness.objects()), "the manifest")
    exit_code, documents = ended_by(harness, process, signal.SIGTERM)
    assert exit_code == 0
    assert [stream["status"] for stream in documents[0]["streams"]] == ["done", "stopped"]
    assert harness.tables() == {"tpch.orders": harness.source_count("tpch.orders")}
    harness.assert_bucket_clean()


def test_ctrl_c_ends_a_wait_at_once(harness: Harness) -> None:
    harness.streams("tpch.nation")
    process = harness.start("sync", "--watch", "1h")
    wait_for(lambda: any(run["outcome"] == "done" for run in runs_of(harness)), "the first sync")
    process.send_signal(signal.SIGINT)
    assert harness.finish(process).exit_code == 130


def test_a_schedule_is_followed_and_a_failed_sync_does_not_end_the_watch(harness: Harness) -> None:
    harness.settings["streams"] = [
        {"table": "tpch.nation", "schedule": "@yearly", "time_zone": "Europe/Berlin"},
        {"table": "tpch.no_such_table"},
        {"table": "tpch.region"},
    ]
    process = harness.start("sync", "--watch", "1s", "--json")
    wait_for(lambda: len([run for run in runs_of(harness) if run["outcome"] == "failed"]) >= 2, "two syncs")
    exit_code, documents = ended_by(harness, process, signal.SIGTERM)
    assert exit_code == 0
    assert [document["exit_code"] for document in documents][:2] == [3, 3]
    # Not the one whose time has not come.
    assert [stream["stream"] for stream in documents[0]["streams"]] == ["tpch.no_such_table", "tpch.region"]


def test_what_patterns_stand_for_is_synced_without_the_streams_that_are_not_due(harness: Harness) -> None:
    harness.settings["streams"] = [
        {"tables": ["tpch.nat*", "tpch.reg*"]},
        {"table": "tpch.region", "schedule": "@yearly"},  # so it is none of the pattern's
    ]
    process = harness.start("sync", "--watch", "1s", "--json")
    wait_for(lambda: len([run for run in runs_of(harness) if run["outcome"] == "done"]) >= 2, "two syncs")
    exit_code, documents = ended_by(harness, process, signal.SIGTERM)
    assert exit_code == 0
    assert [stream["stream"] for stream in documents[1]["streams"]] == ["tpch.nation"]


@pytest.mark.parametrize(
    ("arguments", "streams", "told"),
    [
        (["--watch", "soon"], [{"table": "tpch.nation"}], "neither a time such as 15m nor schedule"),
        (["--watch", "0s"], [{"table": "tpch.nation"}], "neither a time such as 15m nor schedule"),
        (["--watch", "schedule"], [{"table": "tpch.nation"}], "none of these streams has a schedule"),
        (["--watch", "1h", "tpch.no"], [{"table": "tpch.nation"}], "no stream of that name"),
        ([], [{"table": "t.t", "schedule": "0 0 30 2 *"}], "never comes"),
        ([], [{"table": "t.t", "schedule": "@daily", "time_zone": "Europe/Nowhere"}], "no time zone of this system"),
    ],
)
def test_what_never_syncs_is_refused_before_anything_is_billed(
    harness: Harness, arguments: list[str], streams: list[dict[str, Any]], told: str
) -> None:
    harness.settings["streams"] = streams
    harness.sandbox.meter.reset()
    refused = harness.run("sync", *arguments)
    assert refused.exit_code == 2 and told in " ".join(refused.stderr.split()), refused
    assert harness.sandbox.meter.statements == 0


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[bytes]]]:
    """A web address of this machine, and what is posted there."""
    posted: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204 if self.path == "/T0/s3cret-path" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/T0/s3cret-path", posted
    server.shutdown()


def test_who_is_to_be_told_of_a_failure_gets_its_json_and_no_secret(
    harness: Harness, webhook: tuple[str, list[bytes]]
) -> None:
    url, posted = webhook
    harness.variables["SLUICE_WEBHOOK"] = url
    harness.streams("tpch.nation", "tpch.no_such_table")
    harness.settings["on_failure"] = {"command": "cat > told.json; env > environment", "webhook": "${SLUICE_WEBHOOK}"}
    failed = harness.run("sync", "--json")
    assert failed.exit_code == 3
    assert [json.loads(body) for body in posted] == [failed.json]
    assert json.loads((harness.folder / "told.json").read_text()) == failed.json
    seen = (harness.folder / "environment").read_text() + failed.stdout + failed.stderr + str(posted)
    assert not [secret for secret in (*issued_secrets(harness.sandbox), url) if secret in seen]
    # A whole run that fails is told as well; one that succeeds is not.
    harness.settings["redshift"]["database"] = "no_such_database"
    assert harness.run("sync", "--json").exit_code == 1
    assert json.loads(posted[1])["error"]["code"] == "not_found"
    harness.settings["redshift"]["database"] = "dev"
    harness.streams("tpch.nation").sync()
    assert len(posted) == 2


def test_nobody_who_could_be_told_changes_no_exit_code(harness: Harness, webhook: tuple[str, list[bytes]]) -> None:
    harness.streams("tpch.no_such_table")
    harness.settings["on_failure"] = {"command": "exit 7", "webhook": webhook[0].replace("s3cret", "other")}
    failed = harness.run("sync")
    assert failed.exit_code == 1
    assert "the command ended with status 7" in failed.stderr
    assert "answered with status 500" in failed.stderr and "other-path" not in failed.stderr
    harness.settings["on_failure"] = {"webhook": "http://elsewhere.example.com/s3cret"}
    refused = harness.run("sync")
    assert refused.exit_code == 2 and "s3cret" not in refused.stderr and "https://" in refused.stderr
