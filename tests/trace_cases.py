"""Cycles whose traces are written in tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.desk.agents import Place, intents_of
from athena.desk.coordinator import Answer, deliberate
from athena.desk.cycle import CycleResult
from athena.domain import Action
from tests.desk_builder import instrument_of, snapshot_of
from tests.desk_cases import a_case

if TYPE_CHECKING:
    from athena.desk.contract import Plan, Proposal
    from athena.desk.coordinator import Case, Conflict, Judge

CLOSES = 100.0 + np.sin(np.arange(120) / 5.0)
PLACE = Place(instrument_of(), 0, 0)


class Heard:
    """A judge and a planner that keep what was said, as a cycle does."""

    def __init__(self, judge: Judge | None = None, planner: Any = None) -> None:
        self._judge = judge
        self._planner = planner
        self.answer: Answer | None = None
        self.replanned: Plan | None = None

    def ask(self, conflict: Conflict, deadline_ns: int) -> Answer:
        assert self._judge is not None
        self.answer = self._judge(conflict, deadline_ns)
        return self.answer

    def plan(self, proposal: Proposal) -> Plan:
        self.replanned = self._planner(proposal)
        return self.replanned

    def result(self, case: Case, **changes: Any) -> CycleResult:
        """Deliberate, and return the cycle as the desk would."""
        decision = deliberate(
            case,
            None if self._judge is None else self.ask,
            None if self._planner is None else self.plan,
        )
        values: dict[str, Any] = {
            "decision": decision,
            "case": case,
            "snapshot": snapshot_of(CLOSES),
            "intents": intents_of(decision, PLACE),
            "answer": self.answer,
            "replanned": self.replanned,
        }
        return CycleResult(**{**values, **changes})


def a_cycle(number: int = 1, case: Case | None = None, **changes: Any) -> CycleResult:
    """Return a cycle whose decision is a purchase, with the id `d-<number>`."""
    found = Heard().result(replace(case or a_case(), id=f"d-{number}"), **changes)
    assert case is not None or found.decision.action is Action.BUY
    return found
