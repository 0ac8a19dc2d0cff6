"""The driver: several strategies, what wakes them, what they are shown, and who is blamed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import Book, Purpose, Side, built_in_instrument
from athena.errors import InputError, StrategyError
from athena.market import mock_bars
from athena.research import simulate
from athena.research.strategies import load_strategy
from athena.trading import (
    BarStrategy,
    Intent,
    Market,
    RuleStrategy,
    Strategy,
    View,
    Wake,
    WokenStrategy,
    codes,
    rules,
)
from athena.trading import layout as at
from tests.market_builder import MINUTE_NS, START_NS, bars_of, driftless_bars, run, setup_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from athena.domain import Bars


def rising(n: int = 50, step: int = 10) -> Bars:
    """Rise by the same number of ticks in every bar."""
    close = 10_000 + step * np.arange(1, n + 1)
    times = START_NS + MINUTE_NS * np.arange(n)
    return bars_of((times, close - step, close, close - step, close, np.full(n, 10**6)))


class Recording(WokenStrategy):
    """Keep what it is shown; want what it is told to."""

    wake = Wake()

    def __init__(self, wants: Mapping[int, Any] | None = None, wake: Wake | None = None) -> None:
        self.wants = wants or {}
        self.seen: list[int] = []
        self.told: list[bool] = []
        self.positions: list[int] = []
        self.working: list[int] = []
        if wake is not None:
            self.wake = wake  # type: ignore[misc]

    def on_wake(self, view: View) -> Intent | Iterable[Intent] | None:
        self.seen.append(view.step)
        self.told.append(view.has_filled)
        self.positions.append(view.position)
        self.working.append(view.n_working)
        self.look(view)
        return self.wants.get(view.step)

    def look(self, view: View) -> None:
        """Do nothing more."""


EVERY_MINUTE = Wake(every_ns=MINUTE_NS)


def buy(lots: int = 1, **terms: Any) -> Intent:
    return Intent(side=Side.BUY, lots=lots, **terms)


def test_a_decision_on_a_bar_is_filled_at_the_open_of_the_next() -> None:
    """Rule 1 and 2."""
    seen = Recording({5: buy(3)}, EVERY_MINUTE)
    done = run(setup_of([rising()]), seen)
    assert done.fills.marks.tolist() == [6]
    assert done.fills.price_ticks.tolist() == [10_000 + 6 * 10]
    assert seen.positions[:8] == [0, 0, 0, 0, 0, 0, 3, 3]
    assert seen.told[5:8] == [False, True, False]


def test_a_timer_wakes_at_each_multiple_of_its_length() -> None:
    seen = Recording(wake=Wake(every_ns=7 * MINUTE_NS))
    run(setup_of([rising()]), seen)
    minutes = (START_NS // MINUTE_NS) + np.array(seen.seen) + 1
    assert (minutes % 7 == 0).all()
    assert len(seen.seen) in {7, 8}


def test_a_signal_wakes_when_its_value_changes_and_unknown_values_do_not() -> None:
    class Stepping(Recording):
        def signals(self, market: Market) -> Mapping[str, Any]:
            values = np.full(len(market.close_ns), np.nan)
            values[10:20] = 1.0
            values[20:] = 2.0
            return {"level": values}

    seen = Stepping(wake=Wake(on_change=("level",)))
    run(setup_of([rising()]), seen)
    assert seen.seen == [0, 10, 20]


def test_a_fill_wakes_and_only_the_one_whose_fill_it_was() -> None:
    on_fill = Wake(on_fill=True, every_ns=40 * MINUTE_NS)
    first = Recording({39: buy(2)}, on_fill)
    second = Recording(wake=on_fill)
    run(setup_of([rising()]), first, second)
    assert first.seen == [39, 40]
    assert second.seen == [39]


class Waiting(Recording):
    """Wait from the first bar for a price, and then for none."""

    wake = Wake(on_change=("start",))

    def __init__(self, above: int) -> None:
        super().__init__()
        self.above = above

    def signals(self, market: Market) -> Mapping[str, Any]:
        return {"start": np.zeros(len(market.close_ns), np.int8)}

    def look(self, view: View) -> None:
        view.wake_at(above=self.above if view.step == 0 else 0)


def test_a_price_level_wakes_the_strategy_that_set_it_and_no_other() -> None:
    low, high = Waiting(10_000 + 31 * 10), Waiting(10_000 + 45 * 10)
    run(setup_of([rising()]), low, high)
    assert low.seen == [0, 30]
    assert high.seen == [0, 44]


def test_strategies_hold_their_own_positions_and_share_one_account() -> None:
    one, two = Recording({3: buy(5)}, EVERY_MINUTE), Recording({7: buy(2)}, EVERY_MINUTE)
    done = run(setup_of([rising()]), one, two)
    assert one.positions[-1] == 5
    assert two.positions[-1] == 2
    assert done.fills.strategy.tolist() == [0, 1]
    moves = 5 * (49 - 3) + 2 * (49 - 7)
    assert done.equity == 10**14 + moves * 10 * 10**6


def test_a_strategy_beside_an_idle_one_trades_as_it_does_alone() -> None:
    bars = driftless_bars(1_000, 3)
    sma = load_strategy("sma_bracket", {"quantity": "1"})[1]
    again = load_strategy("sma_bracket", {"quantity": "1"})[1]
    alone, beside = run(setup_of([bars]), sma), run(setup_of([bars]), again, Recording())
    assert alone.fills.price_ticks.tolist() == beside.fills.price_ticks.tolist()
    assert alone.fills.marks.tolist() == beside.fills.marks.tolist()
    assert len(alone.fills.side) > 5


def test_a_bar_strategy_and_a_woken_one_run_together() -> None:
    class Every(BarStrategy):
        def on_bar(self, view: View) -> Intent | None:
            return buy(1) if view.step == 2 else None

    woken = Recording({13: buy(4)}, Wake(every_ns=7 * MINUTE_NS))
    done = run(setup_of([rising()]), Every(), woken)
    alone = Recording({13: buy(4)}, Wake(every_ns=7 * MINUTE_NS))
    run(setup_of([rising()]), alone)
    assert woken.seen == alone.seen
    assert done.fills.strategy[0] == 0


def test_several_intents_of_a_bar_are_judged_in_their_order() -> None:
    seen = Recording({3: [buy(1), buy(2), buy(3)]}, EVERY_MINUTE)
    done = run(setup_of([rising()]), seen)
    assert done.fills.lots.tolist() == [1, 2, 3]
    assert seen.working[4] == 0
    assert seen.told[4]


def test_an_intent_of_the_last_bar_is_recorded_and_never_filled() -> None:
    done = run(setup_of([rising()]), Recording({49: buy()}, EVERY_MINUTE))
    assert len(done.words) > 0
    assert len(done.fills.side) == 0


def test_an_intent_that_makes_no_sense_is_refused_not_raised() -> None:
    wants = {1: buy(0), 2: buy(-1), 3: buy(1, instrument=7), 4: buy(1, instrument=-1)}
    done = run(setup_of([rising()]), Recording(wants, EVERY_MINUTE))
    assert done.n_denied == 4
    assert len(done.fills.side) == 0


def test_equity_in_the_view_is_the_core_s_at_every_bar() -> None:
    class Valued(Recording):
        def look(self, view: View) -> None:
            assert view.equity() == view.cash + view.value(view.position)

    bars = driftless_bars(300, 1)
    values = Valued({2: buy(10), 50: Intent(side=Side.SELL, lots=4, purpose=Purpose.EXIT)})
    values.wake = EVERY_MINUTE  # type: ignore[misc]
    run(setup_of([bars]), values)
    assert values.positions[-1] == 6


# --- what does not fit -------------------------------------------------------------------------


def test_no_strategy_is_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        run(setup_of([rising()]))


class Nothing(RuleStrategy):
    """A rule that wants nothing."""

    @staticmethod
    def rule(now: Any, memory: Any, parameters: Any, intents: Any) -> int:
        del now, memory, parameters, intents
        return 0

    def parameters(self, market: Market) -> list[int]:
        del market
        return []

    def memory_size(self) -> int:
        return 0


def test_a_rule_beside_another_strategy_is_refused() -> None:
    with pytest.raises(InputError, match="alone"):
        run(setup_of([rising()]), Recording(), Nothing())


def _in_book(book_: Any, base: type[Strategy] = Recording) -> Strategy:
    """Make a user's class that names a book."""
    return type("Mine", (base,), {"book": book_})()


@pytest.mark.parametrize("book", [Book.CORE, Book.HODL, "none of them", None])
def test_a_strategy_may_not_choose_other_rules_by_its_book(book: Any) -> None:
    with pytest.raises(InputError, match="Mine in the trading book") as error:
        run(setup_of([rising()]), Recording(), _in_book(book))
    if book is Book.HODL:
        assert "filled by the system only" in error.value.hint


def test_the_core_book_is_for_the_built_in_rebalancers_only() -> None:
    """A subclass could override what it wants, and would be judged by the rules of holdings."""
    name, built_in = load_strategy("rebalance", {})
    outcome = simulate(setup_of([rising()]), [(name, built_in)], on_records=_drop)
    assert outcome.slots[0].book is Book.CORE
    for book in (Book.CORE, Book.HODL):
        with pytest.raises(InputError, match="Mine"):
            run(setup_of([rising()]), _in_book(book, type(built_in)))


def test_what_is_of_no_kind_is_refused() -> None:
    class Bare(Strategy):
        pass

    with pytest.raises(InputError, match="Bare"):
        run(setup_of([rising()]), Bare())


@pytest.mark.parametrize(
    "column", [np.zeros(3), np.zeros((50, 2)), np.full(50, "a"), np.full(50, None)]
)
def test_a_signal_that_is_no_column_of_numbers_is_named(column: Any) -> None:
    class Odd(Recording):
        def signals(self, market: Market) -> Mapping[str, Any]:
            del market
            return {"odd": column}

    with pytest.raises(InputError, match="'odd'"):
        run(setup_of([rising()]), Odd())


def test_a_wake_on_a_signal_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="'trend'"):
        run(setup_of([rising()]), Recording(wake=Wake(on_change=("trend",))))


def test_a_strategy_that_raises_in_its_signals_is_blamed() -> None:
    class Broken(Recording):
        def signals(self, market: Market) -> Mapping[str, Any]:
            return {"x": market.no_such_name}  # type: ignore[attr-defined]

    with pytest.raises(StrategyError, match=r"Broken raised AttributeError.*signals.*py:\d+"):
        run(setup_of([rising()]), Broken())


def test_a_rule_that_raises_is_blamed_with_its_bar_and_line() -> None:
    """TR-03 for rules."""

    class Dividing(Nothing):
        @staticmethod
        def rule(now: Any, memory: Any, parameters: Any, intents: Any) -> int:
            del memory, parameters, intents
            return 1 // (20 - now[rules.NOW_STEP]) * 0

    with pytest.raises(StrategyError, match=r"Dividing raised ZeroDivisionError.*on bar 20, at"):
        run(setup_of([rising()]), Dividing())


def test_a_rule_that_leaves_its_tables_is_blamed() -> None:
    class Outside(Nothing):
        @staticmethod
        def rule(now: Any, memory: Any, parameters: Any, intents: Any) -> int:
            del now, parameters, intents
            memory[5] = 1
            return 0

    with pytest.raises(StrategyError, match=r"Outside raised IndexError"):
        run(setup_of([rising()]), Outside())


def test_a_rule_may_write_several_intents() -> None:
    class Two(Nothing):
        @staticmethod
        def rule(now: Any, memory: Any, parameters: Any, intents: Any) -> int:
            del memory, parameters
            if now[rules.NOW_STEP] != 3:
                return 0
            rules.write_market(intents, 0, 0, 5, codes.ENTRY)
            rules.write_market(intents, 1, 0, 2, codes.ENTRY)
            return 2

        def max_intents(self) -> int:
            return 2

    assert run(setup_of([rising()]), Two()).fills.lots.tolist() == [5, 2]


def test_records_made_before_a_strategy_raised_are_handed_over() -> None:
    class Late(BarStrategy):
        book = Book.TRADING

        def on_bar(self, view: View) -> Intent | None:
            if view.step == 20:
                raise RuntimeError(view.step)
            return buy() if view.step == 3 else None

    words: list[int] = []
    with pytest.raises(StrategyError, match="on bar 20"):
        simulate(
            setup_of([rising()]), [("late", Late())], on_records=lambda w: words.extend(w.tolist())
        )
    assert len(words) > 50


def _drop(words: Any) -> None:
    """Keep no record."""


def test_an_entry_that_fills_for_ever_in_a_thin_market_never_fills_the_order_table() -> None:
    """A stopped entry used to go on buying, a new stop and target for each part (exit 70)."""
    instrument = built_in_instrument("BTC/USD")
    assert instrument is not None
    thick = mock_bars(instrument, 1_500, 0, 30 * MINUTE_NS)
    bars = replace(thick, volume_lots=thick.volume_lots // 10_000)
    strategy = load_strategy("sma_bracket", {"fraction": "1"})
    setup = setup_of([bars], cash=100_000)
    outcome = simulate(setup, [strategy], on_records=_drop)
    account = outcome.state.arrays.account
    assert account[at.N_FILLS] > 1_000
    assert account[at.N_ROWS] <= 3  # one entry, its stop, its target
    assert account[at.N_ILLEGAL] == 0


def test_thousands_of_intents_on_one_bar_are_refused_and_not_a_crash() -> None:
    """They used to fill the record buffer; now records are handed over between intents."""
    flood = Recording({5: [buy()] * 6_000}, EVERY_MINUTE)
    simulated = run(setup_of([rising()], is_open=False), flood)
    account = simulated.outcome.state.arrays.account
    assert account[at.N_INTENTS] == 6_000
    assert account[at.N_DENIED] >= 5_990
