"""What volume says: on-balance volume and the session's volume-weighted price."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS
from athena.market.indicators._averages import NAN

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Obv:
    """Add the volume of rising bars and subtract that of falling ones; starts at the first."""

    def __init__(self) -> None:
        self._before = NAN
        self._value = 0.0

    def update(self, close: float, volume: float) -> float:
        """Take the next bar; defined from the first."""
        before, self._before = self._before, close
        if math.isnan(before) or close > before:  # the first bar
            self._value += volume
        elif close < before:
            self._value -= volume
        return self._value


class SessionVwap:
    """Average the typical price, weighted by volume, since 00:00 UTC of the bar's day."""

    def __init__(self) -> None:
        self._day = -1
        self._value = self._volume = 0.0

    def update(self, ts_ns: int, high: float, low: float, close: float, volume: float) -> float:
        """Take the next bar, `ts_ns` its open; NaN until something was traded that day."""
        day = ts_ns // DAY_NS
        if day != self._day:
            self._day = day
            self._value = self._volume = 0.0
        self._value += (high + low + close) / 3.0 * volume
        self._volume += volume
        return self._value / self._volume if self._volume > 0 else NAN


def obv(close: NDArray[np.float64], volume: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute on-balance volume, (T,); the first value is the first volume."""
    side = np.ones(len(close))
    side[1:] = np.sign(np.diff(close))
    return np.cumsum(side * volume)


def session_vwap(
    ts_ns: NDArray[np.int64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    volume: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Compute the session's volume-weighted price, reset at 00:00 UTC.

    Args:
        ts_ns: (T,) int64, bar open, UTC nanoseconds.
        high: (T,) float64.
        low: (T,) float64.
        close: (T,) float64.
        volume: (T,) float64, >= 0.

    Returns:
        (T,) float64; NaN until something was traded that day.
    """
    value = (high + low + close) / 3.0 * volume
    column = np.full(len(close), np.nan)
    days = ts_ns // DAY_NS
    starts = np.concatenate(([0], np.flatnonzero(np.diff(days)) + 1, [len(days)]))
    for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        traded = np.cumsum(volume[first:last])
        known = traded > 0
        column[first:last][known] = np.cumsum(value[first:last])[known] / traded[known]
    return column
