"""Incremental reads and merges: after every sync the destination is what the source is as of the
watermark, and every row is accounted for."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Harness, streams_of, wait_for
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


# -- rows dated in the future -----------------------------------------------------------------------

NOW = "pg_catalog.timezone('UTC', pg_catalog.clock_timestamp())"
FAR = {
    "timestamp": "TIMESTAMP '9999-12-31'",
    "timestamptz": "TIMESTAMPTZ '9999-12-31 00:00:00+00'",
    "date": "DATE '9999-12-31'",
    "soon": f"{NOW} + interval '3 hours'",
}


class Stamped:
    """A table whose cursor is `stamp`, of any type of time."""

    def __init__(self, harness: Harness, write_mode: str, kind: str = "timestamp", **stream: Any) -> None:
        self.harness = harness
        self.table = f"tpch.stamped_{harness.name.replace('-', '_')}"[:60]
        harness.source(f"CREATE TABLE {self.table} (id int, stamp {kind})")
        harness.source(f'GRANT SELECT ON {self.table} TO "{harness.sandbox.facts.role_db_user}"')
        self.stream: dict[str, Any] = {
            "table": self.table, "sync_mode": "incremental", "write_mode": write_mode, "primary_key": ["id"],
            "cursor": "stamp", **stream,
        }  # fmt: skip
        harness.settings["streams"] = [self.stream]

    def put(self, key: int, stamp: str) -> None:
        self.harness.source(f"INSERT INTO {self.table} VALUES ({key}, {stamp})")

    def sync(self, *arguments: str) -> dict[str, Any]:
        return streams_of(self.harness.sync(*arguments))[self.table]

    def keys(self) -> list[int]:
        return sorted(row[0] for row in self.harness.query(f"SELECT id FROM {self.table}"))


def checked(harness: Harness) -> str:
    """What a check that ends well warns of the stream."""
    finished = harness.run("check", "--json")
    assert finished.exit_code == 0, finished
    return " ".join(f["seen"] for f in finished.json["findings"] if f["id"] == "streams.may_lose_rows")


@pytest.mark.parametrize("write_mode", ["append", "merge"])
@pytest.mark.parametrize("kind", FAR)
def test_a_row_dated_in_the_future_hides_no_later_row(harness: Harness, write_mode: str, kind: str) -> None:
    # G20: A row dated in the future hides no row that comes after it.
    shop = Stamped(harness, write_mode, kind.replace("soon", "timestamp"))
    shop.put(1, "'2024-01-01'")
    shop.put(2, FAR[kind])
    first = shop.sync()
    assert any("after the server's clock" in one and one.startswith("1 row") for one in first["warnings"]), first
    assert first["watermark"].startswith("2024-01-01")
    shop.put(3, "'2024-06-01'")
    second = shop.sync()
    assert second["watermark"].startswith("2024-06-01")
    assert shop.keys() == [1, 3]
    shop.put(4, FAR[kind])
    third = shop.sync()
    assert any(one.startswith("2 rows") for one in third["warnings"]), third
    assert third["rows"] <= 1, "what waits is not read by every sync"
    screen = harness.run("sync")
    assert "after the server's clock" in screen.stdout


@pytest.mark.parametrize("write_mode", ["append", "merge"])
def test_a_row_dated_in_the_future_is_read_when_its_time_comes(harness: Harness, write_mode: str) -> None:
    shop = Stamped(harness, write_mode)
    shop.put(1, "'2024-01-01'")
    shop.sync()
    shop.put(2, f"{NOW} + interval '4 seconds'")
    early = shop.sync()
    assert shop.keys() == [1]
    assert early["warnings"] == [], "clocks differ by less than a minute: no sign of anything"
    wait_for(lambda: bool(shop.harness.source(f"SELECT max(stamp) < {NOW} FROM {shop.table}")[0][0]), "the row's time")
    shop.sync()
    assert shop.keys() == [1, 2]
    shop.sync()
    assert shop.keys() == [1, 2]


def test_a_complete_merge_deletes_no_row_because_it_is_dated_in_the_future(harness: Harness) -> None:
    shop = Stamped(harness, "merge", future_cursor="follow")
    shop.put(1, "'2024-01-01'")
    shop.put(2, "'9999-12-31'")
    shop.sync()
    del shop.stream["future_cursor"]
    shop.sync("--full")
    assert shop.keys() == [1, 2]
    shop.put(3, "'2024-06-01'")
    shop.sync()
    assert shop.keys() == [1, 2, 3]


@pytest.mark.parametrize("write_mode", ["append", "merge"])
def test_a_watermark_in_the_future_is_told_by_every_command_and_cured(harness: Harness, write_mode: str) -> None:
    shop = Stamped(harness, write_mode, future_cursor="follow")
    shop.put(1, "'2024-01-01'")
    shop.put(2, "'9999-12-31'")
    assert shop.sync()["watermark"].startswith("9999")
    assert harness.run("status", "--json").json["streams"][0]["warnings"] == [], "it is meant"
    del shop.stream["future_cursor"]
    shop.put(3, "'2024-06-01'")
    for _ in range(2):
        told = shop.sync()
        assert told["watermark"].startswith("9999"), "nothing is passed over in silence"
        assert any("--full" in one for one in told["warnings"]), told
    assert sum("--full" in one for one in told["warnings"]) == 1, "told once"
    assert "--full" in harness.run("status", "--json").json["streams"][0]["warnings"][0]
    assert "--full" in harness.run("status").stdout
    assert any("--full" in one for one in harness.run("sync", "--dry-run", "--json").json["streams"][0]["warnings"])
    assert "--full" in checked(harness)
    shop.sync("--full")
    assert set(shop.keys()) >= {1, 3}
    assert harness.run("status", "--json").json["streams"][0]["warnings"] == []
    shop.put(4, "'2024-07-01'")
    assert shop.sync()["watermark"].startswith("2024-07-01")


def test_local_times_may_lie_ahead_as_far_as_is_said(harness: Harness) -> None:
    shop = Stamped(harness, "append", future_cursor="14h")
    shop.put(1, f"{NOW} + interval '9 hours'")
    shop.put(2, f"{NOW} + interval '15 hours'")
    assert "50400 s" in shop.sync()["warnings"][0]
    assert shop.keys() == [1]
    harness.settings["defaults"]["future_cursor"] = "1d"
    del shop.stream["future_cursor"]
    assert shop.sync()["warnings"] == []
    assert shop.keys() == [1, 2]


@pytest.mark.parametrize("value", ["later", "-1h", "14", "wait 1h"])
def test_a_future_cursor_that_is_none_is_refused(harness: Harness, value: str) -> None:
    Stamped(harness, "append", future_cursor=value)
    finished = harness.run("config", "validate", "--json")
    assert finished.exit_code == 2
    assert finished.json["problems"][0]["field"] == "streams[0].future_cursor"


@pytest.mark.parametrize(
    ("kind", "write_mode", "value", "said"),
    [
        ("varchar(10)", "merge", "'9'", "letter by letter"),
        ("varchar(10)", "append", "'9'", "letter by letter"),
        ("char(4)", "merge", "'a'", "letter by letter"),
        ("date", "append", "'2024-01-01'", "write_mode: merge"),
    ],
)
def test_a_cursor_that_loses_rows_is_told_by_dry_run_and_sync(
    harness: Harness, kind: str, write_mode: str, value: str, said: str
) -> None:
    shop = Stamped(harness, write_mode, kind)
    shop.put(1, value)
    dry = harness.run("sync", "--dry-run", "--json").json["streams"][0]["warnings"]
    assert said in harness.run("sync", "--dry-run").stdout.replace("\n", " ")
    assert said in checked(harness)
    told = shop.sync()["warnings"]
    assert [said in one for one in dry] == [said in one for one in told] == [True]


@pytest.mark.parametrize("kind", ["timestamp", "int", "numeric(12,2)"])
def test_a_cursor_to_rely_on_is_not_warned_about(harness: Harness, kind: str) -> None:
    shop = Stamped(harness, "append", kind)
    shop.put(1, "7" if kind != "timestamp" else "'2024-01-01'")
    assert shop.sync()["warnings"] == []
