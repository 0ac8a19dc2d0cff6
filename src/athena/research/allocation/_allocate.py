"""One allocation: the method, the past returns, and what to do without enough of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.allocation._covariance import shrunk_covariance
from athena.research.allocation._optimal import (
    AllocationTerms,
    mean_variance,
    risk_parity_after_costs,
)
from athena.research.allocation._plain import equal_weights, inverse_volatility

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# A strategy whose returns vary less than this part of the most lively one's has not traded.
_IDLE = 1e-6


class Allocation(StrEnum):
    """How capital is divided."""

    EQUAL = "equal"
    INVERSE_VOLATILITY = "inverse-volatility"
    RISK_PARITY = "risk-parity"
    MEAN_VARIANCE = "mean-variance"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What an allocation came to.

    Attributes:
        weights: (N,) float64 >= 0, together 1 or less; the rest stays in cash.
        kept: why the weights before are kept; empty when they are new.
    """

    weights: Floats
    kept: str = ""


def allocate(
    method: Allocation, returns: Floats, before: Floats, terms: AllocationTerms
) -> Weights:
    """Divide capital between strategies by their past returns.

    A strategy that did not move in these returns has no risk that could be measured, which is not
    the same as none: it gets an equal part, 1/N, and the others share the rest by the method, as
    if it were all there is.

    Args:
        method: how.
        returns: (T, N) float64, finite, simple returns of a period, oldest first; T >= 2.
        before: (N,) float64, the weights that are in force; the first ones are equal.
        terms: what a change costs, and for how long the weights are to last.

    Returns:
        The new weights; or those before, with the reason, when the optimiser did not converge.

    Raises:
        InputError: a return is NaN or infinite, or there are fewer than two.
        MissingExtra: the method needs scipy, which is not installed.
    """
    _check(returns)
    n = returns.shape[1]
    weights = equal_weights(n)
    deviation = returns.std(axis=0)
    moves = deviation > _IDLE * deviation.max()
    if method is Allocation.EQUAL or not moves.any():
        return Weights(weights)
    part = float(moves.sum()) / n
    found, kept = _divide(method, returns[:, moves], before[moves] / part, terms)
    if kept:
        return Weights(before, kept)
    weights[moves] = part * found
    return Weights(weights)


def _check(returns: Floats) -> None:
    if len(returns) < 2 or not np.isfinite(returns).all():  # noqa: PLR2004 - a deviation takes two
        message = f"expected two or more finite returns of each strategy, was {returns}"
        raise InputError(message)


def _divide(
    method: Allocation, returns: Floats, before: Floats, terms: AllocationTerms
) -> tuple[Floats, str]:
    """Divide all of the capital between strategies that move."""
    if method is Allocation.INVERSE_VOLATILITY:
        return inverse_volatility(returns), ""
    covariance = shrunk_covariance(returns)
    if method is Allocation.RISK_PARITY:
        return risk_parity_after_costs(covariance, before, terms.cost_frac)
    return mean_variance(returns.mean(axis=0), covariance, before, terms)
