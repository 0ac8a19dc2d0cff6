"""How fast the price moves: RSI, stochastic RSI and rate of change."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from athena.market._rolling import window_max, window_min
from athena.market.indicators._averages import NAN, Sma, Wilder, sma, wilder
from athena.market.indicators._extremes import RollingExtremes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEUTRAL = 50.0
_ALL = 100.0


class Rsi:
    """Follow Wilder's relative strength index.

    50 until there are `length + 1` prices; 100 while there are no losses to weigh against.
    """

    def __init__(self, length: int = 14) -> None:
        self._gain = Wilder(length)
        self._loss = Wilder(length)
        self._before = NAN

    def update(self, price: float) -> float:
        """Take the next price; in [0, 100]."""
        change = price - self._before
        self._before = price
        if math.isnan(change):  # the first price
            return _NEUTRAL
        gain = self._gain.update(max(change, 0.0))
        loss = self._loss.update(max(-change, 0.0))
        if math.isnan(gain):  # too few changes
            return _NEUTRAL
        return _ALL if loss == 0.0 else _ALL - _ALL / (1.0 + gain / loss)


class StochRsiValue(NamedTuple):
    """Smoothed place of the RSI in its range, and the average of it; both in [0, 100]."""

    k: float
    d: float


class StochRsi:
    """Place RSI 14 within its last 14 values, smoothed 3 and 3; 50 where the range is empty.

    The RSI counts from its first real value, the 15th price.
    """

    def __init__(self, rsi_length: int = 14, length: int = 14, k: int = 3, d: int = 3) -> None:
        self._rsi = Rsi(rsi_length)
        self._wait = rsi_length
        self._range = RollingExtremes(length)
        self._k = Sma(k)
        self._d = Sma(d)

    def update(self, price: float) -> StochRsiValue:
        """Take the next price; NaN until the windows are full (k from bar 29, d from bar 31)."""
        rsi_value = self._rsi.update(price)
        if self._wait > 0:
            self._wait -= 1
            return StochRsiValue(NAN, NAN)
        low, high = self._range.update(rsi_value, rsi_value)
        if math.isnan(low):  # the window is not full
            return StochRsiValue(NAN, NAN)
        place = _ALL * (rsi_value - low) / (high - low) if high > low else _NEUTRAL
        k = self._k.update(place)
        return StochRsiValue(k, self._d.update(k) if not math.isnan(k) else NAN)


class Roc:
    """Measure the change over `length` bars in percent."""

    def __init__(self, length: int = 10) -> None:
        self._prices: deque[float] = deque(maxlen=length + 1)

    def update(self, price: float) -> float:
        """Take the next price; NaN until there are `length + 1`."""
        self._prices.append(price)
        if len(self._prices) < (self._prices.maxlen or 0):
            return NAN
        return (price / self._prices[0] - 1.0) * _ALL


def rsi(prices: NDArray[np.float64], length: int = 14) -> NDArray[np.float64]:
    """Compute Wilder's relative strength index.

    Args:
        prices: (T,) float64.
        length: >= 1.

    Returns:
        (T,) float64 in [0, 100]; 50 until there are `length + 1` prices, 100 without losses.
    """
    change = np.diff(prices)
    gain = wilder(np.maximum(change, 0.0), length)
    loss = wilder(np.maximum(-change, 0.0), length)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.where(loss == 0.0, _ALL, _ALL - _ALL / (1.0 + gain / loss))
    column = np.full(len(prices), _NEUTRAL)
    column[1:] = np.where(np.isnan(gain), _NEUTRAL, index)
    return column


def stoch_rsi(
    prices: NDArray[np.float64], rsi_length: int = 14, length: int = 14, k: int = 3, d: int = 3
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place the RSI within its last `length` values, smoothed `k`, averaged `d`.

    Returns:
        k and d, each (T,) float64 in [0, 100]; NaN until the windows are full; 50 where the range
        is empty.
    """
    index = rsi(prices, rsi_length)[rsi_length:]
    place = np.full(len(prices), np.nan)
    if len(index) >= length:
        high, low = window_max(index, length), window_min(index, length)
        width = high - low
        with np.errstate(divide="ignore", invalid="ignore"):
            known = np.where(width > 0, _ALL * (index[length - 1 :] - low) / width, _NEUTRAL)
        place[rsi_length + length - 1 :] = known
    smooth = sma(place, k)
    return smooth, sma(smooth, d)


def roc(prices: NDArray[np.float64], length: int = 10) -> NDArray[np.float64]:
    """Measure the change over `length` bars in percent, (T,); NaN for the first `length`."""
    column = np.full(len(prices), np.nan)
    column[length:] = (prices[length:] / prices[: max(len(prices) - length, 0)] - 1.0) * _ALL
    return column
