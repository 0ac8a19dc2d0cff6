"""The full rule-based desk: every role that a cycle asks has its agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.desk.agents import (
    RegimeState,
    Roster,
    execution_agent,
    forecast_agent,
    regime_agent,
    risk_agent,
    sentiment_agent,
    strategy_agent,
    technical_agent,
)
from athena.desk.contract import RegimeView
from athena.platform import get_logger

if TYPE_CHECKING:
    from athena.desk.agents import ExecutionSettings
    from athena.desk.contract import Output
    from athena.desk.hosting._parts import Parts


class RegimeMemory:
    """What the regime agent has to be given back when it is made anew: a state per symbol.

    It is read off the agent's own outputs, so that it needs no second way out of the agent.
    """

    def __init__(self, states: dict[str, RegimeState]) -> None:
        """Begin with what an earlier process left."""
        self.states = states

    def note(self, output: Output) -> None:
        """Take the state that an output of the regime agent shows."""
        view = output.detail
        if isinstance(view, RegimeView):
            self.states[output.symbol] = RegimeState(
                view.regime, view.since_ns, view.candidate, view.confirmations, output.as_of_ns
            )


def rule_based_roster(parts: Parts, execution: ExecutionSettings, memory: RegimeMemory) -> Roster:
    """Seat one agent for each role of a cycle.

    Args:
        parts: what they are plugged into.
        execution: fees of the venue, and the cuts of planning.
        memory: of the regime agent; a new one of its kind goes on from there.
    """
    publish, calibration = parts.publish, parts.learner
    roster = Roster(parts.alert or _log, parts.timer)
    roster.add(lambda: technical_agent(publish, calibration=calibration))
    roster.add(lambda: regime_agent(publish, states=tuple(memory.states.items())))
    roster.add(lambda: sentiment_agent(publish, parts.classifier, calibration=calibration))
    roster.add(lambda: forecast_agent(publish, parts.forecaster))
    roster.add(lambda: strategy_agent(publish, calibration=calibration))
    roster.add(lambda: risk_agent(publish))
    roster.add(lambda: execution_agent(publish, execution))
    return roster


def _log(text: str) -> None:
    get_logger("athena.desk").error("an agent is disabled", why=text)
