"""What is done with a pipeline that is there: look at rows, change a stream, its tables and its schedule, run it in
full, stop it."""

from __future__ import annotations

import re
from typing import Any

from looks import Looks, check_access, shoot
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
