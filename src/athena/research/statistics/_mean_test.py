"""Is a mean different from 0 when neighbouring values are not independent?

Source: W. K. Newey and K. D. West (1987), A simple, positive semi-definite, heteroskedasticity and
autocorrelation consistent covariance matrix, Econometrica 55.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.statistics._student import student_tail

if TYPE_CHECKING:
    from athena.research.statistics._returns import Floats


@dataclass(frozen=True, slots=True)
class MeanTest:
    """Hold a mean with its Newey-West error.

    Attributes:
        mean: of the values; error: its standard error, >= 0.
        t: mean / error; NaN when the values do not vary.
        p_value: two-sided, Student t with n - 1 degrees of freedom; NaN with t.
        n: number of values.
        lags: autocovariances that entered the error.
    """

    mean: float
    error: float
    t: float
    p_value: float
    n: int
    lags: int


def newey_west_mean(values: Floats, lags: int | None = None) -> MeanTest:
    """Test a mean against 0 with an error that knows of autocorrelation.

    Args:
        values: (n,) float64, finite, oldest first, n >= 2.
        lags: from 0 to n - 1; the cube root of n, rounded down, when None. Values that overlap,
            such as returns over h bars, need h - 1 at least.

    Raises:
        InputError: fewer than 2 values, one is not finite, or the lags are out of range.
    """
    n = len(values)
    lags = default_lags(n) if lags is None else lags
    variance = long_run_variance(values, lags)
    mean, error = float(values.mean()), math.sqrt(variance / n)
    t = mean / error if error > 0 else math.nan
    return MeanTest(mean, error, t, 2 * student_tail(abs(t), n - 1), n, lags)


def default_lags(n: int) -> int:
    """Return how many lags a series of n values gets: floor of the cube root."""
    return max(k for k in range(math.isqrt(n) + 1) if k**3 <= n)


def long_run_variance(values: Floats, lags: int) -> float:
    """Estimate n times the variance of the mean, with Bartlett weights 1 - k / (lags + 1).

    Args:
        values: (n,) float64, finite, oldest first, n >= 2.
        lags: from 0 to n - 1.

    Returns:
        >= 0; 0 when the values do not vary.

    Raises:
        InputError: fewer than 2 values, one is not finite, or the lags are out of range.
    """
    n = len(values)
    if values.ndim != 1 or n < 2:  # noqa: PLR2004 - a variance needs two values
        message = f"expected at least 2 values in one dimension, was of shape {values.shape}"
        raise InputError(message)
    if not np.all(np.isfinite(values)):
        index = int(np.flatnonzero(~np.isfinite(values))[0])
        message = f"expected finite values, was {values[index]} at index {index}"
        raise InputError(message)
    if not 0 <= lags < n:
        message = f"expected lags from 0 to {n - 1}, was {lags}"
        raise InputError(message)
    if np.all(values == values[0]):
        return 0.0
    centred = values - values.mean()
    total = float(centred @ centred)
    for k in range(1, lags + 1):
        total += 2.0 * (1.0 - k / (lags + 1)) * float(centred[k:] @ centred[:-k])
    return max(total / n, 0.0)
