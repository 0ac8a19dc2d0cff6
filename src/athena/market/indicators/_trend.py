"""Whether there is a trend, and which way: ADX and Supertrend."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from athena.market._rolling import decayed_sum
from athena.market.indicators._averages import NAN, Wilder, wilder
from athena.market.indicators._ranges import Atr, true_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PERCENT = 100.0


class AdxValue(NamedTuple):
    """Strength of the trend, and the share of upward and downward movement, in percent."""

    adx: float
    plus_di: float
    minus_di: float


class Adx:
    """Follow Wilder's average directional index.

    Movements and true ranges are summed over the first `length - 1` bars, then each sum loses
    1 / length of itself and gains the newest; the index of direction is averaged by Wilder. Where
    nothing moved at all, the index of direction is 0.
    """

    def __init__(self, length: int = 14) -> None:
        self._length = length
        self._n_seen = 0
        self._high = self._low = self._close = NAN
        self._plus = self._minus = self._range = 0.0
        self._mean = Wilder(length)

    def update(self, high: float, low: float, close: float) -> AdxValue:
        """Take the next bar; directions from bar `length`, the average from `2 length - 1`."""
        rise, fall = high - self._high, self._low - low
        range_ = max(high, self._close) - min(low, self._close)
        self._high, self._low, self._close = high, low, close
        self._n_seen += 1
        if self._n_seen == 1:
            return AdxValue(NAN, NAN, NAN)
        keep = 1.0 if self._n_seen <= self._length else 1.0 - 1.0 / self._length
        self._plus = self._plus * keep + (rise if rise > fall and rise > 0 else 0.0)
        self._minus = self._minus * keep + (fall if fall > rise and fall > 0 else 0.0)
        self._range = self._range * keep + range_
        if self._n_seen <= self._length:
            return AdxValue(NAN, NAN, NAN)
        return self._directions()

    def _directions(self) -> AdxValue:
        moved = self._plus + self._minus
        direction = _PERCENT * abs(self._plus - self._minus) / moved if moved > 0 else 0.0
        scale = _PERCENT / self._range if self._range > 0 else 0.0
        return AdxValue(self._mean.update(direction), self._plus * scale, self._minus * scale)


class SupertrendValue(NamedTuple):
    """The line to trail by, and the side of the trend: 1 up, -1 down."""

    line: float
    side: float


class Supertrend:
    """Follow the line `width` average true ranges from the middle of the bar, which only tightens.

    It starts with a rising trend; it turns when a close crosses the line.
    """

    def __init__(self, length: int = 10, width: float = 3.0) -> None:
        self._atr = Atr(length)
        self._width = width
        self._lower = self._upper = self._before = NAN
        self._side = 1.0

    def update(self, high: float, low: float, close: float) -> SupertrendValue:
        """Take the next bar; NaN until the ATR is known."""
        distance = self._width * self._atr.update(high, low, close)
        before, self._before = self._before, close
        if math.isnan(distance):  # not known
            return SupertrendValue(NAN, NAN)
        middle = (high + low) / 2.0
        lower, upper = middle - distance, middle + distance
        # A band moves only nearer, unless the close before had crossed it.
        if before >= self._lower:
            lower = max(lower, self._lower)
        if before <= self._upper:
            upper = min(upper, self._upper)
        self._lower, self._upper = lower, upper
        if self._side > 0 and close < lower:
            self._side = -1.0
        elif self._side < 0 and close > upper:
            self._side = 1.0
        return SupertrendValue(lower if self._side > 0 else upper, self._side)


def adx(
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    length: int = 14,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute Wilder's average directional index and its two directions.

    Returns:
        adx, plus and minus direction in percent, each (T,); NaN for the first `2 length - 1`
        bars, the directions for the first `length`.
    """
    n_bars = len(close)
    rise, fall = np.diff(high), -np.diff(low)
    plus = _directional(np.where((rise > fall) & (rise > 0), rise, 0.0), length, n_bars)
    minus = _directional(np.where((fall > rise) & (fall > 0), fall, 0.0), length, n_bars)
    ranges = _directional(true_range(high, low, close)[1:], length, n_bars)
    moved = plus + minus
    with np.errstate(divide="ignore", invalid="ignore"):
        direction = np.where(moved == 0, 0.0, _PERCENT * np.abs(plus - minus) / moved)
        scale = np.where(ranges == 0, 0.0, _PERCENT / ranges)
    return wilder(direction, length), plus * scale, minus * scale


def supertrend(
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    length: int = 10,
    width: float = 3.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the Supertrend line and side, each (T,); NaN for the first `length` bars.

    Each bar depends on the last in a way that no sum expresses, so this walks the bars.
    """
    stream = Supertrend(length, width)
    bars = zip(high.tolist(), low.tolist(), close.tolist(), strict=True)
    numbers = chain.from_iterable(stream.update(*bar) for bar in bars)
    values = np.fromiter(numbers, dtype=np.float64, count=2 * len(close)).reshape(-1, 2)
    return values[:, 0], values[:, 1]


def _directional(values: NDArray[np.float64], length: int, n_bars: int) -> NDArray[np.float64]:
    """Sum the first `length - 1` values, then let 1 / length go at each next; (n_bars,)."""
    column = np.full(n_bars, np.nan)
    if len(values) < length:
        return column
    inflow = values[length - 2 :].copy()
    inflow[0] = values[: length - 1].sum()
    column[length:] = decayed_sum(inflow, 1.0 - 1.0 / length)[1:]
    return column
