"""What the local exchange says of itself and of the market (D09)."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import MINUTE_NS, SECOND_NS
from athena.errors import InputError
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.exchange._depth import Depth, checksum
from athena.venues.kraken import (
    Fields,
    HttpAnswer,
    OrderBook,
    find_pair,
    read_asset_pairs,
    read_book,
    read_message,
    read_ohlc,
    read_result,
    read_server_time,
)
from tests.exchange_builder import START_NS, listings, new_exchange

if TYPE_CHECKING:
    from pathlib import Path


def read(exchange: Exchange, endpoint: str, **fields: str) -> Fields:
    return read_result(HttpAnswer(200, exchange.public(endpoint, fields)), endpoint)


def code(exchange: Exchange, endpoint: str, **fields: str) -> Any:
    return json.loads(exchange.public(endpoint, fields))["error"]


def test_the_rules_of_every_pair_are_read_back_as_they_were_listed() -> None:
    exchange = new_exchange()
    pairs = read_asset_pairs(read(exchange, "AssetPairs"))
    for listing in listings():
        rules = find_pair(pairs, listing.symbol)
        assert rules.instrument() == listing.instrument
        assert rules.fees_taker[0].fee_bps == 26
        assert rules.fees_maker[0].fee_bps == 16
        assert rules.status == "online"
    assert [pair.key for pair in pairs] == ["XXBTZUSD", "XXRPZUSD", "XXRPXXBT"]
    only = read(exchange, "AssetPairs", pair="XBTUSD,XRP/USD").values
    assert list(only) == ["XXBTZUSD", "XXRPZUSD"]
    assert code(exchange, "AssetPairs", pair="NOPE") == ["EQuery:Unknown asset pair"]
    assert set(read(exchange, "Assets").values) == {"XXBT", "ZUSD", "XXRP"}


def test_the_clock_is_the_one_that_it_was_told() -> None:
    exchange = new_exchange()
    assert read_server_time(read(exchange, "Time")) == START_NS
    assert read(exchange, "Time").text("rfc1123") == "Tue, 14 Nov 23 22:13:20 +0000"
    assert exchange.now_ns == START_NS
    assert code(exchange, "Nothing") == ["EGeneral:Unknown method"]


def test_bars_are_made_of_the_trades_and_gaps_stay_gaps() -> None:
    exchange = Exchange(listings("BTC/USD"), ExchangeSettings(seed=0), now_ns=START_NS)
    for minute, price in ((0, 100), (0, 120), (0, 90), (1, 95), (3, 99)):
        exchange.advance(max(exchange.now_ns, START_NS + minute * MINUTE_NS))
        exchange.trade("BTC/USD", Decimal(price), Decimal(2))
    bars = read_ohlc(read(exchange, "OHLC", pair="XBTUSD"), "XXBTZUSD")
    start_ns = START_NS // MINUTE_NS * MINUTE_NS
    assert [(bar.ts_ns - start_ns) // MINUTE_NS for bar in bars] == [0, 1, 3]
    first = bars[0]
    assert (first.open, first.high, first.low, first.close, first.volume) == (100, 120, 90, 90, 6)
    since = str(bars[0].ts_ns // SECOND_NS)
    assert len(read_ohlc(read(exchange, "OHLC", pair="XBTUSD", since=since), "XXBTZUSD")) == 2
    assert code(exchange, "OHLC", pair="XBTUSD", interval="2") == [
        "EGeneral:Invalid arguments:interval"
    ]


def test_no_more_than_720_bars_are_served() -> None:
    exchange = Exchange(listings("BTC/USD"), ExchangeSettings(seed=0), now_ns=START_NS)
    for minute in range(800):
        exchange.advance(START_NS + minute * MINUTE_NS)
        exchange.trade("BTC/USD", Decimal(100 + minute), Decimal(1))
    result = read(exchange, "OHLC", pair="XBTUSD")
    bars = read_ohlc(result, "XXBTZUSD")
    assert (len(bars), bars[-1].close) == (720, 899)
    assert result.whole("last") == bars[-2].ts_ns // SECOND_NS


def test_trades_go_on_where_the_last_answer_ended() -> None:
    exchange = new_exchange("BTC/USD")
    for price in (30_010, 30_020, 30_015):
        exchange.advance(exchange.now_ns + SECOND_NS)
        exchange.trade("BTC/USD", Decimal(price), Decimal(1))
    whole = read(exchange, "Trades", pair="XBTUSD")
    assert [row[3] for row in whole.items("XXBTZUSD")] == ["b", "b", "b", "s"]
    first = read(exchange, "Trades", pair="XBTUSD", since=str(START_NS), count="1")
    (row,) = first.items("XXBTZUSD")
    assert row[0] == "30010.00"
    rest = read(exchange, "Trades", pair="XBTUSD", since=first.text("last"))
    assert [row[0] for row in rest.items("XXBTZUSD")] == ["30020.00", "30015.00"]
    seconds = str(START_NS // SECOND_NS)
    assert len(read(exchange, "Trades", pair="XBTUSD", since=seconds).items("XXBTZUSD")) == 3


def test_the_book_stands_around_the_last_price() -> None:
    exchange = new_exchange("BTC/USD")
    book = read(exchange, "Depth", pair="XBTUSD", count="5").inner("XXBTZUSD")
    asks, bids = book.items("asks"), book.items("bids")
    prices = [Decimal(row[0]) for row in (*reversed(bids), *asks)]
    assert len(prices) == 10
    assert prices == sorted(prices)
    assert (prices[4], prices[5]) == (29_970, 30_030)
    ticker = read(exchange, "Ticker", pair="XBTUSD").inner("XXBTZUSD")
    assert (ticker.items("a")[0], ticker.items("b")[0]) == ("30030.00", "29970.00")


def test_a_market_without_a_trade_has_neither_ticker_nor_book() -> None:
    exchange = Exchange(listings("BTC/USD"), ExchangeSettings(seed=0), now_ns=START_NS)
    assert read(exchange, "Ticker").values == {}
    assert read(exchange, "Depth", pair="XBTUSD").values == {"XXBTZUSD": {"asks": [], "bids": []}}
    assert read(exchange, "OHLC", pair="XBTUSD").items("XXBTZUSD") == []


def test_a_lot_that_kraken_could_not_state_is_refused() -> None:
    (listing,) = listings("BTC/USD")
    for lot in ("0.25", "10"):
        with pytest.raises(InputError, match="expected a lot"):
            Listing(replace(listing.instrument, lot=Decimal(lot)))


def test_our_checksum_is_the_one_that_kraken_recorded(shared_data: Path) -> None:
    """Differential: 510 recorded messages of a real book, each with Kraken's own CRC-32."""
    path = shared_data / "fixtures" / "kraken_ws_book" / "orderbook-v2.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        stream = json.load(file)
    (listing,) = listings("BTC/USD")
    listing = Listing(replace(listing.instrument, tick=Decimal("0.1")))
    book = OrderBook("BTC/USD", depth=10, price_decimals=1, quantity_decimals=8)
    n_checked = 0
    for raw in (stream["init"], *stream["updates"]):
        message = read_message(json.dumps(raw).encode())
        assert message is not None
        for change in read_book(message):
            book.apply(change)
            sides = [
                {item.price: item.quantity for item in side} for side in (book.bids, book.asks)
            ]
            assert checksum(Depth(*sides), listing) == change.checksum
            n_checked += 1
    assert n_checked >= 510
