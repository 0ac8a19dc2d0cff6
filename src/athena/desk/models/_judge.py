"""A judge that asks language models; they see facts and numbers, and may only stop or shrink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from athena.desk.contract import Unavailable
from athena.desk.coordinator import Answer
from athena.domain import SECOND_NS
from athena.language import Answer as ModelAnswer
from athena.language import (
    Asset,
    ModelRole,
    PriceOf,
    Question,
    Unanswered,
    Words,
    blind_block,
    data_block,
)

if TYPE_CHECKING:
    from athena.desk.coordinator import Conflict
    from athena.language import Asker, Fact

_NS_PER_MS = 1_000_000
_MOST_OPINIONS = 12
_TASK = """You judge one trade that a trading desk is about to make and that its own agents do not
agree on. You can let it proceed, make it smaller, let it wait for the next look at the market, or
abort it. You cannot make it larger. When in doubt, wait.
Answer `modify` only together with a change, and every other word without one."""


class ConflictAnswer(ModelAnswer):
    """What a model answers about a conflict."""

    answer: Literal["proceed", "wait", "abort", "modify"]
    reason: str = Field(max_length=400)
    # More than all of it is clamped by the coordinator (DK-42); sillier numbers are no answer.
    size_cut_pct: float | None = Field(default=None, ge=0, le=1_000)
    leverage: int | None = Field(default=None, ge=1, le=5)
    entry_shift_frac: float | None = Field(default=None, ge=-0.5, le=0.5)


class ModelJudge:
    """Ask the models of the role `conflicts`, one after the other; see `Judge`."""

    def __init__(self, asker: Asker, *, is_blind: bool = False) -> None:
        """Prepare.

        Args:
            asker: asks live models, or replays what they said.
            is_blind: hide names, dates and price levels; an answer holds none of them.
        """
        self._asker = asker
        self._is_blind = is_blind

    def __call__(self, conflict: Conflict, deadline_ns: int) -> Answer:
        """Return what a model says, or that none does.

        When it came is counted from the latencies, so that a replay comes out as the first time.

        Raises:
            RecordingMissing: it is to be replayed and was never recorded.
        """
        question = Question(
            role=ModelRole.CONFLICTS,
            task=_TASK,
            material=self._material(conflict),
            answer=ConflictAnswer,
            deadline_s=(deadline_ns - conflict.asked_ns) / SECOND_NS,
            decision_id=conflict.decision_id,
            as_of_ns=conflict.asked_ns,
        )
        found = self._asker.ask(question)
        spent_ns = sum(attempt.latency_ms for attempt in found.attempts) * _NS_PER_MS
        answered_ns = conflict.asked_ns + spent_ns
        if isinstance(found, Unanswered):
            return Answer(
                Unavailable("model:conflicts", f"{found.why}: {found.detail}"), answered_ns
            )
        return Answer(found.answer.model_dump(exclude_none=True), answered_ns)

    def _material(self, conflict: Conflict) -> str:
        facts = _facts(conflict)
        if not self._is_blind:
            return data_block("conflict", facts)
        return blind_block("conflict", facts, conflict.asked_ns).block


def _facts(conflict: Conflict) -> Fact:
    proposal, symbol = conflict.proposal, conflict.symbol
    prices = {
        "entry": proposal.entry_price,
        "stop": proposal.stop_price,
        "target": proposal.target_price,
    }
    return {
        "instrument": Asset(symbol),
        "wanted": conflict.action.value,
        "confidence": conflict.confidence,
        "regime": conflict.regime.value,
        "why_you_are_asked": Words(conflict.reason),
        "strategy": proposal.strategy,
        "size_share_of_equity": proposal.size_frac,
        "leverage": proposal.leverage,
        **{name: PriceOf(symbol, price) for name, price in prices.items() if price is not None},
        "opinions": [
            {
                "role": one.role.value,
                "action": one.action.value,
                "confidence": one.confidence,
                "reasons": [Words(reason) for reason in one.reasons],
            }
            for one in conflict.opinions[:_MOST_OPINIONS]
        ],
    }
