"""The local exchange takes, amends, cancels and refuses orders in Kraken's words (D09)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import SECOND_NS, OrderType, Side, TimeInForce, format_time
from athena.errors import InputError
from athena.venues.exchange import Exchange, ExchangeSettings, Listing
from athena.venues.kraken import (
    Accepted,
    Close,
    Fate,
    HttpAnswer,
    NewOrder,
    Refused,
    add_order_fields,
    fate_of,
    read_added,
    read_sent,
)
from tests.exchange_builder import START_NS, Customer, listings, new_exchange

CLIENT_ID = "0123456789abcdef0123456789abcdef"
LIMIT = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "29000", "volume": "0.1"}


@pytest.fixture
def me() -> Customer:
    return Customer(new_exchange())


def new_order(kind: OrderType, **more: object) -> NewOrder:
    asked: dict[str, object] = {
        "client_id": CLIENT_ID,
        "pair": "XBTUSD",
        "side": Side.SELL,
        "type": kind,
        "quantity": Decimal("0.1"),
        "deadline_ns": START_NS + 5 * SECOND_NS,
    }
    return NewOrder(**(asked | more))  # type: ignore[arg-type]


def test_every_order_that_our_translator_writes_is_taken_and_shown_as_it_was_meant() -> None:
    """TR-11: a stop-limit keeps its trigger first and its limit second."""
    cases = (
        (new_order(OrderType.MARKET), "market", "0", "0"),
        (new_order(OrderType.LIMIT, limit_price=Decimal(31_000)), "limit", "31000", "0"),
        (new_order(OrderType.STOP, trigger_price=Decimal(29_000)), "stop-loss", "29000", "0"),
        (
            new_order(
                OrderType.STOP_LIMIT, trigger_price=Decimal(29_000), limit_price=Decimal(28_900)
            ),
            "stop-loss-limit",
            "29000",
            "28900",
        ),
        (
            new_order(OrderType.TAKE_PROFIT, trigger_price=Decimal(31_000)),
            "take-profit",
            "31000",
            "0",
        ),
        (
            new_order(
                OrderType.TAKE_PROFIT_LIMIT,
                trigger_price=Decimal(31_000),
                limit_price=Decimal(30_900),
                time_in_force=TimeInForce.GTD,
                expires_at_ns=START_NS + 60 * SECOND_NS,
            ),
            "take-profit-limit",
            "31000",
            "30900",
        ),
    )
    for order, kind, price, price2 in cases:
        me = Customer(new_exchange())
        fields = add_order_fields(order, now_ns=START_NS)
        answer = HttpAnswer(200, me.exchange.private("me", "AddOrder", fields))
        sent = read_sent(answer, "AddOrder", read_added)
        assert isinstance(sent, Accepted)
        shown = me.shown(sent.value[0])
        described = shown["descr"]
        assert (described["ordertype"], described["price"], described["price2"]) == (
            kind, price, price2,
        )  # fmt: skip
        assert shown["cl_ord_id"] == CLIENT_ID
        assert shown["vol"] == "0.10000000"


def test_a_stop_limit_with_swapped_prices_is_another_order(me: Customer) -> None:
    """TR-11: the planted fault shows: trigger and limit stand where they were put."""
    stop = {"price": "29000", "price2": "29500"}
    shown = me.shown(me.order("sell", "0.1", "stop-loss-limit", **stop))
    assert shown["descr"]["order"] == "sell 0.10000000 XBTUSD @ stop loss 29000 -> limit 29500"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pair": "NOPE"}, "EQuery:Unknown asset pair"),
        ({"volume": "0.00001"}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"volume": "0.123456789"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "-1"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "NaN"}, "EGeneral:Invalid arguments:volume"),
        ({"price": "0"}, "EGeneral:Invalid arguments:price"),
        ({"price": "29000.001"}, "EOrder:Tick size check failed"),
        ({"volume": "1"}, "EOrder:Insufficient funds"),
        ({"ordertype": "trailing-stop"}, "EGeneral:Invalid arguments:ordertype"),
        ({"type": "hold"}, "EGeneral:Invalid arguments:type"),
        ({"oflags": "viqc"}, "EGeneral:Invalid arguments:oflags"),
        ({"oflags": "fciq,fcib"}, "EGeneral:Invalid arguments:oflags"),
        ({"price": "31000", "oflags": "post"}, "EOrder:Post only order"),
        ({"leverage": "2"}, "EGeneral:Invalid arguments:leverage"),
        ({"leverage": "0"}, "EGeneral:Invalid arguments:leverage"),
        ({"leverage": "0.5"}, "EGeneral:Invalid arguments:leverage"),
        ({"leverage": "-2"}, "EGeneral:Invalid arguments:leverage"),
        ({"reduce_only": "true"}, "EOrder:Reduce only:No position exists"),
        ({"timeinforce": "GTD"}, "EGeneral:Invalid arguments:expiretm"),
        ({"timeinforce": "GTD", "expiretm": "5"}, "EGeneral:Invalid arguments:expiretm"),
        ({"timeinforce": "GTD", "expiretm": "9" * 12}, "EGeneral:Invalid arguments:expiretm"),
        ({"volume": "9" * 20}, "EGeneral:Invalid arguments:volume"),
        ({"timeinforce": "DAY"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"cl_ord_id": "x" * 40}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "EService:Deadline elapsed"),
        ({"deadline": "2030-01-01T00:00:00Z"}, "EGeneral:Invalid arguments:deadline"),
        ({"deadline": "soon"}, "EGeneral:Invalid arguments:deadline"),
        ({"starttm": "+5"}, "EGeneral:Invalid arguments:starttm"),
    ],
)
def test_what_cannot_be_is_refused_by_a_code_that_proves_it(
    me: Customer, changes: dict[str, str], code: str
) -> None:
    """C15: a refusal changes nothing, and our side reads it as proof."""
    me.get("Balance")
    before = me.exchange.save()
    assert me.code("AddOrder", **(LIMIT | changes)) == code
    assert fate_of(code) in {Fate.REFUSED, Fate.NOT_NOW}
    answer = HttpAnswer(200, me.exchange.private("me", "AddOrder", LIMIT | changes))
    assert isinstance(read_sent(answer, "AddOrder", read_added), Refused)
    assert me.exchange.save() == before


def test_the_clean_twin_of_the_refused_orders_is_taken(me: Customer) -> None:
    assert len(me.get("AddOrder", **LIMIT)["txid"]) == 1


def test_the_smallest_cost_of_a_pair_is_kept() -> None:
    (listing,) = listings("BTC/USD")
    dear = Listing(replace(listing.instrument, min_notional=Decimal(5)))
    exchange = Exchange([dear], ExchangeSettings(seed=0, latency_ns=0), now_ns=START_NS)
    me = Customer(exchange)
    me.exchange.deposit("me", "USD", Decimal(100))
    small = {**LIMIT, "price": "40000", "volume": "0.0001"}
    assert me.code("AddOrder", **small) == "EOrder:Cost minimum not met"
    assert me.get("AddOrder", **(small | {"price": "50000"}))["txid"]


def test_a_market_order_needs_a_market() -> None:
    exchange = Exchange(listings(), ExchangeSettings(seed=0), now_ns=START_NS)
    me = Customer(exchange)
    asked = {"pair": "XBTUSD", "type": "buy", "ordertype": "market", "volume": "1"}
    assert me.code("AddOrder", **asked) == "EService:Market in limit_only mode"


def test_a_client_id_is_compared_with_open_orders_only(me: Customer) -> None:
    """The pitfall of section 9: an id that filled can be used again, so a resend doubles."""
    mine = {**LIMIT, "cl_ord_id": CLIENT_ID}
    me.get("AddOrder", **mine)
    assert fate_of(me.code("AddOrder", **mine)) is Fate.UNKNOWN  # not proof that there is none
    me.get("CancelOrder", cl_ord_id=CLIENT_ID)
    assert me.get("AddOrder", **mine)["txid"]
    closed = me.get("ClosedOrders", cl_ord_id=CLIENT_ID)
    assert closed["count"] == 1


def test_validate_checks_and_places_nothing(me: Customer) -> None:
    result = me.get("AddOrder", **LIMIT, validate="true")
    assert result == {"descr": {"order": "buy 0.10000000 XBTUSD @ limit 29000"}}
    assert me.code("AddOrder", **(LIMIT | {"volume": "1"}), validate="true") == (
        "EOrder:Insufficient funds"
    )
    assert me.get("OpenOrders") == {"open": {}}


def test_limits_reserve_funds_and_waiting_stops_do_not(me: Customer) -> None:
    me.order("sell", "0.4", "limit", price="31000")
    me.order("sell", "0.5", "stop-loss", price="29000")
    held = me.get("BalanceEx")["XXBT"]
    assert held == {"balance": "0.50000000", "hold_trade": "0.40000000"}
    assert me.code("AddOrder", **{**LIMIT, "type": "sell", "price": "31000", "volume": "0.2"}) == (
        "EOrder:Insufficient funds"
    )
    me.order("buy", "0.1", "limit", price="29000")
    # The cost and the dearer of the two fees: 2900 + 26 bps.
    assert me.get("BalanceEx")["ZUSD"]["hold_trade"] == "2907.54000000"


def test_an_amended_order_keeps_its_ids_and_takes_its_new_terms(me: Customer) -> None:
    """C18: the new level of a stop is visible in the open orders."""
    stop = me.order("sell", "0.1", "stop-loss", price="29000", cl_ord_id=CLIENT_ID)
    amended = me.get("AmendOrder", cl_ord_id=CLIENT_ID, trigger_price="29500", order_qty="0.2")
    assert amended["amend_id"]
    shown = me.get("OpenOrders")["open"][stop]
    assert (shown["descr"]["price"], shown["vol"]) == ("29500", "0.20000000")
    assert me.code("AmendOrder", cl_ord_id=CLIENT_ID, limit_price="1") == (
        "EGeneral:Invalid arguments:limit_price"
    )
    assert me.code("AmendOrder", cl_ord_id=CLIENT_ID, trigger_price="29500.001") == (
        "EOrder:Tick size check failed"
    )
    assert me.code("AmendOrder", cl_ord_id="nobody", trigger_price="1") == "EOrder:Unknown order"
    assert me.code("AmendOrder", cl_ord_id=CLIENT_ID) == "EGeneral:Invalid arguments:order_qty"


def test_an_amendment_needs_funds_and_may_end_what_is_filled(me: Customer) -> None:
    limit = me.order("buy", "0.1", "limit", price="29000")
    assert me.code("AmendOrder", txid=limit, order_qty="1") == "EOrder:Insufficient funds"
    me.exchange.trade("BTC/USD", Decimal(28_999), Decimal("0.5"))
    assert me.shown(limit)["vol_exec"] == "0.05000000"
    me.get("AmendOrder", txid=limit, order_qty="0.04")
    assert me.shown(limit)["status"] == "canceled"
    assert me.code("AmendOrder", txid=limit, order_qty="0.2") == "EOrder:Unknown order"


def test_cancelling_counts_what_was_open_and_refuses_what_was_not(me: Customer) -> None:
    first, second, third = (me.order("buy", "0.01", "limit", price="29000") for _ in range(3))
    assert me.get("CancelOrder", txid=f"{first},{second}") == {"count": 2}
    assert me.code("CancelOrder", txid=first) == "EOrder:Unknown order"
    assert me.code("CancelOrder") == "EGeneral:Invalid arguments:txid"
    assert me.shown(first)["reason"] == "User requested"
    assert me.get("CancelAll") == {"count": 1}
    assert me.get("CancelAll") == {"count": 0}
    assert me.shown(third)["status"] == "canceled"


def test_the_dead_man_cancels_everything_unless_he_is_heard_of(me: Customer) -> None:
    order = me.order("buy", "0.01", "limit", price="29000")
    me.get("CancelAllOrdersAfter", timeout="60")
    me.exchange.advance(START_NS + 50 * SECOND_NS)
    assert me.get("CancelAllOrdersAfter", timeout="60")["triggerTime"] == "2023-11-14T22:15:10Z"
    me.exchange.advance(START_NS + 70 * SECOND_NS)
    assert me.shown(order)["status"] == "open"
    me.exchange.advance(START_NS + 110 * SECOND_NS)
    assert me.shown(order)["status"] == "canceled"
    later = me.order("buy", "0.01", "limit", price="29000")
    me.get("CancelAllOrdersAfter", timeout="10")
    assert me.get("CancelAllOrdersAfter", timeout="0")["triggerTime"] == "0"
    me.exchange.advance(START_NS + 200 * SECOND_NS)
    assert me.shown(later)["status"] == "open"


def test_an_order_is_matchable_after_the_latency() -> None:
    me = Customer(new_exchange(latency_ns=SECOND_NS // 10))
    order = me.order("buy", "0.01")
    assert me.shown(order)["status"] == "pending"
    me.exchange.advance(START_NS + SECOND_NS // 10)
    assert me.shown(order)["status"] == "closed"


def test_a_good_till_date_order_expires(me: Customer) -> None:
    expiry = str(START_NS // SECOND_NS + 30)
    order = me.order("buy", "0.01", "limit", price="29000", timeinforce="GTD", expiretm=expiry)
    me.exchange.advance(START_NS + 29 * SECOND_NS)
    assert me.shown(order)["status"] == "open"
    me.exchange.advance(START_NS + 30 * SECOND_NS)
    assert me.shown(order)["status"] == "expired"


def test_a_deadline_that_is_near_is_kept(me: Customer) -> None:
    me.exchange.advance(START_NS + SECOND_NS)
    passed, ahead = format_time(START_NS), format_time(START_NS + 2 * SECOND_NS)
    assert me.code("AddOrder", **LIMIT, deadline=passed) == "EService:Deadline elapsed"
    assert me.get("AddOrder", **LIMIT, deadline=ahead)["txid"]


def test_too_many_open_orders_of_a_pair_are_refused() -> None:
    me = Customer(new_exchange(max_open_orders=2))
    for _ in range(2):
        me.order("buy", "0.01", "limit", price="29000")
    assert me.code("AddOrder", **LIMIT) == "EOrder:Orders limit exceeded"
    assert me.get("AddOrder", **(LIMIT | {"pair": "XRPUSD", "price": "0.4", "volume": "10"}))


def test_a_conditional_close_is_placed_for_each_fill_of_the_primary(me: Customer) -> None:
    close = Close(type=OrderType.STOP, trigger_price=Decimal(28_000))
    order = new_order(OrderType.LIMIT, side=Side.BUY, limit_price=Decimal(29_000), close=close)
    fields = add_order_fields(order, now_ns=START_NS) | {"oflags": "fciq"}
    result = me.get(
        "AddOrder", **{k.replace("[", "__").replace("]", ""): v for k, v in fields.items()}
    )
    assert result["descr"]["close"] == "close position @ stop loss 28000"
    for _ in range(2):
        me.exchange.trade("BTC/USD", Decimal(28_990), Decimal("0.3"))
    me.exchange.advance(me.exchange.now_ns)
    closes = [item for item in me.get("OpenOrders")["open"].values() if item["refid"]]
    assert [item["vol"] for item in closes] == ["0.03000000", "0.03000000"]
    assert {item["descr"]["type"] for item in closes} == {"sell"}
    assert {item["refid"] for item in closes} == set(result["txid"])
    assert all("cl_ord_id" not in item for item in closes)


def test_a_nonce_only_rises_and_a_method_that_is_not_there_is_said_to_be(me: Customer) -> None:
    assert me.get("Balance", nonce="5")
    assert me.code("Balance", nonce="5") == "EAPI:Invalid nonce"
    assert me.get("Balance", nonce="6")
    assert me.code("Withdraw") == "EGeneral:Unknown method"


def test_settings_that_make_no_exchange_are_refused() -> None:
    """A06: no seed is an error; 0 is a seed."""
    with pytest.raises(InputError, match="expected a seed"):
        ExchangeSettings(seed=None)
    ExchangeSettings(seed=0)
    for wrong in (
        {"participation_frac": Decimal(0)},
        {"taker_fee_bps": Decimal(-1)},
        {"latency_ns": -1},
        {"balances": {"USD": Decimal("0.000000001")}},
        {"cost_factor_min": Decimal(2)},
    ):
        with pytest.raises(InputError, match="expected"):
            ExchangeSettings(seed=0, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="each once"):
        Exchange(listings() + listings(), ExchangeSettings(seed=0), now_ns=0)
