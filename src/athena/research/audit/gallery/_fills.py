"""Specimens that trade: nothing they compute knows later bars, but their fills cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from athena.research.audit._trades import Trades
from athena.research.audit.gallery._specimen import TradingSpecimen

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.research.audit._world import World

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_LOTS = 10


@dataclass(frozen=True, slots=True)
class _Follower:
    """Buy after a rising bar and sell after a falling one, always in the market.

    Attributes:
        name: what a person calls it.
        fill: (bars, steps) -> opens of the bars it says it was filled in, and prices.
        on: the bars it decides on.
    """

    name: str
    fill: Callable[[Bars, Ints], tuple[Ints, Floats]]
    on: Callable[[Bars], Bars]

    def trade(self, world: World) -> Trades:
        """Trade the first instrument."""
        bars = self.on(world.bars[0])
        side = np.where(bars.close_ticks >= bars.open_ticks, 1, -1)[:-1]
        lots = np.diff(side, prepend=0) * _LOTS
        steps = np.flatnonzero(lots)
        filled_ns, price = self.fill(bars, steps)
        numerator, denominator = bars.instrument.value_ratio()
        return Trades(
            decided_ns=bars.ts_ns[steps] + bars.interval_ns,
            filled_ns=filled_ns,
            instrument=np.zeros(len(steps), np.int64),
            lots=lots[steps],
            price_ticks=price,
            value=np.array([numerator / denominator / 1e8]),
        )


def _as_it_is(bars: Bars) -> Bars:
    return bars


def _next_open(bars: Bars, steps: Ints) -> tuple[Ints, Floats]:
    return bars.ts_ns[steps + 1], bars.open_ticks[steps + 1].astype(np.float64)


def _own_bar(bars: Bars, steps: Ints) -> tuple[Ints, Floats]:
    """Fill at the open of the bar that made the signal."""
    return bars.ts_ns[steps], bars.open_ticks[steps].astype(np.float64)


def _own_price(bars: Bars, steps: Ints) -> tuple[Ints, Floats]:
    """Fill at the open of the bar that made the signal, and say that it was the next bar."""
    return bars.ts_ns[steps + 1], bars.open_ticks[steps].astype(np.float64)


def _best_price(bars: Bars, steps: Ints) -> tuple[Ints, Floats]:
    """Fill buys at the next bar's low and sells at its high."""
    is_buy = bars.close_ticks[steps] >= bars.open_ticks[steps]
    best = np.where(is_buy, bars.low_ticks[steps + 1], bars.high_ticks[steps + 1])
    return bars.ts_ns[steps + 1], best.astype(np.float64)


def _filled_forward(bars: Bars) -> Bars:
    """Repeat the last bar through an outage, as if one could trade it."""
    grid = np.arange(bars.ts_ns[0], bars.ts_ns[-1] + 1, bars.interval_ns)
    newest = np.searchsorted(bars.ts_ns, grid, side="right") - 1
    columns = {
        name: getattr(bars, name)[newest]
        for name in ("open_ticks", "high_ticks", "low_ticks", "volume_lots")
    }
    # It rises and falls by a tick, so that the follower goes on trading.
    is_made = grid != bars.ts_ns[newest]
    close = bars.close_ticks[newest] + np.where(is_made, np.arange(len(grid)) % 2 * 2 - 1, 0)
    columns["open_ticks"] = np.where(is_made, bars.close_ticks[newest], columns["open_ticks"])
    columns["high_ticks"] = np.maximum(columns["high_ticks"], close)
    columns["low_ticks"] = np.minimum(columns["low_ticks"], close)
    return replace(bars, ts_ns=grid, close_ticks=close, **columns)


def fill_specimens() -> list[TradingSpecimen]:
    """List the specimens that trade."""
    honest = _Follower("fills at the next open, honest", _next_open, _as_it_is)

    def specimen(name: str, how: str, leaking: _Follower) -> TradingSpecimen:
        return TradingSpecimen(name, how, leaking, honest)

    return [
        specimen(
            "fill at the signal bar",
            "the open of the bar that made the signal",
            _Follower("fill at the signal bar, leaking", _own_bar, _as_it_is),
        ),
        specimen(
            "fill at the signal bar, dated later",
            "the same price, said to be the next bar's",
            _Follower("fill at the signal bar dated later, leaking", _own_price, _as_it_is),
        ),
        specimen(
            "fill at the best price",
            "the extreme of a bar not yet over",
            _Follower("fill at the best price, leaking", _best_price, _as_it_is),
        ),
        specimen(
            "forward fill across an outage",
            "trades where there was no market",
            _Follower("forward fill across an outage, leaking", _next_open, _filled_forward),
        ),
    ]
