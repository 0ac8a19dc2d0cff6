"""From opinions to a decision: each way to trade, and each way not to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.bus import Veto
from athena.desk.contract import Plan, Proposal, Role, Unavailable, digest
from athena.desk.coordinator import (
    ANSWER_NS,
    Answer,
    DeskState,
    HoldCode,
    deliberate,
)
from athena.domain import HOUR_NS, Action, PositionSide, Regime, RiskLevel
from athena.errors import InputError
from athena.trading.live import Level
from tests.desk_cases import (
    BTC,
    BUY,
    HOLD,
    NOW_NS,
    SELL,
    XRP,
    a_case,
    a_plan,
    a_proposal,
    a_regime,
    a_risk,
    an_opinion,
    outputs,
    shrink_plan,
)

if TYPE_CHECKING:
    from athena.desk.coordinator import Conflict

LONG = PositionSide.LONG


class ScriptedJudge:
    """A judge that always says the same, and remembers what it was asked."""

    def __init__(self, said: Any, late_ns: int = 0) -> None:
        self._said = said
        self._late_ns = late_ns
        self.asked: list[Conflict] = []

    def __call__(self, conflict: Conflict, deadline_ns: int) -> Answer:
        assert deadline_ns == NOW_NS + ANSWER_NS
        self.asked.append(conflict)
        return Answer(self._said, deadline_ns + self._late_ns)


def opposed(**changes: Any) -> tuple[Any, ...]:
    """Return a desk in which sentiment is narrowly against a purchase."""
    return outputs(changes={Role.SENTIMENT: an_opinion(Role.SENTIMENT, SELL, 0.75)}, **changes)


def test_a_desk_that_agrees_trades() -> None:
    decision = deliberate(a_case())
    assert (decision.action, decision.hold_code, decision.method) == (BUY, "", "unanimous")
    assert (decision.winner, decision.multiplier) == ("strategy", 1.3)
    assert decision.confidence == 1.0  # 0.8 x 1.3, clamped (C03)
    assert (decision.proposal, decision.plan) == (a_proposal(), a_plan(a_proposal()))
    assert (decision.regime, decision.risk_level) == (Regime.TRENDING_BULL, RiskLevel.LOW)
    assert [vote.agent for vote in decision.votes] == [
        "regime", "sentiment", "strategy", "technical",
    ]  # fmt: skip
    assert decision.reasons[-1] == "100% agree (regime, sentiment, technical): confidence x1.3"


def test_the_same_case_gives_the_same_decision_to_the_last_bit() -> None:
    case = a_case()
    other = replace(case, outputs=case.outputs[::-1])
    assert digest(deliberate(case)) == digest(deliberate(other))


def test_digests_that_are_known_are_not_computed_again() -> None:
    case = a_case()
    known = replace(case, output_ids=tuple(digest(one) for one in case.outputs))
    assert deliberate(known) == deliberate(case)
    with pytest.raises(InputError, match="expected a digest for each of 6 outputs, was 1"):
        replace(case, output_ids=("a" * 64,))


def test_nobody_says_anything_holds_with_the_reason() -> None:
    """DK-17, C26: all agents timed out."""
    decision = deliberate(a_case(()))
    assert (decision.action, decision.hold_code) == (HOLD, HoldCode.NO_RECOMMENDATION)
    assert (decision.confidence, decision.proposal, decision.plan) == (0, None, None)
    assert "nobody recommends anything" in decision.reasons
    assert (decision.regime, decision.risk_level) == (Regime.CHOPPY, RiskLevel.CRITICAL)


@pytest.mark.parametrize("role", [Role.TECHNICAL, Role.REGIME, Role.RISK])
def test_a_required_view_that_is_missing_stale_or_abstaining_holds(role: Role) -> None:
    """DK-01."""
    stale = an_opinion(role, as_of_ns=NOW_NS - 2, valid_until_ns=NOW_NS - 1)
    silent = an_opinion(role, abstains=True, detail=None)
    other = an_opinion(role, symbol=XRP)
    for there in (None, stale, silent, other):
        decision = deliberate(a_case(outputs(changes={role: there})))
        assert (decision.action, decision.hold_code) == (HOLD, HoldCode.MISSING_VIEW)
        assert any(role.value in reason for reason in decision.reasons)


def test_sentiment_may_be_missing() -> None:
    """DK-01."""
    decision = deliberate(a_case(outputs(changes={Role.SENTIMENT: None})))
    assert (decision.action, decision.hold_code) == (BUY, "")


@pytest.mark.parametrize(
    ("action", "code"), [(HOLD, HoldCode.VOTED), (BUY, HoldCode.TIE)], ids=["voted", "tie"]
)
def test_a_vote_for_nothing_holds(action: Action, code: HoldCode) -> None:
    said = outputs(
        HOLD,
        changes={
            Role.TECHNICAL: an_opinion(Role.TECHNICAL, action),
            Role.SENTIMENT: an_opinion(Role.SENTIMENT, action),
        },
    )
    decision = deliberate(a_case(said))
    assert (decision.action, decision.hold_code, decision.proposal) == (HOLD, code, None)
    assert decision.multiplier == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": DeskState.PAUSED}, HoldCode.PAUSED),
        ({"state": DeskState.HALTED}, HoldCode.HALTED),
        ({"level": Level.LIMITED}, HoldCode.DEGRADED),
        ({"level": Level.EMERGENCY}, HoldCode.DEGRADED),
    ],
)
def test_no_new_risk_while_paused_halted_or_degraded_but_reductions(
    changes: dict[str, Any], code: HoldCode
) -> None:
    """C21: a purchase is denied, a sale of what is held is not."""
    assert deliberate(a_case(**changes)).hold_code == code
    sale = deliberate(a_case(outputs(SELL), position=LONG, **changes))
    assert (sale.action, sale.hold_code) == (SELL, "")
    assert sale.plan is not None
    assert all(order.is_exit and order.stop_price is None for order in sale.plan.orders)
    short = deliberate(a_case(outputs(SELL), **changes))
    assert short.hold_code == code


def test_a_sale_of_what_is_held_only_reduces() -> None:
    """It never opens the other side, whatever its plan says."""
    sale = deliberate(a_case(outputs(SELL), position=LONG))
    assert sale.plan is not None
    assert all(order.is_exit for order in sale.plan.orders)
    opening = deliberate(a_case(outputs(SELL)))
    assert opening.plan is not None
    assert not any(order.is_exit for order in opening.plan.orders)


def test_a_proposal_must_want_what_was_voted() -> None:
    for proposal in (a_proposal(SELL), a_proposal(symbol=XRP)):
        said = outputs(changes={Role.STRATEGY: an_opinion(Role.STRATEGY, BUY, detail=proposal)})
        decision = deliberate(a_case(said))
        assert (decision.action, decision.hold_code) == (HOLD, HoldCode.NO_PROPOSAL)
    nothing = outputs(changes={Role.STRATEGY: an_opinion(Role.STRATEGY, BUY)})
    assert deliberate(a_case(nothing)).hold_code == HoldCode.NO_PROPOSAL


def test_a_wish_to_close_stands_without_a_proposal_and_says_that_nobody_planned_it() -> None:
    close = Action.CLOSE_LONG
    said = outputs(close, changes={Role.STRATEGY: an_opinion(Role.STRATEGY, close)})
    decision = deliberate(a_case(said, position=LONG))
    assert (decision.action, decision.proposal, decision.plan) == (close, None, None)
    assert decision.hold_code == HoldCode.NO_PROPOSAL
    planless = deliberate(a_case(outputs(close, changes={Role.EXECUTION: None}), position=LONG))
    assert (planless.action, planless.hold_code) == (close, HoldCode.NOT_FEASIBLE)


def test_of_several_proposals_that_of_the_winner_is_taken() -> None:
    other = an_opinion(
        Role.STRATEGY, BUY, 0.9, agent="aaa", detail=a_proposal(id="p-2", strategy="breakout")
    )
    said = (*outputs(), other)
    plan = an_opinion(
        Role.EXECUTION, HOLD, agent="x", abstains=True, detail=a_plan(a_proposal(id="p-2"))
    )
    decision = deliberate(a_case((*said, plan)))
    assert decision.winner == "aaa"
    assert decision.proposal is not None
    assert decision.proposal.id == "p-2"
    assert decision.plan is not None
    assert decision.plan.proposal_id == "p-2"
    assert deliberate(a_case(said)).hold_code == HoldCode.NOT_FEASIBLE  # nobody planned it


def test_what_is_not_feasible_is_not_traded_even_when_outvoted() -> None:
    refused = a_plan(a_proposal(), orders=(), is_feasible=False, refusals=("below the minimum",))
    vote = an_opinion(Role.EXECUTION, HOLD, 1.0, detail=refused)
    decision = deliberate(a_case(outputs(changes={Role.EXECUTION: vote})))
    assert (decision.method, decision.hold_code) == ("majority", HoldCode.NOT_FEASIBLE)
    assert decision.reasons[-1] == "not feasible: below the minimum"


@pytest.mark.parametrize(
    ("level", "confidence"),
    [(RiskLevel.HIGH, 0.5), (RiskLevel.CRITICAL, 0.0)],
)
def test_risk_vetoes_a_purchase(level: RiskLevel, confidence: float) -> None:
    """DK-16."""
    said = outputs(changes={Role.RISK: a_risk(level, abstains=True)})
    decision = deliberate(a_case(said))
    assert (decision.action, decision.hold_code) == (HOLD, HoldCode.VETO)
    assert (decision.confidence, decision.proposal, decision.winner) == (confidence, None, "")
    assert decision.reasons[-1] == f"risk_{level}: buy is vetoed"
    sale = deliberate(
        a_case(outputs(SELL, changes={Role.RISK: a_risk(level, abstains=True)}), position=LONG)
    )
    assert sale.action is SELL


def test_a_violation_or_a_veto_from_the_bus_holds() -> None:
    assert deliberate(a_case(has_violation=True)).hold_code == HoldCode.VETO
    veto = Veto(proposal_id="p-1", rule="sector", level=RiskLevel.LOW, reason="over 30 %")
    decision = deliberate(a_case(vetoes=(veto,)))
    assert (decision.hold_code, decision.confidence) == (HoldCode.VETO, 0)
    assert "sector: over 30 %" in decision.reasons
    elsewhere = Veto(proposal_id="p-9", rule="sector", level=RiskLevel.HIGH, reason="")
    assert deliberate(a_case(vetoes=(elsewhere,))).action is BUY


def test_the_gravest_of_several_risk_views_counts() -> None:
    second = a_risk(RiskLevel.CRITICAL, agent="second", abstains=True)
    assert deliberate(a_case((*outputs(), second))).hold_code == HoldCode.VETO


def test_confidence_is_never_rounded_up() -> None:
    said = outputs(changes={Role.SENTIMENT: None})
    exact = deliberate(a_case(said)).confidence
    assert deliberate(a_case(said, confidence_min=exact)).action is BUY
    decision = deliberate(a_case(said, confidence_min=exact + 1e-12))
    assert (decision.action, decision.hold_code) == (HOLD, HoldCode.CONFIDENCE)


def test_a_view_that_opposes_lowers_the_confidence() -> None:
    """C03."""
    said = outputs(changes={Role.SENTIMENT: an_opinion(Role.SENTIMENT, SELL, 0.5)})
    decision = deliberate(a_case(said))
    assert (decision.method, decision.multiplier) == ("conflict", pytest.approx(1.1))
    up = 0.8 + 0.8 + 2 * 0.8
    assert decision.confidence == pytest.approx(up / (up + 0.5) * 1.1)


def test_opposed_views_wait_without_a_judge() -> None:
    decision = deliberate(a_case(opposed()))
    assert (decision.action, decision.hold_code) == (HOLD, HoldCode.CONFLICT_WAIT)
    assert decision.reasons[-2].endswith("there is nobody to ask")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"answer": "proceed"}, ""),
        ({"answer": "wait"}, HoldCode.CONFLICT_WAIT),
        ({"answer": "abort"}, HoldCode.CONFLICT_ABORT),
        ({"answer": "CLOSE everything!!"}, HoldCode.CONFLICT_WAIT),
        ({"answer": "modify", "leverage": 9}, HoldCode.CONFLICT_WAIT),
        ({"answer": "modify", "size_cut_pct": 250}, HoldCode.CONFLICT_WAIT),
        (Unavailable("model", "429 for an hour"), HoldCode.CONFLICT_WAIT),
    ],
)
def test_a_judge_of_opposed_views_is_obeyed_or_the_desk_waits(said: Any, code: str) -> None:
    """DK-18, DK-42."""
    judge = ScriptedJudge(said)
    decision = deliberate(a_case(opposed()), judge, shrink_plan)
    assert decision.hold_code == code
    assert [conflict.symbol for conflict in judge.asked] == [BTC]


@pytest.mark.parametrize("said", [{"answer": "CLOSE everything!!"}, Unavailable("model", "late")])
def test_a_trade_in_a_choppy_market_is_given_up_without_an_answer(said: Any) -> None:
    """DK-18, DK-13."""
    said_by_all = outputs(regime=Regime.CHOPPY)
    decision = deliberate(a_case(said_by_all), ScriptedJudge(said))
    assert (decision.regime, decision.hold_code) == (Regime.CHOPPY, HoldCode.CONFLICT_ABORT)
    allowed = deliberate(a_case(said_by_all), ScriptedJudge({"answer": "proceed"}))
    assert allowed.action is BUY


def test_a_late_judge_is_not_read() -> None:
    decision = deliberate(a_case(opposed()), ScriptedJudge({"answer": "proceed"}, late_ns=1))
    assert decision.hold_code == HoldCode.CONFLICT_WAIT


def test_nobody_is_asked_while_models_fail() -> None:
    """Degradation, level 2: conflicts resolve to wait."""
    judge = ScriptedJudge({"answer": "proceed"})
    decision = deliberate(a_case(opposed(), level=Level.REDUCED), judge)
    assert (decision.hold_code, judge.asked) == (HoldCode.CONFLICT_WAIT, [])


def test_a_reduction_needs_no_judge() -> None:
    judge = ScriptedJudge({"answer": "abort"})
    said = outputs(SELL, regime=Regime.CHOPPY)
    decision = deliberate(a_case(said, position=LONG), judge)
    assert (decision.action, judge.asked) == (SELL, [])


def test_a_proposal_that_was_shrunk_is_planned_anew() -> None:
    judge = ScriptedJudge({"answer": "modify", "size_cut_pct": 50, "leverage": 2})
    decision = deliberate(a_case(opposed()), judge, shrink_plan)
    assert decision.hold_code == ""
    assert decision.proposal is not None
    assert (decision.proposal.size_frac, decision.proposal.leverage) == (0.1, 2)
    assert decision.plan is not None
    assert [order.quantity for order in decision.plan.orders] == [1]


def test_a_plan_of_the_same_size_will_do_where_only_the_leverage_shrank() -> None:
    judge = ScriptedJudge({"answer": "modify", "leverage": 2})
    decision = deliberate(a_case(opposed()), judge, shrink_plan)
    assert decision.hold_code == ""
    assert decision.plan is not None
    assert [order.quantity for order in decision.plan.orders] == [2]


def test_a_new_plan_that_is_larger_another_or_missing_is_not_traded() -> None:
    """C02."""
    judge = ScriptedJudge({"answer": "modify", "size_cut_pct": 50})

    def grow(proposal: Proposal) -> Plan:
        return a_plan(proposal, "3")

    def mistake(proposal: Proposal) -> Plan:
        return a_plan(replace(proposal, id="p-2"), "1")

    def refuse(proposal: Proposal) -> Plan:
        return a_plan(proposal, orders=(), is_feasible=False, refusals=("too small",))

    for planner in (grow, mistake, refuse, None):
        decision = deliberate(a_case(opposed()), judge, planner)
        assert (decision.action, decision.hold_code) == (HOLD, HoldCode.NOT_FEASIBLE)


def test_the_veto_is_above_the_judge() -> None:
    said = opposed(level=RiskLevel.CRITICAL)
    said = tuple(one if one.role is not Role.RISK else replace(one, abstains=True) for one in said)
    decision = deliberate(a_case(said), ScriptedJudge({"answer": "proceed"}))
    assert decision.hold_code == HoldCode.VETO


def test_an_unknown_regime_is_choppy_for_risk() -> None:
    """DK-13: the regime agent is there, but without a label."""
    view = a_regime(Regime.TRENDING_BULL)
    said = outputs(changes={Role.REGIME: replace(view, detail=None)})
    decision = deliberate(a_case(said))
    assert (decision.regime, decision.hold_code) == (Regime.CHOPPY, HoldCode.CONFLICT_ABORT)


def test_an_opinion_that_outlives_its_hour_is_not_traded_on() -> None:
    case = a_case(now_ns=NOW_NS + HOUR_NS + 1)
    assert deliberate(case).hold_code == HoldCode.NO_RECOMMENDATION
