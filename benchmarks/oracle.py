"""Both jobs worked out without an engine, in whole ticks: what every engine should end with.

Some engines have rules of their own, such as a stop between two ticks. Each rule that explains a
different end is worked out too: a result is that of a stated rule, or it is not explained.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.bars import TICK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bars import Columns

    Price = int | float | Fraction

CASH = 1_000_000
FEE = Fraction(1, 1000)  # of what is bought or sold
FAST, SLOW = 10, 30
STOP, TARGET = Fraction(998, 1000), Fraction(1003, 1000)  # of the close that decided
# Floats settle a tie between two prices either way; a job of 1M bars has a handful.
EQUITY_SLACK = 0.10
FILLS_SLACK = 2
_TICKS_PER_UNIT = round(1 / TICK)


@dataclass(frozen=True, slots=True)
class Result:
    """What a job ends with.

    Attributes:
        fills: how many orders were filled; None when an engine does not say.
        equity: cash, and what is held at the last close, in quote currency.
    """

    fills: int | None
    equity: float

    def agrees(self, other: Result) -> bool:
        """Tell whether two results differ by no more than ties between floats."""
        if self.fills is None or other.fills is None:
            is_as_often = True
        else:
            is_as_often = abs(self.fills - other.fills) <= FILLS_SLACK
        return is_as_often and abs(self.equity - other.equity) <= EQUITY_SLACK


@dataclass(slots=True)
class _Account:
    """One unit, held or not, and what its trades brought."""

    is_held: bool = False
    n_fills: int = 0
    gained: Price = 0
    turnover: Price = 0

    def trade(self, price: Price) -> None:
        """Buy when nothing is held, else sell."""
        self.gained += price if self.is_held else -price
        self.turnover += price
        self.is_held = not self.is_held
        self.n_fills += 1

    def end(self, close: int, sold_at: int | None) -> Result:
        """Mark what is held at the last close, or sell it at a price."""
        if sold_at is not None and self.is_held:
            self.trade(sold_at)
        ticks = self.gained + self.is_held * close - self.turnover * FEE
        return Result(self.n_fills, float(CASH + ticks / _TICKS_PER_UNIT))


def expected(job: str, bars: Columns) -> dict[str, Result]:
    """Return what a job may end with: the rule that explains it -> result; "" is the job as asked.

    Args:
        job: A or B.
        bars: (T,) columns of the benchmark's walk, T > 30.
    """
    if job == "A":
        return {
            "": cross(bars),
            "Sells what is open at the last close": cross(bars, last="close"),
            "Sells what is open at the last open": cross(bars, last="open"),
            "Sells at the bid, a tick under the price": cross(bars, spread=1),
        }
    return {
        "": bracket(bars),
        "Sells what is open at the last close": bracket(bars, last="close"),
        "Sells what is open at the last open": bracket(bars, last="open"),
        "Leaves stops and targets between ticks": bracket(bars, is_rounded=False),
    }


def cross(bars: Columns, *, last: str = "", spread: int = 0) -> Result:
    """Hold one unit while the fast mean is above the slow one; trade at the next open.

    Args:
        bars: see `expected`.
        last: at which price of the last bar the rest is sold; it is marked at the close without.
        spread: ticks that a sale gets less.
    """
    opens, *_, closes = _ticks(bars)
    account = _Account()
    for open_, sign in zip(opens[1:], _signs(closes), strict=False):
        if sign and account.is_held != (sign > 0):
            account.trade(open_ - spread if account.is_held else open_)
    return account.end(closes[-1], {"close": closes[-1], "open": opens[-1]}.get(last))


def bracket(bars: Columns, *, last: str = "", is_rounded: bool = True) -> Result:
    """Enter on the cross when flat; leave by the stop or the target.

    Both lie around the close that decided, on the nearest tick, half to even. Inside a bar the
    price goes to its nearer extreme first, to the low when both are as near.

    Args:
        bars: see `expected`.
        last: see `cross`.
        is_rounded: False leaves stop and target between ticks.
    """
    opens, highs, lows, closes = _ticks(bars)
    account = _Account()
    stop: Price = 0
    target: Price = 0
    for t, sign in enumerate(_signs(closes[:-1]), 1):
        if not account.is_held and sign > 0:
            account.trade(opens[t])
            stop, target = closes[t - 1] * STOP, closes[t - 1] * TARGET
            if is_rounded:
                stop, target = round(stop), round(target)
        if account.is_held:
            price = _left_at(opens[t], highs[t], lows[t], float(stop), float(target))
            if price is not None:
                account.trade(price)
    return account.end(closes[-1], {"close": closes[-1], "open": opens[-1]}.get(last))


def _ticks(bars: Columns) -> list[list[int]]:
    names = ("open", "high", "low", "close")
    return [np.rint(bars[name] / TICK).astype(np.int64).tolist() for name in names]


def _signs(closes: list[int]) -> Iterator[int]:
    """Yield the sign of fast mean - slow mean after each close; 0 until both are known."""
    sums = list(accumulate(closes, initial=0))
    for seen in range(1, len(sums)):
        if seen < SLOW:
            yield 0
            continue
        fast = sums[seen] - sums[seen - FAST]
        slow = sums[seen] - sums[seen - SLOW]
        difference = fast * SLOW - slow * FAST
        yield (difference > 0) - (difference < 0)


def _left_at(open_: int, high: int, low: int, stop: float, target: float) -> float | None:
    """Say where a bar leaves the position, if it does."""
    if open_ <= stop or open_ >= target:
        return open_
    if low > stop:
        return target if high >= target else None
    is_up_first = high - open_ < open_ - low
    return target if high >= target and is_up_first else stop
