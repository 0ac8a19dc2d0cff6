"""Kraken's own messages, recorded by others: every one is read, every checksum matches (D09)."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.errors import VenueError
from athena.venues.kraken import (
    BookMessage,
    Fields,
    HttpAnswer,
    Level,
    OrderBook,
    our_symbol,
    read_added,
    read_asset_pairs,
    read_balances,
    read_book,
    read_cancelled,
    read_message,
    read_ohlc,
    read_open_orders,
    read_orders,
    read_result,
    read_server_time,
    read_trade_volume,
    read_trades_history,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def fixtures(shared_data: Path) -> Path:
    folder = shared_data / "fixtures"
    if not folder.is_dir():
        pytest.skip(f"no recorded messages at {folder}")
    return folder


def recorded(fixtures: Path, name: str) -> Fields:
    data = (fixtures / "kraken_rest" / f"example-{name}.json").read_bytes()
    return read_result(HttpAnswer(200, data), name)


def test_the_rules_of_every_pair_are_read(fixtures: Path) -> None:
    rules = {pair.symbol: pair for pair in read_asset_pairs(recorded(fixtures, "assetpairs-data"))}
    bitcoin = rules["BTC/USD"]
    assert (bitcoin.key, bitcoin.altname) == ("XXBTZUSD", "XBTUSD")
    assert (str(bitcoin.tick), bitcoin.lot) == ("0.1", Decimal("1E-8"))
    assert bitcoin.min_quantity == Decimal("0.002")
    assert bitcoin.leverage_buy == (2, 3, 4, 5)
    assert (bitcoin.fees_taker[0].fee_bps, bitcoin.fees_maker[0].fee_bps) == (26, 16)
    assert rules["XRP/BTC"].price_decimals == 8
    stated = [pair for pair in rules.values() if pair.min_quantity is not None]
    assert all(pair.instrument().tick > 0 for pair in stated)
    assert (len(rules), len(stated)) == (75, 1)  # an old recording: only one states a minimum


def test_the_bars_keep_their_digits(fixtures: Path) -> None:
    bars = read_ohlc(recorded(fixtures, "ohlc-data"), "XXBTZUSD")
    assert len(bars) == 720
    assert bars[0].ts_ns == 1_502_402_520 * 10**9
    assert str(bars[0].open) == "3449.992"
    assert str(bars[1].volume) == "7.36749998"


def test_orders_and_fills_are_read(fixtures: Path) -> None:
    orders = read_open_orders(recorded(fixtures, "openorders-data"))
    assert {order.state for order in orders} == {"open"}
    assert {order.filled for order in orders} == {0}
    (in_quote,) = read_open_orders(recorded(fixtures, "openorders-in-transaction-currency-data"))
    assert in_quote.is_quote_quantity
    (filled,) = read_orders(recorded(fixtures, "market-ask-order"))
    assert (filled.state, filled.side, filled.type) == ("filled", "sell", "market")
    assert str(filled.filled) == "0.84962599"
    fills, total = read_trades_history(recorded(fixtures, "tradehistory-data"))
    assert (len(fills), total) == (3, 3)
    assert {str(fill.quantity) for fill in fills} == {"0.50000000"}


def test_the_other_answers_are_read(fixtures: Path) -> None:
    assert read_server_time(recorded(fixtures, "servertime-data")) == 1_391_835_876 * 10**9
    balances = read_balances(recorded(fixtures, "balance-data"))
    assert str(balances["BTC"]) == "0.4888583300"
    fees = read_trade_volume(recorded(fixtures, "tradevolume-data"))
    assert (fees.taker_bps["XXBTZUSD"], fees.maker_bps["XXBTZUSD"]) == (30, 16)
    assert len(read_trade_volume(recorded(fixtures, "tradevolume-data-2")).taker_bps) > 70
    assert read_added(recorded(fixtures, "addorder-response-data")) == ("OWQJ5O-ZWYC7-5R7POQ",)
    assert read_cancelled(recorded(fixtures, "cancelorder-data")) == 1


def recorded_stream(fixtures: Path, version: int) -> dict[str, Any]:
    path = fixtures / "kraken_ws_book" / f"orderbook-v{version}.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        content = json.load(file)
    assert isinstance(content, dict)
    return content


def old_messages(stream: dict[str, Any]) -> Iterator[BookMessage]:
    """Read the first version's form: only here, since Athena speaks the second."""
    for message in [*stream["init"], *stream["updates"]]:
        if not isinstance(message, list):
            continue
        parts = {key: value for part in message[1:-2] for key, value in part.items()}
        symbol = our_symbol(message[-1])
        is_snapshot = "as" in parts
        bids, asks = (
            tuple(
                Level(Decimal(row[0]), Decimal(row[1]))
                for row in parts.get(side + "s" * is_snapshot, [])
            )
            for side in "ba"
        )
        yield BookMessage(symbol, is_snapshot, bids, asks, int(parts.get("c", -1)))


def test_every_checksum_of_the_second_version_matches(fixtures: Path) -> None:
    stream = recorded_stream(fixtures, 2)
    book = OrderBook("BTC/USD", depth=10, price_decimals=1, quantity_decimals=8)
    raw = [stream["init"], *stream["updates"]]
    for message in raw:
        found = read_message(json.dumps(message).encode())
        assert found is not None
        for change in read_book(found):
            book.apply(change)
            assert len(book.bids) <= 10
            assert book.bids[0].price < book.asks[0].price
    assert len(raw) == 510


def test_every_checksum_of_the_first_version_matches(fixtures: Path) -> None:
    book = OrderBook("BTC/USD", depth=10, price_decimals=5, quantity_decimals=8)
    n_checked = 0
    for change in old_messages(recorded_stream(fixtures, 1)):
        if change.checksum < 0:  # the snapshot of this version carries none
            book._bids = {level.price: level.quantity for level in change.bids}
            book._asks = {level.price: level.quantity for level in change.asks}
            continue
        book.apply(change)
        n_checked += 1
    assert n_checked == 979


def test_a_lost_update_of_a_recorded_stream_is_found(fixtures: Path) -> None:
    """The planted fault; its clean twin is the test of the whole stream."""
    stream = recorded_stream(fixtures, 2)
    book = OrderBook("BTC/USD", depth=10, price_decimals=1, quantity_decimals=8)
    del stream["updates"][100]
    messages = [json.dumps(m).encode() for m in [stream["init"], *stream["updates"]]]

    def replay() -> None:
        for message in messages:
            found = read_message(message)
            assert found is not None
            for change in read_book(found):
                book.apply(change)

    with pytest.raises(VenueError, match="checksum"):
        replay()
