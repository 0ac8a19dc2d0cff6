"""Signal columns of the built-in strategies; each value uses closes up to its own bar only."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from athena.market import indicators

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_Number = TypeVar("_Number", np.int8, np.int64, np.float64)

_WRAPS = 2**62
_ROUNDING = 1e-12  # of a price: what exponential means may be off (A10)


def first_priced(closes: Ints | Floats) -> int:
    """Return the first bar with a price, from which signals count; their number if none has.

    Before its first bar, an instrument beside others stands at 0, which is no price.
    """
    has_price = closes > 0
    return int(np.argmax(has_price)) if has_price.any() else len(closes)


def padded(values: NDArray[_Number], length: int) -> NDArray[_Number]:
    """Put zeros in front of values, up to a length: nothing is signalled before the first bar."""
    whole = np.zeros(length, values.dtype)
    whole[length - len(values) :] = values
    return whole


def window_sums(values: Ints, length: int) -> Ints:
    """Sum each window of `length` values; (T,), 0 before the first whole window.

    The running total may wrap around 64 bits; a difference of two of them does not notice.
    """
    sums = np.zeros(len(values), np.int64)
    if len(values) >= length:
        total = np.cumsum(values)
        sums[length - 1] = total[length - 1]
        sums[length:] = total[length:] - total[:-length]
    return sums


def sma_trend(closes: Ints, fast: int, slow: int) -> NDArray[np.int8]:
    """Compare two simple means exactly: the sign of fast - slow, 0 until the slow one is there."""
    priced = closes[first_priced(closes) :]
    fast_sums, slow_sums = window_sums(priced, fast), window_sums(priced, slow)
    if slow_sums.size and int(slow_sums.max()) * slow >= _WRAPS:
        # Whole parts first, then what is left of them: exact where the products would wrap.
        wholes = fast_sums // fast - slow_sums // slow
        rests = fast_sums % fast * slow - slow_sums % slow * fast
        difference = np.where(wholes != 0, wholes, rests)
    else:
        difference = fast_sums * slow - slow_sums * fast
    trend: NDArray[np.int8] = np.sign(difference).astype(np.int8)
    trend[: slow - 1] = 0
    return padded(trend, len(closes))


def ema_trend(closes: Floats, fast: int, slow: int) -> NDArray[np.int8]:
    """Compare two exponential means: the sign of fast - slow, 0 until `slow` bars have a price."""
    priced = closes[first_priced(closes) :]
    difference = indicators.ema(priced, fast) - indicators.ema(priced, slow)
    difference[np.abs(difference) <= _ROUNDING * priced] = 0.0  # a flat price has no trend
    trend: NDArray[np.int8] = np.sign(difference).astype(np.int8)
    trend[: slow - 1] = 0
    return padded(trend, len(closes))


def beyond(values: Floats, threshold: float) -> NDArray[np.int8]:
    """Tell where values are beyond a threshold: 1 above it, -1 under its negative, else 0."""
    sign = np.zeros(len(values), np.int8)
    sign[values > threshold] = 1
    sign[values < -threshold] = -1
    return sign


def rolling_max(values: Floats, length: int) -> Floats:
    """Return the largest of the last `length` values; of those there are, in front."""
    padded = np.concatenate([np.full(length - 1, -np.inf), values])
    largest: Floats = np.lib.stride_tricks.sliding_window_view(padded, length).max(axis=1)
    return largest


def behind(values: Floats) -> Floats:
    """Move values one bar on, so that bar t sees those up to t - 1; NaN in front."""
    moved = np.full(len(values), np.nan)
    moved[1:] = values[:-1]
    return moved


def on_frame(close_ns: Ints, frame_ns: int) -> tuple[Ints, Ints]:
    """Group steps into bars of a longer frame, aligned to 1970 UTC; each shows at its close only.

    Args:
        close_ns: (T,) close time of each step.
        frame_ns: length of the longer bars.

    Returns:
        (N,) the last step of each longer bar, and (T,) for each step the index of the newest
        longer bar that has closed by then, -1 before the first.
    """
    frame = (close_ns - 1) // frame_ns
    is_last = np.append(frame[1:] != frame[:-1], np.array([True]))
    last_steps = np.flatnonzero(is_last)
    ends_ns = (frame[last_steps] + 1) * frame_ns
    return last_steps, np.searchsorted(ends_ns, close_ns, side="right") - 1
