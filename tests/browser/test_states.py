"""Each view while it loads, without anything in it, and when the service answers with an error. The answers of these
moments are put in the browser's way; everything else is the service's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from looks import Looks, check_access, put, shoot
from playwright.sync_api import Browser, Page, Route, expect
from scene import Scene
from service import Service

# View -> what it asks for, what it calls that, and what it says if there is none.
ASKED = {
    "overview": (r"/overview$", "the overview", None),
    "sources": (r"/sources\?", "sources", "No workgroup is connected yet"),
    "tables": (r"/discover$", "tables", "The user may read no table yet"),
    "pipelines": (r"/pipelines\?", "pipelines", "No tables are brought over yet"),
    "pipeline": (r"/pipelines/pip_\w+$", "the pipeline", None),
    "runs": (r"/runs\?", "runs", "Nothing has run yet"),
    "run": (r"/runs/run_\w+$", "the run", None),
    "change": (r"/sources/src_\w+$", "the connection", None),
    "alerts": (r"/alerts\?", "alerts", "Nobody is told yet"),
    "tokens": (r"/tokens\?", "tokens", "There is no token"),
    "audit": (r"/audit\?", "the audit log", "Nothing was done yet"),
}
PROBLEM = {
    "type": "about:blank", "title": "Not now", "status": 503, "detail": "the database is locked",
    "code": "unavailable", "operation": "read", "subject": "store", "remedy": "Wait a moment, then try again.",
    "retryable": True, "problems": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def kept(browser: Browser, service: Service, scene: Scene) -> Iterator[Page]:
    """Signed in once: what the next tests do to it, they take back."""
    made = Looks(browser, service)
    yield made.signed_in()
    made.close()


@pytest.fixture
def same(kept: Page) -> Iterator[Page]:
    yield kept
    kept.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize("view", ASKED)
def test_it_loads_fails_recovers_and_may_be_empty(same: Page, scene: Scene, view: str) -> None:
    path, what, empty = ASKED[view]
    page = same
    held: list[Route] = []
    now = {"is": "slow"}

    def answer(route: Route) -> None:
        if now["is"] == "slow":
            held.append(route)
        elif now["is"] == "broken":
            route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(PROBLEM))
        else:
            route.fallback()

    page.route(re.compile(path), answer)
    page.goto(scene.views[view])
    # Signing in has shown the overview already, which asks by itself.
    if view == "overview":
        page.reload()
    expect(page.get_by_role("status", name=f"Loading {what}")).to_be_visible()
    now["is"] = "broken"
    for one in held:
        answer(one)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The database is locked")
    expect(alert).to_contain_text("Wait a moment, then try again.")
    shoot(page, f"{view}-error")
    check_access(page, f"{view} with an error")
    now["is"] = "well"
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert").filter(has_text="The database is locked")).to_have_count(0)
    expect(page.get_by_role("status", name=f"Loading {what}")).to_have_count(0)
    if empty is None:
        return
    put(page, path, {"schemas": []} if view == "tables" else {"items": [], "next_cursor": None})
    page.reload()
    expect(page.get_by_role("heading", name=empty)).to_be_visible()
    shoot(page, f"{view}-empty")
    check_access(page, f"{view} without anything")


def test_a_service_that_is_gone_is_told(looks: Looks) -> None:
    page = looks.signed_in()
    page.route(re.compile("/api/v1/"), lambda route: route.abort())
    page.goto("/#/sources")
    expect(page.get_by_role("alert")).to_contain_text("Is sluice serve running")


def test_a_session_that_ended_asks_to_sign_in(looks: Looks) -> None:
    page = looks.signed_in()
    page.context.clear_cookies()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in to Sluice")).to_be_visible()
    page.get_by_label("Link or token").fill("slc_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Link or token").fill(looks.service.link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_what_the_service_says_of_a_field_stands_at_the_field(page: Page) -> None:
    page.goto("/#/connect")
    text = lambda name: page.get_by_role("textbox", name=name, exact=True)  # noqa: E731
    text("Endpoint").fill("analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439/dev")
    expect(text("Workgroup")).to_have_value("analytics")
    text("Bucket").fill("s3://acme/with/a/path")
    text("Role ARN").fill("arn:aws:iam::123456789012:role/reader")
    page.get_by_role("button", name="Save without a test").click()
    expect(text("Bucket")).to_have_attribute("aria-invalid", "true")
    text("Endpoint").fill("arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/x")
    expect(page.get_by_text("This is an ARN.")).to_be_visible()


def test_a_change_is_tested_before_it_is_saved(looks: Looks, scene: Scene, page: Page) -> None:
    page.goto(scene.views["change"])
    bucket = page.get_by_role("textbox", name="Bucket", exact=True)
    bucket.fill("no-such-bucket-of-acme")
    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_text("One thing must be fixed")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Start again").click()
    expect(bucket).to_have_value(looks.service.sandbox.facts.bucket)
    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_text("Everything works")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Save the connection").click()
    expect(page.get_by_role("article", name="analytics").get_by_text("Proven")).to_be_visible()


SCRIPT = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


def test_a_name_is_never_a_script(looks: Looks, scene: Scene) -> None:
    page = looks.signed_in()
    at = f"/tenants/{scene.tenant}/sources"
    known = looks.service.call("GET", f"{at}/{scene.source}")
    body = {name: known[name] for name in ("workgroup", "host", "database", "bucket", "bucket_region", "role_arn")}
    body["advanced"] = {"external_id": looks.service.sandbox.facts.card.external_id}
    made = looks.service.call("POST", at, {**body, "name": SCRIPT})
    page.goto("/#/sources")
    expect(page.get_by_role("heading", name=SCRIPT)).to_be_visible()
    assert "taken" not in page.title()
    page.get_by_role("article", name=SCRIPT).get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name=SCRIPT)).to_have_count(0)
    assert made["id"] not in [one["id"] for one in looks.service.call("GET", at)["items"]]
