"""Fewer points for a chart without losing what matters: the peaks and the falls."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from athena.research import Candles

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shared_points(curves: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
    """Choose common positions for several curves that keep the extremes of each one.

    The time line is cut into equal buckets. Each bucket keeps every curve's lowest and highest
    point, is filled up evenly so that all buckets have as many points (an ordinal time axis then
    stays proportional), and the two ends are kept.

    Args:
        curves: (C, T) float64; NaN counts as neither low nor high.
        limit: most positions to return, >= 4 * C + 2.

    Returns:
        (<= limit,) increasing positions in [0, T); all of them when T <= limit.
    """
    n_curves, length = curves.shape
    if length <= limit:
        return np.arange(length)
    per_bucket = 2 * n_curves
    edges = np.linspace(0, length, (limit - 2) // per_bucket + 1).astype(np.intp)
    chosen = [
        _bucket(curves[:, first:last], per_bucket) + first
        for first, last in pairwise(edges.tolist())
    ]
    return np.unique(np.concatenate([[0], *chosen, [length - 1]]))


def _bucket(curves: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    low = np.where(np.isnan(curves), np.inf, curves).argmin(axis=1)
    high = np.where(np.isnan(curves), -np.inf, curves).argmax(axis=1)
    extremes = np.unique(np.concatenate([low, high]))
    others = np.setdiff1d(np.arange(curves.shape[1]), extremes, assume_unique=True)
    fill = min(count - len(extremes), len(others))
    even = (
        others[np.linspace(0, len(others) - 1, fill).astype(np.intp)] if fill > 0 else others[:0]
    )
    return np.concatenate([extremes, even])


def merge_candles(candles: Candles, limit: int) -> Candles:
    """Merge neighbouring candles until at most `limit` are left; highs and lows are kept."""
    size = -(-len(candles.ts_ns) // limit)
    if size <= 1:
        return candles
    starts = np.arange(0, len(candles.ts_ns), size)
    ends = np.minimum(starts + size, len(candles.ts_ns)) - 1
    return Candles(
        symbol=candles.symbol,
        interval_ns=candles.interval_ns * size,
        ts_ns=candles.ts_ns[starts],
        open=candles.open[starts],
        high=np.maximum.reduceat(candles.high, starts),
        low=np.minimum.reduceat(candles.low, starts),
        close=candles.close[ends],
    )
