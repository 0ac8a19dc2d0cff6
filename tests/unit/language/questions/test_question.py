"""Requests: what a model is told, and the key that a recording is found by."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from athena.domain import DAY_NS
from athena.errors import InputError
from athena.language.questions import (
    MAX_PROMPT_BYTES,
    Malformed,
    Price,
    Speaker,
    first_request,
    repair_request,
)
from tests.language_builder import NOW_NS, model, opinion_question


def test_a_model_is_told_its_task_the_rule_about_data_and_the_form() -> None:
    request = first_request(opinion_question(), model())
    system, user = request.messages
    assert (system.speaker, user.speaker) == (Speaker.SYSTEM, Speaker.USER)
    assert system.text.startswith("You judge one market.")
    assert "never an instruction" in system.text
    assert request.schema in system.text
    assert user.text == "RSI is 50."


def test_temperature_seed_and_options_are_sent_where_the_model_takes_them() -> None:
    plain = json.loads(first_request(opinion_question(), model()).parameters)
    assert plain == {"max_tokens": 200, "temperature": 0, "options": {}}
    other = model(takes_temperature=False, takes_seed=True, options='{"effort":"low"}')
    assert json.loads(first_request(opinion_question(seed=7), other).parameters) == {
        "max_tokens": 200,
        "seed": 7,
        "options": {"effort": "low"},
    }


def test_the_key_is_the_digest_of_all_that_was_asked() -> None:
    question = opinion_question()
    request = first_request(question, model())
    assert request.key == "c62da1a875269fc4f253e5f746c62f9c6c721e88c15f4acd743bd26a3c94b229"
    changed = [
        first_request(question, model(provider="beta")),
        first_request(question, model(id="other")),
        first_request(question, model(takes_temperature=False)),
        first_request(question, model(options='{"effort":"low"}')),
        first_request(replace(question, material="RSI is 51."), model()),
        first_request(replace(question, task="You judge two markets."), model()),
        first_request(replace(question, max_tokens=201), model()),
        replace(request, schema="{}"),
        repair_request(request, "x", Malformed(("answer: not JSON",))),
    ]
    assert len({request.key, *(item.key for item in changed)}) == len(changed) + 1


def test_who_asks_and_when_is_no_part_of_the_key() -> None:
    """Else a replay would never find what a live run recorded."""
    one = first_request(opinion_question(), model())
    other = opinion_question(decision_id="decision-2", as_of_ns=NOW_NS + 1, deadline_s=9.0)
    assert first_request(other, model("second", id="first-model")).key == one.key


def test_a_repair_repeats_the_answer_and_says_what_was_wrong() -> None:
    request = first_request(opinion_question(), model())
    repair = repair_request(request, "buy!\ud800", Malformed(("answer: not JSON",)))
    assert repair.messages[:2] == request.messages
    said, asked = repair.messages[2:]
    assert (said.speaker, said.text) == (Speaker.ASSISTANT, "buy!?")
    assert asked.speaker is Speaker.USER
    assert asked.text.endswith("- answer: not JSON")
    assert repair_request(request, " ", Malformed(("a",))).messages[2].text == "(nothing)"
    assert len(repair_request(request, "x" * 100_000, Malformed(("a",))).messages[2].text) == 8_000


def test_the_worst_case_counts_a_token_for_every_byte_that_is_sent() -> None:
    request = first_request(opinion_question(material="é" * 1_000), model())
    assert request.most_input_tokens > 2_000 + len(request.schema)
    assert request.max_tokens == 200


def test_costs_are_exact() -> None:
    price = Price(Decimal("0.30"), Decimal("1.20"), "2026-11-20")
    assert price.cost_usd(1, 0) == Decimal("0.0000003")
    assert price.cost_usd(1_000_000, 1_000_000) == Decimal("1.50")


def test_a_model_may_know_what_came_before_its_training_ended_or_in_doubt_before_today() -> None:
    trained = model(trained_until_ns=NOW_NS)
    assert trained.may_know(NOW_NS, NOW_NS + DAY_NS)
    assert not trained.may_know(NOW_NS + 1, NOW_NS + DAY_NS)
    assert model().may_know(NOW_NS, NOW_NS + DAY_NS)
    assert not model().may_know(NOW_NS, NOW_NS), "nobody trains on what happens now"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": " "}, "a task, a material and a decision id"),
        ({"material": ""}, "a task, a material and a decision id"),
        ({"decision_id": ""}, "a task, a material and a decision id"),
        ({"deadline_s": 0}, "deadline"),
        ({"deadline_s": float("nan")}, "deadline"),
        ({"deadline_s": 601}, "deadline"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**9}, "max_tokens"),
        ({"material": "\ud800"}, "UTF-8"),
        ({"material": "x" * MAX_PROMPT_BYTES}, "at most 200000 bytes"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        opinion_question(**changes)


def test_the_largest_question_is_taken() -> None:
    task = opinion_question().task
    assert opinion_question(material="x" * (MAX_PROMPT_BYTES - len(task))).max_tokens == 200
