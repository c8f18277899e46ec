"""WCAG AA in every view: light and dark, wide and narrow; and without a mouse."""

from __future__ import annotations

import pytest
from looks import Looks, check_access, shoot
from playwright.sync_api import Page, expect
from scene import Scene

READY = {
    "overview": "To look at",
    "connect": "Test and save",
    "change": "Test and save",
    "sources": "Nothing reads it yet.|Nations",
    "tables": "Nothing is chosen yet",
    "pipelines": "1 stream",
    "pipeline": "Runs",
    "runs": "Timeline",
    "run": "rows verified",
    "run-failed": "What to do:",
    "alerts": "hooks.example.com",
    "tokens": "Everything",
    "audit": "Started a run",
    "more": "Who did what",
}


LOOKS = [("light", {}), ("dark", {"dark": True}), ("phone", {"phone": True})]


@pytest.mark.parametrize(("name", "options"), LOOKS)
def test_every_view_can_be_used_by_everybody(looks: Looks, scene: Scene, name: str, options: dict[str, bool]) -> None:
    page = looks.signed_in(**options)
    for view, where in scene.views.items():
        page.goto(where)
        expect(page.get_by_text(READY[view].split("|")[-1]).first).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        shoot(page, f"{view}-{name}")
        check_access(page, f"{view}, {name}")


def focused(page: Page) -> str:
    return str(
        page.evaluate("() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
    )


def test_the_keyboard_is_enough(page: Page, scene: Scene) -> None:
    page.goto(scene.views["pipeline"])
    page.reload()
    expect(page.get_by_role("button", name="Preview").first).to_be_visible()
    page.keyboard.press("Tab")
    assert focused(page) == "Go to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.get_by_role("button", name="Read everything again").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert focused(page) == "Read everything again", "the dialog gives the focus back"


def test_light_and_dark_are_remembered(page: Page) -> None:
    theme = "() => document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    page.get_by_role("button", name="Use dark colours").click()
    page.reload()
    page.get_by_role("button", name="Use light colours").wait_for()
    assert page.evaluate(theme) == "dark"
