"""Implied volatilities of bid, mid and ask, and values at given ones, whatever the style."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.pricing._contracts import Contracts
from athena.pricing._status import RowStatus
from athena.pricing.closed import Greeks, european_greeks, implied_volatility
from athena.pricing.engines import FAST, american_greeks, american_implied_volatility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.pricing._contracts import Codes, Flags, Floats
    from athena.pricing.chain._forwards import Forward
    from athena.pricing.chain._quotes import ChainQuotes


@dataclass(frozen=True, slots=True, eq=False)
class RowTerms:
    """What each row of a chain is priced with, in quote currency.

    Attributes:
        contracts: (N,) terms; sigma is 0. Coin-settled options are on their forward, undiscounted.
        is_american: (N,)
        forward: (N,) NaN where the expiry was refused.
        discount: (N,)
        unit: (N,) what a price in the file is multiplied with: the forward for a coin, else 1.
        is_known: (N,) the expiry has a forward.
    """

    contracts: Contracts
    is_american: Flags
    forward: Floats
    discount: Floats
    unit: Floats
    is_known: Flags


def row_terms(quotes: ChainQuotes, forwards: Sequence[Forward]) -> RowTerms:
    """Give every row the forward of its expiry; a row without one has NaN terms."""
    known = {item.expiry_ns: index for index, item in enumerate(forwards)}
    at = np.array([known.get(int(expiry), -1) for expiry in quotes.expiry_ns], dtype=np.intp)

    def column(name: str) -> Floats:
        values = np.array([*(getattr(item, name) for item in forwards), np.nan])
        return np.asarray(values[at])

    forward = column("forward")
    contracts = Contracts.of(
        spot=np.where(quotes.is_coin, forward, column("spot")),
        strike=quotes.strike,
        years=column("years"),
        rate=column("rate"),
        dividend_yield=column("dividend_yield"),
        is_call=quotes.is_call,
    )
    unit = np.where(quotes.is_coin, forward, 1.0)
    return RowTerms(
        contracts, quotes.is_american, forward, column("discount"), unit, np.isfinite(forward)
    )


def implied_sigmas(terms: RowTerms, price: Floats) -> tuple[Floats, Codes]:
    """Find the volatility of each price by the row's own style; (N,) sigma and status."""
    sigma = np.full(len(price), np.nan)
    status = np.full(len(price), RowStatus.BAD_INPUT, dtype=np.uint8)
    for is_american in (False, True):
        rows = np.flatnonzero((terms.is_american == is_american) & np.isfinite(price))
        if rows.size == 0:
            continue
        some = terms.contracts.take(rows)
        find = american_implied_volatility if is_american else implied_volatility
        found = find(some, price[rows])
        sigma[rows], status[rows] = found.sigma, found.status
    return sigma, status


def values_at(terms: RowTerms, sigma: Floats) -> Greeks:
    """Price rows at given volatilities, with Greeks; NaN and BAD_INPUT where sigma is NaN."""
    table = np.full((6, len(sigma)), np.nan)
    status = np.full(len(sigma), RowStatus.BAD_INPUT, dtype=np.uint8)
    for is_american in (False, True):
        rows = np.flatnonzero((terms.is_american == is_american) & np.isfinite(sigma))
        if rows.size == 0:
            continue
        some = terms.contracts.take(rows).with_sigma(sigma[rows])
        found = american_greeks(some, FAST) if is_american else european_greeks(some)
        columns = (found.price, found.delta, found.gamma, found.vega, found.theta, found.rho)
        table[:, rows], status[rows] = np.array(columns), found.status
    price, delta, gamma, vega, theta, rho = table
    return Greeks(price, delta, gamma, vega, theta, rho, status)
