"""Bars, made from the trades of the market as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS, SECOND_NS
from athena.venues.exchange._exact import times
from athena.venues.exchange._state import Candle

if TYPE_CHECKING:
    from athena.venues.exchange._state import Print

INTERVALS_MIN = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
WINDOW = 720  # the newest bars that are kept and served


def add_to_candles(candles: dict[int, list[Candle]], trade: Print) -> None:
    """Put a trade into the bar of each interval; a bar without a trade is never made."""
    for minutes in INTERVALS_MIN:
        length_ns = minutes * MINUTE_NS
        start_s = trade.stamp_ns // length_ns * length_ns // SECOND_NS
        bars = candles.setdefault(minutes, [])
        turnover = times(trade.price, trade.quantity)
        # A clock that was set back by a fault goes on with the bar that is there.
        if bars and start_s <= bars[-1].start_s:
            bar = bars[-1]
            bar.high, bar.low = max(bar.high, trade.price), min(bar.low, trade.price)
            bar.close = trade.price
            bar.volume += trade.quantity
            bar.turnover += turnover
            bar.n_trades += 1
            continue
        price = trade.price
        bars.append(
            Candle(
                start_s=start_s,
                open=price,
                high=price,
                low=price,
                close=price,
                volume=trade.quantity,
                turnover=turnover,
                n_trades=1,
            )
        )
        del bars[:-WINDOW]
