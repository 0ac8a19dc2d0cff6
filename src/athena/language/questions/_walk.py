"""From a question to its reply: which model is asked what next, as a pure rule.

The rule asks nobody. It yields turns, and whoever runs it hands back what each came to: a network
in a live run, recordings in a replay. Both therefore take the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.language.questions._answers import AnswerT, Malformed, read_answer
from athena.language.questions._outcome import (
    Answered,
    Attempt,
    Completion,
    Exchange,
    Failed,
    Unanswered,
    Why,
)
from athena.language.questions._question import first_request, repair_request

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from athena.language.questions._question import Model, Question, Request


@dataclass(frozen=True, slots=True)
class Turn:
    """One request that is to be made.

    Attributes:
        model: who is asked.
        request: what.
        n_left: models that have not been given up, this one included; they share what is left of
            the deadline.
        is_repair: True when the same model is asked for the form once more.
    """

    model: Model
    request: Request
    n_left: int
    is_repair: bool


def walk(
    question: Question[AnswerT], chain: Sequence[Model]
) -> Generator[Turn, Exchange, Answered[AnswerT] | Unanswered]:
    """Go through the models of a role until one answers.

    A model that cannot be asked gives way to the next. One whose text is malformed is asked once
    more; if that is malformed too there is no answer: nobody else is asked for a better one.
    """
    attempts: list[Attempt] = []
    for place, model in enumerate(chain):
        request, is_repair = first_request(question, model), False
        while True:
            turn = Turn(model, request, len(chain) - place, is_repair)
            exchange = yield turn
            outcome = exchange.outcome
            if isinstance(outcome, Failed):
                attempts.append(_attempt(turn, exchange, outcome.why, outcome.detail))
                break
            found = read_answer(question.answer, outcome.text)
            if not isinstance(found, Malformed):
                attempts.append(_attempt(turn, exchange, None, ""))
                is_contaminated = model.may_know(question.as_of_ns, exchange.recorded_ns)
                return Answered(
                    found, model.name, outcome.served_by, is_contaminated, tuple(attempts)
                )
            detail = "; ".join(found.problems)
            attempts.append(_attempt(turn, exchange, Why.INVALID, detail))
            if is_repair:
                return _unanswered(attempts)
            request, is_repair = repair_request(request, outcome.text, found), True
    return _unanswered(attempts)


def _attempt(turn: Turn, exchange: Exchange, why: Why | None, detail: str) -> Attempt:
    text = exchange.outcome if isinstance(exchange.outcome, Completion) else None
    return Attempt(
        model=turn.model.name,
        key=exchange.key,
        why=why,
        detail=detail,
        n_input=(text.n_input or 0) if text else 0,
        n_output=(text.n_output or 0) if text else 0,
        cost_usd=exchange.cost_usd,
        latency_ms=exchange.latency_ms,
        is_repair=turn.is_repair,
    )


def _unanswered(attempts: Sequence[Attempt]) -> Unanswered:
    if not attempts:
        return Unanswered(Why.ABSENT, "no model is configured for this role", ())
    detail = "; ".join(f"{item.model}: {item.why} ({item.detail})" for item in attempts)
    return Unanswered(attempts[-1].why or Why.INVALID, detail, tuple(attempts))
