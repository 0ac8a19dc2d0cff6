"""Discount rate and forwards that the quotes themselves imply, by put-call parity."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from athena.pricing._contracts import Contracts, Floats
from athena.pricing.chain._quotes import YEAR_NS, ChainQuotes, ChainSettings
from athena.pricing.closed import european_price
from athena.pricing.engines import american_implied_volatility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FEWEST_PAIRS = 3
_NEAR_FRAC = 0.10  # pairs this near the money give the forward
_WIDER_FRAC = 0.25  # and these the rate, which needs strikes far apart
_SHORTEST_YEARS = 0.25  # the slope of shorter expiries as a discount factor is noise
_RATE_STEPS = 30
_HUBER = 1.5  # in half-spreads: residuals beyond weigh less
_LEAST_RATE, _LARGEST_RATE = -0.05, 0.25
_MOST_ROUNDS = 12
_STILL_FRAC = 1e-6  # a forward that moves less has settled


@dataclass(frozen=True, slots=True)
class Forward:
    """What one expiry is discounted and centred with.

    Attributes:
        expiry_ns: UTC nanoseconds.
        years: to it, ACT/365F.
        forward: quote currency; NaN where the expiry was refused.
        discount: factor.
        rate: continuous, a year.
        dividend_yield: implied by spot and forward.
        spot: price of the underlying.
        n_pairs: calls and puts of one strike that gave it.
        source: `parity`, `quoted` (by the venue), `given` or `refused`.
    """

    expiry_ns: int
    years: float
    forward: float
    discount: float
    rate: float
    dividend_yield: float
    spot: float
    n_pairs: int
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Calls and puts of one expiry and strike, in European values."""

    years: float
    spot: float
    strike: Floats  # (p,)
    calls: NDArray[np.intp]  # (p,) rows
    puts: NDArray[np.intp]
    spread: Floats  # (p,) of both legs together
    gap: Floats = field(default_factory=lambda: np.empty(0))  # (p,) call less put


def find_forwards(
    quotes: ChainQuotes, at_ns: int, settings: ChainSettings
) -> tuple[list[Forward], float]:
    """Find one rate for the whole snapshot and one forward for each expiry.

    Coin-settled options are not discounted and take the venue's own forward (the median of the
    underlying's prices of the expiry). Elsewhere the rate is the given one or is fitted to all
    expiries of three months and more; the forward is the weighted median of K + (C - P) / df over
    the pairs near the money. American quotes are turned into European ones at the volatility that
    the engine finds, again and again until no forward moves.

    Args:
        quotes: of rows with a bid and an ask.
        at_ns: time of the snapshot.
        settings: a given rate and yield.

    Returns:
        a Forward for each expiry, the nearest first; the rate.
    """
    expiries = np.unique(quotes.expiry_ns).tolist()
    if quotes.is_coin.all():
        return [_quoted(quotes, expiry, at_ns) for expiry in expiries], 0.0
    pairs = {expiry: _pair_up(quotes, expiry, at_ns) for expiry in expiries}
    rate = 0.0 if settings.rate is None else settings.rate
    forwards: list[Forward] = []
    for _ in range(_MOST_ROUNDS):
        mid = quotes.mid - _early_premiums(quotes, pairs, forwards)
        pairs = {
            expiry: replace(found, gap=mid[found.calls] - mid[found.puts])
            for expiry, found in pairs.items()
        }
        if settings.rate is None:
            rate = _fit_rate(list(pairs.values()), rate)
        before = forwards
        forwards = [_imply(expiry, pairs[expiry], rate, settings) for expiry in expiries]
        if not quotes.is_american.any() or (before and _is_still(before, forwards)):
            break
    return forwards, rate


def _quoted(quotes: ChainQuotes, expiry_ns: int, at_ns: int) -> Forward:
    forward = float(np.median(quotes.underlying[quotes.expiry_ns == expiry_ns]))
    years = (expiry_ns - at_ns) / YEAR_NS
    return Forward(expiry_ns, years, forward, 1.0, 0.0, 0.0, forward, 0, "quoted")


def _pair_up(quotes: ChainQuotes, expiry_ns: int, at_ns: int) -> _Pairs:
    spot = float(np.median(quotes.underlying[quotes.expiry_ns == expiry_ns]))
    is_near = np.abs(quotes.strike / spot - 1.0) <= _WIDER_FRAC
    rows = np.flatnonzero((quotes.expiry_ns == expiry_ns) & is_near)
    calls, puts = rows[quotes.is_call[rows]], rows[~quotes.is_call[rows]]
    strikes, at_calls, at_puts = np.intersect1d(
        quotes.strike[calls], quotes.strike[puts], return_indices=True
    )
    calls, puts = calls[at_calls], puts[at_puts]
    spread = (quotes.ask - quotes.bid)[calls] + (quotes.ask - quotes.bid)[puts]
    # A pair without a spread would outweigh all others.
    spread = np.maximum(spread, 1e-6 * spot)
    return _Pairs((expiry_ns - at_ns) / YEAR_NS, spot, strikes, calls, puts, spread)


def _early_premiums(
    quotes: ChainQuotes, pairs: dict[int, _Pairs], forwards: Sequence[Forward]
) -> Floats:
    """Compute what the right to exercise early is worth under the last forwards.

    Returns:
        (N,) quote currency; 0 for European rows, rows in no pair, and in the first round.
    """
    premium = np.zeros(len(quotes))
    known = [item for item in forwards if np.isfinite(item.forward)]
    legs = [
        np.concatenate([pairs[item.expiry_ns].calls, pairs[item.expiry_ns].puts]) for item in known
    ]
    if not legs:
        return premium
    rows = np.concatenate(legs)
    at = np.repeat(np.arange(len(known)), [len(item) for item in legs])
    counted = quotes.is_american[rows]
    rows, at = rows[counted], at[counted]
    terms = Contracts.of(
        spot=np.array([item.spot for item in known])[at],
        strike=quotes.strike[rows],
        years=np.array([item.years for item in known])[at],
        rate=np.array([item.rate for item in known])[at],
        dividend_yield=np.array([item.dividend_yield for item in known])[at],
        is_call=quotes.is_call[rows],
    )
    mid = quotes.mid[rows]
    sigma = american_implied_volatility(terms, mid).sigma
    is_known = np.isfinite(sigma)
    european = european_price(terms.with_sigma(np.where(is_known, sigma, 0.0))).value
    premium[rows] = np.where(is_known, np.maximum(mid - european, 0.0), 0.0)
    return premium


def _fit_rate(pairs: Sequence[_Pairs], start: float) -> float:
    """Fit the rate of C - P = exp(-rT) (F - K) to all longer expiries at once, robustly.

    Gauss and Newton's steps in r; each expiry's level is profiled out; residuals over `_HUBER`
    half-spreads weigh less. Without a longer expiry the start stays.
    """
    used = [
        item
        for item in pairs
        if item.years >= _SHORTEST_YEARS and len(item.strike) >= _FEWEST_PAIRS
    ]
    if not used:
        return start
    rate = start
    weights = [np.ones(len(item.strike)) for item in used]
    for _ in range(_RATE_STEPS):
        top = bottom = 0.0
        for index, item in enumerate(used):
            discount = np.exp(-rate * item.years)
            slope = -item.years * discount * item.strike  # of -(discount * strike) over -rate
            weight = weights[index] / item.spread**2
            level = item.gap + discount * item.strike
            middle = np.average(level, weights=weight)
            residual = level - middle
            lean = slope - np.average(slope, weights=weight)
            top -= float((weight * lean * residual).sum())
            bottom += float((weight * lean * lean).sum())
            size = np.abs(residual) / (0.5 * item.spread)
            weights[index] = _HUBER / np.maximum(size, _HUBER)
        step = top / bottom if bottom > 0.0 else 0.0
        rate = float(np.clip(rate + step, _LEAST_RATE, _LARGEST_RATE))
        if abs(step) < 1e-12:  # noqa: PLR2004 - a rate has settled
            break
    return rate


def _imply(expiry_ns: int, pairs: _Pairs, rate: float, settings: ChainSettings) -> Forward:
    discount = float(np.exp(-rate * pairs.years))
    implied = pairs.strike + pairs.gap / discount if len(pairs.gap) else np.empty(0)
    near = np.abs(pairs.strike / pairs.spot - 1.0) <= _NEAR_FRAC
    n_pairs = int(near.sum())
    if n_pairs >= _FEWEST_PAIRS:
        weight = 1.0 / pairs.spread[near] ** 2
        forward, source = _weighted_median(implied[near], weight), "parity"
    elif settings.rate is not None and settings.dividend_yield is not None:
        growth = (settings.rate - settings.dividend_yield) * pairs.years
        forward, source = pairs.spot * float(np.exp(growth)), "given"
    else:
        forward, source = float("nan"), "refused"
    drift = float(np.log(forward / pairs.spot)) / pairs.years if forward > 0 else 0.0
    return Forward(
        expiry_ns, pairs.years, forward, discount, rate, rate - drift, pairs.spot, n_pairs, source
    )


def _weighted_median(values: Floats, weights: Floats) -> float:
    """Return the value in the middle of the weight, interpolated between the two around it."""
    order = np.argsort(values)
    ranks = np.cumsum(weights[order]) - 0.5 * weights[order]
    return float(np.interp(0.5 * weights.sum(), ranks, values[order]))


def _is_still(before: Sequence[Forward], after: Sequence[Forward]) -> bool:
    """Tell whether no forward moved."""
    old, new = (np.array([item.forward for item in items]) for items in (before, after))
    moved = np.abs(new - old) > _STILL_FRAC * np.abs(old)
    return not bool(np.any(moved))
