"""Bars of several instruments on one time line: gaps, late starts, volumes that do not wrap."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import InputError
from athena.research import align
from athena.research.engine import _columns as cols
from athena.venues import table as vt
from tests.market_builder import HOUR_NS, bars_of, driftless_bars, run_named, setup_of

if TYPE_CHECKING:
    from athena.domain import Bars


def without(bars: Bars, *rows: int) -> Bars:
    """Leave bars out."""
    keep = np.setdiff1d(np.arange(len(bars)), rows)
    columns = [column[keep] for column in bars.columns()]
    return bars_of(columns, bars.instrument.symbol, bars.interval_ns)


@pytest.fixture
def pair() -> list[Bars]:
    return [driftless_bars(20, seed, symbol) for seed, symbol in enumerate(("BTC/USD", "ETH/USD"))]


def test_equal_times_are_taken_as_they_are(pair: list[Bars]) -> None:
    columns = align(pair, with_risk_inputs=False)
    assert columns.close.shape == (2, 20)
    assert columns.close_ns.tolist() == (pair[0].ts_ns + pair[0].interval_ns).tolist()
    for k, bars in enumerate(pair):
        assert columns.close[k].tolist() == bars.close_ticks.tolist()
        assert columns.volume[k].tolist() == bars.volume_lots.tolist()


def test_a_missing_bar_repeats_the_last_close_and_has_no_volume(pair: list[Bars]) -> None:
    columns = align([pair[0], without(pair[1], 7, 8)], with_risk_inputs=False)
    last = int(pair[1].close_ticks[6])
    for step in (7, 8):
        values = [int(column[1, step]) for column in columns[1:6]]
        assert values == [last, last, last, last, vt.NO_BAR]
    assert int(columns.close[1, 9]) == int(pair[1].close_ticks[9])


def test_before_its_first_bar_an_instrument_has_no_price(pair: list[Bars]) -> None:
    columns = align([pair[0], pair[1].rows(5, 20)], with_risk_inputs=True)
    assert columns.close[1, :5].tolist() == [0] * 5
    assert columns.volume[1, :5].tolist() == [vt.NO_BAR] * 5
    assert (columns.risk[1, :, :5] == 0).all()


def test_bars_that_only_one_has_are_on_the_line_of_both(pair: list[Bars]) -> None:
    columns = align([without(pair[0], 3), without(pair[1], 4)], with_risk_inputs=False)
    assert columns.close.shape == (2, 20)
    assert (columns.volume == vt.NO_BAR).sum() == 2


def test_risk_inputs_are_kept_over_a_gap(pair: list[Bars]) -> None:
    columns = align([pair[0], without(pair[1], 15)], with_risk_inputs=True)
    assert columns.risk[1, cols.RISK_ATR, 15] == columns.risk[1, cols.RISK_ATR, 14]


def test_the_volume_of_a_bar_does_not_leave_64_bits() -> None:
    """5,000 BTC an hour in lots of 10^-8: lots x nanoseconds would."""
    n = 24 * 40
    close = np.full(n, 1_000_000)
    times = 1_577_836_800 * 10**9 + HOUR_NS * np.arange(n)
    bars = bars_of(
        (times, close, close, close, close, np.full(n, 5_000 * 10**8)), "BTC/USD", HOUR_NS
    )
    columns = align([bars], with_risk_inputs=True)
    assert columns.risk[0, cols.RISK_DAY_VOLUME, -1] == 24 * 5_000 * 10**8
    assert columns.risk[0, cols.RISK_BAR_VOLUME, -1] == 5_000 * 10**8


def test_columns_cannot_be_written(pair: list[Bars]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        align(pair, with_risk_inputs=False).close[0, 0] = 1


def test_what_does_not_fit_together_is_refused(pair: list[Bars]) -> None:
    with pytest.raises(InputError, match="at least one"):
        align([], with_risk_inputs=False)
    with pytest.raises(InputError, match="ETH/USD"):
        align([pair[0], pair[1].rows(0, 0)], with_risk_inputs=False)
    with pytest.raises(InputError, match=r"1m.*BTC/USD.*1h.*ETH/USD"):
        align([pair[0], replace(pair[1], interval_ns=HOUR_NS)], with_risk_inputs=False)


def test_a_bar_that_is_missing_fills_nothing() -> None:
    bars = driftless_bars(10, 1, "BTC/USD")
    other = driftless_bars(10, 2, "ETH/USD")
    done = run_named(
        setup_of([without(bars, 1), other], taker_fee_bps=Decimal(26)), "hold", fraction=0.5
    )
    by_symbol = dict(zip(done.fills.instrument.tolist(), done.fills.marks.tolist(), strict=True))
    assert by_symbol == {0: 2, 1: 1}
