"""The slots of a simulated session, and what goes on by itself in some of them."""

from __future__ import annotations

from athena.domain import SECOND_NS, Book
from athena.trading import StrategySlot
from athena.trading.algorithms import HodlAsset, HodlRules, RebalanceRules
from athena.trading.live import PlanRules

CORE, BAGS = 2, 3
_DOLLAR = 10**8


def slots(*, has_plans: bool) -> list[StrategySlot]:
    """Return two strategies that trade, and a core book and bags beside them where plans run."""
    share_ppm = 400_000 if has_plans else 500_000
    found = [StrategySlot("one", share_ppm=share_ppm), StrategySlot("two", share_ppm=share_ppm)]
    if has_plans:
        found.append(StrategySlot("core", Book.CORE, 200_000))
        found.append(StrategySlot("bags", Book.HODL))
    return found


def plan_rules(*, has_plans: bool) -> PlanRules:
    """Return rules that act within minutes: a rebalance, and bags with small thresholds."""
    if not has_plans:
        return PlanRules()
    rebalance = RebalanceRules(
        strategy=CORE,
        weights_ppm=(300_000, 300_000),
        check_ns=20 * SECOND_NS,
        rest_ns=60 * SECOND_NS,
        slice_ns=10 * SECOND_NS,
    )
    assets = (
        HodlAsset("USD", -1, 200_000, _DOLLAR),
        HodlAsset("XRP", 1, 400_000, 2 * _DOLLAR),
        HodlAsset("BTC", 0, 400_000, 6 * _DOLLAR),
    )
    return PlanRules(rebalance, HodlRules("bags", BAGS, assets))
