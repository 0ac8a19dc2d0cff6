"""Rank information coefficient: does the order of forecasts match the order of what happened?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.statistics._estimate import CONFIDENCE, Estimate
from athena.research.statistics._mean_test import default_lags, newey_west_mean

if TYPE_CHECKING:
    from athena.research.statistics._returns import Floats

_LEAST_SYMBOLS = 3


@dataclass(frozen=True, slots=True, eq=False)
class InformationCoefficient:
    """Hold the rank correlation between forecasts and returns across symbols.

    Attributes:
        mean: over dates, in [-1, 1], with its 95 % interval; n counts dates.
        t: mean over its Newey-West error; p_value: two-sided.
        per_date: (T,) float64 in [-1, 1]; NaN where fewer than 3 symbols, or no order, is known.
        lags: autocovariances in the error, >= horizon - 1.
        horizon: bars ahead.
    """

    mean: Estimate
    t: float
    p_value: float
    per_date: Floats
    lags: int
    horizon: int

    def __post_init__(self) -> None:
        """Refuse a coefficient without sample size or interval."""
        if self.mean.n < 1 or not self.mean.has_interval:
            message = f"expected a mean with sample size and interval, was {self.mean}"
            raise InputError(message)


def information_coefficient(
    forecasts: Floats, returns: Floats, horizon: int = 1
) -> InformationCoefficient:
    """Correlate the ranks of forecasts and returns across symbols, date by date.

    Args:
        forecasts: (T, N) float64, oldest date first; NaN is missing. Equal values share a rank.
        returns: (T, N) over the horizon after each date; NaN is missing.
        horizon: bars ahead, >= 1.

    Raises:
        InputError: shapes differ, horizon < 1, or fewer dates than 2 * (horizon + 1) have three
            symbols with an order.

    Source: C. Spearman (1904), The proof and measurement of association between two things,
    American Journal of Psychology 15; errors by Newey and West (1987).
    """
    if forecasts.ndim != 2 or forecasts.shape != returns.shape or horizon < 1:  # noqa: PLR2004
        message = (
            "expected forecasts and returns of one shape (T, N) and a horizon >= 1, was "
            f"{forecasts.shape}, {returns.shape} and {horizon}"
        )
        raise InputError(message)
    per_date = np.array(
        [_rank_correlation(*pair) for pair in zip(forecasts, returns, strict=True)], dtype=float
    )
    known = per_date[np.isfinite(per_date)]
    if len(known) < 2 * (horizon + 1):
        message = (
            f"expected at least {2 * (horizon + 1)} dates with {_LEAST_SYMBOLS} ranked symbols, "
            f"was {len(known)}"
        )
        raise InputError(message, hint="score a longer period, or more symbols")
    test = newey_west_mean(known, lags=max(horizon - 1, default_lags(len(known))))
    half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * test.error
    method = f"Newey-West, {test.lags} lags"
    mean = Estimate(test.mean, test.mean - half, test.mean + half, test.n, method)
    return InformationCoefficient(mean, test.t, test.p_value, per_date, test.lags, horizon)


def _rank_correlation(x: Floats, y: Floats) -> float:
    known = np.isfinite(x) & np.isfinite(y)
    if np.count_nonzero(known) < _LEAST_SYMBOLS:
        return math.nan
    one, other = _ranks(x[known]), _ranks(y[known])
    one -= one.mean()
    other -= other.mean()
    scale = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / scale if scale > 0 else math.nan


def _ranks(values: Floats) -> Floats:
    """Rank values from 1; equal ones get the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[places])
