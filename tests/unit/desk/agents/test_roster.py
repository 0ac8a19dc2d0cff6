"""Every agent through one cycle; agents that loop, fail or lie, and the ones beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk import agents
from athena.desk.agents import (
    ExecutionInputs,
    PanelInputs,
    PortfolioInputs,
    RiskInputs,
    Roster,
    StrategyInputs,
    TechnicalSettings,
    execution_agent,
    forecast_agent,
    panel_agent,
    portfolio_agent,
    regime_agent,
    risk_agent,
    sentiment_agent,
    strategy_agent,
    technical_agent,
)
from athena.desk.contract import (
    ActionRecord,
    AgentState,
    Output,
    Role,
    Thought,
    Unavailable,
    decode,
    encode,
)
from athena.desk.inputs import Macro, MarketConditions, Texts
from athena.domain import Action, Regime
from athena.errors import InputError
from athena.trading.algorithms import Holdings, RebalanceRules, Rebalancing
from tests.desk_builder import (
    START_NS,
    Outbox,
    account_of,
    context_of,
    held,
    instrument_of,
    snapshot_of,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.desk.contract import Agent, Context

ENOUGH = snapshot_of(walk(120, 1))
TOO_FEW = snapshot_of(walk(10, 1))


def strategy_inputs(snapshot: Any) -> StrategyInputs:
    return StrategyInputs(
        snapshot=snapshot, regime=Regime.RANGING, trend_strength=0.0, account=account_of()
    )


def core_book(equity: int) -> PortfolioInputs:
    half = equity // 2
    return PortfolioInputs(
        symbols=("BTC/USDT", "XRP/USDT"),
        quote="USDT",
        rules=RebalanceRules(0, (333_300, 333_300)),
        holdings=Holdings((half, half), equity, (100, 100), (equity, equity)),
        state=Rebalancing(),
    )


def execution_inputs(price: str | None) -> ExecutionInputs:
    return ExecutionInputs(
        instrument=instrument_of(),
        proposal=None,
        conditions=MarketConditions(
            price=None if price is None else Decimal(price), quoted_at_ns=START_NS
        ),
        account=account_of(),
    )


@dataclass
class Case:
    make: Callable[[Outbox], Agent[Any]]
    enough: Any
    not_enough: Any


CASES = {
    "technical": Case(technical_agent, ENOUGH, TOO_FEW),
    "regime": Case(regime_agent, ENOUGH, TOO_FEW),
    "sentiment": Case(sentiment_agent, Texts(), Texts()),
    "forecast": Case(forecast_agent, ENOUGH, TOO_FEW),
    "strategy": Case(strategy_agent, strategy_inputs(ENOUGH), strategy_inputs(TOO_FEW)),
    "panel": Case(
        panel_agent,
        PanelInputs(snapshot=ENOUGH, regime=Regime.RANGING, account=account_of(), answers=()),
        PanelInputs(
            snapshot=TOO_FEW,
            regime=Regime.RANGING,
            account=None,
            answers=Unavailable("panel", "not configured"),
        ),
    ),
    "execution": Case(execution_agent, execution_inputs("40000"), execution_inputs(None)),
    "portfolio": Case(portfolio_agent, core_book(10**13), core_book(0)),
    "risk": Case(
        risk_agent,
        RiskInputs(
            account=account_of(held("BTC/USDT", "1", "40000")), returns=None, macro=Macro()
        ),
        RiskInputs(account=None, returns=None, macro=Macro()),
    ),
}


def roster(alerts: list[str] | None = None) -> Roster:
    ticks = iter(range(0, 10**12, 1_000_000))
    return Roster((alerts if alerts is not None else []).append, lambda: next(ticks))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("is_enough", [True, False])
def test_each_agent_is_done_once_acts_once_and_publishes_once(name: str, is_enough: bool) -> None:
    """A16: with data one output; without, hold with the reason."""
    case, outbox, desk = CASES[name], Outbox(), roster()
    desk.add(lambda: case.make(outbox))
    inputs = case.enough if is_enough else case.not_enough
    result = desk.run(name, context_of(inputs, as_of_ns=ENOUGH.as_of_ns))
    assert isinstance(result, Output)
    assert outbox.outputs == [result]
    assert [record.type for record in desk.history(name)] == ["publish"]
    assert result.valid_until_ns > result.as_of_ns == ENOUGH.as_of_ns
    assert result.reasons
    assert result.input_ids or name == "execution"
    if not is_enough:
        assert result.action is Action.HOLD
    health = desk.health(name)
    assert (health.state, health.n_runs, health.failures_in_row) == (AgentState.IDLE, 1, 0)
    assert health.last_success_ns == ENOUGH.as_of_ns
    assert health.last_latency_s == pytest.approx(0.001)


@pytest.mark.parametrize("name", CASES)
def test_what_an_agent_says_survives_writing_and_reading(name: str) -> None:
    outbox = Outbox()
    agent = CASES[name].make(outbox)
    output = agent.think(context_of(CASES[name].enough)).output
    assert output is not None
    assert decode(Output, encode(output)) == output


@pytest.mark.parametrize("name", CASES)
def test_the_same_context_gives_the_same_thought(name: str) -> None:
    context = context_of(CASES[name].enough)
    thoughts = [encode(CASES[name].make(Outbox()).think(context)) for _ in range(2)]
    assert thoughts[0] == thoughts[1]


def test_the_version_names_rule_and_settings() -> None:
    usual, other = (
        technical_agent(Outbox(), settings).version
        for settings in (None, TechnicalSettings(overbought=71.0))
    )
    assert usual.startswith("technical-1/")
    assert usual != other
    assert usual == technical_agent(Outbox(), TechnicalSettings()).version


def test_every_agent_and_every_role_is_among_the_cases() -> None:
    """A new agent cannot forget the laws above."""
    made = {name.removesuffix("_agent") for name in agents.__all__ if name.endswith("_agent")}
    assert set(CASES) == made
    assert {CASES[name].make(Outbox()).role for name in CASES} == set(Role)


@dataclass
class Guest:
    """An agent that does what a test says."""

    name: str = "guest"
    role: Role = Role.TECHNICAL
    version: str = "1"
    error: Exception | None = None
    done: bool = False
    succeeds: bool = True
    seen: list[int] = field(default_factory=list)

    def think(self, context: Context[Any]) -> Thought:
        self.seen.append(len(context.actions))
        if self.error is not None:
            raise self.error
        return Thought(done=self.done, note="thinking on")

    def act(self, thought: Thought) -> ActionRecord:
        said = "" if self.succeeds else "the tool is broken"
        return ActionRecord("look up", (("q", "x"),), thought.note, self.succeeds, said, 0.0)


def test_a_loop_without_an_end_is_stopped_at_ten() -> None:
    """DK-29: error state, at most 100 actions kept, the last ten shown."""
    guest, desk = Guest(), roster()
    desk.add(lambda: guest)
    results = [desk.run("guest", context_of(None)) for _ in range(2)]
    assert results[0] == Unavailable("guest", "not done after 10 iterations")
    assert guest.seen == [*range(10), *[10] * 10]
    assert desk.health("guest").state is AgentState.ERROR
    for _ in range(12):
        desk.enable("guest", is_enabled=True)
        desk.run("guest", context_of(None))
    assert len(desk.history("guest")) == 100
    assert max(guest.seen) == 10


def test_a_failed_action_ends_the_run() -> None:
    guest, desk = Guest(succeeds=False), roster()
    desk.add(lambda: guest)
    result = desk.run("guest", context_of(None))
    assert result == Unavailable("guest", "look up failed: the tool is broken")
    assert guest.seen == [0]


def test_done_without_an_output_is_a_failure() -> None:
    desk = roster()
    desk.add(lambda: Guest(done=True))
    assert desk.run("guest", context_of(None)) == Unavailable("guest", "done without an output")


def test_an_agent_that_raises_is_made_anew_then_disabled() -> None:
    """DK-03: after the third time; nobody else notices."""
    made: list[Guest] = []
    alerts: list[str] = []

    def make() -> Guest:
        made.append(Guest(error=ZeroDivisionError("by zero")))
        return made[-1]

    desk, outbox = roster(alerts), Outbox()
    desk.add(make)
    desk.add(lambda: technical_agent(outbox))
    for _ in range(5):
        result = desk.run("guest", context_of(None))
        assert isinstance(desk.run("technical", context_of(ENOUGH)), Output)
    assert result == Unavailable("guest", "disabled")
    assert len(made) == 3
    assert alerts == ["guest is disabled after 3 failures: ZeroDivisionError: by zero"]
    health = desk.health("guest")
    assert (health.is_disabled, health.n_errors, health.n_runs) == (True, 3, 3)
    assert len(outbox.outputs) == 5


def test_a_success_forgives_earlier_failures() -> None:
    desk, outbox = roster(), Outbox()
    desk.add(lambda: technical_agent(outbox))
    for _ in range(4):
        desk.run("technical", context_of("no snapshot"))
        desk.run("technical", context_of("no snapshot"))
        assert isinstance(desk.run("technical", context_of(ENOUGH)), Output)
    assert desk.health("technical").n_errors == 8


def test_answers_that_come_too_late_count_as_failures() -> None:
    alerts: list[str] = []
    desk = roster(alerts)
    desk.add(lambda: technical_agent(Outbox()))
    for _ in range(3):
        desk.note_timeout("technical")
    assert desk.health("technical").n_timeouts == 3
    assert alerts == ["technical is disabled after 3 failures: no answer in time"]
    desk.enable("technical", is_enabled=True)
    assert isinstance(desk.run("technical", context_of(ENOUGH)), Output)


def test_names_are_unique_and_roles_may_be_shared() -> None:
    desk = roster()
    desk.add(lambda: technical_agent(Outbox()))
    desk.add(lambda: technical_agent(Outbox(), name="second"))
    desk.add(lambda: risk_agent(Outbox()))
    assert desk.names() == ("risk", "second", "technical")
    assert desk.names(Role.TECHNICAL) == ("second", "technical")
    with pytest.raises(InputError, match="'risk', which is seated already"):
        desk.add(lambda: risk_agent(Outbox()))
    with pytest.raises(InputError, match="expected one of risk, second, technical"):
        desk.run("nobody", context_of(None))


def test_a_version_is_swapped_between_cycles() -> None:
    desk = roster()
    desk.add(lambda: Guest(version="1"))
    desk.run("guest", context_of(None))
    desk.swap("guest", lambda: Guest(version="2"))
    assert desk.agent("guest").version == "2"
    assert len(desk.history("guest")) == 10
    assert desk.health("guest").n_errors == 0
    for other in (Guest(name="other"), Guest(role=Role.RISK)):
        with pytest.raises(InputError, match="expected another version of guest"):
            desk.swap("guest", lambda other=other: other)  # type: ignore[misc]


def test_an_agent_needs_a_name() -> None:
    with pytest.raises(InputError, match="expected a name"):
        technical_agent(Outbox(), name="")
