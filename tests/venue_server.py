"""A served exchange for tests: on a free port, in a thread, with prices that the test sets."""

from __future__ import annotations

import base64
import threading
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS, SECOND_NS, built_in_instrument
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.faults import NO_FAULTS
from athena.venues.serving import Feed, Host, MarketTrade, ServedClock, VenueServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athena.platform import Clock
    from athena.venues.faults import FaultPlan

START_NS = 1_750_000_000 * SECOND_NS
FIRST_PRICE = Decimal(50_000)
SIGNATURE = base64.b64encode(bytes(64)).decode()
HEADERS = {"API-Key": "test", "API-Sign": SIGNATURE}


def market_of(*prices: str, symbol: str = "BTC/USD", step_ns: int = 0) -> list[MarketTrade]:
    """Return trades of 10 coins each, `step_ns` apart."""
    return [
        MarketTrade(index * step_ns, symbol, Decimal(price), Decimal(10))
        for index, price in enumerate(prices)
    ]


def host_of(
    trades: Sequence[MarketTrade] = (),
    plan: FaultPlan = NO_FAULTS,
    *,
    clock: Clock | None = None,
    symbols: Sequence[str] = ("BTC/USD",),
) -> Host:
    """Open an exchange with a price of 50,000, ten minutes of quiet and `trades` from then on."""
    listings = [Listing(item) for name in symbols if (item := built_in_instrument(name))]
    settings = ExchangeSettings(
        seed=1, balances={"USD": Decimal(100_000), "BTC": Decimal(2)}, latency_ns=0
    )
    began_ns = START_NS - 10 * MINUTE_NS
    exchange = Exchange(listings, settings, now_ns=began_ns)
    for name in symbols:
        exchange.trade(name, FIRST_PRICE, Decimal(10))
    feed = Feed(iter(trades), START_NS)
    return Host(exchange, feed, clock or ServedClock.starting_at(START_NS, speed=1.0), plan)


@contextmanager
def serving(host: Host) -> Iterator[VenueServer]:
    """Serve while the block runs; what breaks the server is raised at its end."""
    server = VenueServer(host)
    is_ready = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            server.run(is_ready.set)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)
            is_ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert is_ready.wait(10)
        yield server
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()
    if failures:
        raise failures[0]
