"""Moving averages: simple, exponential, Wilder's, and MACD made of them.

Each comes twice: a class that takes one value at a time (bounded state, cost independent of the
history) and a function over a whole column. Both agree to 1e-12 of the value (A10).
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from athena.market._rolling import decayed_sum, window_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAN = math.nan
_MACD_FAST = 12
_MACD_SLOW = 26
_MACD_SIGNAL = 9


class Sma:
    """Average the last `length` values.

    The running sum is computed afresh every `length` values, so it never drifts.
    """

    def __init__(self, length: int) -> None:
        self._values: deque[float] = deque(maxlen=length)
        self._sum = 0.0
        self._until_fresh = length

    def update(self, value: float) -> float:
        """Take the next value; NaN until there are `length` of them."""
        values = self._values
        length = values.maxlen or 1
        if len(values) == length:
            self._sum -= values[0]
        values.append(value)
        self._sum += value
        self._until_fresh -= 1
        if self._until_fresh == 0:
            self._sum = math.fsum(values)
            self._until_fresh = length
        return self._sum / length if len(values) == length else NAN


class Ema:
    """Average exponentially with alpha = 2 / (length + 1), seeded with the first value."""

    def __init__(self, length: int) -> None:
        self._alpha = 2.0 / (length + 1)
        self._value = NAN

    def update(self, value: float) -> float:
        """Take the next value; defined from the first."""
        if math.isnan(self._value):  # nothing was seen yet
            self._value = value
        else:
            self._value += self._alpha * (value - self._value)
        return self._value


class Wilder:
    """Average by Wilder: the mean of the first `length` values, then 1 / length of each next."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._n_seen = 0
        self._value = 0.0

    def update(self, value: float) -> float:
        """Take the next value; NaN until there are `length` of them."""
        self._n_seen += 1
        if self._n_seen <= self._length:
            self._value += value
            if self._n_seen < self._length:
                return NAN
            self._value /= self._length
        else:
            self._value += (value - self._value) / self._length
        return self._value


class MacdValue(NamedTuple):
    """MACD line, its signal and their difference."""

    line: float
    signal: float
    histogram: float


class Macd:
    """Follow EMA 12 less EMA 26 and the EMA 9 of it; from the 26th value.

    While the line has fewer than nine values, the signal is their plain mean; then it is the EMA
    of the line, seeded with its first value.
    """

    def __init__(self) -> None:
        self._fast = Ema(_MACD_FAST)
        self._slow = Ema(_MACD_SLOW)
        self._smooth = Ema(_MACD_SIGNAL)
        self._n_seen = 0
        self._sum = 0.0

    def update(self, value: float) -> MacdValue:
        """Take the next value; all NaN before the 26th."""
        line = self._fast.update(value) - self._slow.update(value)
        self._n_seen += 1
        n_lines = self._n_seen - _MACD_SLOW + 1
        if n_lines < 1:
            return MacdValue(NAN, NAN, NAN)
        signal = self._smooth.update(line)
        if n_lines < _MACD_SIGNAL:
            self._sum += line
            signal = self._sum / n_lines
        return MacdValue(line, signal, line - signal)


def sma(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Average the last `length` values at each position.

    Args:
        values: (T,) float64; NaN only in front.
        length: >= 1.

    Returns:
        (T,) float64; NaN until `length` values are there.
    """
    start = _first_known(values)
    return _behind(window_sum(values[start:], length) / length, len(values))


def ema(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Average exponentially, alpha = 2 / (length + 1), seeded with the first value.

    Args:
        values: (T,) float64; NaN only in front.
        length: >= 1.

    Returns:
        (T,) float64; NaN where `values` is.
    """
    start = _first_known(values)
    alpha = 2.0 / (length + 1)
    inflow = values[start:] * alpha
    inflow[:1] = values[start : start + 1]
    return _behind(decayed_sum(inflow, 1.0 - alpha), len(values))


def wilder(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Average by Wilder: the mean of the first `length` values, then 1 / length of each next.

    Args:
        values: (T,) float64; NaN only in front.
        length: >= 1.

    Returns:
        (T,) float64; NaN until `length` values are there.
    """
    known = values[_first_known(values) :]
    inflow = known[length - 1 :] / length
    inflow[:1] = known[:length].sum() / length
    return _behind(decayed_sum(inflow, 1.0 - 1.0 / length), len(values))


def macd(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute MACD 12/26/9: line, signal, histogram, each (T,); NaN before the 26th value."""
    line = ema(values, _MACD_FAST) - ema(values, _MACD_SLOW)
    line[: _MACD_SLOW - 1] = np.nan
    signal = ema(line, _MACD_SIGNAL)
    early = line[_MACD_SLOW - 1 : _MACD_SLOW + _MACD_SIGNAL - 2]
    means = np.cumsum(early) / np.arange(1, len(early) + 1)
    signal[_MACD_SLOW - 1 : _MACD_SLOW - 1 + len(early)] = means
    return line, signal, line - signal


def _first_known(values: NDArray[np.float64]) -> int:
    known = np.flatnonzero(~np.isnan(values[: len(values)]))
    return int(known[0]) if known.size else len(values)


def _behind(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Put NaN in front, up to `length`."""
    column = np.full(length, np.nan)
    column[length - len(values) :] = values
    return column
