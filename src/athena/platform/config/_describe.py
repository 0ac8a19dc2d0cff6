"""List every configuration key with its default, bounds and meaning, read from the models."""

from __future__ import annotations

import types
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

from athena.platform.config._keys import Section
from athena.platform.config._models import Config

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """Describe one configuration key.

    Attributes:
        path: dotted path, `section.key`.
        default: value when nothing sets it.
        allowed: type and bounds in words.
        meaning: what it does, in a few words.
        is_mapping: True when the names below it are free (base currencies).
        pattern: the path with `*` for a name that is free (a model's).
    """

    path: str
    default: object
    allowed: str
    meaning: str
    is_mapping: bool
    pattern: str


@dataclass(frozen=True, slots=True)
class SectionInfo:
    """Describe one section: its dotted path and its purpose in a sentence."""

    path: str
    meaning: str


def describe_config() -> list[SectionInfo | KeyInfo]:
    """List sections and keys in the order of the models; a section comes before its keys."""
    return list(_walk(Config(), "", ""))


def config_keys() -> dict[str, KeyInfo]:
    """Map each dotted path to its key."""
    return {item.path: item for item in describe_config() if isinstance(item, KeyInfo)}


def _walk(section: Section, prefix: str, shape: str) -> Iterator[SectionInfo | KeyInfo]:
    # Plain keys first: in YAML a sub-section ends only where the next one begins.
    items = [(name, getattr(section, name)) for name in type(section).model_fields]
    for name, value in sorted(items, key=lambda item: _is_section(item[1])):
        field = type(section).model_fields[name]
        path, pattern = f"{prefix}{name}", f"{shape}{name}"
        if not _is_section(value):
            yield _key_info(path, value, field, pattern)
            continue
        yield SectionInfo(path, field.description or _first_line(value))
        if isinstance(value, Section):
            yield from _walk(value, f"{path}.", f"{pattern}.")
            continue
        for free, below in value.items():
            yield SectionInfo(f"{path}.{free}", _first_line(below))
            yield from _walk(below, f"{path}.{free}.", f"{pattern}.*.")


def _is_section(value: object) -> bool:
    """Tell whether a value holds keys of its own: a section, or sections by free names."""
    below = next(iter(value.values()), None) if isinstance(value, dict) else value
    return isinstance(below, Section)


def _first_line(value: object) -> str:
    return (type(value).__doc__ or "").partition("\n")[0]


def _key_info(path: str, value: object, field: FieldInfo, pattern: str) -> KeyInfo:
    is_mapping = get_origin(field.annotation) is dict
    return KeyInfo(path, value, _allowed(field), field.description or "", is_mapping, pattern)


def _allowed(field: FieldInfo) -> str:
    annotation: Any = field.annotation
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is dict:
        bounds = " and ".join(_bounds(get_args(get_args(annotation)[1])))
        return f"number {bounds} for each base currency"
    if get_origin(annotation) in {Union, types.UnionType}:
        return "path"
    names = {bool: "`true` or `false`", int: "whole number", Decimal: "number", str: "text"}
    return f"{names[annotation]} {' and '.join(_bounds(field.metadata))}".rstrip()


def _bounds(metadata: Iterable[Any]) -> list[str]:
    # A key may narrow the bounds of its type: the tighter one counts.
    metadata = [part for item in metadata for part in getattr(item, "metadata", [item])]
    lows: list[Any] = [(item.ge, ">=") for item in metadata if isinstance(item, Ge)]
    lows += [(item.gt, ">") for item in metadata if isinstance(item, Gt)]
    highs: list[Any] = [(item.le, "<=") for item in metadata if isinstance(item, Le)]
    highs += [(item.lt, "<") for item in metadata if isinstance(item, Lt)]
    ends = [max(lows, default=None), min(highs, default=None)]
    return [f"{sign} {value}" for end in ends if end for value, sign in [end]]
