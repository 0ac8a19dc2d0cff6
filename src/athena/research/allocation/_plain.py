"""Weights without an optimiser: equal, inverse volatility, risk parity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from athena.errors import CoreError

Floats = NDArray[np.float64]

_MOST_SWEEPS = 10_000
_STILL = 1e-14  # a sweep that moves no weight by more than this part of it has arrived


def equal_weights(n: int) -> Floats:
    """Return (n,) equal weights that come to 1."""
    return np.full(n, 1.0 / n)


def inverse_volatility(returns: Floats) -> Floats:
    """Weigh each strategy by 1 / standard deviation of its returns; correlation is left out.

    Args:
        returns: (T, N) float64, finite, every column varies.

    Returns:
        (N,) float64 > 0 that come to 1.
    """
    inverse = 1.0 / returns.std(axis=0)
    weights: Floats = inverse / inverse.sum()
    return weights


def risk_parity(covariance: Floats) -> Floats:
    """Weigh strategies so that each contributes the same to the variance of the whole.

    The contribution of i is ``w_i (C w)_i``; Maillard, Roncalli and Teiletche (2010). The weights
    are the minimum of ``x' C x / 2 - sum(ln x) / N``, scaled to 1 (Spinu 2013), found coordinate
    by coordinate (Griveau-Billion, Richard and Roncalli 2013), on correlations, so that scales
    make no difference.

    Args:
        covariance: (N, N) float64, positive definite.

    Returns:
        (N,) float64 > 0 that come to 1.

    Raises:
        CoreError: no convergence; a positive definite matrix always converges.
    """
    n = len(covariance)
    volatility = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(volatility, volatility)
    x = np.full(n, 1.0 / np.sqrt(correlation.sum()))
    for _ in range(_MOST_SWEEPS):
        before = x.copy()
        for k in range(n):
            others = float(correlation[k] @ x) - x[k]
            x[k] = (np.sqrt(others**2 + 4.0 / n) - others) / 2.0
        if float(np.abs(x / before - 1.0).max()) <= _STILL:
            parts = x / volatility
            weights: Floats = parts / parts.sum()
            return weights
    message = f"expected risk parity to converge in {_MOST_SWEEPS} sweeps, it did not"
    raise CoreError(message)
