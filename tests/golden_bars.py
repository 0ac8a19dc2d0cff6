"""The markets of the golden order lists: a few seeded series, each with one thing to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.market_builder import HOUR_NS, START_NS, bars_of, benchmark_bars, driftless_bars

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.domain import Bars

_FIRST_TICKS = 20_000.0
_PIECE = 60  # bars that a market keeps its mood


def _moody(n: int, seed: int, drifts: tuple[float, ...], sigmas: tuple[float, ...]) -> Bars:
    """Draw hourly bars whose drift and deviation change from piece to piece, in turn.

    One bar in ten opens away from the close before it.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    piece = np.arange(n) // _PIECE
    drift, sigma = (np.array(moods)[piece % len(moods)] for moods in (drifts, sigmas))
    close = np.rint(_FIRST_TICKS * np.exp(np.cumsum(drift + sigma * rng.standard_normal(n))))
    gap = 3 * sigma * rng.standard_normal(n) * (rng.random(n) < 0.1)
    open_ = np.rint(np.concatenate(([_FIRST_TICKS], close[:-1])) * np.exp(gap))
    reach = np.rint(np.abs(rng.standard_normal((2, n))) * sigma * close / 2)
    volume = rng.integers(50_000, 150_000, n)
    times = START_NS + HOUR_NS * np.arange(n)
    high, low = np.maximum(open_, close) + reach[0], np.minimum(open_, close) - reach[1]
    return bars_of((times, open_, high, low, close, volume), "TEST/USD", HOUR_NS)


def _swings() -> Bars:
    """Rise, calm, fall, calm."""
    return _moody(1_200, 7, (0.0015, 0.0, -0.0015, 0.0), (0.004, 0.001, 0.004, 0.001))


def _crash() -> Bars:
    """Rise, then lose a third within days."""
    return _moody(480, 3, (0.001, 0.001, -0.005, -0.002), (0.003, 0.003, 0.012, 0.01))


def _gappy() -> Bars:
    """Leave out one bar in twenty, and the volume of as many."""
    bars = driftless_bars(1_200, 5, interval_ns=HOUR_NS)
    rng = np.random.Generator(np.random.PCG64(5))
    is_there, is_quiet = rng.random(len(bars)) > 0.05, rng.random(len(bars)) < 0.05
    *prices, volume = bars.columns()
    kept = [column[is_there] for column in (*prices, np.where(is_quiet, 0, volume))]
    return bars_of(kept, "TEST/USD", HOUR_NS)


def _thin() -> Bars:
    """Trade so little that orders fill in parts."""
    columns = [column.copy() for column in driftless_bars(1_200, 9, interval_ns=HOUR_NS).columns()]
    columns[5] //= 2_500
    return bars_of(columns, "TEST/USD", HOUR_NS)


def _basket(*symbols: str, late: int = 0) -> list[Bars]:
    """Draw hourly walks of several instruments; the last begins late and moves the most."""
    items = [driftless_bars(1_500, 20 + k, name, HOUR_NS) for k, name in enumerate(symbols)]
    columns = [column[late:].copy() for column in items[-1].columns()]
    trend = np.linspace(1.0, 2.0, len(columns[0]))
    for column in columns[1:5]:
        column[:] = np.rint(column * trend)
    return [*items[:-1], bars_of(columns, symbols[-1], HOUR_NS)]


SERIES: dict[str, Callable[[], list[Bars]]] = {
    "walk": lambda: [driftless_bars(1_500, 1)],
    "bridge": lambda: [benchmark_bars(2_000)],
    "swings": lambda: [_swings()],
    "crash": lambda: [_crash()],
    "gappy": lambda: [_gappy()],
    "thin": lambda: [_thin()],
    "pair": lambda: _basket("BTC/USD", "XRP/USD"),
    "three": lambda: _basket("BTC/USD", "ETH/USD", "XRP/USD", late=300),
}
