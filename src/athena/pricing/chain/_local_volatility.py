"""Local volatility of a fitted surface, and the prices that it gives back.

In k = ln(K / F) and total variance w(k, T) Dupire's formula reads sigma^2 = w_T / g, with the g of
the butterfly check (Gatheral, 2006, The Volatility Surface, chapter 1). Calls over the discounted
forward then follow c_T = sigma^2 / 2 (c_kk - c_k) from (1 - e^k)+ at T = 0, Dupire's forward
equation: one sweep for all strikes and expiries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.pricing._contracts import Contracts
from athena.pricing.closed import implied_volatility
from athena.pricing.engines import tridiagonal_solver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.pricing._contracts import Floats
    from athena.pricing.chain._surface import SurfaceSlice

_LEAST, _MOST = 0.01, 3.0  # volatility; beyond, the surface has arbitrage or is extrapolated
_LEAST_G = 1e-3
_WIDTH_DEVIATIONS = 7.0
_DAMPING_STEPS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Repriced:
    """What the local volatility gives back at one expiry.

    Attributes:
        years: to expiry.
        k: (n,) log-moneyness inside the quoted range.
        calls: (n,) over the discounted forward.
        sigma: (n,) their implied volatility.
        error_points: (n,) that less the surface's own, volatility points.
    """

    years: float
    k: Floats
    calls: Floats
    sigma: Floats
    error_points: Floats


def local_volatility(slices: Sequence[SurfaceSlice], k: Floats, years: float) -> Floats:
    """Compute the local volatility of a surface at one time.

    Args:
        slices: of the surface, the nearest first.
        k: (n,) log-moneyness.
        years: from now, > 0; before the first expiry and after the last, variance grows evenly.

    Returns:
        (n,) per year, kept between 1 % and 300 %: outside, the surface has arbitrage there.

    Raises:
        InputError: there is no slice.
    """
    if not slices:
        message = "expected a surface, was one without a slice"
        raise InputError(message)
    times = [item.forward.years for item in slices]
    at = int(np.searchsorted(times, years))
    if at in {0, len(times)}:
        only = slices[min(at, len(times) - 1)]
        growth = only.slice.variance(k) / only.forward.years
        share = years / only.forward.years
        g = _butterfly(k, *(share * part for part in _parts(only, k)))
    else:
        left, right = slices[at - 1], slices[at]
        gap = right.forward.years - left.forward.years
        share = (years - left.forward.years) / gap
        growth = (right.slice.variance(k) - left.slice.variance(k)) / gap
        blend = [
            (1.0 - share) * before + share * after
            for before, after in zip(_parts(left, k), _parts(right, k), strict=True)
        ]
        g = _butterfly(k, *blend)
    variance = np.maximum(growth, 0.0) / np.maximum(g, _LEAST_G)
    return np.asarray(np.clip(np.sqrt(variance), _LEAST, _MOST))


def reprice_by_local_volatility(
    slices: Sequence[SurfaceSlice], n_space: int = 800, n_time: int = 60
) -> list[Repriced]:
    """Price the surface's own options by its local volatility: the surface must come back.

    Args:
        slices: of the surface, the nearest first.
        n_space: intervals of log-moneyness.
        n_time: steps between two expiries.

    Returns:
        one for each slice, on the grid's points inside its quoted range.

    Raises:
        InputError: there is no slice.
        MissingExtra: scipy is not installed.
    """
    if not slices:
        message = "expected a surface, was one without a slice"
        raise InputError(message)
    grid = _grid(slices, n_space)
    calls = _cell_averages(grid)
    found = []
    before = 0.0
    for item in slices:
        calls = _walk(slices, grid, calls, before, item.forward.years, n_time)
        before = item.forward.years
        found.append(_compare(item, grid, calls))
    return found


def _parts(item: SurfaceSlice, k: Floats) -> tuple[Floats, Floats, Floats]:
    return item.slice.variance(k), *item.slice.slopes(k)


def _butterfly(k: Floats, w: Floats, first: Floats, second: Floats) -> Floats:
    tilt = 1.0 - k * first / (2.0 * w)
    return np.asarray(tilt * tilt - 0.25 * first * first * (1.0 / w + 0.25) + 0.5 * second)


def _grid(slices: Sequence[SurfaceSlice], n_space: int) -> Floats:
    """Spread log-moneyness by a hyperbolic sine: as dense as the first expiry needs at 0."""
    near, far = (
        float(np.sqrt(item.slice.variance(np.zeros(1))[0])) for item in (slices[0], slices[-1])
    )
    reach = max(
        _WIDTH_DEVIATIONS * far, *(abs(end) for item in slices for end in (item.low, item.high))
    )
    top = np.arcsinh(reach / near)
    return np.asarray(near * np.sinh(np.linspace(-top, top, n_space + 1)))


def _cell_averages(grid: Floats) -> Floats:
    """Average (1 - e^k)+ over each cell."""
    edges = np.concatenate([[grid[0]], 0.5 * (grid[1:] + grid[:-1]), [grid[-1]]])
    inside = np.minimum(edges, 0.0)
    whole = inside - np.exp(inside)
    return np.asarray(np.diff(whole) / np.diff(edges))


def _walk(  # noqa: PLR0913, PLR0917 - a stretch of time on a grid
    slices: Sequence[SurfaceSlice],
    grid: Floats,
    calls: Floats,
    start: float,
    end: float,
    n_time: int,
) -> Floats:
    """Step from one expiry to the next; the first stretch begins with the payoff's kink."""
    solve = tridiagonal_solver()
    step = np.diff(grid)
    left, right = step[:-1], step[1:]
    # Steps grow from the kink, where everything happens at once.
    share = np.linspace(0.0, 1.0, n_time + 1) ** (2.0 if start == 0.0 else 1.0)
    times = start + (end - start) * share
    for index in range(n_time):
        length = times[index + 1] - times[index]
        middle = 0.5 * (times[index] + times[index + 1])
        half = 0.5 * local_volatility(slices, grid[1:-1], middle) ** 2
        below = half * (2.0 + right) / (left * (left + right))
        above = half * (2.0 - left) / (right * (left + right))
        implicit = 1.0 if index < _DAMPING_STEPS else 0.5
        explicit = (1.0 - implicit) * length
        inner = calls[1:-1]
        change = below * (calls[:-2] - inner) + above * (calls[2:] - inner)
        values = calls.copy()
        values[1:-1] += explicit * change
        ahead = implicit * length
        diagonal = np.ones(len(grid))
        diagonal[1:-1] += ahead * (below + above)
        calls = solve(
            np.append(-ahead * below, 0.0), diagonal, np.append(0.0, -ahead * above), values
        )
    return calls


def _compare(item: SurfaceSlice, grid: Floats, calls: Floats) -> Repriced:
    inside = (grid >= item.low) & (grid <= item.high)
    k = grid[inside]
    terms = Contracts.on_forward(
        forward=1.0, strike=np.exp(k), years=item.forward.years, rate=0.0, is_call=True
    )
    sigma = np.asarray(implied_volatility(terms, calls[inside]).sigma)
    own = np.sqrt(item.slice.variance(k) / item.forward.years)
    return Repriced(item.forward.years, k, calls[inside], sigma, 100.0 * (sigma - own))
