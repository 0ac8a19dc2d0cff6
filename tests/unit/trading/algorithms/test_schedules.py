"""Plans as they are made: parts that add up, fewer where the venue takes no smaller ones."""

from __future__ import annotations

import pytest

from athena.domain import HOUR_NS, MINUTE_NS, OrderType, Side
from athena.errors import InputError
from athena.trading import Intent
from athena.trading.algorithms import (
    Measure,
    Plan,
    PlanKind,
    dca_plan,
    twap_plan,
    vwap_plan,
)
from tests.algorithm_cases import BUY, BUY_DCA, CENT, DOLLAR, Road
from tests.core_builder import NOON


def twap(lots: int, slices: int = 10, smallest: int = 1) -> Plan:
    return twap_plan("p", 0, BUY, lots, start_ns=NOON, smallest_lots=smallest, slices=slices)


def vwap(lots: int, profile: list[int], smallest: int = 1) -> Plan:
    return vwap_plan("p", 0, BUY, lots, profile, start_ns=NOON, smallest_lots=smallest)


def dca(money: int) -> Plan:
    return dca_plan("p", 0, BUY_DCA, money, start_ns=NOON)


def test_a_twap_of_one_in_three_slices_gives_the_rest_to_the_last() -> None:
    """TR-12: 1.0 at lot 0.01 in 3 slices."""
    plan = twap(100, slices=3)
    assert plan.parts == (33, 33, 34)
    assert plan.remark == ""


def test_a_twap_has_ten_slices_over_an_hour_unless_told() -> None:
    plan = twap(1_000)
    assert plan.parts == (100,) * 10
    assert plan.interval_ns == 6 * MINUTE_NS


@pytest.mark.parametrize(
    ("lots", "smallest", "n"), [(100, 10, 10), (99, 10, 9), (25, 10, 2), (10, 10, 1)]
)
def test_slices_below_the_minimum_make_fewer_slices_over_the_same_window(
    lots: int, smallest: int, n: int
) -> None:
    plan = twap(lots, smallest=smallest)
    assert len(plan.parts) == n
    assert sum(plan.parts) == lots
    assert min(plan.parts) >= smallest
    assert plan.interval_ns == HOUR_NS // n
    assert bool(plan.remark) == (n < 10)


@pytest.mark.parametrize(("lots", "slices"), [(9, 10), (0, 10), (-5, 10), (100, 0)])
def test_a_twap_that_no_venue_takes_is_refused(lots: int, slices: int) -> None:
    with pytest.raises(InputError, match="expected slices and a smallest order"):
        twap(lots, slices, smallest=10)


def test_a_vwap_follows_the_profile_and_rounds_by_largest_remainder() -> None:
    """Quotas 14.29, 28.57, 57.14 of 100: the second has the largest remainder."""
    plan = vwap(100, [1, 2, 4])
    assert plan.kind is PlanKind.VWAP
    assert plan.parts == (14, 29, 57)
    assert plan.interval_ns == 10 * MINUTE_NS


def test_equal_remainders_go_to_the_earlier_slice() -> None:
    assert vwap(2, [1, 1, 1, 1]).parts == (1, 1, 0, 0)


def test_a_vwap_gives_slots_without_volume_nothing() -> None:
    assert vwap(100, [0, 1, 0, 3]).parts == (0, 25, 0, 75)


def test_vwap_slots_below_the_minimum_go_to_the_others_and_it_says_so() -> None:
    plan = vwap(100, [1, 49, 50], smallest=10)
    assert plan.parts == (0, 49, 51)
    assert "2 slices instead of 3" in plan.remark


@pytest.mark.parametrize(
    ("profile", "n", "interval"), [([], 10, 6 * MINUTE_NS), ([0] * 4, 4, 10 * MINUTE_NS)]
)
def test_a_vwap_without_a_profile_is_a_twap_and_says_so(
    profile: list[int], n: int, interval: int
) -> None:
    plan = vwap(100, profile)
    assert plan.kind is PlanKind.TWAP
    assert (len(plan.parts), plan.interval_ns) == (n, interval)
    assert "TWAP instead of VWAP" in plan.remark


def test_a_negative_volume_is_refused() -> None:
    with pytest.raises(InputError, match="expected volumes >= 0"):
        vwap(100, [1, -1, 5])


def test_dca_rounds_cents_down_and_puts_the_rest_first() -> None:
    """C19: 1,000.01 in 6 batches, 4 h apart."""
    plan = dca(100_001 * CENT)
    assert plan.parts == (16_671 * CENT, *[16_666 * CENT] * 5)
    assert plan.total == 100_001 * CENT
    assert plan.interval_ns == 4 * HOUR_NS
    assert plan.measure is Measure.MONEY


def test_units_finer_than_a_cent_stay_in_the_first_batch() -> None:
    plan = dca(1_000 * DOLLAR + 7)
    assert plan.parts[0] == 1_000 * DOLLAR + 7 - 5 * plan.parts[1]
    assert plan.parts[1] % CENT == 0


@pytest.mark.parametrize(("dollars", "n"), [(500, 6), (499, 1), (10, 1)])
def test_dca_splits_from_500_dollars_on(dollars: int, n: int) -> None:
    assert len(dca(dollars * DOLLAR).parts) == n


def test_a_batch_below_ten_dollars_makes_fewer_batches_and_it_says_so() -> None:
    plan = dca_plan("p", 0, BUY_DCA, 35 * DOLLAR, start_ns=NOON, split_from=0)
    assert len(plan.parts) == 3
    assert "3 slices instead of 6" in plan.remark


def test_dca_of_less_than_a_batch_is_refused() -> None:
    with pytest.raises(InputError, match="expected batches >= 1 and a total"):
        dca(9 * DOLLAR)


@pytest.mark.parametrize("plan", [twap(100, 3), vwap(99, [3, 0, 1]), dca(700 * DOLLAR)])
def test_a_plan_round_trips_through_its_values(plan: Plan) -> None:
    assert Plan.from_values(plan.to_values()) == plan


def test_a_plans_order_states_no_size_and_no_key() -> None:
    for order in (
        Intent(side=Side.BUY, lots=1),
        Intent(side=Side.BUY, quote_amount=1),
        Intent(side=Side.BUY, key=1),
    ):
        with pytest.raises(InputError, match="without key and size"):
            twap_plan("p", 0, order, 100, start_ns=NOON, smallest_lots=1)


def test_a_plan_without_an_id_is_refused() -> None:
    with pytest.raises(InputError, match="expected a plan with an id"):
        twap_plan("", 0, BUY, 100, start_ns=NOON, smallest_lots=1)


def test_keys_differ_by_plan_and_slice_and_fit_63_bits() -> None:
    plans = [twap_plan(f"p{k}", 0, BUY, 100, start_ns=NOON, smallest_lots=1) for k in range(20)]
    keys = {plan.key(number) for plan in plans for number in range(50)}
    assert len(keys) == 1_000
    assert all(0 < key < 2**63 for key in keys)


def test_limit_orders_are_told_apart_from_market_orders_by_their_expiry() -> None:
    order = Intent(side=Side.BUY, type=OrderType.LIMIT, limit_ticks=10_000)
    limit = Road(twap_plan("p", 0, order, 100, start_ns=NOON, smallest_lots=1))
    market = Road(twap(100))
    ends = [wanted and wanted.intent.expires_ns for wanted in (limit.due(NOON), market.due(NOON))]
    assert ends == [NOON + limit.plan.spacing_ns, 0]
