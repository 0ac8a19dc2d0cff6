"""What a plan asks for and when: on time, late, after a crash, after a halt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from athena.domain import DAY_NS, DenialCode, OrderType, Purpose, Side
from athena.trading import Intent
from athena.trading.algorithms import (
    Asked,
    Ended,
    Filled,
    Judged,
    Plan,
    Stopped,
    dca_plan,
    due,
    is_over,
    left,
    twap_plan,
    vwap_plan,
)
from tests.algorithm_cases import BUY, BUY_DCA, CENT, Road, at_slot, core_asked, core_filled, fold
from tests.core_builder import NOON, Core


def twap(lots: int = 100, slices: int = 10, smallest: int = 1) -> Plan:
    return twap_plan("p", 0, BUY, lots, start_ns=NOON, smallest_lots=smallest, slices=slices)


def dca() -> Plan:
    return dca_plan("p", 0, BUY_DCA, 100_001 * CENT, start_ns=NOON)


def test_a_twap_trades_its_parts_slot_by_slot_and_is_over() -> None:
    """TR-12."""
    road = Road(twap(100, 3))
    assert [road.trade(at_slot(road.plan, k)) for k in range(3)] == [33, 33, 34]
    assert left(road.plan, road.progress) == 0
    assert is_over(road.plan, road.progress, at_slot(road.plan, 3))
    assert road.trade(at_slot(road.plan, 3)) is None


def test_nothing_is_due_before_the_start_and_once_in_a_slot() -> None:
    road = Road(twap())
    assert road.due(NOON - 1) is None
    assert road.trade(NOON) == 10
    assert [road.due(at_slot(road.plan, part)) for part in (0, 0.5, 0.999)] == [None] * 3
    assert road.trade(at_slot(road.plan, 1)) == 10


@pytest.mark.parametrize("n_done", range(4))
def test_a_restart_midway_asks_for_the_remaining_slices_only(n_done: int) -> None:
    """TR-12: the progress is rebuilt from the journal at each question."""
    road = Road(twap(100, 4))
    for k in range(n_done):
        road.trade(at_slot(road.plan, k))
    again = Road(Plan.from_values(road.plan.to_values()), list(road.news), n_orders=road.n_orders)
    rest = [again.trade(at_slot(road.plan, k)) for k in range(4)]
    assert [amount for amount in rest if amount] == [25] * (4 - n_done)


def test_a_crash_before_the_journal_asks_again_under_the_same_key() -> None:
    road = Road(twap())
    first = road.due(NOON)
    again = road.due(NOON + 7)
    assert first is not None
    assert again is not None
    assert first.intent.key == again.intent.key


def test_a_slice_asked_before_the_crash_is_not_asked_again_until_its_outcome_is_known() -> None:
    road = Road(twap())
    first = road.due(NOON)
    assert first is not None
    road.news.append(Asked(first.intent.key, first.amount, NOON))
    assert [road.due(at_slot(road.plan, k)) for k in range(20)] == [None] * 20
    assert left(road.plan, road.progress) == 90


def test_an_unknown_order_holds_its_whole_amount_and_the_next_slices_wait() -> None:
    road = Road(twap())
    road.ask(NOON)
    road.news.append(Filled(1, 4, 100, 4))
    assert road.due(at_slot(road.plan, 1)) is None
    assert left(road.plan, road.progress) == 90
    road.news.append(Ended(1))
    assert left(road.plan, road.progress) == 96


def test_missed_slots_are_spread_over_those_to_come() -> None:
    """Down from minute 6 to 30: 90 lots in five slots."""
    road = Road(twap())
    road.trade(NOON)
    assert [road.trade(at_slot(road.plan, k)) for k in range(5, 10)] == [18] * 5


def test_no_slice_grows_beyond_twice_its_part_and_the_rest_comes_after_the_window() -> None:
    road = Road(twap())
    road.trade(NOON)
    amounts = [road.trade(at_slot(road.plan, k)) for k in range(8, 14)]
    assert amounts == [20, 20, 16, 17, 17, None]


def test_a_window_that_passed_unused_is_traded_at_the_same_spacing() -> None:
    road = Road(twap())
    amounts = [road.trade(at_slot(road.plan, k)) for k in range(10, 20)]
    assert amounts == [20] * 5 + [None] * 5


def test_a_twap_that_comes_back_after_two_windows_trades_no_more() -> None:
    """The decision is stale; the next one is somebody's to make."""
    road = Road(twap())
    road.trade(NOON)
    late = at_slot(road.plan, 20)
    assert is_over(road.plan, road.progress, late)
    assert road.due(late) is None


def test_a_late_slice_keeps_the_next_one_at_a_distance() -> None:
    """Asked at the end of slot 0: slot 1 waits until nine tenths of a slot went by."""
    road = Road(twap())
    road.trade(at_slot(road.plan, 0.95))
    assert road.due(at_slot(road.plan, 1)) is None
    assert road.due(at_slot(road.plan, 1.84)) is None
    assert road.trade(at_slot(road.plan, 1.85)) == 10


def test_a_tick_late_at_each_slot_does_not_add_up() -> None:
    road = Road(twap())
    amounts = [road.trade(at_slot(road.plan, k) + 10**9) for k in range(10)]
    assert amounts == [10] * 10


def test_a_clock_that_goes_back_asks_for_nothing() -> None:
    road = Road(twap())
    road.trade(at_slot(road.plan, 3))
    assert [road.due(at_slot(road.plan, k)) for k in (-1, 0, 2, 3)] == [None] * 4


def test_what_a_slice_left_unfilled_flows_into_the_later_ones() -> None:
    road = Road(twap(100, 4))
    road.ask(NOON)
    road.end(4)
    assert [road.trade(at_slot(road.plan, k)) for k in (1, 2, 3)] == [32, 32, 32]
    assert sum(road.asked) - 21 == 100


def test_what_the_last_slice_left_is_asked_for_once_more() -> None:
    road = Road(twap(100, 2))
    road.trade(NOON)
    road.ask(at_slot(road.plan, 1))
    road.end(10)
    assert road.trade(at_slot(road.plan, 2)) == 40


def test_a_plan_whose_slices_never_fill_ends_after_twice_as_many() -> None:
    road = Road(twap(100, 3))
    for k in range(12):
        if road.ask(at_slot(road.plan, k)) is not None:
            road.end(0)
    assert len(road.asked) == 6
    assert is_over(road.plan, road.progress, at_slot(road.plan, 5))


def test_a_tail_too_small_to_be_sent_alone_goes_along() -> None:
    """Twice the part of 40 would leave 35, which the venue does not take."""
    road = Road(twap(120, 3, smallest=40))
    road.ask(NOON)
    road.end(5)
    assert road.trade(at_slot(road.plan, 2)) == 115


def test_a_rest_below_the_minimum_is_not_sent() -> None:
    road = Road(twap(100, 2, smallest=40))
    road.trade(NOON)
    road.ask(at_slot(road.plan, 1))
    road.end(30)
    assert left(road.plan, road.progress) == 20
    assert is_over(road.plan, road.progress, at_slot(road.plan, 2))


def test_a_pause_lets_slots_pass_and_a_stop_ends_the_plan() -> None:
    road = Road(twap())
    assert road.due(NOON, may_trade=False) is None
    assert road.due(at_slot(road.plan, 1)) is not None
    road.news.append(Stopped("other", "operator"))
    assert road.due(at_slot(road.plan, 1)) is not None
    road.news.append(Stopped("p", "operator"))
    assert road.due(at_slot(road.plan, 1)) is None
    assert road.progress.stop == "operator"


@pytest.mark.parametrize(
    ("code", "is_stopped"),
    [
        (DenialCode.HALTED, True),
        (DenialCode.BREAKER, True),
        (DenialCode.REDUCE_ONLY, True),
        (DenialCode.DATA_STALE, False),
    ],
)
def test_a_denial_by_a_halt_ends_the_plan_and_another_only_its_slice(
    code: DenialCode, is_stopped: bool
) -> None:
    """C19: after a halt no further batch, not even when it is over."""
    road = Road(dca())
    key = road.plan.key(0)
    road.news += [Asked(key, 1, NOON), Judged(key, 1, 0, code)]
    assert bool(road.progress.stop) == is_stopped
    assert (road.due(at_slot(road.plan, 1)) is None) == is_stopped


def test_a_duplicate_denial_leaves_the_first_intent_standing() -> None:
    """What the core denies as known is at work elsewhere: it must not count as unfilled."""
    road = Road(twap())
    road.ask(NOON)
    key = road.plan.key(0)
    before = road.progress
    road.news += [Asked(key, 10, NOON), Judged(key, 9, 0, DenialCode.DUPLICATE_INTENT)]
    assert road.progress == before


def test_a_duplicate_denial_does_not_end_a_slice_whose_verdict_was_not_read() -> None:
    road = Road(twap())
    key = road.plan.key(0)
    road.news += [Asked(key, 10, NOON), Judged(key, 9, 0, DenialCode.DUPLICATE_INTENT)]
    assert road.progress.is_working
    assert road.due(at_slot(road.plan, 1)) is None


def test_batches_run_once_each_however_long_the_process_was_down() -> None:
    """C19: killed after batch 2; batches 3 to 6 once each."""
    road = Road(dca())
    plan = road.plan
    assert [road.trade(at_slot(plan, k)) for k in (0, 1)] == [16_671 * CENT, 16_666 * CENT]
    again = Road(plan, list(road.news), n_orders=2)
    assert [again.trade(at_slot(plan, k)) for k in range(2, 8)] == [16_666 * CENT] * 4 + [None] * 2
    later = Road(plan, list(road.news), n_orders=2)
    start = plan.start_ns + 30 * DAY_NS
    assert [later.trade(start + k * plan.interval_ns) for k in range(5)] == [16_666 * CENT] * 4 + [
        None
    ]


def test_a_market_batch_that_paid_more_does_not_shorten_the_next() -> None:
    road = Road(dca())
    amount = road.ask(NOON)
    assert amount is not None
    road.end(amount + 3 * CENT)
    assert road.trade(at_slot(road.plan, 1)) == 16_666 * CENT


def test_a_batch_rounded_down_to_lots_leaves_no_crumb_order() -> None:
    road = Road(dca())
    for k in range(6):
        amount = road.ask(at_slot(road.plan, k))
        assert amount is not None
        road.end(amount - CENT)
    assert is_over(road.plan, road.progress, at_slot(road.plan, 6))


def test_late_batches_that_would_be_too_small_to_send_are_fewer() -> None:
    """Of three batches of 10 dollars 27.57 are left: twice 13.78, not three times 9.19."""
    plan = dca_plan("p", 0, BUY_DCA, 3_000 * CENT, start_ns=NOON, batches=3, split_from=0)
    road = Road(plan)
    road.ask(at_slot(plan, 2))
    road.end(243 * CENT)
    late = [road.trade(at_slot(plan, k)) for k in range(3, 6)]
    assert late == [1_378 * CENT, 1_379 * CENT, None]
    assert is_over(plan, road.progress, at_slot(plan, 5))


def test_a_vwap_skips_slots_without_volume_and_trades_all() -> None:
    plan = vwap_plan("v", 0, BUY, 100, [0, 1, 0, 3], start_ns=NOON, smallest_lots=1)
    road = Road(plan)
    assert [road.trade(at_slot(plan, k)) for k in range(5)] == [None, 25, None, 75, None]


def test_a_vwap_that_missed_a_slot_keeps_the_profile_of_the_rest() -> None:
    plan = vwap_plan("v", 0, BUY, 100, [2, 1, 2], start_ns=NOON, smallest_lots=1)
    road = Road(plan)
    assert [road.trade(at_slot(plan, k)) for k in (1, 2)] == [33, 67]


def test_news_of_other_orders_and_plans_change_nothing() -> None:
    road = Road(twap())
    road.ask(NOON)
    before = road.progress
    road.news += [Asked(77, 5, NOON), Judged(77, 8, 5), Filled(8, 5, 100, 5), Ended(8)]
    assert road.progress == before


def test_a_fill_after_the_end_counts() -> None:
    road = Road(twap())
    road.ask(NOON)
    road.end(0)
    road.news.append(Filled(1, 10, 100, 10))
    assert left(road.plan, road.progress) == 90


def test_a_limit_given_for_a_slice_replaces_the_plans() -> None:
    order = Intent(side=Side.BUY, type=OrderType.LIMIT, limit_ticks=10_000)
    plan = replace(twap(), order=order)
    progress = fold(plan, [])
    own = due(plan, progress, NOON)
    given = due(plan, progress, NOON, limit_ticks=9_000)
    assert own is not None
    assert given is not None
    assert (own.intent.limit_ticks, given.intent.limit_ticks) == (10_000, 9_000)


def test_the_core_denies_a_slice_that_is_asked_twice() -> None:
    """The key is the second lock: whoever forgets the journal cannot double an order."""
    core = Core(is_open=True)
    core.price(10_000)
    plan = twap(30, 3)
    wanted = due(plan, fold(plan, []), NOON)
    assert wanted is not None
    assert core.verdict(wanted.intent) == "approved"
    assert core.verdict(wanted.intent) == "duplicate_intent"


def test_an_exit_in_slices_closes_no_more_than_the_position_and_stops_with_it() -> None:
    """D06: 50 asked for on a position of 30; a stop takes 10 of it on the way."""
    core = Core(is_open=True)
    core.price(10_000)
    core.trade(Intent(side=Side.BUY, lots=30), 10_000)
    exit_order = Intent(side=Side.SELL, purpose=Purpose.EXIT)
    road = Road(twap_plan("x", 0, exit_order, 50, start_ns=NOON, smallest_lots=1, slices=5))
    for k in range(8):
        now = at_slot(road.plan, k)
        core.price(10_000, now)
        if k == 1:
            core.trade(Intent(side=Side.SELL, lots=10, purpose=Purpose.EXIT), 10_000)
        wanted = road.due(now)
        if wanted is None:
            continue
        asked, judged = core_asked(core, wanted.intent, wanted.amount, 0)
        road.news += [asked, judged, *core_filled(core, judged, 10_000)]
    assert core.quantity() == 0
    assert road.progress.stop == "reduce_only"
