"""Laws of the local exchange under random flows: conservation, one truth, same bytes (D09, I2)."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from athena.domain import SECOND_NS
from athena.venues.exchange import Exchange
from athena.venues.kraken import (
    Execution,
    OrderBook,
    TradeReport,
    read_balance_changes,
    read_balances,
    read_book,
    read_closed_orders,
    read_executions,
    read_message,
    read_open_orders,
    read_stream_pairs,
    read_trades_history,
)
from tests.conftest import IS_FULL
from tests.exchange_builder import (
    SYMBOLS,
    Customer,
    listings,
    new_exchange,
    random_step,
)

KEYS = ("me", "you")
N_SEEDS = 200 if IS_FULL else 4
N_STEPS = 250
LATENCY_NS = SECOND_NS // 10


def money(exchange: Exchange) -> dict[str, dict[str, Decimal]]:
    """Read where all the money is from the saved state."""
    state = json.loads(exchange.save())["state"]
    totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for account in state["accounts"].values():
        for currency, amount in account["balances"].items():
            assert Decimal(amount) >= 0
            totals["accounts"][currency] += Decimal(amount)
    for name in ("market_money", "fees", "paid_in"):
        for currency, amount in state[name].items():
            totals[name][currency] += Decimal(amount)
    return totals


@pytest.mark.parametrize("seed", range(N_SEEDS))
def test_money_is_conserved_to_the_unit_and_nothing_is_negative(seed: int) -> None:
    """I2: accounts + market + fees = what was paid in, after every step, in every currency."""
    rng = np.random.default_rng(seed)
    exchange = new_exchange(seed=seed, latency_ns=LATENCY_NS)
    if seed % 3 == 1:
        exchange.set_rounding(4, 3)
    exchange.set_fill_after_cancel(seed % 2 == 1)
    for step in range(N_STEPS):
        random_step(rng, exchange, KEYS)
        if step == N_STEPS // 2:
            exchange.liquidate("me", "BTC/USD", Decimal("0.1"))
        if step % 10:
            continue
        totals = money(exchange)
        for currency, paid in totals["paid_in"].items():
            parts = ("accounts", "market_money", "fees")
            assert sum(totals[part][currency] for part in parts) == paid
            assert totals["fees"][currency] >= 0


def pages(customer: Customer, endpoint: str, inside: str) -> list[dict[str, str]]:
    """Return the fields that ask for each page of a list."""
    n_total = customer.get(endpoint)["count"]
    assert len(customer.get(endpoint)[inside]) == min(n_total, 50)
    return [{"ofs": str(first)} for first in range(0, n_total, 50)]


def all_fills(customer: Customer) -> dict[str, TradeReport]:
    fills = {}
    for page in pages(customer, "TradesHistory", "trades"):
        for fill in read_trades_history(customer.read("TradesHistory", **page))[0]:
            fills[fill.trade_id] = fill
    return fills


@pytest.mark.parametrize("seed", range(N_SEEDS))
def test_answers_and_streams_tell_one_truth_to_our_translators(seed: int) -> None:
    """D09: what one side writes the other reads, and orders, fills and balances agree."""
    rng = np.random.default_rng(1_000 + seed)
    exchange = new_exchange(seed=seed, latency_ns=LATENCY_NS)
    me = Customer(exchange)
    me.listen("executions", "balances", snap_trades=True)
    me.listen("ticker", "trade", "ohlc", "book", symbols=SYMBOLS)
    me.listen("instrument")
    exchange.set_fill_after_cancel(seed % 2 == 1)
    for _ in range(N_STEPS):
        random_step(rng, exchange, KEYS)
    exchange.advance(exchange.now_ns + SECOND_NS)
    me.hear()

    orders = {item.order_id: item for item in read_open_orders(me.read("OpenOrders"))}
    for page in pages(me, "ClosedOrders", "closed"):
        closed, _ = read_closed_orders(me.read("ClosedOrders", trades="true", **page))
        orders |= {item.order_id: item for item in closed}
    fills = all_fills(me)
    filled: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills.values():
        filled[fill.order_id] += fill.quantity
    assert {name: order.filled for name, order in orders.items() if order.filled} == filled

    seen = Heard(me.texts)
    assert {name for name, _ in seen.fills.items()} == set(fills)
    for name, streamed in seen.fills.items():
        stored = fills[name]
        assert (streamed.price, streamed.quantity, streamed.cost, streamed.fee) == (
            stored.price, stored.quantity, stored.cost, stored.fee,
        )  # fmt: skip
        assert (streamed.at_ns, streamed.order_id) == (stored.at_ns, stored.order_id)
        assert streamed.liquidity is stored.liquidity
    assert set(seen.last) == set(orders)
    for name, event in seen.last.items():
        assert event.state is orders[name].state
        assert event.client_id == orders[name].client_id
    assert seen.balances == read_balances(me.read("Balance"))


class Heard:
    """What a client makes of everything that a stream said, with our translators."""

    def __init__(self, texts: list[str]) -> None:
        self.last: dict[str, Execution] = {}
        self.fills: dict[str, Any] = {}
        self.balances: dict[str, Decimal] = {}
        self.sequences: dict[str, int] = defaultdict(int)
        self.books = {
            item.symbol: OrderBook(
                item.symbol,
                depth=10,
                price_decimals=item.price_decimals,
                quantity_decimals=item.quantity_decimals,
            )
            for item in listings()
        }
        for text in texts:
            self.take(text)

    def take(self, text: str) -> None:
        message = read_message(text.encode())
        if message is None:
            return
        if message.sequence is not None:
            assert message.sequence == self.sequences[message.channel] + 1
            self.sequences[message.channel] = message.sequence
        match message.channel:
            case "executions":
                for event in read_executions(message):
                    self.take_event(event)
            case "balances":
                changes = read_balance_changes(message)
                self.balances |= {item.currency: item.balance for item in changes}
            case "book":
                for book in read_book(message):
                    self.books[book.symbol].apply(book)
            case "instrument":
                rules = {item.symbol: (item.tick, item.lot) for item in read_stream_pairs(message)}
                ours = [item.instrument for item in listings()]
                assert rules == {item.symbol: (item.tick, item.lot) for item in ours}

    def take_event(self, event: Execution) -> None:
        if event.fill is not None:
            assert event.fill.trade_id not in self.fills
            self.fills[event.fill.trade_id] = event.fill
        self.last[event.order_id] = event


@pytest.mark.parametrize("seed", range(N_SEEDS // 2))
def test_a_restored_exchange_goes_on_byte_for_byte(seed: int) -> None:
    """F15: run, save, restore, continue = run without a break, in every answer and message."""
    whole, split = (new_exchange(seed=seed, latency_ns=LATENCY_NS) for _ in range(2))
    for exchange in (whole, split):
        me = Customer(exchange)
        me.listen("executions", "balances")
        me.listen("book", "ticker", symbols=SYMBOLS)
    rngs = [np.random.default_rng(seed), np.random.default_rng(seed)]
    for step in range(N_STEPS):
        random_step(rngs[0], whole, KEYS)
        random_step(rngs[1], split, KEYS)
        if step % 50 == 20:
            split = Exchange.restore(split.save())
            assert whole.take_messages() == split.take_messages()
    assert whole.take_messages() == split.take_messages()
    assert whole.save() == split.save()


def test_seeds_decide_ids_and_fills_and_nothing_else_does() -> None:
    """A06: seed 0 twice is the same run; seed 1 fills at other prices."""

    def fills(seed: int) -> list[Decimal]:
        me = Customer(new_exchange(seed=seed))
        for _ in range(5):
            me.order("buy", "0.01")
        return [fill.price for fill in all_fills(me).values()]

    assert fills(0) == fills(0)
    assert fills(0) != fills(1)
