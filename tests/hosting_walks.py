"""Markets that move enough for the desk to trade, and runs of the desk over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from athena.desk.hosting import DeskStrategy, Parts
from tests.market_builder import (
    HOUR_NS,
    START_NS,
    Simulated,
    bars_of,
    instrument_of,
    run,
    setup_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.desk.cycle import CycleResult
    from athena.domain import Bars

SYMBOLS = ("BTC/USD", "ETH/USD", "XRP/USD")
_FIRST = {"BTC/USD": 40_000.0, "ETH/USD": 2_000.0, "XRP/USD": 0.6}
__all__ = ["HOUR_NS", "SYMBOLS", "moving_bars", "run_desk"]


def moving_bars(
    n: int, seed: int, symbol: str, *, deviation: float = 0.008, interval_ns: int = HOUR_NS
) -> Bars:
    """Draw a walk of 0.8 % a bar without drift: lively enough for signals."""
    rng = np.random.Generator(np.random.PCG64(seed))
    instrument = instrument_of(symbol)
    path = np.exp(np.cumsum(rng.normal(-(deviation**2) / 2, deviation, n)))
    close = np.rint(_FIRST[symbol] * path / float(instrument.tick))
    open_ = np.concatenate((close[:1], close[:-1]))
    columns = (
        START_NS + interval_ns * np.arange(n),
        open_,
        np.rint(np.maximum(open_, close) * 1.003),
        np.rint(np.minimum(open_, close) * 0.997),
        close,
        rng.integers(500, 1_500, n) * round(1 / instrument.lot),
    )
    return bars_of(columns, symbol, interval_ns)


def run_desk(
    bars: Sequence[Bars],
    results: list[CycleResult],
    make: Callable[[], DeskStrategy] = DeskStrategy,
    *,
    is_open: bool = False,
    **venue: Any,
) -> Simulated:
    """Run the rule-based desk, and keep every cycle."""
    desk = make()
    desk.plug(Parts(record=results.append))
    return run(setup_of(bars, is_open=is_open, cash=100_000, **venue), desk)
