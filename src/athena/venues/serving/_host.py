"""The one that touches the exchange: time, trades, requests, messages and faults meet here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.venues.faults import (
    SWITCHED_FAULTS,
    ExchangeEvent,
    Fault,
    is_partial_fill,
    strike,
)
from athena.venues.serving._outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.platform import Clock
    from athena.venues.exchange import Exchange
    from athena.venues.faults import FaultPlan, RequestFate
    from athena.venues.serving._feed import Feed


class Host:
    """Keep an exchange going; every method is called from one event loop, none waits.

    Attributes:
        exchange: nobody else touches it while it is served.
        feed: its market.
        plan: what goes wrong; may be replaced at any time.
    """

    __slots__ = (
        "_clock",
        "_n_messages",
        "_n_requests",
        "_outboxes",
        "_struck_ns",
        "exchange",
        "feed",
        "plan",
    )

    def __init__(self, exchange: Exchange, feed: Feed, clock: Clock, plan: FaultPlan) -> None:
        """Take an exchange over; connections of an earlier life of it are gone."""
        self.exchange = exchange
        self.feed = feed
        self.plan = plan
        self._clock = clock
        self._struck_ns = exchange.now_ns
        self._n_requests = 0
        self._n_messages = 0
        self._outboxes: dict[int, Outbox] = {}
        for number in exchange.connections:
            exchange.disconnect(number)
        for fault in SWITCHED_FAULTS:
            # What another plan left on would never be switched off.
            if not plan.is_on(fault, exchange.now_ns):
                strike(exchange, ExchangeEvent(exchange.now_ns, fault, is_on=False))

    @property
    def is_unreachable(self) -> bool:
        """Tell whether no new connection may be made (F20)."""
        return self.plan.is_on(Fault.NAME_RESOLUTION, self.exchange.now_ns)

    def advance(self) -> None:
        """Bring the exchange to the present: trades, faults, and what it has to say."""
        now_ns = max(self._clock.now_ns(), self.exchange.now_ns)
        for event in self.plan.exchange_events(self._struck_ns, now_ns):
            self._trade(event.at_ns)
            strike(self.exchange, event)
        self._struck_ns = now_ns
        self._trade(now_ns)
        self._deliver()

    def next_fate(self, endpoint: str) -> RequestFate:
        """Count a request and say what becomes of it."""
        self.advance()
        fate = self.plan.request_fate(self._n_requests, endpoint, self.exchange.now_ns)
        self._n_requests += 1
        return fate

    def public(self, endpoint: str, fields: Mapping[str, str]) -> bytes:
        """Answer a public request now."""
        self.advance()
        return self.exchange.public(endpoint, fields)

    def private(self, key: str, endpoint: str, fields: Mapping[str, str]) -> bytes:
        """Answer a private request of an account now."""
        self.advance()
        body = self.exchange.private(key, endpoint, fields)
        self._deliver()
        return body

    def join(self) -> tuple[int, Outbox]:
        """Open a stream connection."""
        self.advance()
        number = self.exchange.connect()
        outbox = self._outboxes[number] = Outbox()
        self._deliver()
        return number, outbox

    def say(self, number: int, text: str) -> None:
        """Hand over what a client said on its connection."""
        self.advance()
        self.exchange.say(number, text)
        self._deliver()

    def leave(self, number: int) -> None:
        """Close a stream connection."""
        del self._outboxes[number]
        self.exchange.disconnect(number)

    def _trade(self, until_ns: int) -> None:
        for at_ns, trade in self.feed.take(until_ns):
            self.exchange.advance(max(at_ns, self.exchange.now_ns))
            self.exchange.trade(trade.symbol, trade.price, trade.quantity)
        self.exchange.advance(until_ns)

    def _deliver(self) -> None:
        now_ns = self.exchange.now_ns
        for number, text in self.exchange.take_messages():
            outbox = self._outboxes.get(number)
            if outbox is None:
                continue  # the connection is gone, and its last words with it
            is_partial = is_partial_fill(text)
            fate = self.plan.message_fate(self._n_messages, now_ns, is_partial_fill=is_partial)
            self._n_messages += 1
            outbox.put(text, fate)
