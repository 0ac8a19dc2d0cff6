"""What the risk engine asks of the market, from closed bars, as integers.

Every value at bar `i` is known at the close of bar `i` and uses no later bar (D02). All windows
are exact or bounded (see `_rolling`), so that recomputing from a recent stretch of bars gives the
same integers as from the whole history.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, MINUTE_NS
from athena.market._daily import complete_days, daily_returns
from athena.market._rolling import decayed_sum, window_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.domain import Bars

PPM = 1_000_000
_ATR_BARS = 14
_ATR_MEAN_BARS = 20
_VOLATILITY_BARS = 20
_VOLUME_DAYS = 30
_MOVE_NS = 5 * MINUTE_NS
_VAR_DAYS = 365
_VAR_DAYS_MIN = 30
_VAR_QUANTILE = 0.05
_RETURN_UNIT = 1e-7  # bar returns are counted in these, so that windows sum exactly
_RETURN_LIMIT = 100_000_000  # ten times up in one bar; keeps 20 squares within 64 bits


@dataclass(frozen=True, slots=True)
class RiskInputs:
    """Hold the risk inputs of one instrument, one value per bar, known at the bar's close.

    Attributes:
        atr_ticks: (T,) int64, Wilder's average true range over 14 bars; 0 before bar 14.
        atr_mean_ticks: (T,) int64, mean of the last 20 of those; 0 before bar 33.
        daily_volume_lots: (T,) int64, mean volume per day over the last 30 days, or over the days
            there are; 0 = unknown, in the first day.
        volatility_ppm: (T,) int64, population deviation of the last 20 bar returns; 0 before
            bar 20.
        var_ppm: (T,) int64, one-day value at risk at 95 %, a loss >= 0 in millionths of the
            price: the 5 % quantile of the daily returns of the last 365 days; 0 = unknown, below
            30 of them or with bars longer than a day.
        move_ppm: (T,) int64, absolute move over the last 5 minutes, or over the bar if longer.
    """

    atr_ticks: NDArray[np.int64]
    atr_mean_ticks: NDArray[np.int64]
    daily_volume_lots: NDArray[np.int64]
    volatility_ppm: NDArray[np.int64]
    var_ppm: NDArray[np.int64]
    move_ppm: NDArray[np.int64]


def risk_inputs(bars: Bars) -> RiskInputs:
    """Compute the risk inputs of bars, O(T); empty bars give empty columns."""
    atr = _average_true_range(bars)
    return RiskInputs(
        atr_ticks=_padded(np.rint(atr), len(bars)),
        atr_mean_ticks=_padded(
            np.rint(window_sum(atr, _ATR_MEAN_BARS) / _ATR_MEAN_BARS), len(bars)
        ),
        daily_volume_lots=_daily_volume(bars),
        volatility_ppm=_volatility(bars),
        var_ppm=_value_at_risk(bars),
        move_ppm=_move(bars),
    )


def _padded(values: NDArray[np.float64], length: int) -> NDArray[np.int64]:
    """Put zeros (unknown) in front, up to the length of the bars."""
    column = np.zeros(length, dtype=np.int64)
    column[length - len(values) :] = values
    return column


def _average_true_range(bars: Bars) -> NDArray[np.float64]:
    """Return (max(T - 14, 0),) ticks: the mean of the first 14 true ranges, then Wilder's mean."""
    before = bars.close_ticks[:-1]
    true_range = np.maximum(bars.high_ticks[1:], before) - np.minimum(bars.low_ticks[1:], before)
    if len(true_range) < _ATR_BARS:
        return np.empty(0)
    inflow = true_range[_ATR_BARS - 1 :] / _ATR_BARS
    inflow[0] = true_range[:_ATR_BARS].sum() / _ATR_BARS
    return decayed_sum(inflow, (_ATR_BARS - 1) / _ATR_BARS)


def _daily_volume(bars: Bars) -> NDArray[np.int64]:
    if len(bars) == 0:
        return np.empty(0, dtype=np.int64)
    close_ns = bars.ts_ns + bars.interval_ns
    start = np.searchsorted(bars.ts_ns, close_ns - _VOLUME_DAYS * DAY_NS)
    # The running total may wrap around; the difference of two is right while it fits 64 bits.
    total = np.concatenate(([0], np.cumsum(bars.volume_lots)))
    volume = total[1:] - total[start]
    span_ns = np.minimum(close_ns - bars.ts_ns[0], _VOLUME_DAYS * DAY_NS)
    per_day = np.floor(volume * (DAY_NS / span_ns))
    return np.where(span_ns >= DAY_NS, per_day, 0).astype(np.int64)


def _volatility(bars: Bars) -> NDArray[np.int64]:
    n = _VOLATILITY_BARS
    returns = np.diff(bars.close_ticks) / bars.close_ticks[:-1] / _RETURN_UNIT
    counted = np.rint(np.minimum(returns, _RETURN_LIMIT)).astype(np.int64)
    sums, squares = window_sum(counted, n), window_sum(counted * counted, n)
    variance = n * squares - sums * sums  # times n squared, exact
    return _padded(np.rint(np.sqrt(variance) * (_RETURN_UNIT * PPM / n)), len(bars))


def _move(bars: Bars) -> NDArray[np.int64]:
    close = bars.close_ticks
    if bars.interval_ns >= _MOVE_NS:
        before = np.arange(len(bars)) - 1
    else:
        before = np.searchsorted(bars.ts_ns, bars.ts_ns - _MOVE_NS, side="right") - 1
    # Nothing before the first bars: they moved from the first open.
    reference = np.where(before >= 0, close[before], bars.open_ticks[:1])
    return np.rint(np.abs(close - reference) / reference * PPM).astype(np.int64)


def _value_at_risk(bars: Bars) -> NDArray[np.int64]:
    if len(bars) == 0 or bars.interval_ns > DAY_NS:
        return np.zeros(len(bars), dtype=np.int64)
    daily = daily_returns(bars)
    # One more in front: before the first complete day nothing is known.
    by_day = np.concatenate(([0], _loss_quantiles(daily.returns.tolist())))
    day = complete_days(bars.ts_ns + bars.interval_ns) - daily.first_day
    column: NDArray[np.int64] = by_day[np.maximum(day, -1) + 1]
    return column


def _loss_quantiles(returns: list[float]) -> list[int]:
    """Return, for each day, the loss at the 5 % quantile of the year up to it, in ppm."""
    ordered: list[float] = []
    losses = []
    for day, value in enumerate(returns):
        oldest = returns[day - _VAR_DAYS] if day >= _VAR_DAYS else np.nan
        if not math.isnan(oldest):
            del ordered[bisect_left(ordered, oldest)]
        if not math.isnan(value):
            insort(ordered, value)
        losses.append(_loss(ordered))
    return losses


def _loss(ordered: list[float]) -> int:
    if len(ordered) < _VAR_DAYS_MIN:
        return 0
    # Linear interpolation between order statistics, Hyndman and Fan (1996) type 7.
    position = _VAR_QUANTILE * (len(ordered) - 1)
    below = int(position)
    step = ordered[below + 1] - ordered[below]
    return max(0, round(-(ordered[below] + (position - below) * step) * PPM))
