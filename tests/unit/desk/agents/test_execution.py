"""Execution planning: style, cost, feasibility, and what an execution came to."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from athena.desk.agents import (
    ExecutedFill,
    ExecutionInputs,
    ExecutionRule,
    ExecutionSettings,
    Opinion,
    choose_style,
    impact_frac,
    make_plan,
    measure_execution,
)
from athena.desk.contract import Plan, PlanStyle, Proposal
from athena.desk.inputs import MarketConditions
from athena.domain import SECOND_NS, Action, OrderType, Regime, Side
from athena.errors import InputError
from tests.desk_builder import START_NS, account_of, context_of, held, instrument_of

SETTINGS = ExecutionSettings()
MARKET = MarketConditions(
    price=Decimal(40_000),
    quoted_at_ns=START_NS,
    daily_volume=100.0,
    volatility=0.02,
    volume_profile=(1, 2, 3),
)
PROPOSAL = Proposal(
    id="strategy/BTC/USDT/1",
    symbol="BTC/USDT",
    action=Action.BUY,
    strategy="momentum",
    strength=0.5,
    regime=Regime.TRENDING_BULL,
    entry_price=Decimal(40_000),
    stop_price=Decimal(39_200),
    target_price=Decimal(42_000),
    size_frac=0.2,
)


def inputs_of(**more: Any) -> ExecutionInputs:
    given: dict[str, Any] = {
        "instrument": instrument_of(),
        "proposal": PROPOSAL,
        "conditions": MARKET,
        "account": account_of(),
        **more,
    }
    return ExecutionInputs(**given)


def plan_of(**more: Any) -> Plan:
    return make_plan(inputs_of(**more), START_NS, SETTINGS)


def judge(**more: Any) -> Opinion:
    return ExecutionRule().judge(context_of(inputs_of(**more)))


@pytest.mark.parametrize(
    ("share", "volatility", "profile", "is_urgent", "style"),
    [
        (0.12, 0.02, (1, 2), False, PlanStyle.VWAP),
        (0.12, 0.02, (0, 0), False, PlanStyle.TWAP),
        (0.12, 0.02, (), False, PlanStyle.TWAP),
        (0.06, 0.02, (1, 2), False, PlanStyle.TWAP),
        (0.005, 0.02, (1, 2), False, PlanStyle.MARKET),
        (0.03, 0.02, (1, 2), False, PlanStyle.LIMIT),
        (0.03, 0.03, (1, 2), False, PlanStyle.MARKET),
        (0.12, 0.02, (1, 2), True, PlanStyle.MARKET),
    ],
)
def test_the_style_follows_size_and_volatility(
    share: float, volatility: float, profile: tuple[int, ...], is_urgent: bool, style: PlanStyle
) -> None:
    """DK-34."""
    market = replace(MARKET, volatility=volatility, volume_profile=profile)
    found = choose_style(share * 100.0, market, is_urgent=is_urgent, settings=SETTINGS)
    assert found is style


def test_an_unknown_volume_is_never_sliced() -> None:
    for volatility, style in ((0.02, PlanStyle.LIMIT), (None, PlanStyle.MARKET)):
        market = replace(MARKET, daily_volume=None, volatility=volatility)
        assert choose_style(1.0, market, is_urgent=False, settings=SETTINGS) is style


@pytest.mark.parametrize(
    ("size", "volume", "volatility", "impact"),
    [
        (4.0, 100.0, 0.02, 0.004),
        (400.0, 100.0, 0.04, 0.05),
        (4.0, None, 0.02, 0.01),
        (4.0, 0.0, 0.02, 0.01),
        (4.0, 100.0, None, 0.01),
        (4.0, math.nan, 0.02, 0.01),
    ],
)
def test_the_impact_grows_with_the_root_of_the_size(
    size: float, volume: float | None, volatility: float | None, impact: float
) -> None:
    market = replace(MARKET, daily_volume=volume, volatility=volatility)
    assert impact_frac(size, market, SETTINGS) == pytest.approx(impact)


def test_an_entry_has_a_size_a_stop_and_a_target() -> None:
    plan = plan_of()
    (order,) = plan.orders
    assert plan.style is PlanStyle.MARKET
    assert (order.side, order.type, order.quantity) == (
        Side.BUY,
        OrderType.MARKET,
        Decimal("0.05"),
    )
    assert (order.stop_price, order.target_price) == (Decimal(39_200), Decimal(42_000))
    assert plan.expected_slippage_bps == pytest.approx(10 + 200 * math.sqrt(0.05 / 100))
    assert plan.expected_fee_bps == 26.0
    assert plan.expected_gain_bps == pytest.approx(500.0)
    said = judge()
    assert (said.abstains, said.detail) == (True, plan)


def test_a_limit_is_a_tenth_of_a_percent_better_on_a_tick_that_is_not_worse() -> None:
    """DK-34: 3 % of the volume at 2 % volatility."""
    market = replace(MARKET, daily_volume=0.05 / 0.03, price=Decimal("40000.01"))
    plan = plan_of(conditions=market)
    (order,) = plan.orders
    assert (plan.style, order.type) == (PlanStyle.LIMIT, OrderType.LIMIT)
    assert order.limit_price == Decimal("39960.00")
    assert plan.expected_fee_bps == 16.0
    sells = replace(
        PROPOSAL, action=Action.SELL, stop_price=Decimal(41_000), target_price=Decimal(38_000)
    )
    (order,) = plan_of(conditions=market, proposal=sells).orders
    assert order.limit_price == Decimal("40040.02")


def test_slices_ask_at_the_market() -> None:
    plan = plan_of(conditions=replace(MARKET, daily_volume=0.05 / 0.06))
    assert (plan.style, plan.orders[0].type) == (PlanStyle.TWAP, OrderType.MARKET)


def test_a_proposal_without_protections_gets_the_defaults() -> None:
    bare = replace(PROPOSAL, stop_price=None, target_price=None)
    (order,) = plan_of(proposal=bare, stop_factor=1.2, target_multiple=2.0).orders
    assert order.stop_price == Decimal(40_000 - 960)
    assert order.target_price == Decimal(40_000 + 1_920)
    short = replace(bare, action=Action.SELL)
    (order,) = plan_of(proposal=short).orders
    assert (order.stop_price, order.target_price) == (Decimal(40_800), Decimal(38_400))


def test_a_close_sells_all_that_is_held_at_once() -> None:
    close = replace(PROPOSAL, action=Action.CLOSE_LONG, stop_price=None, target_price=None)
    account = account_of(held("BTC/USDT", "20", "800000"))
    plan = plan_of(proposal=close, account=account)
    (order,) = plan.orders
    assert (plan.style, order.side, order.quantity, order.is_exit) == (
        PlanStyle.MARKET,
        Side.SELL,
        Decimal(20),
        True,
    )
    assert (order.stop_price, order.target_price, plan.expected_gain_bps) == (None, None, None)
    short = replace(close, action=Action.CLOSE_SHORT)
    account = account_of(held("BTC/USDT", "-2", "-80000"))
    assert plan_of(proposal=short, account=account).orders[0].side is Side.BUY


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"account": account_of(equity="10")}, "the size is 0.00005000 BTC, the venue takes"),
        ({"account": None}, "the size is 0"),
        ({"account": account_of(equity=None)}, "the size is 0"),
        ({"account": account_of(equity="-5")}, "the size is 0"),
        (
            {"proposal": replace(PROPOSAL, target_price=Decimal(40_400))},
            "a round trip costs 81 bps of a gain of 100 bps",
        ),
        ({"conditions": replace(MARKET, price=None)}, "no fresh quote"),
        (
            {"conditions": replace(MARKET, quoted_at_ns=START_NS - 61 * SECOND_NS)},
            "no fresh quote",
        ),
        ({"conditions": replace(MARKET, quoted_at_ns=START_NS + 1)}, "no fresh quote"),
        (
            {"proposal": replace(PROPOSAL, action=Action.CLOSE_LONG)},
            "what is held is 0",
        ),
        (
            {"instrument": replace(instrument_of(), min_notional=Decimal(5_000))},
            "the order is worth 2000",
        ),
    ],
)
def test_what_is_not_feasible_votes_hold_with_confidence_one(
    more: dict[str, Any], reason: str
) -> None:
    said = judge(**more)
    assert (said.action, said.abstains, said.confidence) == (Action.HOLD, False, 1.0)
    assert said.reasons[0].startswith(reason)
    assert isinstance(said.detail, Plan)
    assert said.detail.orders == ()


@pytest.mark.parametrize(
    ("action", "stop", "target"),
    [
        (Action.BUY, 41_000, 43_000),
        (Action.BUY, 39_000, 38_000),
        (Action.SELL, 39_000, 43_000),
        (Action.SELL, 43_000, 41_000),
        (Action.BUY, 40_000, 43_000),
    ],
)
def test_protections_on_the_wrong_side_are_refused(action: Action, stop: int, target: int) -> None:
    """A model's medians are numbers in range, and may still make no sense."""
    wrong = replace(
        PROPOSAL, action=action, stop_price=Decimal(stop), target_price=Decimal(target)
    )
    plan = plan_of(proposal=wrong)
    assert not plan.is_feasible
    assert plan.refusals[0] == f"stop {stop} and target {target} do not protect a {action}"


def test_a_tick_as_large_as_the_price_leaves_no_room_for_a_stop() -> None:
    bare = replace(PROPOSAL, stop_price=None, target_price=None)
    market = replace(MARKET, price=Decimal("0.01"))
    assert not plan_of(proposal=bare, conditions=market).is_feasible


def test_a_cost_of_exactly_half_the_gain_is_worth_it() -> None:
    settings = replace(SETTINGS, base_slippage_bps=24.0, gain_cost_frac=0.5)
    market = replace(MARKET, volatility=0.0)
    inputs = inputs_of(conditions=market, proposal=replace(PROPOSAL, target_price=Decimal(40_800)))
    assert make_plan(inputs, START_NS, settings).is_feasible
    dearer = replace(settings, base_slippage_bps=24.1)
    assert not make_plan(inputs, START_NS, dearer).is_feasible


@pytest.mark.parametrize("proposal", [None, replace(PROPOSAL, action=Action.HOLD)])
def test_without_a_proposal_it_abstains(proposal: Proposal | None) -> None:
    assert judge(proposal=proposal).reasons == ("nothing is proposed",)
    assert judge(proposal=proposal).abstains


def fill(price: str, quantity: str, fee: str = "0") -> ExecutedFill:
    return ExecutedFill(Decimal(price), Decimal(quantity), Decimal(fee))


def test_costs_are_positive_for_either_side() -> None:
    fills = [fill("101", "1", "0.2"), fill("103", "3", "0.2")]
    bought = measure_execution(
        Side.BUY, Decimal(8), decision_price=Decimal(100), quote_price=Decimal(102), fills=fills
    )
    assert bought.slippage_bps == pytest.approx((102.5 / 102 - 1) * 10_000)
    assert bought.shortfall_bps == pytest.approx((2.5 + 0.1) / 100 * 10_000)
    assert (bought.fees, bought.fill_frac, bought.n_fills) == (Decimal("0.4"), 0.5, 2)
    sold = measure_execution(
        Side.SELL, Decimal(4), decision_price=Decimal(100), quote_price=Decimal(102), fills=fills
    )
    assert sold.slippage_bps == pytest.approx(-(102.5 / 102 - 1) * 10_000)
    assert sold.shortfall_bps == pytest.approx((-2.5 + 0.1) / 100 * 10_000)


def test_nothing_filled_has_no_price() -> None:
    report = measure_execution(
        Side.BUY, Decimal(1), decision_price=Decimal(1), quote_price=Decimal(1), fills=[]
    )
    assert (report.slippage_bps, report.shortfall_bps, report.fill_frac) == (None, None, 0.0)
    with pytest.raises(InputError, match="above 0"):
        measure_execution(
            Side.BUY, Decimal(0), decision_price=Decimal(1), quote_price=Decimal(1), fills=[]
        )
