"""Finite differences for one option: cash dividends, any sign of rates, American exercise.

Crank and Nicolson's scheme in the spot, on a grid that is dense around the strike, with four
damping half-steps after each kink (Rannacher, 1984, Numerische Mathematik 43), cell averages of
the payoff, and the penalty method for exercise (Forsyth and Vetzal, 2002, SIAM Journal on
Scientific Computing 23).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError, MissingExtra
from athena.pricing._contracts import shaped
from athena.pricing._status import RowStatus, require_ok
from athena.pricing.closed import Greeks
from athena.pricing.engines._tridiagonal import tridiagonal_solver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.pricing._contracts import Contracts, Floats

_PENALTY = 1e8
_MOST_EXERCISE_STEPS = 20
_DAMPING_STEPS = 4  # of half the length
_WIDTH_DEVIATIONS = 6.0
_DENSITY = 0.08  # share of the strike over which the grid is nearly even
_SIGMA_STEP, _RATE_STEP = 1e-2, 1e-3  # relative, absolute: of the differences for vega and rho


@dataclass(frozen=True, slots=True)
class Dividend:
    """A cash dividend, known in advance.

    Attributes:
        years: from now to the moment the spot falls by it, > 0.
        amount: quote currency, >= 0.
    """

    years: float
    amount: float


@dataclass(frozen=True, slots=True)
class Mesh:
    """How fine the grid is.

    Attributes:
        n_space: intervals in the spot.
        n_time: steps over the whole life; each stretch between dividends has eight at least.
    """

    n_space: int = 500
    n_time: int = 250


@dataclass(frozen=True, slots=True)
class _Option:
    spot: float
    strike: float
    years: float
    rate: float
    dividend_yield: float
    sigma: float
    sign: float
    is_american: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Solution:
    """Values on the grid of spots, now."""

    spots: Floats
    values: Floats


def finite_difference_greeks(
    contract: Contracts,
    dividends: Sequence[Dividend] = (),
    *,
    is_american: bool,
    mesh: Mesh | None = None,
) -> Greeks:
    """Price one option with Greeks by finite differences; the spot falls by each dividend paid.

    Delta, gamma and theta come from the grid, vega and rho from differences of whole solutions.

    Args:
        contract: one row, of shape ().
        dividends: in any order; those at or after expiry are left out.
        is_american: whether it may be exercised early.
        mesh: how fine; the default is good to about 1e-5 of the strike.

    Returns:
        Greeks with scalars, status OK.

    Raises:
        InputError: the contract is not valid, has no randomness, or a dividend is negative.
        MissingExtra: scipy is not installed.

    Checks: PR-17, PR-18.
    """
    option = _option(contract, is_american=is_american)
    mesh = mesh or Mesh()
    used = _check_dividends(dividends, option.years)
    price, delta, gamma, theta = _at_spot(_solve(option, used, mesh), option)
    up, down = (
        _at_spot(_solve(replace(option, sigma=option.sigma * factor), used, mesh), option)[0]
        for factor in (1.0 + _SIGMA_STEP, 1.0 - _SIGMA_STEP)
    )
    vega = (up - down) / (2.0 * _SIGMA_STEP * option.sigma)
    up, down = (
        _at_spot(_solve(replace(option, rate=option.rate + step), used, mesh), option)[0]
        for step in (_RATE_STEP, -_RATE_STEP)
    )
    rho = (up - down) / (2.0 * _RATE_STEP)
    table = np.array([price, delta, gamma, vega, theta, rho])
    status = np.array([RowStatus.OK], dtype=np.uint8)
    price_, delta_, gamma_, vega_, theta_, rho_ = (shaped(table[i : i + 1], ()) for i in range(6))
    return Greeks(price_, delta_, gamma_, vega_, theta_, rho_, shaped(status, ()))


def finite_difference_price(
    contract: Contracts,
    dividends: Sequence[Dividend] = (),
    *,
    is_american: bool,
    mesh: Mesh | None = None,
) -> float:
    """Price one option by finite differences; arguments and errors as for the Greeks."""
    option = _option(contract, is_american=is_american)
    used = _check_dividends(dividends, option.years)
    return _at_spot(_solve(option, used, mesh or Mesh()), option)[0]


def _option(contract: Contracts, *, is_american: bool) -> _Option:
    status = np.where(contract.is_valid(), RowStatus.OK, RowStatus.BAD_INPUT)
    require_ok(status, what="the contract")
    values = (
        contract.spot, contract.strike, contract.years, contract.rate, contract.dividend_yield,
        contract.sigma,
    )  # fmt: skip
    spot, strike, years, rate, dividend_yield, sigma = (float(column[0]) for column in values)
    if not (spot > 0.0 and strike > 0.0 and years > 0.0 and sigma > 0.0):
        message = (
            f"expected spot, strike, years and volatility > 0, "
            f"was {spot}, {strike}, {years}, {sigma}"
        )
        raise InputError(message, hint="without randomness the closed form has the value")
    sign = 1.0 if contract.is_call[0] else -1.0
    return _Option(spot, strike, years, rate, dividend_yield, sigma, sign, is_american)


def _check_dividends(dividends: Sequence[Dividend], years: float) -> list[Dividend]:
    """Return those before expiry, the last first."""
    for item in dividends:
        if not (item.amount >= 0.0 and item.years > 0.0 and math.isfinite(item.amount)):
            message = f"expected dividends >= 0 after now, was {item.amount} at {item.years} years"
            raise InputError(message)
    return sorted((item for item in dividends if item.years < years), key=lambda item: -item.years)


def _solve(option: _Option, dividends: list[Dividend], mesh: Mesh) -> _Solution:
    """Walk from expiry to now, stretch by stretch between dividends."""
    spots = _spots(option, dividends, mesh.n_space)
    payoff = np.maximum(option.sign * (spots - option.strike), 0.0)
    stepper = _Stepper(option, spots, payoff)
    values = _cell_averages(option, spots)
    later = option.years
    for item in [*dividends, None]:
        earlier = 0.0 if item is None else item.years
        share = (later - earlier) / option.years
        n_steps = max(8, math.ceil(mesh.n_time * share))
        values = stepper.walk(values, later - earlier, n_steps)
        if item is not None:
            values = _spline(spots, values)(np.maximum(spots - item.amount, 0.0))
            if option.is_american:
                values = np.maximum(values, payoff)
        later = earlier
    return _Solution(spots, values)


def _spots(option: _Option, dividends: list[Dividend], n_space: int) -> Floats:
    """Spread the grid by a hyperbolic sine around the strike, from 0 to far in the tail."""
    drift = abs(option.rate - option.dividend_yield) * option.years
    deviation = option.sigma * math.sqrt(option.years)
    paid = sum(item.amount for item in dividends)
    centre = max(option.spot, option.strike) + paid
    top = centre * math.exp(_WIDTH_DEVIATIONS * deviation + drift)
    scale = _DENSITY * option.strike * max(1.0, deviation / _DENSITY)
    low = math.asinh(-option.strike / scale)
    high = math.asinh((top - option.strike) / scale)
    spots = option.strike + scale * np.sinh(np.linspace(low, high, n_space + 1))
    spots[0] = 0.0
    return np.asarray(spots, dtype=np.float64)


def _cell_averages(option: _Option, spots: Floats) -> Floats:
    """Average the payoff over each cell, so that the kink may lie anywhere between nodes."""
    edges = np.concatenate([[spots[0]], 0.5 * (spots[1:] + spots[:-1]), [spots[-1]]])
    inner = np.maximum(option.sign * (edges - option.strike), 0.0)
    whole = option.sign * 0.5 * inner * inner  # the payoff's integral
    return np.asarray(np.diff(whole) / np.diff(edges))


def _spline(spots: Floats, values: Floats) -> Callable[[Floats], Floats]:
    try:
        from scipy.interpolate import CubicSpline  # type: ignore[import-untyped]  # likewise
    except ImportError as error:
        needed_for = "pricing by finite differences"
        raise MissingExtra(extra="pricing", package="scipy", needed_for=needed_for) from error
    spline: Callable[..., Floats] = CubicSpline(spots, values)
    return spline


def _at_spot(solution: _Solution, option: _Option) -> tuple[float, float, float, float]:
    """Read price, delta, gamma and theta at the spot."""
    spline = _spline(solution.spots, solution.values)
    at = np.array([option.spot])
    price, delta, gamma = (
        float(spline(at, order)[0])  # type: ignore[call-arg]  # the order of the derivative
        for order in range(3)
    )
    payoff = max(option.sign * (option.spot - option.strike), 0.0)
    if option.is_american and price <= payoff * (1.0 + 1e-12) and payoff > 0.0:
        return payoff, option.sign, 0.0, 0.0
    drift = (option.rate - option.dividend_yield) * option.spot * delta
    theta = option.rate * price - drift - 0.5 * (option.sigma * option.spot) ** 2 * gamma
    return price, delta, gamma, theta


class _Stepper:
    """The operator on a grid, and steps back in time with it."""

    def __init__(self, option: _Option, spots: Floats, payoff: Floats) -> None:
        self._solve = tridiagonal_solver()
        self._option = option
        self._payoff = payoff
        self._below, self._middle, self._above = _operator(option, spots)

    def walk(self, values: Floats, years: float, n_steps: int) -> Floats:
        """Walk back over a stretch that begins with a kink."""
        length = years / n_steps
        for _ in range(_DAMPING_STEPS):
            values = self._step(values, 0.5 * length, 1.0)
        for _ in range(n_steps - _DAMPING_STEPS // 2):
            values = self._step(values, length, 0.5)
        return values

    def _step(self, values: Floats, length: float, implicit: float) -> Floats:
        explicit = (1.0 - implicit) * length
        right = values + explicit * self._middle * values
        right[1:] += explicit * self._below * values[:-1]
        right[:-1] += explicit * self._above * values[1:]
        ahead = implicit * length
        below, above = -ahead * self._below, -ahead * self._above
        diagonal = 1.0 - ahead * self._middle
        new = self._solve(below, diagonal, above, right)
        if not self._option.is_american:
            return new
        exercised = np.zeros(len(new), dtype=np.bool_)
        for _ in range(_MOST_EXERCISE_STEPS):
            again = new < self._payoff
            if np.array_equal(again, exercised):
                break
            exercised = again
            penalty = np.where(exercised, _PENALTY, 0.0)
            new = self._solve(below, diagonal + penalty, above, right + penalty * self._payoff)
        return np.maximum(new, self._payoff)


def _operator(option: _Option, spots: Floats) -> tuple[Floats, Floats, Floats]:
    """Discretise sigma^2 S^2 V'' / 2 + (r - q) S V' - r V; linear at the far end."""
    n = len(spots)
    step = np.diff(spots)
    left, right = step[:-1], step[1:]
    inner = spots[1:-1]
    diffusion = (option.sigma * inner) ** 2
    drift = (option.rate - option.dividend_yield) * inner
    below, middle, above = np.zeros(n - 1), np.full(n, -option.rate), np.zeros(n - 1)
    below[:-1] = (diffusion - drift * right) / (left * (left + right))
    above[1:] = (diffusion + drift * left) / (right * (left + right))
    middle[1:-1] -= below[:-1] + above[1:]
    edge = (option.rate - option.dividend_yield) * spots[-1] / step[-1]
    below[-1] = -edge
    middle[-1] += edge
    return below, middle, above
