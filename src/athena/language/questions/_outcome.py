"""What one call to a model came to, and what a question came to in the end."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Generic

from athena.language.questions._answers import AnswerT


class Why(StrEnum):
    """Why there is no answer."""

    ABSENT = "absent"  # no model, address or key is configured
    RESTING = "resting"  # it failed too often; it is left alone for a while
    BUDGET = "budget"  # its worst case does not fit what may be spent
    LATE = "late"
    BUSY = "busy"  # it asks to be asked less often
    UNREACHABLE = "unreachable"  # no connection, or an error of the server
    BROKEN = "broken"  # an answer that is cut short or not of the provider's shape
    REFUSED = "refused"  # it does not take the request, such as for a wrong key
    INVALID = "invalid"  # it answered twice, and never in the form asked for


@dataclass(frozen=True, slots=True)
class Completion:
    """A text that a model wrote.

    Attributes:
        text: what it wrote; empty when it wrote none.
        n_input, n_output: tokens read and written; None when it did not say.
        served_by: name and version that the provider reports; empty for none.
    """

    text: str
    n_input: int | None
    n_output: int | None
    served_by: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that brought no text.

    Attributes:
        why: the kind.
        detail: in words, without secrets.
        may_cost: True when the provider may have worked, and will want to be paid.
        retry_after_s: how long it asks to be left alone; None when it does not say.
    """

    why: Why
    detail: str
    may_cost: bool = False
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request's outcome, as it is recorded.

    Attributes:
        key: of the request.
        outcome: text or failure.
        cost_usd: what it cost, repetitions included; the worst case where that is not known.
        latency_ms: from the first byte sent to the last received, pauses included.
        recorded_ns: UTC.
    """

    key: str
    outcome: Completion | Failed
    cost_usd: Decimal
    latency_ms: int
    recorded_ns: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request on the way to an answer.

    Attributes:
        model: by its configured name.
        key: of the request and its recording.
        why: what was wrong; None for the answer itself.
        detail: in words.
        n_input, n_output: tokens; 0 where they are not known.
        cost_usd, latency_ms: of the exchange.
        is_repair: True when it asked for the form once more.
    """

    model: str
    key: str
    why: Why | None
    detail: str
    n_input: int
    n_output: int
    cost_usd: Decimal
    latency_ms: int
    is_repair: bool


@dataclass(frozen=True, slots=True)
class Answered(Generic[AnswerT]):
    """A question with an answer of its form.

    Attributes:
        answer: every value within its bounds.
        model: whose it is.
        served_by: what the provider says it was.
        is_contaminated: True when the model may have read what came after the question's moment.
        attempts: everything that was asked, the last one brought the answer.
    """

    answer: AnswerT
    model: str
    served_by: str
    is_contaminated: bool
    attempts: tuple[Attempt, ...]

    @property
    def cost_usd(self) -> Decimal:
        """Return what all attempts cost together."""
        return _total(self.attempts)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question without an answer; whoever asked holds, or follows rules.

    Attributes:
        why: of the last model tried.
        detail: what happened, model by model.
        attempts: everything that was asked.
    """

    why: Why
    detail: str
    attempts: tuple[Attempt, ...]

    @property
    def cost_usd(self) -> Decimal:
        """Return what all attempts cost together."""
        return _total(self.attempts)


def _total(attempts: tuple[Attempt, ...]) -> Decimal:
    return sum((item.cost_usd for item in attempts), Decimal(0))
