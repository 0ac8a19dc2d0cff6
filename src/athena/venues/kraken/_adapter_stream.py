"""From the messages of the stream to events; what it is about is remembered on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import Instrument
from athena.trading.live import NOT_TRADED, PriceSeen, TransferSeen
from athena.venues.kraken._adapter_account import transfer_of
from athena.venues.kraken._adapter_link import Channel
from athena.venues.kraken._adapter_orders import fill_of, order_of_execution
from athena.venues.kraken._markets import check_status, check_steps
from athena.venues.kraken._stream import (
    read_balance_changes,
    read_executions,
    read_prices,
    read_stream_pairs,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.trading.live import Event
    from athena.venues.kraken._adapter_orders import OrderMemory
    from athena.venues.kraken._markets import Markets
    from athena.venues.kraken._stream import ChannelMessage, Execution, StreamPrice

_SPOT = frozenset({"", "spot"})  # the wallets that we trade with


class StreamReader:
    """Translate the messages of each channel.

    Attributes:
        last_ticks: the newest price of each instrument that had one.
    """

    __slots__ = ("_day", "_memory", "last_ticks")

    def __init__(self, memory: OrderMemory) -> None:
        """Read into a memory of orders."""
        self._memory = memory
        self._day: dict[int, tuple[Decimal, Decimal]] = {}
        self.last_ticks: dict[int, int] = {}

    def read(self, message: ChannelMessage, markets: Markets, now_ns: int) -> tuple[Event, ...]:
        """Translate a message; one of a channel that nobody asked for says nothing.

        Raises:
            VenueError: it cannot be read or not be said in ticks, lots and quote money; or a pair
                no longer trades by the rules that the session knows.
        """
        match message.channel:
            case Channel.EXECUTIONS:
                return tuple(
                    event
                    for execution in read_executions(message)
                    for event in self._executed(execution, markets)
                )
            case Channel.BALANCES:
                return self._moved(message)
            case Channel.TICKER:
                found = (self._priced(item, markets, now_ns) for item in read_prices(message))
                return tuple(event for event in found if event is not None)
            case Channel.INSTRUMENT:
                self._check_pairs(message, markets)
        return ()

    def _executed(self, execution: Execution, markets: Markets) -> tuple[Event, ...]:
        order = order_of_execution(execution, markets, self._memory)
        self._memory.note(order)
        fill = execution.fill
        if fill is None:
            return (order,)
        if order.instrument == NOT_TRADED:
            self._memory.note_foreign_fill(fill.trade_id)
            return (order,)
        # The fill first: the order's filled quantity contains it already.
        return fill_of(fill, order.client_id, markets), order

    def _moved(self, message: ChannelMessage) -> tuple[Event, ...]:
        found = (
            transfer_of(
                change.kind,
                change.reference_id,
                TransferSeen(
                    change.ledger_id, change.currency, change.amount - change.fee, change.at_ns
                ),
                self._memory,
            )
            for change in read_balance_changes(message)
            if change.at_ns is not None and change.wallet in _SPOT
        )
        return tuple(event for event in found if event is not None)

    def _priced(self, price: StreamPrice, markets: Markets, now_ns: int) -> PriceSeen | None:
        index = markets.find(price.symbol)
        if index == NOT_TRADED:
            return None
        last = markets.ticks(index, price.last)
        high = low = last
        day_high, day_low = self._day.get(index, (price.day_high, price.day_low))
        # The day's extremes move outward only by a trade since the message before.
        if price.day_high > day_high:
            high = max(last, markets.ticks(index, price.day_high))
        if 0 < price.day_low < day_low:
            low = min(last, markets.ticks(index, price.day_low))
        self._day[index] = price.day_high, price.day_low
        self.last_ticks[index] = last
        # The venue's time: a message that was held up is not a fresh price.
        return PriceSeen(index, last, high, low, price.at_ns or now_ns)

    def _check_pairs(self, message: ChannelMessage, markets: Markets) -> None:
        for pair in read_stream_pairs(message):
            index = markets.find(pair.symbol)
            if index != NOT_TRADED:
                check_status(pair.symbol, pair.status)
                theirs = Instrument(
                    pair.symbol, pair.tick, pair.lot, pair.min_quantity, pair.min_cost
                )
                check_steps(markets.instruments[index], theirs)
