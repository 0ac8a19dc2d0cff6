"""The random baseline: what the same number of trades at the same costs earns without a thought.

Each symbol is a sleeve with an equal share of the cash. Round trips are dealt to the sleeves in
turn; within a sleeve they are long, of equal length, do not overlap, and start at random. Final
returns need only entry and exit prices, so 1,000 seeds cost milliseconds and no compiler.
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
    """

    n_seeds: int
    n_round_trips: int
    final_returns: Floats
    median_seed: int
    growth: Floats


def random_baseline(
    closes: Floats,
    *,
    n_round_trips: int,
    cost_frac: float,
    mean_holding_bars: int,
    n_seeds: int = 1_000,
) -> RandomBaseline:
    """Run seeds 0..n_seeds-1 of a random trader over columns of closing prices.

    Args:
        closes: (T, S) float64, > 0, on one time line.
        n_round_trips: of the run to compare with; >= 0. Trips that do not fit are shortened, and
            left out when a sleeve has fewer bars than trips.
        cost_frac: paid on each side of each trip, in [0, 1): fee plus slippage.
        mean_holding_bars: length of every trip, >= 1.
        n_seeds: >= 1.

    Raises:
        InputError: a close is missing or <= 0, or an argument is out of range.
    """
    _check(closes, n_round_trips, cost_frac, mean_holding_bars, n_seeds)
    trips = _deal(n_round_trips, closes.shape)
    log_closes = np.log(closes)
    finals = np.array(
        [_final(log_closes, _positions(seed, trips, closes.shape[0], mean_holding_bars), cost_frac)
         for seed in range(n_seeds)]
    )  # fmt: skip
    median_seed = int(np.argsort(finals, kind="stable")[(n_seeds - 1) // 2])
    positions = _positions(median_seed, trips, closes.shape[0], mean_holding_bars)
    growth = _growth(log_closes, positions, cost_frac)
    return RandomBaseline(n_seeds, sum(trips), finals - 1.0, median_seed, growth)


Trips = list[tuple[NDArray[np.int64], NDArray[np.int64]]]  # per sleeve: entry bars, exit bars


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


def _final(log_closes: Floats, positions: Trips, cost_frac: float) -> float:
    cost = 2.0 * np.log1p(-cost_frac)
    gains = [
        float(np.sum(log_closes[exits, sleeve] - log_closes[entries, sleeve] + cost))
        for sleeve, (entries, exits) in enumerate(positions)
    ]
    return float(np.mean(np.exp(gains)))


def _growth(log_closes: Floats, positions: Trips, cost_frac: float) -> Floats:
    steps = np.diff(log_closes, axis=0, prepend=log_closes[:1])
    curves = np.zeros_like(log_closes)
    for sleeve, (entries, exits) in enumerate(positions):
        is_held = np.zeros(len(log_closes) + 1, dtype=np.int64)
        np.add.at(is_held, entries + 1, 1)
        np.add.at(is_held, exits + 1, -1)
        gains = steps[:, sleeve] * np.cumsum(is_held)[:-1]
        np.add.at(gains, entries, np.log1p(-cost_frac))
        np.add.at(gains, exits, np.log1p(-cost_frac))
        curves[:, sleeve] = np.cumsum(gains)
    return np.asarray(np.exp(curves).mean(axis=1))


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
