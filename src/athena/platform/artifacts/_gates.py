"""Gates: a bound, what was measured, and whether it holds. The figures decide, not the word."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from athena.errors import InputError, RefusedError
from athena.platform.artifacts._documents import STRICT
from athena.platform.artifacts._kinds import KIND_RULES, BundleKind, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import ConfigDict

_EXPECTED = re.compile(r"(>=|<=|==|>|<) (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
_RELATIONS = MappingProxyType(
    {
        ">=": operator.ge,
        "<=": operator.le,
        "==": operator.eq,
        ">": operator.gt,
        "<": operator.lt,
    }
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Gate:
    """One claim about a model, with the figures that decide it; make one with `measure_gate`.

    Attributes:
        name: lowercase letters, digits and underscores.
        expected: a relation and a number, such as `>= 0.76`; yes or no is `== 1`.
        was: what was measured; None when nothing could be.
        n: observations behind it; None when it does not count any.
        interval: confidence interval of `was`, low and high; None when there is none.
        holds: whether `was` stands in the relation; None never does.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str
    expected: str
    was: float | None
    n: int | None
    interval: tuple[float, float] | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The gates of a bundle, as its trainer measured them."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    gates: tuple[Gate, ...]


def measure_gate(
    name: str,
    expected: str,
    was: float | None,
    *,
    n: int | None = None,
    interval: tuple[float, float] | None = None,
) -> Gate:
    """Judge a measurement; NaN and infinity count as not measured.

    Raises:
        InputError: the name, the bound, `n` or the interval has no sense.
    """
    measured = None if was is None or not math.isfinite(was) else float(was)
    gate = Gate(name, expected, measured, n, interval, holds=_stands(expected, measured))
    faults = list(_faults(gate))
    if faults:
        raise InputError(faults[0])
    return gate


def check_gates(gates: Iterable[Gate], *, what: str) -> None:
    """Check gates that were read.

    Raises:
        RefusedError: one says that it holds and its figures say otherwise, or the reverse; one
            comes twice; or a figure has no sense.
    """
    seen = set()
    for gate in gates:
        faults = [*_faults(gate)]
        if gate.name in seen:
            faults.append(f"expected gate {gate.name} once, was there again")
        if faults:
            message = f"{faults[0]}: {what}"
            raise RefusedError(message)
        seen.add(gate.name)


def open_gates(
    kind: BundleKind, target: Status, scorecard: Scorecard, evidence: Iterable[Gate]
) -> list[str]:
    """Say for each gate what keeps a version from a status; nothing when it may go there.

    A gate of the scorecard stays what it is: later evidence can add a gate, and newer evidence
    replaces older, but none outweighs what the trainer measured. Gates that nobody requires
    must hold too, once they are there.

    Args:
        kind: what must be shown depends on it.
        target: where the version is to go.
        scorecard: of the bundle.
        evidence: what was recorded since, oldest first.
    """
    latest = {gate.name: gate for gate in evidence}
    own = {gate.name: gate for gate in scorecard.gates}
    least = {required.name: required.least_n for required in KIND_RULES[kind].gates(target)}
    reasons = []
    for name in dict.fromkeys([*least, *own, *latest]):
        stated = [gates[name] for gates in (own, latest) if name in gates]
        if not stated:
            reasons.append(f"gate {name} is missing")
        reasons += [shortfall for gate in stated if (shortfall := _shortfall(gate, least))]
    return reasons


def _shortfall(gate: Gate, least: dict[str, int]) -> str:
    if not gate.holds:
        was = "not measured" if gate.was is None else f"{gate.was:g}"
        return f"gate {gate.name} does not hold: expected {gate.expected}, was {was}{_n(gate)}"
    least_n = least.get(gate.name, 0)
    if (gate.n or 0) < least_n:
        return f"gate {gate.name} does not hold: expected n >= {least_n}, was {gate.n}"
    if least_n and gate.interval is None:
        return f"gate {gate.name} does not hold: expected an interval, was none"
    return ""


def _n(gate: Gate) -> str:
    return "" if gate.n is None else f" (n {gate.n:,})"


def _stands(expected: str, was: float | None) -> bool:
    match = _EXPECTED.fullmatch(expected)
    if match is None or was is None:
        return False
    return bool(_RELATIONS[match[1]](was, float(match[2])))


def _faults(gate: Gate) -> Iterator[str]:
    if not _NAME.fullmatch(gate.name):
        yield f"expected lowercase letters, digits and underscores as gate, was {gate.name!r}"
    if not _EXPECTED.fullmatch(gate.expected):
        yield f"expected a bound such as '>= 0.5' in gate {gate.name}, was {gate.expected!r}"
    if gate.n is not None and gate.n < 0:
        yield f"expected n >= 0 in gate {gate.name}, was {gate.n}"
    if gate.interval is not None and not gate.interval[0] <= gate.interval[1]:
        yield f"expected an interval from low to high in gate {gate.name}, was {gate.interval}"
    if gate.holds != _stands(gate.expected, gate.was):
        yield (
            f"expected gate {gate.name} to say what its figures say, was holds = {gate.holds} "
            f"with {gate.expected} and {gate.was}"
        )
