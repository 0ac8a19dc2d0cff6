"""The command's own page in a real browser: from bars to a tear sheet that opens quietly."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from athena.domain import MINUTE_NS
from athena.market import mock_bars, store_dataset
from tests.market_builder import START_NS, instrument_of

pytestmark = pytest.mark.e2e

Cli = Any
_BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")


def test_a_backtest_ends_in_a_page_without_errors(cli: Cli, home: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra e2e")
    program = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no browser: apt-get install chromium-headless-shell")
    bars = mock_bars(instrument_of("TEST/USD"), 3_000, 42, 30 * MINUTE_NS)
    store_dataset(bars, home, venue="", imported_at_ns=START_NS)
    line = ("backtest", "--data", bars.provenance.name, "--strategy", "ema_cross", "--json")
    payload = cli(*line).json()
    errors: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(Path(payload["report"]).as_uri())
        page.wait_for_selector("canvas")
        text = page.inner_text("body")
        browser.close()
    assert errors == []
    assert payload["sentence"] in text
    assert payload["digest"] in text
