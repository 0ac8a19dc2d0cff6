"""European options without a search: Black-Scholes-Merton and Black-76, vectorised.

A price is the discounted intrinsic value plus the time value, and the time value is that of the
out-of-the-money side for calls and puts alike. So put-call parity holds by construction, and an
option deep in the money loses no digits (specification of the pricing room, section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from athena.pricing._contracts import Codes, Contracts, Flags, Floats, shaped
from athena.pricing._status import RowStatus
from athena.pricing.closed._normal import mills_ratio, normal_density

# Computes rows into an array (k, n) that it is handed.
_Block = Callable[[Contracts, Floats], None]


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Hold one price per contract.

    Attributes:
        value: quote currency, in the shape asked for; NaN where the status is not OK.
        status: codes of `RowStatus`, same shape.
    """

    value: Floats
    status: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Greeks:
    """Hold price and first-order Greeks per contract in natural units, in the shape asked for.

    Attributes:
        price: quote currency.
        delta: dV/dS.
        gamma: d2V/dS2.
        vega: dV/dsigma, per 1.00 of volatility.
        theta: -dV/dT, per year.
        rho: dV/dr, per 1.00 of rate.
        status: codes of `RowStatus`; every value is NaN where it is not OK.
    """

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats
    status: Codes


@dataclass(frozen=True, slots=True, eq=False)
class CrossGreeks:
    """Hold the remaining Greeks per contract in natural units, in the shape asked for.

    Attributes:
        phi: dV/dq, per 1.00 of yield.
        vanna: d2V/dS dsigma.
        volga: d2V/dsigma2.
        charm: -d(delta)/dT, per year.
        status: codes of `RowStatus`; every value is NaN where it is not OK.
    """

    phi: Floats
    vanna: Floats
    volga: Floats
    charm: Floats
    status: Codes


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """What price and Greeks share, (n,) each; `sign` is +1 for a call, -1 for a put.

    A row without randomness (no time, no volatility, a zero spot or strike) has an infinite d1 and
    d2, or zero at the money: its density is 0 and its probabilities are 0, 1 or 1/2.
    """

    sign: Floats
    spot_now: Floats  # S exp(-qT)
    strike_now: Floats  # K exp(-rT)
    growth: Floats  # exp(-qT)
    root_years: Floats
    s: Floats  # sigma sqrt(T); 1 where there is no randomness
    d1: Floats
    d2: Floats
    density: Floats  # n(d1)
    spot_density: Floats  # S exp(-qT) n(d1), which is K exp(-rT) n(d2) too
    tail: Floats  # N(-|d1|)
    spot_tail: Floats  # S exp(-qT) N(-|d1|)
    strike_tail: Floats  # K exp(-rT) N(-|d2|)

    @classmethod
    def of(cls, rows: Contracts) -> Self:
        """Compute them; rows must be valid."""
        root_years = np.sqrt(rows.years)
        growth = np.exp(-rows.dividend_yield * rows.years)
        spot_now = rows.spot * growth
        strike_now = rows.strike * np.exp(-rows.rate * rows.years)
        s = rows.sigma * root_years
        is_random = (s > 0.0) & (spot_now > 0.0) & (strike_now > 0.0)
        if is_random.all():
            distances = _distances(spot_now, strike_now, s)
            density = normal_density(distances[0])
            spot_density = spot_now * density
            ratios = mills_ratio(np.abs(distances))
            tail, spot_tail = density * ratios[0], spot_density * ratios[0]
            strike_tail = spot_density * ratios[1]
        else:
            s = np.where(is_random, s, 1.0)
            distances, density, tail, tail2 = _limits(spot_now, strike_now, s, is_random)
            spot_density = spot_now * density
            spot_tail, strike_tail = spot_now * tail, strike_now * tail2
        return cls(
            sign=np.where(rows.is_call, 1.0, -1.0),
            spot_now=spot_now,
            strike_now=strike_now,
            growth=growth,
            root_years=root_years,
            s=s,
            d1=distances[0],
            d2=distances[1],
            density=density,
            spot_density=spot_density,
            tail=tail,
            spot_tail=spot_tail,
            strike_tail=strike_tail,
        )

    def price(self) -> Floats:
        """Add intrinsic and time value."""
        gap = self.spot_now - self.strike_now
        time_value = np.where(
            self.d1 * self.d2 > 0.0,
            np.abs(self.spot_tail - self.strike_tail),
            np.minimum(self.spot_now, self.strike_now) - (self.spot_tail + self.strike_tail),
        )
        return np.maximum(self.sign * gap, 0.0) + time_value

    def chance(self) -> Floats:
        """Compute N(d1) for a call, N(-d1) for a put."""
        return np.where(self.sign * self.d1 < 0.0, self.tail, 1.0 - self.tail)

    def strike_paid(self) -> Floats:
        """Compute K exp(-rT) N(d2) for a call, K exp(-rT) N(-d2) for a put."""
        rest = self.strike_now - self.strike_tail
        return np.where(self.sign * self.d2 < 0.0, self.strike_tail, rest)


def european_price(contracts: Contracts) -> Prices:
    """Price European options by the closed form.

    Limits: at T = 0 the payoff; at sigma = 0 the discounted intrinsic value of the forward; at
    S = 0 a call is worth 0 and a put K exp(-rT); at K = 0 a call S exp(-qT) and a put 0.

    Returns:
        Prices; BAD_INPUT where an input is NaN, infinite or negative (rate and yield may be
        negative), OUT_OF_DOMAIN where a price overflows.

    Source: Black and Scholes (1973); Merton (1973); Black (1976). PR-01, PR-02, PR-04 to PR-06.
    """
    values = np.empty((1, len(contracts)))
    status = _fill(contracts, values, _price_block)
    return Prices(shaped(values[0], contracts.shape), shaped(status, contracts.shape))


def european_greeks(contracts: Contracts) -> Greeks:
    """Price European options with delta, gamma, vega, theta and rho.

    Limits: at T = 0 delta is 0, 1 or -1, and half of it at the money; the others are 0. Where only
    the volatility is 0, or spot or strike, the values are those of the certain pay-off.

    Returns:
        Greeks; statuses as in `european_price`.

    Source: Hull, Options, Futures and Other Derivatives, chapter 19. PR-01, PR-03, PR-04.
    """
    values = np.empty((6, len(contracts)))
    status = _fill(contracts, values, _greeks_block)
    price, delta, gamma, vega, theta, rho = (shaped(row, contracts.shape) for row in values)
    return Greeks(price, delta, gamma, vega, theta, rho, shaped(status, contracts.shape))


def european_cross_greeks(contracts: Contracts) -> CrossGreeks:
    """Compute phi, vanna, volga and charm of European options.

    Returns:
        CrossGreeks; limits and statuses as in `european_greeks`. PR-01, PR-03, PR-04.
    """
    values = np.empty((4, len(contracts)))
    status = _fill(contracts, values, _cross_block)
    phi, vanna, volga, charm = (shaped(row, contracts.shape) for row in values)
    return CrossGreeks(phi, vanna, volga, charm, shaped(status, contracts.shape))


def _fill(contracts: Contracts, values: Floats, block: _Block) -> Codes:
    """Compute block by block into `values` (k, N); return the status codes."""
    status = np.full(len(contracts), RowStatus.OK, dtype=np.uint8)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for at, rows in contracts.blocks():
            valid = rows.is_valid()
            if valid.all():
                block(rows, values[:, at])
            else:
                _fill_some(rows, valid, values[:, at], block)
                status[at][~valid] = RowStatus.BAD_INPUT
            is_lost = valid & ~np.isfinite(values[:, at].sum(axis=0))
            if is_lost.any():
                values[:, at][:, is_lost] = np.nan
                status[at][is_lost] = RowStatus.OUT_OF_DOMAIN
    return status


def _fill_some(rows: Contracts, valid: Flags, values: Floats, block: _Block) -> None:
    good = np.empty((len(values), int(valid.sum())))
    block(rows.take(np.flatnonzero(valid)), good)
    values[:] = np.nan
    values[:, valid] = good


def _price_block(rows: Contracts, out: Floats) -> None:
    out[0] = _Terms.of(rows).price()


def _greeks_block(rows: Contracts, out: Floats) -> None:
    terms = _Terms.of(rows)
    chance, strike_paid = terms.chance(), terms.strike_paid()
    out[0] = terms.price()
    np.multiply(terms.sign * terms.growth, chance, out=out[1])
    out[2] = _divide(terms.growth * terms.density, rows.spot * terms.s)
    np.multiply(terms.spot_density, terms.root_years, out=out[3])
    carry = rows.dividend_yield * terms.spot_now * chance - rows.rate * strike_paid
    decay = _divide(terms.spot_density * rows.sigma, 2.0 * terms.root_years)
    np.subtract(terms.sign * carry, decay, out=out[4])
    if not rows.years.all():
        out[4, rows.years == 0.0] = 0.0
    np.multiply(terms.sign * rows.years, strike_paid, out=out[5])


def _cross_block(rows: Contracts, out: Floats) -> None:
    terms = _Terms.of(rows)
    chance = terms.chance()
    is_random = terms.density > 0.0  # elsewhere d1 and d2 may be infinite, and these are 0
    d1, d2 = np.where(is_random, terms.d1, 0.0), np.where(is_random, terms.d2, 0.0)
    out[0] = -terms.sign * rows.years * terms.spot_now * chance
    out[1] = _divide(-terms.growth * terms.density * d2, rows.sigma)
    out[2] = _divide(terms.spot_density * terms.root_years * d1 * d2, rows.sigma)
    drift = 2.0 * (rows.rate - rows.dividend_yield) * rows.years - d2 * terms.s
    turn = _divide(terms.growth * terms.density * drift, 2.0 * rows.years * terms.s)
    held = terms.sign * rows.dividend_yield * terms.growth * chance
    out[3] = np.where(rows.years > 0.0, held - turn, 0.0)


def _distances(spot_now: Floats, strike_now: Floats, s: Floats) -> Floats:
    """Compute d1 and d2, (2, n)."""
    distances = np.empty((2, len(s)))
    middle = np.log(spot_now / strike_now) / s
    np.add(middle, 0.5 * s, out=distances[0])
    np.subtract(middle, 0.5 * s, out=distances[1])
    return distances


def _limits(
    spot_now: Floats, strike_now: Floats, s: Floats, is_random: Flags
) -> tuple[Floats, Floats, Floats, Floats]:
    """Compute distances, density and tails where some rows have no randomness."""
    safe_spot, safe_strike = (
        np.where(is_random, values, 1.0) for values in (spot_now, strike_now)
    )
    certain = np.sign(spot_now - strike_now)
    infinite = np.where(certain == 0.0, 0.0, certain * np.inf)
    distances = np.where(is_random, _distances(safe_spot, safe_strike, s), infinite)
    ratios = mills_ratio(np.abs(distances))
    bell = normal_density(distances[0])
    at_the_money = np.where(certain == 0.0, 0.5, 0.0)
    density = np.where(is_random, bell, 0.0)
    tail1 = np.where(is_random, bell * ratios[0], at_the_money)
    tail2 = np.where(is_random, bell * (safe_spot / safe_strike) * ratios[1], at_the_money)
    return distances, density, tail1, tail2


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    """Divide; 0 where the denominator is 0, which happens where there is no randomness."""
    if denominator.all():
        return np.asarray(numerator / denominator)
    return np.divide(
        numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0.0
    )
