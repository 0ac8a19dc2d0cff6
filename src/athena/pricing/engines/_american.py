"""American options with a continuous yield: the European price plus the early-exercise premium.

A call is a put with spot and strike, rate and yield exchanged, so only puts are solved. The
boundary comes from `_boundary`; given it, the premium is one integral (Kim, 1990, The analytic
valuation of American options, Review of Financial Studies 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from athena.pricing._contracts import Contracts, Flags, Floats, shaped
from athena.pricing._status import RowStatus
from athena.pricing.closed import (
    Greeks,
    Prices,
    european_greeks,
    european_price,
    normal_cdf,
    normal_density,
)
from athena.pricing.engines._boundary import Effort, Grid, Puts, solve_boundary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.pricing._contracts import Codes

    Indices = NDArray[np.intp]

# Measured against QuantLib's high-precision engine, 300 puts: see docs/explanation/pricing.md.
FAST = Effort(n_nodes=6, n_points=8, n_price_points=16, tolerance=1e-5, most_steps=80)
PRECISE = Effort(n_nodes=12, n_points=24, n_price_points=64, tolerance=1e-7, most_steps=250)

_CACHED_VALUES = 16_384  # of nodes x points x options worked on at a time
_NO_GAIN = 1e-12  # of interest over the life: the premium is under this share of the strike
_SIGMA_STEP = 1e-3  # relative, of the central difference for vega
_RATE_STEP = 1e-4  # absolute, for rho


def american_price(contracts: Contracts, effort: Effort = PRECISE) -> Prices:
    """Price American options by collocation on the early-exercise boundary.

    Where exercise before expiry never pays the answer is the European price: a put with r <= 0
    and r <= q, a call with q <= 0 and q <= r. Without volatility it is the best certain moment.

    Returns:
        Prices; at least the exercise value and the European price. BAD_INPUT as for European
        options; OUT_OF_DOMAIN where the exercise region has two boundaries (a put with
        q < r <= 0, a call with r < q <= 0) or the boundary does not settle (seen only where the
        larger of |r| and |q| times sqrt(T) is over 0.9 sigma: in 99 of 3,000 random puts of up to
        ten years with sigma from 3 %, and in 10 of them with `FAST`).

    Source: Andersen, Lake and Offengenden (2016). PR-14 to PR-16.
    """
    status = _status(contracts)
    value = np.full(len(contracts), np.nan)
    good = np.flatnonzero(status == RowStatus.OK)
    value[good] = _values(contracts.take(good), effort)
    status[good[~np.isfinite(value[good])]] = RowStatus.OUT_OF_DOMAIN
    value[status != RowStatus.OK] = np.nan
    return Prices(shaped(value, contracts.shape), shaped(status, contracts.shape))


def american_greeks(contracts: Contracts, effort: Effort = PRECISE) -> Greeks:
    """Price American options with delta, gamma, vega, theta and rho.

    Delta and gamma come from the integral itself, theta from the pricing equation, vega and rho
    from central differences of the engine. Where exercise is due now, delta is 1 or -1 and the
    others are 0.

    Returns:
        Greeks; statuses as in `american_price`.
    """
    status = _status(contracts)
    table = np.full((6, len(contracts)), np.nan)
    good = np.flatnonzero(status == RowStatus.OK)
    table[:, good] = _greek_values(contracts.take(good), effort)
    status[good[~np.isfinite(table[:, good].sum(axis=0))]] = RowStatus.OUT_OF_DOMAIN
    table[:, status != RowStatus.OK] = np.nan
    price, delta, gamma, vega, theta, rho = (shaped(row, contracts.shape) for row in table)
    return Greeks(price, delta, gamma, vega, theta, rho, shaped(status, contracts.shape))


def _status(contracts: Contracts) -> Codes:
    """Tell which rows can be priced."""
    valid = contracts.is_valid()
    gain, cost = _gain_and_cost(contracts)
    is_random = (contracts.sigma > 0.0) & (contracts.years > 0.0)
    has_no_gain = gain * contracts.years <= _NO_GAIN
    has_two_boundaries = is_random & has_no_gain & (cost < np.minimum(gain, 0.0))
    return np.select(
        [~valid, has_two_boundaries],
        [RowStatus.BAD_INPUT, RowStatus.OUT_OF_DOMAIN],
        RowStatus.OK,
    ).astype(np.uint8)


def _gain_and_cost(rows: Contracts) -> tuple[Floats, Floats]:
    """Return what exercise starts to earn and to cost: rate and yield, exchanged for a call."""
    gain = np.where(rows.is_call, rows.dividend_yield, rows.rate)
    return gain, np.where(rows.is_call, rows.rate, rows.dividend_yield)


def _values(rows: Contracts, effort: Effort) -> Floats:
    """Price valid rows, (n,)."""
    return np.asarray(_with_slopes(rows, effort, n_sloped=0)[0])


def _with_slopes(rows: Contracts, effort: Effort, n_sloped: int) -> Floats:
    """Compute price of valid rows, and delta and gamma of the premium of the first; (3, n)."""
    table = np.zeros((3, len(rows)))
    table[0] = np.maximum(european_price(rows).value, _certain_value(rows, at_expiry=False))
    for at in _blocks(_exercise_rows(rows), effort):
        some = rows.take(at)
        premium = _Premium.of(some, effort)
        held = european_price(some).value + premium.value()
        held = np.maximum(table[0, at], np.where(premium.is_due, -np.inf, held))
        table[0, at] = np.where(premium.is_settled, held, np.nan)
        if np.any(at < n_sloped):
            table[1:, at] = premium.slopes(some)
    is_certain = ~_is_random(rows)
    table[0, is_certain] = _certain_value(rows.take(is_certain), at_expiry=True)
    return table


def _greek_values(rows: Contracts, effort: Effort) -> Floats:
    """Compute price, delta, gamma, vega, theta, rho of valid rows, (6, n)."""
    greeks = european_greeks(rows)
    table = np.array(
        [greeks.price, greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.rho]
    )
    # The options and their four moved twins are solved together.
    batch = Contracts.join(
        [
            rows,
            rows.with_sigma(rows.sigma * (1.0 + _SIGMA_STEP)),
            rows.with_sigma(rows.sigma * (1.0 - _SIGMA_STEP)),
            rows.with_rate(rows.rate + _RATE_STEP),
            rows.with_rate(rows.rate - _RATE_STEP),
        ]
    )
    n = len(rows)
    solved = _with_slopes(batch, effort, n_sloped=n)
    table[0] = solved[0, :n]
    early = _exercise_rows(rows)
    brighter, duller, dearer, cheaper = (
        solved[0, start + early] for start in (n, 2 * n, 3 * n, 4 * n)
    )
    table[1:3, early] += solved[1:, early]
    table[3, early] = (brighter - duller) / (2.0 * _SIGMA_STEP * rows.sigma[early])
    table[5, early] = (dearer - cheaper) / (2.0 * _RATE_STEP)
    some = rows.take(early)
    table[4, early] = _theta(some, table[:, early])
    due = early[table[0, early] <= _certain_value(some, at_expiry=False)]
    table[1, due] = np.where(rows.is_call[due], 1.0, -1.0)
    table[2:, due] = 0.0
    return table


def _theta(rows: Contracts, table: Floats) -> Floats:
    """Solve the pricing equation for -dV/dT while the option is held."""
    price, delta, gamma = table[:3]
    drift = (rows.rate - rows.dividend_yield) * rows.spot * delta
    return np.asarray(rows.rate * price - drift - 0.5 * (rows.sigma * rows.spot) ** 2 * gamma)


def _is_random(rows: Contracts) -> Flags:
    return np.asarray(
        (rows.sigma > 0.0) & (rows.years > 0.0) & (rows.spot > 0.0) & (rows.strike > 0.0)
    )


def _exercise_rows(rows: Contracts) -> Indices:
    """Return the indices of the rows whose early exercise is worth something, stiff ones last.

    Blocks of one stiffness need about as many steps in each row.
    """
    gain, cost = _gain_and_cost(rows)
    indices = np.flatnonzero(_is_random(rows) & (gain * rows.years > _NO_GAIN))
    stiffness = np.maximum(gain, np.abs(cost))[indices] * np.sqrt(rows.years[indices])
    return indices[np.argsort(stiffness / rows.sigma[indices], kind="stable")]


def _blocks(indices: Indices, effort: Effort) -> list[Indices]:
    size = max(1, _CACHED_VALUES // (effort.n_nodes * effort.n_points))
    return [indices[start : start + size] for start in range(0, len(indices), size)]


def _certain_value(rows: Contracts, *, at_expiry: bool) -> Floats:
    """Value exercise now or, if asked, at the best moment of a certain path."""
    sign = np.where(rows.is_call, 1.0, -1.0)
    best = np.maximum(sign * (rows.spot - rows.strike), 0.0)
    if not at_expiry:
        return best
    with np.errstate(all="ignore"):  # no turning point: the moment is not finite
        turn = np.log(rows.rate * rows.strike / (rows.dividend_yield * rows.spot)) / (
            rows.rate - rows.dividend_yield
        )
    turn = np.clip(np.where(np.isfinite(turn), turn, 0.0), 0.0, rows.years)
    for moment in (turn, rows.years):
        spot = rows.spot * np.exp(-rows.dividend_yield * moment)
        strike = rows.strike * np.exp(-rows.rate * moment)
        best = np.maximum(best, sign * (spot - strike))
    return best


@dataclass(frozen=True, slots=True, eq=False)
class _Premium:
    """The early-exercise premium of m puts (calls as puts) over the strike, as p summed points.

    With x = spot / strike it is the sum of earned N(lower) - x paid N(upper).
    """

    unit: Floats  # (m,) the put's strike: what prices are multiples of
    x: Floats  # (m,)
    is_due: Flags  # (m,) exercise is due now
    is_settled: Flags  # (m,) the boundary is known
    s_elapsed: Floats  # (p, m)
    lower: Floats  # (p, m) -d-
    upper: Floats  # (p, m) -d+
    earned: Floats  # (p, m) interest on the strike, with the weight of the point
    paid: Floats  # (p, m) yield of the underlying, likewise

    @classmethod
    def of(cls, rows: Contracts, effort: Effort) -> Self:
        gain, cost = _gain_and_cost(rows)
        x = np.where(rows.is_call, rows.strike / rows.spot, rows.spot / rows.strike)
        puts = Puts(gain * rows.years, cost * rows.years, rows.sigma * np.sqrt(rows.years))
        grid = Grid.of(effort)
        depth, is_settled = solve_boundary(puts, effort)
        first = puts.first_boundary()
        at_points = np.sqrt(np.maximum(grid.to_price_points @ (depth * depth), 0.0))
        elapsed = grid.price_elapsed[:, None]
        s_elapsed = np.sqrt(elapsed) * puts.s
        drift = (puts.rate - puts.dividend_yield) * elapsed
        middle = (np.log(x / first) + at_points + drift) / s_elapsed
        weight = grid.price_weight[:, None]
        return cls(
            unit=np.where(rows.is_call, rows.spot, rows.strike),
            x=x,
            is_due=x <= first * np.exp(-depth[0]),
            is_settled=is_settled,
            s_elapsed=s_elapsed,
            lower=0.5 * s_elapsed - middle,
            upper=-0.5 * s_elapsed - middle,
            earned=puts.rate * np.exp(-puts.rate * elapsed) * weight,
            paid=puts.dividend_yield * np.exp(-puts.dividend_yield * elapsed) * weight,
        )

    def value(self) -> Floats:
        """Return the premium in currency, (m,)."""
        terms = self.earned * normal_cdf(self.lower) - self.x * self.paid * normal_cdf(self.upper)
        return np.asarray(self.unit * terms.sum(axis=0))

    def slopes(self, rows: Contracts) -> tuple[Floats, Floats]:
        """Return what the premium adds to delta and gamma, (m,) each."""
        x, s = self.x, self.s_elapsed
        earned = self.earned * normal_density(self.lower) / s
        paid = self.paid * normal_density(self.upper) / s
        first = (paid - earned / x - self.paid * normal_cdf(self.upper)).sum(axis=0)
        second = (paid * (1.0 + self.upper / s) / x - earned * (self.lower / s - 1.0) / x**2).sum(
            axis=0
        )
        # A call is the put with x = K / S in units of S.
        delta = np.where(rows.is_call, self.value() / self.unit - x * first, first)
        gamma = np.where(rows.is_call, x * x * second, second) / self.unit
        return delta, gamma
