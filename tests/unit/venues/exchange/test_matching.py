"""How orders fill at the local exchange: triggers, partial fills, costs and fees (D09, A06)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from athena.errors import InputError
from tests.exchange_builder import Customer, new_exchange


@pytest.fixture
def me() -> Customer:
    return Customer(new_exchange())


def trade(me: Customer, price: str, quantity: str = "1000") -> None:
    me.exchange.trade("BTC/USD", Decimal(price), Decimal(quantity))
    me.exchange.advance(me.exchange.now_ns)


def fills(me: Customer) -> list[dict[str, str]]:
    return list(me.get("TradesHistory")["trades"].values())[::-1]


def test_a_market_order_pays_the_half_spread_times_a_draw_and_the_taker_fee(me: Customer) -> None:
    me.order("buy", "0.1")
    (fill,) = fills(me)
    price, cost = Decimal(fill["price"]), Decimal(fill["cost"])
    assert Decimal(30_015) <= price <= Decimal(30_045)  # 10 bps x 0.5..1.5, never better
    assert cost == price * Decimal("0.1")
    assert Decimal(fill["fee"]) == (cost * Decimal("0.0026")).quantize(Decimal("0.00000001"))
    assert fill["maker"] is False
    assert me.balance("ZUSD") == 10_000 - cost - Decimal(fill["fee"])
    assert me.balance("XXBT") == Decimal("0.6")


def test_a_resting_limit_fills_at_its_price_when_it_is_crossed_not_when_touched(
    me: Customer,
) -> None:
    order = me.order("buy", "0.1", "limit", price="29000")
    trade(me, "29000")
    assert me.shown(order)["status"] == "open"
    trade(me, "28999.99")
    shown = me.shown(order)
    assert (shown["status"], shown["price"], shown["fee"]) == (
        "closed", "29000.000000", "4.64000000",
    )  # fmt: skip
    assert fills(me)[0]["maker"] is True


def test_a_touch_fills_where_the_settings_say_so() -> None:
    me = Customer(new_exchange(is_touch=True))
    order = me.order("buy", "0.1", "limit", price="29000")
    trade(me, "29000")
    assert me.shown(order)["status"] == "closed"


def test_a_limit_that_is_marketable_takes_and_is_never_worse_than_its_price(me: Customer) -> None:
    me.order("buy", "0.1", "limit", price="30030.01")
    me.order("sell", "0.1", "limit", price="20000")
    bought, sold = fills(me)
    assert Decimal(bought["price"]) <= Decimal("30030.01")
    assert Decimal(sold["price"]) >= Decimal(29_955)  # at the bid, not at its own price
    assert (bought["maker"], sold["maker"]) == (False, False)


def test_a_share_of_the_markets_trade_bounds_each_fill(me: Customer) -> None:
    order = me.order("buy", "0.1", "limit", price="29000")
    for quantity in ("0.3", "0.4", "5"):
        trade(me, "28999", quantity)
    assert [fill["vol"] for fill in fills(me)] == ["0.03000000", "0.04000000", "0.03000000"]
    assert me.shown(order)["vol_exec"] == "0.10000000"
    assert sum(Decimal(fill["cost"]) for fill in fills(me)) == Decimal(me.shown(order)["cost"])


def test_what_is_left_of_a_marketable_limit_goes_on_at_the_market_not_at_its_price(
    me: Customer,
) -> None:
    trade(me, "30000", "0.4")
    order = me.order("buy", "0.1", "limit", price="33000")
    trade(me, "30000", "5")
    assert me.shown(order)["status"] == "closed"
    assert [fill["vol"] for fill in fills(me)] == ["0.04000000", "0.06000000"]
    assert all(Decimal(fill["price"]) <= Decimal(30_045) for fill in fills(me))


def test_what_is_left_of_a_post_only_order_still_never_takes(me: Customer) -> None:
    me.order("buy", "0.1", "limit", price="29000", oflags="post,fciq")
    for quantity in ("0.3", "5"):
        trade(me, "28900", quantity)
    assert [(fill["price"], fill["maker"]) for fill in fills(me)] == [("29000.00", True)] * 2


def test_takers_share_one_trade_of_the_market(me: Customer) -> None:
    trade(me, "30000", "0.5")
    first, second = me.order("buy", "0.04"), me.order("buy", "0.04")
    assert [me.shown(order)["vol_exec"] for order in (first, second)] == [
        "0.04000000", "0.01000000",
    ]  # fmt: skip
    third = me.order("sell", "0.01")
    assert me.shown(third)["vol_exec"] == "0.00000000"


def test_price_goes_before_time_and_time_before_name() -> None:
    me = Customer(new_exchange())
    worse = me.order("buy", "0.05", "limit", price="29000")
    better = me.order("buy", "0.05", "limit", price="29100")
    later = me.order("buy", "0.05", "limit", price="29100")
    trade(me, "28990", "0.7")
    assert [me.shown(order)["vol_exec"] for order in (better, later, worse)] == [
        "0.05000000", "0.02000000", "0.00000000",
    ]  # fmt: skip


def test_a_market_order_that_finds_too_little_waits_for_more(me: Customer) -> None:
    trade(me, "30000", "0.2")
    order = me.order("buy", "0.05")
    assert me.shown(order)["vol_exec"] == "0.02000000"
    trade(me, "30000", "1")
    assert me.shown(order)["status"] == "closed"


@pytest.mark.parametrize(
    ("kind", "side", "price", "miss", "hit"),
    [
        ("stop-loss", "sell", "29000", "29000.01", "29000"),
        ("stop-loss", "buy", "31000", "30999.99", "31000"),
        ("take-profit", "sell", "31000", "30999.99", "31000"),
        ("take-profit", "buy", "29000", "29000.01", "29000"),
    ],
)
def test_stops_and_targets_trigger_at_the_touch_and_fill_at_the_market(  # noqa: PLR0913, PLR0917
    me: Customer, kind: str, side: str, price: str, miss: str, hit: str
) -> None:
    order = me.order(side, "0.1", kind, price=price)
    trade(me, miss)
    assert me.shown(order)["vol_exec"] == "0.00000000"
    trade(me, hit)
    shown = me.shown(order)
    assert shown["status"] == "closed"
    is_worse = Decimal(shown["price"]) < Decimal(hit)
    assert is_worse is (side == "sell")


def test_a_stop_that_is_already_reached_triggers_at_once(me: Customer) -> None:
    order = me.order("sell", "0.1", "stop-loss", price="30500")
    assert me.shown(order)["status"] == "closed"


def test_a_stop_limit_rests_behind_a_price_that_fell_through(me: Customer) -> None:
    order = me.order("sell", "0.1", "stop-loss-limit", price="29000", price2="28900")
    trade(me, "28000")
    assert me.shown(order)["vol_exec"] == "0.00000000"
    assert me.get("BalanceEx")["XXBT"]["hold_trade"] == "0.10000000"
    trade(me, "28901")
    assert me.shown(order)["price"] == "28900.000000"


def test_stop_and_target_of_one_holding_sell_it_once(me: Customer) -> None:
    """C07: long with a stop and a target; the stop is crossed: one sale exists at the exchange."""
    stop = me.order("sell", "0.5", "stop-loss", price="29500")
    target = me.order("sell", "0.5", "take-profit", price="33000")
    trade(me, "29400")
    assert len(fills(me)) == 1
    assert me.balance("XXBT") == 0
    assert me.shown(stop)["status"] == "closed"
    trade(me, "33000")
    assert (me.shown(target)["status"], me.shown(target)["reason"]) == (
        "canceled", "Insufficient funds",
    )  # fmt: skip
    assert len(fills(me)) == 1


def test_the_mirror_of_it_with_the_target(me: Customer) -> None:
    """C07: the target is crossed: one sale, and the stop finds nothing to sell."""
    stop = me.order("sell", "0.5", "stop-loss", price="29500")
    me.order("sell", "0.5", "take-profit", price="33000")
    trade(me, "33000")
    assert me.get("CancelOrder", txid=stop) == {"count": 1}
    trade(me, "29400")
    assert len(fills(me)) == 1
    assert me.balance("XXBT") == 0


def test_immediate_orders_do_not_rest(me: Customer) -> None:
    trade(me, "30000", "0.5")
    asked = {"price": "30100", "timeinforce": "IOC"}
    partly = me.order("buy", "0.1", "limit", **asked)
    assert (me.shown(partly)["status"], me.shown(partly)["vol_exec"]) == ("canceled", "0.05000000")
    trade(me, "30000", "0.5")
    whole = me.order("buy", "0.1", "limit", **(asked | {"timeinforce": "FOK"}))
    assert (me.shown(whole)["status"], me.shown(whole)["vol_exec"]) == ("canceled", "0.00000000")
    trade(me, "30000", "2")
    fits = me.order("buy", "0.1", "limit", **(asked | {"timeinforce": "FOK"}))
    assert me.shown(fits)["status"] == "closed"


def test_fees_are_paid_in_the_currency_that_the_flags_say(me: Customer) -> None:
    bought = me.order("buy", "0.1", oflags="fcib")
    assert me.balance("XXBT") == Decimal("0.6") - Decimal("0.00026")
    assert (me.shown(bought)["oflags"], me.shown(bought)["fee"]) == ("fcib", "0.00026000")
    # The base currency is preferred, not insisted on: a sale of everything pays in quote.
    sold = me.order("sell", str(me.balance("XXBT")), oflags="fcib")
    assert me.shown(sold)["oflags"] == "fciq"
    assert me.balance("XXBT") == 0


def test_a_sale_without_flags_pays_in_base_as_kraken_does(me: Customer) -> None:
    sold = me.order("sell", "0.1", oflags="")
    assert me.shown(sold)["oflags"] == "fcib"
    assert me.balance("XXBT") == Decimal("0.4") - Decimal("0.00026")


def test_an_order_that_its_account_cannot_pay_any_more_ends_without_a_debt(me: Customer) -> None:
    trade(me, "30000", "0.1")
    order = me.order("buy", "0.33")
    trade(me, "33000", "1000")
    shown = me.shown(order)
    assert Decimal("0.01") < Decimal(shown["vol_exec"]) < Decimal("0.33")
    assert me.balance("ZUSD") >= 0
    trade(me, "33000", "1000")
    assert me.shown(order)["reason"] == "Insufficient funds"


def test_prices_that_no_market_has_are_refused(me: Customer) -> None:
    for symbol, price, quantity in (
        ("NO/PE", "1", "1"),
        ("BTC/USD", "0", "1"),
        ("BTC/USD", "0.001", "1"),
        ("BTC/USD", "NaN", "1"),
        ("BTC/USD", "1", "-1"),
    ):
        with pytest.raises(InputError, match="expected"):
            me.exchange.trade(symbol, Decimal(price), Decimal(quantity))
    with pytest.raises(InputError, match="expected a time"):
        me.exchange.advance(me.exchange.now_ns - 1)
