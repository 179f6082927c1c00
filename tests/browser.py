"""Opens a page as a reader does, from the disk and without a network, and tells what happened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]

needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="chromium is not on this machine")


@dataclass
class Observations:
    """What a browser saw.

    Attributes:
        title: The document's title, after its scripts had their time.
        requests: Addresses that the page asked for, itself apart.
        errors: Errors on the console and exceptions that nothing caught.
        dialogs: Messages of alert boxes.
        charts: Places for charts.
        drawn: Of these, the ones with a picture in them.
        tooltip: The text of the tooltip that `hover` brings.
        wide: Whether the page can be scrolled sideways.
        text: The text of the page.
    """

    title: str = ""
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    charts: int = 0
    drawn: int = 0
    tooltip: str = ""
    wide: bool = False
    text: str = ""


def open_page(
    path: Path,
    *,
    hover: str = "",
    picture: Path | None = None,
    width: int = 1200,
    then: Callable[[Any], None] | None = None,
) -> Observations:
    """Opens a page in headless Chromium with the network cut.

    Args:
        path: The page.
        hover: A CSS selector of something to hold the mouse over.
        picture: Where to put a picture of the whole page.
        width: Of the window, in pixels.
        then: Called at the end with Playwright's page.
    """
    from playwright.sync_api import sync_playwright

    seen = Observations()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.set_offline(True)
        page = context.new_page()
        own = path.resolve().as_uri()
        context.route("**/*", lambda route: _let(route, own, seen))
        page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("dialog", lambda dialog: _dismiss(dialog, seen))
        page.goto(own)
        _look(page, seen, hover)
        if picture:
            page.screenshot(path=str(picture), full_page=True)
        if then:
            then(page)
        browser.close()
    return seen


def _let(route: Any, own: str, seen: Observations) -> None:
    url = route.request.url
    if url.split("#")[0] == own:
        route.continue_()
    else:
        seen.requests.append(url)
        route.abort()


def _dismiss(dialog: Any, seen: Observations) -> None:
    seen.dialogs.append(dialog.message)
    dialog.dismiss()


def _look(page: Any, seen: Observations, hover: str) -> None:
    seen.charts = page.locator("[data-chart]").count()
    if seen.charts:
        page.wait_for_function(
            "document.querySelectorAll('[data-chart] svg').length"
            " >= document.querySelectorAll('[data-chart]').length",
            timeout=20_000,
        )
    page.wait_for_timeout(300)
    seen.drawn = page.locator("[data-chart]:has(svg path, svg text)").count()
    seen.title, seen.text = page.title(), page.locator("body").inner_text()
    seen.wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    if hover:
        page.locator(hover).first.hover(force=True)
        page.wait_for_timeout(200)
        seen.tooltip = page.locator("#vg-tooltip-element").inner_text()
