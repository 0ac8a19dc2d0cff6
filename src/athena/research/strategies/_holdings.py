"""Strategies of the core book: hold, and rebalance to target weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from athena.domain import DAY_NS, HOUR_NS, Book, OrderType, Purpose, Side, ns_to_datetime, to_money
from athena.errors import InputError
from athena.research.strategies._checks import require
from athena.trading import (
    Intent,
    RebalanceTrade,
    View,
    Wake,
    WokenStrategy,
    arithmetic,
    check_weights,
    largest_deviation_ppm,
    rebalance_trades,
)
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from numpy.typing import NDArray

    from athena.trading import Market

_PPM = 1_000_000
# Money units that make quote amounts out of order caps: a trade is cut to this share of the cap.
_SMALLEST = Decimal(10)
_LARGEST = Decimal(90_000)
_DONE_PPM = 5_000


@dataclass
class Hold(WokenStrategy):
    """Buy at the first bar and keep it; several instruments in equal parts.

    Attributes:
        fraction: of equity that is invested.
    """

    wake: ClassVar[Wake] = Wake(on_change=("listed",))

    fraction: float = 1.0
    _bought: set[int] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse to hold nothing, or more than all."""
        require(0 < self.fraction <= 1, "fraction within 0..1", fraction=self.fraction)

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Count the instruments that have traded by each bar."""
        return {"listed": (market.close > 0).sum(axis=0)}

    def on_wake(self, view: View) -> Iterable[Intent]:
        """Buy an equal part of each instrument when it first trades, unless it is held already."""
        share = self.fraction / len(view.instruments)
        intents = []
        for k, bar in enumerate(view.bars):
            if bar.close > 0 and k not in self._bought:
                self._bought.add(k)
                lots = view.lots_for(share, k)
                if lots > 0 and not view.positions[k]:
                    intents.append(Intent(side=Side.BUY, lots=lots, instrument=k))
        return intents


@dataclass
class Rebalance(WokenStrategy):
    """Keep holdings at target weights: look hourly, act when one is more than 5 points off.

    A rebalance acts at most once a day; what an order cap or a lack of cash leaves undone is
    taken up at the following looks, for at most `patience_hours`.

    Attributes:
        weights: comma-separated fractions per instrument; empty is equal parts, the rounding rest
            to the last. What is missing from 1 stays in cash.
        tolerance: deviation of a weight that starts a rebalance, as a fraction.
        limit_offset: how far beyond the close its limit orders may pay, as a fraction.
        patience_hours: how long a rebalance may take.
    """

    book: ClassVar[Book] = Book.CORE
    wake: ClassVar[Wake] = Wake(every_ns=HOUR_NS)

    weights: str = ""
    tolerance: float = 0.05
    limit_offset: float = 0.005
    patience_hours: int = 6
    _started_ns: int = field(default=-DAY_NS, init=False, repr=False)
    _until_ns: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse weights and tolerances that cannot be kept."""
        fractions = {"tolerance": self.tolerance, "limit_offset": self.limit_offset}
        are_within = all(0 <= value < 1 for value in fractions.values())
        require(are_within, "tolerance and limit_offset within 0..1", **fractions)
        hours = self.patience_hours
        require(hours >= 0, "patience_hours >= 0", patience_hours=hours)
        self._weights_ppm = parse_weights(self.weights)

    def on_wake(self, view: View) -> Iterable[Intent] | None:
        """Start a rebalance when it is due, or go on with one."""
        equity = view.equity()
        if equity <= 0 or any(bar.close <= 0 for bar in view.bars):
            return None
        targets = self._targets(len(view.instruments))
        values = [view.value(lots, k) for k, lots in enumerate(view.positions)]
        off_ppm = largest_deviation_ppm(values, equity, targets)
        if view.now_ns < self._until_ns:
            if off_ppm <= _DONE_PPM:
                self._until_ns = 0
                return None
        elif not self._is_due(view, off_ppm):
            return None
        else:
            self._started_ns = view.now_ns
            self._until_ns = view.now_ns + self.patience_hours * HOUR_NS
        trades = rebalance_trades(
            values, equity, targets, smallest=to_money(_SMALLEST), largest=to_money(_LARGEST)
        )
        return [self._intent(view, trade) for trade in trades]

    def _is_due(self, view: View, off_ppm: int) -> bool:
        rested = view.now_ns - self._started_ns >= DAY_NS
        return rested and off_ppm > round(self.tolerance * _PPM)

    def _targets(self, n_instruments: int) -> list[int]:
        if not self._weights_ppm:
            return equal_weights(n_instruments)
        if len(self._weights_ppm) != n_instruments:
            message = f"expected {n_instruments} weights, one per instrument, was {self.weights!r}"
            raise InputError(message)
        return self._weights_ppm

    def _intent(self, view: View, trade: RebalanceTrade) -> Intent:
        k = trade.instrument
        is_buy = trade.amount > 0
        offset_ppm = round(self.limit_offset * _PPM)
        limit = arithmetic.scaled(
            view.bars[k].close, _PPM + offset_ppm if is_buy else _PPM - offset_ppm
        )
        return Intent(
            side=Side.BUY if is_buy else Side.SELL,
            instrument=k,
            quote_amount=abs(trade.amount),
            purpose=Purpose.REBALANCE,
            type=OrderType.LIMIT,
            limit_ticks=limit,
            target_ppm=trade.target_ppm,
        )


@dataclass
class MonthlyRebalance(Rebalance):
    """Bring holdings back to their weights at the first look of every month, however far off."""

    _month: tuple[int, int] = field(default=(0, 0), init=False, repr=False)

    def _is_due(self, view: View, off_ppm: int) -> bool:
        moment = ns_to_datetime(view.now_ns)
        month = (moment.year, moment.month)
        is_new = month != self._month
        self._month = month
        return is_new and off_ppm > _DONE_PPM


def parse_weights(text: str) -> list[int]:
    """Read comma-separated fractions as ppm; empty text gives none.

    Raises:
        InputError: not numbers, negative, or more than all.
    """
    if not text.strip():
        return []
    try:
        weights = [round(float(item) * _PPM) for item in text.split(",")]
    except ValueError:
        message = f"expected weights as fractions such as 0.5,0.5, was {text!r}"
        raise InputError(message) from None
    check_weights(weights)
    return weights


def equal_weights(n: int) -> list[int]:
    """Return equal weights in ppm, rounded to hundredths of a percent, the rest to the last."""
    each = 10_000 // n * 100
    return [each] * (n - 1) + [at.PPM - each * (n - 1)]
