"""Weights that an optimiser finds, the cost of getting there included.

Both add to their loss what the change of weights costs: ``cost * sum(|w - w_before|)``, where cost
is the fee and the slippage of what is traded. Strategies hold less than all of their share at most
times, and nothing is traded before they decide to, so the true cost is lower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from athena.errors import MissingExtra
from athena.research.allocation._plain import risk_parity

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = NDArray[np.float64]

_EXTRA = "portfolio"
_LEAST_WEIGHT = 1e-9  # under a logarithm
# Of the loss, which is scaled to about 1. Where the first is finer than floats can go downhill,
# SLSQP says that it has failed; from where it stands the second tells whether it has arrived.
_PRECISIONS = (1e-15, 1e-12)
_MOST_STEPS = 1_000


@dataclass(frozen=True, slots=True)
class AllocationTerms:
    """What an allocation is made for.

    Attributes:
        cost_frac: what a traded amount costs, as a fraction of it, >= 0: fee and slippage.
        n_periods: periods of returns until the next allocation, > 0.
        risk_aversion: > 0; 1 is that of the logarithm, which makes growth largest.
    """

    cost_frac: float
    n_periods: float
    risk_aversion: float


@dataclass(frozen=True, slots=True)
class _Loss:
    """A smooth loss of weights, and its gradient."""

    value: Callable[[Floats], float]
    gradient: Callable[[Floats], Floats]
    scale: float


def mean_variance(
    mean: Floats, covariance: Floats, before: Floats, terms: AllocationTerms
) -> tuple[Floats, str]:
    """Make the expected utility largest (Markowitz 1952), costs of the change included.

    ``n (m' w - a/2 w' C w) - cost * sum(|w - w_before|)`` over ``w >= 0, sum(w) <= 1``, with n
    periods and risk aversion a. What is not allotted stays in cash.

    Args:
        mean: (N,) float64, mean return of a period.
        covariance: (N, N) float64, positive definite.
        before: (N,) float64, the weights that are in force.
        terms: cost, periods, risk aversion.

    Returns:
        (N,) float64, and why they are none: empty when the optimiser has converged.

    Raises:
        MissingExtra: scipy is not installed.
    """
    n, a = terms.n_periods, terms.risk_aversion
    loss = _Loss(
        value=lambda w: n * float(a / 2 * w @ covariance @ w - mean @ w),
        gradient=lambda w: n * (a * covariance @ w - mean),
        scale=n * max(a * float(np.diag(covariance).max()), float(np.abs(mean).max())),
    )
    return _minimise(loss, before, before, terms.cost_frac, is_full=False)


def risk_parity_after_costs(
    covariance: Floats, before: Floats, cost_frac: float
) -> tuple[Floats, str]:
    """Go to risk parity as far as it is worth what it costs.

    ``w' C w / 2v - sum(ln w) / N + cost * sum(|w - w_before|)`` is made least over ``sum(w) = 1``.
    v is the variance at risk parity, so that without a cost the minimum is risk parity itself,
    see `risk_parity`, and so that scales make no difference: a change is made where it lessens
    this relative risk by more than it costs.

    Args:
        covariance: (N, N) float64, positive definite.
        before: (N,) float64, the weights that are in force.
        cost_frac: what a traded amount costs, as a fraction of it, >= 0.

    Returns:
        (N,) float64, and why they are none: empty when the optimiser has converged.

    Raises:
        MissingExtra: scipy is not installed.
    """
    parity = risk_parity(covariance)
    n = len(parity)
    if cost_frac == 0 or n == 1:
        return parity, ""
    relative = covariance / float(parity @ covariance @ parity)
    loss = _Loss(
        value=lambda w: float(w @ relative @ w / 2 - np.log(w).sum() / n),
        gradient=lambda w: relative @ w - 1.0 / (n * w),
        scale=1.0,
    )
    return _minimise(loss, before, parity, cost_frac, is_full=True)


def _minimise(
    loss: _Loss, before: Floats, first: Floats, cost_frac: float, *, is_full: bool
) -> tuple[Floats, str]:
    """Minimise a loss and the cost of the change with SLSQP, which is deterministic.

    The variables are what is added to each weight and what is taken from it, both >= 0, because a
    sum of them is smooth where the absolute value is not.

    Args:
        loss: convex in the weights.
        before: (N,) the weights that are in force.
        first: (N,) where to begin, within the bounds.
        cost_frac: of what is added and of what is taken.
        is_full: whether weights come to 1, or to 1 at most.

    Returns:
        The weights, and what the optimiser says when it has not converged.
    """
    try:
        from scipy.optimize import minimize  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        raise MissingExtra(_EXTRA, package="scipy", needed_for="an allocation") from None

    n = len(before)
    scale = max(loss.scale, cost_frac)
    least = _LEAST_WEIGHT if is_full else 0.0

    def weights_of(x: Floats) -> Floats:
        return before + x[:n] - x[n:]

    def value(x: Floats) -> float:
        return (loss.value(weights_of(x)) + cost_frac * float(x.sum())) / scale

    def gradient(x: Floats) -> Floats:
        slope = loss.gradient(weights_of(x))
        return np.concatenate((slope + cost_frac, cost_frac - slope)) / scale

    room = np.concatenate((-np.ones(n), np.ones(n)))
    limits = [(max(0.0, least - own), 1.0) for own in before]
    limits += [(0.0, max(0.0, own - least)) for own in before]
    x = np.concatenate((np.maximum(first - before, 0.0), np.maximum(before - first, 0.0)))
    message = ""
    for precision in _PRECISIONS:
        found: Any = minimize(
            value,
            x,
            jac=gradient,
            bounds=limits,
            constraints={
                "type": "eq" if is_full else "ineq",
                "fun": lambda x: 1.0 - float(weights_of(x).sum()),
                "jac": lambda _: room,
            },
            method="SLSQP",
            options={"ftol": precision, "maxiter": _MOST_STEPS},
        )
        x, message = np.asarray(found.x), "" if found.success else f"SLSQP: {found.message}"
        if not message:
            break
    weights = np.clip(weights_of(x), 0.0, 1.0)
    return weights / max(1.0, float(weights.sum())), message
