"""Laws of ledger and lots, for any sequence of events."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.domain import Book, LotMethod, Side
from athena.trading import Account, Ledger, LedgerTrade, LedgerTransfer, RealisedGain

if TYPE_CHECKING:
    import numpy as np

ASSETS = ("BTC", "ETH", "XRP")
REPORTING = "USDT"
BOOK = Book.TRADING
METHODS = [method for method in LotMethod if method is not LotMethod.SPECIFIC_ID]

amounts = st.integers(1, 10**12)
events = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "cross", "transfer", "asset", "fund"]),
        st.sampled_from(ASSETS),
        amounts,
        amounts,
        st.integers(0, 999),
        st.booleans(),
    ),
    max_size=40,
)


class Oracle:
    """Fractions of everything, with no idea of accounts or lots."""

    def __init__(self) -> None:
        self.held: dict[str, Fraction] = dict.fromkeys((REPORTING, *ASSETS), Fraction(0))
        self.fees: dict[str, Fraction] = dict.fromkeys((REPORTING, *ASSETS), Fraction(0))

    def move(self, currency: str, amount: int) -> None:
        self.held[currency] += Fraction(amount)

    def pay(self, currency: str, fee: int) -> None:
        self.held[currency] -= Fraction(fee)
        self.fees[currency] += Fraction(fee)


def apply(ledger: Ledger, oracle: Oracle, event: tuple[Any, ...], number: int) -> None:
    kind, asset, quantity, amount, _, fee_in_base = event
    if kind == "fund":
        ledger.fund(BOOK, amount - 5 * 10**11)
        oracle.move(REPORTING, amount - 5 * 10**11)
    elif kind in {"transfer", "asset"}:
        currency = REPORTING if kind == "transfer" else asset
        held = int(oracle.held[currency])
        signed = -min(quantity, held) if fee_in_base and held > 0 else quantity
        ledger.transfer(
            LedgerTransfer(
                reference=str(number), ts_ns=number, book=BOOK, currency=currency, amount=signed,
                cost=amount,
            )
        )  # fmt: skip
        oracle.move(currency, signed)
    else:
        _trade(ledger, oracle, event, number)


def _trade(ledger: Ledger, oracle: Oracle, event: tuple[Any, ...], number: int) -> None:
    kind, base, quantity, amount, fee_permille, fee_in_base = event
    quote = REPORTING
    side = Side.SELL if kind == "sell" else Side.BUY
    if kind == "cross":
        quote = next(asset for asset in ASSETS if asset != base)
        amount = min(amount, int(oracle.held[quote]))
    if side is Side.SELL:
        quantity = min(quantity, int(oracle.held[base]))
    fee = (quantity if fee_in_base else amount) * fee_permille // 1000
    if side is Side.SELL and fee_in_base:
        quantity -= fee
    if kind == "cross" and not fee_in_base:
        amount -= fee
    if quantity <= 0 or amount <= 0:
        return
    fee_currency = base if fee_in_base else quote
    ledger.trade(
        LedgerTrade(
            fill=str(number), ts_ns=number, book=BOOK, base=base, quote=quote, side=side,
            quantity=quantity, amount=amount, fee=fee, fee_currency=fee_currency,
            reporting_value=amount * 3 + 7 if kind == "cross" else None,
        )
    )  # fmt: skip
    sign = 1 if side is Side.BUY else -1
    oracle.move(base, sign * quantity)
    oracle.move(quote, -sign * amount)
    oracle.pay(fee_currency, fee)


@pytest.mark.parametrize("method", METHODS)
@given(sequence=events)
def test_any_sequence_reconciles_after_each_step(
    method: LotMethod, sequence: list[tuple[Any, ...]]
) -> None:
    """D07."""
    ledger, oracle = Ledger(REPORTING, method), Oracle()
    for number, event in enumerate(sequence):
        apply(ledger, oracle, event, number)
        assert ledger.balance(Account.CASH, REPORTING) == oracle.held[REPORTING]
        assert ledger.balance(Account.FEES, REPORTING) == oracle.fees[REPORTING]
        for asset in ASSETS:
            lots = ledger.lots(BOOK, asset)
            assert ledger.balance(Account.ASSET, asset) == oracle.held[asset]
            assert sum(lot.quantity for lot in lots) == oracle.held[asset]
            assert ledger.balance(Account.FEES, asset) == oracle.fees[asset]
        cost = sum(lot.cost for asset in ASSETS for lot in ledger.lots(BOOK, asset))
        assert ledger.balance(Account.EXCHANGE, REPORTING) == cost
        for currency in (REPORTING, *ASSETS):
            assert sum(ledger.balance(account, currency) for account in Account) == 0


@pytest.mark.parametrize("method", METHODS)
def test_gains_equal_value_less_net_deposits_to_the_unit(
    method: LotMethod, rng: np.random.Generator
) -> None:
    """C04: 200 random buys and sells over 3 assets."""
    ledger = Ledger(REPORTING, method)
    fills: set[str] = set()
    rows: list[RealisedGain] = []
    price = dict(zip(ASSETS, (4_000_000_003, 300_000_007, 50_000_011), strict=True))
    ledger.transfer(
        LedgerTransfer(
            reference="in", ts_ns=0, book=BOOK, currency=REPORTING, amount=10**15, cost=0
        )
    )
    while len(fills) < 200:
        asset = ASSETS[int(rng.integers(3))]
        price[asset] = max(1, price[asset] * int(rng.integers(970, 1031)) // 1000)
        held = ledger.balance(Account.ASSET, asset)
        side = Side.SELL if held > 0 and rng.random() < 0.5 else Side.BUY
        most = held if side is Side.SELL else 10**8
        quantity = int(rng.integers(1, most + 1))
        amount = quantity * price[asset] // 10**8
        fill = str(len(fills))
        fills.add(fill)
        rows += ledger.trade(
            LedgerTrade(
                fill=fill, ts_ns=len(fills), book=BOOK, base=asset, quote=REPORTING, side=side,
                quantity=quantity, amount=amount, fee=amount * 26 // 10_000,
            )
        ).gains  # fmt: skip
    worth = {a: ledger.balance(Account.ASSET, a) * price[a] // 10**8 for a in ASSETS}
    value = ledger.balance(Account.CASH, REPORTING) + sum(worth.values())
    net_deposits = -ledger.balance(Account.EXTERNAL, REPORTING)
    realised = -ledger.balance(Account.REALISED, REPORTING)
    assert realised + ledger.unrealised(worth) == value - net_deposits
    assert realised == sum(row.gain for row in rows)
    assert len(rows) > 50
    assert {row.acquired_by for row in rows} | {row.disposed_by for row in rows} <= fills
