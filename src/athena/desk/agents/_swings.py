"""Swings and chart patterns: a swing is known only when the bars that confirm it have closed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class Pattern(StrEnum):
    """A chart pattern that the desk knows."""

    DOUBLE_BOTTOM = "double_bottom"
    ASCENDING_TRIANGLE = "ascending_triangle"
    INVERSE_HEAD_AND_SHOULDERS = "inverse_head_and_shoulders"
    DOUBLE_TOP = "double_top"
    HEAD_AND_SHOULDERS = "head_and_shoulders"
    DESCENDING_TRIANGLE = "descending_triangle"


BULLISH = frozenset(
    {Pattern.DOUBLE_BOTTOM, Pattern.ASCENDING_TRIANGLE, Pattern.INVERSE_HEAD_AND_SHOULDERS}
)


@dataclass(frozen=True, slots=True)
class PatternRules:
    """What makes a pattern.

    Attributes:
        swing_bars: bars on each side that a swing beats.
        double_frac: distance of the two extremes of a double top or bottom, at most.
        shoulder_bars: bars needed for head and shoulders.
        shoulder_frac: distance of the shoulders, at most.
        triangle_bars: length of a triangle.
        flat_variance: variance / mean^2 of its flat side, under it.
        flat_slope: slope of its flat side, at most this part of the other side's: without it
            every quiet trend would be a triangle.
    """

    swing_bars: int = 5
    double_frac: float = 0.02
    shoulder_bars: int = 30
    shoulder_frac: float = 0.05
    triangle_bars: int = 20
    flat_variance: float = 0.001
    flat_slope: float = 0.25


@dataclass(frozen=True, slots=True)
class Swings:
    """Prices of the confirmed swings, oldest first."""

    highs: tuple[float, ...]
    lows: tuple[float, ...]


def find_swings(high: Floats, low: Floats, n_side: int) -> Swings:
    """Find the bars whose extreme beats `n_side` bars on each side (DK-32).

    A swing is one only when the bars after it have closed: the last `n_side` bars hold none.

    Args:
        high: (N,) of closed bars.
        low: (N,) of the same.
        n_side: >= 1.
    """
    tops = high[_peaks(high, n_side)]
    bottoms = low[_peaks(-low, n_side)]
    return Swings(tuple(tops.tolist()), tuple(bottoms.tolist()))


def _peaks(values: Floats, n_side: int) -> Ints:
    """Return where a value is above the `n_side` before it and after it."""
    n = len(values) - 2 * n_side
    if n < 1:
        return np.empty(0, np.int64)
    middle = values[n_side : n_side + n]
    is_peak = np.ones(n, np.bool_)
    for k in range(2 * n_side + 1):
        if k != n_side:
            is_peak &= middle > values[k : k + n]
    return np.flatnonzero(is_peak) + n_side


def find_patterns(
    high: Floats, low: Floats, swings: Swings, rules: PatternRules
) -> tuple[Pattern, ...]:
    """Find the patterns that stand at the newest bar, bullish ones first.

    Args:
        high: (N,) of closed bars.
        low: (N,) of the same.
        swings: of these bars.
        rules: what makes a pattern.
    """
    found = {
        Pattern.DOUBLE_TOP: _is_double(swings.highs, rules),
        Pattern.DOUBLE_BOTTOM: _is_double(swings.lows, rules),
    }
    if len(high) >= rules.shoulder_bars:
        found[Pattern.HEAD_AND_SHOULDERS] = _has_shoulders(swings.highs, 1, rules)
        found[Pattern.INVERSE_HEAD_AND_SHOULDERS] = _has_shoulders(swings.lows, -1, rules)
    n = rules.triangle_bars
    if len(high) >= n:
        tops, bottoms = high[-n:], low[-n:]
        found[Pattern.ASCENDING_TRIANGLE] = _is_triangle(tops, bottoms, 1, rules)
        found[Pattern.DESCENDING_TRIANGLE] = _is_triangle(bottoms, tops, -1, rules)
    return tuple(pattern for pattern in Pattern if found.get(pattern))


def _is_double(extremes: tuple[float, ...], rules: PatternRules) -> bool:
    if len(extremes) < 2:  # noqa: PLR2004 - two make a double
        return False
    before, last = extremes[-2:]
    return abs(last - before) <= rules.double_frac * max(before, last)


def _has_shoulders(extremes: tuple[float, ...], side: int, rules: PatternRules) -> bool:
    if len(extremes) < 3:  # noqa: PLR2004 - two shoulders and a head
        return False
    left, head, right = extremes[-3:]
    stands_out = side * head > side * left and side * head > side * right
    return stands_out and abs(left - right) <= rules.shoulder_frac * max(left, right)


def _is_triangle(flat: Floats, other: Floats, side: int, rules: PatternRules) -> bool:
    mean = float(flat.mean())
    if float(flat.var()) / mean**2 >= rules.flat_variance:
        return False
    slope = _slope(other)
    return side * slope > 0 and abs(_slope(flat)) <= rules.flat_slope * abs(slope)


def _slope(values: Floats) -> float:
    """Return the slope of the line of least squares, per bar."""
    x, scale = _axis(len(values))
    return float(x @ values) / scale


@cache
def _axis(n: int) -> tuple[Floats, float]:
    """Return the places of n bars around their middle, and their sum of squares."""
    x: Floats = np.arange(n, dtype=np.float64) - (n - 1) / 2.0
    return x, float(x @ x)
