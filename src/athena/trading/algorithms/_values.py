"""Plans and news as JSON values and back, checked field by field against their declared types."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import TYPE_CHECKING, TypeVar, get_args, get_origin, get_type_hints

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

ItemT = TypeVar("ItemT")


def to_values(item: object) -> dict[str, object]:
    """Write a dataclass of integers, texts, flags, enums and tuples of such as JSON values."""
    if not is_dataclass(item):
        message = f"expected a dataclass, was {type(item).__name__}"
        raise InputError(message)
    return {field.name: _written(getattr(item, field.name)) for field in fields(item)}


def _written(value: object) -> object:
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if is_dataclass(value):
        return to_values(value)
    return value


def from_values(kind: type[ItemT], values: Mapping[str, object]) -> ItemT:
    """Read what `to_values` wrote; every field has to be there, and none else.

    Raises:
        InputError: a field is missing, not known, or of another type; the message names it.
    """
    hints = get_type_hints(kind)
    if set(values) != set(hints):
        odd = ", ".join(sorted(set(values) ^ set(hints)))
        message = f"expected the fields of {kind.__name__}, was odd in {odd}"
        raise InputError(message)
    read = {
        name: _read(hint, values[name], f"{kind.__name__}.{name}") for name, hint in hints.items()
    }
    return kind(**read)


def _read(hint: object, value: object, where: str) -> object:
    if isinstance(hint, UnionType):
        return None if value is None else _read(get_args(hint)[0], value, where)
    if get_origin(hint) is tuple:
        return _read_tuple(hint, value, where)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _read_member(hint, value, where)
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, dict):
            raise _other(where, "an object", value)
        return from_values(hint, value)
    # `type`, not `isinstance`: True is an int, and would be taken for 1.
    if not isinstance(hint, type) or type(value) is not hint:
        raise _other(where, getattr(hint, "__name__", str(hint)), value)
    return value


def _read_tuple(hint: object, value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise _other(where, "a list", value)
    return tuple(_read(get_args(hint)[0], item, where) for item in value)


def _read_member(kind: type[StrEnum], value: object, where: str) -> StrEnum:
    for member in kind:
        if member.value == value:
            return member
    raise _other(where, f"one of {', '.join(kind)}", value)


def _other(where: str, expected: str, value: object) -> InputError:
    return InputError(f"expected {where} as {expected}, was {value!r}")
