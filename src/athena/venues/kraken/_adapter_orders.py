"""Orders and fills in the core's numbers, and what an adapter remembers of them.

The stream states what changed and leaves out what did not, and a fill in TradesHistory names its
order by Kraken's id alone: both need a memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from athena.domain import OrderState
from athena.errors import VenueError
from athena.trading.live import FillSeen, OrderSeen
from athena.venues.kraken._markets import fee_lots, fee_units

if TYPE_CHECKING:
    from athena.venues.kraken._markets import Markets
    from athena.venues.kraken._orders import OrderReport
    from athena.venues.kraken._stream import Execution
    from athena.venues.kraken._trades import TradeReport

ValueT = TypeVar("ValueT")

MAX_REMEMBERED = 10_000
ENDED = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED}
)


class OrderMemory:
    """Remember the newest 10,000 of everything.

    Attributes:
        working: orders that were open when they were last seen, by Kraken's id.
    """

    __slots__ = ("_client_ids", "_ended", "_foreign_fills", "working")

    def __init__(self) -> None:
        """Remember nothing."""
        self.working: dict[str, OrderSeen] = {}
        self._ended: dict[str, OrderSeen] = {}
        self._client_ids: dict[str, str] = {}
        self._foreign_fills: dict[str, None] = {}

    def order(self, venue_id: str) -> OrderSeen | None:
        """Return an order as it was last seen; None when it never was, or long ago."""
        return self.working.get(venue_id) or self._ended.get(venue_id)

    def client_id(self, venue_id: str) -> str:
        """Return our id of an order; empty when it has none or nobody knows."""
        return self._client_ids.get(venue_id, "")

    def note_id(self, venue_id: str, client_id: str) -> None:
        """Remember which order of ours has an id of Kraken's."""
        if venue_id and client_id:
            _keep(self._client_ids, venue_id, client_id)

    def note(self, order: OrderSeen) -> None:
        """Remember an order of the stream; one that ended does not come back to life."""
        self.note_id(order.venue_id, order.client_id)
        if order.state in ENDED:
            self.working.pop(order.venue_id, None)
            _keep(self._ended, order.venue_id, order)
        elif order.venue_id not in self._ended:
            _keep(self.working, order.venue_id, order)

    def note_view(self, order: OrderSeen) -> None:
        """Remember an order of a view of the account, where the stream has said nothing of it.

        A view may lag behind, and the next event of the stream leaves out what it has said before.
        """
        self.note_id(order.venue_id, order.client_id)
        if order.state in ENDED or order.venue_id not in self.working:
            self.note(order)

    def note_foreign_fill(self, trade_id: str) -> None:
        """Remember a fill in a pair that the session does not trade: its money still moves."""
        _keep(self._foreign_fills, trade_id, None)

    def is_foreign_fill(self, trade_id: str) -> bool:
        """Tell whether a fill was in a pair that the session does not trade."""
        return trade_id in self._foreign_fills


def order_of_report(report: OrderReport, markets: Markets) -> OrderSeen:
    """Translate an order of a REST answer.

    Raises:
        VenueError: a price or quantity is off the instrument's grid.
    """
    index = markets.find(report.pair)
    is_base = not report.is_quote_quantity
    return OrderSeen(
        venue_id=report.order_id,
        client_id=report.client_id or "",
        instrument=index,
        side=report.side,
        type=report.type,
        state=_triggered(report.state, is_triggered=report.is_triggered),
        lots=markets.lots(index, report.quantity) if is_base else 0,
        filled_lots=markets.lots(index, report.filled) if is_base else 0,
        limit_ticks=markets.ticks(index, report.limit_price),
        trigger_ticks=markets.ticks(index, report.trigger_price),
        opened_ns=report.opened_at_ns,
        ts_ns=report.closed_at_ns or report.opened_at_ns,
        reason=report.reason,
        is_for_amount=report.is_quote_quantity,
    )


def order_of_execution(event: Execution, markets: Markets, memory: OrderMemory) -> OrderSeen:
    """Translate an event of the stream; what it leaves out is as it was.

    Raises:
        VenueError: it changes an order that was never seen whole, or a price or quantity is off
            the instrument's grid.
    """
    before = memory.order(event.order_id) or _first_seen(event, markets)
    index = before.instrument
    was_triggered = before.state is OrderState.TRIGGERED
    order = replace(
        before,
        client_id=event.client_id or before.client_id,
        type=event.type or before.type,
        state=_triggered(event.state, is_triggered=event.is_triggered or was_triggered),
        ts_ns=event.at_ns,
        reason=event.reason,
    )
    if event.quantity is not None:
        order = replace(order, lots=markets.lots(index, event.quantity))
    if event.filled is not None:
        order = replace(order, filled_lots=markets.lots(index, event.filled))
    if event.limit_price is not None:
        order = replace(order, limit_ticks=markets.ticks(index, event.limit_price))
    if event.trigger_price is not None:
        order = replace(order, trigger_ticks=markets.ticks(index, event.trigger_price))
    return order


def fill_of(fill: TradeReport, client_id: str, markets: Markets) -> FillSeen:
    """Translate a fill in an instrument of the session.

    Raises:
        VenueError: a price or quantity is off the instrument's grid, the fee is in a currency
            that is not the pair's, or nobody says whether it took or made.
    """
    index = markets.find(fill.pair)
    instrument = markets.instruments[index]
    is_base_fee = fill.fee_currency == instrument.base
    if fill.fee != 0 and fill.fee_currency not in {"", instrument.quote, instrument.base}:
        expected = f"{instrument.quote} or {instrument.base}"
        message = f"expected the fee of {fill.trade_id} in {expected}, was in {fill.fee_currency}"
        raise VenueError(message)
    if fill.liquidity is None:
        message = f"expected maker or taker in the fill {fill.trade_id}, was neither"
        raise VenueError(message)
    return FillSeen(
        trade_id=fill.trade_id,
        venue_id=fill.order_id,
        client_id=client_id,
        instrument=index,
        side=fill.side,
        lots=markets.lots(index, fill.quantity),
        price_ticks=markets.ticks(index, fill.price),
        fee_units=0 if is_base_fee else fee_units(fill.fee),
        liquidity=fill.liquidity,
        ts_ns=fill.at_ns,
        fee_lots=fee_lots(fill.fee, instrument) if is_base_fee else 0,
    )


def _first_seen(event: Execution, markets: Markets) -> OrderSeen:
    if event.symbol is None or event.side is None:
        message = f"expected the whole order {event.order_id} first, was only: {event.event}"
        raise VenueError(message)
    return OrderSeen(
        venue_id=event.order_id,
        client_id="",
        instrument=markets.find(event.symbol),
        side=event.side,
        type=None,
        state=event.state,
        lots=0,
        filled_lots=0,
        limit_ticks=0,
        trigger_ticks=0,
        opened_ns=event.at_ns,
        ts_ns=event.at_ns,
    )


def _triggered(state: OrderState, *, is_triggered: bool) -> OrderState:
    return OrderState.TRIGGERED if state is OrderState.OPEN and is_triggered else state


def _keep(values: dict[str, ValueT], key: str, value: ValueT) -> None:
    """Put a value last; the oldest leaves when there are too many."""
    values.pop(key, None)
    values[key] = value
    if len(values) > MAX_REMEMBERED:
        del values[next(iter(values))]
