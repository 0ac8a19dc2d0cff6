"""The form of an answer, and what is read out of a text that claims to have it.

A text either is one JSON object of that form, every value within its bounds, or it is malformed:
nothing is searched for in it, and nothing is mended.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

AnswerT = TypeVar("AnswerT", bound="Answer")

MAX_ANSWER_BYTES = 65_536
_MAX_PROBLEMS = 8
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_LAYOUT = frozenset("\n\r\t")
# What a decoder takes everywhere; bounds are checked here, wherever the answer comes from.
_DECODED = frozenset(
    {"$defs", "$ref", "additionalProperties", "anyOf", "const", "enum", "items", "properties",
     "required", "type"}
)  # fmt: skip


class Answer(BaseModel):
    """The form of an answer: fields of numbers with both bounds, texts and lists with a length.

    Strict: no field more or less, no conversion of text to number, no NaN. Numbers are int or
    float: a Decimal could be a text of any length; make prices exact after they are read.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, ser_json_inf_nan="null"
    )


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a text is no answer: the places and what is wrong there, never the text itself."""

    problems: tuple[str, ...]


def read_answer(kind: type[AnswerT], text: str) -> AnswerT | Malformed:
    """Read a text as an answer of a form.

    Taken is one JSON object, bare or alone in one fence. Refused are: anything around it, a key
    named twice, NaN and infinity, control characters in a text, more than 64 KiB, and every value
    that the form does not allow.
    """
    inner = text.strip()
    fenced = _FENCE.fullmatch(inner)
    inner = fenced[1] if fenced else inner
    if len(inner.encode("utf-8", "surrogatepass")) > MAX_ANSWER_BYTES:
        return Malformed((f"answer: longer than {MAX_ANSWER_BYTES} bytes",))
    try:
        plain = json.loads(
            inner,
            object_pairs_hook=_each_key_once,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _RefusedError) else "not JSON"
        return Malformed((f"answer: {reason}",))
    if not isinstance(plain, dict):
        return Malformed(("answer: not a JSON object",))
    if not all(map(_is_readable, _texts(plain))):
        return Malformed(("answer: a text with control characters",))
    try:
        return kind.model_validate_json(inner)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return Malformed(tuple(_problem(item) for item in found[:_MAX_PROBLEMS]))


@cache  # one for each class of answers
def answer_schema(kind: type[Answer]) -> dict[str, Any]:
    """Return the JSON Schema of a form.

    Raises:
        InputError: a number lacks a bound, or a text or a list a greatest length.
    """
    schema = kind.model_json_schema()
    for place in _unbounded(schema, kind.__name__):
        message = f"expected bounds for every number, text and list, was none at {place}"
        raise InputError(
            message,
            hint="Field(ge=..., le=...) or Field(max_length=...); no Decimal, no tuple of places",
        )
    return schema


def decoder_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without what decoders refuse: types, names and choices are left."""
    kept = {name: value for name, value in schema.items() if name in _DECODED}
    for name in ("properties", "$defs"):
        if name in kept:
            kept[name] = {key: decoder_schema(item) for key, item in kept[name].items()}
    if "items" in kept:
        kept["items"] = decoder_schema(kept["items"])
    if "anyOf" in kept:
        kept["anyOf"] = [decoder_schema(item) for item in kept["anyOf"]]
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    if "properties" in kept:
        kept["required"] = list(kept["properties"])  # strict decoders know no optional field
    return kept


class _RefusedError(ValueError):
    """JSON that Python would read, and that has no one meaning."""


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "a key named twice"
        raise _RefusedError(message)
    return found


def _refuse_constant(_: str) -> NoReturn:
    message = "NaN or infinity"
    raise _RefusedError(message)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse_constant(text)
    return value


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _is_readable(text: str) -> bool:
    # A terminal obeys control characters, and a person does not see the others.
    return not any(unicodedata.category(c)[0] == "C" and c not in _LAYOUT for c in text)


def _problem(item: Any) -> str:  # noqa: ANN401  # pydantic's own record
    where = ".".join(map(str, item["loc"])) or "answer"
    return f"{where[:100]}: {item['type'].replace('_', ' ')}"


def _unbounded(node: dict[str, Any], place: str) -> Iterator[str]:
    """List the places of a schema at which a value may grow without end."""
    if "enum" in node or "const" in node:
        return
    kind = node.get("type")
    is_number = kind in {"integer", "number"}
    lacks = {
        "low": is_number and not {"minimum", "exclusiveMinimum"} & set(node),
        "high": is_number and not {"maximum", "exclusiveMaximum"} & set(node),
        "length": kind == "string" and not {"maxLength", "pattern"} & set(node),
        "count": kind == "array" and not {"maxItems", "items"} <= set(node),
        "names": kind == "object" and node.get("additionalProperties") is not False,
    }
    if any(lacks.values()):
        yield place
    for name in ("properties", "$defs"):
        for key, item in node.get(name, {}).items():
            yield from _unbounded(item, f"{place}.{key}")
    for item in node.get("anyOf", ()):
        yield from _unbounded(item, place)
    if isinstance(node.get("items"), dict):
        yield from _unbounded(node["items"], f"{place}.*")
