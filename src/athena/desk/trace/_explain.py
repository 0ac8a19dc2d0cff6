"""The causal chain of a decision, from the bars to what came of it (desk specification 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from athena.desk.contract import RiskView, Role
from athena.desk.coordinator import HoldCode
from athena.desk.evaluation import DESK, HORIZONS_NS, Calls, Kind, calls_of, settle
from athena.desk.trace._replay import check_entry
from athena.desk.trace._run import Business

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.desk.contract import Output
    from athena.desk.evaluation import PriceLine
    from athena.desk.trace._entry import Entry
    from athena.desk.trace._replay import Finding

State = Literal["settled", "pending", "unpriced"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the risk view at the decision: share used, and what is left of it."""

    name: str
    used_frac: float

    @property
    def left_frac(self) -> float:
        """Return the head-room, 0 where the limit was passed."""
        return max(0.0, 1.0 - self.used_frac)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a speaker was right over one horizon.

    Attributes:
        who: agent, model, or `desk` for the decision.
        horizon_ns: how long after.
        state: only what is settled has the rest.
        move_frac: of the price; NaN while not known.
        is_right: False while not known.
        net_frac: what a trade on the word would have brought after costs; NaN while not known.
    """

    who: str
    horizon_ns: int
    state: State
    move_frac: float
    is_right: bool
    net_frac: float


@dataclass(frozen=True, slots=True)
class Chain:
    """Everything about one decision, in the order in which it happened.

    Attributes:
        entry: what was seen, said, weighed, decided and asked.
        is_vetoed: whether the risk view stopped it.
        limits: of the risk view, the most used first.
        business: what core and venue made of it.
        judgements: who was right, of each horizon.
        findings: what was checked.
        notes: what could not be checked, and why.
    """

    entry: Entry
    is_vetoed: bool
    limits: tuple[Limit, ...]
    business: Business
    judgements: tuple[Judgement, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Tell whether everything that was checked is as it was."""
        return all(finding.holds for finding in self.findings)


def explain(
    entry: Entry,
    business: Business | None = None,
    lines: Mapping[str, PriceLine] | None = None,
    *,
    findings: Sequence[Finding] = (),
    notes: Sequence[str] = (),
) -> Chain:
    """Build the chain of a decision.

    Args:
        entry: of the trace.
        business: what core and venue made of it; None for nothing.
        lines: closes by symbol; without them outcomes are pending.
        findings: of what was checked beside the entry itself, such as its bars.
        notes: what could not be checked.
    """
    return Chain(
        entry=entry,
        is_vetoed=entry.decision.hold_code == HoldCode.VETO,
        limits=_limits(entry.outputs),
        business=business or Business(),
        judgements=tuple(_judgements(entry, lines or {})),
        findings=(*findings, *check_entry(entry)),
        notes=tuple(notes),
    )


def _limits(outputs: Sequence[Output]) -> tuple[Limit, ...]:
    views = [
        output.detail
        for output in outputs
        if output.role is Role.RISK and isinstance(output.detail, RiskView)
    ]
    uses = [Limit(use.name, use.frac) for view in views for use in view.uses]
    return tuple(sorted(uses, key=lambda one: (-one.used_frac, one.name)))


def _judgements(entry: Entry, lines: Mapping[str, PriceLine]) -> list[Judgement]:
    calls = Calls.of(calls_of(entry.decision, entry.outputs, entry.words))
    found = []
    for horizon_ns in HORIZONS_NS:
        outcomes = settle(calls, lines, horizon_ns)
        for row, speaker in enumerate(calls.speaker.tolist()):
            kind, who = calls.speakers[speaker]
            state: State = "settled"
            if outcomes.is_pending[row]:
                state = "pending"
            elif np.isnan(outcomes.move_frac[row]):
                state = "unpriced"
            found.append(
                Judgement(
                    DESK if kind is Kind.DECISION else who,
                    horizon_ns,
                    state,
                    float(outcomes.move_frac[row]),
                    bool(outcomes.is_right[row]) and state == "settled",
                    float(outcomes.net_frac[row]),
                )
            )
    return found
