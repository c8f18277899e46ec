"""What is done with a pipeline that is there: look at rows, change a stream, its tables and its schedule, run it in
full, stop it."""

from __future__ import annotations

import re
from typing import Any

from looks import Looks, check_access, check_everywhere, put, shoot
from playwright.sync_api import Page, expect
from scene import Scene


def at(scene: Scene) -> str:
    return f"/tenants/{scene.tenant}/pipelines/{scene.pipeline}"


def streams(looks: Looks, scene: Scene) -> list[dict[str, Any]]:
    return list(looks.service.call("GET", at(scene))["streams"])


def test_a_stream_is_looked_at_and_changed(looks: Looks, scene: Scene, page: Page) -> None:
    page.goto(scene.views["pipeline"])
    page.get_by_role("button", name="Preview tpch.region").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("cell", name="AFRICA")).to_be_visible()
    check_access(page, "preview")
    shoot(page, "preview")
    dialog.get_by_role("button", name="Close").click()

    page.get_by_role("button", name="Change tpch.nation").click()
    dialog.get_by_label("What each sync brings").select_option("What changed, into its rows")
    dialog.get_by_label("Cursor").select_option("n_nationkey (bigint)")
    dialog.get_by_role("textbox", name="Key").fill("n_nationkey")
    dialog.get_by_role("checkbox", name="n_comment").uncheck()
    check_access(page, "change")
    shoot(page, "change")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("What changed, into its rows, by n_nationkey")).to_be_visible()
    (nation,) = (one for one in streams(looks, scene) if one["table"] == "tpch.nation")
    assert (nation["cursor"], nation["primary_key"]) == ("n_nationkey", ["n_nationkey"])
    assert nation["columns"] == {"exclude": ["n_comment"]}


def test_tables_are_added_by_a_pattern(looks: Looks, scene: Scene, page: Page) -> None:
    page.goto(scene.views["pipeline"])
    page.get_by_role("link", name="Choose tables").click()
    expect(page.get_by_role("checkbox", name="region", exact=True)).to_be_checked()
    page.get_by_role("searchbox", name="Search").fill("types.one*")
    page.get_by_role("button", name="Take all of types.one*, new tables too").click()
    expect(page.get_by_role("checkbox", name="one_row", exact=True)).to_be_checked()
    page.get_by_role("button", name="Save the choice").click()
    expect(page.get_by_text("All tables that match, new ones too")).to_be_visible()
    assert {"tables": "types.one*"} in streams(looks, scene)


def test_a_query_is_tried_saved_changed_and_removed(looks: Looks, scene: Scene, page: Page) -> None:
    page.goto(scene.views["pipeline"])
    page.get_by_role("button", name="Add a query").click()
    dialog = page.get_by_role("dialog")
    query = dialog.get_by_role("textbox", name="Query")
    expect(dialog.get_by_role("button", name="Preview")).to_be_disabled()
    dialog.get_by_role("textbox", name="Name").fill("big_regions")
    query.fill("SELECT r_regionkey, r_name\nFROM tpch.region;\nDROP TABLE tpch.region")
    dialog.get_by_role("button", name="Preview").click()
    # At its line, with the cursor there.
    expect(query).to_have_attribute("aria-invalid", "true")
    expect(query).to_be_focused()
    expect(dialog.get_by_label("Line 3")).to_contain_text("DROP TABLE tpch.region")
    chosen = "box => box.value.slice(box.selectionStart, box.selectionEnd)"
    assert query.evaluate(chosen) == "D"
    check_access(page, "a query that is wrong")
    shoot(page, "query-wrong")
    query.fill("SELECT r_regionkey, r_name\nFROM tpch.region")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_role("cell", name="AFRICA")).to_be_visible()
    assert "big_regions" not in [one.get("name") for one in streams(looks, scene)], "a preview saves nothing"

    dialog.get_by_label("What each sync brings").select_option("What changed, into its rows")
    dialog.get_by_role("button", name="Save the query").click()
    expect(dialog.get_by_label("Cursor")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Cursor").select_option("r_regionkey (bigint)")
    # As a person types it.
    dialog.get_by_role("textbox", name="Key").press_sequentially("r_regionkey, r_name")
    check_everywhere(page, "a query")
    shoot(page, "query")
    dialog.get_by_role("button", name="Save the query").click()
    expect(page.get_by_text("A query: What changed, into its rows, by r_regionkey")).to_be_visible()
    (saved,) = (one for one in streams(looks, scene) if one.get("name") == "big_regions")
    assert saved["sql"] == "SELECT r_regionkey, r_name\nFROM tpch.region"
    assert (saved["cursor"], saved["primary_key"]) == ("r_regionkey", ["r_regionkey", "r_name"])

    page.get_by_role("button", name="Change big_regions").click()
    query.fill("SELECT r_regionkey, r_name FROM tpch.region WHERE r_regionkey > 1")
    dialog.get_by_role("button", name="Save the query").click()
    expect(dialog).to_have_count(0)
    assert "WHERE" in next(one["sql"] for one in streams(looks, scene) if one.get("name") == "big_regions")
    page.get_by_role("button", name="Remove big_regions").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(dialog).to_have_count(0)
    assert "big_regions" not in [one.get("name") for one in streams(looks, scene)]


def test_a_pipeline_may_begin_with_a_query(looks: Looks, scene: Scene, page: Page) -> None:
    dialog = page.get_by_role("dialog")
    page.goto(scene.views["tables"])
    page.get_by_role("button", name="Add a query").click()
    dialog.get_by_role("textbox", name="Name").fill("one_nation")
    dialog.get_by_role("textbox", name="Query").fill("SELECT n_name\nFROM tpch.nation; SELECT 2")
    dialog.get_by_role("button", name="Take the query").click()
    expect(page.get_by_role("heading", name="1 query chosen")).to_be_visible()
    page.get_by_label("Name of the pipeline").fill("By SQL")
    check_access(page, "tables with a query")
    page.get_by_role("button", name="Save only").click()
    # What is wrong with it is told where it can be changed.
    expect(dialog.get_by_label("Line 2")).to_contain_text("FROM tpch.nation; SELECT 2")
    expect(dialog.get_by_role("textbox", name="Query")).to_be_focused()
    check_access(page, "a query of a new pipeline")
    dialog.get_by_role("textbox", name="Query").fill("SELECT n_name FROM tpch.nation")
    dialog.get_by_role("button", name="Take the query").click()
    page.get_by_role("button", name="Save only").click()
    expect(page.get_by_role("heading", name="By SQL")).to_be_visible()
    expect(page.get_by_text("A query: Everything each time")).to_be_visible()
    looks.service.call("DELETE", f"/tenants/{scene.tenant}/pipelines/{page.url.rsplit('/', 1)[1]}")


def test_a_destination_is_tested_and_changed(looks: Looks, scene: Scene, page: Page) -> None:
    dialog = page.get_by_role("dialog")
    page.goto(scene.views["pipeline"])
    page.get_by_role("button", name="Test or change the destination").click()
    dialog.get_by_role("textbox", name="File").fill("../elsewhere.duckdb")
    dialog.get_by_role("button", name="Test the destination").click()
    expect(dialog.get_by_role("textbox", name="File")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_role("textbox", name="File").fill("w.duckdb")
    dialog.get_by_role("button", name="Test the destination").click()
    expect(dialog.get_by_text("It works")).to_be_visible()
    check_everywhere(page, "a destination")
    dialog.get_by_role("textbox", name="Name").fill("the warehouse")
    dialog.get_by_role("button", name="Save the destination").click()
    expect(page.get_by_text("From analytics to the warehouse (DuckDB)")).to_be_visible()

    # A password that is saved stays, and what the page does not show as well.
    id = looks.service.call("GET", at(scene))["destination"]
    known = looks.service.call("GET", f"/tenants/{scene.tenant}/destinations/{id}")
    del known["path"]
    put(page, r"/destinations/dst_\w+$", {**known, "type": "postgres", "sslmode": "require", "password_set": True})
    page.reload()
    page.get_by_role("button", name="Test or change the destination").click()
    expect(dialog).to_contain_text("One is saved. Leave this empty to keep it.")
    with page.expect_request(lambda request: request.method == "PUT") as sent:
        dialog.get_by_role("button", name="Save the destination").click()
    assert sent.value.post_data_json == {"name": "the warehouse", "type": "postgres", "sslmode": "require"}


def test_what_is_not_known_is_told_in_words(looks: Looks, scene: Scene, page: Page) -> None:
    pipeline = looks.service.call("GET", at(scene))
    schedule = {"cron": "30 3 1 1 *", "time_zone": "UTC", "jitter": None, "paused": False}
    failed = looks.service.call("GET", f"/tenants/{scene.tenant}/runs/{scene.failed}")
    status = {**pipeline["status"], "next_run_at": None, "last_run": failed}
    soon = {**pipeline, "schedule": schedule, "status": status}
    put(page, r"/pipelines\?", {"items": [soon], "next_cursor": None})
    put(page, r"/pipelines/pip_\w+$", soon)
    page.goto(scene.views["pipelines"])
    expect(page.get_by_role("article")).to_contain_text("The next time is being worked out.")

    source = looks.service.call("GET", f"/tenants/{scene.tenant}/sources/{scene.source}")
    put(page, r"/sources/src_\w+$", {**source, "last_test": {"at": "2026-01-01T00:00:00Z", "ok": False}})
    page.route(re.compile(r"/destinations/dst_\w+$"), lambda route: route.fulfill(status=404, body="gone"))
    page.goto(scene.views["pipeline"])
    expect(page.get_by_text("Its source failed the last test")).to_be_visible()
    expect(page.get_by_text("From analytics to a destination that cannot be shown now")).to_be_visible()
    expect(page.get_by_role("region", name="Schedule").get_by_role("status")).to_have_text(
        "The next time is being worked out."
    )
    expect(page.get_by_text(f"The last run failed: {failed['error']['message']}")).to_be_visible()
    expect(page.get_by_text(failed["error"]["remedy"].split("\n")[0][1:])).to_be_visible()
    expect(page.get_by_role("link", name="Look at the run")).to_have_attribute("href", f"#/runs/{scene.failed}")
    check_access(page, "a pipeline whose ends fail")
    shoot(page, "pipeline-ends")


def test_a_schedule_is_set_and_taken_away(looks: Looks, scene: Scene, page: Page) -> None:
    page.goto(scene.views["pipeline"])
    card = page.get_by_role("region", name="Schedule")
    card.get_by_label("It runs").select_option("By cron…")
    card.get_by_label("Cron").fill("61 * * * *")
    card.get_by_role("button", name="Save the schedule").click()
    expect(card.get_by_label("Cron")).to_have_attribute("aria-invalid", "true")
    card.get_by_label("Cron").fill("30 3 1 1 *")
    card.get_by_label("Time zone").fill("Europe/Berlin")
    card.get_by_role("button", name="Save the schedule").click()
    expect(card.get_by_role("status")).to_contain_text(re.compile(r"Saved\. Next: Jan 1"), timeout=20_000)
    assert looks.service.call("GET", at(scene))["schedule"]["time_zone"] == "Europe/Berlin"
    card.get_by_label("It runs").select_option("Only by hand")
    card.get_by_role("button", name="Save the schedule").click()
    expect(card.get_by_role("status")).to_have_text("Saved. ")
    assert looks.service.call("GET", at(scene))["schedule"] is None


def test_a_run_is_watched_stopped_and_begun_again_in_full(looks: Looks, scene: Scene, page: Page) -> None:
    faults = looks.service.sandbox.faults
    faults.set("unload.slow_per_file", args={"seconds": 20})
    try:
        page.goto(scene.views["pipeline"])
        page.get_by_role("button", name="Sync now").click()
        expect(page.get_by_text("Redshift writes files").first).to_be_visible()
        expect(page.get_by_role("progressbar", name="tpch.region")).to_be_visible()
        check_access(page, "a run that runs")
        shoot(page, "run-live")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Run again", exact=True)).to_be_visible(timeout=60_000)
        expect(page.get_by_role("status").filter(has_text="Stopped")).to_be_visible()
    finally:
        faults.clear()
    page.get_by_role("button", name="Run again in full").click()
    expect(page.get_by_text("everything read again")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^[\d,]+ rows verified$"))).to_be_visible(timeout=60_000)
