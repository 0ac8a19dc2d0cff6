"""The tear sheet as text: complete, contained, safe, bounded."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from athena.domain import DenialCode, Provenance
from athena.reporting import render_tear_sheet
from athena.reporting._chart_data import chart_data
from athena.research import Halt, RunRecord, summarise
from tests.record_builder import CASH, build_record, with_equity

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)><!--"


class Page(HTMLParser):
    """Collect elements, attributes and script texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
            self._in_script = True

    def handle_endtag(self, tag: str) -> None:
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def chart_json(html: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Page(html).scripts[0])
    return found


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return build_record()


@pytest.fixture(scope="module")
def html(record: RunRecord) -> str:
    return render_tear_sheet(record)


def test_page_holds_everything_a_reader_looks_for(record: RunRecord, html: str) -> None:
    summary = summarise(record)
    wanted = [
        summary.sentence,
        summary.overfitting,
        "Sharpe by luck alone",
        *(curve.name for curve in record.baselines),
        record.digest,
        record.journal_sha256,
        *(source.sha256 for source in record.provenance),
        "made up; no rights",
        "Deflated Sharpe",
        "7 trials on this data",
        DenialCode.BREAKER.meaning,
        "2018-11-05 00:00 UTC",  # the halt
        "1,312.44",
        "fee_bps",
        "3.11.7",
        "Not advice.",
        "https://www.tradingview.com/",
        "TradingView Lightweight Charts",
    ]
    for text in wanted:
        assert text in html


@pytest.mark.parametrize(
    ("n_trials", "noise", "words"),
    [(7, 0.02, "distinguishable from luck"), (500, 0.5, "distinguishable, taken alone")],
)
def test_a_comparison_is_told_with_the_trials_in_mind(
    n_trials: int, noise: float, words: str
) -> None:
    record = build_record(n_steps=5_000, n_baselines=1, trials=n_trials)
    edge = with_equity(record, record.baselines[0].equity * np.exp(np.linspace(0, 3, 5_000)))
    sharpes = np.random.default_rng(5).normal(0.0, noise, n_trials)
    page = render_tear_sheet(replace(edge, trial_sharpes=sharpes))
    assert f"<small>{words}</small>" in page


def test_page_is_one_file_that_asks_for_nothing(html: str) -> None:
    page = Page(html)
    for tag, attributes in page.elements:
        assert tag not in {"iframe", "object", "embed", "base", "form"}
        assert "src" not in attributes
        if tag == "link":
            assert attributes["href"] == "data:,"
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_content_policy_allows_only_the_two_packaged_scripts(html: str) -> None:
    page = Page(html)
    [policy] = [
        attributes["content"]
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    hashes = {
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in page.scripts[1:]
    }
    assert set(re.findall(r"sha256-([^']+)", policy)) == hashes
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_demo_page_is_small_and_quick(record: RunRecord, html: str) -> None:
    assert len(html.encode()) <= 1_000_000
    start = time.process_time()
    render_tear_sheet(record)
    assert time.process_time() - start <= 1.5


def test_hostile_text_stays_text() -> None:
    record = build_record(n_steps=500)
    evil = replace(
        record,
        run_id=EVIL,
        quote=EVIL,
        parameters={"strategy": EVIL, EVIL: [EVIL]},
        main=replace(record.main, name=EVIL, refusals={EVIL: 1}),
        baselines=[replace(record.baselines[0], name=EVIL)],
        candles=[replace(record.candles[0], symbol=EVIL)],
        provenance=[Provenance(EVIL, EVIL, EVIL, EVIL)],
        environment={EVIL: EVIL},
    )
    page = Page(render_tear_sheet(evil))
    assert len(page.scripts) == 3
    assert not [tag for tag, _ in page.elements if tag == "img"]
    data = json.loads(page.scripts[0])
    assert data["symbols"][0]["symbol"] == EVIL
    assert data["account"]["curves"][0]["name"] == EVIL
    assert "alert(1)" not in re.sub(
        r"&lt;/script&gt;&lt;script&gt;alert\(1\)", "", "".join(page.scripts[1:])
    )


def test_chart_keeps_the_true_extremes(record: RunRecord, html: str) -> None:
    account = chart_json(html)["account"]
    assert len(account["time"]) <= 2_000
    for curve, drawn in zip([record.main, *record.baselines], account["curves"], strict=True):
        assert max(drawn["values"]) == pytest.approx(curve.equity.max(), rel=1e-5)
        assert min(drawn["values"]) == pytest.approx(curve.equity.min(), rel=1e-5)
    worst = summarise(record).main.max_drawdown.value
    assert -min(account["drawdown"]) / 100 == pytest.approx(worst, abs=0.02)


def test_every_fill_is_in_an_arrow(record: RunRecord, html: str) -> None:
    symbols = chart_json(html)["symbols"]
    assert sum(sum(symbol["markers"]["n"]) for symbol in symbols) == len(record.fills)
    fees = sum(sum(symbol["markers"]["fee"]) for symbol in symbols)
    assert fees == pytest.approx(float(sum(fill.fee for fill in record.fills)), rel=1e-3)


def test_arrow_stands_on_the_candle_of_its_fill() -> None:
    record = build_record(n_steps=5_000, symbols=("BTC/USD",), n_fills=1)
    [symbol] = chart_json(render_tear_sheet(record))["symbols"]
    start_s = int(np.cumsum(symbol["time"])[symbol["markers"]["candle"][0]])
    fill_s = record.fills[0].ts_ns // 10**9
    assert start_s <= fill_s < start_s + record.candles[0].interval_ns // 10**9
    assert symbol["note"] == "1 fill as 1 arrow: one per candle and side."


def test_worst_case_stays_under_one_megabyte_and_says_what_it_left_out() -> None:
    symbols = tuple(f"COIN{number}/USD" for number in range(10))
    html = render_tear_sheet(build_record(symbols=symbols, n_fills=57_000, n_baselines=6))
    assert len(html.encode()) <= 1_000_000
    assert "largest of" in html
    assert "5,700 fills" in html


SMALL = {
    "no bars": {"n_steps": 0, "n_fills": 0},
    "one bar": {"n_steps": 1, "n_fills": 1},
    "two bars, no fills": {"n_steps": 2, "n_fills": 0},
    "one symbol": {"n_steps": 200, "symbols": ("BTC/USD",)},
    "no baselines": {"n_steps": 200, "n_baselines": 0},
    "no symbols drawn": {"n_steps": 200, "candles": []},
    "nothing known": {"n_steps": 60, "n_fills": 0, "costs": {}, "provenance": [], "trades": []},
}


@pytest.mark.parametrize("changes", SMALL.values(), ids=SMALL.keys())
def test_page_works_for_small_and_odd_runs(changes: dict[str, Any]) -> None:
    html = render_tear_sheet(build_record(**changes))
    assert "Not advice." in html
    assert not re.search(r"\b(nan|inf|None)\b", html[: html.index('id="run-data"')])
    chart_json(html)


@pytest.mark.parametrize(
    ("first", "last"), [(float(CASH), float(CASH)), (float(CASH), -5_000.0), (-1.0, -2.0)]
)
def test_flat_and_ruined_accounts_have_a_page(first: float, last: float) -> None:
    record = build_record(n_steps=480)
    html = render_tear_sheet(with_equity(record, np.linspace(first, last, 480)))
    assert "nan" not in html[: html.index('id="run-data"')]
    chart_json(html)


def test_same_record_gives_the_same_page() -> None:
    record = build_record(n_steps=300)
    assert render_tear_sheet(record) == render_tear_sheet(record)


def test_the_chart_marks_the_first_halt_of_each_reason_only() -> None:
    """A run in a fall has a day loss on every bad day; marking each would hide the curve."""
    record = build_record()
    days = [
        Halt(int(record.ts_ns[k]), reason)
        for k, reason in ((100, "day loss"), (200, "drawdown stop"), (300, "day loss"))
    ]
    many = replace(record, main=replace(record.main, halts=tuple(days)), baselines=[])
    data = chart_data(many, summarise(many))
    marked = data["account"]["halts"]
    assert [item["reason"] for item in marked] == ["day loss", "drawdown stop"]
