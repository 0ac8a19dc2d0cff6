"""Correlation of instruments from daily closes, refreshed at 00:00 UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from athena.domain import DAY_NS
from athena.market._daily import complete_days, daily_returns
from athena.market._risk_inputs import PPM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.domain import Bars

_DAYS = 90
_ALIGNED_MIN = 60
# Until enough is known. USD stands for USDT too: its pairs are as close.
_DEFAULTS_PPM = {
    frozenset({"BTC/USD", "XRP/USD"}): 750_000,
    frozenset({"BTC/USD", "XRP/BTC"}): 600_000,
    frozenset({"XRP/USD", "XRP/BTC"}): 850_000,
}
_DEFAULT_PPM = 750_000


@dataclass(frozen=True, slots=True)
class Correlations:
    """Hold a correlation matrix per day and which one holds at each step.

    Attributes:
        symbols: the S instruments, in the order of the matrices.
        matrices_ppm: (D, S, S) int64, in millionths, symmetric, diagonal 1,000,000.
        day: (T,) int64, index of the matrix that holds at each step.
    """

    symbols: tuple[str, ...]
    matrices_ppm: NDArray[np.int64]
    day: NDArray[np.int64]


def correlations(bars: Sequence[Bars], close_ns: NDArray[np.int64]) -> Correlations:
    """Correlate instruments over the last 90 daily returns, anew after each UTC midnight.

    A pair with fewer than 60 days on which both have a return, or with a price that did not move,
    takes the default of the specification.

    Args:
        bars: one per instrument, at least one.
        close_ns: (T,) int64, close of each step, UTC nanoseconds, rising, at least one.

    Returns:
        The matrices; the one at a step uses only days that are over by then (D02).
    """
    last_days = complete_days(close_ns)
    days = np.unique(last_days)
    table = np.stack([_returns_on(item, days) for item in bars])
    size = len(bars)
    matrices = np.empty((len(days), size, size), dtype=np.int64)
    for i in range(size):
        matrices[:, i, i] = PPM
        for j in range(i):
            default = _default_ppm(bars[i].instrument.symbol, bars[j].instrument.symbol)
            pair = _rolling_correlation(table[i], table[j], days - days[0], default)
            matrices[:, i, j] = matrices[:, j, i] = pair
    symbols = tuple(item.instrument.symbol for item in bars)
    return Correlations(symbols, matrices, np.searchsorted(days, last_days).astype(np.int64))


def _returns_on(bars: Bars, days: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the daily returns from 89 days before the first day to the last; NaN where none."""
    first = int(days[0]) - _DAYS + 1
    column = np.full(int(days[-1]) - first + 1, np.nan)
    if bars.interval_ns > DAY_NS:
        return column
    daily = daily_returns(bars)
    start = daily.first_day - first
    source = daily.returns[max(-start, 0) : max(len(column) - start, 0)]
    column[max(start, 0) : max(start, 0) + len(source)] = source
    return column


def _rolling_correlation(
    x: NDArray[np.float64], y: NDArray[np.float64], rows: NDArray[np.int64], default: int
) -> NDArray[np.int64]:
    """Return Pearson's correlation in ppm over the 90 days that end at each asked row."""
    together = np.isfinite(x) & np.isfinite(y)
    mask = sliding_window_view(together, _DAYS)[rows]
    xs = sliding_window_view(np.where(together, x, 0.0), _DAYS)[rows]
    ys = sliding_window_view(np.where(together, y, 0.0), _DAYS)[rows]
    count = mask.sum(axis=1)
    some = np.maximum(count, 1)[:, None]
    dx = np.where(mask, xs - xs.sum(axis=1, keepdims=True) / some, 0.0)
    dy = np.where(mask, ys - ys.sum(axis=1, keepdims=True) / some, 0.0)
    spread = np.sqrt((dx * dx).sum(axis=1) * (dy * dy).sum(axis=1))
    is_known = (count >= _ALIGNED_MIN) & (spread > 0)
    value = (dx * dy).sum(axis=1) / np.where(is_known, spread, 1.0)
    measured = np.rint(np.clip(value, -1.0, 1.0) * PPM)
    return np.where(is_known, measured, default).astype(np.int64)


def _default_ppm(first: str, second: str) -> int:
    pair = frozenset(symbol.replace("/USDT", "/USD") for symbol in (first, second))
    return _DEFAULTS_PPM.get(pair, _DEFAULT_PPM)
