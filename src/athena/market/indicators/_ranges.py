"""How far the price ranges: ATR, Bollinger, Keltner, squeeze and choppiness."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from athena.market._rolling import window_max, window_min, window_sum
from athena.market.indicators._averages import NAN, Ema, Sma, Wilder, ema, sma, wilder
from athena.market.indicators._extremes import RollingExtremes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PERCENT = 100.0


class Atr:
    """Follow the average true range: Wilder's mean of the true ranges from the second bar on."""

    def __init__(self, length: int = 14) -> None:
        self._mean = Wilder(length)
        self._before = NAN

    def update(self, high: float, low: float, close: float) -> float:
        """Take the next bar; NaN until there are `length + 1`."""
        before, self._before = self._before, close
        if math.isnan(before):  # the first bar
            return NAN
        return self._mean.update(max(high, before) - min(low, before))


class Bands(NamedTuple):
    """Lower band, middle and upper band."""

    lower: float
    middle: float
    upper: float


_NO_BANDS = Bands(NAN, NAN, NAN)


class Bollinger:
    """Follow the mean of the last `length` closes and bands at `width` population deviations.

    The deviation is taken anew from the window's values: its cost is fixed and nothing cancels.
    """

    def __init__(self, length: int = 20, width: float = 2.0) -> None:
        self._values: deque[float] = deque(maxlen=length)
        self._width = width

    def update(self, close: float) -> Bands:
        """Take the next close; NaN until there are `length`."""
        values = self._values
        values.append(close)
        length = values.maxlen or 1
        if len(values) < length:
            return _NO_BANDS
        middle = math.fsum(values) / length
        spread = self._width * math.sqrt(math.fsum((v - middle) ** 2 for v in values) / length)
        return Bands(middle - spread, middle, middle + spread)


class Keltner:
    """Follow the EMA of the close and bands at `width` average true ranges."""

    def __init__(self, length: int = 20, atr_length: int = 10, width: float = 2.0) -> None:
        self._middle = Ema(length)
        self._atr = Atr(atr_length)
        self._width = width
        self._wait = length - 1

    def update(self, high: float, low: float, close: float) -> Bands:
        """Take the next bar; NaN until there are `length` and the ATR is known."""
        middle = self._middle.update(close)
        spread = self._width * self._atr.update(high, low, close)
        if self._wait > 0:
            self._wait -= 1
            return _NO_BANDS
        return Bands(middle - spread, middle, middle + spread)


class Squeeze:
    """Tell whether the Bollinger bands 20/2 lie inside the Keltner bands 20/10/2."""

    def __init__(self) -> None:
        self._bollinger = Bollinger()
        self._keltner = Keltner()

    def update(self, high: float, low: float, close: float) -> float:
        """Take the next bar; 1 inside, 0 not, NaN until both are known."""
        narrow, wide = self._bollinger.update(close), self._keltner.update(high, low, close)
        if math.isnan(narrow.middle):  # not known
            return NAN
        return float(narrow.lower > wide.lower and narrow.upper < wide.upper)


class Choppiness:
    """Weigh the path of the last `length` bars against the range they covered.

    100 log10(sum of true ranges / (highest high - lowest low)) / log10(length), near 100 when the
    price goes nowhere, low in a trend (E. W. Dreiss).
    """

    def __init__(self, length: int = 14) -> None:
        self._path = Sma(length)
        self._extremes = RollingExtremes(length)
        self._length = length
        self._before = NAN

    def update(self, high: float, low: float, close: float) -> float:
        """Take the next bar; NaN until there are `length + 1`, and where the range is empty."""
        before, self._before = self._before, close
        lowest, highest = self._extremes.update(low, high)
        if math.isnan(before):  # the first bar
            return NAN
        path = self._path.update(max(high, before) - min(low, before)) * self._length
        if math.isnan(path) or highest <= lowest:  # not known
            return NAN
        return _PERCENT * math.log10(path / (highest - lowest)) / math.log10(self._length)


def true_range(
    high: NDArray[np.float64], low: NDArray[np.float64], close: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the range of each bar with the close before it, (T,); NaN at the first bar."""
    column = np.full(len(close), np.nan)
    column[1:] = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    return column


def atr(
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    length: int = 14,
) -> NDArray[np.float64]:
    """Compute the average true range by Wilder, (T,); NaN for the first `length` bars."""
    return wilder(true_range(high, low, close), length)


def bollinger(
    close: NDArray[np.float64], length: int = 20, width: float = 2.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute Bollinger bands with the population deviation.

    Returns:
        lower, middle, upper, each (T,); NaN until there are `length` closes.
    """
    middle = sma(close, length)
    known = middle[length - 1 :]
    squares = np.zeros(len(known))
    for back in range(length):  # one pass per bar of the window: no square of a price to cancel
        start = length - 1 - back
        squares += (close[start : start + len(known)] - known) ** 2
    spread = np.full(len(close), np.nan)
    spread[length - 1 :] = width * np.sqrt(squares / length)
    return middle - spread, middle, middle + spread


def keltner(  # noqa: PLR0913 (three columns and three settings)
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    *,
    length: int = 20,
    atr_length: int = 10,
    width: float = 2.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute Keltner bands around the EMA of the close.

    Returns:
        lower, middle, upper, each (T,); NaN until there are `length` bars and the ATR is known.
    """
    middle = ema(close, length)
    middle[: length - 1] = np.nan
    spread = width * atr(high, low, close, atr_length)
    middle[np.isnan(spread)] = np.nan
    return middle - spread, middle, middle + spread


def squeeze(
    high: NDArray[np.float64], low: NDArray[np.float64], close: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Tell where the Bollinger bands lie inside the Keltner bands: (T,) of 1, 0, NaN (unknown)."""
    lower, middle, upper = bollinger(close)
    wide_lower, _, wide_upper = keltner(high, low, close)
    inside = ((lower > wide_lower) & (upper < wide_upper)).astype(np.float64)
    inside[np.isnan(middle)] = np.nan
    return inside


def choppiness(
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    length: int = 14,
) -> NDArray[np.float64]:
    """Compute the choppiness index, (T,).

    NaN for the first `length` bars and where the range is empty.
    """
    column = np.full(len(close), np.nan)
    if len(close) <= length:
        return column
    path = window_sum(true_range(high, low, close)[1:], length)
    covered = (window_max(high, length) - window_min(low, length))[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        known = _PERCENT * np.log10(path / covered) / math.log10(length)
    column[length:] = np.where(covered > 0, known, np.nan)
    return column
