"""What an operator is told of a command that the core has carried out: what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.app.live import Answer, Verb
from athena.app.running._account_rows import find_order, halts_of
from athena.domain import Side, format_decimal
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.app.live import Wish
    from athena.trading.live import Session


def state_of(session: Session) -> dict[str, object]:
    """Say what an operator's command may change."""
    s = session.core.s
    n_open = sum(
        1 for row in range(s.account[at.N_POSITIONS]) if s.positions[row, at.QUANTITY] != 0
    )
    return {
        "halts": list(halts_of(session)),
        "positions": n_open,
        "orders": len(session.core.live_rows()),
    }


def next_number(session: Session) -> int:
    """Return the number that the next order gets."""
    return int(session.core.s.account[at.NEXT_NUMBER])


def operated_answer(
    wish: Wish, session: Session, before: Mapping[str, object], first_number: int
) -> Answer:
    """Say what the core did with a command; asked right after it was told.

    Args:
        wish: that was carried out.
        session: that did.
        before: `state_of` it until then.
        first_number: `next_number` until then.
    """
    after = state_of(session)
    halts = halts_of(session)
    common = {"state_before": before, "state_after": after}
    if wish.verb is Verb.RESUME and halts:
        text = f"still halted: {'; '.join(halts)}; athena resume --admin ends what can be ended"
        return Answer(is_executed=False, text=text, **common)
    return Answer(is_executed=True, text=_text(wish, session, first_number), **common)


def _text(wish: Wish, session: Session, first_number: int) -> str:
    halts = "; ".join(halts_of(session)) or "nothing forbids new risk"
    if wish.verb is Verb.LIMIT:
        return f"{wish.arguments['name']} is {wish.arguments['value']} from now on"
    if wish.verb not in {Verb.CLOSE, Verb.FLATTEN, Verb.KILL}:
        return halts
    orders = [
        text
        for number in range(first_number, next_number(session))
        if (text := _order_text(session, number))
    ]
    what = "; ".join(orders) or "nothing is held that could be closed now"
    return f"{what}; {halts}" if wish.verb is Verb.KILL else what


def _order_text(session: Session, number: int) -> str:
    found = find_order(session, number)
    if found is None:
        return ""
    orders, row = found
    item = session.instruments[orders[row, at.ORDER_INSTRUMENT]]
    quantity = format_decimal(item.lots_to_quantity(orders[row, at.LOTS]))
    side = Side.BUY if orders[row, at.SIDE] > 0 else Side.SELL
    verb = "buys" if side is Side.BUY else "sells"
    return f"order {number} {verb} {quantity} {item.base} at market"
