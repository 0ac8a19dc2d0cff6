"""Serve an exchange whose market trades fifty times a second, in this process, until it is killed.

usage: market.py; prints the address of its REST side.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from athena.domain import SECOND_NS
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.faults import NO_FAULTS
from athena.venues.serving import Feed, Host, MarketTrade, ServedClock, VenueServer
from benchmarks.live.desk import CASH, INSTRUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP_NS = SECOND_NS // 50
_PRICE = Decimal(45_000)
_QUANTITY = Decimal(1_000)


def trades() -> Iterator[MarketTrade]:
    """Yield trades at one price, one pair after the other, so that no stop is ever met."""
    for k in count():
        instrument = INSTRUMENTS[k % len(INSTRUMENTS)]
        yield MarketTrade(k * _STEP_NS, instrument.symbol, _PRICE, _QUANTITY)


def main() -> None:
    """Serve."""
    now_ns = time.time_ns()
    settings = ExchangeSettings(seed=1, balances={"USD": CASH})
    exchange = Exchange([Listing(item) for item in INSTRUMENTS], settings, now_ns=now_ns)
    for item in INSTRUMENTS:
        exchange.trade(item.symbol, _PRICE, _QUANTITY)
    host = Host(exchange, Feed(trades(), now_ns), ServedClock.starting_at(now_ns, 1.0), NO_FAULTS)
    server = VenueServer(host)
    server.run(lambda: print(server.rest_url, flush=True))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
