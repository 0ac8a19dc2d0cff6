"""Desks, their agents and inputs for tests of the decision cycle."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from athena.desk.agents import (
    Place,
    Roster,
    execution_agent,
    forecast_agent,
    regime_agent,
    risk_agent,
    sentiment_agent,
    strategy_agent,
    technical_agent,
)
from athena.desk.contract import ActionRecord, Context, Output, Role, Thought
from athena.desk.cycle import CycleInputs, CycleResult, Desk, InlineAsker, Team, run_cycle
from athena.domain import HOUR_NS, Action, Regime
from tests.desk_builder import account_of, instrument_of, snapshot_of, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.desk.contract import Agent
    from athena.desk.cycle import Asker

PLACE = Place(instrument_of(), 0, 0)
FLOORS = dict.fromkeys(Regime, 0.0)
# A market that rises so steadily that technical, regime and strategy agree to buy.
RISING = [40_000.0 * 1.004**k * (1 + 0.002 * (k % 3 - 1)) for k in range(130)]


def silence(_: Output) -> None:
    """Publish to nobody."""


def rule_based(publish: Callable[[Output], None] = silence) -> dict[str, Callable[[], Agent[Any]]]:
    """Return a factory for each agent of the rule-based desk, by name."""
    return {
        "technical": lambda: technical_agent(publish),
        "regime": lambda: regime_agent(publish),
        "forecast": lambda: forecast_agent(publish),
        "sentiment": lambda: sentiment_agent(publish),
        "strategy": lambda: strategy_agent(publish),
        "risk": lambda: risk_agent(publish),
        "execution": lambda: execution_agent(publish),
    }


def roster_of(factories: dict[str, Callable[[], Agent[Any]]]) -> Roster:
    """Seat agents; alerts are dropped, no time goes by."""
    roster = Roster(lambda _: None, lambda: 0)
    for factory in factories.values():
        roster.add(factory)
    return roster


def desk_of(
    factories: dict[str, Callable[[], Agent[Any]]] | None = None,
    *,
    asker: Callable[[Roster], Asker] = InlineAsker,
    panels: tuple[str, ...] = (),
    **more: Any,
) -> Desk:
    """Make a desk; the full rule-based one without factories."""
    roster = roster_of(rule_based() if factories is None else factories)
    return Desk(team=Team.of(roster, panels), asker=asker(roster), **more)


def inputs_of(closes: Sequence[float] | None = None, **changes: Any) -> CycleInputs:
    """Make the inputs of a cycle on hourly closes; a walk without any."""
    snapshot = changes.pop("snapshot", None) or snapshot_of(closes or walk(130, 7))
    values: dict[str, Any] = {
        "id": "cycle-1",
        "snapshot": snapshot,
        "now_ns": snapshot.as_of_ns,
        "account": replace(account_of(), as_of_ns=snapshot.as_of_ns),
        "returns": None,
        "confidence_floors": FLOORS,
    }
    return CycleInputs(**{**values, **changes})


def cycles(desk: Desk, closes: Sequence[float], n: int, **changes: Any) -> list[CycleResult]:
    """Run a cycle at each of the last `n` closes, the account unchanged."""
    results = []
    for end in range(len(closes) - n + 1, len(closes) + 1):
        inputs = inputs_of(closes[:end], id=f"cycle-{end}", **changes)
        results.append(run_cycle(desk, inputs, PLACE))
    return results


def an_output(name: str, role: Role, context: Context[Any], **changes: Any) -> Output:
    """Make an opinion of an agent in a context; it holds, and counts for an hour."""
    values: dict[str, Any] = {
        "agent": name,
        "role": role,
        "symbol": context.symbol,
        "as_of_ns": context.as_of_ns,
        "action": Action.HOLD,
        "confidence": 0.5,
        "raw_confidence": 0.5,
        "reasons": ("as planned",),
        "evidence": (),
        "input_ids": (),
        "version": "1",
        "valid_until_ns": context.as_of_ns + HOUR_NS,
    }
    return Output(**{**values, **changes})


@dataclass
class Scripted:
    """An agent that does what its script says and remembers what it was shown."""

    name: str
    role: Role
    script: Callable[[Context[Any]], Output | None] = lambda _: None
    version: str = "1"
    seen: list[Context[Any]] = field(default_factory=list)
    n_acts: int = 0

    def think(self, context: Context[Any]) -> Thought:
        self.seen.append(context)
        said = self.script(context) or an_output(self.name, self.role, context)
        return Thought(done=True, output=said)

    def act(self, thought: Thought) -> ActionRecord:
        self.n_acts += 1
        return ActionRecord("publish", (), str(thought.done), success=True, error="", duration_s=0)
