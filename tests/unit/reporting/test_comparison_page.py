"""The comparison page: self-contained, escaped, readable without a script."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

from athena.domain import Side
from athena.reporting import render_comparison
from athena.research.comparison import compare_runs
from athena.trading import Intent
from tests.comparison_builder import TEST, Script
from tests.record_builder import build_record

if TYPE_CHECKING:
    from athena.research.comparison import Comparison

BUY = Intent(side=Side.BUY, lots=100)
OTHER = replace(TEST, symbol="OTHER/USD")


def compared(b_lots: int = 300, **terms: Any) -> Comparison:
    a = Script({5: [BUY], 9: [BUY]}, **terms)
    b = Script({5: [replace(BUY, lots=b_lots)], 9: [BUY]}, **terms)
    return compare_runs(a.run("run-a"), b.run("run-b"))


def page(found: Comparison, **changes: Any) -> str:
    record = build_record(n_steps=500, n_fills=5, **changes)
    return render_comparison(found, record, replace(record, run_id="b"))


def test_the_page_asks_nobody_and_runs_nothing() -> None:
    text = unescape(page(compared()))
    assert "<script" not in text
    assert "script-src 'none'" in text
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)=\"(?!data:)", text)
    assert len(text) < 200_000


def test_both_curves_and_every_part_are_there() -> None:
    found = compared()
    text = page(found)
    assert text.count("<polyline") == 2
    assert "run-a" in text
    assert "run-b" in text
    assert f"B made {found.gap:,.2f} USD more than A; the largest part is size" in text
    assert text.count('class="way"') == 1


def test_the_waterfall_ends_at_the_gap() -> None:
    """Bars lie end to end: the first begins at nothing, the widest reach fills the width."""
    a = Script({5: [BUY], 12: [BUY]})
    b = Script({5: [replace(BUY, lots=300)], 20: [BUY]})
    text = page(compare_runs(a.run("a"), b.run("b")))
    bars = [
        (float(left), float(width))
        for left, width in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", text)
    ]
    assert len(bars) == 2
    assert bars[0][0] == 0 or bars[0][0] + bars[0][1] == 100
    assert max(left + width for left, width in bars) <= 100.01
    assert min(left for left, _ in bars) == 0


def test_equal_runs_say_so() -> None:
    text = page(compared(b_lots=100))
    assert "A and B made the same." in text
    assert 'class="way"' not in text


def test_two_symbols_have_a_table_of_their_own() -> None:
    text = page(compared(instruments=(TEST, OTHER)))
    assert "By symbol" in text
    assert "OTHER/USD" in text
    assert "By symbol" not in page(compared())


def test_text_of_the_records_is_text() -> None:
    found = compared()
    hostile = replace(found, differences={"<b>x</b>": ("<script>", "&")})
    text = page(hostile)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text


def test_a_run_without_a_bar_has_no_picture() -> None:
    empty = build_record(n_steps=0, n_fills=0)
    text = render_comparison(compared(), empty, empty)
    assert "<polyline" not in text
    assert "The gap, part by part" in text
