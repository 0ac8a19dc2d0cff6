"""Gates: the figures decide, the kind says which must hold, and later words outweigh nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from athena.errors import InputError, RefusedError
from athena.platform.artifacts import (
    KIND_RULES,
    BundleKind,
    Gate,
    Scorecard,
    Status,
    measure_gate,
)
from athena.platform.artifacts._gates import check_gates, open_gates
from tests.artifact_builder import passing

FORECASTER = BundleKind.FORECASTER


@pytest.mark.parametrize(
    ("expected", "was", "holds"),
    [
        (">= 0.5", 0.5, True),
        ("> 0.5", 0.5, False),
        ("<= -1e-3", -0.001, True),
        ("< 2", 2, False),
        ("== 1", 1, True),
        ("== 1", 0, False),
        (">= 0", None, False),
        (">= 0", float("nan"), False),
        (">= 0", float("inf"), False),
    ],
)
def test_a_measurement_is_judged_by_its_bound(
    expected: str, was: float | None, holds: bool
) -> None:
    assert measure_gate("coverage", expected, was).holds is holds


@pytest.mark.parametrize(
    ("name", "expected", "n", "interval"),
    [
        ("Coverage!", ">= 0", 1, None),
        ("coverage", "about 0.8", 1, None),
        ("coverage", ">= nan", 1, None),
        ("coverage", ">= 0", -1, None),
        ("coverage", ">= 0", 1, (0.8, 0.7)),
    ],
)
def test_a_gate_without_sense_cannot_be_made(
    name: str, expected: str, n: int, interval: tuple[float, float] | None
) -> None:
    with pytest.raises(InputError, match="expected"):
        measure_gate(name, expected, 0.5, n=n, interval=interval)


def test_a_gate_whose_word_contradicts_its_figures_is_refused() -> None:
    """A score that fails and says that it holds; and the honest twin."""
    honest = measure_gate("coverage", ">= 0.76", 0.6, n=500)
    check_gates([honest], what="scorecard")
    with pytest.raises(RefusedError, match=r"holds = True with >= 0\.76 and 0\.6"):
        check_gates([replace(honest, holds=True)], what="scorecard")
    with pytest.raises(RefusedError, match="once"):
        check_gates([honest, honest], what="scorecard")


def _open(gates: list[Gate], evidence: tuple[Gate, ...] = (), to: Status = Status.SHADOW) -> str:
    return "; ".join(open_gates(FORECASTER, to, Scorecard(tuple(gates)), evidence))


def test_a_missing_gate_and_one_that_fails_are_named_with_figures() -> None:
    """ML-36 and DK-10: refused with figures."""
    gates = list(passing(FORECASTER))
    assert _open(gates) == ""
    assert _open(gates[1:]) == f"gate {gates[0].name} is missing"
    failing = measure_gate(gates[0].name, ">= 0.5", 0.25, n=1_000)
    assert _open([failing, *gates[1:]]) == (
        f"gate {gates[0].name} does not hold: expected >= 0.5, was 0.25 (n 1,000)"
    )


def test_too_few_observations_do_not_hold() -> None:
    """ML-36: n < 100."""
    gates = [
        replace(gate, n=99) if gate.name == "beats_champion" else gate
        for gate in passing(FORECASTER)
    ]
    assert _open(gates) == "gate beats_champion does not hold: expected n >= 100, was 99"


def test_a_comparison_without_an_interval_does_not_hold() -> None:
    gates = [
        replace(gate, interval=None) if gate.name == "beats_champion" else gate
        for gate in passing(FORECASTER)
    ]
    assert _open(gates) == "gate beats_champion does not hold: expected an interval, was none"


def test_a_gate_that_nobody_requires_must_hold_once_it_is_there() -> None:
    own = measure_gate("my_own", "== 1", 0)
    assert "gate my_own does not hold" in _open([*passing(FORECASTER), own])


def test_later_evidence_adds_a_gate_and_replaces_older_but_never_the_scorecards() -> None:
    gates = list(passing(FORECASTER))
    shadow = measure_gate("shadow_bars", ">= 20", 20)
    promoted = Status.PROMOTED
    assert _open(gates, (), promoted) == "gate shadow_bars is missing"
    assert _open(gates, (shadow,), promoted) == ""
    early = measure_gate("shadow_bars", ">= 20", 3)
    assert _open(gates, (early, shadow), promoted) == ""
    assert "was 3" in _open(gates, (shadow, early), promoted)
    failing = measure_gate(gates[0].name, ">= 0.5", 0.1)
    assert "was 0.1" in _open([failing, *gates[1:]], (gates[0],))


@pytest.mark.parametrize("kind", BundleKind)
def test_every_kind_demands_something_before_it_may_shadow(kind: BundleKind) -> None:
    assert KIND_RULES[kind].to_shadow
    names = [gate.name for gate in KIND_RULES[kind].gates(Status.PROMOTED)]
    assert len(set(names)) == len(names)
