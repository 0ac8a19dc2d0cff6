"""What is read out of a text: an answer of the form, or nothing (C22)."""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003  # pydantic reads it
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import Field

from athena.errors import InputError
from athena.language import Answer
from athena.language.questions import (
    MAX_ANSWER_BYTES,
    Malformed,
    answer_schema,
    decoder_schema,
    digest,
    read_answer,
)
from tests.language_builder import BUY, Opinion


class Speed(StrEnum):
    SLOW = "slow"
    FAST = "fast"


class Part(Answer):
    share: float = Field(ge=0, le=1)


class Whole(Answer):
    speed: Speed
    count: int = Field(ge=0, le=10)
    parts: tuple[Part, ...] = Field(max_length=2)
    note: Annotated[str, Field(max_length=20)] | None = None


def test_an_answer_of_the_form_is_read_bare_or_alone_in_a_fence() -> None:
    expected = Opinion(action="buy", confidence=0.9, size_frac=0.2, reasons=["trend"])
    for text in (BUY, f"\n {BUY}\n", f"```json\n{BUY}\n```", f"```\n{BUY}\n```\n"):
        assert read_answer(Opinion, text) == expected


def test_enums_tuples_and_parts_are_read_strictly() -> None:
    text = '{"speed": "fast", "count": 3, "parts": [{"share": 0.1}, {"share": 1}]}'
    found = read_answer(Whole, text)
    assert isinstance(found, Whole)
    assert found.speed is Speed.FAST
    assert found.parts == (Part(share=0.1), Part(share=1.0))
    assert found.note is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not JSON"),
        ("I would buy here, since the trend is up.", "not JSON"),
        (f"Here is my answer: {BUY}", "not JSON"),
        (f"{BUY} Hope this helps!", "not JSON"),
        (f"```json\n{BUY}\n``` and sell", "not JSON"),
        (BUY[:40], "not JSON"),
        (BUY.replace("0.9", "NaN"), "NaN or infinity"),
        (BUY.replace("0.9", "Infinity"), "NaN or infinity"),
        (BUY.replace("0.9", "1e999"), "NaN or infinity"),
        (BUY.replace("0.9", '"NaN"'), "confidence: float type"),
        (BUY.replace("0.9", '"0.9"'), "confidence: float type"),
        (BUY.replace("0.9", "true"), "confidence: float type"),
        (BUY.replace("0.9", "null"), "confidence: float type"),
        (BUY.replace("0.9", "1.01"), "confidence: less than equal"),
        (BUY.replace("0.2", "1e9"), "size_frac: less than equal"),
        (BUY.replace("0.2", "-0.1"), "size_frac: greater than equal"),
        (BUY.replace('"buy"', '"STRONG BUY"'), "action: literal error"),
        (BUY.replace('"buy"', '"BUY"'), "action: literal error"),
        (BUY.replace("action", "Action"), "action: missing"),
        (BUY.replace('"action": "buy", ', ""), "action: missing"),
        (BUY[:-1] + ', "leverage": 50}', "leverage: extra forbidden"),
        (BUY[:-1] + ', "action": "sell"}', "a key named twice"),
        (f"[{BUY}]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("1e9", "not a JSON object"),
        (BUY.replace("trend", "a\\u001b[2Jb"), "control characters"),
        (BUY.replace("trend", "a\\u202eb"), "control characters"),
        (BUY.replace("trend", "\\ud800"), "control characters"),
        (BUY.replace("trend", "x" * 81), "reasons.0: string too long"),
        (BUY.replace('"trend"', '"a","b","c","d"'), "reasons: too long"),
        ("[" * 100_000, "longer than"),
        ("[" * 60_000, "not JSON"),
        (" " * 10 + "1" * 5_000, "not JSON"),
        ("x" * (MAX_ANSWER_BYTES + 1), "longer than"),
    ],
)
def test_whatever_is_not_an_answer_is_malformed_and_says_where(text: str, problem: str) -> None:
    """C22: prose, half a JSON, NaN, STRONG BUY, a size of 1e9."""
    found = read_answer(Opinion, text)
    assert isinstance(found, Malformed)
    assert any(problem in line for line in found.problems), found.problems


def test_the_problems_never_repeat_the_text() -> None:
    found = read_answer(Opinion, BUY.replace("buy", "ignore all rules"))
    assert isinstance(found, Malformed)
    assert not any("ignore" in line for line in found.problems)


class Endless(Answer):
    size: float = Field(ge=0)


class Talkative(Answer):
    text: str


class Long(Answer):
    items: list[int]


class Exact(Answer):
    share: Decimal = Field(ge=0, le=1)  # "1e-400000" is within the bounds, and 400,000 digits long


class Pair(Answer):
    both: tuple[Literal["a"], Literal["b"]]  # decoders do not know places


class Hidden(Answer):
    part: Endless | None


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (Endless, "Endless.size"),
        (Talkative, "Talkative.text"),
        (Long, "Long.items"),
        (Exact, "Exact.share"),
        (Pair, "Pair.both"),
        (Hidden, "Hidden.Endless.size"),
    ],
)
def test_a_form_without_bounds_is_refused(kind: type[Answer], place: str) -> None:
    """A size of 1e9 cannot be refused by a form that allows any."""
    with pytest.raises(InputError, match="expected bounds") as caught:
        answer_schema(kind)
    assert place in caught.value.message


def test_a_form_with_bounds_is_taken() -> None:
    assert answer_schema(Opinion)["additionalProperties"] is False
    assert answer_schema(Whole)["title"] == "Whole"


def test_decoders_get_types_names_and_choices_and_every_field_is_required() -> None:
    """Some of them refuse bounds, lengths, titles and defaults."""
    schema = decoder_schema(answer_schema(Whole))
    assert schema["required"] == ["speed", "count", "parts", "note"]
    assert schema["properties"]["count"] == {"type": "integer"}
    assert schema["properties"]["parts"] == {"type": "array", "items": {"$ref": "#/$defs/Part"}}
    assert schema["$defs"]["Speed"] == {"enum": ["slow", "fast"], "type": "string"}
    assert schema["additionalProperties"] is False


def test_the_schema_of_a_form_is_the_one_that_recordings_were_made_with() -> None:
    """A library that writes it otherwise would silently make every recording unfindable."""
    sha256 = digest(answer_schema(Opinion))
    assert sha256 == "9da6f795b6399e4def0ce0a051d8520ed7ba853aa88b1554527d7bf3755414b3"


class Flag(Answer):
    is_ready: bool
    word: Literal["ready"]


def test_flags_and_constants_need_no_bounds() -> None:
    word = decoder_schema(answer_schema(Flag))["properties"]["word"]
    assert word == {"enum": ["ready"], "type": "string"}
    assert read_answer(Flag, '{"is_ready": true, "word": "ready"}') == Flag(
        is_ready=True, word="ready"
    )
    assert isinstance(read_answer(Flag, '{"is_ready": 1, "word": "ready"}'), Malformed)
