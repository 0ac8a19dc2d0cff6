"""One way to write what agents say, so that equal contents have equal digests, and to read it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, TypeVar

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import TypeAdapter

_Read = TypeVar("_Read")
_PLAIN = frozenset({bool, int, str})
_WHOLE_FLOATS_BELOW = 2.0**53  # from here on not every whole number is a float


def encode(value: object) -> bytes:
    """Write a value as canonical JSON: sorted keys, no spaces, UTF-8.

    Dataclasses become objects, enums their values, tuples and lists arrays, bytes hex digits. A
    `Decimal` becomes text without an exponent and without closing zeros, and a whole float is
    written as an integer (as RFC 8785 does), so that what is equal is written equally.

    Raises:
        InputError: NaN, infinity, or a value of another kind, arrays of numpy included.
    """
    try:
        return _text(value).encode()
    except (TypeError, ValueError) as error:
        message = f"expected values that JSON can hold, was: {error}"
        raise InputError(message) from error


def digest(value: object) -> str:
    """Return the SHA-256 of `encode(value)`, 64 hex digits.

    Raises:
        InputError: see `encode`.
    """
    return hashlib.sha256(encode(value)).hexdigest()


def decode(kind: type[_Read], data: bytes) -> _Read:
    """Read what `encode` wrote, strictly: no unknown key, no conversion, no NaN.

    Args:
        kind: the dataclass that was written.
        data: JSON.

    Raises:
        InputError: it is something else; the message names the place.
    """
    from pydantic import ValidationError

    form: Any = kind
    try:
        found: _Read = _adapter(form).validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "its start"
        message = f"expected the form of a {kind.__name__}, was: {first['msg']} at {where}"
        raise InputError(message) from error
    return found


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    # Building one takes longer than reading with it; there is one per class, so it is bounded.
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _text(value: object) -> str:
    """Write one value; a class that was met before is written by its own writer."""
    writer = _WRITERS.get(type(value))
    if writer is None:
        writer = _WRITERS[type(value)] = _writer_of(value)
    return writer(value)


def _writer_of(value: object) -> Callable[[Any], str]:  # noqa: PLR0911 - one per kind of value
    """Choose how values of a class are written; there is one writer per class, so it is bounded.

    Raises:
        TypeError: values of the class have no form in JSON.
    """
    if isinstance(value, Enum):
        return _enum_text
    if isinstance(value, str):
        return encode_basestring
    if isinstance(value, int):
        return int.__repr__
    if isinstance(value, float):
        return _float_text
    if isinstance(value, Decimal):
        return _decimal_text
    if isinstance(value, tuple | list):
        return _array_text
    if isinstance(value, dict):
        return _object_text
    if isinstance(value, bytes):
        return _bytes_text
    if is_dataclass(value) and not isinstance(value, type):
        return _dataclass_writer(type(value))
    message = f"{type(value).__name__} has no form in JSON"
    raise TypeError(message)


def _dataclass_writer(kind: type) -> Callable[[object], str]:
    # Decisions are digested by the ten thousand: the order of the keys is found once per class.
    heads = [(f'"{name}":', name) for name in sorted(field.name for field in fields(kind))]

    def write(value: object) -> str:
        parts = []
        for key, name in heads:
            item = getattr(value, name)
            writer = _WRITERS.get(type(item))
            parts.append(key + (_text(item) if writer is None else writer(item)))
        return "{" + ",".join(parts) + "}"

    return write


def _enum_text(value: Enum) -> str:
    return _text(value.value)


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        message = f"{value} has no form in JSON"
        raise ValueError(message)
    is_whole = value.is_integer() and abs(value) < _WHOLE_FLOATS_BELOW
    return str(int(value)) if is_whole else float.__repr__(value)


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        message = f"{value} has no form in JSON"
        raise ValueError(message)
    text = format(value, "f")
    return f'"{text.rstrip("0").rstrip(".") if "." in text else text}"'


def _array_text(value: tuple[object, ...] | list[object]) -> str:
    return "[" + ",".join([_text(item) for item in value]) + "]"


def _object_text(value: dict[object, object]) -> str:
    items = sorted({str(key): item for key, item in value.items()}.items())
    return "{" + ",".join([f"{encode_basestring(key)}:{_text(item)}" for key, item in items]) + "}"


def _bytes_text(value: bytes) -> str:
    return f'"{value.hex()}"'


_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
}
