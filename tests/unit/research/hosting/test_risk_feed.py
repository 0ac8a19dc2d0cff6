"""The core is told of bars as they come what a backtest would tell it at the same step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, WEEK_NS, Bars
from athena.errors import InputError
from athena.market import mock_bars, resample
from athena.research import align
from athena.research.hosting import RiskFeed
from athena.trading import Bar
from athena.trading.live import CorrelationSeen, RiskSeen
from tests.hosting_driver import steps_of
from tests.market_builder import bars_of, instrument_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.research import Columns

SYMBOLS = ("BTC/USD", "XRP/USD", "ETH/USD")


def walk(symbol: str, n: int, interval_ns: int, *, drop: Sequence[int] = ()) -> Bars:
    made = mock_bars(instrument_of(symbol), n, 11 + len(symbol) + ord(symbol[0]), interval_ns)
    keep = np.setdiff1d(np.arange(n), drop)
    return bars_of([column[keep] for column in made.columns()], symbol, interval_ns)


def told(feed: RiskFeed, bars: Sequence[Bars]) -> tuple[list[list[list[int]]], list[object]]:
    """Return, for each step, the inputs of all instruments and the matrix that holds then."""
    matrix = np.eye(len(bars), dtype=np.int64) * 1_000_000
    inputs, matrices = [], []
    for close_ns, found in steps_of(bars):
        rows = {}
        for seen in feed.on_bars(close_ns, found):
            if isinstance(seen, RiskSeen):
                rows[seen.instrument] = [
                    seen.atr,
                    seen.atr_mean,
                    seen.day_volume,
                    seen.bar_volume,
                    seen.volatility_ppm,
                    seen.var_ppm,
                    seen.move_ppm,
                ]
            else:
                assert isinstance(seen, CorrelationSeen)
                matrix[seen.first, seen.second] = matrix[seen.second, seen.first] = seen.ppm
        inputs.append([rows[k] for k in range(len(bars))])
        matrices.append(matrix.tolist())
    return inputs, matrices


def columns_of(columns: Columns, first: int) -> tuple[list[list[list[int]]], list[object]]:
    """Return the same out of a backtest's columns."""
    inputs = columns.risk[:, :, first:].transpose(2, 0, 1).tolist()
    return inputs, columns.correlation[columns.day[first:]].tolist()


def split(bars: Sequence[Bars], moment_ns: int) -> tuple[list[Bars], list[Bars]]:
    return (
        [item.between(None, moment_ns) for item in bars],
        [item.between(moment_ns, None) for item in bars],
    )


CASES = {
    # gaps over days and over midnight, one that is listed late
    "hours": [
        walk("BTC/USD", 24 * 100, HOUR_NS, drop=[*range(500, 590), 700, 2_000]),
        walk("XRP/USD", 24 * 100, HOUR_NS, drop=[*range(1_400), 1_407, *range(2_100, 2_160)]),
        walk("ETH/USD", 24 * 100, HOUR_NS),
    ],
    # more bars in 30 days than are kept for their ranges
    "half hours": [walk(symbol, 48 * 70, 30 * MINUTE_NS) for symbol in SYMBOLS[:2]],
    # days beyond the year that value at risk looks back to
    "quarters of days": [walk(symbol, 4 * 800, 6 * HOUR_NS) for symbol in SYMBOLS[:2]],
    "minutes": [walk("BTC/USD", 2_000, MINUTE_NS, drop=range(1_700, 1_704))],
    "days": [walk(symbol, 500, DAY_NS, drop=[300, 301]) for symbol in SYMBOLS[:2]],
}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("hours", 0.0),
        ("hours", 0.6),
        ("half hours", 0.7),
        ("quarters of days", 0.8),
        ("minutes", 0.0),
        ("minutes", 0.9),
        ("days", 0.0),
    ],
)
def test_every_input_at_every_step_is_the_backtests(name: str, part: float) -> None:
    """D02: whatever stood in the history, and whatever came as bars: the same integers."""
    bars = CASES[name]
    columns = align(bars, with_risk_inputs=True)
    first = round(part * len(columns.close_ns))
    moment_ns = int(columns.close_ns[first]) - bars[0].interval_ns
    history, coming = split(bars, moment_ns)
    inputs, matrices = told(RiskFeed(history), coming)
    expected_inputs, expected_matrices = columns_of(columns, first)
    assert inputs == expected_inputs
    assert matrices == expected_matrices
    assert any(any(row) for step in inputs for row in step), "else nothing was compared"


def test_daily_bars_stand_in_for_a_history_that_is_shorter_than_a_year() -> None:
    bars = CASES["quarters of days"]
    columns = align(bars, with_risk_inputs=True)
    first = len(columns.close_ns) - 300
    moment_ns = int(columns.close_ns[first]) - bars[0].interval_ns
    past, coming = split(bars, moment_ns)
    history = [item.rows(len(item) - 1_200, len(item)) for item in past]
    daily = [resample(item, DAY_NS) for item in past]
    inputs, matrices = told(RiskFeed(history, daily), coming)
    expected_inputs, expected_matrices = columns_of(columns, first)
    assert inputs == expected_inputs
    assert matrices == expected_matrices
    alone, _ = told(RiskFeed(history), coming)
    assert [row[0][5] for row in alone] != [row[0][5] for row in inputs], "days made no difference"


def test_days_in_front_are_no_neighbours_of_the_first_bars() -> None:
    """Ranges, returns and moves begin with the bars themselves."""
    whole = CASES["hours"][2]
    history, coming = whole.rows(0, 1_200), whole.rows(1_200, 1_300)
    inputs, _ = told(RiskFeed([history.rows(0, 0)], [resample(history, DAY_NS)]), [coming])
    own, _ = told(RiskFeed([history.rows(0, 0)]), [coming])
    for field in (0, 1, 4, 6):
        assert [row[0][field] for row in inputs] == [row[0][field] for row in own]
    assert inputs[0][0][5] > 0
    assert own[0][0][5] == 0


def test_an_instrument_without_a_bar_is_unknown_and_one_that_misses_a_step_keeps_its_inputs() -> (
    None
):
    one, two = CASES["hours"][0], CASES["hours"][1].rows(0, 0)
    feed = RiskFeed([one.rows(0, 100), two])
    step = int(one.ts_ns[100]) + HOUR_NS
    first = feed.on_bars(step, {0: Bar(*(int(c[100]) for c in one.columns()[1:]))})
    assert first[1] == RiskSeen(1, 0, 0, 0, 0, 0, 0, 0)
    assert first[2] == CorrelationSeen(0, 1, 750_000)
    second = feed.on_bars(step + HOUR_NS, {1: Bar(5, 6, 4, 5, 10)})
    assert second[0] == first[0]


def test_correlations_are_told_at_the_first_step_and_once_a_day() -> None:
    bars = [walk(symbol, 72, HOUR_NS) for symbol in SYMBOLS]
    feed = RiskFeed([item.rows(0, 0) for item in bars])
    told_at = [
        close_ns
        for close_ns, found in steps_of(bars)
        if any(isinstance(seen, CorrelationSeen) for seen in feed.on_bars(close_ns, found))
    ]
    start_ns = int(bars[0].ts_ns[0])
    assert told_at == [start_ns + HOUR_NS, *(start_ns + day * DAY_NS for day in (1, 2, 3))]


def test_what_is_kept_is_bounded() -> None:
    bars = walk("BTC/USD", 48 * 200, 30 * MINUTE_NS)
    feed = RiskFeed([bars.rows(0, 9_000)])
    for close_ns, found in steps_of([bars.rows(9_000, 9_600)]):
        feed.on_bars(close_ns, found)
    assert len(feed._bars[0]) < 48 * 31 + 400 + 256


def test_what_does_not_fit_is_refused() -> None:
    bars = walk("BTC/USD", 50, HOUR_NS)
    days = resample(bars, DAY_NS)
    with pytest.raises(InputError, match="expected daily bars of 2 instruments, was of 1"):
        RiskFeed([bars, walk("ETH/USD", 50, HOUR_NS)], [days])
    with pytest.raises(InputError, match="daily ones of a day, was 1h of BTC/USD"):
        RiskFeed([bars], [bars])
    with pytest.raises(InputError, match="expected bars of a day or less"):
        RiskFeed([replace(bars, interval_ns=WEEK_NS)])
    feed = RiskFeed([bars])
    with pytest.raises(InputError, match="expected a bar of BTC/USD after 2020-01-03T01:00:00"):
        feed.on_bars(int(bars.ts_ns[-1]) + HOUR_NS, {0: Bar(1, 1, 1, 1, 1)})
