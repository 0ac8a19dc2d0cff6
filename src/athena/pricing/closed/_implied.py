"""Implied volatility to the last digits that a price carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.pricing._contracts import BLOCK, Codes, Contracts, Flags, Floats, shaped
from athena.pricing._status import RowStatus
from athena.pricing.closed._time_value import time_value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_MOST_STEPS = 60
_NEGATIVE = 1e-14  # of the strike: a time value below this is negative, not rounded
_VANISHED = 1e-12  # of the spot: what is left of a price deep in the money after rounding
_SETTLED = 4e-16  # relative step under which nothing changes any more
_LARGEST_S = 40.0  # exp(-s^2 / 8) is 1e-87 there: no price tells it from the maximum


@dataclass(frozen=True, slots=True, eq=False)
class Volatilities:
    """Hold one implied volatility per price.

    Attributes:
        sigma: per year, in the shape asked for; NaN where the status is not OK.
        status: codes of `RowStatus`, same shape.
    """

    sigma: Floats
    status: Codes


def implied_volatility(contracts: Contracts, price: ArrayLike) -> Volatilities:
    """Find the volatility at which the closed form gives a price.

    Args:
        contracts: the terms; their own sigma is not used.
        price: quote currency, broadcast against the shape of the contracts.

    Returns:
        Volatilities; BAD_INPUT where an input is not a number or terms are negative,
        BELOW_INTRINSIC where the time value is negative, ABOVE_MAX where no volatility is large
        enough, NOT_IDENTIFIABLE where the time value is zero within rounding (under 1e-12 of the
        spot for a price in the money), or time, spot or strike are zero.

    Source: the branches are those of Jaeckel (2017), Let's be rational. PR-07 to PR-09.
    """
    prices = np.broadcast_to(np.asarray(price, dtype=np.float64), contracts.shape).reshape(-1)
    quotes = _normalise(contracts, prices)
    sigma = np.full(len(contracts), np.nan)
    found = np.flatnonzero(quotes.status == RowStatus.OK)
    for start in range(0, len(found), BLOCK):
        rows = found[start : start + BLOCK]
        s = solve_time_value(quotes.x[rows], quotes.value[rows])
        sigma[rows] = s / np.sqrt(contracts.years[rows])
    return Volatilities(shaped(sigma, contracts.shape), shaped(quotes.status, contracts.shape))


@dataclass(frozen=True, slots=True, eq=False)
class _Quotes:
    """Prices reduced to time values: x = ln(F / K), b = time value / sqrt(F K), status."""

    x: Floats
    value: Floats
    status: Codes


def _normalise(contracts: Contracts, price: Floats) -> _Quotes:
    with np.errstate(all="ignore"):  # rows that are not OK may divide by zero
        spot_now = contracts.spot * np.exp(-contracts.dividend_yield * contracts.years)
        strike_now = contracts.strike * np.exp(-contracts.rate * contracts.years)
        gap = spot_now - strike_now
        inner = np.where(contracts.is_call, gap, -gap)
        outside = price - np.maximum(inner, 0.0)
        least = np.where(inner > 0.0, _VANISHED * contracts.spot, 0.0)
        is_flat = (contracts.years == 0.0) | (spot_now == 0.0) | (strike_now == 0.0)
        status = np.select(
            [
                ~(contracts.is_valid() & np.isfinite(price)),
                outside < -_NEGATIVE * contracts.strike,
                is_flat | (outside <= least),
                outside >= np.minimum(spot_now, strike_now),
            ],
            [
                RowStatus.BAD_INPUT,
                RowStatus.BELOW_INTRINSIC,
                RowStatus.NOT_IDENTIFIABLE,
                RowStatus.ABOVE_MAX,
            ],
            RowStatus.OK,
        ).astype(np.uint8)
        x = np.log(spot_now / strike_now)
        return _Quotes(x, outside / np.sqrt(spot_now * strike_now), status)


def solve_time_value(x: Floats, value: Floats) -> Floats:
    """Find s with b(x, s) = value.

    Three branches, each with an objective and a power of s in which it is nearly a straight line:
    ln b over s^-2 below the inflection, b over s above it, ln(maximum - b) over s^2 where little
    is missing. Halley's steps, kept inside a bracket that bisection falls back on.

    Args:
        x: (n,) log of forward over strike.
        value: (n,) inside (0, exp(-|x| / 2)).

    Returns:
        (n,) float64, > 0.
    """
    search = _Search.of(x, value)
    s = search.s.copy()
    active = np.arange(len(x))
    for _ in range(_MOST_STEPS):
        new = search.step()
        s[active] = new
        is_open = np.abs(new - search.s) > _SETTLED * new
        search.s = new
        if not is_open.any():
            break
        if not is_open.all():
            active = active[is_open]
            search = search.only(is_open)
    return s


@dataclass(slots=True, eq=False)
class _Search:
    """The rows that still move; `power` is -2 below the inflection, 1 above, 2 near the top."""

    x: Floats
    value: Floats
    missing: Floats
    power: Floats
    low: Floats
    high: Floats
    s: Floats

    @classmethod
    def of(cls, x: Floats, value: Floats) -> _Search:
        distance = np.abs(x)
        ceiling = np.exp(-0.5 * distance)
        turn = np.maximum(np.sqrt(2.0 * distance), 1e-150)
        at_turn, _, slope = time_value(x, turn)
        missing = ceiling - value
        is_low, is_high = value < at_turn, missing < 0.5 * (ceiling - at_turn)
        power = np.where(is_low, -2.0, np.where(is_high, 2.0, 1.0))
        low, high = np.where(is_low, 0.0, turn), np.where(is_low, turn, _LARGEST_S)
        first = np.where(is_low, turn, turn + (value - at_turn) / slope)
        return cls(x, value, missing, power, low, high, first)

    def only(self, rows: Flags) -> _Search:
        return _Search(
            *(
                column[rows]
                for column in (
                    self.x, self.value, self.missing, self.power, self.low, self.high, self.s,
                )
            )
        )  # fmt: skip

    def step(self) -> Floats:
        """Return the next guess, and narrow the bracket around the root."""
        s = self.s
        value, missing, slope = time_value(self.x, s)
        over = value - self.value
        self.high = np.where(over >= 0.0, s, self.high)
        self.low = np.where(over <= 0.0, s, self.low)
        is_low, is_high = self.power < 0.0, self.power > 1.0
        with np.errstate(all="ignore"):  # a wild step is caught by the bracket below
            # The objective, its slope in s, and the elasticity of that slope, branch by branch.
            scale = np.where(is_low, value, np.where(is_high, -missing, 1.0))
            gap = np.where(
                is_low,
                np.log(value / self.value),
                np.where(is_high, np.log(missing / self.missing), over),
            )
            gradient = slope / scale
            bend = self.x * self.x / (s * s) - 0.25 * s * s
            bend -= np.where(self.power == 1.0, 0.0, s * gradient)
            newton = -gap * self.power / (gradient * s)
            curve = (bend + 1.0 - self.power) / self.power
            relative = newton / (1.0 + 0.5 * newton * curve)
            guess = s * np.exp(np.log1p(relative) / self.power)
        inside = (guess > self.low) & (guess < self.high)
        return np.where(inside | (guess == s), guess, 0.5 * (self.low + self.high))
