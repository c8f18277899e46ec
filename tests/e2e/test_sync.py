"""Tables leave Redshift Serverless, pass through the bucket and stand in a DuckDB file, every row
accounted for, the bucket empty again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import Harness, streams_of

pytestmark = pytest.mark.e2e


def assert_brought(harness: Harness, streams: dict[str, dict]) -> None:
    for name, stream in streams.items():
        expected = harness.source_count(name)
        proof = stream["proof"]
        assert stream["error"] is None, stream
        assert [proof[k] for k in ("manifest_rows", "footer_rows", "loaded_rows")] == [expected] * 3, stream
        assert proof["notice_rows"] == expected
        assert harness.tables()[name] == expected
    harness.assert_bucket_clean()
    harness.assert_no_parts_on_disk()


@pytest.mark.sanitized
@pytest.mark.parametrize("auth", ["role", "keys"])
def test_every_table_arrives_by_role_and_by_keys(connect: Callable[..., Harness], auth: str) -> None:
    harness = connect(auth).all_tables()
    result = harness.sync()
    streams = streams_of(result)
    assert len(streams) == len(harness.settings["streams"])
    assert_brought(harness, streams)


def test_a_second_sync_replaces_and_does_not_add(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.region")
    harness.sync()
    before = harness.fingerprint()
    harness.sync()
    assert harness.fingerprint() == before
    harness.assert_bucket_clean()


def test_named_streams_alone_are_synced(harness: Harness) -> None:
    harness.streams("tpch.nation", "tpch.region")
    assert list(streams_of(harness.sync("tpch.region"))) == ["tpch.region"]
    assert list(harness.tables()) == ["tpch.region"]


def test_a_query_is_a_stream(harness: Harness) -> None:
    harness.settings["streams"] = [
        {"name": "big_spenders",
         "sql": "SELECT o_custkey, sum(o_totalprice) AS total FROM tpch.orders"
                " WHERE o_orderpriority <> 'it''s \\\\ nothing' GROUP BY 1 ORDER BY 2 DESC LIMIT 10"}
    ]  # fmt: skip
    harness.sync()
    expected = harness.source(
        "SELECT o_custkey, sum(o_totalprice) FROM tpch.orders GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"
    )
    got = harness.query("SELECT o_custkey, total FROM main.big_spenders ORDER BY total DESC, o_custkey")
    assert got == [(int(key), total) for key, total in expected]


def test_destination_schema_takes_the_tables(harness: Harness) -> None:
    harness.streams("tpch.nation").settings["destination"]["schema"] = "landing"
    harness.sync()
    assert list(harness.tables()) == ["landing.nation"]


def test_one_session_and_two_statements_a_stream(harness: Harness) -> None:
    """Every statement is billed: describe and UNLOAD, and the settings of the login."""
    harness.streams("tpch.nation", "tpch.region").settings["streams_parallel"] = 1
    harness.sandbox.meter.reset()
    harness.sync()
    total = harness.sandbox.meter.report()["total"]
    assert total["statements"] <= 2 * 2 + 5, total
    assert total["wake_ups"] == 1, total


def test_several_parts_in_several_ranges_are_put_together(harness: Harness) -> None:
    harness.sandbox.faults.set("unload.slices", args={"slices": 7})
    harness.streams("tpch.lineitem")
    streams = streams_of(harness.sync())
    assert streams["tpch.lineitem"]["proof"]["parts"] > 1
    assert_brought(harness, streams)


def test_a_dry_run_writes_nothing(harness: Harness) -> None:
    harness.streams("tpch.nation")
    result = harness.run("sync", "--dry-run")
    assert result.exit_code == 0
    assert "tpch.nation" in result.stdout
    assert harness.tables() == {}
    harness.assert_bucket_clean()
