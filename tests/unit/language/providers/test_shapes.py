"""The two shapes: what is written for a request, and what is read out of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from athena.language.providers import AnthropicShape, OpenAiShape
from athena.language.questions import Completion, Malformed, first_request, repair_request
from tests.language_builder import model, opinion_question

REQUEST = first_request(opinion_question(), model(options='{"effort":"low"}', takes_seed=True))
REPAIR = repair_request(REQUEST, "buy!", Malformed(("answer: not JSON",)))


def test_chat_completions_are_written() -> None:
    body = OpenAiShape().body(REQUEST, "text")
    assert body == {
        "effort": "low",
        "model": "first-model",
        "messages": [
            {"role": "system", "content": REQUEST.messages[0].text},
            {"role": "user", "content": "RSI is 50."},
        ],
        "max_tokens": 200,
        "temperature": 0,
        "seed": 42,
    }
    assert OpenAiShape("max_completion_tokens").body(REQUEST, "text")["max_completion_tokens"]
    assert [item["role"] for item in OpenAiShape().body(REPAIR, "text")["messages"]] == [
        "system", "user", "assistant", "user"
    ]  # fmt: skip


def test_the_form_is_asked_for_as_the_provider_takes_it() -> None:
    schema = OpenAiShape().body(REQUEST, "schema")["response_format"]
    assert schema["type"] == "json_schema"
    assert schema["json_schema"]["strict"] is True
    assert schema["json_schema"]["schema"]["properties"]["confidence"] == {"type": "number"}
    assert OpenAiShape().body(REQUEST, "object")["response_format"] == {"type": "json_object"}
    form = AnthropicShape().body(REQUEST, "schema")["output_config"]["format"]
    assert form["schema"] == schema["json_schema"]["schema"]
    assert "output_config" not in AnthropicShape().body(REQUEST, "object")


def test_messages_are_written_with_the_system_apart_and_without_seed() -> None:
    body = AnthropicShape().body(REPAIR, "text")
    assert body["system"] == REQUEST.messages[0].text
    assert [item["role"] for item in body["messages"]] == ["user", "assistant", "user"]
    assert (body["model"], body["max_tokens"], body["effort"]) == ("first-model", 200, "low")
    assert "seed" not in body


def test_options_of_the_output_are_kept_beside_the_form() -> None:
    request = first_request(
        opinion_question(), model(options='{"output_config":{"effort":"low"}}')
    )
    config = AnthropicShape().body(request, "schema")["output_config"]
    assert config["effort"] == "low"
    assert config["format"]["type"] == "json_schema"


@pytest.mark.parametrize("shape", [OpenAiShape(), AnthropicShape()])
def test_no_option_changes_what_athena_says_itself(shape: Any) -> None:
    options = '{"max_tokens":9,"messages":[],"model":"dearer","temperature":2}'
    body = shape.body(first_request(opinion_question(), model(options=options)), "text")
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("first-model", 200, 0)
    assert body["messages"]


@pytest.mark.parametrize("shape", [OpenAiShape(), AnthropicShape()])
def test_no_model_is_given_a_tool(shape: Any) -> None:
    for structured in ("schema", "object", "text"):
        assert {"tools", "tool_choice", "functions"} & set(
            shape.body(REQUEST, structured)
        ) == set()


def test_the_key_goes_into_a_header_and_an_empty_one_nowhere() -> None:
    assert OpenAiShape().headers("k") == {"Authorization": "Bearer k"}
    assert OpenAiShape().headers("") == {}
    assert AnthropicShape().headers("k")["x-api-key"] == "k"
    assert "x-api-key" not in AnthropicShape().headers("")


def choice(content: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content}}]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {
                **choice("hi"),
                "model": "m-1",
                "usage": {"prompt_tokens": 3, "completion_tokens": 4},
            },
            Completion("hi", 3, 4, "m-1"),
        ),
        (choice("hi"), Completion("hi", None, None, "")),
        (choice(None), Completion("", None, None, "")),
        (
            {**choice("hi"), "model": 7, "usage": {"prompt_tokens": "3", "completion_tokens": -1}},
            Completion("hi", None, None, ""),
        ),
        ({**choice("hi"), "usage": [1]}, Completion("hi", None, None, "")),
        (choice(["hi"]), None),
        ({"choices": []}, None),
        ({"choices": [{"text": "hi"}]}, None),
        ({"choices": "hi"}, None),
        ({}, None),
    ],
)
def test_chat_completions_are_read(answer: dict[str, Any], expected: Completion | None) -> None:
    assert OpenAiShape().read(answer) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {
                "model": "m-1",
                "content": [
                    {"type": "thinking", "thinking": "buy buy"},
                    {"type": "text", "text": "a"},
                    {"type": "text", "text": "b"},
                ],
                "usage": {
                    "input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5,
                    "cache_creation_input_tokens": None,
                },
            },
            Completion("ab", 8, 4, "m-1"),
        ),
        ({"content": []}, Completion("", None, None, "")),
        ({"content": [{"type": "text", "text": 7}]}, Completion("", None, None, "")),
        ({"content": ["hi"]}, None),
        ({"content": "hi"}, None),
        ({"type": "error", "error": {"message": "no"}}, None),
    ],
)  # fmt: skip
def test_messages_are_read_without_their_thoughts(
    answer: dict[str, Any], expected: Completion | None
) -> None:
    assert AnthropicShape().read(answer) == expected
