"""Weights by return over risk; the other allocations stand in `athena.research.allocation`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


_STILL = 1e-12  # a deviation under this part of the mean is rounding


def return_risk_weights(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weigh each column by its mean over its deviation; what lost has no weight.

    Args:
        returns: (T, N) float64, finite, T >= 2.

    Returns:
        (N,) float64 >= 0 that come to 1; all 0, which is cash, when nothing gained. A column that
        did not vary has no ratio and no weight.

    Raises:
        InputError: a return is NaN or infinite, or there are fewer than two.
    """
    if len(returns) < 2 or not np.isfinite(returns).all():  # noqa: PLR2004 - a deviation takes two
        message = f"expected two or more finite returns of each column, was {returns.shape}"
        raise InputError(message)
    mean, deviation = returns.mean(axis=0), returns.std(axis=0)
    ratios = np.zeros(returns.shape[1])
    np.divide(mean, deviation, out=ratios, where=(mean > 0) & (deviation > _STILL * mean))
    total = ratios.sum()
    return ratios / total if total > 0 else ratios
