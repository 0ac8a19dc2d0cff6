"""What can be set wrong on purpose, with the books in order and a clean twin (F06, F10-F14)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from athena.domain import SECOND_NS, format_time
from athena.errors import InputError
from athena.venues.exchange import Exchange
from athena.venues.kraken import read_closed_orders, read_open_orders
from tests.exchange_builder import START_NS, Customer, new_exchange


@pytest.fixture
def me() -> Customer:
    return Customer(new_exchange())


def trade(me: Customer, price: str, quantity: str = "1000") -> None:
    me.exchange.trade("BTC/USD", Decimal(price), Decimal(quantity))


@pytest.mark.parametrize("is_on", [True, False])
def test_f06_a_cancelled_order_fills_once_more(me: Customer, is_on: bool) -> None:
    me.listen("executions")
    me.exchange.set_fill_after_cancel(is_on)
    order = me.order("buy", "0.1", "limit", price="29000")
    assert me.get("CancelOrder", txid=order) == {"count": 1}
    for _ in range(2):
        trade(me, "28999", "0.5")
    shown = me.shown(order)
    assert shown["status"] == "canceled"
    assert shown["vol_exec"] == ("0.05000000" if is_on else "0.00000000")
    assert len(shown["trades"]) == is_on
    assert me.balance("XXBT") == (Decimal("0.55") if is_on else Decimal("0.5"))
    kinds = [event["exec_type"] for event in me.events()]
    assert kinds == ["pending_new", "new", "canceled", *["trade"] * is_on]


def test_f06_ends_with_its_time_and_never_makes_a_debt(me: Customer) -> None:
    me.exchange.set_fill_after_cancel(True)
    late, poor = (me.order("buy", "0.1", "limit", price="29000") for _ in range(2))
    me.get("CancelOrder", txid=late)
    me.exchange.advance(START_NS + 61 * SECOND_NS)
    me.get("CancelOrder", txid=poor)
    me.order("buy", "0.33")  # the funds are free again and go elsewhere
    trade(me, "28999")
    assert me.shown(late)["vol_exec"] == "0.00000000"
    assert Decimal(me.shown(poor)["vol_exec"]) < Decimal("0.1")
    assert me.balance("ZUSD") >= 0


def test_f10_accounts_are_shown_as_they_were_while_the_stream_goes_on(me: Customer) -> None:
    me.get("Balance")
    me.listen("executions")
    me.exchange.advance(START_NS + 10 * SECOND_NS)
    order = me.order("buy", "0.1")
    me.exchange.set_snapshot_lag(5 * SECOND_NS)
    assert order not in me.get("OpenOrders")["open"]
    assert me.get("ClosedOrders")["count"] == 0
    assert me.balance("ZUSD") == 10_000
    assert me.get("TradesHistory")["count"] == 0
    assert [event["exec_type"] for event in me.events()][-1] == "filled"
    me.exchange.advance(START_NS + 15 * SECOND_NS)
    assert me.get("ClosedOrders")["count"] == 1
    assert me.balance("ZUSD") < 10_000


def test_f10_shows_an_order_open_that_has_ended(me: Customer) -> None:
    order = me.order("buy", "0.1", "limit", price="29000")
    me.exchange.advance(START_NS + 10 * SECOND_NS)
    me.get("CancelOrder", txid=order)
    me.exchange.set_snapshot_lag(SECOND_NS)
    assert [item.order_id for item in read_open_orders(me.read("OpenOrders"))] == [order]
    me.exchange.set_snapshot_lag(0)
    assert read_open_orders(me.read("OpenOrders")) == ()


def test_f11_only_the_newest_are_shown_and_counted(me: Customer) -> None:
    ids = [me.order("buy", "0.001") for _ in range(7)]
    me.exchange.set_history_limit(3)
    closed, n_closed = read_closed_orders(me.read("ClosedOrders"))
    assert [order.order_id for order in closed] == ids[:-4:-1]
    assert (n_closed, me.get("TradesHistory")["count"]) == (3, 3)
    me.exchange.set_history_limit(None)
    assert me.get("ClosedOrders")["count"] == 7


def test_f12_a_liquidation_sells_by_an_order_that_is_nobodys(me: Customer) -> None:
    me.listen("executions", "balances")
    target = me.order("sell", "0.4", "limit", price="31000")
    stop = me.order("sell", "0.5", "stop-loss", price="29000")
    sale = me.exchange.liquidate("me", "BTC/USD", Decimal("0.3"))
    shown = me.shown(sale)
    assert "cl_ord_id" not in shown
    assert (shown["status"], shown["vol_exec"], shown["misc"]) == (
        "closed", "0.30000000", "liquidated",
    )  # fmt: skip
    assert me.balance("XXBT") == Decimal("0.2")
    # What reserved the coins gives way; what reserves nothing stays, as at a real venue.
    assert (me.shown(target)["reason"], me.shown(stop)["status"]) == ("Liquidated", "open")
    sold = [event for event in me.events() if event["order_id"] == sale]
    assert [event["exec_type"] for event in sold] == ["pending_new", "new", "trade", "filled"]
    assert all("cl_ord_id" not in event for event in sold)


def test_f12_sells_no_more_than_there_is(me: Customer) -> None:
    me.get("Balance")
    assert ("me", "BTC/USD", Decimal("0.5")) in me.exchange.holdings()
    sale = me.exchange.liquidate("me", "BTC/USD", Decimal("0.1234567891"))
    assert me.shown(sale)["vol"] == "0.12345678"
    me.exchange.liquidate("me", "BTC/USD", Decimal(5))
    assert me.balance("XXBT") == 0
    assert me.exchange.liquidate("me", "BTC/USD", Decimal(5)) == ""
    with pytest.raises(InputError, match="has traded"):
        me.exchange.liquidate("me", "ETH/USD", Decimal(1))


def test_f13_roundings_surprise_and_are_reported_as_they_are(me: Customer) -> None:
    me.exchange.set_rounding(4, 3)
    me.listen("executions")
    order = me.order("buy", "0.0123", "limit", price="29000.01")
    trade(me, "28999")
    shown = me.shown(order)
    assert (shown["vol"], shown["vol_exec"]) == ("0.01200000", "0.01200000")
    cost = Decimal("29000.01") * Decimal("0.012")
    assert shown["fee"] == "0.55690000"  # 16 bps of the cost is 0.55680019..., rounded up
    assert me.balance("ZUSD") == 10_000 - cost - Decimal("0.5569")
    events = me.events()
    assert events[0]["order_qty"] == Decimal("0.012")
    assert events[-2]["fees"] == [{"asset": "USD", "qty": Decimal("0.5569")}]
    me.exchange.set_rounding(None, None)
    exact = me.shown(me.order("buy", "0.0123"))
    assert exact["vol"] == "0.01230000"


def test_f14_a_clock_that_is_wrong_shows_in_every_time_and_refuses_deadlines(me: Customer) -> None:
    me.exchange.set_clock_offset(3600 * SECOND_NS)
    asked = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "29000"}
    soon = format_time(START_NS + 5 * SECOND_NS)
    assert me.code("AddOrder", volume="0.01", deadline=soon, **asked) == (
        "EService:Deadline elapsed"
    )
    order = me.order("buy", "0.01", "limit", price="29000")
    assert me.shown(order)["opentm"] == START_NS // SECOND_NS + 3600
    me.exchange.set_clock_offset(0)
    assert me.shown(order)["opentm"] == START_NS // SECOND_NS + 3600  # what was said stays said
    assert me.get("AddOrder", volume="0.01", deadline=soon, **asked)["txid"]


def test_in_maintenance_nothing_is_done_and_afterwards_everything_goes_on(me: Customer) -> None:
    order = me.order("buy", "0.01", "limit", price="29000")
    me.exchange.set_status("maintenance")
    assert me.code("Balance") == "EService:Unavailable"
    assert b"maintenance" in me.exchange.public("SystemStatus", {})
    assert b"Unavailable" in me.exchange.public("Ticker", {"pair": "XBTUSD"})
    trade(me, "28000")
    me.exchange.set_status("online")
    assert me.shown(order)["status"] == "open"
    trade(me, "28000")
    assert me.shown(order)["status"] == "closed"


def test_a_market_may_only_take_cancels_or_post_only_orders(me: Customer) -> None:
    order = me.order("buy", "0.01", "limit", price="29000")
    asked = {"pair": "XBTUSD", "type": "buy", "volume": "0.01", "price": "29000"}
    me.exchange.set_status("cancel_only")
    code = "EService:Market in cancel_only mode"
    assert me.code("AddOrder", ordertype="limit", **asked) == code
    assert me.code("AmendOrder", txid=order, order_qty="0.02") == code
    assert me.get("CancelOrder", txid=order) == {"count": 1}
    me.exchange.set_status("post_only")
    code = "EService:Market in post_only mode"
    assert me.code("AddOrder", ordertype="limit", **asked) == code
    assert me.get("AddOrder", ordertype="limit", oflags="post", **asked)["txid"]
    with pytest.raises(InputError, match="expected one of online"):
        me.exchange.set_status("asleep")


def test_a_deposit_is_booked_and_told(me: Customer) -> None:
    me.listen("balances")
    me.exchange.deposit("me", "USD", Decimal("12.5"))
    (entry,) = me.events("balances")
    assert (entry["type"], entry["amount"], entry["balance"]) == (
        "deposit", Decimal("12.5"), Decimal("10012.5"),
    )  # fmt: skip
    with pytest.raises(InputError, match="expected an amount"):
        me.exchange.deposit("me", "USD", Decimal(-1))


def test_what_was_not_saved_is_not_restored() -> None:
    """F16: a file that is something else, or cut, is refused in words."""
    text = new_exchange().save()
    assert Exchange.restore(text).save() == text
    for wrong in ("", "{}", text[: len(text) // 2], '{"state": 1}'):
        with pytest.raises(InputError, match="expected a saved local exchange"):
            Exchange.restore(wrong)
