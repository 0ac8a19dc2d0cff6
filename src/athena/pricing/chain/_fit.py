"""Fit one slice to quoted volatilities: robust, then free of arbitrage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from athena.pricing.chain._svi import Slice

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.pricing._contracts import Floats

_FEWEST_QUOTES = 5
_HUBER = 1.0  # half-spreads; a residual beyond weighs less
_MOST_STEPS = 120
_PENALTIES = (1e1, 1e2, 1e3, 1e4, 1e5)  # half-spreads a unit of violation, raised until it is gone
_G_MARGIN, _CALENDAR_MARGIN = 1e-4, 1e-3  # g, and share of variance, that a refit keeps away
_ROUNDING = 1e-9  # of g or variance: less is no violation
_CHECKED = 401  # points of the arbitrage checks
_LARGEST_SLOPE = 1.5  # of the wings; towards 2 the density's tail loses its mean
_IN = 0.999  # of a bound, where a start is moved inside
_MOST_DAMPING = 1e9  # no direction helps any more
_ROUNDEST, _SHARPEST = 3.0, 0.01  # c in quoted widths


@dataclass(frozen=True, slots=True, eq=False)
class SmileQuotes:
    """What one slice is fitted to, (n,) each.

    Attributes:
        k: log-moneyness.
        sigma: volatility of the mid.
        weight: vega over half-spread: half-spreads of price a unit of volatility.
        years: to expiry, one number.
    """

    k: Floats
    sigma: Floats
    weight: Floats
    years: float


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A slice with what is said about it.

    Attributes:
        slice: the parameters.
        leverage: (n,) share of each fitted value that comes from the quote itself, in [0, 1).
        is_repaired: a first fit had arbitrage and was done again with penalties.
    """

    slice: Slice
    leverage: Floats
    is_repaired: bool


def check_grid(low: float, high: float) -> Floats:
    """Return the 401 points on which arbitrage is looked for, a little beyond the quotes."""
    reach = 0.75 * max(high - low, 0.1)
    return np.linspace(low - reach, high + reach, _CHECKED)


def fit_slice(quotes: SmileQuotes, before: Before | None) -> Fitted | None:
    """Fit a slice by Levenberg and Marquardt's steps with Huber's weights.

    A fit with butterfly arbitrage, or that falls under the expiry before where that one was
    quoted, is done again with growing penalties; what is left is for the caller to report.

    Args:
        quotes: of one expiry.
        before: the slice of the expiry before; None for the first.

    Returns:
        the fit; None for fewer than five quotes.
    """
    if len(quotes.k) < _FEWEST_QUOTES:
        return None
    problem = _Problem.of(quotes, before)
    free = _descend(problem, problem.start(), 0.0)
    is_repaired = not problem.is_clean(free)
    if is_repaired:
        free = _repair(problem, free)
    return Fitted(problem.slice(free), _leverage(problem, free), is_repaired)


def _repair(problem: _Problem, free: Floats) -> Floats:
    """Take the arbitrage out of a fit: the better of two starts, its own and the slice before."""
    starts = [free]
    if problem.before is not None:
        starts.append(problem.free(problem.before.raised_to(problem.quotes)))
    ends = []
    for start in starts:
        end = start
        for penalty in _PENALTIES:
            end = _descend(problem, end, penalty)
            if problem.is_clean(end):
                break
        ends.append(end)
    return min(ends, key=lambda end: problem.cost(end, _PENALTIES[-1]))


@dataclass(frozen=True, slots=True)
class Before:
    """The slice of the expiry before, with the log-moneyness that it was quoted in."""

    slice: Slice
    low: float
    high: float

    def raised_to(self, quotes: SmileQuotes) -> Slice:
        """Scale the slice so that it nowhere lies under itself and meets the later quotes."""
        own = self.slice.variance(quotes.k)
        ratio = float(np.median(quotes.sigma**2 * quotes.years / own))
        ratio = max(ratio, 1.0)
        old = self.slice
        return Slice(old.a * ratio, old.b * ratio, old.rho, old.m, old.c)

    def fall(self, later: Slice) -> Floats:
        """Measure how far a later slice lies under it, as a share of variance; <= 0 is well."""
        k = np.linspace(self.low, self.high, _CHECKED)
        return np.asarray(1.0 - later.variance(k) / self.slice.variance(k))


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """What is minimised over five unbounded numbers, which keep every slice inside its bounds.

    They stand for the smallest variance (a log), the slope of the steeper wing and the tilt
    (inverse hyperbolic tangents), the centre in quoted widths and the roundness (likewise).
    """

    quotes: SmileQuotes
    before: Before | None
    grid: Floats
    middle: float
    width: float

    @classmethod
    def of(cls, quotes: SmileQuotes, before: Before | None) -> Self:
        low, high = float(quotes.k.min()), float(quotes.k.max())
        grid = check_grid(low, high)
        return cls(quotes, before, grid, 0.5 * (low + high), max(high - low, 1e-3))

    def slice(self, free: Floats) -> Slice:
        lowest, steep, tilt, centre, roundness = free.tolist()
        rho = 0.9999 * math.tanh(tilt)
        b = 0.5 * _LARGEST_SLOPE * (1.0 + math.tanh(steep)) / (1.0 + abs(rho))
        c = self.width * _SHARPEST * (_ROUNDEST / _SHARPEST) ** (0.5 + 0.5 * math.tanh(roundness))
        a = math.exp(min(lowest, 5.0)) - b * c * math.sqrt(1.0 - rho * rho)
        return Slice(a, b, rho, self.middle + self.width * math.tanh(centre), c)

    def free(self, found: Slice) -> Floats:
        """Turn a slice into free numbers, moving it inside the bounds where it is outside."""
        rho = float(np.clip(found.rho, -0.999, 0.999))
        lowest = found.a + found.b * found.c * math.sqrt(1.0 - rho * rho)
        steep = 2.0 * found.b * (1.0 + abs(rho)) / _LARGEST_SLOPE - 1.0
        size = math.log(found.c / self.width / _SHARPEST) / math.log(_ROUNDEST / _SHARPEST)
        inside = np.clip(
            [steep, (found.m - self.middle) / self.width, 2.0 * size - 1.0], -_IN, _IN
        )
        steep, centre, roundness = np.arctanh(inside).tolist()
        smallest = 1e-3 * float(np.min(self.quotes.sigma)) ** 2 * self.quotes.years
        return np.array(
            [math.log(max(lowest, smallest)), steep, math.atanh(rho), centre, roundness]
        )

    def values(self, free: Floats, penalty: float) -> Floats:
        """Put residuals and what breaks the limits into one column."""
        fit = self.residual(free)
        if penalty == 0.0:
            return fit
        broken = self.violation(free, _G_MARGIN, _CALENDAR_MARGIN)
        return np.concatenate([fit, penalty * broken])

    def cost(self, free: Floats, penalty: float) -> float:
        return _cost(self.values(free, penalty), len(self.quotes.k))

    def residual(self, free: Floats) -> Floats:
        """Compare model and mids, in half-spreads of price."""
        variance = np.maximum(self.slice(free).variance(self.quotes.k), 1e-300)
        sigma = np.sqrt(variance / self.quotes.years)
        return np.asarray((sigma - self.quotes.sigma) * self.quotes.weight)

    def violation(self, free: Floats, g_margin: float, calendar_margin: float) -> Floats:
        """Measure by how much g and the calendar break their limits; 0 where they hold."""
        found = self.slice(free)
        parts = [np.maximum(g_margin - found.butterfly(self.grid), 0.0)]
        if self.before is not None:
            parts.append(np.maximum(self.before.fall(found) + calendar_margin, 0.0))
        return np.concatenate(parts)

    def is_clean(self, free: Floats) -> bool:
        return bool(self.violation(free, 0.0, 0.0).max() <= _ROUNDING)

    def start(self) -> Floats:
        """Solve for (a, b rho, b) on a grid of centres and roundnesses, and take the best."""
        quotes = self.quotes
        w = quotes.sigma**2 * quotes.years
        weight = quotes.weight / np.maximum(2.0 * quotes.sigma * quotes.years, 1e-12)
        weight = np.minimum(weight, 20.0 * np.median(weight))
        trials = []
        for m in self.middle + self.width * np.linspace(-0.5, 0.5, 9):
            for c in self.width * np.array([0.02, 0.06, 0.2, 0.6]):
                shifted = quotes.k - m
                root = np.sqrt(shifted * shifted + c * c)
                columns = np.column_stack([np.ones_like(w), shifted, root]) * weight[:, None]
                level, tilt, slope = np.linalg.lstsq(columns, w * weight, rcond=None)[0]
                slope = max(float(slope), 1e-6)
                rho = float(np.clip(tilt / slope, -0.99, 0.99))
                trials.append(self.free(Slice(float(level), slope, rho, float(m), float(c))))
        return min(trials, key=lambda trial: float(np.abs(self.residual(trial)).sum()))


def _jacobian(function: Callable[[Floats], Floats], free: Floats, here: Floats) -> Floats:
    """Differentiate by forward differences from `here`, the values at `free`; (n, 5)."""
    columns = []
    for index in range(len(free)):
        step = np.zeros(len(free))
        step[index] = 1e-7 * max(1.0, abs(free[index]))
        columns.append((function(free + step) - here) / step[index])
    return np.column_stack(columns)


def _descend(problem: _Problem, free: Floats, penalty: float) -> Floats:
    """Minimise Huber's loss plus squared penalties by damped Gauss-Newton steps."""

    def both(trial: Floats) -> Floats:
        return problem.values(trial, penalty)

    n = len(problem.quotes.k)
    damping = 1e-3
    values = both(free)
    cost = _cost(values, n)
    for _ in range(_MOST_STEPS):
        slopes = _jacobian(both, free, values)
        weight = np.ones(len(values))
        weight[:n] = np.minimum(1.0, _HUBER / np.maximum(np.abs(values[:n]), 1e-300))
        hessian = slopes.T @ (weight[:, None] * slopes)
        gradient = slopes.T @ (weight * values)
        scale = np.diag(np.maximum(np.diag(hessian), 1e-12))
        lower, moved, trial = np.inf, free, values
        while damping < _MOST_DAMPING and not lower < cost:
            step = -np.linalg.solve(hessian + damping * scale, gradient)
            moved = np.asarray(free + step, dtype=np.float64)
            trial = both(moved)
            lower = _cost(trial, n)
            damping *= 8.0
        if not lower < cost:
            break
        is_still = cost - lower <= 1e-9 * cost
        free, values, cost = moved, trial, lower
        damping = max(damping / 64.0, 1e-12)
        if is_still:
            break
    return free


def _cost(values: Floats, n: int) -> float:
    size = np.abs(values[:n])
    huber = np.where(size <= _HUBER, 0.5 * size * size, _HUBER * (size - 0.5 * _HUBER))
    return float(huber.sum() + 0.5 * (values[n:] ** 2).sum())


def _leverage(problem: _Problem, free: Floats) -> Floats:
    """Compute the diagonal of the hat matrix of the last step, with Huber's weights."""
    residual = problem.residual(free)
    slopes = _jacobian(problem.residual, free, residual)
    size = np.abs(residual)
    weight = np.minimum(1.0, _HUBER / np.maximum(size, 1e-300))
    inverse = np.linalg.pinv(slopes.T @ (weight[:, None] * slopes))
    hat = weight * np.einsum("ij,jk,ik->i", slopes, inverse, slopes)
    return np.asarray(np.clip(hat, 0.0, 1.0 - 1e-9))
