"""Sums, extremes and exponential means over whole columns, by doubling.

A window of eight is two windows of four, each two windows of two: a handful of shifted additions
gives every window at once. Against a running sum this drifts nowhere, and each value comes from
the same operations on the same bars whatever stands before or after: cutting the data changes no
bit of what is left (D02), on any machine, since there is no library call that reorders sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Number = TypeVar("Number", np.int64, np.float64)

# Terms that weigh less than this, relative to the newest, are below the last bit of a double.
_NEGLIGIBLE = 2.0**-60


def window_sum(values: NDArray[Number], length: int) -> NDArray[Number]:
    """Sum the last `length` values at each position, O(T log length).

    Args:
        values: (T,) int64 (exact, wraps around at 64 bits) or float64 without NaN.
        length: of the window, >= 1.

    Returns:
        (max(T - length + 1, 0),); the first belongs to position `length - 1`.
    """
    total = np.zeros_like(values[length - 1 :])
    block, size, done = values, 1, 0
    while done < length:
        if length & size:
            # `block[i]` sums values[i : i + size]; the window starts `done` blocks further on.
            total = total + block[done : done + len(total)]
            done += size
        if done < length:
            block = block[:-size] + block[size:]
            size *= 2
    return total


def window_max(values: NDArray[Number], length: int) -> NDArray[Number]:
    """Take the greatest of the last `length` values; shapes as in `window_sum`."""
    return _window_extreme(values, length, np.maximum)


def window_min(values: NDArray[Number], length: int) -> NDArray[Number]:
    """Take the smallest of the last `length` values; shapes as in `window_sum`."""
    return _window_extreme(values, length, np.minimum)


def decayed_sum(values: NDArray[np.float64], keep: float) -> NDArray[np.float64]:
    """Accumulate `y[i] = keep * y[i - 1] + values[i]`, O(T log(1 / (1 - keep))).

    Values so old that their weight is under 2**-60 are left out, so the result at a bar depends
    on a bounded number of bars before it.

    Args:
        values: (T,) float64 without NaN.
        keep: in (0, 1).

    Returns:
        (T,) float64; equal to the recursion but for the last bits.
    """
    total = values.copy()
    distance, weight = 1, keep
    while distance < len(total) and weight > _NEGLIGIBLE:
        older = weight * total[:-distance]
        total[distance:] += older
        distance *= 2
        weight *= weight
    return total


def _window_extreme(
    values: NDArray[Number], length: int, pick: Callable[..., Any]
) -> NDArray[Number]:
    block, size = values, 1
    while size * 2 <= length:
        block = pick(block[:-size], block[size:]) if len(block) > size else block[:0]
        size *= 2
    n_windows = max(len(values) - length + 1, 0)
    # Two blocks that overlap cover the window.
    start = length - size
    result: NDArray[Number] = pick(block[:n_windows], block[start : start + n_windows])
    return result
