"""A statistic of many sums over dates, with the interval of a block bootstrap over the dates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.statistics._bootstrap import SEED, interval, n_resamples
from athena.research.statistics._estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.research.statistics._returns import Floats

_BATCH_VALUES = 2_000_000


def estimate_of_sums(
    sums: Floats, statistic: Callable[[Floats], Floats], n: int, block: int = 20
) -> Estimate:
    """Estimate what a statistic makes of sums, such as a ratio of two of them.

    Whole blocks of dates are drawn again, because what happens at one date, and over horizons
    that overlap, is not independent. The series is closed to a circle, so that every date is
    drawn as often as any other.

    Args:
        sums: (T, K) float64, finite, oldest date first: what each date adds to each of K sums.
        statistic: maps (R, K) sums to (R,) values; NaN where it is not defined.
        n: number of observations behind them.
        block: dates drawn together, >= 1; at least the dates that one horizon spans.

    Returns:
        The statistic of the whole, its 95 % interval and n; no interval (NaN) with fewer dates
        than two blocks.

    Raises:
        InputError: no dates, a value is not finite, or the block is no length.

    Source: D. N. Politis and J. P. Romano (1992), A circular block-resampling procedure for
    stationary data, in Exploring the limits of bootstrap.
    """
    if sums.ndim != 2 or not len(sums) or not np.all(np.isfinite(sums)) or block < 1:  # noqa: PLR2004 - dates by sums
        message = (
            f"expected finite sums of shape (T, K) and a block >= 1, was {sums.shape}, {block}"
        )
        raise InputError(message)
    n_dates = len(sums)
    value = float(statistic(sums.sum(axis=0)[None, :])[0])
    if n_dates < 2 * block:
        return Estimate(value, math.nan, math.nan, n, "none: too few dates")
    circle = np.concatenate([np.zeros((1, sums.shape[1])), sums, sums[: block - 1]])
    running = np.cumsum(circle, axis=0)
    blocks = running[block:] - running[:-block]
    generator = np.random.default_rng(SEED)
    per_draw = math.ceil(n_dates / block)
    left, draws = n_resamples(n_dates), []
    while left > 0:
        rows = min(left, max(1, _BATCH_VALUES // (per_draw * sums.shape[1])))
        starts = generator.integers(0, len(blocks), size=(rows, per_draw))
        draws.append(statistic(blocks[starts].sum(axis=1)))
        left -= rows
    method = f"circular block bootstrap of dates, block {block}"
    return Estimate(value, *interval(np.concatenate(draws)), n, method)
