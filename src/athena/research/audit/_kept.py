"""What a strategy keeps: everything on it that holds a number for every step of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.trading import Strategy

_NUMBERS = "biuf"
_DEPTH = 4
_SLACK = 1  # differences are one shorter than the run, running totals one longer


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """One thing that a strategy keeps.

    Attributes:
        path: how to reach it, such as ``self.closes`` or ``self.cache['BTC']``.
        value: an array, list, tuple, or dictionary of numbers.
        axis: of an array that runs along the steps; 0 for the others.
        offset: its length less the number of steps: -1, 0 or 1.
    """

    path: str
    value: Any
    axis: int
    offset: int


def columns_kept(strategy: Strategy, n_steps: int) -> list[Kept]:
    """Find what a strategy keeps, in its attributes and what they hold, four levels deep.

    What lies outside of it, on its module or its class, is not found here: it is shown by running
    it anew in code that was imported anew.
    """
    return list(_walk(strategy, "self", n_steps, _DEPTH, set()))


def _walk(value: Any, path: str, n_steps: int, depth: int, seen: set[int]) -> Iterator[Kept]:  # noqa: ANN401 - anything
    if id(value) in seen or depth < 0:
        return
    seen.add(id(value))
    found = _as_kept(value, path, n_steps)
    if found is not None:
        yield found
    elif isinstance(value, dict):
        for key, item in list(value.items()):
            yield from _walk(item, f"{path}[{key!r}]", n_steps, depth - 1, seen)
    elif isinstance(value, list | tuple):
        for k, item in enumerate(value):
            yield from _walk(item, f"{path}[{k}]", n_steps, depth - 1, seen)
    else:
        for key, item in list(getattr(value, "__dict__", {}).items()):
            yield from _walk(item, f"{path}.{key}", n_steps, depth - 1, seen)


def _as_kept(value: Any, path: str, n_steps: int) -> Kept | None:  # noqa: ANN401 - anything
    if isinstance(value, np.ndarray):
        if value.dtype.kind in _NUMBERS:
            for axis, length in enumerate(value.shape):
                if abs(length - n_steps) <= _SLACK:
                    return Kept(path, value, axis, length - n_steps)
        return None
    if isinstance(value, list | tuple | dict) and abs(len(value) - n_steps) <= _SLACK:
        items = list(value.values()) if isinstance(value, dict) else value
        if all(isinstance(item, int | float | np.number) for item in items):
            return Kept(path, value, 0, len(value) - n_steps)
    return None
