"""The volatility at which the American engine gives a price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.pricing._contracts import shaped
from athena.pricing._status import RowStatus
from athena.pricing.closed import Volatilities, european_greeks, implied_volatility
from athena.pricing.engines._american import FAST, american_price

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from athena.pricing._contracts import Codes, Contracts, Floats
    from athena.pricing.engines._boundary import Effort

_MOST_STEPS = 60
_TOLERANCE = 1e-9  # relative step of sigma
_VANISHED = 1e-12  # of the spot: what is left of a price over its least value after rounding
_FIRST_SIGMA = 0.5  # where no European volatility gives a start
_LARGEST_SIGMA = 40.0


def american_implied_volatility(
    contracts: Contracts, price: ArrayLike, effort: Effort = FAST
) -> Volatilities:
    """Find the volatility at which `american_price` gives a price.

    Args:
        contracts: the terms; their own sigma is not used.
        price: quote currency, broadcast against the shape of the contracts.
        effort: of the engine.

    Returns:
        Volatilities; BELOW_INTRINSIC where the price is under what exercise at a certain moment
        gives, NOT_IDENTIFIABLE where it equals that (every small volatility gives it), ABOVE_MAX
        at the spot (call) or strike (put) and over, BAD_INPUT and OUT_OF_DOMAIN as in
        `american_price`. PR-19.
    """
    prices = np.broadcast_to(np.asarray(price, dtype=np.float64), contracts.shape).reshape(-1)
    status = _status(contracts, prices)
    sigma = np.full(len(contracts), np.nan)
    found = np.flatnonzero(status == RowStatus.OK)
    if found.size:
        sigma[found] = _search(contracts.take(found), prices[found], effort)
        status[found[np.isnan(sigma[found])]] = RowStatus.OUT_OF_DOMAIN
    return Volatilities(shaped(sigma, contracts.shape), shaped(status, contracts.shape))


def _status(contracts: Contracts, price: Floats) -> Codes:
    certain = american_price(contracts.with_sigma(np.zeros(len(contracts))))
    least = np.asarray(certain.value).reshape(-1)
    margin = _VANISHED * contracts.spot
    most = np.where(contracts.is_call, contracts.spot, contracts.strike)
    codes = np.asarray(certain.status).reshape(-1)
    return np.select(
        [
            (codes != RowStatus.OK) | ~np.isfinite(price),
            price < least - margin,
            (price <= least + margin) | (contracts.years == 0.0),
            price >= most,
        ],
        [
            RowStatus.BAD_INPUT,
            RowStatus.BELOW_INTRINSIC,
            RowStatus.NOT_IDENTIFIABLE,
            RowStatus.ABOVE_MAX,
        ],
        RowStatus.OK,
    ).astype(np.uint8)


def _search(rows: Contracts, price: Floats, effort: Effort) -> Floats:
    """Take secant steps inside a bracket, from the European volatility.

    Returns:
        (n,) sigma; NaN where the engine has no answer at the root.
    """
    guess, slope = _start(rows, price)
    low, high = np.zeros(len(rows)), np.full(len(rows), np.inf)
    before, over_before = np.full((2, len(rows)), np.nan)
    sigma = np.full(len(rows), np.nan)
    active = np.arange(len(rows))
    for _ in range(_MOST_STEPS):
        here = guess[active]
        over = _engine(rows.take(active).with_sigma(here), effort) - price[active]
        is_lost = np.isnan(over)  # seen at small sigma only: the root, if any, is higher
        high[active] = np.where(over >= 0.0, here, high[active])
        low[active] = np.where((over <= 0.0) | is_lost, here, low[active])
        with np.errstate(all="ignore"):  # a wild step is caught by the bracket
            secant = (over - over_before[active]) / (here - before[active])
            slope[active] = np.where(secant > 0.0, secant, slope[active])
            step = here - over / slope[active]
        before[active], over_before[active] = here, over
        new = _inside(step, here, low[active], high[active])
        is_settled = (np.abs(new - here) <= _TOLERANCE * here) & ~is_lost
        sigma[active[is_settled]] = new[is_settled]
        guess[active] = new
        active = active[~is_settled & (here < _LARGEST_SIGMA)]
        if active.size == 0:
            break
    return sigma


def _inside(step: Floats, here: Floats, low: Floats, high: Floats) -> Floats:
    """Keep a step inside its bracket: halve it, or double the guess while it has no top."""
    middle = np.where(np.isinf(high), 2.0 * here, 0.5 * (low + high))
    is_inside = ((step > low) & (step < high)) | (step == here)
    return np.where(is_inside, step, middle)


def _engine(rows: Contracts, effort: Effort) -> Floats:
    return np.asarray(american_price(rows, effort).value).reshape(-1)


def _start(rows: Contracts, price: Floats) -> tuple[Floats, Floats]:
    """Return the European volatility of the price, which is a little too large, and its vega."""
    european = np.asarray(implied_volatility(rows, price).sigma).reshape(-1)
    guess = np.where(np.isfinite(european), european, _FIRST_SIGMA)
    vega = np.asarray(european_greeks(rows.with_sigma(guess)).vega).reshape(-1)
    return guess, vega
