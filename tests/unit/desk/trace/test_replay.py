from dataclasses import replace
from typing import Any

import pytest

from athena.desk.contract import Role, Unavailable, digest
from athena.desk.coordinator import Answer, DeskState, HoldCode
from athena.desk.cycle import CycleResult
from athena.desk.trace import Entry, check_entry, decide_again, entry_of
from athena.domain import Action, Regime
from tests.desk_cases import NOW_NS, a_case, outputs, shrink_plan
from tests.trace_cases import Heard, a_cycle

CHOPPY = a_case(outputs(regime=Regime.CHOPPY))


def traced(result: CycleResult) -> Entry:
    return entry_of(result, digest(result.decision))


def judged(said: Any) -> CycleResult:
    return Heard(lambda _, __: Answer(said, NOW_NS), shrink_plan).result(CHOPPY)


@pytest.mark.parametrize(
    ("said", "is_traded"),
    [
        ({"answer": "proceed", "reason": "fine"}, True),
        ({"answer": "modify", "size_cut_pct": 50.0}, True),
        ({"answer": "modify", "leverage": 9}, False),
        ({"answer": "modify", "size_cut_pct": float("nan")}, False),
        ({"answer": "CLOSE everything!!"}, False),
        ({"answer": ["buy"], "reason": {"a": 1}}, False),
        (Unavailable("model", "429"), False),
    ],
    ids=["proceed", "smaller", "leverage", "nan", "prose", "nested", "absent"],
)
def test_a_decision_comes_out_again_with_the_recorded_answer(said: Any, is_traded: bool) -> None:
    """DK-22."""
    result = judged(said)
    assert (result.decision.action is Action.BUY) == is_traded
    entry = traced(result)
    assert decide_again(entry) == result.decision
    assert all(finding.holds for finding in check_entry(entry))


def test_a_decision_that_came_too_late_comes_out_again() -> None:
    result = a_cycle()
    late = replace(
        result.decision,
        action=Action.HOLD,
        hold_code=HoldCode.LATE.value,
        reasons=(*result.decision.reasons, "the decision took 6.0 s, 5 s are allowed"),
        proposal=None,
        plan=None,
    )
    assert decide_again(traced(replace(result, decision=late))) == late


def changed(entry: Entry, role: Role, **changes: Any) -> Entry:
    said = tuple(replace(one, **changes) if one.role is role else one for one in entry.outputs)
    return replace(entry, outputs=said)


def test_an_opinion_that_was_changed_is_named() -> None:
    """DK-45."""
    entry = traced(a_cycle())
    wrong = [
        finding.what
        for finding in check_entry(changed(entry, Role.TECHNICAL, reasons=("I never said so",)))
        if not finding.holds
    ]
    assert wrong == ["output of technical", "decision, decided again"]


def test_an_opinion_that_is_gone_is_named() -> None:
    entry = traced(a_cycle())
    less = replace(entry, outputs=entry.outputs[1:])
    found = {one.what: one for one in check_entry(less)}
    assert not found["output of technical"].holds
    assert found["output of technical"].was == "none"


def test_a_decision_that_was_changed_is_named() -> None:
    entry = traced(a_cycle())
    other = replace(entry, decision=replace(entry.decision, confidence=0.1))
    assert [one.what for one in check_entry(other) if not one.holds] == ["decision"]


def test_terms_that_were_changed_are_named() -> None:
    """A veto taken out of the record, or a weight put in, makes another decision."""
    entry = traced(a_cycle())
    for terms in (
        replace(entry.terms, weights={"technical": 0.25}),
        replace(entry.terms, state=DeskState.PAUSED),
        replace(entry.terms, has_violation=True),
    ):
        wrong = [one.what for one in check_entry(replace(entry, terms=terms)) if not one.holds]
        assert wrong == ["decision, decided again"]
