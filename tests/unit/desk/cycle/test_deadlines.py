"""Agents with deadlines: who hangs is left behind, and what he says later is still kept."""

from __future__ import annotations

import threading
import time
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.contract import Context, Output, Role, Unavailable
from athena.desk.coordinator import HoldCode
from athena.desk.cycle import DeadlineAsker, Request, run_cycle
from athena.domain import Action
from tests.cycle_builder import (
    PLACE,
    RISING,
    Scripted,
    an_output,
    cycles,
    desk_of,
    inputs_of,
    roster_of,
    rule_based,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from athena.desk.agents import Roster
    from athena.desk.cycle import Desk

MILLISECOND_NS = 1_000_000
_SOON_NS = 50 * MILLISECOND_NS
_LONG_NS = 10_000 * MILLISECOND_NS
_TICK_NS = 1_000 * MILLISECOND_NS


class Gate:
    """An agent's script that waits until it is let through."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Event()

    def __call__(self, _: Context[Any]) -> Output | None:
        self.entered.set()
        assert self.opened.wait(30)
        return None


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


def context_of(as_of_ns: int = 1) -> Context[Any]:
    return Context(task="view", symbol="X", as_of_ns=as_of_ns, correlation_id="", inputs=None)


def asker_of(**scripts: Callable[[Context[Any]], Output | None]) -> Any:
    agents = {name: Scripted(name, Role.TECHNICAL, script) for name, script in scripts.items()}
    roster = roster_of({name: lambda a=agent: a for name, agent in agents.items()})
    return DeadlineAsker(roster, time.monotonic_ns), roster


def test_answers_come_in_the_order_of_the_requests() -> None:
    asker, _ = asker_of(a=lambda _: None, b=lambda _: None)
    asker.begin()
    found = asker.ask([Request("b", context_of()), Request("a", context_of())], _LONG_NS)
    assert [one.agent for one in found] == ["b", "a"]
    asker.close()


def test_agents_of_a_step_think_at_the_same_time() -> None:
    """Each waits for the other: one after the other they would wait for ever."""
    both = threading.Barrier(2)

    def meet(_: Context[Any]) -> Output | None:
        both.wait(10)
        return None

    asker, _ = asker_of(a=meet, b=meet)
    asker.begin()
    found = asker.ask([Request(name, context_of()) for name in "ab"], _LONG_NS)
    assert all(isinstance(one, Output) for one in found)


def test_who_hangs_is_left_behind_and_counted(gate: Gate) -> None:
    asker, roster = asker_of(slow=gate, quick=lambda _: None)
    asker.begin()
    slow, quick = asker.ask([Request(n, context_of()) for n in ("slow", "quick")], _SOON_NS)
    assert slow == Unavailable("slow", "no answer in time")
    assert isinstance(quick, Output)
    assert roster.health("slow").n_timeouts == 1


def test_who_is_busy_is_not_asked_again_and_the_third_failure_disables_him(gate: Gate) -> None:
    """DK-03: others are unaffected."""
    asker, roster = asker_of(slow=gate)
    reasons = []
    for _ in range(4):
        asker.begin()
        (answer,) = asker.ask([Request("slow", context_of())], _SOON_NS)
        reasons.append(answer.reason)
    assert reasons == ["no answer in time", "is still busy", "is still busy", "disabled"]
    assert roster.health("slow").n_timeouts == 3


def test_what_comes_late_is_kept_once_and_the_agent_is_asked_again(gate: Gate) -> None:
    asker, _ = asker_of(slow=gate)
    asker.begin()
    asker.ask([Request("slow", context_of(7))], _SOON_NS)
    gate.opened.set()
    late = _until(asker.late)
    assert [one.as_of_ns for one in late] == [7]
    assert asker.late() == ()
    asker.begin()
    (again,) = asker.ask([Request("slow", context_of(8))], _LONG_NS)
    assert again.as_of_ns == 8


def _until(read: Callable[[], tuple[Output, ...]]) -> tuple[Output, ...]:
    """Read until there is something; a thread has yet to hand it over."""
    patience = threading.Event()
    for _ in range(1_000):
        found = read()
        if found:
            return found
        patience.wait(0.01)
    return ()


def test_an_agent_that_raises_answers_with_the_reason() -> None:
    def fail(_: Context[Any]) -> Output | None:
        message = "broken"
        raise ValueError(message)

    asker, _ = asker_of(bad=fail)
    asker.begin()
    assert asker.ask([Request("bad", context_of())], _LONG_NS) == (
        Unavailable("bad", "ValueError: broken"),
    )


# --- in a cycle -------------------------------------------------------------------------------


def in_real_time(roster: Roster) -> DeadlineAsker:
    return DeadlineAsker(roster, time.monotonic_ns)


def by_looks(roster: Roster) -> DeadlineAsker:
    """Ask on a clock on which each look takes a tick: an answer takes one, and so does a wait."""
    return DeadlineAsker(roster, count(0, _TICK_NS).__next__)


def desk_with(
    name: str,
    role: Role,
    script: Any,
    *,
    asker: Callable[[Roster], DeadlineAsker] = in_real_time,
    decision_ns: int = _LONG_NS,
) -> Desk:
    # Three want to buy: without one of them a majority does still, and the missing view decides.
    buyers = (Role.TECHNICAL, Role.REGIME, Role.STRATEGY)
    factories = {
        **rule_based(),
        **{
            buyer.value: lambda buyer=buyer: Scripted(
                buyer.value, buyer, _buying(buyer.value, buyer)
            )
            for buyer in buyers
        },
        name: lambda: Scripted(name, role, script),
    }
    return desk_of(factories, asker=asker, decision_ns=decision_ns)


def _buying(name: str, role: Role) -> Any:
    return lambda context: an_output(name, role, context, action=Action.BUY)


def test_a_sentiment_agent_that_hangs_is_done_without(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DK-01: at the deadline, and with the reason.

    The deadline falls between the last answer and the next look: nobody waits for who hangs, and
    each of the others has half a second at least.
    """
    desk = desk_with(
        "sentiment", Role.SENTIMENT, gate, asker=by_looks, decision_ns=1_000 * _TICK_NS
    )
    n_views = len(desk.team.markets) + len(desk.team.texts)
    views_ns = n_views * _TICK_NS - _TICK_NS // 2
    monkeypatch.setattr("athena.desk.cycle._cycle.VIEWS_NS", views_ns)
    result = run_cycle(desk, inputs_of(RISING), PLACE)
    assert [item.what for item in result.missing] == ["sentiment"]
    assert {"technical", "regime"} <= {vote.agent for vote in result.decision.votes}
    assert "sentiment" not in {output.agent for output in result.outputs}
    assert result.decision.hold_code != HoldCode.MISSING_VIEW.value
    assert result.latencies_ns["views"] >= views_ns


@pytest.mark.parametrize("name", ["technical", "regime", "risk"])
def test_a_required_agent_that_hangs_makes_it_hold(
    name: str, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DK-01, DK-17: no trade, and not the last decision either."""
    monkeypatch.setattr("athena.desk.cycle._cycle.VIEWS_NS", _SOON_NS)
    # A view is missed long before the decision is due: all other steps are taken without it.
    decision_ns = _SOON_NS if name == "risk" else _LONG_NS
    desk = desk_with(name, Role(name), gate, decision_ns=decision_ns)
    result = run_cycle(desk, inputs_of(RISING), PLACE)
    assert name in {item.what for item in result.missing}
    assert result.decision.hold_code == HoldCode.MISSING_VIEW.value
    assert (result.decision.action, result.intents) == (Action.HOLD, ())


def test_all_agents_hanging_is_no_trade(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> None:
    """C26, DK-17."""
    monkeypatch.setattr("athena.desk.cycle._cycle.VIEWS_NS", _SOON_NS)
    factories = {
        role.value: lambda role=role: Scripted(role.value, role, gate)
        for role in Role
        if role is not Role.PORTFOLIO
    }
    desk = desk_of(factories, asker=in_real_time, decision_ns=_SOON_NS)
    result = run_cycle(desk, inputs_of(RISING), PLACE)
    assert result.decision.hold_code == HoldCode.NO_RECOMMENDATION.value
    assert len(result.missing) == len(factories)
    assert result.intents == ()


class Slow:
    """An asker on whose clock six seconds go by while the desk deliberates."""

    def __init__(self, roster: Any) -> None:
        self._roster = roster
        self._n = 0

    def begin(self) -> None:
        pass

    def elapsed_ns(self) -> int:
        self._n += 1
        return 6_000 * MILLISECOND_NS if self._n > 9 else 1

    def ask(self, requests: Any, deadline_ns: int) -> Any:
        assert deadline_ns > 0
        return tuple(self._roster.run(name, context) for name, context in requests)

    def late(self) -> tuple[Output, ...]:
        return ()


def test_a_decision_that_comes_too_late_is_shown_and_not_traded() -> None:
    desk = desk_of(asker=Slow)
    for end in (128, 129, 130):
        desk.asker._n = 0
        result = run_cycle(desk, inputs_of(RISING[:end]), PLACE)
    assert result.decision.hold_code == HoldCode.LATE.value
    assert "the decision took 6.0 s, 5 s are allowed" in result.decision.reasons
    assert result.intents == ()


def test_the_same_agents_decide_the_same_whoever_asks_them() -> None:
    """Backtest and paper differ in how agents are asked, and in nothing else."""
    inline = cycles(desk_of(), RISING, 3)[-1]
    asked = cycles(desk_of(asker=lambda r: DeadlineAsker(r, lambda: 0)), RISING, 3)[-1]
    assert asked.decision == inline.decision
    assert asked.intents == inline.intents
    assert asked.outputs == inline.outputs
