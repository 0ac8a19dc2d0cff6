"""Trades under audit: when they were decided, when and where they were filled, what they earn.

A fill at the bar of its own signal depends on no later bar, so cutting the data does not find it.
It is found by its time and price, by what it earns where nothing can be earned, and by what is
left of it when it is filled at the next open.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from athena.domain import format_time
from athena.research.audit._subject import Violation
from athena.research.audit._world import n_known

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.research.audit._world import World

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    ProgressReport = Callable[[int, int], None]

# One-sided 99.9 %: losing where nothing can be earned is cautious, not clairvoyant.
_NULL_LIMIT = 3.0902
_NULL_BARS = 500
_TRADES_MIN = 30
_N_NULL_WORLDS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Fills of a run, in the order they happened.

    Attributes:
        decided_ns: (n,) int64, close of the bar that decided.
        filled_ns: (n,) int64, open of the bar that filled.
        instrument: (n,) index into the world's bars.
        lots: (n,) int64, + bought, - sold.
        price_ticks: (n,) float64.
        value: (S,) float64, quote currency per tick and lot.
    """

    decided_ns: Ints
    filled_ns: Ints
    instrument: Ints
    lots: Ints
    price_ticks: Floats
    value: Floats


class Trader(Protocol):
    """Something that trades: a strategy in its simulation."""

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        ...

    def trade(self, world: World) -> Trades:
        """Trade a world, without costs, and return the fills."""
        ...


def check_fills(name: str, world: World, trades: Trades) -> list[Violation]:
    """Find fills that could not have happened: too early, where no bar traded, or too cheap.

    Returns:
        the first of each kind.
    """
    found: dict[str, Violation] = {}
    for k in range(len(trades.lots)):
        bars = world.bars[int(trades.instrument[k])]
        fault = _fault(bars, trades, k)
        if fault and fault[0] not in found:
            kind, full, allowed = fault
            time_ns = int(trades.decided_ns[k])
            bar = n_known(world.bars[0], time_ns) - 1
            found[kind] = Violation(name, "fills", bar, time_ns, full, allowed, (), kind)
    return list(found.values())


def _fault(bars: Bars, trades: Trades, k: int) -> tuple[str, str, str] | None:
    """Return kind, what happened and what may happen, of a fill that is not possible."""
    decided_ns, filled_ns = int(trades.decided_ns[k]), int(trades.filled_ns[k])
    price = float(trades.price_ticks[k])
    when = f"filled in the bar of {format_time(filled_ns)}"
    if filled_ns < decided_ns:
        return "fill before its decision", when, f"from {format_time(decided_ns)} on"
    row = int(np.searchsorted(bars.ts_ns, filled_ns))
    if row == len(bars) or bars.ts_ns[row] != filled_ns or bars.volume_lots[row] == 0:
        return "fill where nothing traded", when, "in a bar with volume"
    is_buy = trades.lots[k] > 0
    best = bars.low_ticks[row] if is_buy else bars.high_ticks[row]
    if (price < best) if is_buy else (price > best):
        side = "at or above" if is_buy else "at or under"
        shown = f"{when} at {price:g} ticks"
        return "fill at a price that was not there", shown, f"{side} {int(best)}"
    return None


def profit(world: World, trades: Trades) -> float:
    """Return what the trades earned by the last close, in quote currency."""
    if not len(trades.lots):
        return 0.0
    last = np.array([item.close_ticks[-1] for item in world.bars], np.float64)
    value = trades.value[trades.instrument]
    return float((trades.lots * (last[trades.instrument] - trades.price_ticks) * value).sum())


def check_null_worlds(
    trader: Trader, world: World, on_progress: ProgressReport
) -> tuple[list[Violation], float]:
    """Trade where nothing can be foreseen: who earns there saw the answer (LA-4).

    Args:
        trader: trades without costs.
        world: whose bars are dealt anew, 100 times, 500 bars each.
        on_progress: told done and total.

    Returns:
        a violation when the mean profit lies beyond the one-sided 99.9 % band, and the mean in
        standard errors; NaN when it never traded.
    """
    short = world.until(int(world.moments()[: _NULL_BARS + 1][-1]))
    earned = []
    for seed in range(_N_NULL_WORLDS):
        null = short.shuffled(seed)
        earned.append(profit(null, trader.trade(null)))
        on_progress(seed + 1, _N_NULL_WORLDS)
    error = float(np.std(earned, ddof=1)) / math.sqrt(len(earned))
    if not error > 0:
        return [], math.nan
    score = float(np.mean(earned)) / error
    if score <= _NULL_LIMIT:
        return [], score
    last_ns = short.now_ns
    return [
        Violation(
            name=trader.name,
            output="profit on shuffled bars",
            bar=n_known(world.bars[0], last_ns) - 1,
            time_ns=last_ns,
            full=f"{score:.1f} standard errors above 0",
            prefix=f"at most {_NULL_LIMIT:.1f}",
            inputs=(),
            method=f"{_N_NULL_WORLDS} null worlds",
        )
    ], score


def check_next_open(name: str, world: World, trades: Trades) -> list[Violation]:
    """Fill every trade at the first open after its decision: an edge that vanishes is flagged.

    It takes at least 30 trades, a mean profit per trade beyond 3 standard errors as filled, and
    none or less at the next open (LA-5).
    """
    kept = []
    for k in range(len(trades.lots)):
        bars = world.bars[int(trades.instrument[k])]
        row = int(np.searchsorted(bars.ts_ns, trades.decided_ns[k]))
        # An order that waits for its price has no next open to be compared with.
        if row < len(bars) and trades.filled_ns[k] == bars.ts_ns[row]:
            filled = (trades.lots[k], trades.price_ticks[k])
            kept.append((*filled, bars.open_ticks[row], bars.close_ticks[row]))
    if len(kept) < _TRADES_MIN:
        return []
    lots, price, next_open, mark = np.array(kept, np.float64).T
    # By the close of the bar that may fill first: what came of it later is not the fill's doing.
    as_filled = np.sign(lots) * (mark - price) / price
    at_open = np.sign(lots) * (mark - next_open) / next_open
    error = float(as_filled.std(ddof=1)) / math.sqrt(len(as_filled))
    is_edge = error > 0 and as_filled.mean() > _NULL_LIMIT * error
    if not is_edge or at_open.mean() > 0:
        return []
    time_ns = int(trades.decided_ns[0])
    return [
        Violation(
            name=name,
            output="profit at the next open",
            bar=n_known(world.bars[0], time_ns) - 1,
            time_ns=time_ns,
            full=f"{1e4 * as_filled.mean():.2f} bps a fill by the end of its bar",
            prefix=f"{1e4 * at_open.mean():.2f} bps when filled at the next open",
            inputs=(),
            method="execution at the next open",
        )
    ]
