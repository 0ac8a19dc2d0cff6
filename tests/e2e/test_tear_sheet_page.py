"""The tear sheet in a real browser: quiet, interactive, reachable by keyboard, fit for a phone."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from athena.reporting import render_tear_sheet
from tests.record_builder import build_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

_BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
_QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra e2e")
    program = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no browser: apt-get install chromium-headless-shell")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=_QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    records = {
        "demo": build_record(),
        "empty": build_record(n_steps=0, n_fills=0),
        "one bar": build_record(n_steps=1, n_fills=1),
        "crowded": build_record(
            symbols=tuple(f"COIN{number}/USD" for number in range(10)), n_fills=57_000
        ),
    }
    for name, record in records.items():
        (folder / f"{name}.html").write_text(render_tear_sheet(record), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in records}


@pytest.fixture
def visit(browser: Any, pages: dict[str, Path]) -> Iterator[Callable[..., Any]]:
    """Open a page; on the way out, it must have been quiet and asked for nothing."""
    opened, troubles = [], []

    def go(name: str, **options: Any) -> Any:
        page = browser.new_page(**options)
        opened.append(page)
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        address = pages[name].as_uri()
        page.on("request", lambda request: request.url == address or troubles.append(request.url))
        page.goto(address)
        return page

    yield go
    for page in opened:
        page.close()
    assert troubles == []


@pytest.mark.parametrize("name", ["demo", "empty", "one bar", "crowded"])
def test_page_opens_without_error_or_request(visit: Callable[..., Any], name: str) -> None:
    page = visit(name)
    assert page.locator("h1").inner_text() == "rebalance"
    assert page.locator("canvas").count() > 0 or name == "empty"


def test_buttons_and_keys_change_the_visible_range(visit: Callable[..., Any]) -> None:
    from playwright.sync_api import expect

    page = visit("demo")
    for chart in ("equity", "price"):
        box = page.locator(f"#{chart}")
        expect(box).to_have_attribute("data-range", re.compile(r"\d"))
        before = box.get_attribute("data-range")
        page.click(f'[data-for="{chart}"][data-zoom="in"]')
        expect(box).not_to_have_attribute("data-range", before)
        zoomed = box.get_attribute("data-range")
        assert width(zoomed) == pytest.approx(width(before) / 2, rel=0.05)
        box.focus()
        page.keyboard.press("ArrowRight")
        expect(box).not_to_have_attribute("data-range", zoomed)
        assert width(box.get_attribute("data-range")) == pytest.approx(width(zoomed), rel=0.05)


def test_pointing_at_an_arrow_shows_price_quantity_and_fee(visit: Callable[..., Any]) -> None:
    page = visit("one bar")
    page.click("#tab-1")  # the one fill is in the second symbol
    box = page.locator("#price")
    box.scroll_into_view_if_needed()
    place = box.bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    tooltip = page.locator("#tooltip")
    tooltip.wait_for(state="visible")
    assert re.search(r"(buy|sell).*[\d.]+ at [\d.,]+, fee [\d.]+ USD", tooltip.inner_text())


def width(text: str) -> float:
    start, end = map(float, text.split())
    return end - start


def test_dark_follows_the_system_and_the_button_turns_it(visit: Callable[..., Any]) -> None:
    page = visit("demo", color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(15, 20, 25)"
    page.click("#theme")
    assert page.evaluate(paper) == "rgb(251, 251, 250)"
    assert page.locator("#theme").get_attribute("aria-pressed") == "false"


def test_symbol_tabs_are_reached_and_turned_by_keyboard(visit: Callable[..., Any]) -> None:
    page = visit("demo")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "tab-0":
            break
    assert page.evaluate("document.activeElement.id") == "tab-0"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-1"
    assert page.locator("#tab-1").get_attribute("aria-selected") == "true"
    assert "XRP/USD" in page.locator("#price-caption").inner_text()


def test_a_curve_can_be_hidden(visit: Callable[..., Any]) -> None:
    page = visit("demo")
    button = page.locator("#legend button").nth(2)
    button.click()
    assert button.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("name", ["demo", "crowded"])
def test_phone_needs_no_sideways_scroll(visit: Callable[..., Any], name: str) -> None:
    page = visit(name, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
