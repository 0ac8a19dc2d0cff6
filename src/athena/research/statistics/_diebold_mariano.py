"""Diebold-Mariano test: does one forecast lose less than another, by more than luck?

Sources: F. X. Diebold and R. S. Mariano (1995), Comparing predictive accuracy, Journal of Business
and Economic Statistics 13; D. Harvey, S. Leybourne and P. Newbold (1997), Testing the equality of
prediction mean squared errors, International Journal of Forecasting 13 (small samples).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.statistics._mean_test import default_lags, long_run_variance
from athena.research.statistics._student import student_tail

if TYPE_CHECKING:
    from athena.research.statistics._returns import Floats

_LAGS_PER_OVERLAP = 4


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    """Compare the losses of two forecasts over the same dates.

    Attributes:
        mean_difference: loss of the first less loss of the second; below 0 the first is better.
        t: the statistic; NaN when the difference does not vary (the same forecast twice).
        p_two_sided: chance of a difference this large if both were equally good; NaN with t.
        p_first_better: the same, one-sided: small when the first is better; NaN with t.
        n: number of dates.
        horizon: bars ahead that were forecast.
        lags: autocovariances that entered the variance.
    """

    mean_difference: float
    t: float
    p_two_sided: float
    p_first_better: float
    n: int
    horizon: int
    lags: int


def diebold_mariano(
    first: Floats, second: Floats, horizon: int = 1, lags: int | None = None
) -> DieboldMariano:
    """Test whether two forecasts lose equally (FC-32).

    The variance has Bartlett weights, so that it cannot be negative. With the h - 1 lags of the
    original these weights drop a good part of the overlap of forecasts over h bars, and equal
    forecasts are told apart too often; therefore more lags by default, and the small-sample factor
    sqrt((T + 1 - 2m + m (m - 1) / T) / T) counts all of them: m = max(horizon, lags + 1).

    Args:
        first: (T,) or (T, N) float64 losses, oldest date first, one column per symbol; those of a
            date are averaged. NaN is a missing forecast: it drops out for both.
        second: losses of the other forecast, same shape.
        horizon: bars ahead, >= 1; forecasts of neighbouring dates overlap by horizon - 1.
        lags: >= horizon - 1; when None the larger of 4 * (horizon - 1) and the cube root of T.

    Raises:
        InputError: shapes differ, a loss is infinite, horizon < 1, too few lags, or fewer dates
            with both losses than 2 * max(horizon, lags + 1).
    """
    difference = _by_date(first, second)
    n = len(difference)
    if lags is None:
        lags = max(_LAGS_PER_OVERLAP * (horizon - 1), default_lags(n))
    if horizon < 1 or lags < horizon - 1:
        message = (
            f"expected a horizon >= 1 and lags >= horizon - 1, was horizon {horizon}, lags {lags}"
        )
        raise InputError(message)
    reach = max(horizon, lags + 1)
    if n < 2 * reach:
        message = f"expected losses of at least {2 * reach} dates for {lags} lags, was {n}"
        raise InputError(message, hint="test a longer period, or a shorter horizon")
    mean = float(difference.mean())
    error = math.sqrt(long_run_variance(difference, lags) / n)
    factor = math.sqrt((n + 1 - 2 * reach + reach * (reach - 1) / n) / n)
    t = mean / error * factor if error > 0 else math.nan
    return DieboldMariano(
        mean_difference=mean,
        t=t,
        p_two_sided=2 * student_tail(abs(t), n - 1),
        p_first_better=student_tail(-t, n - 1),
        n=n,
        horizon=horizon,
        lags=lags,
    )


def _by_date(first: Floats, second: Floats) -> Floats:
    """Average the differences of each date over the symbols that have both losses."""
    if first.shape != second.shape or first.ndim not in {1, 2}:
        message = f"expected losses of one shape (T,) or (T, N), was {first.shape}, {second.shape}"
        raise InputError(message)
    if np.any(np.isinf(first)) or np.any(np.isinf(second)):
        message = "expected finite losses, NaN for a missing one, was infinite"
        raise InputError(message)
    table = (first - second).reshape(len(first), -1)
    counts = np.count_nonzero(~np.isnan(table), axis=1)
    has_any = counts > 0
    return np.asarray(np.nansum(table[has_any], axis=1) / counts[has_any])
