"""From an empty service to rows that are verified, by clicking and typing what a person would."""

from __future__ import annotations

import re

import duckdb
from looks import Looks, check_access, shoot
from playwright.sync_api import Page, expect


def fill_in(page: Page, looks: Looks) -> None:
    facts = looks.service.sandbox.facts
    text = lambda name: page.get_by_role("textbox", name=name, exact=True)  # noqa: E731
    text("Endpoint").fill(f"jdbc:redshift://{facts.host}:{facts.port}/{facts.database}")
    expect(text("Host")).to_have_value(facts.host)
    expect(text("Port")).to_have_value(str(facts.port))
    expect(text("Database")).to_have_value(facts.database)
    text("Workgroup").fill(facts.workgroup)
    text("Database user").fill(facts.role_db_user)
    text("Bucket").fill(facts.bucket)
    text("Region of the bucket").fill(facts.region)
    text("Role ARN").fill(facts.role_arn)
    text("External ID (optional)").fill(facts.card.external_id)
    text("Name of this connection").fill("acme")


def test_from_an_empty_service_to_verified_rows(empty: Looks) -> None:
    looks = empty
    page = looks.open()
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in to Sluice")).to_be_visible()
    shoot(page, "0-sign-in")
    check_access(page, "sign in")

    page.goto(looks.service.link)
    page.get_by_role("textbox", name="Name of the first tenant").fill("Acme")
    assert looks.service.token not in page.url, "the token stays in the address"
    shoot(page, "1-first-tenant")
    check_access(page, "first tenant")
    page.get_by_role("button", name="Begin").click()

    page.get_by_role("link", name="Connect your warehouse").click()
    shoot(page, "2-connect")
    fill_in(page, looks)
    page.get_by_text("The SQL that makes the user").click()
    expect(page.get_by_label("SQL", exact=True)).to_contain_text("CREATE USER")
    expect(page.get_by_role("button", name="Copy SQL")).to_be_visible()

    # A mistake first: the cure stands at the step that it belongs to.
    page.get_by_role("textbox", name="Bucket", exact=True).fill("no-such-bucket-of-acme")
    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_text(re.compile("must be fixed"))).to_be_visible()
    bucket = page.get_by_role("region", name="Step 4: Staging bucket")
    expect(bucket.get_by_text("Wrong:")).to_have_count(1)
    bucket.scroll_into_view_if_needed()
    shoot(page, "3-a-cure-at-its-step")
    check_access(page, "a cure")

    # Nothing is lost on reload.
    page.reload()
    expect(page.get_by_role("textbox", name="Role ARN")).to_have_value(looks.service.sandbox.facts.role_arn)
    page.get_by_role("textbox", name="Bucket", exact=True).fill(looks.service.sandbox.facts.bucket)
    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_text("Everything works").or_(page.get_by_text("It works, with a warning"))).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Workgroup.*proven"))).to_be_visible()
    shoot(page, "4-proven")
    page.get_by_role("button", name="Save the connection").click()

    page.get_by_role("heading", name="Choose tables").wait_for()
    page.get_by_role("searchbox", name="Search").fill("orders")
    page.get_by_role("checkbox", name="orders", exact=True).check()
    page.get_by_role("searchbox", name="Search").fill("region")
    page.get_by_role("checkbox", name="region", exact=True).check()
    page.get_by_role("searchbox", name="Search").fill("")
    expect(page.get_by_role("heading", name="2 tables chosen")).to_be_visible()
    shoot(page, "5-tables")
    page.get_by_role("button", name="Save and sync now").click()

    expect(page.get_by_text(re.compile(r"^[\d,]+ rows verified$"))).to_be_visible(timeout=60_000)
    page.get_by_text("Proof and counts").first.click()
    expect(page.get_by_label("Proof").first).to_contain_text("Redshift unloaded")
    shoot(page, "6-verified")
    check_access(page, "run")

    files = list((looks.service.data / "files").rglob("*.duckdb"))
    assert len(files) == 1
    with duckdb.connect(str(files[0]), read_only=True) as there:
        tables = there.sql("SELECT table_name FROM information_schema.tables WHERE table_name IN ('orders', 'region')")
        assert sorted(name for (name,) in tables.fetchall()) == ["orders", "region"]
