"""What the local exchange says on its streams (D09)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from athena.domain import SECOND_NS
from athena.errors import InputError
from athena.venues.kraken import read_book, read_executions, read_message
from tests.exchange_builder import START_NS, Customer, new_exchange

CLIENT_ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def me() -> Customer:
    return Customer(new_exchange())


def kinds(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["exec_type"], event["order_status"]) for event in events]


def test_a_connection_starts_with_the_status_and_beats_every_second(me: Customer) -> None:
    me.connection = me.exchange.connect()
    assert me.hear()[0]["data"][0]["system"] == "online"
    me.exchange.advance(START_NS + 3 * SECOND_NS)
    assert me.hear() == [{"channel": "heartbeat"}] * 3
    me.exchange.disconnect(me.connection)
    me.exchange.advance(START_NS + 9 * SECOND_NS)
    assert me.exchange.take_messages() == []
    assert me.exchange.next_due_ns() is None
    with pytest.raises(InputError, match="open connection"):
        me.exchange.say(me.connection, "{}")


def test_an_order_is_told_from_its_beginning_to_its_end(me: Customer) -> None:
    me.listen("executions")
    me.order("buy", "0.1", cl_ord_id=CLIENT_ID)
    events = me.events()
    assert kinds(events) == [
        ("pending_new", "pending_new"),
        ("new", "new"),
        ("trade", "partially_filled"),
        ("filled", "filled"),
    ]
    assert {event["cl_ord_id"] for event in events} == {CLIENT_ID}
    trade_id = next(iter(me.get("TradesHistory")["trades"]))
    assert events[2]["exec_id"] == trade_id


def test_triggers_amendments_and_cancels_are_told(me: Customer) -> None:
    me.listen("executions")
    stop = me.order("sell", "0.1", "stop-loss-limit", price="29000", price2="28900")
    me.get("AmendOrder", txid=stop, trigger_price="29500")
    me.exchange.trade("BTC/USD", Decimal(28_000), Decimal(1))
    me.get("CancelOrder", txid=stop)
    assert me.shown(stop)["misc"] == "stopped"
    events = me.events()
    assert kinds(events) == [
        ("pending_new", "pending_new"),
        ("new", "new"),
        ("amended", "new"),
        ("status", "new"),
        ("canceled", "canceled"),
    ]
    assert events[2]["triggers"]["price"] == 29_500
    assert events[3]["triggers"]["status"] == "triggered"
    assert events[4]["reason"] == "User requested"


def test_snapshots_show_orders_and_trades_as_they_were_asked_for(me: Customer) -> None:
    me.order("buy", "0.1")
    open_one = me.order("buy", "0.01", "limit", price="29000")
    for params, expected in (
        ({}, ["new"]),
        ({"snap_trades": True}, ["new", "trade"]),
        ({"snap_orders": False, "snap_trades": True}, ["trade"]),
    ):
        you = Customer(me.exchange)
        you.listen("executions", **params)
        snapshot = next(m for m in you.hear() if m.get("channel") == "executions")
        assert [event["exec_type"] for event in snapshot["data"]] == expected
        assert (snapshot["type"], snapshot["sequence"]) == ("snapshot", 1)
        message = read_message(you.texts[-1].encode())
        assert message is not None
        events = read_executions(message)
        if "snap_orders" not in params:
            assert (events[0].order_id, events[0].quantity) == (open_one, Decimal("0.01"))


def test_each_connection_counts_its_own_messages(me: Customer) -> None:
    you = Customer(me.exchange)
    me.listen("executions", "balances")
    me.order("buy", "0.01")
    messages = me.hear()
    you.listen("executions")
    me.order("buy", "0.01")
    messages += me.hear()
    for channel in ("executions", "balances"):
        found = [item["sequence"] for item in messages if item.get("channel") == channel]
        assert found == list(range(1, len(found) + 1))


def test_another_account_hears_nothing_of_mine(me: Customer) -> None:
    you = Customer(me.exchange, "you")
    you.listen("executions", "balances")
    you.hear()
    me.order("buy", "0.01")
    assert you.events() == []


def test_requests_that_cannot_be_done_are_answered_with_why(me: Customer) -> None:
    me.connection = me.exchange.connect()
    me.hear()
    cases = (
        ({"channel": "executions"}, "ESession:Invalid session"),
        ({"channel": "executions", "token": "x"}, "ESession:Invalid session"),
        ({"channel": "gossip"}, "Channel gossip not supported"),
        ({"channel": "ticker", "symbol": ["NO/PE"]}, "Currency pair not supported NO/PE"),
        ({"channel": "ticker"}, "Symbol(s) not found"),
        ({"channel": "book", "symbol": ["BTC/USD"], "depth": 7}, "depth not supported 7"),
        ({"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 2}, "interval not supported 2"),
    )
    for params, error in cases:
        me.say({"method": "subscribe", "params": params, "req_id": 9})
        (answer,) = me.hear()
        assert (answer["success"], answer["error"], answer["req_id"]) == (False, error, 9)
    for text in ("not json", "[1]", "null", '{"method":"dance"}', "[" * 10_000):
        me.exchange.say(me.connection, text)
        (answer,) = me.hear()
        assert answer["success"] is False
    me.say({"method": "ping", "req_id": 3})
    (answer,) = me.hear()
    assert (answer["method"], answer["req_id"]) == ("pong", 3)


def test_a_token_opens_channels_for_a_quarter_of_an_hour(me: Customer) -> None:
    token = me.get("GetWebSocketsToken")["token"]
    me.connection = me.exchange.connect()
    me.exchange.advance(START_NS + 901 * SECOND_NS)
    me.hear()
    me.say({"method": "subscribe", "params": {"channel": "balances", "token": token}})
    assert me.hear()[0]["error"] == "ESession:Invalid session"
    me.listen("balances")
    assert me.hear()[-1]["data"][0]["asset"] == "USD"


def test_a_channel_is_subscribed_once_and_can_be_left(me: Customer) -> None:
    me.listen("ticker", symbols=("BTC/USD",))
    me.listen("ticker", symbols=("BTC/USD",))
    assert me.hear()[-1]["error"] == "Already subscribed to ticker"
    leave = {"method": "unsubscribe", "params": {"channel": "ticker", "symbol": ["BTC/USD"]}}
    me.say(leave)
    assert me.hear()[-1]["success"] is True
    me.exchange.trade("BTC/USD", Decimal(30_000), Decimal(1))
    assert me.hear() == []
    me.say(leave)
    assert me.hear()[-1]["error"] == "Subscription Not Found"


def test_market_channels_follow_the_market(me: Customer) -> None:
    me.listen("ticker", "trade", "ohlc", "book", symbols=("BTC/USD",))
    me.hear()
    me.exchange.trade("BTC/USD", Decimal(29_000), Decimal("1.5"))
    told = {message["channel"]: message["data"][0] for message in me.hear()}
    assert (told["ticker"]["last"], told["ticker"]["low"]) == (29_000, 29_000)
    assert told["ticker"]["bid"] < 29_000 < told["ticker"]["ask"]
    assert (told["trade"]["side"], told["trade"]["qty"]) == ("sell", Decimal("1.5"))
    assert (told["ohlc"]["high"], told["ohlc"]["close"], told["ohlc"]["trades"]) == (
        30_000, 29_000, 2,
    )  # fmt: skip
    assert told["book"]["bids"][-1]["qty"] > 0


def test_the_bytes_of_a_book_with_one_digit_changed_are_caught(me: Customer) -> None:
    """The planted fault: a checksum that is off by a digit is not the book's."""
    me.listen("book", symbols=("BTC/USD",))
    me.hear()
    good = read_message(me.texts[-1].encode())
    assert good is not None
    (book,) = read_book(good)
    data = json.loads(me.texts[-1])
    data["data"][0]["checksum"] ^= 1
    bad = read_message(json.dumps(data).encode())
    assert bad is not None
    assert read_book(bad)[0].checksum != book.checksum
