"""Lists of the past come in pages and by time, newest first (D09)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from athena.domain import SECOND_NS
from athena.venues.kraken import read_closed_orders, read_trade_volume, read_trades_history
from tests.exchange_builder import START_NS, Customer, new_exchange

N_ORDERS = 120


@pytest.fixture(scope="module")
def busy() -> Customer:
    """Return a customer with 120 filled orders, one each second."""
    me = Customer(new_exchange())
    for number in range(N_ORDERS):
        me.exchange.advance(START_NS + number * SECOND_NS)
        me.order("buy" if number % 2 else "sell", "0.001", cl_ord_id=f"{number:032x}")
    return me


@pytest.mark.parametrize(
    ("endpoint", "inside"), [("ClosedOrders", "closed"), ("TradesHistory", "trades")]
)
def test_pages_of_fifty_hold_everything_once_newest_first(
    busy: Customer, endpoint: str, inside: str
) -> None:
    seen: list[str] = []
    for first, expected in ((0, 50), (50, 50), (100, 20), (150, 0)):
        page = busy.get(endpoint, ofs=str(first))
        assert (len(page[inside]), page["count"]) == (expected, N_ORDERS)
        seen += page[inside]
    assert len(set(seen)) == N_ORDERS
    page = busy.get(endpoint)[inside].values()
    times = [item.get("time") or item["closetm"] for item in page]
    assert times == sorted(times, reverse=True)


def test_start_is_left_out_and_end_is_kept(busy: Customer) -> None:
    start, end = str(START_NS // SECOND_NS + 10), str(START_NS // SECOND_NS + 15)
    closed, n_closed = read_closed_orders(busy.read("ClosedOrders", start=start, end=end))
    assert [order.client_id for order in closed] == [f"{n:032x}" for n in range(15, 10, -1)]
    fills, n_fills = read_trades_history(busy.read("TradesHistory", start=start, end=end))
    assert (n_closed, n_fills, len(fills)) == (5, 5, 5)
    middle = fills[2].trade_id
    assert busy.get("TradesHistory", start=middle)["count"] == N_ORDERS - 14
    assert busy.code("TradesHistory", start="yesterday") == "EGeneral:Invalid arguments:start"
    assert busy.code("ClosedOrders", closetime="never") == "EGeneral:Invalid arguments:closetime"


def test_orders_are_found_by_client_id_and_trades_by_id(busy: Customer) -> None:
    (order,) = read_closed_orders(busy.read("ClosedOrders", cl_ord_id=f"{7:032x}"))[0]
    assert order.opened_at_ns == START_NS + 7 * SECOND_NS
    shown = busy.shown(order.order_id)
    assert busy.get("QueryTrades", txid=shown["trades"][0])[shown["trades"][0]]["vol"] == (
        "0.00100000"
    )
    assert busy.get("QueryOrders", txid="ONONE0-NONE0-NONE00") == {}
    assert busy.code("QueryOrders") == "EGeneral:Invalid arguments:txid"


def test_trades_of_an_order_stand_there_when_they_are_asked_for(busy: Customer) -> None:
    plain = next(iter(busy.get("ClosedOrders")["closed"].values()))
    full = next(iter(busy.get("ClosedOrders", trades="true")["closed"].values()))
    assert "trades" not in plain
    assert len(full["trades"]) == 1


def test_the_ledger_explains_every_balance(busy: Customer) -> None:
    """I2: deposits and both legs of each trade add up to what there is."""
    entries = []
    for first in range(0, 2 * N_ORDERS + 3, 50):
        page = busy.get("Ledgers", ofs=str(first))
        entries += page["ledger"].values()
    assert page["count"] == len(entries) == 2 * N_ORDERS + 3
    for asset, balance in busy.get("Balance").items():
        lines = [item for item in entries if item["asset"] == asset]
        total = sum(Decimal(item["amount"]) - Decimal(item["fee"]) for item in lines)
        assert total == Decimal(balance) == Decimal(lines[0]["balance"])
    deposits = busy.get("Ledgers", type="deposit")
    assert {item["asset"] for item in deposits["ledger"].values()} == {"ZUSD", "XXBT", "XXRP"}
    assert busy.get("Ledgers", asset="XXBT,ZUSD")["count"] == 2 * N_ORDERS + 2
    name = next(iter(deposits["ledger"]))
    assert busy.get("QueryLedgers", id=name)[name] == deposits["ledger"][name]


def test_fees_are_stated_as_they_are_charged(busy: Customer) -> None:
    fees = read_trade_volume(busy.read("TradeVolume", pair="XBTUSD"))
    assert fees.taker_bps == {"XXBTZUSD": Decimal(26)}
    assert fees.maker_bps == {"XXBTZUSD": Decimal(16)}
    costs = [Decimal(item["cost"]) for first in ("0", "50", "100")
             for item in busy.get("TradesHistory", ofs=first)["trades"].values()]  # fmt: skip
    assert abs(fees.volume - sum(costs)) < Decimal("0.0001")
    assert len(busy.get("TradeVolume")["fees"]) == 3


def test_the_trade_balance_is_worth_all_that_has_a_price(busy: Customer) -> None:
    dollars = Decimal(busy.get("TradeBalance")["eb"])
    balances = {name: Decimal(amount) for name, amount in busy.get("Balance").items()}
    expected = balances["ZUSD"] + balances["XXBT"] * 30_000 + balances["XXRP"] / 2
    assert dollars == expected.quantize(Decimal("0.0001"))
    assert busy.get("OpenPositions") == {}


def test_accounts_do_not_see_each_other(busy: Customer) -> None:
    you = Customer(busy.exchange, "you")
    assert you.get("ClosedOrders")["count"] == 0
    assert you.balance("ZUSD") == 10_000
    order = busy.order("buy", "0.001", "limit", price="20000")
    assert you.code("CancelOrder", txid=order) == "EOrder:Unknown order"
    busy.get("CancelOrder", txid=order)
