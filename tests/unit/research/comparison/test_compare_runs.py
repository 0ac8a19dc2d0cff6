"""Comparisons of runs that differ in several things, and runs that cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import Book, Instrument, Purpose, Side, to_money
from athena.errors import CheckFailed, InputError
from athena.research.comparison import Part, RecordedRun, compare_runs
from athena.trading import (
    FrameKind,
    Intent,
    JournalWriter,
    MemoryStore,
    StrategySlot,
    read_frames,
    record_starts,
)
from athena.trading import layout as at
from tests import journal_builder
from tests.comparison_builder import TEST, Asked, Cash, Script, close_of, time_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.trading import Ints

OTHER = replace(TEST, symbol="OTHER/USD")
BUY = Intent(side=Side.BUY, lots=100)
LEAVE = Intent(side=Side.SELL, lots=100, purpose=Purpose.EXIT)
TRIP = Script({5: [BUY], 14: [LEAVE]})


def rewritten(
    run: RecordedRun,
    words: Callable[[Ints], Any] = lambda words: words,
    final: Callable[[dict[str, Any]], Any] = lambda values: values,
) -> RecordedRun:
    """Write a run's journal again with some of it changed."""
    frames = list(read_frames(run.store))
    store = MemoryStore()
    writer = JournalWriter(store, frames[0].values())
    for frame in frames[1:]:
        if frame.kind is FrameKind.WORDS:
            writer.commit(words(np.frombuffer(frame.payload, "<i8").copy()))
        elif final(frame.values()) is not None:
            writer.close(final(frame.values()))
    return replace(run, store=store)


def test_several_causes_at_once_add_up_and_each_keeps_its_own() -> None:
    b = Script(
        {
            5: [replace(BUY, lots=150)],
            8: [Cash(-7)],
            14: [replace(LEAVE, lots=150)],
            20: [BUY],
            22: [Asked("flatten")],
        },
        venue={"taker_fee_bps": Decimal(10)},
    )
    a = Script({5: [BUY], 14: [LEAVE], 20: [BUY], 26: [LEAVE]})
    found = compare_runs(a.run("a"), b.run("b"))
    assert found.residual == 0
    assert sum(found.parts.values()) == found.gap
    assert found.parts[Part.FUNDING] == Decimal("-0.00000007")
    fee_of_50 = Decimal(50 * (close_of(5) + close_of(14))) / 100_000
    assert found.parts[Part.SIZE] == Decimal(50 * (close_of(14) - close_of(5))) / 100 - fee_of_50
    fee_of_flatten = Decimal(100 * close_of(22)) / 100_000
    held_longer = Decimal(100 * (close_of(26) - close_of(22))) / 100
    assert found.parts[Part.OPERATOR] == -held_longer - fee_of_flatten
    fee_of_100 = Decimal(100 * (close_of(5) + close_of(14) + close_of(20))) / 100_000
    assert found.parts[Part.FEE] == -fee_of_100


def test_the_equity_is_the_one_that_the_core_came_to() -> None:
    run = journal_builder.finished_run(300)
    recorded = RecordedRun("run", run.store, run.columns)
    found = compare_runs(recorded, recorded)
    account = run.tables.arrays.account
    assert to_money(found.a.equity) == int(account[at.EQUITY])
    assert found.a.profit == found.a.equity - journal_builder.CASH
    assert found.n_both > 50
    assert not any(found.parts.values())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_open", [True, False])
def test_runs_with_everything_in_them_add_up_both_ways(seed: int, *, is_open: bool) -> None:
    """Brackets, trailing stops, pauses, gaps in the bars, two strategies on two instruments."""
    a, b = (
        RecordedRun(name, run.store, run.columns)
        for name, run in (
            ("a", journal_builder.finished_run(250, seed=7)),
            ("b", journal_builder.finished_run(250, seed=seed, is_open=is_open)),
        )
    )
    found, mirrored = compare_runs(a, b), compare_runs(b, a)
    assert found.residual == 0
    assert found.gap != 0
    assert sum(found.parts.values()) == found.gap
    assert mirrored.parts == {part: -amount for part, amount in found.parts.items()}
    assert found.n_both + found.n_only_a == found.a.n_decisions >= found.a.n_filled > 0
    assert found.n_both + found.n_only_b == found.b.n_decisions >= found.b.n_filled > 0
    by_symbol = [amount for parts in found.symbols.values() for amount in parts.values()]
    assert sum(by_symbol) == found.gap - found.parts[Part.FUNDING]


def test_the_largest_are_named_with_time_and_both_quantities() -> None:
    a = Script({k: [replace(BUY, lots=10 * k)] for k in range(1, 8)})
    found = compare_runs(a.run("a"), Script({1: [replace(BUY, lots=10)]}).run("b"))
    assert len(found.largest) == 5
    totals = [abs(item.total) for item in found.largest]
    assert totals == sorted(totals, reverse=True)
    first = found.largest[0]
    assert (first.symbol, first.side, first.purpose) == ("TEST/USD", "buy", "entry")
    assert (first.filled_a, first.filled_b) == (70, 0)
    assert first.ts_ns == time_of(7)
    assert first.parts == {Part.SIGNAL: first.total}
    assert (found.n_both, found.n_only_a, found.n_only_b) == (1, 6, 0)


def test_each_symbol_has_its_own_parts() -> None:
    both = (TEST, OTHER)
    a = Script({5: [BUY, replace(BUY, instrument=1)]}, instruments=both)
    b = Script({5: [BUY, replace(BUY, instrument=1, lots=300)]}, instruments=both)
    found = compare_runs(a.run("a"), b.run("b"))
    assert found.symbols["TEST/USD"] == {}
    assert found.symbols["OTHER/USD"] == {Part.SIZE: found.gap}


def test_a_symbol_that_only_one_run_has_bars_of_is_missing_data() -> None:
    b = Script({5: [BUY, replace(BUY, instrument=1)]}, instruments=(TEST, OTHER))
    found = compare_runs(Script({5: [BUY]}).run("a"), b.run("b"))
    assert {part for part, amount in found.parts.items() if amount} == {Part.MISSING_DATA}


def test_symbols_are_matched_by_name_and_not_by_their_place() -> None:
    a = Script({5: [BUY]}, instruments=(TEST, OTHER))
    b = Script({5: [replace(BUY, instrument=1)]}, instruments=(OTHER, TEST))
    assert not any(compare_runs(a.run("a"), b.run("b")).parts.values())


def test_quantities_in_other_lots_are_the_same_quantities() -> None:
    finer = Instrument("TEST/USD", TEST.tick, Decimal("0.4"), Decimal("0.4"), is_margin=True)
    acts: dict[int, Any] = {
        5: [replace(BUY, lots=250)],
        14: [replace(LEAVE, lots=250)],
    }
    found = compare_runs(TRIP.run("a"), Script(acts, instruments=(finer,)).run("b"))
    assert not any(found.parts.values())
    fewer = {**acts, 5: [replace(BUY, lots=249)]}
    found = compare_runs(TRIP.run("a"), Script(fewer, instruments=(finer,)).run("b"))
    expected = Decimal(close_of(5) - close_of(14)) / 100 * Decimal("0.4")
    assert {part: x for part, x in found.parts.items() if x} == {Part.SIZE: expected}
    assert found.largest[0].filled_b == Decimal("99.6")


def test_what_the_hodl_book_holds_counts_for_nothing() -> None:
    aside = (StrategySlot("own", Book.HODL),)
    held = Script({5: [replace(BUY, purpose=Purpose.HODL)]}, slots=aside)
    found = compare_runs(Script({}, slots=aside).run("a"), held.run("b"))
    assert found.gap == -Decimal(100 * close_of(5)) / 100
    assert found.parts[Part.SIGNAL] == found.gap


def test_a_fill_that_came_twice_is_counted_once() -> None:
    """The venue's report is in the journal, and behind it the notice that it was not booked."""
    run = TRIP.run("a")

    def doubled(words: Ints) -> Ints:
        for start in record_starts(words):
            is_report = words[start] & 0xFF == at.R_REPORT
            if is_report and words[start + 2] == 4:  # a fill
                notice = [at.R_NOTICE | 5 << 8, words[start + 1], 8, words[start + 3], 0]
                end = start + (int(words[start]) >> 8)
                again = [*words[start:end].tolist(), *notice]
                return np.array([*words[:end].tolist(), *again, *words[end:].tolist()])
        return words

    found = compare_runs(run, rewritten(run, doubled))
    assert not any(found.parts.values())


def test_a_journal_whose_fills_do_not_give_its_cash_is_refused() -> None:
    run = TRIP.run("a")
    wrong = rewritten(run, final=lambda values: {**values, "cash": "1.00000000"})
    with pytest.raises(CheckFailed, match=r"^run a: expected fills that give the final cash 1\.0"):
        compare_runs(run, wrong)


def test_a_run_without_its_end_is_refused() -> None:
    run = TRIP.run("a")
    with pytest.raises(InputError, match="cut short"):
        compare_runs(run, rewritten(run, final=lambda _: None))


def test_runs_in_different_currencies_are_refused() -> None:
    euro = replace(TEST, symbol="TEST/EUR")
    with pytest.raises(InputError, match="in one currency, was USD and EUR"):
        compare_runs(TRIP.run("a"), replace(TRIP, instruments=(euro,)).run("b"))


def test_the_stages_are_reported() -> None:
    seen: list[int] = []
    run = TRIP.run("a")
    compare_runs(run, run, on_progress=seen.append)
    assert seen == [1, 2, 3]
