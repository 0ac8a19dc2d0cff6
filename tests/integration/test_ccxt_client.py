"""An unmodified ccxt client at the served exchange: only the address is another one."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import MINUTE_NS
from tests.venue_server import START_NS, host_of, market_of, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.service
PAIR = "BTC/USD"


@pytest.fixture(scope="module")
def kraken() -> Iterator[Any]:
    ccxt = pytest.importorskip("ccxt", reason="needs the extra live")
    host = host_of(market_of("50100", "49900", "50050"))
    with serving(host) as server:
        client = ccxt.kraken(
            {
                "apiKey": "any",
                "secret": base64.b64encode(b"any").decode(),
                "enableRateLimit": False,
                "timeout": 10_000,
            }
        )
        client.urls["api"] = dict.fromkeys(("public", "private"), server.rest_url)
        client.load_markets()
        yield client
        client.session.close()


@pytest.fixture(autouse=True)
def _clean(kraken: Any) -> Iterator[None]:
    yield
    kraken.cancel_all_orders()


def test_markets_are_loaded_with_their_rules(kraken: Any) -> None:
    """D09."""
    market = kraken.market(PAIR)
    assert (market["id"], market["active"], market["spot"]) == ("XXBTZUSD", True, True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1e-8, 0.01)
    assert market["limits"]["amount"]["min"] == 0.0001
    assert (market["taker"], market["maker"]) == (0.0026, 0.0016)


def test_the_market_is_seen(kraken: Any) -> None:
    assert kraken.fetch_status()["status"] == "ok"
    assert kraken.fetch_time() >= START_NS // 1_000_000
    ticker = kraken.fetch_ticker(PAIR)
    assert (ticker["last"], ticker["high"], ticker["low"]) == (50_050, 50_100, 49_900)
    assert ticker["bid"] < ticker["last"] < ticker["ask"]
    candles = kraken.fetch_ohlcv(PAIR, "1m")
    assert candles[-1][0] == START_NS // MINUTE_NS * 60_000
    assert candles[-1][1:] == [50_100, 50_100, 49_900, 50_050, 30]
    book = kraken.fetch_order_book(PAIR)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert [trade["price"] for trade in kraken.fetch_trades(PAIR)][-3:] == [50100, 49900, 50050]


def test_a_limit_order_is_placed_amended_listed_and_cancelled(kraken: Any) -> None:
    """D09."""
    before = kraken.fetch_balance()["USD"]
    order_id = kraken.create_order(PAIR, "limit", "buy", 0.1, 40_000)["id"]
    (shown,) = kraken.fetch_open_orders(PAIR)
    assert (shown["id"], shown["type"], shown["side"]) == (order_id, "limit", "buy")
    assert (shown["price"], shown["amount"], shown["status"]) == (40_000, 0.1, "open")
    assert kraken.fetch_balance()["USD"]["used"] > before["used"]

    kraken.edit_order(order_id, PAIR, "limit", "buy", 0.2, 41_000)
    (amended,) = kraken.fetch_open_orders(PAIR)
    assert (amended["id"], amended["price"], amended["amount"]) == (order_id, 41_000, 0.2)

    kraken.cancel_order(order_id)
    assert kraken.fetch_open_orders(PAIR) == []
    assert kraken.fetch_order(order_id)["status"] == "canceled"
    assert order_id in [order["id"] for order in kraken.fetch_closed_orders(PAIR)]
    assert kraken.fetch_balance()["USD"] == before


def test_a_stop_waits_at_the_venue(kraken: Any) -> None:
    """TR-11: the trigger is the trigger."""
    order = kraken.create_order(PAIR, "market", "sell", 0.1, None, {"stopLossPrice": 45_000})
    (shown,) = kraken.fetch_open_orders(PAIR)
    assert (shown["id"], shown["triggerPrice"]) == (order["id"], 45_000)
    assert shown["info"]["descr"]["ordertype"] == "stop-loss"
    kraken.cancel_order(order["id"])


def test_a_market_order_fills_and_is_paid_for(kraken: Any) -> None:
    before = kraken.fetch_balance()
    order_id = kraken.create_order(PAIR, "market", "buy", 0.05)["id"]
    (trade,) = [item for item in kraken.fetch_my_trades(PAIR) if item["order"] == order_id]
    assert (trade["side"], trade["amount"], trade["takerOrMaker"]) == ("buy", 0.05, "taker")
    assert trade["price"] > 50_050
    after = kraken.fetch_balance()
    paid = before["USD"]["total"] - after["USD"]["total"]
    assert paid == pytest.approx(trade["cost"] + trade["fee"]["cost"], abs=1e-7)
    assert after["BTC"]["total"] - before["BTC"]["total"] == pytest.approx(0.05, abs=1e-12)
    assert kraken.fetch_order(order_id)["status"] == "closed"
    assert {entry["type"] for entry in kraken.fetch_ledger()} == {"transaction", "trade"}


def test_refusals_are_those_that_ccxt_knows(kraken: Any) -> None:
    import ccxt

    with pytest.raises(ccxt.InsufficientFunds):
        kraken.create_order(PAIR, "limit", "buy", 1_000, 40_000)
    with pytest.raises(ccxt.OrderNotFound):
        kraken.cancel_order("OAAAAA-AAAAA-AAAAAA")
    with pytest.raises(ccxt.InvalidOrder):
        kraken.create_order(PAIR, "limit", "buy", 0.00001, 40_000)
