"""What mutants of the risk engine and the booking showed that no test asked (TR-32)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import OrderType, Purpose, Side
from athena.trading import Intent, codes, limits, write_intent
from athena.trading import layout as at
from athena.trading._core import exposure, orders, records, risk
from athena.trading._core.positions import count_execution_error
from tests.core_builder import HOUR, MINUTE, MONEY, NOON, Core

BUY = Intent(side=Side.BUY, lots=1, stop_ticks=9_900)  # at 100.00, stop 1 % away
EXIT = Intent(side=Side.SELL, lots=1, purpose=Purpose.EXIT)


def at_100(**options: object) -> Core:
    core = Core(**options)  # type: ignore[arg-type]
    core.price(10_000)
    return core


@pytest.mark.parametrize(
    ("hour", "minute", "code"),
    [(8, 59, "approved"), (9, 0, "window_closed"), (16, 59, "window_closed"), (17, 0, "approved")],
)
def test_the_no_entry_window_may_lie_within_one_day(hour: int, minute: int, code: str) -> None:
    core = Core()
    core.s.limits[limits.WINDOW_START_NS] = 9 * HOUR
    core.s.limits[limits.WINDOW_END_NS] = 17 * HOUR
    midnight = NOON + 12 * HOUR
    core.price(10_000, midnight + hour * HOUR + minute * MINUTE)
    assert core.verdict(BUY) == code


def test_a_stop_at_the_price_is_refused_where_none_is_asked_for() -> None:
    core = at_100(is_open=True)
    assert core.verdict(replace(BUY, stop_ticks=9_999)) == "approved"
    assert core.verdict(replace(BUY, stop_ticks=10_000)) == "stop_distance"


def test_the_default_stop_of_a_price_of_few_ticks_is_one_tick_away() -> None:
    core = Core()
    core.price(10)
    core.s.instruments[0, at.ATR] = 1
    core.s.limits[limits.STOP_MIN_PPM] = 5_000
    core.s.instruments[0, at.MAX_STOP_PPM] = 50_000
    write_intent(BUY, 0, core.s.intent)
    assert risk.default_stop(core.s, 10) == 9


def test_a_leveraged_holding_binds_its_worth_over_its_leverage_and_a_paid_up_one_nothing() -> None:
    core = at_100(cash=Decimal(10_000), is_open=True)
    core.trade(replace(BUY, lots=10, leverage=1), 10_000)
    assert exposure.margin_in_use(core.s) == 0
    core.s.positions[0, at.POSITION_LEVERAGE] = 4
    assert exposure.margin_in_use(core.s) == 250 * MONEY


def test_a_closed_position_keeps_no_leverage() -> None:
    core = at_100(cash=Decimal(10_000), is_open=True)
    core.trade(replace(BUY, lots=10, leverage=3), 10_000)
    assert core.s.positions[0, at.POSITION_LEVERAGE] == 3
    core.trade(replace(EXIT, lots=10), 10_000)
    assert core.s.positions[0, at.POSITION_LEVERAGE] == 0


def test_without_free_cash_nothing_can_be_spent() -> None:
    core = at_100(cash=Decimal(10_000))
    core.s.account[at.CASH] = 0
    assert risk.spendable_cash(core.s) == 0
    core.s.account[at.CASH] = -MONEY
    assert risk.spendable_cash(core.s) == 0


def test_a_pause_is_told() -> None:
    core = at_100()
    errors = core.s.limits[limits.ERROR_PAUSE]
    for _ in range(errors - 1):
        count_execution_error(core.s)
    assert codes.NOTICE_PAUSE not in core.notices()
    count_execution_error(core.s)
    assert core.notices().count(codes.NOTICE_PAUSE) == 1


def test_exits_that_wait_for_a_price_leave_another_what_they_do_not_close() -> None:
    """Where a venue fills them all in one jump of the price, they share the position."""
    core = at_100(cash=Decimal(10_000), is_open=True)
    core.s.account[at.TARGETS_TRIGGER] = 1
    core.trade(replace(BUY, lots=10, stop_ticks=0), 10_000)
    target = replace(EXIT, type=OrderType.LIMIT, limit_ticks=11_000)
    assert core.verdict(replace(target, lots=6)) == "approved"
    assert exposure.resting_exits(core.s, 0) == 6
    core.ask(replace(target, lots=6))
    assert core.approved == 4
    assert core.verdict(replace(target, lots=1)) == "reduce_only"


def test_a_move_folds_its_mark_the_order_and_both_states() -> None:
    """I9: the digest holds each of the three words."""
    moved, folded = at_100(is_open=True), at_100(is_open=True)
    for core in (moved, folded):
        core.ask(replace(BUY, stop_ticks=0))
    row = 0
    number, state = moved.s.orders[row, at.NUMBER], moved.s.orders[row, at.STATE]
    accept = 4  # the fifth event of the table
    assert orders.move(moved.s, row, accept)
    for word in (at.D_TRANSITION, number, state * 256 + codes.OPEN):
        records.fold(folded.s, word)
    for lane in (at.DIGEST_A, at.DIGEST_B):
        assert moved.s.account[lane] == folded.s.account[lane]


def test_an_illegal_move_tells_the_order_its_state_and_the_event() -> None:
    core = at_100(is_open=True)
    number = core.ask(replace(BUY, stop_ticks=0))
    state, approve = core.s.orders[0, at.STATE], 0
    told_from = core.s.account[at.N_WORDS]
    assert not orders.move(core.s, 0, approve)
    assert core.s.records[told_from + 3] == number * 65536 + state * 256 + approve


@pytest.mark.parametrize(
    ("state", "expected"),
    [(codes.PARTIALLY_FILLED, False), (codes.FILLED, True), (codes.DENIED, True)],
)
def test_a_filled_or_denied_order_is_over(state: int, expected: bool) -> None:
    assert orders.is_terminal(state) is expected


def test_a_negative_amount_of_money_is_no_number_to_trade() -> None:
    core = at_100()
    write_intent(BUY, 0, core.s.intent)
    core.s.intent[at.I_QUOTE_AMOUNT] = -1
    risk.judge(core.s)
    assert core.s.verdict[at.CODE] == codes.INVALID_VALUE


def test_a_target_at_the_price_is_refused_where_no_stop_is_asked_for() -> None:
    core = at_100(is_open=True)
    assert core.verdict(replace(BUY, target_ticks=10_001)) == "approved"
    assert core.verdict(replace(BUY, target_ticks=10_000)) == "reward_risk"


def test_without_a_price_there_is_no_default_stop() -> None:
    core = at_100()
    core.s.instruments[0, at.ATR] = 100
    write_intent(BUY, 0, core.s.intent)
    assert risk.default_stop(core.s, 0) == 0


def test_a_working_leveraged_order_binds_margin_and_counts_at_its_strategy() -> None:
    core = at_100(cash=Decimal(10_000), is_open=True)
    assert exposure.strategy_exposure(core.s, 0) == 0
    core.ask(replace(BUY, lots=10, leverage=4, stop_ticks=0))
    reserved = orders.reserved_value(core.s, 0)
    assert core.s.orders[0, at.LEVERAGE] == 4
    assert exposure.margin_in_use(core.s) == reserved // 4 > 0
