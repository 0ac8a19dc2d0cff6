"""Fills, trades, equity and exposure: the account that is shown is the account that was."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.domain import from_money
from athena.research.runs._results import (
    HALT_REASONS,
    count_refusals,
    follow_account,
    list_fills,
    list_halts,
    list_trades,
)
from athena.trading import layout as at
from tests.market_builder import HOUR_NS, Simulated, driftless_bars, run_named, setup_of

if TYPE_CHECKING:
    from athena.research import Trade

SYMBOLS = ("BTC/USD", "XRP/USD", "TEST/USD")
COSTS = {"taker_fee_bps": Decimal(26), "maker_fee_bps": Decimal(16), "base_cost_bps": Decimal(10)}


def simulated(name: str, seed: int, *, is_open: bool = True, n_symbols: int = 3) -> Simulated:
    bars = [
        driftless_bars(900, seed * 10 + k, symbol, HOUR_NS)
        for k, symbol in enumerate(SYMBOLS[:n_symbols])
    ]
    return run_named(setup_of(bars, cash=100_000, is_open=is_open, **COSTS), name)


def trades_of(done: Simulated) -> list[Trade]:
    return list_trades(done.setup, done.outcome, done.fills)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["rebalance", "random", "sma_cross", "mean_reversion", "hold"])
def test_the_equity_of_the_fills_is_the_core_s(name: str, seed: int) -> None:
    """I1, I2: followed from fills alone, to the cent; trades add up to the account's gain."""
    done = simulated(name, seed)
    book = follow_account(done.setup, done.fills)
    assert book.equity[-1] == pytest.approx(done.equity / 1e8, abs=0.005)
    assert len(book.equity) == 900
    assert (book.gross_exposure >= 0).all()
    gain = sum((trade.gain for trade in trades_of(done)), Decimal(0))
    n_trades = len(trades_of(done))
    difference = gain - (from_money(done.equity) - done.setup.cash)
    assert abs(difference) <= Decimal("0.00000001") * (len(done.fills.side) + n_trades)
    fees = sum((fill.fee for fill in list_fills(done.setup, done.outcome, done.fills)), Decimal(0))
    assert fees == from_money(int(done.outcome.state.views.account[at.FEES]))


def test_before_the_first_fill_the_account_is_its_cash() -> None:
    done = simulated("sma_cross", 1)
    first = int(done.fills.marks[0])
    book = follow_account(done.setup, done.fills)
    assert (book.equity[:first] == 100_000).all()
    assert (book.gross_exposure[:first] == 0).all()


def test_without_fills_there_is_nothing_but_cash() -> None:
    bars = driftless_bars(5, 1)
    done = run_named(setup_of([bars], cash=500), "sma_cross")
    assert follow_account(done.setup, done.fills).equity.tolist() == [500.0] * 5
    assert trades_of(done) == []


def test_a_trade_runs_from_flat_to_flat_and_the_last_is_marked() -> None:
    done = simulated("sma_cross", 2, n_symbols=1)
    trades = trades_of(done)
    assert all(trade.opened_at_ns < trade.closed_at_ns for trade in trades)
    assert all(trade.is_long for trade in trades)
    ended = [trade for trade in trades if not trade.is_open]
    assert len(ended) == (done.fills.side < 0).sum()
    assert sum(trade.is_open for trade in trades) <= 1
    assert all(trade.fees > 0 for trade in trades)


def test_fills_are_exact_and_name_their_bar() -> None:
    """C12: a fill's price times quantity is what was booked, digit by digit."""
    done = simulated("rebalance", 3)
    instruments = {item.symbol: item for item in done.setup.instruments}
    for fill in list_fills(done.setup, done.outcome, done.fills):
        own = instruments[fill.symbol]
        assert fill.price % own.tick == 0
        assert fill.quantity % own.lot == 0
        k = [item.symbol for item in done.setup.instruments].index(fill.symbol)
        ticks = own.price_to_ticks(fill.price)
        assert done.setup.columns.volume[k, fill.step] > 0
        assert ticks > 0


def test_refusals_are_counted_as_the_core_counts_them() -> None:
    done = simulated("mean_reversion", 1, is_open=False, n_symbols=1)
    assert sum(count_refusals([done.words]).values()) == done.n_denied
    assert count_refusals([done.words[:0]]) == {}


def test_halts_are_listed_with_time_and_reason() -> None:
    bars = driftless_bars(900, 1, "BTC/USD", HOUR_NS)
    columns = [column.copy() for column in bars.columns()]
    fall = np.ones(900)
    fall[300:] = 0.7
    for column in columns[1:5]:
        column[:] = np.rint(column * fall)
    from tests.market_builder import bars_of

    crash = bars_of(columns, "BTC/USD", HOUR_NS)
    done = run_named(setup_of([crash], cash=100_000, is_open=False), "rebalance", weights="0.9")
    halts = list_halts([done.words])
    reasons = [halt.reason for halt in halts]
    assert {"day loss", "drawdown stop", "drawdown limit"} <= set(reasons)
    assert {halt.ts_ns for halt in halts if halt.reason == "drawdown limit"} == {
        int(crash.ts_ns[300]) + HOUR_NS
    }
    assert [halt.ts_ns for halt in halts] == sorted(halt.ts_ns for halt in halts)


def test_every_halt_bit_has_a_reason() -> None:
    bits = {value for name, value in vars(at).items() if name.startswith("HALT_")}
    assert set(HALT_REASONS) == bits - {at.HALT_BREAKERS, at.HALT_STOPS}
