"""G50: Under history no version is lost or changed, two of a key never hold at once, and late or
repeated rows change nothing.

What a reader of the table gets, at every destination that keeps history; random histories, kills and defects in
this mode are those of test_model.py, test_crash.py and test_mutants.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from harness import Harness, only_error, streams_of
from shop import Shop

pytestmark = pytest.mark.history

KINDS = ["duckdb", "postgres"]
Counts = dict[str, int]


def versions(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.harness.query(
        f"SELECT id, n, _valid_from, _valid_to, _is_current FROM {shop.table} ORDER BY id, _valid_from"
    )


def counted(stream: dict[str, Any]) -> Counts:
    return {name: number for name, number in stream["counts"].items() if number}


def stamp(second: int) -> dt.datetime:
    return dt.datetime(2026, 1, 1) + dt.timedelta(seconds=second, microseconds=1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_version_stays_with_the_time_in_which_it_held(connect: Callable[..., Harness], kind: str) -> None:
    shop = Shop(connect(destination=kind), write_mode="history", deletes={"column": "gone"})
    for key in range(3):
        shop.put(key, key)
    assert counted(shop.sync()) == {"inserted": 3}
    shop.put(1, 10)
    shop.put(2, 2, gone=True)
    assert counted(shop.sync()) == {"updated": 1, "deleted": 1, "unchanged": 1}
    shop.put(2, 20)
    assert counted(shop.sync()) == {"inserted": 1, "unchanged": 2}
    assert versions(shop) == [
        (0, 0, stamp(1), None, True),
        (1, 1, stamp(2), stamp(4), False),
        (1, 10, stamp(4), None, True),
        (2, 2, stamp(3), stamp(5), False),
        (2, 20, stamp(6), None, True),
    ]
    before = versions(shop)
    shop.put(1, 11, late=4)  # stamped before the version that is current
    late = counted(shop.sync())
    assert late["skipped"] == 1 and versions(shop) == before
    # A load that is repeated: all is read again.
    shop.put(1, 10)
    shop.harness.source(f"UPDATE {shop.table} SET changed = '{stamp(4)}' WHERE id = 1")
    assert set(counted(shop.sync("--full"))) == {"unchanged"}
    assert versions(shop) == before
    # As of any moment there is one row of a key at most.
    at = stamp(5)
    seen = shop.harness.query(
        f"SELECT id, n FROM {shop.table} WHERE _valid_from <= TIMESTAMP '{at}'"
        f" AND (_valid_to IS NULL OR TIMESTAMP '{at}' < _valid_to) ORDER BY id"
    )
    assert seen == [(0, 0), (1, 10)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_refresh_ends_what_is_gone_and_loses_nothing(connect: Callable[..., Harness], kind: str) -> None:
    shop = Shop(connect(destination=kind), sync_mode="full_refresh", write_mode="history", deletes={"max_percent": 100})
    del shop.stream["cursor"]
    for key in range(3):
        shop.put(key, key)
    began = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    shop.sync()
    shop.put(1, 10)
    shop.delete(2)
    assert counted(shop.sync()) == {"updated": 1, "deleted": 1, "deleted_absent": 1, "unchanged": 1}
    assert counted(shop.sync()) == {"unchanged": 2}
    rows = versions(shop)
    first, second = rows[0][2], rows[1][3]
    assert began - dt.timedelta(minutes=1) < first < second
    assert [(key, n, start, end) for key, n, start, end, _ in rows] == [
        (0, 0, first, None), (1, 1, first, second), (1, 10, second, None), (2, 2, first, second),
    ]  # fmt: skip
    shop.harness.source(f"DELETE FROM {shop.table}")
    shop.sync()
    assert len(versions(shop)) == 4 and not any(row[4] for row in versions(shop))


@pytest.mark.parametrize("kind", KINDS)
def test_what_would_spoil_a_history_is_refused_before_anything_is_unloaded(
    connect: Callable[..., Harness], kind: str
) -> None:
    shop = Shop(connect(destination=kind), write_mode="history")
    shop.put(1, 1)
    shop.sync()
    before = versions(shop)
    meter = shop.harness.sandbox.meter
    meter.reset()

    def refused(word: str) -> str:
        finished = shop.harness.run("sync", "--json")
        assert finished.exit_code != 0, finished
        error = only_error(finished.json["streams"])
        assert error["code"] == "unsupported" and word in error["message"], error
        assert meter.statements_by_kind.get("UNLOAD", 0) == 0
        return str(error["remedy"])

    shop.stream["write_mode"] = "merge"
    assert "write_mode: history" in refused("keeps the history")
    shop.stream |= {"write_mode": "overwrite", "sync_mode": "full_refresh"}
    assert "write_mode: history" in refused("keeps the history")
    shop.stream |= {"write_mode": "history", "sync_mode": "incremental"}
    shop.harness.source(f"ALTER TABLE {shop.table} ADD COLUMN _valid_to date")
    assert "columns" in refused("_valid_to")
    assert versions(shop) == before


def test_a_lake_keeps_no_history(connect: Callable[..., Harness]) -> None:
    shop = Shop(connect(destination="lake"), write_mode="history")
    shop.put(1, 1)
    shop.harness.sandbox.meter.reset()
    finished = shop.harness.run("sync", "--json")
    error = only_error(finished.json["streams"])
    assert finished.exit_code != 0 and error["code"] == "unsupported"
    assert "duckdb or postgres" in error["remedy"]
    assert shop.harness.sandbox.meter.statements_by_kind.get("UNLOAD", 0) == 0


def test_a_plan_and_a_check_know_the_mode(harness: Harness) -> None:
    shop = Shop(harness, write_mode="history")
    shop.put(1, 1)
    planned = harness.run("sync", "--dry-run", "--json").json["streams"][0]
    assert planned["write_mode"] == "history"
    assert harness.run("check", "--json").exit_code == 0
    shop.sync()
    assert harness.run("check", "--json").exit_code == 0
    assert streams_of(harness.sync())[shop.table]["counts"]["unchanged"] == 1
