"""A covariance that can be trusted with few returns: shrunk towards one without correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shrunk_covariance(returns: Floats) -> Floats:
    """Estimate a covariance by Ledoit and Wolf (2004), "A well-conditioned estimator".

    ``(1 - d) S + d m I``: S is the sample covariance (divided by T), m the mean of its diagonal,
    and d in [0, 1] the part that makes the expected squared error least. So it can be inverted
    with fewer returns than strategies, and an optimiser finds no hedge that is only noise.

    Args:
        returns: (T, N) float64, finite, T >= 1, N >= 1, per period.

    Returns:
        (N, N) float64, symmetric; positive definite unless all returns are constant.
    """
    n_returns, n = returns.shape
    centred = returns - returns.mean(axis=0)
    sample: Floats = centred.T @ centred / n_returns
    mean_variance = float(np.trace(sample)) / n
    target = mean_variance * np.eye(n)
    distance = float(((sample - target) ** 2).sum())
    if distance == 0:  # one strategy, or the target itself
        return sample
    # The mean squared distance of the T outer products from S, over T: the noise in S.
    squares = centred**2
    noise = float(((squares.T @ squares) / n_returns - sample**2).sum()) / n_returns
    part = min(noise, distance) / distance
    shrunk: Floats = (1 - part) * sample + part * target
    return shrunk
