"""Decide again from a trace: the same opinions and answers have to give the same decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athena.desk.contract import Unavailable, digest
from athena.desk.coordinator import Answer, HoldCode, deliberate
from athena.desk.trace._entry import case_of
from athena.domain import Action

if TYPE_CHECKING:
    from athena.desk.contract import Decision, Plan, Proposal
    from athena.desk.coordinator import Conflict
    from athena.desk.trace._entry import Entry


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in a trace that was checked.

    Attributes:
        what: such as `output of technical`.
        stated: digest that the trace gives it.
        was: digest of what is there; equal when it holds.
    """

    what: str
    stated: str
    was: str

    @property
    def holds(self) -> bool:
        """Tell whether what is there is what was stated."""
        return self.stated == self.was


def decide_again(entry: Entry) -> Decision:
    """Deliberate again about what a trace holds, with the recorded answer of a judge (DK-22)."""

    # A recording answers whatever it is asked.
    def judge(conflict: Conflict, deadline_ns: int) -> Answer:  # noqa: ARG001
        return _answer(entry)

    def plan(_proposal: Proposal) -> Plan:
        if entry.replanned is None:
            message = "nothing was planned anew"
            raise LookupError(message)
        return entry.replanned

    decision = deliberate(
        case_of(entry),
        None if entry.judged is None else judge,
        None if entry.replanned is None else plan,
    )
    if entry.decision.hold_code != HoldCode.LATE:
        return decision
    # That it came too late was measured: the record is the only witness.
    return replace(
        decision,
        action=Action.HOLD,
        hold_code=entry.decision.hold_code,
        reasons=(*decision.reasons, *entry.decision.reasons[-1:]),
        proposal=None,
        plan=None,
    )


def check_entry(entry: Entry) -> tuple[Finding, ...]:
    """Check what a decision was made from against the digests that it names (DK-45).

    Each vote names the digest of the opinion that it stands for; the entry that of its decision;
    and the decision has to come out again. Whether the bars are still the ones that were seen is
    asked by `check_bars`.
    """
    known = {output.agent: digest(output) for output in entry.outputs}
    by_digest = set(known.values())
    found = [
        Finding(
            f"output of {vote.agent}",
            vote.output_id,
            vote.output_id if vote.output_id in by_digest else known.get(vote.agent, "none"),
        )
        for vote in entry.decision.votes
    ]
    found.append(Finding("decision", entry.decision_digest, digest(entry.decision)))
    again = digest(decide_again(entry))
    found.append(Finding("decision, decided again", entry.decision_digest, again))
    return tuple(found)


def _answer(entry: Entry) -> Answer:
    judged = entry.judged
    if judged is None:
        return Answer(Unavailable("judge", "nobody was asked"), entry.decision.decided_at_ns)
    if judged.unavailable is not None:
        return Answer(judged.unavailable, judged.answered_ns)
    return Answer(judged.said or {}, judged.answered_ns)
