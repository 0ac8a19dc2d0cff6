"""Opinions, proposals and cases for tests of the coordinator."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.desk.contract import (
    Output,
    Plan,
    PlannedOrder,
    PlanStyle,
    Proposal,
    RegimeView,
    RiskView,
    Role,
    TechnicalView,
    Vote,
)
from athena.desk.coordinator import Case
from athena.domain import (
    HOUR_NS,
    Action,
    OrderType,
    Regime,
    RiskLevel,
    Side,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW_NS = 1_700_000_000_000_000_000
BTC, XRP = "BTC/USDT", "XRP/USDT"
BUY, SELL, HOLD = Action.BUY, Action.SELL, Action.HOLD
TICK = Decimal("0.1")


def an_opinion(
    role: Role, action: Action = BUY, confidence: float = 0.8, **changes: Any
) -> Output:
    """Return an opinion of the agent named like its role, made now, valid for an hour."""
    values: dict[str, Any] = {
        "agent": role.value,
        "role": role,
        "symbol": BTC,
        "as_of_ns": NOW_NS,
        "action": action,
        "confidence": confidence,
        "raw_confidence": confidence,
        "reasons": ("as the rule says",),
        "evidence": (),
        "input_ids": (),
        "version": "1",
        "valid_until_ns": NOW_NS + HOUR_NS,
        "detail": _DETAILS.get(role),
    }
    return Output(**{**values, **changes})


def a_vote(role: Role, action: Action, confidence: float, weight: float = 1.0, **k: Any) -> Vote:
    """Return a vote of the agent named like its role."""
    return Vote(k.get("agent", role.value), role, action, confidence, weight, "a" * 64)


def a_regime(regime: Regime, action: Action = BUY, confidence: float = 0.8, **k: Any) -> Output:
    view = RegimeView(
        regime=regime, candidate=regime, confirmations=2, since_ns=NOW_NS - HOUR_NS,
        stop_factor=1.2, target_multiple=2.0,
    )  # fmt: skip
    return an_opinion(Role.REGIME, action, confidence, detail=view, **k)


def a_risk(level: RiskLevel, **changes: Any) -> Output:
    """Return what the risk view says; at level low it abstains."""
    view = RiskView(
        level=level, issues=(), advice=(), alerts=(), uses=(), exposures=(), var95_frac=0.01,
        var99_frac=0.02, shortfall95_frac=0.02, n_returns=200, has_positions=True,
    )  # fmt: skip
    values = {"symbol": "", "abstains": level is RiskLevel.LOW, "detail": view, **changes}
    return an_opinion(Role.RISK, HOLD, 0.1, **values)


def a_proposal(action: Action = BUY, **changes: Any) -> Proposal:
    """Return a proposal at 100 with the stop 2 and the target 5 away."""
    sign = -1 if action is SELL else 1
    entry = Decimal("100.0")
    values: dict[str, Any] = {
        "id": "p-1",
        "symbol": BTC,
        "action": action,
        "strategy": "momentum",
        "strength": 0.5,
        "regime": Regime.TRENDING_BULL,
        "entry_price": entry,
        "stop_price": entry - 2 * sign,
        "target_price": entry + 5 * sign,
        "size_frac": 0.2,
        "leverage": 3,
    }
    return Proposal(**{**values, **changes})


def a_plan(proposal: Proposal, quantity: str = "2", **changes: Any) -> Plan:
    """Return a feasible plan of one limit order."""
    is_sale = proposal.action in {SELL, Action.CLOSE_LONG}
    order = PlannedOrder(
        symbol=proposal.symbol, side=Side.SELL if is_sale else Side.BUY, type=OrderType.LIMIT,
        quantity=Decimal(quantity), limit_price=proposal.entry_price,
        stop_price=proposal.stop_price, target_price=proposal.target_price,
    )  # fmt: skip
    values: dict[str, Any] = {
        "proposal_id": proposal.id, "style": PlanStyle.LIMIT, "orders": (order,),
        "is_feasible": True, "refusals": (), "expected_slippage_bps": 10.0,
        "expected_fee_bps": 26.0, "expected_gain_bps": 500.0,
    }  # fmt: skip
    return Plan(**{**values, **changes})


def shrink_plan(proposal: Proposal) -> Plan:
    """Plan a proposal in proportion to its size: 2 lots for 0.2 of the equity."""
    return a_plan(proposal, str(round(Decimal(10 * proposal.size_frac), 8)))


def outputs(
    action: Action = BUY,
    *,
    proposal: Proposal | None = None,
    regime: Regime = Regime.TRENDING_BULL,
    level: RiskLevel = RiskLevel.LOW,
    changes: Mapping[Role, Output | None] | None = None,
) -> tuple[Output, ...]:
    """Return opinions of a whole desk that agrees; those of `changes` replace theirs."""
    wanted = proposal or a_proposal(action)
    plan = a_plan(wanted)
    found: dict[Role, Output | None] = {
        Role.TECHNICAL: an_opinion(Role.TECHNICAL, action),
        Role.REGIME: a_regime(regime, action),
        Role.SENTIMENT: an_opinion(Role.SENTIMENT, action),
        Role.STRATEGY: an_opinion(Role.STRATEGY, action, detail=wanted),
        Role.EXECUTION: an_opinion(Role.EXECUTION, HOLD, abstains=True, detail=plan),
        Role.RISK: a_risk(level),
        **(changes or {}),
    }
    return tuple(one for one in found.values() if one is not None)


def a_case(said: tuple[Output, ...] | None = None, **changes: Any) -> Case:
    """Return a case in which everything speaks for a purchase."""
    values: dict[str, Any] = {
        "id": "d-1",
        "symbol": BTC,
        "as_of_ns": NOW_NS,
        "now_ns": NOW_NS,
        "outputs": outputs() if said is None else said,
        "position": None,
        "confidence_min": 0.55,
        "tick": TICK,
    }
    return Case(**{**values, **changes})


def later(output: Output, duration_ns: int) -> Output:
    """Return an opinion as it would have been made at another time."""
    return replace(
        output,
        as_of_ns=output.as_of_ns + duration_ns,
        valid_until_ns=output.valid_until_ns + duration_ns,
    )


_DETAILS = {
    Role.TECHNICAL: TechnicalView(
        trend="up", trend_strength=0.5, momentum=0.4, volatility_band="normal", supports=(),
        resistances=(), patterns=(), alignment=0.5,
    )
}  # fmt: skip
