"""The gap as a portfolio: what run B traded more than run A, and what that made.

Its round trips belong to what opened them: whoever made the runs hold different positions answers
for the difference until it is gone, whatever closes it. So no cause is charged with a position
that it did not make, and everything adds up because each amount is booked once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.domain import Purpose
from athena.research.comparison._causes import pieces, price_part
from athena.research.comparison._parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athena.research.comparison._match import Pair
    from athena.research.comparison._orders import Order, OrderLog

# At one time, what closes comes first, and protections after what they protect.
_TURN = {Purpose.EXIT: 0, Purpose.LIQUIDATE: 0, Purpose.PROTECT: 2}


@dataclass(slots=True)
class Effect:
    """What one decision did to the gap: money units by part, > 0 where B made more."""

    pair: Pair
    parts: dict[Part, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the sum of its parts."""
        return sum(self.parts.values())

    def add(self, part: Part, amount: int) -> None:
        """Add an amount to a part."""
        if amount:
            self.parts[part] = self.parts.get(part, 0) + amount


@dataclass(slots=True)
class _Stock:
    """Lots and the money that was spent on them, to be taken off piece by piece."""

    lots: int
    spent: int

    def take(self, lots: int) -> int:
        """Take lots off; return their share of the money, the same for either sign of it."""
        if lots == self.lots:
            share = self.spent
        else:
            share = abs(self.spent) * lots // self.lots
            share = share if self.spent >= 0 else -share
        self.lots -= lots
        self.spent -= share
        return share


@dataclass(slots=True)
class _Open:
    """A difference in position that is still open."""

    sign: int
    stock: _Stock
    part: Part
    effect: Effect


def attribute(pairs: Iterable[Pair], a: OrderLog, b: OrderLog) -> list[Effect]:
    """Attribute all that two runs paid and received to the decisions that made the difference.

    Args:
        pairs: every order of both runs, whose positions end flat (what is still held sold at the
            last close).
        a: the run to compare with.
        b: the run to explain.

    Returns:
        One effect a pair, in the order they were filled. The sum of all is what B's fills made
        less what A's made, to the unit. Exchanging the runs changes every sign and nothing else.
    """
    portfolio: dict[tuple[str, str], deque[_Open]] = {}
    effects = []
    for pair in sorted(pairs, key=_when):
        effect = Effect(pair)
        effects.append(effect)
        spent, sign = _book_common(pair, effect, a, b)
        order = pair.orders[0]
        queue = portfolio.setdefault((order.strategy, order.symbol), deque())
        for part, lots in pieces(pair, a, b):
            # What A paid more, the portfolio of the gap paid less.
            share = sign * spent.take(abs(lots))
            bought = 1 if lots * order.side > 0 else -1
            _trade(queue, _Open(bought, _Stock(abs(lots), share), part, effect))
    return effects


def _when(pair: Pair) -> tuple[int, int, int, int, int]:
    orders = pair.orders
    filled = [order.filled_ns for order in orders if order.filled]
    decided = min(order.decided_ns for order in orders)
    turn = _TURN.get(orders[0].purpose, 1)
    size = max(order.filled for order in orders)
    return min(filled, default=decided), decided, turn, size, len(orders)


def _book_common(pair: Pair, effect: Effect, a: OrderLog, b: OrderLog) -> tuple[_Stock, int]:
    """Book price and fee of the quantity that both filled.

    Returns:
        What is left of the order that filled more, and the sign of its run in the gap: +1 for B.
    """
    left_a, left_b = _stocks(pair.a), _stocks(pair.b)
    common = min(left_a[0].lots, left_b[0].lots)
    if common:
        (paid_a, fee_a), (paid_b, fee_b) = (
            [stock.take(common) for stock in stocks] for stocks in (left_a, left_b)
        )
        effect.add(price_part(pair, a, b), paid_a - paid_b)
        effect.add(Part.FEE, fee_a - fee_b)
    (paid, fee), sign = (left_b, 1) if left_b[0].lots else (left_a, -1)
    return _Stock(paid.lots, paid.spent + fee.spent), sign


def _stocks(order: Order | None) -> tuple[_Stock, _Stock]:
    """Return an order's lots with what was paid for them, and with their fee."""
    if order is None:
        return _Stock(0, 0), _Stock(0, 0)
    return _Stock(order.filled, order.paid), _Stock(order.filled, order.fee)


def _trade(queue: deque[_Open], trade: _Open) -> None:
    """Close what is open the other way, oldest first, for those who opened it; open the rest."""
    while trade.stock.lots and queue and queue[0].sign != trade.sign:
        opened = queue[0]
        lots = min(opened.stock.lots, trade.stock.lots)
        spent = opened.stock.take(lots) + trade.stock.take(lots)
        opened.effect.add(opened.part, -spent)
        if opened.stock.lots == 0:
            queue.popleft()
    if trade.stock.lots:
        queue.append(trade)
