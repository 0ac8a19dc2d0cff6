"""What came of one cycle: everything that its decision was made from, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.desk.agents import PanelAnswer
    from athena.desk.contract import Decision, Output, Plan, Unavailable
    from athena.desk.coordinator import Answer, Case
    from athena.desk.inputs import Snapshot
    from athena.trading import Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleResult:
    """One cycle of one symbol, in full: what a trace keeps, a score counts, a memory remembers.

    Attributes:
        decision: what was decided; its id is the correlation id of all of this.
        case: exactly what was deliberated; its `outputs` are all that were published or still
            held, abstentions too, in the order of the steps.
        snapshot: that the views were made from.
        intents: what the core is asked for, in order; each key follows from the decision's id.
        missing: agents that gave no output in this cycle, and why.
        answer: what a judge said, as it came; None when nobody was asked.
        replanned: plan of a proposal that a judge changed; None otherwise.
        panel: valid answers that the model panel read; empty without one.
        latencies_ns: step -> time that it took; empty in a backtest, which measures none, so that
            two runs are equal.
    """

    decision: Decision
    case: Case
    snapshot: Snapshot
    intents: tuple[Intent, ...] = ()
    missing: tuple[Unavailable, ...] = ()
    answer: Answer | None = None
    replanned: Plan | None = None
    panel: tuple[PanelAnswer, ...] = ()
    latencies_ns: Mapping[str, int] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Return every opinion that was there, in the order of the steps."""
        return self.case.outputs
