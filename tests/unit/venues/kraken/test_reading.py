"""JSON and fields: every digit is kept, and what is wrong is named by its path (D09, TR-22)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from athena.errors import VenueError
from athena.venues.kraken import (
    Fields,
    HttpAnswer,
    find_pair,
    our_currency,
    our_symbol,
    read_asset_pairs,
    read_balances,
    read_closed_orders,
    read_ohlc,
    read_open_orders,
    read_orders,
    read_result,
    read_server_time,
    read_trade_volume,
    read_trades_history,
    rest_pair,
)
from athena.venues.kraken._json import parse_json
from tests.kraken_messages import ORDER, PAIR, TRADE, changed, result, without


def reading(value: object) -> Fields:
    return Fields({"it": value}, "answer")


def test_a_number_keeps_the_digits_that_were_sent() -> None:
    """C12: a float would round the first and forget the zeros of the second."""
    values = parse_json(b'{"a": 0.12345678901234567890123, "b": 4.10, "c": 7}', "it")
    assert str(values["a"]) == "0.12345678901234567890123"
    assert str(values["b"]) == "4.10"
    assert values["c"] == 7


@pytest.mark.parametrize(
    "data",
    [
        b"<html>", b'{"a": 1', b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1, "a": 2}',
        b"[" * 100_000, b'{"a": ' + b"9" * 41 + b"}", b'{"a": 1.' + b"0" * 41 + b"}", b"\xff\xfe",
    ],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
def test_what_is_no_json_of_a_venue_is_refused(data: bytes) -> None:
    with pytest.raises(VenueError, match="expected the answer as JSON"):
        parse_json(data, "the answer")


@pytest.mark.parametrize("value", [True, None, [], "", "1_0", " 1", "nan", "1e99", "1e-99", "x"])
def test_what_is_no_amount_is_refused_by_its_path(value: object) -> None:
    with pytest.raises(VenueError, match=r"answer\.it"):
        reading(value).amount("it")


def test_a_missing_field_is_named() -> None:
    with pytest.raises(VenueError, match=r"the field answer\.other, was missing"):
        reading(1).decimal("other")


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("text", 5), ("text", ""), ("flag", 1), ("whole", "1.5"), ("whole", 2**63),
        ("amount", "-1"), ("seconds_ns", -1), ("seconds_ns", "1e12"), ("iso_ns", "yesterday"),
        ("inner", []), ("items", {}), ("objects", [1]), ("texts", [""]),
    ],
)  # fmt: skip
def test_a_field_of_another_kind_is_named(reader: str, value: object) -> None:
    with pytest.raises(VenueError, match=r"answer\.it"):
        getattr(reading(value), reader)("it")


def test_times_are_exact() -> None:
    assert reading(Decimal("1499872460.2572")).seconds_ns("it") == 1_499_872_460_257_200_000
    assert reading("2023-09-22T10:33:05.709982Z").iso_ns("it") == 1_695_378_785_709_982_000


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("XXBT", "BTC"), ("XBT", "BTC"), ("ZUSD", "USD"), ("USDT", "USDT"), ("XTZ", "XTZ"),
        ("XXDG", "DOGE"), ("XBT.F", "BTC.F"), ("ZRX", "ZRX"), ("XXRP", "XRP"),
    ],
)  # fmt: skip
def test_a_currency_has_one_spelling_here(theirs: str, ours: str) -> None:
    assert our_currency(theirs) == ours


def test_a_pair_goes_there_and_back() -> None:
    assert our_symbol("XBT/USDT") == "BTC/USDT"
    assert rest_pair("BTC/USDT") == "XBTUSDT"
    assert rest_pair("XRP/BTC") == "XRPXBT"


def test_the_rules_of_a_pair_are_those_that_kraken_states() -> None:
    (rules,) = read_asset_pairs(result({"XXBTZUSD": PAIR}))
    assert (rules.symbol, rules.base, rules.quote) == ("BTC/USD", "BTC", "USD")
    assert (rules.tick, rules.lot) == (Decimal("0.1"), Decimal("1E-8"))
    assert (rules.min_quantity, rules.min_cost) == (Decimal("0.0001"), Decimal("0.5"))
    assert (rules.leverage_buy, rules.leverage_sell) == ((2, 3, 4, 5), (2, 3))
    assert [tier.fee_bps for tier in rules.fees_taker] == [40, 35]
    assert [tier.fee_bps for tier in rules.fees_maker] == [25, 20]
    instrument = rules.instrument()
    assert instrument.min_notional == Decimal("0.5")
    assert instrument.is_margin


@pytest.mark.parametrize("name", ["pair_decimals", "lot_decimals", "fees", "base"])
def test_without_a_rule_there_is_no_pair(name: str) -> None:
    with pytest.raises(VenueError, match=f"XXBTZUSD.{name}"):
        read_asset_pairs(result({"XXBTZUSD": without(PAIR, name)}))


def test_a_pair_without_a_smallest_order_is_not_traded() -> None:
    """Section 9: minima come from AssetPairs; without them no trading."""
    (rules,) = read_asset_pairs(result({"XXBTZUSD": without(PAIR, "ordermin")}))
    with pytest.raises(VenueError, match="smallest order of BTC/USD"):
        rules.instrument()


@pytest.mark.parametrize(
    "fields",
    [
        {"pair_decimals": 99}, {"ordermin": "-1"}, {"fees": []}, {"fees": [[5, 0.1]]},
        {"fees": [[0, 0.1], [0, 0.2]]}, {"fees": [[0, 200]]}, {"leverage_buy": [1]},
        {"wsname": "XBTUSD"}, {"fees": [0]},
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(VenueError, match="XXBTZUSD"):
        read_asset_pairs(result({"XXBTZUSD": changed(PAIR, **fields)}))


def test_a_symbol_that_kraken_lacks_is_named() -> None:
    pairs = read_asset_pairs(result({"XXBTZUSD": PAIR}))
    with pytest.raises(VenueError, match="one pair ETH/USD at Kraken, was 0"):
        find_pair(pairs, "ETH/USD")


def test_the_account_pays_what_trade_volume_says() -> None:
    fees = {"fees": {"A": {"fee": "0.2600"}, "B": {"fee": "0.20"}}}
    stated = {"currency": "ZUSD", "volume": "451.3", "fees_maker": {"A": {"fee": "0.16"}}}
    found = read_trade_volume(result(fees | stated))
    assert (found.currency, found.volume) == ("USD", Decimal("451.3"))
    assert found.taker_bps == {"A": 26, "B": 20}
    assert found.maker_bps == {"A": 16, "B": 20}
    with pytest.raises(VenueError, match=r"fees\.A\.fee"):
        read_trade_volume(result({"currency": "ZUSD", "volume": "1", "fees": {"A": {}}}))


def test_the_clock_and_the_balances_are_read() -> None:
    assert read_server_time(result({"unixtime": 1391835876})) == 1_391_835_876 * 10**9
    balances = read_balances(result({"ZEUR": "1.0539", "XXBT": "0.4888583300"}))
    assert {key: str(value) for key, value in balances.items()} == {
        "EUR": "1.0539",
        "BTC": "0.4888583300",
    }
    with pytest.raises(VenueError, match="one balance of BTC"):
        read_balances(result({"XXBT": "1", "XBT": "2"}))


def test_a_balance_that_cannot_be_read_is_no_zero() -> None:
    """TR-24: substituting a default balance turns an outage into a trade."""
    with pytest.raises(VenueError, match=r"Balance\.ZUSD"):
        read_balances(result({"ZUSD": None}, "Balance"))


ROW = [1688671200, "30306.1", "30306.2", "30305.7", "30305.7", "30306.1", "3.39243896", 23]


def test_bars_keep_their_digits() -> None:
    (bar,) = read_ohlc(result({"XXBTZUSD": [ROW], "last": 1688671200}), "XXBTZUSD")
    assert bar.ts_ns == 1_688_671_200 * 10**9
    assert [str(v) for v in (bar.open, bar.high, bar.low, bar.close, bar.volume)] == [
        "30306.1", "30306.2", "30305.7", "30305.7", "3.39243896",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rows",
    [
        [ROW, ROW], [ROW[:7]], [[*ROW[:2], "1.0", *ROW[3:]]], [[*ROW[:6], "-1", 3]],
        [["x", *ROW[1:]]], [[True, *ROW[1:]]], [[*ROW[:4], "0", *ROW[5:]]], [5], "x",
    ],
)  # fmt: skip
def test_bars_that_cannot_be_are_refused(rows: object) -> None:
    with pytest.raises(VenueError, match="XXBTZUSD"):
        read_ohlc(result({"XXBTZUSD": rows, "last": 1}), "XXBTZUSD")


def test_bars_of_another_pair_are_refused() -> None:
    with pytest.raises(VenueError, match="bars of XXBTZUSD"):
        read_ohlc(result({"XETHZUSD": [ROW], "last": 1}), "XXBTZUSD")


def order(**fields: object) -> Fields:
    return result({"OABC": changed(ORDER, **fields)})


def test_an_order_is_read_with_every_digit() -> None:
    (found,) = read_open_orders(result({"open": {"OABC": ORDER}}))
    assert (found.order_id, found.client_id) == ("OABC", "0123456789abcdef" * 2)
    assert (found.side, found.type, found.state) == ("buy", "limit", "partially_filled")
    assert (str(found.quantity), str(found.filled)) == ("1.25000000", "0.37500000")
    assert (found.limit_price, found.trigger_price) == (Decimal(37500), None)
    assert found.opened_at_ns == 1_700_000_000_123_400_000
    assert found.trade_ids == ("TCCCTY-WE2O6-P3NB37",)


def test_an_order_that_carries_no_client_id_is_not_ours() -> None:
    (found,) = read_orders(result({"OABC": without(ORDER, "cl_ord_id")}))
    assert found.client_id is None


@pytest.mark.parametrize(
    ("status", "filled", "state"),
    [
        ("pending", "0", "open"), ("open", "0", "open"), ("open", "1", "partially_filled"),
        ("closed", "1.25", "filled"), ("canceled", "1", "cancelled"), ("expired", "0", "expired"),
    ],
)  # fmt: skip
def test_a_status_becomes_a_state(status: str, filled: str, state: str) -> None:
    quantity = Decimal(filled)
    price, cost = ("100", str(quantity * 100)) if quantity else ("0", "0")
    fields = {"status": status, "vol_exec": filled, "price": price, "cost": cost}
    (found,) = read_orders(order(**fields))
    assert found.state == state


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "done"}, {"vol": "0"}, {"vol_exec": "1.26", "cost": "47250.0"},
        {"vol_exec": "-1"}, {"vol_exec": "0.00000000"}, {"cost": "0"}, {"cost": "14090.5"},
        {"price": "37600.0"},
        {"status": "closed", "vol_exec": "0", "cost": "0", "price": "0"}, {"vol_exec": None},
        {"descr": {}}, {"opentm": "soon"}, {"trades": "T"},
    ],
)  # fmt: skip
def test_an_order_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    """TR-22: a garbled filled quantity must not become a fill."""
    with pytest.raises(VenueError, match="OABC"):
        read_orders(order(**fields))


def test_a_fill_worth_less_than_the_last_digit_of_its_cost_is_no_contradiction() -> None:
    dust = changed(TRADE, vol="0.00000001", price="0.1", cost="0.00000")
    fills, _ = read_trades_history(result({"trades": {"T1": dust}, "count": 1}))
    assert fills[0].quantity == Decimal("1E-8")


def test_an_average_price_may_be_rounded() -> None:
    """A documented example: 0.84962599 x 260.23 is 221.0982, stated as 221.09."""
    figures = {"vol": "0.84962599", "vol_exec": "0.84962599", "cost": "221.09", "price": "260.23"}
    (found,) = read_orders(order(status="closed", **figures))
    assert found.filled == Decimal("0.84962599")


def test_an_order_that_works_has_no_end_even_where_kraken_writes_a_zero() -> None:
    assert read_orders(order(closetm=0))[0].closed_at_ns is None
    ended = order(closetm=1700000001.5, status="canceled", reason="User requested")
    assert read_orders(ended)[0].closed_at_ns == 1_700_000_001_500_000_000


def test_a_page_cannot_hold_more_than_there_is() -> None:
    page = {"closed": {"OABC": ORDER}, "count": 1}
    assert read_closed_orders(result(page))[1] == 1
    with pytest.raises(VenueError, match="count"):
        read_closed_orders(result(page | {"count": 0}))
    with pytest.raises(VenueError, match="count"):
        read_trades_history(result({"trades": {"T1": TRADE}, "count": 0}))


def test_a_fill_is_read_with_every_digit() -> None:
    (fill,), total = read_trades_history(result({"trades": {"T1": TRADE}, "count": 9}))
    assert (fill.trade_id, fill.order_id, total) == ("T1", "OQCLML-BW3P3-BUCMWZ", 9)
    assert (fill.side, fill.liquidity) == ("buy", "maker")
    assert (str(fill.price), str(fill.quantity), str(fill.fee)) == (
        "30010.00000", "0.02000000", "0.96032",
    )  # fmt: skip
    assert fill.at_ns == 1_688_667_796_880_200_000


@pytest.mark.parametrize(
    "fields",
    [
        {"vol": "0", "cost": "0"}, {"price": "0"}, {"cost": "700"}, {"vol": "0.2"},
        {"price": "3001"},
        {"type": "borrow"}, {"fee": "x"}, {"maker": "yes"}, {"time": None}, {"ordertxid": ""},
    ],
)  # fmt: skip
def test_a_fill_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    """TR-22."""
    trades = {"T1": changed(TRADE, **fields)}
    with pytest.raises(VenueError, match="T1"):
        read_trades_history(result({"trades": trades, "count": 1}))


def test_fields_that_nobody_knows_are_ignored() -> None:
    later = {"a_new_field": {"deep": [1, 2]}}
    (found,) = read_orders(result({"OABC": ORDER | later}))
    assert found.order_id == "OABC"


def test_an_answer_without_result_is_no_empty_answer() -> None:
    with pytest.raises(VenueError, match=r"OpenOrders\.result"):
        read_result(HttpAnswer(200, b'{"error": []}'), "OpenOrders")
