"""Prices of a run for charts and for the random baseline, in quote currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.research._record import Candles

if TYPE_CHECKING:
    from athena.research._setup import Setup

_MAX_CANDLES = 2_000


def closes_of(setup: Setup) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return closes (T, S) in quote currency; the first one stands in front of it."""
    columns = []
    for k, instrument in enumerate(setup.instruments):
        close = setup.columns.close[k].astype(np.float64) * float(instrument.tick)
        first = close[np.argmax(close > 0)]
        columns.append(np.where(close > 0, close, first))
    return np.stack(columns, axis=1)


def candles_of(setup: Setup, k: int) -> Candles:
    """Return candles of an instrument, merged to at most a few thousand."""
    columns = setup.columns
    has_bar = columns.volume[k] >= 0
    steps = np.flatnonzero(has_bar)
    per_candle = -(-len(columns.close_ns) // _MAX_CANDLES)
    group = steps // per_candle
    firsts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    lasts = np.append(firsts[1:], len(steps)) - 1
    tick = float(setup.instruments[k].tick)
    return Candles(
        symbol=setup.instruments[k].symbol,
        interval_ns=per_candle * setup.interval_ns,
        ts_ns=columns.close_ns[steps[firsts]] - setup.interval_ns,
        open=columns.open[k][steps[firsts]] * tick,
        high=np.maximum.reduceat(columns.high[k][steps], firsts) * tick,
        low=np.minimum.reduceat(columns.low[k][steps], firsts) * tick,
        close=columns.close[k][steps[lasts]] * tick,
    )
