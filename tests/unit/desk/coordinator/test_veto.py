"""DK-16: every level of risk, every action, everything that may be held."""

from __future__ import annotations

from itertools import product

import pytest

from athena.desk.bus import BreakerAlert
from athena.desk.coordinator import (
    METHOD,
    ResourceRequest,
    Response,
    allocate,
    can_reduce,
    judge_risk,
    respond,
)
from athena.domain import Action, PositionSide, RiskLevel
from athena.errors import InputError

HELD = (None, PositionSide.LONG, PositionSide.SHORT)
CASES = list(product([*RiskLevel, None], Action, HELD, [False, True]))


@pytest.mark.parametrize(("level", "action", "held", "has_violation"), CASES)
def test_the_table_holds(
    level: RiskLevel | None, action: Action, held: PositionSide | None, has_violation: bool
) -> None:
    """DK-16."""
    found = judge_risk(action, 0.8, level, held, has_violation=has_violation)
    is_grave = has_violation or level in {RiskLevel.CRITICAL, None}
    is_free = not has_violation and level in {RiskLevel.LOW, RiskLevel.MEDIUM}
    if is_free or can_reduce(action, held):
        assert (found.action, found.confidence, found.is_vetoed) == (action, 0.8, False)
        assert found.is_reduce_only == (not is_free and action is not Action.HOLD)
        return
    assert found.action is Action.HOLD
    assert found.is_vetoed
    assert found.confidence == (0.0 if is_grave else 0.4)


def test_critical_lets_no_purchase_through() -> None:
    """DK-16: the pitfall."""
    found = judge_risk(Action.BUY, 1.0, RiskLevel.CRITICAL, None)
    assert (found.action, found.confidence, found.rule) == (Action.HOLD, 0, "risk_critical")


@pytest.mark.parametrize(
    ("level", "has_violation", "rule"),
    [(None, False, "risk_unknown"), (RiskLevel.LOW, True, "compliance")],
)
def test_the_rule_is_named(level: RiskLevel | None, has_violation: bool, rule: str) -> None:
    assert judge_risk(Action.BUY, 1.0, level, None, has_violation=has_violation).rule == rule


@pytest.mark.parametrize(
    ("breaker", "level", "response"),
    [
        ("daily_loss", RiskLevel.LOW, Response.PAUSE),
        ("weekly_loss", RiskLevel.HIGH, Response.CUT),
        ("drawdown_stop", RiskLevel.HIGH, Response.PAUSE),
        ("drawdown_limit", RiskLevel.HIGH, Response.HALT),
        ("sunspots", RiskLevel.LOW, Response.NOTE),
        ("sunspots", RiskLevel.MEDIUM, Response.NOTE),
        ("sunspots", RiskLevel.HIGH, Response.PAUSE),
        ("sunspots", RiskLevel.CRITICAL, Response.HALT),
    ],
)
def test_breakers_are_followed_by_name_and_unknown_ones_by_severity(
    breaker: str, level: RiskLevel, response: Response
) -> None:
    assert respond(BreakerAlert(breaker=breaker, level=level, text="")) is response


def test_resources_are_shared_in_proportion() -> None:
    """A19."""
    tokens = [
        ResourceRequest(agent, "tokens", n) for agent, n in (("a", 30), ("b", 10), ("c", 10))
    ]
    calls = [ResourceRequest("a", "calls", 1), ResourceRequest("a", "calls", 2)]
    found = allocate([*tokens, *calls])
    assert [one.share for one in found] == [0.6, 0.2, 0.2, 1.0]
    assert {one.method for one in found} == {METHOD} == {"proportional"}


def test_nobody_who_asks_for_anything_gets_nothing() -> None:
    assert allocate([]) == ()
    assert [one.share for one in allocate([ResourceRequest("a", "tokens", 0)])] == [0.0]


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf")])
def test_an_amount_that_is_none_is_refused(amount: float) -> None:
    with pytest.raises(InputError, match="expected an amount >= 0 of tokens for a"):
        allocate([ResourceRequest("a", "tokens", amount)])
