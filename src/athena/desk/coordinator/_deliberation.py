"""From opinions to a decision: vote, agreement, conflict, veto, confidence (steps 6 to 10).

Pure: what a case holds decides, but for the judge's answer and the plan made anew for a proposal
that was shrunk. No step can undo what one before it took away (C02).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.desk.contract import (
    Decision,
    Plan,
    Proposal,
    RegimeView,
    RiskView,
    Role,
    digest,
)
from athena.desk.coordinator._agreement import agreement
from athena.desk.coordinator._case import DeskState, HoldCode
from athena.desk.coordinator._conflicts import (
    ANSWER_NS,
    Outcome,
    apply_change,
    find_conflict,
    resolve,
    resolve_unasked,
)
from athena.desk.coordinator._draft import Draft
from athena.desk.coordinator._veto import judge_risk
from athena.desk.coordinator._vote import cast_votes, count_votes
from athena.domain import Action, Regime, RiskLevel
from athena.trading.live import Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.desk.contract import Output
    from athena.desk.coordinator._case import Case
    from athena.desk.coordinator._conflicts import Conflict, Judge, Resolution

    Planner = Callable[[Proposal], Plan]

# Without an opinion of each of them nothing is traded.
REQUIRED = (Role.TECHNICAL, Role.REGIME, Role.RISK)
_HOLDS = {
    Outcome.WAIT: (HoldCode.CONFLICT_WAIT, "it waits for the next cycle"),
    Outcome.ABORT: (HoldCode.CONFLICT_ABORT, "the proposal is given up"),
}


def deliberate(case: Case, judge: Judge | None = None, planner: Planner | None = None) -> Decision:
    """Decide about a symbol.

    Args:
        case: what is known.
        judge: asked about a conflict; None means that nobody is there to ask.
        planner: plans a proposal that a judge shrank; None means that such a one is not traded.
    """
    steps: tuple[Callable[[Draft], Draft], ...] = (
        _end_where_nothing_is_wanted,
        _check_required,
        _check_state,
        _agree,
        _propose,
        lambda draft: _settle_conflict(draft, judge, planner),
        _veto,
        _check_confidence,
    )
    draft = _begin(case)
    for step in steps:
        if draft.hold_code is None:
            draft = step(draft)
    return _decision(draft)


def _begin(case: Case) -> Draft:
    # Only who votes needs a digest, and each is taken once.
    ids = {id(one): found for one, found in zip(case.outputs, case.output_ids, strict=False)}

    def identify(output: Output) -> str:
        found = ids.get(id(output))
        if found is None:
            found = ids[id(output)] = digest(output)
        return found

    ballot = cast_votes(case.outputs, case.symbol, case.now_ns, case.weights, identify)
    result = count_votes(ballot.votes)
    regime, risk = _regime(case), _risk_level(case)
    notes = (*ballot.notes, result.reason)
    return Draft(
        case=case,
        identify=identify,
        ballot=ballot,
        result=result,
        regime=regime,
        risk_level=risk,
        action=result.action,
        confidence=result.confidence,
        reasons=notes,
    )


def _end_where_nothing_is_wanted(draft: Draft) -> Draft:
    if draft.action is not Action.HOLD:
        return draft
    code = {"none": HoldCode.NO_RECOMMENDATION, "tie": HoldCode.TIE}.get(
        draft.result.method, HoldCode.VOTED
    )
    return replace(draft, hold_code=code)


def _check_required(draft: Draft) -> Draft:
    missing = [role for role in REQUIRED if not any(_said(draft.case, role))]
    if not missing:
        return draft
    return draft.hold(HoldCode.MISSING_VIEW, f"no valid view of {', '.join(missing)}")


def _check_state(draft: Draft) -> Draft:
    state, level = draft.case.state, draft.case.level
    code = {DeskState.HALTED: HoldCode.HALTED, DeskState.PAUSED: HoldCode.PAUSED}.get(state)
    reason = f"the desk is {state}"
    if code is None and level >= Level.LIMITED:
        code, reason = HoldCode.DEGRADED, f"too much fails (level {level}): no new risk"
    if code is None:
        return draft
    if draft.can_raise_risk:
        return draft.hold(code, reason)
    return draft.note(f"{reason}: {draft.action} may only reduce")


def _agree(draft: Draft) -> Draft:
    case = draft.case
    found = agreement(case.outputs, case.symbol, draft.action, case.now_ns, draft.identify)
    confidence = min(max(draft.confidence * found.multiplier, 0.0), 1.0)
    views = ", ".join(found.agents) or "nobody"
    share = "no fresh view" if found.share is None else f"{found.share:.0%} agree"
    reason = f"{share} ({views}): confidence x{found.multiplier:.4g}"
    return replace(draft.note(reason), confidence=confidence, multiplier=found.multiplier)


def _propose(draft: Draft) -> Draft:
    """Take the proposal of the winner, else that of the strongest who wants the same."""
    case = draft.case
    fits = [
        one
        for one in _said(case, Role.STRATEGY)
        if isinstance(one.detail, Proposal)
        and one.detail.action is draft.action
        and one.detail.symbol == case.symbol
    ]
    fits.sort(key=lambda one: (one.agent != draft.result.winner, -one.confidence, one.agent))
    proposal = fits[0].detail if fits else None
    if not isinstance(proposal, Proposal):
        if draft.can_raise_risk:
            return draft.hold(HoldCode.NO_PROPOSAL, f"no strategy proposes to {draft.action}")
        return draft
    plans = [
        one.detail
        for one in _said(case, Role.EXECUTION)
        if isinstance(one.detail, Plan) and one.detail.proposal_id == proposal.id
    ]
    return _with_plan(replace(draft, proposal=proposal), plans[0] if plans else None)


def _with_plan(draft: Draft, plan: Plan | None) -> Draft:
    if plan is not None and plan.is_feasible:
        return replace(draft, plan=plan)
    why = "nobody planned it" if plan is None else "; ".join(plan.refusals)
    if draft.can_raise_risk:
        return draft.hold(HoldCode.NOT_FEASIBLE, f"not feasible: {why}")
    return replace(draft.note(f"without a plan: {why}"), plan=None)


def _settle_conflict(draft: Draft, judge: Judge | None, planner: Planner | None) -> Draft:
    case, proposal = draft.case, draft.proposal
    if proposal is None or not draft.can_raise_risk:
        return draft
    conflict = find_conflict(case, draft.regime, proposal, draft.confidence)
    if conflict is None:
        return draft
    resolution = _ask(conflict, case, judge)
    draft = draft.note(resolution.reason)
    if resolution.outcome in _HOLDS:
        return draft.hold(*_HOLDS[resolution.outcome])
    if resolution.change is None:
        return draft
    changed = apply_change(proposal, resolution.change, case.tick)
    if isinstance(changed, str):
        return draft.hold(HoldCode.CONFLICT_WAIT, f"not as judged: {changed}")
    return _replan(replace(draft, proposal=changed), planner)


def _ask(conflict: Conflict, case: Case, judge: Judge | None) -> Resolution:
    if case.level >= Level.REDUCED:
        return resolve_unasked(conflict, f"nobody is asked while so much fails ({case.level})")
    if judge is None:
        return resolve_unasked(conflict, "there is nobody to ask")
    deadline_ns = case.now_ns + ANSWER_NS
    answer = judge(conflict, deadline_ns)
    return resolve(conflict, answer, deadline_ns, shift_max_frac=case.shift_max_frac)


def _replan(draft: Draft, planner: Planner | None) -> Draft:
    """Plan a proposal that was shrunk; a plan that is not smaller is none."""
    before, proposal = draft.plan, draft.proposal
    if planner is None or proposal is None or before is None:
        return draft.hold(HoldCode.NOT_FEASIBLE, "nobody is there to plan what was judged")
    plan = planner(proposal)
    if plan.proposal_id != proposal.id or _quantity(plan) > _quantity(before):
        return draft.hold(HoldCode.NOT_FEASIBLE, "the new plan is another or a larger one")
    return _with_plan(draft, plan)


def _veto(draft: Draft) -> Draft:
    case, proposal = draft.case, draft.proposal
    said = [
        veto for veto in case.vetoes if proposal is not None and veto.proposal_id == proposal.id
    ]
    ruling = judge_risk(
        draft.action,
        draft.confidence,
        draft.risk_level,
        case.position,
        has_violation=case.has_violation or bool(said),
    )
    reasons = [f"{veto.rule}: {veto.reason}" for veto in said]
    draft = draft.note(*reasons)
    if ruling.is_vetoed:
        return draft.hold(HoldCode.VETO, ruling.reason, ruling.confidence)
    return draft.note(ruling.reason) if ruling.reason else draft


def _check_confidence(draft: Draft) -> Draft:
    least = draft.case.confidence_min
    if draft.confidence >= least or not draft.can_raise_risk:
        return draft
    reason = f"confidence {draft.confidence:.4g} is below {least:.4g} ({draft.regime})"
    return draft.hold(HoldCode.CONFIDENCE, reason)


def _decision(draft: Draft) -> Decision:
    case, result = draft.case, draft.result
    return Decision(
        id=case.id,
        symbol=case.symbol,
        as_of_ns=case.as_of_ns,
        decided_at_ns=case.now_ns,
        action=draft.action,
        confidence=draft.confidence,
        regime=draft.regime,
        # What nobody knows is judged as the worst.
        risk_level=RiskLevel.CRITICAL if draft.risk_level is None else draft.risk_level,
        method=result.method,
        winner=result.winner if draft.action is result.action else "",
        votes=draft.ballot.votes,
        multiplier=draft.multiplier,
        reasons=draft.reasons,
        hold_code=_hold_code(draft),
        proposal=draft.proposal,
        plan=draft.plan if draft.can_raise_risk else _reducing(draft.plan),
    )


def _hold_code(draft: Draft) -> str:
    """Say why nothing is traded, also of a wish to reduce that nobody has planned."""
    if draft.hold_code is not None:
        return draft.hold_code.value
    if draft.plan is not None:
        return ""
    return (HoldCode.NO_PROPOSAL if draft.proposal is None else HoldCode.NOT_FEASIBLE).value


def _reducing(plan: Plan | None) -> Plan | None:
    if plan is None:
        return None
    orders = tuple(
        replace(order, is_exit=True, stop_price=None, target_price=None) for order in plan.orders
    )
    return replace(plan, orders=orders)


def _quantity(plan: Plan) -> Decimal:
    return sum((order.quantity for order in plan.orders), Decimal(0))


def _said(case: Case, role: Role) -> list[Output]:
    """Return the valid opinions of a role about the symbol or the account, newest first."""
    found = [
        one
        for one in case.outputs
        if one.role is role
        and one.symbol in {case.symbol, ""}
        and one.is_valid_at(case.now_ns)
        and (not one.abstains or one.detail is not None)
    ]
    return sorted(found, key=lambda one: (-one.as_of_ns, one.agent))


def _regime(case: Case) -> Regime:
    """Return the label in force; the worst one for all that risk is about when nobody knows it."""
    views = [one.detail for one in _said(case, Role.REGIME)]
    labels = [view.regime for view in views if isinstance(view, RegimeView)]
    return labels[0] if labels else Regime.CHOPPY


def _risk_level(case: Case) -> RiskLevel | None:
    """Return the gravest level that anybody sees; None when nobody knows it."""
    views = [one.detail for one in _said(case, Role.RISK)]
    levels = [view.level for view in views if isinstance(view, RiskView)]
    return max(levels, key=list(RiskLevel).index) if levels else None
