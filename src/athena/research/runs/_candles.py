"""Prices of a run for charts and for the random baseline, in quote currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.research._record import Candles

if TYPE_CHECKING:
    from athena.research.engine import Setup

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
    """Return candles of an instrument, merged to at most a few thousand; a gap stays a gap."""
    columns = setup.columns
    per_candle = -(-len(columns.close_ns) // _MAX_CANDLES)
    starts = range(0, len(columns.close_ns), per_candle)
    # Candle by candle: columns as long as the run need no copies of themselves.
    spans = (slice(start, start + per_candle) for start in starts)
    merged = [_merge(setup, k, span) for span in spans if (columns.volume[k, span] >= 0).any()]
    ts_ns, *prices = (np.array(column) for column in zip(*merged, strict=True))
    tick = float(setup.instruments[k].tick)
    return Candles(
        setup.instruments[k].symbol,
        per_candle * setup.interval_ns,
        ts_ns,
        *(column * tick for column in prices),
    )


def _merge(setup: Setup, k: int, span: slice) -> tuple[int, int, int, int, int]:
    """Merge the bars of a span into open time, open, high, low and close."""
    columns = setup.columns
    steps = np.flatnonzero(columns.volume[k, span] >= 0) + span.start
    return (
        int(columns.close_ns[steps[0]]) - setup.interval_ns,
        int(columns.open[k, steps[0]]),
        int(columns.high[k, steps].max()),
        int(columns.low[k, steps].min()),
        int(columns.close[k, steps[-1]]),
    )
