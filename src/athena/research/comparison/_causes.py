"""Why the two orders of a decision came to different quantities or prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from athena.domain import Purpose
from athena.research.comparison._parts import Part

if TYPE_CHECKING:
    from athena.research.comparison._match import Pair
    from athena.research.comparison._orders import Order, OrderLog


class Piece(NamedTuple):
    """A quantity that run B traded more (or less, when negative) than run A, and why."""

    part: Part
    lots: int


def price_part(pair: Pair, a: OrderLog, b: OrderLog) -> Part:
    """Say what the price difference of the quantity that both filled belongs to."""
    if lacks_bar(pair, a, b):
        return Part.MISSING_DATA
    if pair.entry is not None:
        return _guard_part(pair)
    return Part.PRICE_LATENCY


def pieces(pair: Pair, a: OrderLog, b: OrderLog) -> list[Piece]:
    """Split the difference of the filled quantities by cause; all pieces have its sign."""
    if pair.a is None or pair.b is None:
        split = [Piece(_alone_part(pair, a, b), _filled(pair.b) - _filled(pair.a))]
    elif pair.entry is not None:
        part = Part.MISSING_DATA if lacks_bar(pair, a, b) else _guard_part(pair)
        split = [Piece(part, pair.b.filled - pair.a.filled)]
    else:
        split = _of_intents(pair.a, pair.b, is_blind=lacks_bar(pair, a, b))
    return net(split)


def net(split: list[Piece]) -> list[Piece]:
    """Let pieces of opposite sign cancel, a later one those before it; leave out what is zero.

    A limit that takes back what the strategy asked for more leaves nothing of the request.
    """
    kept: list[Piece] = []
    for part, lots in split:
        left = lots
        while left and kept and (kept[0].lots > 0) != (left > 0):
            first = kept.pop(0)
            left += first.lots
            if left and (left > 0) == (first.lots > 0):  # the earlier one outlasts it
                kept.insert(0, Piece(first.part, left))
                left = 0
        if left:
            kept.append(Piece(part, left))
    return kept


def lacks_bar(pair: Pair, a: OrderLog, b: OrderLog) -> bool:
    """Tell whether one run had no bar where the other decided or filled first."""
    return _is_blind_to(b, pair.a) or _is_blind_to(a, pair.b)


def _is_blind_to(log: OrderLog, order: Order | None) -> bool:
    if order is None:
        return False
    times = [] if order.is_mark else [order.decided_ns]
    times += [order.bar_ns] if order.filled else []
    return not all(log.bars.has_bar(order.symbol, ts_ns) for ts_ns in times)


def _filled(order: Order | None) -> int:
    return 0 if order is None else order.filled


def _alone_part(pair: Pair, a: OrderLog, b: OrderLog) -> Part:
    """Say why only one run has the order."""
    if pair.entry is not None:
        # Of an entry in both runs it acted in one of them only; else it follows its entry.
        is_shared = pair.entry.a is not None and pair.entry.b is not None
        return _guard_part(pair) if is_shared else _alone_part(pair.entry, a, b)
    (order,) = pair.orders
    own, other = (b, a) if pair.a is None else (a, b)
    is_manual = order.purpose is Purpose.MANUAL or order.strategy in own.by_hand
    if order.purpose is Purpose.LIQUIDATE and not is_manual:
        return order.cause or Part.RISK
    if not is_manual and not other.bars.has_bar(order.symbol, order.decided_ns):
        return Part.MISSING_DATA
    is_operators = is_manual or other.was_under_operator(order.strategy, order.decided_ns)
    return Part.OPERATOR if is_operators else Part.SIGNAL


def _guard_part(pair: Pair) -> Part:
    """Say whose a protection's difference is: it acts on the price, unless someone moved it."""
    moved = [order.cause for order in pair.orders if order.cause is not None]
    return moved[0] if len(set(moved)) == 1 else Part.PRICE_LATENCY


def _of_intents(a: Order, b: Order, *, is_blind: bool) -> list[Piece]:
    """Split by stage: asked, then approved, then filled.

    Each stage holds back lots in each run; what A holds back more, B trades more.
    """
    # An amount of money that was refused asked for what the other run was approved.
    asked_a, asked_b = a.asked or b.asked, b.asked or a.asked
    held_back = (asked_a - a.approved) - (asked_b - b.approved)
    unfilled = (a.approved - a.filled) - (b.approved - b.filled)
    venue = Part.MISSING_DATA if is_blind else Part.PARTIAL_FILL
    return [
        Piece(Part.SIZE, asked_b - asked_a),
        Piece(_refusal(_more(a, b, held_back)), held_back),
        Piece(_more(a, b, unfilled).cause or venue, unfilled),
    ]


def _refusal(order: Order) -> Part:
    """Say who refused an order; what came of one that was approved is no refusal's cause."""
    if order.approved or order.cause is None:
        return Part.RISK
    return order.cause


def _more(a: Order, b: Order, difference: int) -> Order:
    """Return the order that held back more."""
    return a if difference > 0 else b
