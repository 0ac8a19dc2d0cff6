"""Gains folded from journals: equal to the core's books to the unit, and to nothing less."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.app import _gains
from athena.app._gains import GainsReport, fold_gains, realised_ns
from athena.domain import LotMethod, to_money
from athena.errors import CheckFailed
from athena.trading import MemoryStore, codes
from athena.trading import layout as at
from tests import journal_builder as build
from tests.live_journal import CASH, START_NS, SYMBOLS, LiveJournal

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

METHODS = [method for method in LotMethod if method is not LotMethod.SPECIFIC_ID]
E8 = 10**8


def random_trades(journal: LiveJournal, rng: np.random.Generator, n: int = 200) -> None:
    """Buy and sell three assets at random; some fills are told twice."""
    sizes = (10**6, 10**7, 1_000)
    while journal.trade < n:
        k, strategy = int(rng.integers(3)), int(rng.integers(2))
        last = int(journal.tables.arrays.instruments[k, at.LAST])
        journal.price(k, max(1, last * int(rng.integers(970, 1031)) // 1000))
        held = int(journal.tables.arrays.positions[3 * strategy + k, at.QUANTITY])
        sells = held > 0 and rng.random() < 0.5
        lots = -int(rng.integers(1, held + 1)) if sells else int(rng.integers(1, sizes[k]))
        fee = int(rng.integers(0, 1_000_000))
        again = int(rng.random() < 0.2)
        journal.fill(k, lots, strategy=strategy, fee=fee, again=again)


@pytest.mark.parametrize("method", METHODS)
def test_gains_and_unrealised_are_value_less_net_deposits(
    method: LotMethod, rng: np.random.Generator
) -> None:
    """C04: 200 random buys and sells over 3 assets, duplicates of fills among them (F03)."""
    store = MemoryStore()
    journal = LiveJournal(store)
    random_trades(journal, rng)
    journal.cash(-123 * E8)
    journal.cash(-5, is_transfer=False)
    journal.coins(0, 10**7, 4_100_000)
    journal.fill(0, -journal.held(0) // 4)
    journal.end()
    report = fold_gains(store, method)
    totals = report.totals
    assert report.differences == ()
    account = journal.tables.arrays.account
    assert totals.cash == int(account[at.CASH])
    assert totals.value == int(account[at.EQUITY])
    assert totals.fees == int(account[at.FEES])
    assert totals.unrealised is not None
    assert totals.realised + totals.funding + totals.unrealised == (
        totals.value - totals.net_deposits
    )
    assert totals.net_deposits == to_money(CASH) - 123 * E8 + 4_100 * E8
    assert len(report.rows) > 50


@pytest.mark.parametrize("method", METHODS)
def test_every_row_traces_to_fills_and_lots_are_the_holdings(
    method: LotMethod, rng: np.random.Generator
) -> None:
    """C04."""
    store = MemoryStore()
    journal = LiveJournal(store)
    random_trades(journal, rng)
    report = fold_gains(store, method)
    sold: dict[str, int] = {}
    for row in report.rows:
        bought_k, bought_lots = journal.fills[row.acquired_by]
        sold_k, sold_lots = journal.fills[row.disposed_by]
        assert SYMBOLS[bought_k] == SYMBOLS[sold_k] == f"{row.asset}/USDT"
        assert bought_lots > 0 > sold_lots
        assert START_NS < row.acquired_ns < row.disposed_ns == realised_ns(row)
        sold[row.disposed_by] = sold.get(row.disposed_by, 0) + row.quantity
    for fill, quantity in sold.items():
        k, lots = journal.fills[fill]
        assert quantity == -lots * (E8 if k == 2 else 1)
    for k, symbol in enumerate(SYMBOLS):
        held = sum(item.lot.quantity for item in report.lots if item.asset == symbol[:3])
        assert held == journal.held(k) * (E8 if k == 2 else 1)


def test_a_round_trip_by_hand() -> None:
    store = MemoryStore()
    journal = LiveJournal(store)
    journal.fill(0, 2 * E8, fee=E8)  # 2 BTC at 40,000
    journal.price(0, 4_400_000)
    journal.fill(0, -E8, fee=2 * E8)
    (row,) = (report := fold_gains(store, LotMethod.FIFO)).rows
    assert (row.quantity, row.proceeds, row.cost) == (E8, 43_998 * E8, 80_001 * E8 // 2)
    assert report.totals.unrealised == 44_000 * E8 - 80_001 * E8 // 2
    assert report.totals.value == to_money(CASH) + 8_000 * E8 - 3 * E8


def test_a_fill_that_the_core_did_not_book_is_no_gain() -> None:
    """F03, and reports that cannot be: known order, impossible fill; unknown order."""
    store = MemoryStore()
    journal = LiveJournal(store)
    number = journal.fill(0, E8, again=3)
    journal.report(codes.FILLED_REPORT, number, 0, 4_000_000, 77)
    journal.report(codes.FILLED_REPORT, number, 5, 0, 78)
    journal.report(codes.FILLED_REPORT, 4_711, 5, 4_000_000, 79)
    journal.end()
    report = fold_gains(store, LotMethod.FIFO)
    assert report.differences == ()
    assert [item.lot.quantity for item in report.lots] == [E8]


def test_a_late_fill_counts() -> None:
    store = MemoryStore()
    journal = LiveJournal(store)
    number = journal.fill(0, E8)
    journal.report(codes.FILLED_REPORT, number, 5, 4_000_000, 1_000)
    journal.end()
    report = fold_gains(store, LotMethod.FIFO)
    assert report.differences == ()
    assert sum(item.lot.quantity for item in report.lots) == E8 + 5


def test_what_the_core_refused_to_take_is_not_taken() -> None:
    store = MemoryStore()
    journal = LiveJournal(store)
    journal.coins(0, -5, 4_000_000)  # more than is held
    journal.fill(0, E8)
    journal.price(0, -1)
    journal.end()
    report = fold_gains(store, LotMethod.FIFO)
    assert report.differences == ()
    assert report.totals.value == to_money(CASH)


def test_coins_that_leave_leave_at_cost() -> None:
    store = MemoryStore()
    journal = LiveJournal(store)
    journal.fill(0, 2 * E8)
    journal.price(0, 5_000_000)
    journal.coins(0, -E8, 5_000_000)
    report = fold_gains(store, LotMethod.FIFO)
    assert report.rows == ()
    assert report.totals.net_deposits == to_money(CASH) - 40_000 * E8
    assert report.totals.unrealised == 10_000 * E8
    assert report.differences == ()


def test_a_journal_without_an_end_is_compared_with_its_last_snapshot() -> None:
    store = MemoryStore()
    journal = LiveJournal(store)
    journal.fill(0, E8)
    journal.writer.snapshot(journal.tables)
    journal.fill(1, E8)
    assert fold_gains(store, LotMethod.FIFO).differences == ()


def planted_snapshot(journal: LiveJournal) -> None:
    journal.tables.arrays.positions[0, at.QUANTITY] += 1
    journal.tables.arrays.account[at.CASH] += 3
    journal.writer.snapshot(journal.tables)


def planted_end(journal: LiveJournal) -> None:
    journal.tables.arrays.account[at.CASH] -= 1
    journal.tables.arrays.account[at.FEES] += 2
    journal.tables.arrays.account[at.N_FILLS] += 1
    journal.end()


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (planted_snapshot, ["cash of fills and snapshot", "lots of BTC"]),
        (planted_end, ["cash of fills and core", "fees of fills and core", "fills: the journal"]),
    ],
)
def test_books_that_differ_are_named(
    plant: Callable[[LiveJournal], None], found: list[str]
) -> None:
    """The planted fault; the clean twins are above."""
    store = MemoryStore()
    journal = LiveJournal(store)
    journal.fill(0, E8)
    plant(journal)
    differences = fold_gains(store, LotMethod.FIFO).differences
    assert [item.partition(":")[0] for item in differences] == [
        item.partition(":")[0] for item in found
    ]
    assert differences[0].endswith("apart")


def test_a_gain_that_is_a_unit_too_high_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a ledger that gives a unit away."""
    store = MemoryStore()
    journal = LiveJournal(store)
    journal.fill(0, E8)
    journal.fill(0, -E8)

    class Generous(_gains.Ledger):
        __slots__ = ()

        def trade(self, trade: Any) -> Any:
            booking = super().trade(trade)
            gains = tuple(replace(row, proceeds=row.proceeds + 1) for row in booking.gains)
            return replace(booking, gains=gains)

    assert fold_gains(store, LotMethod.FIFO).differences == ()
    monkeypatch.setattr(_gains, "Ledger", Generous)
    (found,) = fold_gains(store, LotMethod.FIFO).differences
    assert found.startswith("gains and value less net deposits")
    assert found.endswith(", 0.00000001 apart")


@pytest.mark.parametrize("method", METHODS)
def test_a_backtest_reconciles_with_the_equity_at_its_end(method: LotMethod) -> None:
    run = build.finished_run(300, snapshots={100})
    report = fold_gains(run.store, method)
    assert report.differences == ()
    assert report.totals.value == int(run.tables.arrays.account[at.EQUITY])
    assert len(report.rows) > 10


def test_without_a_newest_price_the_value_is_not_known() -> None:
    """A zero price never stands in for one that is not known."""
    run = build.start(build.random_columns(120, 7), is_open=True)
    build.trade(run, 0, 60)
    run.writer.abandon()
    report = fold_gains(run.store, LotMethod.FIFO)
    assert report.lots
    assert report.totals.unrealised is report.totals.value is None
    assert report.differences == ()


def test_a_damaged_journal_is_refused() -> None:
    store = MemoryStore()
    LiveJournal(store).fill(0, E8)
    data = bytearray(store.read(1))
    data[-1] ^= 1
    store.truncate(1, 0)
    store.open_segment(1)
    store.append(bytes(data))
    with pytest.raises(CheckFailed, match="segment 1"):
        fold_gains(store, LotMethod.FIFO)


def test_an_empty_session_has_nothing_to_tell() -> None:
    store = MemoryStore()
    LiveJournal(store)
    report: GainsReport = fold_gains(store, LotMethod.FIFO)
    assert (report.rows, report.lots, report.differences) == ((), (), ())
    assert report.totals.value == report.totals.net_deposits == to_money(CASH)
