"""Who takes part in a cycle, and what the desk remembers from one to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from athena.desk.contract import Role
from athena.desk.cycle._asking import DECISION_NS

if TYPE_CHECKING:
    from athena.desk.agents import Roster
    from athena.desk.contract import Output
    from athena.desk.coordinator import Hook, Judge
    from athena.desk.cycle._asking import Asker
    from athena.desk.cycle._result import CycleResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Names of the agents, by the step that asks them; a role may have several, each votes.

    Attributes:
        markets: views of the market: technical, regime and forecast.
        texts: views of what is said: sentiment.
        strategies: propose by rules.
        panels: propose what several models came to.
        risk: judge the account.
        execution: plan.
    """

    markets: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    execution: tuple[str, ...] = ()

    @classmethod
    def of(cls, roster: Roster, panels: tuple[str, ...] = ()) -> Team:
        """Read a roster; `panels` are those of its strategy agents that speak for models.

        The portfolio agent is in no team: it speaks about the core book, not about a symbol.
        """
        views = (Role.TECHNICAL, Role.REGIME, Role.FORECAST)
        strategies = roster.names(Role.STRATEGY)
        return cls(
            markets=tuple(name for role in views for name in roster.names(role)),
            texts=roster.names(Role.SENTIMENT),
            strategies=tuple(name for name in strategies if name not in panels),
            panels=tuple(name for name in strategies if name in panels),
            risk=roster.names(Role.RISK),
            execution=roster.names(Role.EXECUTION),
        )


class DeskMemory(Protocol):
    """Where decisions are remembered."""

    def remember(self, result: CycleResult) -> None:
        """Write one cycle down, under the id of its decision."""


class Latest:
    """The newest output of each agent about each symbol; what is late is used from here.

    Memory is bounded: one output per agent and symbol.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._outputs: dict[tuple[str, str], Output] = {}

    def note(self, output: Output) -> None:
        """Take an output, unless a newer one is there."""
        key = (output.agent, output.symbol)
        known = self._outputs.get(key)
        if known is None or known.as_of_ns <= output.as_of_ns:
            self._outputs[key] = output

    def valid(self, agent: str, symbol: str, now_ns: int) -> Output | None:
        """Return an agent's newest output, if it still counts."""
        output = self._outputs.get((agent, symbol))
        return output if output is not None and output.is_valid_at(now_ns) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everybody who takes part in the cycles of a desk.

    Attributes:
        team: who is asked.
        asker: how.
        latest: what was said last.
        judge: asked about conflicts; None means that nobody is there to ask.
        memory: told of each cycle once its decision is made; None remembers nothing.
        hooks: run after each cycle.
        decision_ns: since a cycle began, everything that a decision needs, a judge's answer left
            out; longer where models take part.
        is_coarse: whether plans in slices become one order: bars are coarser than the slices.
    """

    team: Team
    asker: Asker
    latest: Latest = field(default_factory=Latest)
    judge: Judge | None = None
    memory: DeskMemory | None = None
    hooks: tuple[Hook, ...] = ()
    decision_ns: int = DECISION_NS
    is_coarse: bool = False
