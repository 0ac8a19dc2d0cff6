"""The combinations that a search tries: `k=first:last:step` and `k=a,b,c`, multiplied out."""

from __future__ import annotations

import decimal
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import format_decimal, parse_decimal
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_COMBINATIONS = 100_000
_RANGE_PARTS = 3
# Digits no parameter needs; a range that does not fit is refused, never rounded.
_EXACT = decimal.Context(prec=50, traps=[decimal.Inexact, decimal.InvalidOperation])


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and the values it takes.

    Attributes:
        name: of the parameter.
        values: as a person would type them, distinct, in the order asked for; at least one.
    """

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of some axes, numbered; the last axis turns fastest.

    Attributes:
        axes: what varies, in the order asked for.
        fixed: parameters that every combination has besides.
    """

    axes: tuple[Axis, ...]
    fixed: Mapping[str, str]

    @property
    def size(self) -> int:
        """Return the number of combinations, >= 1; it may be far more than can be tried."""
        return math.prod(len(axis.values) for axis in self.axes)

    def at(self, number: int) -> dict[str, str]:
        """Return one combination, fixed parameters first.

        Raises:
            IndexError: the number is not in [0, size).
        """
        if not 0 <= number < self.size:
            message = f"expected a combination in [0, {self.size}), was {number}"
            raise IndexError(message)
        picked: list[str] = []
        for axis in reversed(self.axes):
            number, place = divmod(number, len(axis.values))
            picked.append(axis.values[place])
        names = (axis.name for axis in self.axes)
        return {**self.fixed, **dict(zip(names, reversed(picked), strict=True))}

    def combinations(self) -> list[dict[str, str]]:
        """Return every combination; without axes there is one, the fixed parameters.

        Raises:
            InputError: they are more than 100,000.
        """
        if self.size > MAX_COMBINATIONS:
            message = f"expected at most {MAX_COMBINATIONS:,} combinations, was {self.size:,}"
            raise InputError(message, hint="widen a step, or take fewer parameters")
        return [self.at(number) for number in range(self.size)]


def parse_grid(texts: Sequence[str], fixed: Mapping[str, str] | None = None) -> Grid:
    """Read the axes of a search.

    Args:
        texts: each `name=first:last:step`, a range with exact decimals that includes its last
            value when a step hits it, or `name=a,b,c`, values as they stand.
        fixed: parameters given besides; none may be an axis too.

    Raises:
        InputError: not one of these forms, a step <= 0, a range that is empty or longer than
            100,000, a value or a name twice.
    """
    axes = tuple(_parse_axis(text) for text in texts)
    given = dict(fixed or {})
    names = [*given, *(axis.name for axis in axes)]
    for name in names:
        if names.count(name) > 1:
            message = f"expected each parameter once, was {name!r} twice"
            raise InputError(message, hint="a parameter is given a value or a grid, not both")
    return Grid(axes, given)


def _parse_axis(text: str) -> Axis:
    name, equals, values = text.partition("=")
    if not (name and equals and values):
        message = f"expected a grid as name=first:last:step or name=a,b,c, was {text!r}"
        raise InputError(message)
    return Axis(name, _range(text, values) if ":" in values else _listed(text, values))


def _listed(text: str, values: str) -> tuple[str, ...]:
    parts = tuple(values.split(","))
    if "" in parts or len(set(parts)) < len(parts):
        message = f"expected distinct values with commas between, was {text!r}"
        raise InputError(message)
    return parts


def _range(text: str, values: str) -> tuple[str, ...]:
    parts = values.split(":")
    if len(parts) != _RANGE_PARTS:
        message = f"expected a range as first:last:step, was {text!r}"
        raise InputError(message, hint="such as fast=5:50:5")
    first, last, step = (parse_decimal(part, what=f"each part of {text!r}") for part in parts)
    if step <= 0 or last < first:
        message = f"expected first <= last and a step above 0, was {text!r}"
        raise InputError(message)
    try:
        n_steps = int(_EXACT.divide_int(_EXACT.subtract(last, first), step))
        if n_steps >= MAX_COMBINATIONS:
            message = (
                f"expected at most {MAX_COMBINATIONS:,} values, was {n_steps + 1:,}: {text!r}"
            )
            raise InputError(message, hint="widen the step")
        return tuple(
            format_decimal(_EXACT.fma(step, Decimal(number), first))
            for number in range(n_steps + 1)
        )
    except decimal.DecimalException:
        message = f"expected numbers that fit {_EXACT.prec} digits, was {text!r}"
        raise InputError(message) from None
