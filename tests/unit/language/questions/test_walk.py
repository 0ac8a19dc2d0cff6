"""Who is asked next: the rule alone, without anybody to ask."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from athena.language import Answered, Completion, Exchange, Failed, Unanswered, Why
from athena.language.questions import Speaker, walk
from tests.language_builder import BUY, NOW_NS, Opinion, model, opinion_question, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.language import Model
    from athena.language.questions import Turn

CHAIN = (model("first"), model("second", "beta"))


def run(
    outcomes: Sequence[Completion | Failed], chain: Sequence[Model] = CHAIN
) -> tuple[Answered[Opinion] | Unanswered, list[Turn]]:
    """Hand outcomes back in order; return the reply and the turns."""
    way = walk(opinion_question(), chain)
    turns = []
    left = iter(outcomes)
    try:
        turn = next(way)
        while True:
            turns.append(turn)
            exchange = Exchange(turn.request.key, next(left), Decimal("0.01"), 7, NOW_NS)
            turn = way.send(exchange)
    except StopIteration as end:
        assert next(left, None) is None
        return end.value, turns


def test_the_first_answer_ends_it() -> None:
    reply, turns = run([text(BUY)])
    assert isinstance(reply, Answered)
    assert (reply.model, reply.answer.action, reply.served_by) == ("first", "buy", "scripted-1")
    assert [(turn.model.name, turn.n_left, turn.is_repair) for turn in turns] == [
        ("first", 2, False)
    ]
    (attempt,) = reply.attempts
    assert (attempt.why, attempt.n_input, attempt.n_output) == (None, 100, 20)
    assert attempt.key == turns[0].request.key
    assert reply.cost_usd == Decimal("0.01")


def test_a_model_that_cannot_be_asked_gives_way_to_the_next() -> None:
    reply, turns = run([Failed(Why.UNREACHABLE, "HTTP 503"), text(BUY)])
    assert isinstance(reply, Answered)
    assert reply.model == "second"
    assert [(turn.model.name, turn.n_left) for turn in turns] == [("first", 2), ("second", 1)]
    assert [attempt.why for attempt in reply.attempts] == [Why.UNREACHABLE, None]
    assert reply.cost_usd == Decimal("0.02")


def test_a_malformed_answer_is_repaired_once_by_the_same_model() -> None:
    reply, turns = run([text("buy!"), text(BUY)])
    assert isinstance(reply, Answered)
    assert [(turn.model.name, turn.is_repair) for turn in turns] == [
        ("first", False),
        ("first", True),
    ]
    assert turns[1].request.messages[2].speaker is Speaker.ASSISTANT
    assert [attempt.why for attempt in reply.attempts] == [Why.INVALID, None]


def test_two_malformed_answers_end_it_and_nobody_else_is_asked() -> None:
    """C22: one repair, then hold."""
    reply, turns = run([text("buy!"), text("I said buy!")])
    assert isinstance(reply, Unanswered)
    assert reply.why is Why.INVALID
    assert reply.detail == "first: invalid (answer: not JSON); first: invalid (answer: not JSON)"
    assert len(turns) == 2


def test_a_repair_that_cannot_be_asked_gives_way_to_the_next() -> None:
    reply, turns = run([text("buy!"), Failed(Why.LATE, "late"), text(BUY)])
    assert isinstance(reply, Answered)
    assert reply.model == "second"
    assert [turn.is_repair for turn in turns] == [False, True, False]


def test_when_nobody_can_be_asked_every_reason_is_told() -> None:
    reply, _ = run([Failed(Why.ABSENT, "no key"), Failed(Why.BUSY, "HTTP 429")])
    assert isinstance(reply, Unanswered)
    assert reply.why is Why.BUSY
    assert reply.detail == "first: absent (no key); second: busy (HTTP 429)"


def test_a_role_without_models_is_absent() -> None:
    reply, turns = run([], chain=())
    assert isinstance(reply, Unanswered)
    assert (reply.why, turns, reply.cost_usd) == (Why.ABSENT, [], 0)


def test_a_model_that_may_know_the_future_contaminates_its_answer() -> None:
    reply, _ = run([text(BUY)], (model(trained_until_ns=NOW_NS - 1),))
    assert isinstance(reply, Answered)
    assert not reply.is_contaminated
    reply, _ = run([text(BUY)], (model(trained_until_ns=NOW_NS),))
    assert isinstance(reply, Answered)
    assert reply.is_contaminated


def test_tokens_that_are_not_told_count_as_none() -> None:
    reply, _ = run([text(BUY, None, None)])
    assert isinstance(reply, Answered)
    assert (reply.attempts[0].n_input, reply.attempts[0].n_output) == (0, 0)
