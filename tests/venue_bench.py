"""An adapter and the local exchange it speaks to, joined without a socket, in virtual time.

The same questions are asked of a bench over real sockets (`venue_sockets.py`).
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from athena.domain import OrderType, Side, TimeInForce, built_in_instrument, parse_time_ns
from athena.platform import client_order_id
from athena.trading.live import (
    AccountSeen,
    AmendOrder,
    CancelOrder,
    PlaceOrder,
    QueryAccount,
    StreamChanged,
)
from athena.venues import HttpAnswer
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.kraken import KrakenAdapter, Tier

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from athena.domain import Instrument
    from athena.trading.live import Alert, Effect, Event
    from athena.venues import Call, CallFailed, Step

START = parse_time_ns("2026-11-20T12:00:00Z")
SECOND = 10**9
KEY = "bench"
BTC, XRP = 0, 1
SYMBOLS = ("BTC/USD", "XRP/USD")
PRICES = (Decimal(50_000), Decimal("0.6"))
EventT = TypeVar("EventT")


def instruments() -> tuple[Instrument, ...]:
    found = [built_in_instrument(symbol) for symbol in SYMBOLS]
    return tuple(item for item in found if item is not None)


def settings(**changes: Any) -> ExchangeSettings:
    """Fill a trade of the market whole, at its price: the figures of a test are then its own."""
    chosen: dict[str, Any] = {
        "seed": 7,
        "balances": {"USD": Decimal(100_000), "BTC": Decimal(1), "XRP": Decimal(1_000)},
        "half_spread_bps": Decimal(0),
        "participation_frac": Decimal(1),
        "latency_ns": 0,
    }
    return ExchangeSettings(**(chosen | changes))


class VenueBench:
    """Drive an adapter and its exchange, and keep every event.

    Attributes:
        adapter, exchange: the two sides.
        now_ns: both clocks.
        events, alerts: of the adapter, oldest first.
        calls: made so far.
        fail: replaces the answer of a call when it returns one.
    """

    def __init__(
        self, adapter: KrakenAdapter | None = None, exchange: Exchange | None = None
    ) -> None:
        self.now_ns = START
        self.adapter = adapter or KrakenAdapter(instruments(), tier=Tier.PRO)
        self.exchange = exchange or new_exchange()
        self.events: list[Event] = []
        self.alerts: list[Alert] = []
        self.calls: list[Call] = []
        self.fail: Callable[[Call, bytes], HttpAnswer | CallFailed | None] = lambda _, __: None
        self.is_deaf = False
        self._connection: int | None = None
        self._n_tests = 0

    def start(self) -> None:
        """Begin, and wait until the stream is up."""
        self._take(self.adapter.begin(self.now_ns))
        self.wait_for(StreamChanged)

    def do(self, effect: Effect) -> None:
        """Hand an effect over."""
        self._take(self.adapter.carry_out(effect, self.now_ns))

    def trade(self, symbol: str, price: str, quantity: str = "1000000") -> None:
        """Let the market trade."""
        self.exchange.trade(symbol, Decimal(price), Decimal(quantity))
        self._deliver()

    def deposit(self, currency: str, amount: str) -> None:
        """Pay into the account."""
        self.exchange.deposit(KEY, currency, Decimal(amount))
        self._deliver()

    def liquidate(self, symbol: str, quantity: str) -> None:
        """Let the venue sell a holding by force."""
        self.exchange.liquidate(KEY, symbol, Decimal(quantity))
        self._deliver()

    def break_stream(self) -> None:
        """Cut the connection."""
        assert self._connection is not None
        self.exchange.disconnect(self._connection)
        self._connection = None
        self._take(self.adapter.stream_lost("cut", self.now_ns))

    def run(self, seconds: float) -> None:
        """Let time pass, in tenths of a second."""
        for _ in range(round(seconds * 10)):
            self.now_ns += SECOND // 10
            self.exchange.advance(self.now_ns)
            self._deliver()
            if self.now_ns % SECOND == 0:
                self._take(self.adapter.tick(self.now_ns))

    def wait_for(
        self, kind: type[EventT], match: Callable[[EventT], bool] = lambda _: True
    ) -> EventT:
        """Return the first event of a kind that matches, letting up to a minute pass for it."""
        for _ in range(600):
            found = [event for event in self.events if isinstance(event, kind) and match(event)]
            if found:
                return found[0]
            self.run(0.1)
        message = f"expected {kind.__name__} within a minute, was {self.events[-5:]}"
        raise AssertionError(message)

    def all(self, kind: type[EventT]) -> list[EventT]:
        """Return every event of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def account(self, since_ns: int = START) -> AccountSeen:
        """Read the account."""
        n_before = len(self.all(AccountSeen))
        self.do(QueryAccount(since_ns, is_urgent=True))
        self.wait_for(AccountSeen, lambda _: len(self.all(AccountSeen)) > n_before)
        return self.all(AccountSeen)[-1]

    def make_calls(self, calls: tuple[Call, ...]) -> list[HttpAnswer | CallFailed]:
        """Make calls whose answers the adapter does not wait for."""
        return [self._answer(call) for call in calls]

    def _take(self, step: Step) -> None:
        waiting = deque([step])
        while waiting:
            step = waiting.popleft()
            self.events += step.events
            self.alerts += step.alerts
            if not step.wants_stream and self._connection is not None:
                self.exchange.disconnect(self._connection)
                self._connection = None
            if step.wants_stream and self._connection is None:
                self._connection = self.exchange.connect()
                waiting.append(self.adapter.stream_opened(self.now_ns))
            for text in step.messages:
                assert self._connection is not None
                self.exchange.say(self._connection, text)
            for call in step.calls:
                answer = self._answer(call)
                waiting.append(self.adapter.answered(call, answer, self.now_ns))
        self._deliver()

    def _answer(self, call: Call) -> HttpAnswer | CallFailed:
        self.calls.append(call)
        if call.is_private:
            body = self.exchange.private(KEY, call.endpoint, call.fields)
        else:
            body = self.exchange.public(call.endpoint, call.fields)
        return self.fail(call, body) or HttpAnswer(200, body)

    def _deliver(self) -> None:
        for connection, text in self.exchange.take_messages():
            if connection == self._connection and not self.is_deaf:
                self._take(self.adapter.heard(text, self.now_ns))

    def close(self) -> None:
        """Nothing is open."""


def new_exchange(*, now_ns: int = START, **changes: Any) -> Exchange:
    """Open an exchange whose pairs have a price."""
    listings = [Listing(item) for item in instruments()]
    exchange = Exchange(listings, settings(**changes), now_ns=now_ns)
    for symbol, price in zip(SYMBOLS, PRICES, strict=True):
        exchange.trade(symbol, price, Decimal(1))
    return exchange


def client_id(number: int) -> str:
    return client_order_id(f"intent {number}")


def place(number: int, now_ns: int, **changes: Any) -> PlaceOrder:
    """Make an order: a limit buy of 0.01 BTC at 40,000 unless told otherwise."""
    fields: dict[str, Any] = {
        "number": number,
        "client_id": client_id(number),
        "instrument": BTC,
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "lots": 1_000_000,
        "limit_ticks": 4_000_000,
        "trigger_ticks": 0,
        "time_in_force": TimeInForce.GTC,
        "expires_ns": 0,
        "deadline_ns": now_ns + 5 * SECOND,
        "leverage": 1,
        "is_post_only": False,
        "is_reduce_only": False,
        "is_protection": False,
    }
    return PlaceOrder(**(fields | changes))


def cancel(number: int, opened_ns: int) -> CancelOrder:
    return CancelOrder(number, client_id(number), BTC, opened_ns)


def amend(number: int, now_ns: int, *, lots: int, trigger_ticks: int = 0) -> AmendOrder:
    return AmendOrder(
        number,
        client_id(number),
        BTC,
        lots,
        trigger_ticks,
        now_ns + 5 * SECOND,
        now_ns,
        is_protection=True,
        serial=1,
    )
