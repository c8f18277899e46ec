"""What a run cost, as the program tells it, against the sandbox's own meter: which counts on the other side of the
wire, and knows nothing of the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Finished, Harness
from redshift_sandbox import account
from redshift_sandbox.administrator import Administrator
from redshift_sandbox.meter import Meter

pytestmark = pytest.mark.cost

PRICE = 0.375


def assert_meter_agrees(cost: dict[str, Any], meter: Meter) -> None:
    s3 = meter.s3_of_clients
    assert cost["wake_ups"] == meter.wake_ups
    assert cost["billed_seconds"] == meter.billed_seconds
    assert cost["s3_requests"] == {"put": s3.write_or_list, "get": s3.read, "delete": s3.free}
    assert cost["bytes_staged"] == meter.unloads.bytes
    assert cost["bytes_moved"] == s3.bytes_up + s3.bytes_down


def measured(harness: Harness, *arguments: str) -> Finished:
    harness.sandbox.meter.reset()
    return harness.sync(*arguments)


@pytest.mark.parametrize("destination", ["duckdb", "postgres", "lake", "lake-s3"])
def test_a_run_tells_what_the_meter_measured(connect: Callable[..., Harness], destination: str) -> None:
    harness = connect(destination=destination).streams("tpch.nation", "tpch.orders", "types.empty")
    for _ in range(2):  # the first makes tables, the second replaces them
        cost = measured(harness).json["cost"]
        assert_meter_agrees(cost, harness.sandbox.meter)
        assert cost["s3_requests"]["put"] > 0 and cost["bytes_staged"] > 0
        assert (cost["rpus"], cost["rpu_seconds"], cost["amount"]) == (None, None, None)  # it may not ask


def test_who_may_ask_the_workgroup_is_told_an_amount(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.region")
    harness.settings["cost"] = {"rpu_price": PRICE}
    meter = harness.sandbox.meter
    Administrator(harness.sandbox).apply_sql(f'GRANT ROLE sys:monitor TO "{account.ROLE_DB_USER}"')
    try:
        cost = measured(harness).json["cost"]
    finally:
        Administrator(harness.sandbox).apply_sql(f'REVOKE ROLE sys:monitor FROM "{account.ROLE_DB_USER}"')
    assert_meter_agrees(cost, meter)
    assert cost["rpu_seconds"] == cost["workgroup_rpu_seconds"] == meter.charged_rpu_seconds > 0
    assert cost["rpus"] == meter.charged_rpu_seconds / meter.billed_seconds
    assert cost["amount"] == pytest.approx(meter.charged_rpu_seconds / 3600 * PRICE)
    # The same afterwards, from the ledger.
    assert harness.run("history", "--json").json["runs"][0]["cost"] == cost
    told = harness.run("status", "--json").json["cost"]
    assert told["last_run"] == cost
    assert told["last_30_days"] == {"runs": 1, "cost": {**cost, "workgroup_rpu_seconds": None}}
    for command in ("status", "history"):
        assert f"{cost['amount']:.4f}" in harness.run(command).stdout


def test_the_workgroup_is_asked_once_and_last_and_not_at_all_if_so_told(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.region", "tpch.supplier")
    kinds = harness.sandbox.meter
    measured(harness)
    asked = kinds.statements
    assert kinds.statements_by_kind["refused"] == 0
    harness.settings["cost"] = {"ask_usage": False}
    measured(harness)
    assert kinds.statements == asked - 1


def test_a_dry_run_estimates_what_the_sync_then_costs(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.orders")
    first = harness.run("sync", "--dry-run", "--json").json["estimate"]
    assert first["unknown_streams"] == ["tpch.nation", "tpch.orders"]
    assert (first["cost"]["wake_ups"], first["cost"]["billed_seconds"]) == (1, 60)
    harness.sync()  # makes the tables; the second run is like all that follow
    harness.sync()
    estimate = harness.run("sync", "--dry-run", "--json").json["estimate"]
    assert estimate["unknown_streams"] == []
    assert estimate["cost"] == {**measured(harness).json["cost"], "workgroup_rpu_seconds": None}
    assert "Cost, as the last time: 1 wake-up, 60.0 s billed" in harness.run("sync", "--dry-run").stdout


def test_a_run_that_fails_is_charged_and_told(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.no_such_table")
    harness.sandbox.meter.reset()
    failed = harness.run("sync", "--json")
    assert failed.exit_code == 3
    assert_meter_agrees(failed.json["cost"], harness.sandbox.meter)
    assert harness.run("history", "--json").json["runs"][0]["cost"] == failed.json["cost"]
