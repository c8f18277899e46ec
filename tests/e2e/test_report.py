"""check --report: what a workgroup and AWS answered, for those who make the program; nothing that is anybody's."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest
from harness import Harness, issued_secrets

pytestmark = [pytest.mark.check, pytest.mark.secrets]


def report_of(harness: Harness, *arguments: str, exit_code: int = 0) -> Any:
    finished = harness.run("check", "--report", "report.json", *arguments)
    assert finished.exit_code == exit_code, finished
    path = harness.folder / "report.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert not [secret for secret in issued_secrets(harness.sandbox) if secret in text]
    return json.loads(text)


def names_of(harness: Harness) -> list[str]:
    facts = harness.sandbox.facts
    return [harness.name, facts.workgroup, facts.host, facts.bucket, facts.role_arn, facts.role_db_user, "123456789012",
            "sluice-reader", "n_nationkey", "n_comment", "tpch", "planted", str(harness.folder)]  # fmt: skip


def test_a_report_tells_each_answer_to_its_types_and_codes_and_no_name(harness: Harness) -> None:
    harness.streams("tpch.nation")
    harness.settings["streams"].append({"name": "planted", "sql": "SELECT 'planted value' AS planted, 7 AS n"})
    report = report_of(harness)
    assert "Redshift 1.0" in report["server"]["version"]
    assert report["server"]["server_version"].startswith("8.")
    assert report["configuration"]["auth"] == "role" and report["configuration"]["destination"] == "duckdb"
    assert all(finding["id"] and finding["severity"] != "failure" for finding in report["findings"])
    # The same statements that the workgroup received, as many and in the words of the language.
    shapes = [one["statement"] for one in report["statements"]]
    assert any(shape.startswith("UNLOAD ('…') TO '…'") for shape in shapes), shapes
    described = next(one for one in report["statements"] if one["columns"] and "LIMIT 0" in one["statement"])
    assert {"type_oid", "type_modifier"} == set(described["columns"][0])
    catalog = next(one for one in report["statements"] if "svv_all_columns" in one["statement"])
    assert catalog["columns"] and catalog["ms"] > 0
    unload = next(one for one in report["statements"] if one["statement"].startswith("UNLOAD"))
    assert "UNLOAD completed, 1 record" in unload["notices"]
    calls = {(one["service"], one["operation"], one["status"]) for one in report["calls"]}
    assert {("sts", "AssumeRole", 200), ("s3", "GetObject", 200)} <= calls, calls
    text = json.dumps(report, ensure_ascii=False)
    assert not [name for name in names_of(harness) if name in text], text


def test_what_is_refused_stands_in_it_with_its_sqlstate(harness: Harness) -> None:
    harness.settings["streams"] = [{"name": "q", "sql": "SELECT * FROM types.no_grant"}]
    report = report_of(harness, exit_code=1)
    failed = [one["error"] for one in report["statements"] if one["error"]]
    assert "42501" in [one["sqlstate"] for one in failed], failed
    assert "no_grant" not in json.dumps(report)
    assert "failure" in [finding["severity"] for finding in report["findings"]]


def test_names_stand_in_it_only_where_they_are_allowed_and_values_never(harness: Harness) -> None:
    harness.settings["streams"] = [{"name": "q", "sql": "SELECT 'planted' AS n_planted FROM tpch.nation"}]
    text = json.dumps(report_of(harness, "--report-names"), ensure_ascii=False)
    assert "n_planted" in text and "nation" in text
    assert "'planted'" not in text and '"planted"' not in text


def test_a_report_is_written_of_a_workgroup_that_cannot_be_reached(harness: Harness) -> None:
    harness.streams("tpch.nation")
    harness.settings["redshift"]["port"] = 1
    report = report_of(harness, exit_code=1)
    assert "network" in " ".join(finding["id"] for finding in report["findings"] if finding["severity"] == "failure")
    assert report["statements"] == []


def test_a_report_that_cannot_be_written_says_so(harness: Harness) -> None:
    harness.streams("tpch.nation")
    refused = harness.run("check", "--report", "no/such/folder/report.json")
    assert refused.exit_code == 1 and "no/such/folder" in refused.stderr
