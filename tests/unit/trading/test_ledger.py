"""The double-entry ledger: events by hand, exact digits, and the core's own fills."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from athena.domain import Book, Instrument, LotMethod, Side, from_money, to_money
from athena.errors import InputError
from athena.trading import (
    Account,
    FrameKind,
    Ledger,
    LedgerTrade,
    LedgerTransfer,
    arithmetic,
    fill_columns,
    ledger_trades,
    read_frames,
)
from athena.trading import layout as at
from tests import journal_builder as build

BOOK = Book.TRADING
E8 = 10**8


def trade(side: Side, quantity: int, amount: int, **more: Any) -> LedgerTrade:
    values = {"fill": "1", "ts_ns": 0, "book": BOOK, "base": "BTC", "quote": "USDT"}
    return LedgerTrade(**{**values, "side": side, "quantity": quantity, "amount": amount, **more})


def funded(amount: int = 1_000 * E8, **more: Any) -> Ledger:
    ledger = Ledger("USDT", **more)
    ledger.transfer(deposit("USDT", amount))
    return ledger


def deposit(currency: str, amount: int, cost: int = 0) -> LedgerTransfer:
    return LedgerTransfer(
        reference="in", ts_ns=0, book=BOOK, currency=currency, amount=amount, cost=cost
    )


def test_a_round_trip_books_cash_fees_and_the_gain_net_of_both() -> None:
    ledger = funded()
    ledger.trade(trade(Side.BUY, 2 * E8, 200 * E8, fee=1 * E8, fill="in"))
    assert ledger.balance(Account.CASH, "USDT") == 799 * E8
    assert ledger.balance(Account.ASSET, "BTC") == 2 * E8
    assert [lot.cost for lot in ledger.lots(BOOK, "BTC")] == [201 * E8]
    booking = ledger.trade(trade(Side.SELL, 2 * E8, 230 * E8, fee=2 * E8, fill="out"))
    (row,) = booking.gains
    assert (row.proceeds, row.cost, row.gain) == (228 * E8, 201 * E8, 27 * E8)
    assert ledger.balances() == {
        (Account.CASH, BOOK, "USDT"): 1_027 * E8,
        (Account.EXTERNAL, BOOK, "USDT"): -1_000 * E8,
        (Account.FEES, BOOK, "USDT"): 3 * E8,
        (Account.FEES_IN_COST, BOOK, "USDT"): -3 * E8,
        (Account.REALISED, BOOK, "USDT"): -27 * E8,
    }


def test_a_fee_in_the_asset_reduces_the_lot() -> None:
    ledger = funded()
    ledger.trade(trade(Side.BUY, 2 * E8, 200 * E8, fee=E8 // 100, fee_currency="BTC"))
    (lot,) = ledger.lots(BOOK, "BTC")
    assert (lot.quantity, lot.cost) == (2 * E8 - E8 // 100, 200 * E8)
    assert ledger.balance(Account.FEES, "BTC") == E8 // 100
    ledger.trade(trade(Side.SELL, E8, 110 * E8, fee=E8 // 100, fee_currency="BTC"))
    assert sum(lot.quantity for lot in ledger.lots(BOOK, "BTC")) == E8 - 2 * (E8 // 100)
    assert ledger.balance(Account.ASSET, "BTC") == E8 - 2 * (E8 // 100)


def test_a_cross_trade_disposes_of_one_asset_and_acquires_the_other() -> None:
    """XRP/BTC: the bitcoins go at what they are worth then, and the gain on them is realised."""
    ledger = funded()
    ledger.trade(trade(Side.BUY, 2 * E8, 200 * E8, fill="btc"))
    booking = ledger.trade(
        trade(
            Side.BUY, 1_000 * E8, E8, base="XRP", quote="BTC", fee=E8 // 10, fill="xrp",
            reporting_value=150 * E8,
        )
    )  # fmt: skip
    (row,) = booking.gains
    assert (row.asset, row.quantity, row.proceeds, row.cost) == (
        "BTC",
        11 * E8 // 10,
        150 * E8,
        110 * E8,
    )
    (lot,) = ledger.lots(BOOK, "XRP")
    assert (lot.quantity, lot.cost) == (1_000 * E8, 150 * E8)
    assert ledger.balance(Account.EXCHANGE, "USDT") == 90 * E8 + 150 * E8
    back = trade(
        Side.SELL, 400 * E8, E8 // 2, base="XRP", quote="BTC", fill="back", reporting_value=70 * E8
    )
    (row,) = ledger.trade(back).gains
    assert (row.asset, row.proceeds, row.cost) == ("XRP", 70 * E8, 60 * E8)
    assert [lot.cost for lot in ledger.lots(BOOK, "BTC")] == [90 * E8, 70 * E8]


def test_an_asset_that_arrives_has_the_cost_given_and_leaves_without_a_gain() -> None:
    ledger = Ledger("USDT")
    ledger.transfer(deposit("BTC", 3 * E8, 300 * E8))
    assert ledger.balance(Account.EXTERNAL, "USDT") == -300 * E8
    booking = ledger.transfer(deposit("BTC", -E8))
    assert booking.gains == ()
    assert ledger.balance(Account.EXTERNAL, "USDT") == -200 * E8
    assert ledger.balance(Account.REALISED, "USDT") == 0


def test_funding_is_a_cash_flow() -> None:
    ledger = funded()
    ledger.fund(BOOK, -7)
    assert ledger.balance(Account.CASH, "USDT") == 1_000 * E8 - 7
    assert ledger.balance(Account.FUNDING, "USDT") == 7


def test_books_do_not_share_lots() -> None:
    ledger = funded()
    ledger.trade(trade(Side.BUY, E8, 100 * E8, book=Book.HODL))
    with pytest.raises(InputError, match=r"expected at most 0 units of BTC to leave"):
        ledger.trade(trade(Side.SELL, E8, 100 * E8))
    assert ledger.balance(Account.CASH, "USDT", Book.HODL) == -100 * E8
    assert ledger.balance(Account.CASH, "USDT", BOOK) == 1_000 * E8


def test_a_margin_instrument_can_be_sold_short() -> None:
    ledger = funded()
    ledger.trade(trade(Side.SELL, E8, 100 * E8, fee=E8, can_short=True))
    (lot,) = ledger.lots(BOOK, "BTC")
    assert (lot.quantity, lot.cost) == (-E8, -99 * E8)
    (row,) = ledger.trade(trade(Side.BUY, E8, 90 * E8, fee=E8, can_short=True)).gains
    assert row.gain == 8 * E8
    assert ledger.balance(Account.EXCHANGE, "USDT") == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"quantity": 0}, "expected quantity > 0"),
        ({"amount": -1}, "expected quantity > 0"),
        ({"fee": -1}, "expected quantity > 0"),
        ({"fee_currency": "BNB"}, "expected a fee in BTC or USDT in fill 1, was BNB"),
        ({"quote": "EUR"}, "expected the value in USDT of fill 1, was none"),
        ({"fee": E8, "fee_currency": "BTC"}, "expected a fee under the 100000000 units of BTC"),
        ({"side": Side.SELL}, "expected at most 0 units of BTC to leave, was 100000000"),
    ],
)
def test_a_wrong_fill_is_named_and_books_nothing(wrong: dict[str, Any], message: str) -> None:
    ledger = funded()
    before = ledger.balances()
    values = {"side": Side.BUY, "quantity": E8, "amount": 100 * E8, **wrong}
    with pytest.raises(InputError, match=message):
        ledger.trade(trade(**values))
    assert ledger.balances() == before
    assert ledger.lots(BOOK, "BTC") == ()


def test_more_than_is_held_does_not_leave() -> None:
    with pytest.raises(InputError, match=r"expected at most 0 units of BTC to leave, was 5"):
        Ledger("USDT").transfer(deposit("BTC", -5))


def test_price_and_quantity_keep_their_last_digit() -> None:
    """C12: from Decimal to ticks and lots, through the ledger, and back."""
    step = Decimal("0.00000001")
    coin = Instrument("COIN/USDT", step, step)
    price, quantity = Decimal("0.12345678"), Decimal("123456789.12345678")
    ticks, lots = coin.price_to_ticks(price), coin.quantity_to_lots(quantity)
    amount = arithmetic.value(ticks, lots, *coin.value_ratio())
    assert from_money(amount) == (price * quantity).quantize(step)
    ledger = funded(10**18)
    ledger.trade(trade(Side.BUY, to_money(quantity), amount, base="COIN"))
    assert from_money(ledger.balance(Account.ASSET, "COIN")) == quantity
    assert coin.ticks_to_price(ticks) == price
    assert ledger.lots(BOOK, "COIN")[0].cost == amount


def test_ten_thousand_booked_amounts_sum_exactly(rng: np.random.Generator) -> None:
    """C12."""
    ledger = funded(0)
    amounts = [int(amount) for amount in rng.integers(-(10**15), 10**15, 10_000)]
    for amount in amounts:
        ledger.fund(BOOK, amount)
    assert ledger.balance(Account.CASH, "USDT") == sum(amounts)
    assert ledger.balance(Account.FUNDING, "USDT") == -sum(amounts)


@pytest.mark.parametrize("method", [m for m in LotMethod if m is not LotMethod.SPECIFIC_ID])
def test_the_ledger_of_a_run_has_the_cash_and_holdings_of_the_core(method: LotMethod) -> None:
    """I1, I2: folded from the journal's fills alone."""
    run = build.finished_run(300)
    values = build.setup(is_open=True)
    groups = [
        np.frombuffer(frame.payload, "<i8")
        for frame in read_frames(run.store)
        if frame.kind is FrameKind.WORDS
    ]
    ledger = funded(to_money(build.CASH), method=method)
    rows = []
    fills = fill_columns(groups)
    for item in ledger_trades(fills, values["instruments"], values["strategies"]):
        rows += ledger.trade(item).gains
    state = run.tables.arrays
    assert len(fills.marks) > 40
    assert ledger.balance(Account.CASH, "USDT") == int(state.account[at.CASH])
    assert ledger.balance(Account.FEES, "USDT") == int(state.account[at.FEES])
    for k, instrument in enumerate(values["instruments"]):
        held = int(state.positions[[k, 2 + k], at.QUANTITY].sum())
        expected = to_money(instrument.lots_to_quantity(held))
        assert ledger.balance(Account.ASSET, instrument.base) == expected
        assert sum(lot.quantity for lot in ledger.lots(BOOK, instrument.base)) == expected
    ids = {str(trade_id) for trade_id in fills.trade}
    assert {row.acquired_by for row in rows} | {row.disposed_by for row in rows} <= ids


def test_a_fill_of_an_unknown_order_is_no_trade() -> None:
    words = np.array([at.R_REPORT | (11 << 8), 0, 4, 99, 1, 1, 0, 0, 7, 0, -1], np.int64)
    with pytest.raises(InputError, match=r"expected a known order in fill 7, was 99"):
        list(ledger_trades(fill_columns([words]), [], []))
