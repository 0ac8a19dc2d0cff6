"""At the end: every order's state, filled quantity and fees beside the venue's own record."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import OrderState, from_money
from athena.trading import layout as at
from athena.venues.exchange import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.research.simulation._stage import Stage
    from athena.research.simulation._venue_book import VenueBook
    from athena.trading.live import Session

_STATES = list(OrderState)
# What the desk may have made of how the venue ended an order. An order that was amended to what
# it had filled is cancelled for the venue, and filled for the desk.
_ENDS = {
    Status.CLOSED: {OrderState.FILLED},
    Status.CANCELED: {OrderState.CANCELLED, OrderState.FILLED},
    Status.EXPIRED: {OrderState.EXPIRED, OrderState.FILLED},
    Status.OPEN: {OrderState.OPEN, OrderState.TRIGGERED, OrderState.PARTIALLY_FILLED},
    Status.PENDING: {OrderState.OPEN},
}
_FEE_STEP = Decimal("1e-8")


def order_differences(world: Stage, book: VenueBook, session: Session) -> Iterator[str]:
    """Yield each order that the desk sent and remembers otherwise than the venue."""
    for sent in book.sent.values():
        order = book.order_of(sent)
        row = _row(session, sent.number)
        if row is None:
            continue  # a thousand orders have ended since
        state, filled = row
        if order is None:
            if filled or state not in {OrderState.REJECTED, OrderState.CANCELLED}:
                yield f"order {sent.number} is {state.value} and never was at the venue"
            continue
        shown = int(order.filled / world.instruments[sent.place.instrument].lot)
        if filled != shown:
            yield f"order {sent.number} filled {filled} lots in the books, {shown} at the venue"
        elif state not in _ENDS[order.status]:
            yield f"order {sent.number} is {state.value}, at the venue {order.status.value}"


def _row(session: Session, number: int) -> tuple[OrderState, int] | None:
    """Return an order's state and filled lots in the books, None when it is known no more."""
    s = session.core.s
    row = session.core.row_of(number)
    if row >= 0:
        return _STATES[s.orders[row, at.STATE]], s.orders[row, at.FILLED]
    slot = number % len(s.closed)
    if s.closed[slot, at.NUMBER] != number:
        return None
    return _STATES[s.closed[slot, at.STATE]], s.closed[slot, at.FILLED]


def fee_difference(book: VenueBook, session: Session, opened_ns: int) -> Iterator[str]:
    """Yield the fees of the books beside those of the venue, if they differ.

    A fee in coins is booked at the price of its fill. Each is rounded to 10^-8 when it is booked,
    so as much may be off for each fill.
    """
    fills = [fill for fill in book.account.fills if fill.stamp_ns > opened_ns]
    charged = Decimal(0)
    for fill in fills:
        is_in_coins = fill.fee_currency == fill.symbol.partition("/")[0]
        charged += fill.fee * fill.price if is_in_coins else fill.fee
    booked = from_money(session.core.s.account[at.FEES])
    if abs(charged - booked) > _FEE_STEP * len(fills):
        yield f"fees: books {booked}, venue {charged}"
