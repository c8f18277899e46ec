"""Incremental reads and merges: after every sync the destination is what the source is as of the
watermark, and every row is accounted for."""

from __future__ import annotations

import pytest
from harness import Harness, streams_of
from shop import OVERLAP, Shop

pytestmark = pytest.mark.e2e


@pytest.mark.sanitized
def test_changes_are_merged_and_the_rest_is_left_alone(harness: Harness) -> None:
    shop = Shop(harness)
    for key in range(10):
        shop.put(key, key)
    first = shop.sync()
    assert first["counts"]["inserted"] == 10
    assert shop.rows_there() == shop.rows_here()
    shop.put(3, 33)
    shop.put(77, 1)
    second = shop.sync()
    assert (second["counts"]["inserted"], second["counts"]["updated"]) == (1, 1)
    assert second["counts"]["unchanged"] == 9  # within the overlap: read again, not written again
    assert shop.rows_there() == shop.rows_here()
    assert second["watermark"] > first["watermark"]


def test_rows_with_the_watermarks_very_value_are_not_lost(harness: Harness) -> None:
    shop = Shop(harness, overlap="0s")
    shop.put(1, 1)
    shop.sync()
    harness.source(f"INSERT INTO {shop.table} SELECT 2, 'a', 5, false, max(changed) FROM {shop.table}")
    shop.sync()
    assert shop.rows_there() == shop.rows_here()


def test_a_late_commit_within_the_overlap_is_found(harness: Harness) -> None:
    shop = Shop(harness)
    shop.second = 1000
    shop.put(1, 1)
    shop.sync()
    shop.put(2, 2, late=OVERLAP - 10)
    shop.sync()
    assert shop.rows_there() == shop.rows_here()


def test_keys_are_compared_to_find_deleted_rows(harness: Harness) -> None:
    shop = Shop(harness, deletes={"key_scan": "0s", "max_percent": 100})
    for key in range(6):
        shop.put(key, key)
    shop.sync()
    shop.delete(2)
    shop.put(5, 50)
    stream = shop.sync()
    assert stream["keys_compared"] == 5
    assert (stream["counts"]["deleted"], stream["counts"]["deleted_absent"]) == (1, 1)
    assert shop.rows_there() == shop.rows_here()
    harness.source(f"DELETE FROM {shop.table}")
    shop.sync()
    assert shop.rows_there() == []


def test_a_source_that_lost_half_its_rows_is_not_followed_unasked(harness: Harness) -> None:
    shop = Shop(harness, deletes={"key_scan": "0s", "max_percent": 50})
    for key in range(10):
        shop.put(key, key)
    shop.sync()
    before = shop.rows_there()
    harness.source(f"DELETE FROM {shop.table} WHERE id < 8")
    finished = harness.run("sync", "--json")
    assert finished.exit_code == 1
    error = streams_of(finished)[shop.table]["error"]
    assert error["code"] == "conflict" and "--allow-deletes" in error["remedy"]
    assert shop.rows_there() == before
    harness.assert_bucket_clean()
    shop.sync("--allow-deletes")
    assert shop.rows_there() == shop.rows_here()


@pytest.mark.parametrize("keep", [False, True])
def test_rows_marked_as_deleted(harness: Harness, keep: bool) -> None:
    shop = Shop(harness, deletes={"column": "gone", "keep": keep})
    for key in range(6):
        shop.put(key, key, gone=key == 5)
    shop.sync()
    shop.put(2, 2, gone=True)
    shop.sync()
    assert shop.rows_there() == shop.rows_here("true" if keep else "NOT gone")


def test_append_takes_every_row_once(harness: Harness) -> None:
    shop = Shop(harness, write_mode="append", primary_key=[])
    for key in range(5):
        shop.put(key, key)
    shop.sync()
    harness.sandbox.meter.reset()
    idle = shop.sync()
    assert (idle["status"], idle["rows"]) == ("done", 0)
    assert "UNLOAD" not in harness.sandbox.meter.statements_by_kind  # nothing is newer than the watermark
    shop.put(9, 9)
    assert shop.sync()["rows"] == 1
    assert shop.rows_there() == shop.rows_here()


def test_full_reads_everything_again(harness: Harness) -> None:
    shop = Shop(harness)
    for key in range(6):
        shop.put(key, key)
    shop.sync()
    harness.source(f"UPDATE {shop.table} SET n = 1000 WHERE id = 0")  # no stamp tells of it
    shop.delete(1)
    shop.second = 10_000
    shop.put(3, 30)
    shop.sync()
    assert shop.rows_there() != shop.rows_here()
    shop.sync("--full")
    assert shop.rows_there() == shop.rows_here()


def test_a_cursor_that_went_back_is_told_and_changes_nothing(harness: Harness) -> None:
    shop = Shop(harness)
    shop.second = 10_000
    shop.put(1, 1)
    shop.sync()
    shop.delete(1)
    shop.second = 0
    shop.put(2, 2)
    finished = harness.run("sync", "--json")
    error = streams_of(finished)[shop.table]["error"]
    assert error["code"] == "conflict" and "--full" in error["remedy"], finished
    assert [row[0] for row in shop.rows_there()] == [1]
    shop.sync("--full", "--allow-deletes")
    assert shop.rows_there() == shop.rows_here()
