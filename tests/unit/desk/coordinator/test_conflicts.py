"""Conflicts: what a judge is asked, and how little it may do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from athena.desk.contract import Role, Unavailable
from athena.desk.coordinator import (
    ANSWER_NS,
    Answer,
    Change,
    Conflict,
    ConflictKind,
    Outcome,
    apply_change,
    find_conflict,
    resolve,
)
from athena.domain import Action, Regime
from athena.errors import InputError
from tests.desk_cases import (
    BUY,
    HOLD,
    NOW_NS,
    SELL,
    TICK,
    XRP,
    a_case,
    a_proposal,
    an_opinion,
)

BULL, CHOPPY = Regime.TRENDING_BULL, Regime.CHOPPY
DEADLINE_NS = NOW_NS + ANSWER_NS
OPPOSED_KIND, CHOPPY_KIND = ConflictKind.OPPOSED, ConflictKind.CHOPPY


def a_conflict(kind: ConflictKind = OPPOSED_KIND, **changes: Any) -> Conflict:
    return Conflict(
        kind=kind,
        decision_id="d-1",
        asked_ns=NOW_NS,
        symbol="BTC/USDT",
        action=BUY,
        confidence=0.7,
        regime=BULL,
        proposal=a_proposal(**changes),
        opinions=(),
        reason="they disagree",
    )


def answered(said: Any, kind: ConflictKind = OPPOSED_KIND, late_ns: int = 0) -> Any:
    answer = Answer(said, DEADLINE_NS + late_ns)
    return resolve(a_conflict(kind), answer, DEADLINE_NS)


def found(technical: tuple[Action, float], sentiment: tuple[Action, float], **k: Any) -> Any:
    views = (an_opinion(Role.TECHNICAL, *technical), an_opinion(Role.SENTIMENT, *sentiment, **k))
    return find_conflict(a_case(views), BULL, a_proposal(), 0.7)


def test_opposed_views_with_a_narrow_gap_are_a_conflict() -> None:
    conflict = found((BUY, 0.7), (SELL, 0.6))
    assert (conflict.kind, conflict.confidence) == (OPPOSED_KIND, 0.7)
    assert conflict.reason == "technical says buy, sentiment says sell, confidences 0.10 apart"
    assert found((Action.CLOSE_LONG, 0.7), (BUY, 0.7)).kind is OPPOSED_KIND


@pytest.mark.parametrize(
    ("technical", "sentiment"),
    [
        ((BUY, 0.8), (SELL, 0.6)),
        ((BUY, 0.7), (SELL, 0.5)),
        ((BUY, 0.7), (HOLD, 0.7)),
        ((BUY, 0.7), (BUY, 0.7)),
    ],
)
def test_others_are_none(technical: tuple[Action, float], sentiment: tuple[Action, float]) -> None:
    """A gap of 0.2 is wide."""
    assert found(technical, sentiment) is None


def test_views_that_do_not_count_start_no_conflict() -> None:
    for changes in (
        {"symbol": XRP},
        {"abstains": True},
        {"as_of_ns": NOW_NS - 2, "valid_until_ns": NOW_NS - 1},
    ):
        assert found((BUY, 0.7), (SELL, 0.7), **changes) is None


def test_any_trade_in_a_choppy_market_is_a_conflict_of_the_graver_kind() -> None:
    views = (an_opinion(Role.TECHNICAL, BUY), an_opinion(Role.SENTIMENT, SELL))
    conflict = find_conflict(a_case(views), CHOPPY, a_proposal(), 0.7)
    assert conflict is not None
    assert (conflict.kind, conflict.reason) == (CHOPPY_KIND, "buy in a choppy market")
    assert conflict.opinions == views


@pytest.mark.parametrize(
    ("kind", "outcome"), [(OPPOSED_KIND, Outcome.WAIT), (CHOPPY_KIND, Outcome.ABORT)]
)
@pytest.mark.parametrize(
    "said",
    [
        {"answer": "CLOSE everything!!"},
        {"answer": "Proceed"},
        {"answer": None},
        {"answer": ["proceed"]},
        {},
        {"answer": "proceed", "reason": 7},
        {"answer": "proceed", "extra": 1},
        {"answer": "proceed", "size_cut_pct": 10},
        {"answer": "modify"},
        {"answer": "modify", "leverage": 9},
        {"answer": "modify", "leverage": 0},
        {"answer": "modify", "leverage": 1.5},
        {"answer": "modify", "leverage": "NaN"},
        {"answer": "modify", "leverage": float("nan")},
        {"answer": "modify", "leverage": True},
        {"answer": "modify", "size_cut_pct": float("nan")},
        {"answer": "modify", "size_cut_pct": float("-inf")},
        {"answer": "modify", "size_cut_pct": 10**400},
        {"answer": "modify", "size_cut_pct": "big"},
        {"answer": "modify", "entry_shift_frac": 0.011},
        {"answer": "modify", "entry_shift_frac": -0.011},
        Unavailable("model:conflicts", "it did not answer"),
    ],
)
def test_what_is_no_answer_stops_the_trade(
    kind: ConflictKind, outcome: Outcome, said: Any
) -> None:
    """DK-18, DK-42, C13."""
    resolution = answered(said, kind)
    assert (resolution.outcome, resolution.change) == (outcome, None)
    assert resolution.reason.startswith("they disagree; ")


@pytest.mark.parametrize(
    ("kind", "outcome"), [(OPPOSED_KIND, Outcome.WAIT), (CHOPPY_KIND, Outcome.ABORT)]
)
def test_an_answer_that_is_late_is_none(kind: ConflictKind, outcome: Outcome) -> None:
    """DK-18: nothing for 10 s."""
    assert answered({"answer": "proceed"}, kind).outcome is Outcome.PROCEED
    assert answered({"answer": "proceed"}, kind, late_ns=1).outcome is outcome


@pytest.mark.parametrize("word", ["proceed", "wait", "abort"])
def test_a_plain_answer_is_taken_with_its_reason(word: str) -> None:
    resolution = answered({"answer": word, "reason": "the news is old", "leverage": None})
    assert resolution.outcome == word
    assert resolution.reason == f"they disagree; judged: {word}, the news is old"


@pytest.mark.parametrize(
    ("cut", "clamped"), [(250, 100.0), (150, 100.0), (-20, 0.0), (40, 40.0), (12.5, 12.5)]
)
def test_a_cut_is_clamped(cut: float, clamped: float) -> None:
    """DK-42, C13."""
    resolution = answered({"answer": "modify", "size_cut_pct": cut})
    assert resolution.outcome is Outcome.MODIFY
    assert resolution.change.size_cut_pct == clamped


@pytest.mark.parametrize(
    "change",
    [{"leverage": 1}, {"leverage": 5}, {"entry_shift_frac": 0.01}, {"entry_shift_frac": -0.01}],
)
def test_a_change_at_its_limit_is_taken(change: dict[str, Any]) -> None:
    resolution = answered({"answer": "modify", **change})
    assert resolution.outcome is Outcome.MODIFY
    assert resolution.change == Change(**change)


def test_a_configured_shift_has_a_ceiling() -> None:
    wide = {"answer": "modify", "entry_shift_frac": 0.4}
    answer = Answer(wide, DEADLINE_NS)
    assert resolve(a_conflict(), answer, DEADLINE_NS, shift_max_frac=0.5).change is not None
    none = Answer({"answer": "modify", "leverage": 2}, DEADLINE_NS)
    assert resolve(a_conflict(), none, DEADLINE_NS, shift_max_frac=0).change is not None
    for wrong in (0.51, -0.1, float("nan")):
        with pytest.raises(InputError, match="expected a shift of the entry in"):
            resolve(a_conflict(), answer, DEADLINE_NS, shift_max_frac=wrong)


def test_size_and_leverage_only_shrink() -> None:
    """C13."""
    changed = apply_change(a_proposal(), Change(size_cut_pct=25.0, leverage=5), TICK)
    assert not isinstance(changed, str)
    assert (changed.size_frac, changed.leverage) == (pytest.approx(0.15), 3)
    smaller = apply_change(a_proposal(), Change(leverage=2), TICK)
    assert not isinstance(smaller, str)
    assert (smaller.size_frac, smaller.leverage) == (0.2, 2)


def test_a_cut_of_everything_leaves_nothing() -> None:
    """DK-42."""
    assert apply_change(a_proposal(), Change(size_cut_pct=100.0), TICK) == (
        "nothing is left of its size"
    )


def test_a_shifted_entry_is_a_whole_tick_and_risks_no_more_at_the_stop() -> None:
    nearer = apply_change(a_proposal(), Change(entry_shift_frac=-0.0103), TICK)
    assert not isinstance(nearer, str)
    assert (nearer.entry_price, nearer.size_frac) == (Decimal("99.0"), 0.2)
    farther = apply_change(a_proposal(), Change(entry_shift_frac=0.01), TICK)
    assert not isinstance(farther, str)
    assert farther.entry_price == Decimal("101.0")
    loss_before, loss_after = 0.2 * 2 / 100, farther.size_frac * 3 / 101
    assert loss_after == pytest.approx(loss_before)


@pytest.mark.parametrize(
    ("action", "shift_frac", "fault"),
    [
        (BUY, -0.021, "the shifted entry lies beyond the stop"),
        (BUY, 0.06, "the shifted entry lies beyond the target"),
        (BUY, 0.05, "the shifted entry lies beyond the target"),  # on it is beyond it
        (SELL, 0.021, "the shifted entry lies beyond the stop"),
        (SELL, -0.06, "the shifted entry lies beyond the target"),
        (BUY, -0.02, "the shifted entry lies beyond the stop"),  # on it is beyond it
    ],
)
def test_a_shift_is_judged_again(action: Action, shift_frac: float, fault: str) -> None:
    assert apply_change(a_proposal(action), Change(entry_shift_frac=shift_frac), TICK) == fault


def test_an_entry_is_not_shifted_to_nothing() -> None:
    small = a_proposal(entry_price=Decimal("0.5"), stop_price=None, target_price=None)
    change = Change(entry_shift_frac=-0.01)
    assert apply_change(small, change, Decimal(1)) == "the shifted entry is no price"


def test_a_proposal_without_an_entry_has_none_to_shift() -> None:
    market = a_proposal(entry_price=None)
    assert apply_change(market, Change(entry_shift_frac=0.01), TICK) == (
        "it has no entry to be shifted"
    )
    bare = a_proposal(stop_price=None, target_price=None)
    changed = apply_change(bare, Change(entry_shift_frac=0.01), TICK)
    assert not isinstance(changed, str)
    assert changed.size_frac == 0.2
