"""What was paid for is not paid for twice: UNLOADs are counted through the sandbox's meter.

G13: An UNLOAD that ended is loaded once and not paid for twice, unless it no longer is what is asked for.
G6: After SIGKILL at any point, the next sync ends with right data and an empty bucket.
"""

from __future__ import annotations

import datetime as dt
import signal
from typing import Any

import pytest
from harness import CRASHING_PROGRAM, Harness, streams_of, wait_for
from redshift_sandbox import account
from shop import Shop

pytestmark = pytest.mark.crash

TABLE = "tpch.orders"


def unloads(harness: Harness) -> int:
    return harness.sandbox.meter.statements_by_kind["UNLOAD"]


def killed_at(harness: Harness, effect: str, stream: str) -> None:
    harness.variables["SLUICE_CRASH_AT"] = f"{effect} {stream}"
    finished = harness.run("sync", "--json", program=CRASHING_PROGRAM)
    assert finished.exit_code == -signal.SIGKILL, finished
    del harness.variables["SLUICE_CRASH_AT"]


def adopting_sync(harness: Harness, stream: str) -> dict[str, Any]:
    """A sync that sends no UNLOAD."""
    before = unloads(harness)
    result = streams_of(harness.sync())[stream]
    assert unloads(harness) == before
    assert result["adopted"] is True
    assert result["proof"]["agrees"] is True
    harness.assert_bucket_clean()
    harness.assert_no_parts_on_disk()
    return result


@pytest.mark.parametrize("effect", ["piece_unloaded", "unloaded", "loaded"])
def test_a_finished_unload_of_a_dead_sync_is_loaded(harness: Harness, effect: str) -> None:
    harness.streams(TABLE)
    killed_at(harness, effect, TABLE)
    result = adopting_sync(harness, TABLE)
    assert result["proof"]["notice_rows"] == result["rows"] == harness.source_count(TABLE)
    age = dt.datetime.now(dt.UTC).timestamp() - result["adopted_from"]
    assert 0 <= age < 600
    assert harness.tables() == {TABLE: harness.source_count(TABLE)}


def test_an_adoption_that_dies_is_adopted(harness: Harness) -> None:
    harness.streams(TABLE)
    killed_at(harness, "unloaded", TABLE)
    before = unloads(harness)
    for effect in ("adopted", "loaded"):
        killed_at(harness, effect, TABLE)
    assert unloads(harness) == before
    adopting_sync(harness, TABLE)
    assert harness.tables() == {TABLE: harness.source_count(TABLE)}


def test_changes_since_come_with_the_next_sync(harness: Harness) -> None:
    shop = Shop(harness)
    for key in range(8):
        shop.put(key, key)
    shop.sync()
    shop.put(3, 33)
    killed_at(harness, "unloaded", shop.table)
    was = shop.rows_here()
    shop.put(4, 44)
    result = adopting_sync(harness, shop.table)
    assert result["counts"]["updated"] == 1
    assert shop.rows_there() == was
    assert shop.sync()["counts"]["updated"] == 1
    assert shop.rows_there() == shop.rows_here()


def test_full_and_another_select_are_read_anew(harness: Harness) -> None:
    harness.streams(TABLE)
    for arguments, changed in ((["--full"], {}), ([], {"columns": ["o_orderkey"]})):
        killed_at(harness, "unloaded", TABLE)
        harness.settings["streams"][0].update(changed)
        before = unloads(harness)
        result = streams_of(harness.sync(*arguments))[TABLE]
        assert (result["adopted"], unloads(harness)) == (False, before + 1)
        harness.assert_bucket_clean()


def test_after_a_reset_nothing_older_is_loaded(harness: Harness) -> None:
    harness.streams(TABLE)
    killed_at(harness, "unloaded", TABLE)
    assert harness.run("reset", TABLE).exit_code == 0
    before = unloads(harness)
    result = streams_of(harness.sync())[TABLE]
    assert (result["adopted"], unloads(harness)) == (False, before + 1)
    harness.assert_bucket_clean()


@pytest.fixture
def slow_unloads(harness: Harness) -> Harness:
    """An UNLOAD goes on for seconds, so that it can outlive its client."""
    harness.sandbox.faults.set("unload.slow_per_file", args={"seconds": 0.5})
    harness.sandbox.faults.set("unload.cache", args={"enabled": False})
    return harness


def test_a_zombie_is_awaited_and_loaded(slow_unloads: Harness) -> None:
    harness = slow_unloads.streams(TABLE)
    process = harness.start("sync", "--json")
    wait_for(lambda: any(k.endswith(".parquet") for k in harness.objects()), "the first part")
    process.kill()
    harness.finish(process)
    assert not any(k.endswith("manifest") for k in harness.objects())
    adopting_sync(harness, TABLE)
    assert harness.tables() == {TABLE: harness.source_count(TABLE)}


def running(harness: Harness) -> int:
    """UNLOADs of this connection. The view is brought up to date by those who ask through the gateway."""
    view = "sys_unload_history"
    harness.sandbox.gateway.admin_execute(f"SELECT count(*) FROM {view}", account.DATABASE)
    location = f"unloaded_location LIKE '%/{harness.name}/%'"
    return int(harness.source(f"SELECT count(*) FROM {view} WHERE status = 'running' AND {location}")[0][0])


def test_a_zombie_that_is_of_no_use_is_cancelled(slow_unloads: Harness) -> None:
    harness = slow_unloads.streams(TABLE)
    harness.sandbox.faults.set("unload.slow_per_file", args={"seconds": 20})
    kinds = harness.sandbox.meter.statements_by_kind
    process = harness.start("sync", "--json")
    wait_for(lambda: running(harness) == 1, "UNLOAD at the server")
    process.kill()
    harness.finish(process)
    assert running(harness) == 1  # it goes on
    process = harness.start("sync", "--json", "--full")
    # The zombie may not have come to its pause yet: an early end of the fault would let it finish.
    wait_for(lambda: harness.sandbox.meter.statements_by_kind["CANCEL"] == kinds["CANCEL"] + 1, "CANCEL")
    harness.sandbox.faults.clear()
    assert harness.finish(process).exit_code == 0
    wait_for(lambda: running(harness) == 0, "the end of the zombie")
    harness.sync()
    assert harness.sandbox.meter.statements_by_kind["CANCEL"] == kinds["CANCEL"] + 1
    harness.assert_bucket_clean()


def test_a_connection_lost_in_mid_unload_costs_no_second_one(slow_unloads: Harness) -> None:
    harness = slow_unloads.streams(TABLE)
    harness.sandbox.faults.set("gateway.drop_during_statement", count=1, args={"skip": 2})
    before = unloads(harness)
    result = streams_of(harness.sync())[TABLE]
    assert unloads(harness) == before + 1
    assert (result["attempts"], result["adopted"]) == (2, True)
    assert harness.tables() == {TABLE: harness.source_count(TABLE)}
    harness.assert_bucket_clean()


@pytest.mark.parametrize("split", [{"pieces": 5}, {"pieces": 4, "column": "changed"}, {"pieces": 3, "column": "n"}])
def test_pieces_bring_every_row_once(harness: Harness, split: dict[str, Any]) -> None:
    shop = Shop(harness, split=split)
    for key in range(40):
        shop.put(key, key * 1.25 - 20)
    harness.source(f"INSERT INTO {shop.table} VALUES (99, 'x', NULL, NULL, NULL), (98, NULL, 1, false, NULL)")
    harness.source(f"DELETE FROM {shop.table} WHERE id = 98")
    before = unloads(harness)
    shop.sync()
    assert unloads(harness) == before + split["pieces"]
    assert shop.rows_there() == shop.rows_here()
    shop.put(7, 70)
    assert shop.sync()["counts"]["updated"] == 1
    assert shop.rows_there() == shop.rows_here()


def test_finished_pieces_are_not_read_again(harness: Harness) -> None:
    shop = Shop(harness, split={"pieces": 6})
    for key in range(60):
        shop.put(key, key)
    killed_at(harness, "piece_unloaded", shop.table)
    shop.put(5, 55)  # after the `high` of the dead attempt
    before = unloads(harness)
    stream = shop.sync()
    assert stream["adopted"] is True
    assert unloads(harness) == before + 5
    shop.sync()
    assert shop.rows_there() == shop.rows_here()


def test_what_a_destination_refuses_of_a_dead_syncs_rows_is_read_anew(harness: Harness) -> None:
    """While a sync died, most rows were gone at the source; they are there again."""
    shop = Shop(harness, deletes={"key_scan": "0s", "max_percent": 50})
    for key in range(10):
        shop.put(key, key)
    shop.sync()
    gone = harness.source(f"SELECT id, part, n, gone, changed FROM {shop.table} WHERE id < 8")
    harness.source(f"DELETE FROM {shop.table} WHERE id < 8")
    killed_at(harness, "unloaded", shop.table)
    for key, part, n, flag, changed in gone:
        harness.source(f"INSERT INTO {shop.table} VALUES ({key}, '{part}', {n}, {flag}, '{changed}')")
    result = shop.sync()
    assert result["adopted"] is False and result["counts"]["deleted"] == 0
    assert shop.rows_there() == shop.rows_here()
