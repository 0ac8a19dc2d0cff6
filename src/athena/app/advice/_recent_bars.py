"""The newest closed bars of a venue, straight from its public interface: nothing is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import (
    BAR_COLUMNS,
    Bars,
    Provenance,
    content_sha256,
    format_interval,
    format_time,
)
from athena.errors import InputError, MissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.domain import Instrument
    from athena.venues.kraken import Candle, PublicKraken

# Kraken serves 720; some are left for what closes while it is asked.
_N_BARS = 715
# A bar that closed has to be there two intervals later: what comes later is an outage.
_LATE = 2


def recent_bars(
    kraken: PublicKraken, symbols: Sequence[str], interval_ns: int, *, url: str
) -> list[Bars]:
    """Fetch the newest closed bars of some symbols, with the venue's own steps and minima.

    Args:
        kraken: to ask.
        symbols: ``BASE/QUOTE``.
        interval_ns: one of Kraken's.
        url: of the venue, for the provenance.

    Raises:
        InputError: no such interval, or a price that is no multiple of the tick.
        MissingError: the newest bar is too old: the venue or its market is down (D03).
        VenueError: the venue did not answer, or knows a symbol not.
    """
    return [_bars(kraken, symbol, interval_ns, url) for symbol in symbols]


def _bars(kraken: PublicKraken, symbol: str, interval_ns: int, url: str) -> Bars:
    rules = kraken.pair_rules(symbol)
    now_ns = kraken.server_time_ns()
    since_ns = now_ns - _N_BARS * interval_ns
    pages = kraken.bars(rules, interval_ns, since_ns=since_ns)
    candles = [candle for page in pages for candle in page]
    closed_ns = candles[-1].ts_ns + interval_ns if candles else 0
    if now_ns - closed_ns > _LATE * interval_ns:
        was = f"closed {format_time(closed_ns)}" if candles else "none"
        message = f"expected a bar of {symbol} closed by {format_time(now_ns)}, was {was}"
        raise MissingError(message, hint="the venue or its market is down; try again later")
    return _columns(candles, rules.instrument(), interval_ns, url, now_ns)


def _columns(
    candles: Sequence[Candle], instrument: Instrument, interval_ns: int, url: str, now_ns: int
) -> Bars:
    rows = [
        (
            candle.ts_ns,
            *map(instrument.price_to_ticks, (candle.open, candle.high, candle.low, candle.close)),
            int(candle.volume / instrument.lot),
        )
        for candle in candles
    ]
    if len({row[0] for row in rows}) != len(rows):
        message = f"expected each bar of {instrument.symbol} once, was one twice"
        raise InputError(message)
    table = tuple(np.ascontiguousarray(column) for column in np.array(rows, np.int64).T)
    columns = dict(zip(BAR_COLUMNS, table, strict=True))
    name = f"kraken-{instrument.symbol}-{format_interval(interval_ns)}"
    origin = f"kraken, public bars of {url}, fetched {format_time(now_ns)}"
    provenance = Provenance(name, origin, content_sha256(table))
    return Bars(instrument, interval_ns, provenance=provenance, **columns)
