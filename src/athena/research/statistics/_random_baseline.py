"""The random baseline: what the same number of trades at the same costs earns without a thought.

Each symbol is a sleeve with an equal share of the cash. Round trips are dealt to the sleeves in
turn; within a sleeve they are long, of equal length and of an equal fraction of what the sleeve
is worth, do not overlap, and start at random; the rest of the sleeve stays in cash. Final returns
need only entry and exit prices, so 1,000 seeds cost milliseconds and no compiler.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from athena.errors import InputError

if TYPE_CHECKING:
    from athena.research.statistics._returns import Floats


@dataclass(frozen=True, slots=True, eq=False)
class RandomBaseline:
    """Hold what random traders earned.

    Attributes:
        n_seeds: how many were run; print it beside the result.
        n_round_trips: of each seed, after fitting them into the data.
        final_returns: (n_seeds,) float64, total return of each seed, fraction.
        median_seed: the seed whose final return is the (lower) median.
        growth: (T,) float64, account value of that seed per unit of cash at each close.
        turnover: what that seed bought and sold in all, per unit of cash; >= 0.
    """

    n_seeds: int
    n_round_trips: int
    final_returns: Floats
    median_seed: int
    growth: Floats
    turnover: float


def random_baseline(  # noqa: PLR0913 - how many, how long, how large, at what cost
    closes: Floats,
    *,
    n_round_trips: int,
    cost_frac: float,
    mean_holding_bars: int,
    n_seeds: int = 1_000,
    fraction: float = 1.0,
) -> RandomBaseline:
    """Run seeds 0..n_seeds-1 of a random trader over columns of closing prices.

    Args:
        closes: (T, S) float64, > 0, on one time line.
        n_round_trips: of the run to compare with; >= 0. Trips that do not fit are shortened, and
            left out when a sleeve has fewer bars than trips.
        cost_frac: paid on each side of each trip, in [0, 1): fee plus slippage.
        mean_holding_bars: length of every trip, >= 1.
        n_seeds: >= 1.
        fraction: of a sleeve's value that each trip buys for, in (0, 1].

    Raises:
        InputError: a close is missing or <= 0, or an argument is out of range.
    """
    _check(closes, n_round_trips, cost_frac, mean_holding_bars, n_seeds)
    if not 0 < fraction <= 1:
        message = f"expected fraction in (0, 1], was {fraction}"
        raise InputError(message)
    trips = _deal(n_round_trips, closes.shape)
    log_closes = np.log(closes)
    finals = np.array(
        [_final(log_closes, _positions(seed, trips, closes.shape[0], mean_holding_bars), cost_frac,
                fraction)
         for seed in range(n_seeds)]
    )  # fmt: skip
    median_seed = int(np.argsort(finals, kind="stable")[(n_seeds - 1) // 2])
    positions = _positions(median_seed, trips, closes.shape[0], mean_holding_bars)
    return RandomBaseline(
        n_seeds=n_seeds,
        n_round_trips=sum(trips),
        final_returns=finals - 1.0,
        median_seed=median_seed,
        growth=_growth(log_closes, positions, cost_frac, fraction),
        turnover=_turnover(log_closes, positions, cost_frac, fraction),
    )


Ints = NDArray[np.int64]
Trips = list[tuple[Ints, Ints]]  # per sleeve: entry bars, exit bars


def _deal(n_round_trips: int, shape: tuple[int, ...]) -> list[int]:
    n_bars, n_sleeves = shape
    shares = [len(range(sleeve, n_round_trips, n_sleeves)) for sleeve in range(n_sleeves)]
    return [min(share, max(n_bars - 1, 0)) for share in shares]


def _positions(seed: int, trips: list[int], n_bars: int, holding_bars: int) -> Trips:
    generator = np.random.default_rng(seed)
    sleeves: Trips = []
    for n_trips in trips:
        holding = max(1, min(holding_bars, (n_bars - 1) // max(n_trips, 1)))
        slack = n_bars - 1 - n_trips * holding
        offsets = np.sort(generator.integers(0, max(slack, 0) + 1, size=n_trips))
        entries = offsets + holding * np.arange(n_trips)
        sleeves.append((entries, entries + holding))
    return sleeves


def _trip_gains(
    log_closes: Floats, sleeve: int, trips: tuple[Ints, Ints], cost_frac: float, fraction: float
) -> Floats:
    """Return the log gain of the sleeve by each trip; only the fraction moves with the price."""
    entries, exits = trips
    moved = log_closes[exits, sleeve] - log_closes[entries, sleeve] + 2.0 * np.log1p(-cost_frac)
    return _of_part(moved, fraction)


def _of_part(moved: Floats, fraction: float) -> Floats:
    """Turn log gains of a part into log gains of the whole."""
    return moved if fraction == 1.0 else np.asarray(np.log1p(fraction * np.expm1(moved)))


def _final(log_closes: Floats, positions: Trips, cost_frac: float, fraction: float) -> float:
    gains = [
        float(np.sum(_trip_gains(log_closes, sleeve, trips, cost_frac, fraction)))
        for sleeve, trips in enumerate(positions)
    ]
    return float(np.mean(np.exp(gains)))


def _growth(log_closes: Floats, positions: Trips, cost_frac: float, fraction: float) -> Floats:
    bars = np.arange(len(log_closes))
    curves = np.zeros_like(log_closes)
    for sleeve, (entries, exits) in enumerate(positions):
        gains = _trip_gains(log_closes, sleeve, (entries, exits), cost_frac, fraction)
        n_done = np.searchsorted(exits, bars, side="right")
        curves[:, sleeve] = np.concatenate(([0.0], np.cumsum(gains)))[n_done]
        # Trips do not overlap: where more were entered than done, the next to be done is held.
        held = np.flatnonzero(np.searchsorted(entries, bars, side="right") > n_done)
        entered = log_closes[entries[n_done[held]], sleeve]
        moved = log_closes[held, sleeve] - entered + np.log1p(-cost_frac)
        curves[held, sleeve] += _of_part(moved, fraction)
    return np.asarray(np.exp(curves).mean(axis=1))


def _turnover(log_closes: Floats, positions: Trips, cost_frac: float, fraction: float) -> float:
    dealt = 0.0
    for sleeve, (entries, exits) in enumerate(positions):
        gains = _trip_gains(log_closes, sleeve, (entries, exits), cost_frac, fraction)
        worth = np.exp(np.cumsum(gains) - gains)  # of the sleeve, before each trip
        ratio = np.exp(log_closes[exits, sleeve] - log_closes[entries, sleeve])
        dealt += float(np.sum(worth * fraction * (1.0 + (1.0 - cost_frac) * ratio)))
    return dealt / len(positions)


def _check(
    closes: Floats, n_round_trips: int, cost_frac: float, mean_holding_bars: int, n_seeds: int
) -> None:
    if closes.ndim != 2 or closes.size == 0:  # noqa: PLR2004 - time and symbol
        message = f"expected closes of shape (T, S) with T, S >= 1, was {closes.shape}"
        raise InputError(message)
    if not (np.all(np.isfinite(closes)) and np.all(closes > 0)):
        row, column = np.argwhere(~(np.isfinite(closes) & (closes > 0)))[0]
        message = f"expected closes > 0, was {closes[row, column]} at row {row}, column {column}"
        raise InputError(message)
    if n_round_trips < 0 or mean_holding_bars < 1 or n_seeds < 1 or not 0 <= cost_frac < 1:
        message = (
            "expected n_round_trips >= 0, mean_holding_bars >= 1, n_seeds >= 1 and cost_frac in "
            f"[0, 1), was {n_round_trips}, {mean_holding_bars}, {n_seeds} and {cost_frac}"
        )
        raise InputError(message)
