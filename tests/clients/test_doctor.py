"""`redshift-sandbox doctor`: what passes, what differs, and that a live workgroup is not woken up unasked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from programs import ROOT, run_program
from redshift_sandbox import doctor
from redshift_sandbox.doctor_probes import LAST, PROBES
from redshift_sandbox.serverless_fixture import RedshiftServerless


def login_of(box: RedshiftServerless) -> dict[str, Any]:
    return {"host": box.host, "port": box.port, "dbname": box.database, "user": box.user, "password": box.password,
            "sslmode": "verify-full", "sslrootcert": box.ca_file}  # fmt: skip


@pytest.fixture
def results(redshift_serverless: RedshiftServerless) -> Iterator[list[doctor.Result]]:
    s3 = f"s3://{redshift_serverless.bucket}/doctor/"
    yield doctor.examine(login_of(redshift_serverless), s3, "IAM_ROLE default")


def test_the_sandbox_passes_all_that_is_asked(results: list[doctor.Result]) -> None:
    assert [(one.probe.number, one.why) for one in results if one.verdict != "passed"] == []
    told = doctor.report(results)
    assert told.endswith(f"{len(PROBES)} passed, 0 differ, {LAST - len(PROBES)} not tried")


def test_without_s3_unload_is_not_tried(redshift_serverless: RedshiftServerless) -> None:
    found = doctor.examine(login_of(redshift_serverless), "", "")
    assert {one.verdict for one in found if one.probe.needs_s3} == {"not tried"}
    assert {one.verdict for one in found if not one.probe.needs_s3} == {"passed"}


def test_a_difference_is_told(redshift_serverless: RedshiftServerless) -> None:
    redshift_serverless.faults.set("gateway.error", 1, {"match": "svv_all_tables", "message": "something else"})
    try:
        found = doctor.examine(login_of(redshift_serverless), "", "")
    finally:
        redshift_serverless.faults.clear("gateway.error")
    assert [(one.probe.number, one.why) for one in found if one.verdict == "differs"] == [(27, "XX000: something else")]
    assert "1 differ," in doctor.report(found)


def test_the_probes_are_behaviours_of_the_list() -> None:
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "sandbox" / "BEHAVIOURS.md").read_text(), re.MULTILINE)
    assert {probe.number for probe in PROBES} <= set(map(int, rows))
    assert len({probe.number for probe in PROBES}) == len(PROBES) and len(rows) >= LAST


def test_a_live_endpoint_needs_a_word_first(client_environment: dict[str, str]) -> None:
    """The host answers nothing: had it been asked, the exit code would be that of a lost connection."""
    command = [sys.executable, "-m", "redshift_sandbox.cli", "doctor", "--user", "me"]
    environment = {**client_environment, "PYTHONPATH": str(ROOT / "sandbox")}
    told = run_program([*command, "--host", "127.0.0.1", "--port", "9"], environment, fails=True)
    assert "costs money" in told and "60 seconds" in told and "--pay" in told and "no answer" not in told
    told = run_program([*command, "--host", "127.0.0.1", "--port", "9", "--pay"], environment, fails=True)
    assert "no answer from the endpoint" in told
    assert "say --dir" in run_program(command, environment, fails=True)


def test_the_command(client_environment: dict[str, str], redshift_serverless: RedshiftServerless) -> None:
    box = redshift_serverless
    command = [sys.executable, "-m", "redshift_sandbox.cli", "doctor", "--host", box.host, "--port", str(box.port),
               "--user", box.user, "--sslrootcert", box.ca_file, "--pay"]  # fmt: skip
    environment = {**client_environment, "PYTHONPATH": str(ROOT / "sandbox"), "PGPASSWORD": box.password}
    told = run_program(command, environment)
    assert re.search(r"^ 24  passed ", told, re.MULTILINE) and " 0 differ, " in told
