"""Candidate, shadow, promoted, retired: one step at a time, and back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from athena.errors import MissingError, RefusedError
from athena.platform.artifacts import (
    BundleKind,
    Status,
    add_evidence,
    load_bundle,
    measure_gate,
    promote_bundle,
    read_record,
    retire_bundle,
    roll_back_bundle,
)
from athena.platform.artifacts._record import _MOST_MOVES
from tests.artifact_builder import NAME, NOW_NS, draft, flip, pass_shadow, passing, publish, serve

if TYPE_CHECKING:
    from pathlib import Path

SHADOW, PROMOTED = Status.SHADOW, Status.PROMOTED


def promote(home: Path, to: Status, version: str | None = None) -> str:
    assert to in {SHADOW, PROMOTED}
    step = SHADOW if to is SHADOW else PROMOTED
    return promote_bundle(home, NAME, to=step, now_ns=NOW_NS, version=version).version


def served(home: Path) -> str:
    return load_bundle(home, NAME, kind=BundleKind.FORECASTER).version


def statuses(home: Path) -> list[str]:
    return [version.status for version in read_record(home, NAME).versions]


def test_a_version_goes_all_the_way_and_its_history_says_so(home: Path) -> None:
    version = serve(home)
    assert served(home) == version
    moves = [(move.before, move.after) for move in read_record(home, NAME).history]
    assert moves == [
        (None, "candidate"),
        ("candidate", "shadow"),
        ("shadow", "shadow"),  # the evidence of the shadow run
        ("shadow", "promoted"),
    ]


def test_nobody_skips_the_shadow(home: Path) -> None:
    version = publish(home)
    for asked in (None, version):
        with pytest.raises(RefusedError, match="shadow"):
            promote(home, PROMOTED, asked)
    assert statuses(home) == ["candidate"]


def test_a_gate_that_is_missing_or_fails_stops_the_step_by_name(home: Path) -> None:
    gates = draft().gates[1:]
    publish(home, gates=gates)
    with pytest.raises(RefusedError, match=f"gate {draft().gates[0].name} is missing"):
        promote(home, SHADOW)
    failing = measure_gate(draft().gates[0].name, ">= 0.5", 0.1, n=500)
    publish(home, gates=(failing, *gates), at_ns=NOW_NS + 1)
    with pytest.raises(RefusedError, match=r"does not hold: expected >= 0\.5, was 0\.1"):
        promote(home, SHADOW)
    assert statuses(home) == ["candidate", "candidate"]


def test_the_shadow_run_is_evidence_that_comes_later(home: Path) -> None:
    version = publish(home)
    promote(home, SHADOW)
    with pytest.raises(RefusedError, match="gate shadow_bars is missing"):
        promote(home, PROMOTED)
    short = measure_gate("shadow_bars", ">= 20", 19)
    add_evidence(home, NAME, [short], version=version, now_ns=NOW_NS)
    with pytest.raises(RefusedError, match="expected >= 20, was 19"):
        promote(home, PROMOTED)
    pass_shadow(home, version)
    assert promote(home, PROMOTED) == version


def test_evidence_that_contradicts_itself_is_refused(home: Path) -> None:
    version = publish(home)
    lie = replace(measure_gate("shadow_bars", ">= 20", 3), holds=True)
    with pytest.raises(RefusedError, match="holds = True"):
        add_evidence(home, NAME, [lie], version=version, now_ns=NOW_NS)
    assert read_record(home, NAME).versions[0].evidence == ()


def test_evidence_outweighs_no_gate_of_the_scorecard(home: Path) -> None:
    name = draft().gates[0].name
    failing = measure_gate(name, ">= 0.5", 0.1, n=500)
    version = publish(home, gates=(failing, *draft().gates[1:]))
    add_evidence(home, NAME, [draft().gates[0]], version=version, now_ns=NOW_NS)
    with pytest.raises(RefusedError, match=f"gate {name} does not hold"):
        promote(home, SHADOW)


def test_a_spoiled_version_is_never_promoted(home: Path) -> None:
    """ML-37: the previous one stays in service."""
    first = serve(home)
    second = publish(home, 2.0, at_ns=NOW_NS + 1)
    weights = home / "artifacts" / NAME / second / "weights.safetensors"
    flip(weights, -1)
    with pytest.raises(RefusedError, match="weights"):
        promote(home, SHADOW)
    flip(weights, -1)
    assert promote(home, SHADOW) == second
    assert served(home) == first


def test_there_is_one_in_shadow_and_one_that_serves(home: Path) -> None:
    first = serve(home)
    second = publish(home, 2.0, at_ns=NOW_NS + 1)
    promote(home, SHADOW)
    third = publish(home, 3.0, at_ns=NOW_NS + 2)
    promote(home, SHADOW)
    assert statuses(home) == ["promoted", "retired", "shadow"]
    pass_shadow(home, third)
    promote(home, PROMOTED)
    assert statuses(home) == ["retired", "retired", "promoted"]
    assert read_record(home, NAME).previous == (first,)
    assert second != third


def test_a_roll_back_restores_what_served_before_and_then_what_served_before_that(
    home: Path,
) -> None:
    """ML-38, FC-49: the very bytes."""
    versions = [serve(home, float(k), at_ns=NOW_NS + k) for k in range(1, 4)]
    before = load_bundle(home, NAME, kind=BundleKind.FORECASTER, version=versions[1]).weights["w"]
    move = roll_back_bundle(home, NAME, now_ns=NOW_NS, reason="coverage fell")
    assert (move.version, move.reason) == (versions[1], "coverage fell")
    bundle = load_bundle(home, NAME, kind=BundleKind.FORECASTER)
    assert bundle.id == f"{NAME}@{versions[1][:12]}"
    assert bundle.weights["w"].tobytes() == before.tobytes()
    assert roll_back_bundle(home, NAME, now_ns=NOW_NS).version == versions[0]
    with pytest.raises(RefusedError, match="promoted before, was none"):
        roll_back_bundle(home, NAME, now_ns=NOW_NS)
    assert served(home) == versions[0]


def test_a_roll_back_to_a_spoiled_version_is_refused_and_changes_nothing(home: Path) -> None:
    first, second = serve(home), serve(home, 2.0, at_ns=NOW_NS + 1)
    shutil.rmtree(home / "artifacts" / NAME / first)
    with pytest.raises(RefusedError, match="was missing"):
        roll_back_bundle(home, NAME, now_ns=NOW_NS)
    assert served(home) == second


def test_a_version_rolled_back_by_mistake_goes_through_the_gates_again(home: Path) -> None:
    first, second = serve(home), serve(home, 2.0, at_ns=NOW_NS + 1)
    roll_back_bundle(home, NAME, now_ns=NOW_NS)
    with pytest.raises(RefusedError, match=r"expected a version of .* in candidate, was none"):
        promote(home, SHADOW)
    promote(home, SHADOW, second)
    promote(home, PROMOTED)
    assert served(home) == second
    assert read_record(home, NAME).previous == (first,)


def test_a_withdrawn_version_leaves_none_and_a_roll_back_still_works(home: Path) -> None:
    """FC-49: the champion withdrawn, a named baseline serves."""
    first, second = serve(home), serve(home, 2.0, at_ns=NOW_NS + 1)
    retire_bundle(home, NAME, version=second, now_ns=NOW_NS, reason="ten breaches")
    with pytest.raises(MissingError, match="expected a promoted version"):
        served(home)
    with pytest.raises(RefusedError, match="was retired"):
        retire_bundle(home, NAME, version=second, now_ns=NOW_NS, reason="again")
    assert roll_back_bundle(home, NAME, now_ns=NOW_NS).version == first
    assert served(home) == first


def test_a_promoter_that_comes_second_is_refused(home: Path) -> None:
    version = serve(home)
    for asked in (None, version):
        with pytest.raises(RefusedError):
            promote(home, PROMOTED, asked)
    assert served(home) == version


@pytest.mark.parametrize("prefix", ["", "zz", "0" * 64])
def test_an_unknown_version_is_missing(home: Path, prefix: str) -> None:
    serve(home)
    with pytest.raises(MissingError, match="expected one version"):
        promote(home, SHADOW, prefix)


def test_the_history_has_a_bound_and_counts_what_it_forgot(home: Path) -> None:
    version = publish(home)
    record = read_record(home, NAME)
    move = record.history[0]
    long = record.noted(*[move] * (_MOST_MOVES + 4))
    assert len(long.history) == _MOST_MOVES
    assert long.n_forgotten == 5
    assert version == move.version


def test_a_policy_needs_days_in_shadow_calibration_and_an_approval(home: Path) -> None:
    """Section 11 of the specification of memory and language."""
    kind = BundleKind.MEMORY_POLICY
    publish(home, kind=kind, gates=passing(kind))
    promote(home, SHADOW)
    with pytest.raises(RefusedError, match=r"shadow_days.*calibration.*approval"):
        promote(home, PROMOTED)
