"""Reflection: what became of past decisions is read, and what follows from it is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from athena.desk.contract import Unavailable
from athena.desk.models._lessons import Lesson
from athena.desk.models._prompt import quoted, why_not
from athena.language import Answer, Asset, ModelRole, Moment, Question, Unanswered, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.desk.models._lessons import Lessons
    from athena.domain import Action, Regime
    from athena.language import Asker, Fact

LEAST_OUTCOMES = 5  # a memory takes no lesson that rests on fewer
_MOST = 20
_REASONS = 5
_DEADLINE_S = 60.0
_MASK = re.compile(r"ASSET_\d")
_TASK = """You read what a trading desk decided and what became of it. Say in one to three
sentences what it should do differently, or go on doing, in a like case: what the cases have in
common, and what follows. Name no asset and no date: the lesson has to fit the next case. Cite the
ids of the decisions that it rests on, at least five. If they teach nothing, answer with has_lesson
false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDecision:
    """A decision and what became of it.

    Attributes:
        decision_id: of the desk.
        decision_entry, outcome_entry: their entries in memory.
        symbol, as_of_ns, action, confidence, regime, reasons: of the decision.
        known_ns: when the outcome was known, UTC: the end of its horizon or later.
        move_frac: how the price moved.
        net_frac: what a trade on the word would have brought after costs; 0 for a hold.
        is_right: whether the desk was right.
    """

    decision_id: str
    decision_entry: str
    outcome_entry: str
    symbol: str
    as_of_ns: int
    known_ns: int
    action: Action
    confidence: float
    regime: Regime
    move_frac: float
    net_frac: float
    is_right: bool
    reasons: tuple[str, ...] = ()


class ReflectedLesson(Answer):
    """What a model answers."""

    has_lesson: bool
    text: str = Field(max_length=600)
    cites: Annotated[list[Annotated[str, Field(max_length=8)]], Field(max_length=_MOST)]


def reflect(  # noqa: PLR0913 - who reflects, on what, where it is kept, and who pays
    asker: Asker,
    past: Sequence[PastDecision],
    lessons: Lessons,
    as_of_ns: int,
    *,
    decision_id: str,
    is_blind: bool = False,
    deadline_s: float = _DEADLINE_S,
) -> str | Unavailable:
    """Learn from the newest 20 outcomes that were known at a moment; return the lesson's entry.

    Args:
        asker: asks live models, or replays what they said.
        past: decisions with their outcomes, in any order; those known later are not looked at.
        lessons: where the lesson is kept.
        as_of_ns: the moment, UTC.
        decision_id: whose budget pays.
        is_blind: hide names, dates and price levels.
        deadline_s: for the answer.

    Returns:
        The id of the entry, or why nothing was learned.

    Raises:
        RecordingMissing: it is to be replayed and was never recorded.
    """
    known = [item for item in past if item.known_ns <= as_of_ns]
    known.sort(key=lambda item: (item.known_ns, item.decision_id))
    known = known[-_MOST:]
    if len(known) < LEAST_OUTCOMES:
        return _nothing(f"{len(known)} outcomes are known, {LEAST_OUTCOMES} are needed")
    cases = {f"D{k}": item for k, item in enumerate(known, 1)}
    facts: list[Fact] = [_fact(name, item) for name, item in cases.items()]
    reply = asker.ask(
        Question(
            role=ModelRole.REFLECTION,
            task=_TASK,
            material=quoted("decisions", facts, as_of_ns, is_blind=is_blind),
            answer=ReflectedLesson,
            deadline_s=deadline_s,
            decision_id=decision_id,
            as_of_ns=as_of_ns,
        )
    )
    if isinstance(reply, Unanswered):
        return _nothing(why_not(reply))
    fault = _fault(reply.answer, cases)
    if fault:
        return _nothing(fault)
    rests_on = [cases[name] for name in dict.fromkeys(reply.answer.cites)]
    newest = max(rests_on, key=lambda item: (item.as_of_ns, item.decision_id))
    return lessons.keep(
        Lesson(
            text=reply.answer.text,
            decision_id=newest.decision_id,
            links=(
                *(item.outcome_entry for item in rests_on),
                *(item.decision_entry for item in rests_on),
            ),
        )
    )


def _nothing(why: str) -> Unavailable:
    return Unavailable("reflection", why)


def _fault(said: ReflectedLesson, cases: dict[str, PastDecision]) -> str:
    """Say why an answer is no lesson; empty when it is one."""
    if not said.has_lesson:
        return "the outcomes teach nothing"
    unknown = [name for name in said.cites if name not in cases]
    if unknown:
        return f"it cites {unknown[0]}, which was not shown"
    n_cited = len(set(said.cites))
    if n_cited < LEAST_OUTCOMES:
        return f"it rests on {n_cited} outcomes, {LEAST_OUTCOMES} are needed"
    named = next((item.symbol for item in cases.values() if item.symbol in said.text), "")
    masked = _MASK.search(said.text)
    if named or masked:
        return f"it names {named or 'an asset that is hidden'}"
    return ""


def _fact(name: str, item: PastDecision) -> Fact:
    return {
        "id": name,
        "instrument": Asset(item.symbol),
        "decided": Moment(item.as_of_ns),
        "action": item.action.value,
        "confidence": item.confidence,
        "regime": item.regime.value,
        "reasons": [Words(reason) for reason in item.reasons[:_REASONS]],
        "price_moved_frac": round(item.move_frac, 6),
        "net_result_frac": round(item.net_frac, 6),
        "was_right": item.is_right,
    }
