"""A host asks whom a closed step wakes, says what does not fit, and outlives who raises."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import HOUR_NS, Side, format_time
from athena.errors import InputError, StrategyError
from athena.research.hosting import StrategyHost
from athena.research.strategies import load_strategy
from athena.trading import (
    Bar,
    BarStrategy,
    Intent,
    Market,
    RuleStrategy,
    Strategy,
    View,
    Wake,
    WokenStrategy,
)
from athena.trading import layout as at
from tests.conftest import ROOT
from tests.hosting_driver import state_of
from tests.market_builder import START_NS, bars_of, driftless_bars, setup_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.domain import Bars
    from athena.research.hosting import Decision
    from athena.trading import StateTables

BARS = driftless_bars(60, 1, "BTC/USD", HOUR_NS)
OTHER = driftless_bars(60, 2, "ETH/USD", HOUR_NS)


class Seeing(BarStrategy):
    """Write down what it is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, tuple[Bar, ...]]] = []
        self.markets: list[Market] = []

    def signals(self, market: Market) -> Mapping[str, Any]:
        self.markets.append(market)
        return {}

    def on_bar(self, view: View) -> None:
        self.seen.append((view.step, view.now_ns, view.bars))


class Trend(WokenStrategy):
    """Woken by a change of trend only; buys one lot."""

    wake = Wake(on_change=("up",))

    def signals(self, market: Market) -> Mapping[str, Any]:
        return {"up": np.diff(market.close[0], prepend=0) > 0}

    def on_wake(self, view: View) -> Intent:
        del view
        return Intent(side=Side.BUY, lots=1)


class Raising(BarStrategy):
    """Raise on its third bar."""

    def __init__(self) -> None:
        self.n_calls = 0

    def on_bar(self, view: View) -> None:
        del view
        self.n_calls += 1
        if self.n_calls == 3:
            message = "no such thing"
            raise LookupError(message)


def hosted(
    *strategies: Strategy, n_before: int = 0, bars: Bars = BARS, **options: Any
) -> StrategyHost:
    host, _ = hosted_with(*strategies, n_before=n_before, bars=bars, **options)
    return host


def hosted_with(
    *strategies: Strategy, n_before: int = 0, bars: Bars = BARS, **options: Any
) -> tuple[StrategyHost, StateTables]:
    named = [(type(item).__name__, item) for item in strategies]
    state = state_of(setup_of([bars]), named)
    return StrategyHost(named, [bars.rows(0, n_before)], state.views, **options), state


def bar_at(step: int, bars: Bars = BARS) -> Bar:
    return Bar(*(int(column[step]) for column in bars.columns()[1:]))


def show(host: StrategyHost, *steps: int) -> list[tuple[Decision, ...]]:
    return [host.on_bars(int(BARS.ts_ns[step]) + HOUR_NS, {0: bar_at(step)}) for step in steps]


def closes(*prices: int) -> list[tuple[int, dict[int, Bar]]]:
    return [(START_NS + (k + 1) * HOUR_NS, {0: Bar(p, p, p, p, 10)}) for k, p in enumerate(prices)]


# --- what is shown -----------------------------------------------------------------------------


def test_history_is_in_the_columns_and_gives_no_orders() -> None:
    """Rule 7."""
    strategy = Seeing()
    host = hosted(strategy, n_before=10)
    assert strategy.seen == []
    show(host, 10, 11)
    assert [step for step, _, _ in strategy.seen] == [10, 11]
    assert strategy.seen[0][1:] == (int(BARS.ts_ns[10]) + HOUR_NS, (bar_at(10),))
    assert strategy.markets[-1].close[0].tolist() == BARS.close_ticks[:12].tolist()


def test_columns_that_a_strategy_kept_stay_as_they_were_and_cannot_be_written() -> None:
    strategy = Seeing()
    host = hosted(strategy, n_before=2)
    show(host, 2, 3, 4)
    assert [len(market.close_ns) for market in strategy.markets[-3:]] == [3, 4, 5]
    with pytest.raises(ValueError, match="read-only"):
        strategy.markets[-1].close[0, 0] = 1


def test_a_full_window_drops_its_oldest_eighth_at_once() -> None:
    host = hosted(Seeing(), window_bars=16)
    lengths = [len(host.market.close_ns) for step in range(40) if show(host, step) is not None]
    assert lengths[:19] == [*range(1, 17), 15, 16, 15]
    assert max(lengths) == 16
    assert host.market.close[0].tolist() == BARS.close_ticks[40 - lengths[-1] : 40].tolist()


def test_a_history_longer_than_the_window_is_cut() -> None:
    host = hosted(Seeing(), n_before=50, window_bars=20)
    assert host.market.close[0].tolist() == BARS.close_ticks[30:50].tolist()


def test_a_missing_bar_repeats_the_last_close_without_volume() -> None:
    strategy = Seeing()
    state = state_of(setup_of([BARS, OTHER]), [("seeing", strategy)])
    host = StrategyHost([("seeing", strategy)], [BARS.rows(0, 0), OTHER.rows(0, 0)], state.views)
    for step, (close_ns, found) in enumerate(closes(100, 110, 120)):
        host.on_bars(close_ns, found if step != 1 else {1: Bar(7, 8, 6, 7, 9)})
    assert [bars[0] for _, _, bars in strategy.seen][1] == Bar(100, 100, 100, 100, -1)
    assert [bars[1] for _, _, bars in strategy.seen] == [
        Bar(0, 0, 0, 0, -1),
        Bar(7, 8, 6, 7, 9),
        Bar(7, 7, 7, 7, -1),
    ]


def test_the_page_of_the_documentation_runs() -> None:
    page = (ROOT / "docs" / "explanation" / "live-strategies.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(example, "live-strategies.md", "exec"), {})  # noqa: S102 - our own page
    assert "decision.keyed()" in example


# --- who is asked ------------------------------------------------------------------------------


def test_the_first_step_wakes_whoever_waits_for_a_change() -> None:
    """As the first bar of a run does; else a trend that stands already would be missed."""
    host = hosted(Trend())
    asked = [len(host.on_bars(*step)) for step in closes(10, 11, 12, 11, 10, 12)]
    assert asked == [1, 0, 0, 1, 0, 1]


def test_a_change_that_was_missed_while_it_was_down_wakes_at_the_next_step() -> None:
    steps = closes(10, 11, 12, 11, 10, 9)
    host = hosted(Trend())
    for step in steps[:3]:
        host.on_bars(*step)
    saved = json.loads(json.dumps(host.save()))
    prices = [row[1][0] for row in steps[:5]]
    columns = [[ns - HOUR_NS for ns, _ in steps[:5]], *zip(*prices, strict=True)]
    past = bars_of(columns, "BTC/USD", HOUR_NS)
    state = state_of(setup_of([past]), [("Trend", Trend())])
    late = StrategyHost([("Trend", Trend())], [past], state.views, saved=saved)
    assert len(late.on_bars(*steps[5])) == 1
    unbroken = [len(host.on_bars(*step)) for step in steps[3:]]
    assert unbroken == [1, 0, 0], "it would sleep at that step, had it not been down"


def test_a_moment_that_is_past_wakes_once_and_not_again_after_a_restart() -> None:
    class Timed(WokenStrategy):
        wake = Wake(at_ns=(START_NS, START_NS + 3 * HOUR_NS - 1))

        def on_wake(self, view: View) -> None:
            del view

    host = hosted(Timed())
    asked = [len(host.on_bars(*step)) for step in closes(1, 2, 3, 4)]
    assert asked == [1, 0, 1, 0]


def test_fills_from_before_are_no_news_and_those_after_are_told_once() -> None:
    class Told(WokenStrategy):
        wake = Wake(on_fill=True)

        def on_wake(self, view: View) -> None:
            assert view.has_filled

    strategy = Told()
    named = [("Told", strategy)]
    state = state_of(setup_of([BARS]), named)
    state.views.strategies[0, at.STRATEGY_FILLS] = 7
    host = StrategyHost(named, [BARS.rows(0, 0)], state.views)
    assert show(host, 0) == [()]
    state.views.strategies[0, at.STRATEGY_FILLS] = 8
    assert [len(step) for step in show(host, 1, 2)] == [1, 0]


def test_a_strategy_that_is_stopped_is_asked_no_more_also_after_a_restart() -> None:
    host = hosted(Seeing(), Trend())
    show(host, 0)
    host.stop(0)
    assert {one.slot for step in show(host, *range(1, 20)) for one in step} == {1}
    again = hosted(Seeing(), Trend(), n_before=20, saved=json.loads(json.dumps(host.save())))
    assert {one.slot for step in show(again, *range(20, 40)) for one in step} == {1}


def test_the_same_question_has_the_same_key_and_another_one_another() -> None:
    def keys(*steps: int) -> list[int]:
        host = hosted(_Wanting([Intent(side=Side.BUY, lots=1), Intent(side=Side.BUY, lots=1)]))
        decisions = [decision for step in show(host, *steps) for decision in step]
        return [intent.key for decision in decisions for intent in decision.keyed()]

    assert keys(3, 4) == keys(3, 4)
    assert keys(3) == keys(2, 3)[2:]
    assert len(set(keys(3, 4, 5))) == 6
    own = Intent(side=Side.BUY, lots=1, key=17)
    assert show(hosted(_Wanting(own)), 0)[0][0].keyed() == (own,)


# --- who raises --------------------------------------------------------------------------------


def test_who_raises_is_named_with_the_bars_time_and_asked_no_more() -> None:
    """TR-03: the others are not held up; what becomes of its orders is the session's."""
    seeing = Seeing()
    host = hosted(Raising(), seeing)
    decisions = show(host, 0, 1, 2, 3)
    error = decisions[2][0].error
    assert isinstance(error, StrategyError)
    assert error.exit_code == 70
    assert error.n_bars == 2
    closed = format_time(int(BARS.ts_ns[2]) + HOUR_NS)
    assert str(error).startswith("Raising raised LookupError: no such thing, on bar 2, at ")
    assert str(error).endswith(f"(bar closed {closed})")
    assert decisions[2][0].intents == ()
    assert [one.name for one in decisions[3]] == ["Seeing"]
    assert len(seeing.seen) == 4


class _Wanting(BarStrategy):
    """Want something at every bar."""

    def __init__(self, wanted: Any) -> None:
        self.wanted = wanted

    def on_bar(self, view: View) -> Any:
        del view
        return self.wanted


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("buy", "to return intents, was str"),
        (Intent(side=Side.BUY, lots=1.5), "whole numbers and known names"),  # type: ignore[arg-type]
        (Intent(side=Side.BUY, lots=2**70), "whole numbers and known names"),
        (Intent(side="up", lots=1), "whole numbers and known names"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_intent_is_blamed_on_the_strategy(wanted: Any, message: str) -> None:
    (decision,) = show(hosted(_Wanting(wanted)), 0)[0]
    assert decision.intents == ()
    assert message in str(decision.error)


def test_an_interrupt_is_not_the_strategys_doing() -> None:
    class Interrupted(BarStrategy):
        def on_bar(self, view: View) -> None:
            del view
            raise KeyboardInterrupt

    host = hosted(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        show(host, 0)


def test_signals_that_fail_are_said_before_the_first_bar_when_there_is_history() -> None:
    class Wrong(Trend):
        def signals(self, market: Market) -> Mapping[str, Any]:
            return {"down": market.close[0]}

    with pytest.raises(InputError, match="name a signal of"):
        hosted(Wrong(), n_before=5)
    decision = show(hosted(Wrong()), 0)[0][0]
    assert "name a signal of" in str(decision.error)


class _Rule(RuleStrategy):
    """Write what it is told to."""

    def __init__(self, n: int = 1, field: int = at.I_SIDE, value: int = 1) -> None:
        self.told = [n, field, value]

    @staticmethod
    def rule(now: Any, memory: Any, parameters: Any, intents: Any) -> int:
        from athena.trading import codes, rules

        rules.write_market(intents, 0, 0, 5, codes.ENTRY)
        intents[parameters[1]] = parameters[2]
        memory[0] = now[rules.NOW_NS]
        return int(parameters[0])

    def parameters(self, market: Market) -> list[int]:
        del market
        return self.told

    def memory_size(self) -> int:
        return 1


def test_a_rule_is_shown_what_came_before_and_its_wishes_there_count_as_refused() -> None:
    host = hosted(_Rule(), n_before=10)
    ((decision,),) = show(host, 10)
    assert decision.intents == (Intent(side=Side.BUY, lots=5),)
    place = host.save()["strategies"][0]
    assert (place["n_shown"], place["memory"]) == (11, [int(BARS.ts_ns[10]) + HOUR_NS])


def test_a_rule_that_was_down_is_shown_the_bars_that_it_missed() -> None:
    host = hosted(_Rule(), n_before=10)
    show(host, 10)
    late = hosted(_Rule(), n_before=20, saved=json.loads(json.dumps(host.save())))
    assert len(show(late, 20)[0]) == 1
    assert late.save()["strategies"][0]["n_shown"] == 21


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (_Rule(n=2), "to write up to 1 intents, was 2"),
        (_Rule(n=-1), "to write up to 1 intents, was -1"),
        (_Rule(field=at.I_SIDE, value=0), "expected known codes"),
        (_Rule(field=at.I_TYPE, value=99), "expected known codes"),
        (_Rule(field=at.I_FLAGS, value=at.FLAG_REDUCE_ONLY), "as `write_intent` writes one"),
        (_Rule(field=10**6), "IndexError"),
    ],
)
def test_a_rule_that_writes_what_is_no_intent_is_blamed(rule: _Rule, message: str) -> None:
    (decision,) = show(hosted(rule), 0)[0]
    assert message in str(decision.error)


# --- what does not fit -------------------------------------------------------------------------


class _OfNoKind(Strategy):
    """Neither called, woken nor a rule."""


class Fitted(Trend):
    def fit(self, market: Market) -> None:
        """Learn."""


def test_strategies_that_cannot_be_hosted_are_refused() -> None:
    with pytest.raises(InputError, match="expected 1 to 1 strategies, was 0"):
        StrategyHost([], [BARS], state_of(setup_of([BARS]), [("a", Trend())]).views)
    with pytest.raises(InputError, match="expected a strategy that needs no fit, was Fitted"):
        hosted(Fitted())
    with pytest.raises(InputError, match="expected a compiled rule to run alone"):
        hosted(load_strategy("sma_cross", {}, kind="rule")[1], Trend())
    with pytest.raises(InputError, match="a Bar-, Woken- or RuleStrategy"):
        hosted(_OfNoKind())
    with pytest.raises(InputError, match="expected a window of 2 bars or more, was 1"):
        hosted(Trend(), window_bars=1)


def test_history_that_does_not_fit_the_session_is_refused() -> None:
    named = [("Trend", Trend())]
    state = state_of(setup_of([BARS, OTHER]), named).views
    with pytest.raises(InputError, match="the session's 2 instruments, was of 1"):
        StrategyHost(named, [BARS], state)
    with pytest.raises(InputError, match="expected bars of ETH/USD"):
        StrategyHost(named, [BARS, OTHER.rows(0, 0)], state)
    minutes = bars_of([[]] * 6, "ETH/USD")
    with pytest.raises(InputError, match="one interval for all instruments, was 1m, 1h"):
        StrategyHost(named, [BARS.rows(0, 0), minutes], state)
    with pytest.raises(InputError, match="at least one instrument"):
        StrategyHost(named, [], state)


def test_no_bar_is_no_step() -> None:
    """D03: a source that is down brings no decision; nothing is put in its place."""
    strategy = Seeing()
    host = hosted(strategy, n_before=3)
    with pytest.raises(InputError, match="instruments 0 to 0, was of none"):
        host.on_bars(int(BARS.ts_ns[3]) + HOUR_NS, {})
    with pytest.raises(InputError, match=r"instruments 0 to 0, was of \[1\]"):
        host.on_bars(int(BARS.ts_ns[3]) + HOUR_NS, {1: bar_at(3)})
    with pytest.raises(InputError, match="expected a step after"):
        show(host, 2)
    assert strategy.seen == []
    assert len(host.market.close_ns) == 3


def test_memory_of_other_strategies_or_parameters_is_refused() -> None:
    def made(fast: int) -> Strategy:
        return load_strategy("sma_cross", {"fast": str(fast)})[1]

    host = hosted(made(5), n_before=5)
    show(host, 5)
    saved = host.save()
    assert hosted(made(5), n_before=6, saved=saved).n_decided == 0
    with pytest.raises(InputError, match="expected the memory of SmaCrossWoken") as refused:
        hosted(made(6), n_before=6, saved=saved)
    assert "begin anew without it" in refused.value.hint
    with pytest.raises(InputError, match="version 1 and 2 strategies, was version 1 and 1"):
        hosted(made(5), Trend(), saved=saved)
    with pytest.raises(InputError, match="was version 2 and 1"):
        hosted(made(5), saved={**saved, "version": 2})
