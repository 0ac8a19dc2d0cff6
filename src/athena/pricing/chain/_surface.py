"""The volatility surface of a chain: a slice for each expiry, joined in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.pricing._contracts import BLOCK, Contracts
from athena.pricing.chain._fit import Before, SmileQuotes, check_grid, fit_slice
from athena.pricing.closed import european_greeks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.pricing._contracts import Flags, Floats
    from athena.pricing.chain._forwards import Forward
    from athena.pricing.chain._quotes import ChainQuotes
    from athena.pricing.chain._svi import Slice
    from athena.pricing.chain._volatilities import RowTerms

    Indices = NDArray[np.intp]

_ROUNDING = 1e-9  # of total variance or g: less is no violation


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceSlice:
    """One fitted expiry with its quality.

    Attributes:
        forward: of the expiry.
        slice: the parameters.
        low: lowest log-moneyness that was quoted; below is extrapolation.
        high: highest one.
        rows: (n,) indices of the quotes that it was fitted to.
        leverage: (n,) how far each of them prices itself, in [0, 1).
        error_points: root mean square of model less mid, volatility points.
        inside_frac: share of the model's volatilities between those of bid and ask.
        mass: integral of the risk-neutral density; 1 without arbitrage.
        mean: its mean over the forward; 1 without arbitrage.
        least_g: smallest g on the checked grid; negative is butterfly arbitrage.
        calendar_gap: share by which total variance falls under the expiry before, at most, where
            that one was quoted; 0 is none.
        is_repaired: the first fit had arbitrage and was done again with penalties.
    """

    forward: Forward
    slice: Slice
    low: float
    high: float
    rows: Indices
    leverage: Floats
    error_points: float
    inside_frac: float
    mass: float
    mean: float
    least_g: float
    calendar_gap: float
    is_repaired: bool

    @property
    def has_arbitrage(self) -> bool:
        """Tell whether butterfly or calendar arbitrage is left."""
        return self.least_g < -_ROUNDING or self.calendar_gap > _ROUNDING


@dataclass(frozen=True, slots=True, eq=False)
class Volatility:
    """Implied volatilities of the N rows, and which may form the surface.

    Attributes:
        bid: (N,) NaN where the price has none.
        mid: (N,)
        ask: (N,)
        is_used: (N,) clean rows on the out-of-the-money side.
    """

    bid: Floats
    mid: Floats
    ask: Floats
    is_used: Flags


def fit_surface(
    quotes: ChainQuotes, terms: RowTerms, volatility: Volatility, forwards: Sequence[Forward]
) -> list[SurfaceSlice]:
    """Fit a slice for each expiry with five quotes or more, the nearest first."""
    slices: list[SurfaceSlice] = []
    for forward in forwards:
        rows = np.flatnonzero((quotes.expiry_ns == forward.expiry_ns) & volatility.is_used)
        before = Before(slices[-1].slice, slices[-1].low, slices[-1].high) if slices else None
        made = _fit_one(quotes, terms, volatility, forward, rows, before)
        if made is not None:
            slices.append(made)
    return slices


def _fit_one(  # noqa: PLR0913, PLR0917 - what a slice is made of
    quotes: ChainQuotes,
    terms: RowTerms,
    volatility: Volatility,
    forward: Forward,
    rows: Indices,
    before: Before | None,
) -> SurfaceSlice | None:
    k = np.log(quotes.strike[rows] / forward.forward)
    sigma = volatility.mid[rows]
    european = Contracts.on_forward(
        forward=forward.forward,
        strike=quotes.strike[rows],
        years=forward.years,
        rate=forward.rate,
        sigma=sigma,
        is_call=quotes.is_call[rows],
    )
    vega = np.asarray(european_greeks(european).vega)
    half_spread = 0.5 * (quotes.ask - quotes.bid)[rows] * terms.unit[rows]
    # A quote without a spread would outweigh all others.
    half_spread = np.maximum(half_spread, 1e-6 * forward.forward)
    fitted = fit_slice(SmileQuotes(k, sigma, vega / half_spread, forward.years), before)
    if fitted is None:
        return None
    model = np.sqrt(fitted.slice.variance(k) / forward.years)
    is_inside = (model >= volatility.bid[rows]) & (model <= volatility.ask[rows])
    mass, mean = fitted.slice.integral_and_mean()
    grid = check_grid(float(k.min()), float(k.max()))
    fall = 0.0 if before is None else float(np.max(before.fall(fitted.slice)))
    return SurfaceSlice(
        forward=forward,
        slice=fitted.slice,
        low=float(k.min()),
        high=float(k.max()),
        rows=rows,
        leverage=fitted.leverage,
        error_points=100.0 * float(np.sqrt(np.mean((model - sigma) ** 2))),
        inside_frac=float(np.mean(is_inside)),
        mass=mass,
        mean=mean,
        least_g=float(fitted.slice.butterfly(grid).min()),
        calendar_gap=max(fall, 0.0),
        is_repaired=fitted.is_repaired,
    )


def surface_sigma(
    slices: Sequence[SurfaceSlice], k: Floats, years: Floats
) -> tuple[Floats, Flags]:
    """Read the surface: total variance is linear in time at a fixed log-moneyness.

    Args:
        slices: of `fit_surface`.
        k: (n,) log-moneyness.
        years: (n,) to expiry, > 0; NaN gives NaN.

    Returns:
        (n,) volatility, NaN without a slice; (n,) whether it is extrapolated: outside the quoted
        moneyness, before the first or after the last expiry (there volatility stays).
    """
    sigma, is_outside = np.full(len(k), np.nan), np.ones(len(k), dtype=np.bool_)
    if slices:
        # Every slice is read at every row: a block at a time bounds the memory.
        for start in range(0, len(k), BLOCK):
            at = slice(start, start + BLOCK)
            sigma[at], is_outside[at] = _read_block(slices, k[at], years[at])
    return sigma, is_outside


def _read_block(slices: Sequence[SurfaceSlice], k: Floats, years: Floats) -> tuple[Floats, Flags]:
    times = np.array([item.forward.years for item in slices])
    variance = np.array([item.slice.variance(k) for item in slices])
    outside = np.array([(k < item.low) | (k > item.high) for item in slices])
    columns = np.arange(len(k))
    at = np.clip(np.searchsorted(times, years), 0, len(slices) - 1)
    left = np.maximum(at - 1, 0)
    gap = np.where(at > left, times[at] - times[left], 1.0)
    share = np.where(at > left, np.clip((years - times[left]) / gap, 0.0, 1.0), 1.0)
    blend = (1.0 - share) * variance[left, columns] + share * variance[at, columns]
    held = np.clip(years, times[0], times[-1])
    is_outside = (years < times[0]) | (years > times[-1])
    is_outside |= (outside[left, columns] & (share < 1.0)) | outside[at, columns]
    with np.errstate(invalid="ignore"):  # NaN years
        return np.sqrt(blend / held), np.asarray(is_outside)
