"""Alerts, tokens and the audit log: made, tried, changed and taken away by the page, and only by whoever may."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from looks import Looks, check_access, check_everywhere, shoot
from playwright.sync_api import Locator, Page, expect
from scene import Scene


@contextmanager
def receiver(host: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Takes messages at /good and refuses them elsewhere."""
    got: list[dict[str, Any]] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204 if self.path == "/good" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{host}:{server.server_port}", got
        server.shutdown()


def alerts(looks: Looks, scene: Scene) -> dict[str, Any]:
    items = looks.service.call("GET", f"/tenants/{scene.tenant}/alerts")["items"]
    return {one["name"]: one for one in items}


def text(of: Page | Locator, name: str) -> Locator:
    return of.get_by_label(name, exact=True)


def test_a_webhook_is_made_tried_changed_and_removed(looks: Looks, scene: Scene, page: Page) -> None:
    dialog = page.get_by_role("dialog")
    with receiver(looks.service.sandbox.facts.host) as (url, got):
        page.goto("/#/alerts")
        page.get_by_role("button", name="Add an alert").click()
        text(dialog, "Name").fill("Pager")
        text(dialog, "Address").fill("ftp://example.com")
        dialog.get_by_role("checkbox", name="Some streams of a run failed").uncheck()
        dialog.get_by_role("button", name="Save the alert").click()
        expect(text(dialog, "Address")).to_have_attribute("aria-invalid", "true")
        expect(text(dialog, "Address")).to_be_focused()
        expect(dialog).to_contain_text("Write the whole address: https://example.com/hook")
        check_everywhere(page, "an alert that is wrong")
        shoot(page, "alert-wrong")
        text(dialog, "Address").fill(f"{url}/good")
        expect(text(dialog, "Address")).not_to_have_attribute("aria-invalid", "true")
        dialog.get_by_role("button", name="Save the alert").click()

        # The secret is shown once, and never again.
        expect(page.get_by_role("dialog", name="The secret of “Pager”")).to_be_visible()
        secret = text(dialog, "Secret").inner_text()
        assert secret.startswith("whsec_")
        check_access(page, "the secret of an alert")
        shoot(page, "alert-secret")
        dialog.get_by_role("button", name="Close").click()
        card = page.get_by_role("article", name="Pager")
        expect(card.get_by_role("listitem")).to_have_text(["A run failed", "A run succeeded after one that had not"])
        assert secret not in page.content()

        card.get_by_role("button", name="Send a test message").click()
        expect(card.get_by_role("status")).to_contain_text("The message was taken")
        assert [one["type"] for one in got] == ["alert.test"]

        card.get_by_role("button", name="Change").click()
        expect(text(dialog, "Secret (optional)")).to_have_value("")
        expect(dialog).to_contain_text("One is saved.")
        text(dialog, "Address").fill(f"{url}/bad")
        dialog.get_by_role("button", name="Save the alert").click()
        expect(card).to_contain_text(f"{url}/bad")
        card.get_by_role("button", name="Send a test message").click()
        expect(card.get_by_role("alert")).to_contain_text("then test it again")
        check_access(page, "a test message that was refused")
        shoot(page, "alert-refused")
    card.get_by_role("button", name="Remove").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(card).to_have_count(0)
    assert "Pager" not in alerts(looks, scene)


def test_an_alert_has_the_fields_of_its_kind_alone(looks: Looks, scene: Scene, page: Page) -> None:
    dialog = page.get_by_role("dialog")
    page.goto("/#/alerts")
    page.get_by_role("button", name="Add an alert").click()
    text(dialog, "Name").fill("By mail")
    text(dialog, "Address").fill("https://example.com/left-behind")
    dialog.get_by_label("How").select_option("E-mail")
    expect(text(dialog, "Address")).to_have_count(0)
    text(dialog, "To").fill("ann@example.com, nobody")
    text(dialog, "From").fill("sluice@example.com")
    text(dialog, "Mail server").fill("smtps://mail.example.com")
    text(dialog, "Password (optional)").fill("hunter2")
    dialog.get_by_role("button", name="Save the alert").click()
    expect(text(dialog, "To")).to_have_attribute("aria-invalid", "true")
    text(dialog, "To").fill("ann@example.com, bob@example.com")
    shoot(page, "alert-mail")
    dialog.get_by_role("button", name="Save the alert").click()
    expect(page.get_by_role("article", name="By mail")).to_contain_text("ann@example.com, bob@example.com")
    mail = alerts(looks, scene)["By mail"]
    assert (mail["kind"], mail.get("url"), mail["smtp_password_set"]) == ("email", None, True)

    with receiver(looks.service.sandbox.facts.host) as (url, got):
        page.get_by_role("button", name="Add an alert").click()
        text(dialog, "Name").fill("Channel")
        dialog.get_by_label("How").select_option("Slack")
        text(dialog, "Address of the incoming webhook").fill(f"{url}/good")
        dialog.get_by_role("button", name="Save the alert").click()
        card = page.get_by_role("article", name="Channel")
        expect(card).to_contain_text("A channel of Slack, whose address is not shown")
        assert url not in page.content()
        # Left empty, the address stays.
        card.get_by_role("button", name="Change").click()
        dialog.get_by_role("checkbox", name="Paused").check()
        dialog.get_by_role("button", name="Save the alert").click()
        expect(card.get_by_text("Paused")).to_be_visible()
        card.get_by_role("button", name="Send a test message").click()
        expect(card.get_by_role("status")).to_contain_text("The message was taken")
        assert [list(one) for one in got] == [["text"]]
    assert alerts(looks, scene)["Channel"]["paused"] is True


def test_a_token_is_made_used_and_revoked(looks: Looks, scene: Scene, page: Page) -> None:
    dialog = page.get_by_role("dialog")
    page.goto("/#/tokens")
    page.get_by_role("button", name="Make a token").click()
    dialog.get_by_role("button", name="Make the token").click()
    expect(text(dialog, "Name")).to_have_attribute("aria-invalid", "true")
    text(dialog, "Name").fill("Anna")
    dialog.get_by_label("It ends").select_option("In a week")
    check_access(page, "a token to be made")
    shoot(page, "token-new")
    dialog.get_by_role("button", name="Make the token").click()
    expect(dialog).to_contain_text("It is shown this once")
    expect(dialog.get_by_role("button", name="Copy Token")).to_be_visible()
    link = text(dialog, "Link").inner_text()
    token = text(dialog, "Token").inner_text()
    assert token.startswith("slc_") and token in link
    check_everywhere(page, "a new token")
    shoot(page, "token-made")
    dialog.get_by_role("button", name="Close").click()
    row = page.get_by_role("row", name=re.compile("Anna"))
    expect(row).to_contain_text("Everything of one tenant")
    expect(row).to_contain_text("Acme")
    expect(row).to_contain_text("never")
    assert token not in page.content()

    anna = looks.open()
    anna.goto(link)
    anna.get_by_role("navigation", name="Views").get_by_role("link", name="Tokens").click()
    # Only her tenant's, and she makes no more than she has.
    expect(anna.get_by_role("row", name=re.compile("Anna"))).to_be_visible()
    expect(anna.get_by_role("columnheader", name="Tenant")).to_have_count(0)
    assert "first start" not in anna.get_by_role("table").inner_text()
    anna.get_by_role("button", name="Make a token").click()
    expect(anna.get_by_label("It may").locator("option")).to_have_text(["Everything of one tenant", "Only look"])

    row.get_by_role("button", name="Revoke Anna").click()
    expect(dialog).to_contain_text("shut out at once")
    dialog.get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    anna.reload()
    expect(anna.get_by_role("heading", name="Sign in to Sluice")).to_be_visible()


def test_the_audit_log_tells_in_words_and_in_the_readers_time(looks: Looks, scene: Scene) -> None:
    call = looks.service.call
    # More than a page of it.
    for _ in range(28):
        call("DELETE", f"/tokens/{call('POST', '/tokens', {'name': 'short', 'scope': 'read'})['id']}")
    newest = call("GET", "/audit?limit=1")["items"][0]["at"]
    page = looks.signed_in(timezone_id="Asia/Tokyo", locale="en-US")
    page.goto("/#/audit")
    expect(page.get_by_text("times in Asia/Tokyo")).to_be_visible()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(51)
    expect(rows.nth(1)).to_contain_text("Revoked a token")
    at = datetime.fromisoformat(newest).astimezone(ZoneInfo("Asia/Tokyo"))
    expect(rows.nth(1)).to_contain_text(f"{at:%b} {at.day}, {at:%Y}, {at.hour % 12 or 12}:{at:%M}")
    page.get_by_role("button", name="Older entries").click()
    expect(rows.nth(52)).to_be_visible()
    whole = [one["at"] for one in call("GET", "/audit?limit=200")["items"]]
    shown = page.locator("time").evaluate_all("all => all.map(one => one.dateTime)")
    assert shown == whole[: len(shown)], "each once, newest first"
    expect(
        page.get_by_role("row", name=re.compile("Made a pipeline")).get_by_role("link", name="Nations")
    ).to_be_visible()
    page.get_by_role("row", name=re.compile("Started a run")).first.get_by_role("link").click()
    expect(page.get_by_role("link", name="Go to the pipeline")).to_be_visible()


def test_who_may_only_look_is_shown_nothing_to_change(looks: Looks, scene: Scene) -> None:
    body = {"name": "viewer", "scope": "read", "tenant": scene.tenant}
    page = looks.open()
    page.goto(f"/#token={looks.service.call('POST', '/tokens', body)['token']}")
    views = page.get_by_role("navigation", name="Views")
    views.get_by_role("link", name="Alerts").click()
    card = page.get_by_role("article", name="On call")
    expect(card).to_be_visible()
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    expect(views.get_by_role("link", name="Tokens")).to_have_count(0)
    expect(views.get_by_role("link", name="Audit log")).to_have_count(0)
    # By the address the service's own answer is told.
    page.goto("/#/tokens")
    expect(page.get_by_role("alert")).to_be_visible()
