"""JSON in and out: written byte for byte the same each time, read strictly."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError
from pydantic_core import from_json

from athena.errors import InputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of every dataclass that is read from JSON: no unknown key, no conversion, no NaN.
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

_Read = TypeVar("_Read")


def to_json(values: object, *, what: str) -> bytes:
    """Write JSON with sorted keys, as UTF-8.

    Raises:
        InputError: a value is not JSON's, NaN and infinity included.
    """
    try:
        text = json.dumps(values, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1)
        return f"{text}\n".encode()
    except (TypeError, ValueError, RecursionError) as error:
        message = f"expected JSON values in {what}, was: {error}"
        raise InputError(message) from error


def read_object(data: bytes | memoryview, *, what: str) -> Mapping[str, JsonValue]:
    """Read a JSON object of any content.

    Raises:
        RefusedError: it is something else, or holds NaN or infinity.
    """
    try:
        values = from_json(bytes(data), allow_inf_nan=False)
    except ValueError as error:
        raise _refused(what, "a JSON object", str(error)) from error
    if not isinstance(values, dict):
        raise _refused(what, "a JSON object", type(values).__name__)
    return values


def read_as(kind: type[_Read], data: bytes | memoryview, *, what: str) -> _Read:
    """Read a dataclass that has `STRICT` as its `__pydantic_config__`.

    Raises:
        RefusedError: it is something else; the message names the place.
    """
    form: Any = kind
    try:
        found: _Read = _adapter(form).validate_json(bytes(data))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "its start"
        was = f"{first['msg']} at {where}"
        raise _refused(what, f"the form of a {kind.__name__}", was) from error
    return found


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    # Building one takes longer than reading any of these files.
    return TypeAdapter(kind)


def _refused(what: str, expected: str, was: str) -> RefusedError:
    return RefusedError(f"expected {expected} in {what}, was: {was}")
