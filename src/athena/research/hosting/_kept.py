"""What a strategy remembers on itself, as JSON, so that a restart does not make it forget.

A monthly rebalance that forgot its month would act again at every restart. Plain values are kept:
numbers, texts, truth values, None, decimals, names of the vocabulary (`Side.BUY`), bars, and
lists, tuples, sets, deques and dictionaries of them; also within a strategy or a dataclass (not a
frozen one) that it holds from the start. Anything else is named by `not_kept`, and is the
strategy's to build again.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from athena import domain
from athena.errors import InputError
from athena.trading import Bar, Strategy, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Kept = dict[str, Any]
_PLAIN = {type(None), bool, int, str}
_COLLECTIONS: dict[type, str] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    Bar: "bar",
}
_SETS = {set, frozenset}
_NAMES = {
    name: kind
    for name, kind in vars(domain).items()
    if isinstance(kind, type) and issubclass(kind, StrEnum)
}
_MAKERS: dict[str, Callable[[Any], Any]] = {
    "float": float.fromhex,
    "decimal": Decimal,
    "name": lambda found: _NAMES[found[0]](found[1]),
    "list": lambda items: [_decoded(item) for item in items],
    "tuple": lambda items: tuple(_decoded(item) for item in items),
    "set": lambda items: {_decoded(item) for item in items},
    "frozenset": lambda items: frozenset(_decoded(item) for item in items),
    "bar": lambda items: Bar(*items),
    "deque": lambda found: deque((_decoded(item) for item in found[0]), maxlen=found[1]),
    "dict": lambda pairs: {_decoded(key): _decoded(value) for key, value in pairs},
}


def kept_of(holder: object) -> Kept:
    """Return the plain attributes of a strategy by name, those of what it holds within them."""
    found: Kept = {}
    for name, value in _attributes(holder):
        if _is_holder(value):
            found[name] = {"held": kept_of(value)}
        elif (encoded := _encoded(value)) is not _NOT_PLAIN:
            found[name] = encoded
    return found


def not_kept(holder: object, made: Kept, path: str) -> list[str]:
    """Name the attributes that a restart would lose, as ``path.attribute``.

    Args:
        holder: a strategy, or what it holds.
        made: what was kept of it when it was new.
        path: its name.
    """
    lost = []
    for name, value in _attributes(holder):
        if _is_holder(value) and _is_held(made.get(name)):
            lost += not_kept(value, made[name]["held"], f"{path}.{name}")
        # A class does not change, and a view is shown anew.
        elif not isinstance(value, type | View) and _encoded(value) is _NOT_PLAIN:
            lost.append(f"{path}.{name}")
    return lost


def changed_since(made: Kept, now: Kept) -> Kept:
    """Return what is new or different; a strategy's parameters are the same and stay out.

    What it holds can be given back only into what it held when it was new.
    """
    changed = {name: value for name, value in now.items() if made.get(name, ...) != value}
    return {
        name: value
        for name, value in changed.items()
        if not _is_held(value) or _is_held(made.get(name))
    }


def give_back(holder: object, kept: Kept) -> None:
    """Set attributes as they were kept.

    Raises:
        InputError: they cannot be read.
    """
    held = {name: value for name, value in _attributes(holder) if _is_holder(value)}
    for name, value in kept.items():
        if name in held:
            give_back(held[name], value["held"])
        else:
            # Also into a frozen dataclass, whose collections may change.
            object.__setattr__(holder, name, _decoded(value))


def _attributes(holder: object) -> Iterator[tuple[str, Any]]:
    """Yield what stands on an object, by name, in the order of the names."""
    names = set(getattr(holder, "__dict__", {}))
    if dataclasses.is_dataclass(holder):
        names.update(field.name for field in dataclasses.fields(holder))
    missing = object()
    for name in sorted(names):
        value = getattr(holder, name, missing)
        if value is not missing:  # a field without a default may not be set yet
            yield name, value


def _is_holder(value: Any) -> bool:  # noqa: ANN401 - anything that stands on a strategy
    """Tell whether a value is looked into: a strategy, or a helper that can be changed."""
    if isinstance(value, Strategy):
        return True
    is_record = dataclasses.is_dataclass(value) and not isinstance(value, type)
    # A frozen one may be shared, and is replaced as a whole.
    return is_record and not value.__dataclass_params__.frozen


def _is_held(kept: object) -> bool:
    return isinstance(kept, dict) and "held" in kept


_NOT_PLAIN = object()


def _encoded(value: object) -> object:
    """Encode a plain value, what JSON does not know by its name; _NOT_PLAIN if it is none."""
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, float):
        return {"float": value.hex()} if kind is float else _NOT_PLAIN
    if isinstance(value, StrEnum):
        return {"name": [kind.__name__, value.value]} if kind in _NAMES.values() else _NOT_PLAIN
    return {"decimal": str(value)} if kind is Decimal else _encoded_collection(value)


def _encoded_collection(value: Any) -> object:  # noqa: ANN401 - anything that stands on a strategy
    kind = type(value)
    if kind is dict:
        pairs = [[_encoded(key), _encoded(item)] for key, item in value.items()]
        is_plain = all(_NOT_PLAIN not in pair for pair in pairs)
        return {"dict": pairs} if is_plain else _NOT_PLAIN
    if kind is not deque and kind not in _COLLECTIONS:
        return _NOT_PLAIN
    items = [_encoded(item) for item in value]
    if _NOT_PLAIN in items:
        return _NOT_PLAIN
    if kind is deque:
        return {"deque": [items, value.maxlen]}
    # Sets in an order that does not depend on hashes: the same memory is the same text.
    return {_COLLECTIONS[kind]: sorted(items, key=repr) if kind in _SETS else items}


def _decoded(value: object) -> object:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind not in _MAKERS:
        message = f"expected a kept value of {', '.join(_MAKERS)}, was {kind!r}"
        raise InputError(message)
    return _MAKERS[kind](content)
