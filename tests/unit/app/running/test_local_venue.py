"""The exchange of a paper session is on disk before anybody hears of what it did."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from athena.app.running._local_venue import ACCOUNT, KeptExchange, keeper
from athena.domain import MINUTE_NS
from athena.venues.exchange import Exchange, ExchangeSettings
from athena.venues.serving import read_state
from tests.exchange_builder import BALANCES, START_NS, Customer, listings

if TYPE_CHECKING:
    from pathlib import Path


def kept(home: Path) -> tuple[KeptExchange, list[int]]:
    """Return an exchange and the list of times at which it was kept."""
    settings = ExchangeSettings(seed=0, latency_ns=0, balances=BALANCES)
    exchange = KeptExchange(listings(), settings, now_ns=START_NS)
    exchange.trade("BTC/USD", Decimal(30_000), Decimal(1_000))
    times: list[int] = []
    write = keeper(home / "exchange.json", "market", 0)

    def keep(own: Exchange) -> None:
        times.append(own.now_ns)
        write(own)

    exchange.keep = keep
    return exchange, times


def test_what_happened_to_the_account_is_on_disk_and_a_look_at_it_is_not(home: Path) -> None:
    """A session asks every minute: writing all of the exchange each time is most of its work."""
    exchange, times = kept(home)
    me = Customer(exchange, key=ACCOUNT)
    me.get("Balance")
    n_before = len(times)
    for endpoint in ("Balance", "OpenOrders", "TradesHistory", "ClosedOrders"):
        me.get(endpoint)
    assert len(times) == n_before
    order_id = me.order("buy", "0.1", "limit", price="29000")
    assert len(times) == n_before + 1
    me.get("CancelOrder", txid=order_id)
    assert len(times) == n_before + 2
    saved = read_state(home / "exchange.json", "market")
    assert saved is not None
    assert KeptExchange.restore(saved.exchange).revision(ACCOUNT) == exchange.revision(ACCOUNT)


def test_a_fill_is_on_disk_before_a_look_tells_of_it(home: Path) -> None:
    """F15: a stop that filled while nobody listened must not be forgotten once it was seen."""
    exchange, times = kept(home)
    me = Customer(exchange, key=ACCOUNT)
    me.order("buy", "0.1", "limit", price="29000")
    n_before = len(times)
    exchange.trade("BTC/USD", Decimal(28_000), Decimal(1_000))
    me.get("Balance")
    assert len(times) == n_before + 1
    saved = read_state(home / "exchange.json", "market")
    assert saved is not None
    assert Exchange.restore(saved.exchange).private(ACCOUNT, "Balance", {}) == (
        exchange.private(ACCOUNT, "Balance", {})
    )


def test_a_quiet_exchange_is_kept_now_and_then(home: Path) -> None:
    """Its clock must not fall far behind the journal's."""
    exchange, times = kept(home)
    me = Customer(exchange, key=ACCOUNT)
    me.get("Balance")
    n_before = len(times)
    for minute in range(1, 31):
        exchange.advance(START_NS + minute * MINUTE_NS)
        me.get("Balance")
    assert len(times) - n_before == 3
