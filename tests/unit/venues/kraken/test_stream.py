"""WebSocket v2: executions, balances, instrument and the book with its checksum."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any

import pytest

from athena.errors import VenueError
from athena.venues.kraken import (
    BookMessage,
    ChannelMessage,
    Execution,
    Level,
    OrderBook,
    read_balance_changes,
    read_book,
    read_executions,
    read_message,
    read_stream_pairs,
)
from tests.kraken_messages import (
    EXECUTION,
    LEDGER_ENTRY,
    STREAM_PAIR,
    changed,
    stream,
    without,
)

FEE = {"asset": "USD", "qty": 0.1}


def message(channel: str, data: object, *, kind: str = "update") -> ChannelMessage:
    found = read_message(stream(channel, data, kind=kind))
    assert found is not None
    return found


def execution(**fields: object) -> Execution:
    (found,) = read_executions(message("executions", [changed(EXECUTION, **fields)]))
    return found


@pytest.mark.parametrize(
    "text",
    [
        '{"channel": "heartbeat"}',
        '{"channel": "status", "type": "update", "data": [{}]}',
        '{"method": "subscribe", "success": true}',
    ],
)
def test_what_carries_no_data_is_passed_over(text: str) -> None:
    assert read_message(text.encode()) is None


@pytest.mark.parametrize("text", ["[]", '{"channel": "book"}', '{"channel": 5}', "hello"])
def test_a_message_without_its_parts_is_refused(text: str) -> None:
    with pytest.raises(VenueError, match="expected"):
        read_message(text.encode())


def test_a_fill_is_read_with_every_digit() -> None:
    found = execution()
    assert (found.event, found.state, found.symbol) == ("trade", "partially_filled", "BTC/USD")
    assert found.filled == Decimal("0.005")
    fill = found.fill
    assert fill is not None
    assert (fill.trade_id, str(fill.price), str(fill.quantity)) == (
        "TIB6NP-KBJUZ-YCYVR7", "26599.9", "0.005",
    )  # fmt: skip
    assert (str(fill.fee), fill.fee_currency, fill.liquidity) == ("0.3458", "USD", "taker")


def test_an_order_event_carries_no_fill() -> None:
    found = execution(exec_type="canceled", order_status="canceled", reason="User requested")
    assert (found.state, found.fill, found.reason) == ("cancelled", None, "User requested")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending_new", "open"), ("new", "open"), ("partially_filled", "partially_filled"),
        ("filled", "filled"), ("canceled", "cancelled"), ("expired", "expired"),
    ],
)  # fmt: skip
def test_a_status_becomes_a_state(status: str, state: str) -> None:
    assert execution(exec_type="status", order_status=status).state == state


def test_an_event_may_leave_out_what_it_does_not_change() -> None:
    event = {key: EXECUTION[key] for key in ("order_id", "timestamp")}
    event |= {"exec_type": "new", "order_status": "new"}
    (found,) = read_executions(message("executions", [event]))
    assert (found.symbol, found.side, found.quantity, found.filled) == (None, None, None, None)


@pytest.mark.parametrize("name", ["exec_id", "last_qty", "last_price", "cost", "side", "fees"])
def test_a_fill_without_a_part_is_refused(name: str) -> None:
    """TR-22: nothing is put in its place."""
    with pytest.raises(VenueError, match=f"{name}, was missing"):
        read_executions(message("executions", [without(EXECUTION, name)]))


@pytest.mark.parametrize(
    "fields",
    [
        {"last_qty": 0.05}, {"last_price": 2659.99}, {"cost": 0}, {"liquidity_ind": "x"},
        {"order_status": "odd"}, {"exec_type": "odd"}, {"fees": [FEE, FEE]}, {"timestamp": "now"},
    ],
)  # fmt: skip
def test_a_fill_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(VenueError, match="data"):
        execution(**fields)


def test_a_message_carries_its_place_in_the_sequence() -> None:
    assert message("executions", [EXECUTION]).sequence == 8


def test_balances_come_as_snapshot_and_as_ledger_entries() -> None:
    held = [{"asset": "BTC", "balance": 1.5, "wallets": []}]
    (snapshot,) = read_balance_changes(message("balances", held, kind="snapshot"))
    assert (snapshot.currency, snapshot.balance, snapshot.at_ns) == ("BTC", Decimal("1.5"), None)
    (entry,) = read_balance_changes(message("balances", [LEDGER_ENTRY]))
    assert (entry.amount, entry.fee, entry.balance) == (
        Decimal("-12.5"), Decimal("0.25"), Decimal("1087.25"),
    )  # fmt: skip
    with pytest.raises(VenueError, match="balance, was missing"):
        read_balance_changes(message("balances", [without(LEDGER_ENTRY, "balance")]))


def test_the_rules_of_a_pair_come_over_the_stream_too() -> None:
    (pair,) = read_stream_pairs(message("instrument", {"pairs": [STREAM_PAIR]}, kind="snapshot"))
    assert (pair.price_decimals, pair.quantity_decimals) == (1, 8)
    assert (pair.tick, pair.lot) == (Decimal("0.1"), Decimal("1E-8"))
    for wrong in ({"qty_increment": 0}, {"price_precision": -1}, {"qty_min": "x"}):
        pairs = [changed(STREAM_PAIR, **wrong)]
        with pytest.raises(VenueError, match="pairs"):
            read_stream_pairs(message("instrument", {"pairs": pairs}))


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def new_book(depth: int = 10) -> OrderBook:
    return OrderBook("BTC/USD", depth=depth, price_decimals=1, quantity_decimals=8)


def apply(book: OrderBook, *, bids: str = "", asks: str = "", snapshot: bool = False) -> None:
    """Apply levels such as `100=1 99=2` with the checksum that is right for them."""
    sides = [
        levels(
            *((price, quantity) for price, _, quantity in (x.partition("=") for x in s.split()))
        )
        for s in (bids, asks)
    ]
    twin = OrderBook("BTC/USD", depth=book._depth, price_decimals=1, quantity_decimals=8)
    twin._bids, twin._asks = dict(book._bids), dict(book._asks)
    try:
        twin.apply(BookMessage("BTC/USD", snapshot, *sides, checksum=-1))
    except VenueError as error:
        right = int(error.message.rpartition(" ")[2])
    book.apply(BookMessage("BTC/USD", snapshot, *sides, checksum=right))


def test_a_level_is_changed_removed_and_pushed_out_by_better_ones() -> None:
    book = new_book(depth=2)
    apply(book, bids="100=1 99=2", asks="101=1 102=2", snapshot=True)
    apply(book, bids="100=0 99=3", asks="100.5=4")
    assert book.bids == levels(("99", "3"))
    assert book.asks == levels(("100.5", "4"), ("101", "1"))
    apply(book, bids="98=1", asks="105=1", snapshot=True)
    assert book.bids == levels(("98", "1"))


def test_the_worst_level_falls_out_on_either_side() -> None:
    book = new_book(depth=2)
    apply(book, bids="100=1 98=1 99=1", asks="103=1 101=1 102=1", snapshot=True)
    assert book.bids == levels(("100", "1"), ("99", "1"))
    assert book.asks == levels(("101", "1"), ("102", "1"))


def test_the_checksum_is_that_of_the_digits_of_asks_then_bids() -> None:
    """Kraken's guide: asks first, best first, no point, no leading zeros, ten levels a side."""
    bids = [(f"{100 - index}", "0.5") for index in range(12)]
    asks = [("100.5", "0.00000007"), ("101", "20")]
    written = "1005" + "7" + "1010" + "2000000000"
    written += "".join(f"{100 - index}0" + "50000000" for index in range(10))
    book = OrderBook("BTC/USD", depth=25, price_decimals=1, quantity_decimals=8)
    checksum = zlib.crc32(written.encode())
    sides = (levels(*bids), levels(*asks))
    book.apply(BookMessage("BTC/USD", True, *sides, checksum))
    assert book.checksum() == checksum


def test_a_book_that_misses_an_update_is_found_and_thrown_away() -> None:
    """The planted fault: one update is lost, the next one's checksum does not match."""
    whole, holey = new_book(), new_book()
    for book in (whole, holey):
        apply(book, bids="100=1", asks="101=1", snapshot=True)
    apply(whole, bids="99=5")
    apply(whole, asks="103=2")
    last = BookMessage("BTC/USD", False, (), levels(("103", "2")), whole.checksum())
    with pytest.raises(VenueError, match="checksum"):
        holey.apply(last)
    assert (holey.bids, holey.asks) == ((), ())


def test_a_book_of_another_pair_is_refused() -> None:
    with pytest.raises(VenueError, match="BTC/USD"):
        new_book().apply(BookMessage("ETH/USD", True, (), (), 0))


def test_a_number_finer_than_the_pair_allows_is_refused() -> None:
    message = BookMessage("BTC/USD", True, levels(("100.05", "1")), (), 0)
    with pytest.raises(VenueError, match="at most 1 decimals"):
        new_book().apply(message)


@pytest.mark.parametrize(
    "book",
    [
        {"symbol": "BTC/USD", "bids": [], "asks": []},
        {"symbol": "BTC/USD", "bids": [], "asks": [], "checksum": -1},
        {"symbol": "BTC/USD", "bids": [{"price": 0, "qty": 1}], "asks": [], "checksum": 1},
        {"symbol": "BTC/USD", "bids": [{"price": 1}], "asks": [], "checksum": 1},
    ],
)
def test_a_book_message_without_its_parts_is_refused(book: dict[str, Any]) -> None:
    with pytest.raises(VenueError, match="book"):
        read_book(message("book", [book]))
