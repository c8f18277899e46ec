"""Pages of the browser, what is said of them, and what they look like."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page
from service import Service

ROOT = Path(__file__).resolve().parents[2]
# Another folder by PICTURES, in which they are smaller: those of docs/SERVE.md are made so.
SHOTS = Path(os.environ.get("PICTURES", ROOT / "build" / "screenshots"))
SCALE = 0.7 if "PICTURES" in os.environ else 1
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
# A browser says this of every answer that is an error; the page shows it itself.
EXPECTED = re.compile(r"Failed to load resource")


class Looks:
    def __init__(self, browser: Browser, service: Service) -> None:
        self._browser = browser
        self.service = service
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        SHOTS.mkdir(parents=True, exist_ok=True)

    def open(self, *, dark: bool = False, phone: bool = False, **options: Any) -> Page:
        context = self._browser.new_context(
            base_url=self.service.url,
            viewport=PHONE if phone else DESK,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            device_scale_factor=SCALE,
            **options,
        )
        self._contexts.append(context)
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self._heard(said.type, said.text))
        return page

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not EXPECTED.search(text):
            self.complaints.append(text)

    def signed_in(self, **options: Any) -> Page:
        page = self.open(**options)
        page.goto(f"/#token={self.service.token}")
        page.get_by_role("navigation", name="Views").wait_for()
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        assert not self.complaints, self.complaints


def put(page: Page, path: str, body: object) -> None:
    """This answer in place of the service's own."""
    page.route(re.compile(path), lambda route: route.fulfill(content_type="application/json", body=json.dumps(body)))


def shoot(page: Page, name: str) -> None:
    page.screenshot(path=SHOTS / f"{name}.png")


def check_access(page: Page, name: str) -> None:
    """WCAG 2.1 AA, as far as a program can tell, and nothing that is wider than the screen."""
    if not page.evaluate("() => 'axe' in window"):
        # By the debugger's way in, which the page's own policy does not forbid.
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        """async (rules) => (await axe.run(document, {runOnly: rules})).violations.map(
             v => [v.id, v.help, v.nodes.map(n => n.html.slice(0, 200) + ' ' + (n.any[0]?.message ?? ''))])""",
        ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    )
    assert not found, f"{name}: {json.dumps(found, indent=1)}"
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name} is {wide} wider than the screen"


def check_everywhere(page: Page, name: str) -> None:
    """`check_access` of a moment that is hard to come to: as it is, and dark on a phone."""
    check_access(page, name)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.evaluate("() => (document.documentElement.dataset.theme = 'dark')")
    shoot(page, f"{name.replace(' ', '-')}-dark-phone")
    check_access(page, f"{name}, dark on a phone")
    page.evaluate("() => (document.documentElement.dataset.theme = 'light')")
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
