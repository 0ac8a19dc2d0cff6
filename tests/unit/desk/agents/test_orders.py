"""From a decision to the core: exact prices, one key for ever, slices for slow plans."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.desk.agents import Place, intents_of, slices_of
from athena.desk.contract import Decision, Plan, PlannedOrder, PlanStyle, Proposal
from athena.domain import Action, OrderType, Purpose, Regime, RiskLevel, Side
from athena.errors import InputError
from athena.trading import Intent
from athena.trading.algorithms import PlanKind
from tests.desk_builder import START_NS, instrument_of

PLACE = Place(instrument_of(), 2, 1)
ORDER = PlannedOrder(
    symbol="BTC/USDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal("0.05"),
    limit_price=Decimal("39960.01"),
    stop_price=Decimal("39200.02"),
    target_price=Decimal(42_000),
)
PLAN = Plan(
    proposal_id="p",
    style=PlanStyle.LIMIT,
    orders=(ORDER,),
    is_feasible=True,
    refusals=(),
    expected_slippage_bps=10.0,
    expected_fee_bps=16.0,
    expected_gain_bps=500.0,
)
DECISION = Decision(
    id="d-1",
    symbol="BTC/USDT",
    as_of_ns=START_NS,
    decided_at_ns=START_NS,
    action=Action.BUY,
    confidence=0.6789,
    regime=Regime.RANGING,
    risk_level=RiskLevel.LOW,
    method="majority",
    winner="strategy",
    votes=(),
    multiplier=1.1,
    reasons=("why",),
    proposal=Proposal(
        id="p",
        symbol="BTC/USDT",
        action=Action.BUY,
        strategy="momentum",
        strength=0.5,
        regime=Regime.RANGING,
        leverage=2,
    ),
    plan=PLAN,
)


def test_an_order_becomes_an_intent_in_ticks_and_lots() -> None:
    (intent,) = intents_of(DECISION, PLACE)
    assert intent == Intent(
        side=Side.BUY,
        lots=5_000_000,
        instrument=2,
        purpose=Purpose.ENTRY,
        type=OrderType.LIMIT,
        limit_ticks=3_996_001,
        stop_ticks=3_920_002,
        target_ticks=4_200_000,
        leverage=2,
        confidence_ppm=678_900,
        regime=Regime.RANGING,
        key=intent.key,
    )


def test_asking_again_has_the_same_key_and_another_decision_another() -> None:
    keys = [intents_of(item, PLACE)[0].key for item in (DECISION, DECISION)]
    assert keys[0] == keys[1] > 0
    assert intents_of(replace(DECISION, id="d-2"), PLACE)[0].key != keys[0]


def test_an_exit_can_only_reduce() -> None:
    order = replace(
        ORDER,
        side=Side.SELL,
        type=OrderType.MARKET,
        limit_price=None,
        stop_price=None,
        target_price=None,
        is_exit=True,
    )
    (intent,) = intents_of(replace(DECISION, plan=replace(PLAN, orders=(order,))), PLACE)
    assert (intent.purpose, intent.stop_ticks, intent.target_ticks) == (Purpose.EXIT, 0, 0)


@pytest.mark.parametrize("style", [PlanStyle.TWAP, PlanStyle.VWAP])
def test_slow_plans_become_slices(style: PlanStyle) -> None:
    order = replace(ORDER, type=OrderType.MARKET, limit_price=None)
    decision = replace(DECISION, plan=replace(PLAN, style=style, orders=(order,)))
    (plan,) = slices_of(decision, PLACE, start_ns=START_NS, volume_profile=(1, 3))
    assert plan.kind is PlanKind(style.value)
    assert plan.total == 5_000_000
    assert (plan.id, plan.strategy, plan.start_ns) == ("d-1/0", 1, START_NS)
    assert (plan.order.stop_ticks, plan.order.lots, plan.order.key) == (3_920_002, 0, 0)
    if style is PlanStyle.VWAP:
        assert plan.parts == (1_250_000, 3_750_000)
    assert intents_of(decision, PLACE) == ()


def test_where_bars_are_coarser_than_slices_a_slow_plan_is_one_order() -> None:
    decision = replace(DECISION, plan=replace(PLAN, style=PlanStyle.TWAP))
    (intent,) = intents_of(decision, PLACE, is_coarse=True)
    assert (intent.lots, intent.key) == (5_000_000, intents_of(DECISION, PLACE)[0].key)


def test_only_entries_with_a_limit_expire() -> None:
    assert intents_of(DECISION, PLACE, expires_ns=9)[0].expires_ns == 9
    market = replace(ORDER, type=OrderType.MARKET, limit_price=None)
    exit_ = replace(ORDER, is_exit=True)
    for order in (market, exit_):
        decision = replace(DECISION, plan=replace(PLAN, orders=(order,)))
        assert intents_of(decision, PLACE, expires_ns=9)[0].expires_ns == 0


def test_fast_plans_are_not_sliced_and_no_plan_is_nothing() -> None:
    assert slices_of(DECISION, PLACE, start_ns=START_NS) == ()
    nothing = replace(DECISION, plan=None)
    assert intents_of(nothing, PLACE) == slices_of(nothing, PLACE, start_ns=START_NS) == ()


@pytest.mark.parametrize(
    "order",
    [
        replace(ORDER, stop_price=Decimal("39200.025")),
        replace(ORDER, quantity=Decimal("0.000000001")),
        replace(ORDER, symbol="XRP/USDT"),
    ],
)
def test_what_is_not_on_a_step_is_refused(order: PlannedOrder) -> None:
    with pytest.raises(InputError, match="expected"):
        intents_of(replace(DECISION, plan=replace(PLAN, orders=(order,))), PLACE)
