"""The technical analyst in words: a model says what its numbers mean, and can change nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from athena.desk.agents import TechnicalRule
from athena.desk.models._prompt import number_of, quoted, why_not
from athena.language import Answer, ModelRole, PriceOf, Question, Unanswered, Why

if TYPE_CHECKING:
    from athena.desk.agents import Opinion
    from athena.desk.contract import Context
    from athena.desk.inputs import Snapshot
    from athena.language import Asker, Fact

_DEADLINE_S = 1.5  # a view has two seconds
_FAILED_CAP = 0.25  # where a configured model failed and only the rules answered
_TASK = """You put the finding of a technical analyst into one or two plain sentences for a person.
The finding is made: you neither judge it nor add to it. Write no digits: the numbers stand beside
your words."""
_DIGIT = re.compile(r"\d")


class WordedFinding(Answer):
    """What a model writes."""

    text: str = Field(min_length=1, max_length=400)


class WordedRule:
    """A technical rule whose finding a model puts into words (4.1).

    Action, numbers and view are the rule's. A model that is configured and fails caps the
    confidence, as the specification asks; one that is not configured changes nothing.
    """

    def __init__(
        self,
        asker: Asker,
        rule: TechnicalRule | None = None,
        *,
        is_blind: bool = False,
        deadline_s: float = _DEADLINE_S,
    ) -> None:
        """Take the rule, and whom to ask for words."""
        self._asker = asker
        self._rule = rule or TechnicalRule()
        self._is_blind = is_blind
        self._deadline_s = deadline_s

    def input_ids(self, inputs: Snapshot) -> tuple[str, ...]:
        """Return those of the rule."""
        return self._rule.input_ids(inputs)

    def judge(self, context: Context[Snapshot]) -> Opinion:
        """Judge by the rule, and add a sentence.

        Raises:
            RecordingMissing: it is to be replayed and was never recorded.
        """
        said = self._rule.judge(context)
        if said.detail is None:  # nothing was found
            return said
        reply = self._asker.ask(
            Question(
                role=ModelRole.WORDING,
                task=_TASK,
                material=self._material(context, said),
                answer=WordedFinding,
                deadline_s=self._deadline_s,
                decision_id=context.correlation_id,
                as_of_ns=context.as_of_ns,
                max_tokens=400,
            )
        )
        if isinstance(reply, Unanswered):
            remark = f"not in words: {why_not(reply)}"
            cap = 1.0 if reply.why is Why.ABSENT else _FAILED_CAP
            return _noted(said, remark, cap)
        if _DIGIT.search(reply.answer.text):
            return _noted(said, "not in words: a number that nobody computed", _FAILED_CAP)
        return _noted(said, f"in words ({reply.model}): {reply.answer.text}", 1.0)

    def _material(self, context: Context[Snapshot], said: Opinion) -> str:
        symbol, close = context.symbol, context.inputs.working.close
        facts: Fact = {
            "last_close": PriceOf(symbol, float(close[-1])),  # first: blind it is shown as 100
            "says": said.action.value,
            "confidence": said.confidence,
            "numbers": {
                item.name: number_of(symbol, item.name, item.value) for item in said.evidence
            },
        }
        return quoted("finding", facts, context.as_of_ns, is_blind=self._is_blind)


def _noted(said: Opinion, remark: str, cap: float) -> Opinion:
    return replace(
        said,
        reasons=(*said.reasons, remark),
        confidence_cap=min(said.confidence_cap, cap),
    )
