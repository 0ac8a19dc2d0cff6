"""The metrics themselves: plain formulas over the last axis of a table of returns.

One formula serves the run, shape (n,), and its bootstrap resamples, shape (R, n).
Each metric's formula, unit, best value and source stand in docs/explanation/statistics.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from athena.research.statistics._returns import Floats, underwater

_SHORTEST_YEARS = 30 / 365  # growth a year from less is an extrapolation, not a measurement
_FLAT = 1e-12  # returns that vary less than this do not vary: rounding is all there is


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """Hold one value per metric, or one per resample; shapes are those of the returns less n.

    Attributes:
        total_return: fraction.
        cagr: fraction a year; NaN when less than 30 days are covered.
        volatility: annualised standard deviation of returns, >= 0.
        sharpe, sortino: annualised, risk-free rate 0; NaN when returns do not vary.
        max_drawdown: positive fraction, 0.2 is a fall of 20 %.
        calmar: cagr / max_drawdown; NaN when nothing was ever lost, or with cagr.
    """

    total_return: Floats
    cagr: Floats
    volatility: Floats
    sharpe: Floats
    sortino: Floats
    max_drawdown: Floats
    calmar: Floats


def ratios(returns: Floats, periods_per_year: float, years: float) -> Ratios:
    """Compute every metric over the last axis.

    Args:
        returns: (..., n) float64, simple returns, each > -1 except a ruinous last one.
        periods_per_year: how many of them make a year.
        years: time covered, for the yearly growth rate.

    Returns:
        arrays of shape (...); all NaN when n is 0, and NaN where a ratio is not defined.
    """
    if returns.shape[-1] == 0:
        nothing = np.full(returns.shape[:-1], np.nan)
        return Ratios(*(nothing for _ in range(7)))
    with np.errstate(divide="ignore"):  # log1p(-1) is -inf: ruin, which the formulas carry through
        path = np.cumsum(np.log1p(np.maximum(returns, -1.0)), axis=-1)
    growth = path[..., -1]
    is_long = years >= _SHORTEST_YEARS
    cagr = np.expm1(growth / years) if is_long else np.full_like(growth, np.nan)
    fall = _max_drawdown(path)
    return Ratios(
        total_return=np.expm1(growth),
        cagr=cagr,
        volatility=_deviation(returns) * np.sqrt(periods_per_year),
        sharpe=sharpe_per_period(returns) * np.sqrt(periods_per_year),
        sortino=_sortino_per_period(returns) * np.sqrt(periods_per_year),
        max_drawdown=fall,
        calmar=_divide(cagr, fall),
    )


def sharpe_per_period(returns: Floats) -> Floats:
    """Divide mean by standard deviation (n - 1) over the last axis, not annualised.

    Returns:
        shape of returns less the last axis; NaN for fewer than 2 returns or when they do not vary.

    Source: W. F. Sharpe (1994), The Sharpe ratio, Journal of Portfolio Management 21.
    """
    if returns.shape[-1] == 0:
        return np.full(returns.shape[:-1], np.nan)
    return _divide(returns.mean(axis=-1), _deviation(returns))


def max_drawdown(equity: Floats) -> float:
    """Find the deepest fall from a running peak, as a positive fraction; NaN when empty."""
    return float(-underwater(equity).min()) if len(equity) else float("nan")


def _deviation(returns: Floats) -> Floats:
    if returns.shape[-1] < 2:  # noqa: PLR2004 - a deviation needs two values
        return np.full(returns.shape[:-1], np.nan)
    return np.asarray(returns.std(axis=-1, ddof=1))


def _sortino_per_period(returns: Floats) -> Floats:
    losses = np.minimum(returns, 0.0)
    downside = np.sqrt(np.mean(losses * losses, axis=-1))
    return _divide(returns.mean(axis=-1), downside)


def _max_drawdown(path: Floats) -> Floats:
    peak = np.maximum(np.maximum.accumulate(path, axis=-1), 0.0)  # the start counts as a peak
    return np.asarray(-np.expm1(np.min(path - peak, axis=-1)))


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    safe = np.where(np.abs(denominator) > _FLAT, denominator, np.nan)
    return np.asarray(numerator / safe)
