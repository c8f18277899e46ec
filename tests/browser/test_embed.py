"""The form inside of a vendor's own page: themed by it, telling it when it is done, and seeing nothing else."""

from __future__ import annotations

from looks import Looks, check_access, shoot
from playwright.sync_api import Page, expect
from scene import Scene
from service import FRAME

VENDOR = """<!doctype html><title>Vendor</title>
<iframe id="form" title="Connect" src="%s" width="900" height="700"></iframe>
<script>window.heard = []; addEventListener('message', (event) => {
  window.heard.push([event.origin, event.data]);
  if (event.data.type === 'sluice.ready') {
    document.getElementById('form').contentWindow.postMessage(
      {type: 'sluice.theme', variables: {accent: '#b3261e', '--radius': '2px', background: 'url(//evil.test)'}}, '*');
  }
});</script>"""


def embed(looks: Looks, scene: Scene, origin: str) -> Page:
    url = looks.service.call("POST", f"/tenants/{scene.tenant}/connect-tokens", {})["url"]
    form = looks.service.url + "/connect" + url.split("/connect", 1)[1]
    page = looks.open()
    page.route(f"{origin}/**", lambda route: route.fulfill(content_type="text/html", body=VENDOR % form))
    page.goto(f"{origin}/page")
    return page


def test_a_vendor_embeds_the_form(looks: Looks, scene: Scene) -> None:
    page = embed(looks, scene, FRAME)
    form = page.frame_locator("#form")
    expect(form.get_by_text("so that Brook can read from")).to_be_visible()
    expect(form.get_by_role("navigation", name="Views")).to_have_count(0)
    root = form.locator("html")
    expect(root).to_have_css("--accent", "#b3261e")
    expect(root).not_to_have_css("--background", "url(//evil.test)")

    facts = looks.service.sandbox.facts
    text = lambda name: form.get_by_role("textbox", name=name, exact=True)  # noqa: E731
    text("Endpoint").fill("analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439/dev")
    expect(text("Workgroup")).to_have_value("analytics")
    text("Bucket").fill(facts.bucket)
    text("Role ARN").fill(facts.role_arn)
    text("Name of this connection").fill("from the vendor")
    shoot(page, "embedded")
    form.get_by_role("button", name="Save without a test").click()
    expect(form.get_by_role("heading", name="Connected")).to_be_visible()
    heard = page.evaluate("() => window.heard.filter(([, data]) => data.type === 'sluice.connected')")
    sources = looks.service.call("GET", f"/tenants/{scene.tenant}/sources")["items"]
    (saved,) = (one["id"] for one in sources if one["name"] == "from the vendor")
    told = {"type": "sluice.connected", "source": {"id": saved, "name": "from the vendor"}}
    assert heard == [[looks.service.url, told]]
    looks.service.call("DELETE", f"/tenants/{scene.tenant}/sources/{saved}")


def test_no_other_page_may_show_it(looks: Looks, scene: Scene) -> None:
    page = embed(looks, scene, "http://evil.test")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("() => window.heard") == []
    expect(page.frame_locator("#form").get_by_role("heading", name="Connect your warehouse")).to_have_count(0)
    refused = [text for text in looks.complaints if "frame-ancestors" in text]
    assert refused, looks.complaints
    looks.complaints = [text for text in looks.complaints if text not in refused]


def test_the_form_stands_alone_as_well(looks: Looks, scene: Scene) -> None:
    token = looks.service.call("POST", f"/tenants/{scene.tenant}/connect-tokens", {})["token"]
    page = looks.open(phone=True)
    page.goto(f"/connect?token={token}&bucket=acme-staging")
    expect(page.get_by_role("textbox", name="Bucket", exact=True)).to_have_value("acme-staging")
    assert "token" not in page.url
    check_access(page, "the form alone")
    page.reload()
    expect(page.get_by_role("textbox", name="Bucket", exact=True)).to_have_value("acme-staging")
    page.goto("/connect?token=slc_nothing")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_text("Ask whoever gave you this form for a new link.")).to_be_visible()
