"""Losses, pauses, cool-downs, resets and what an admin can end."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import Book, OrderType, Purpose, Regime, Side
from athena.trading import Intent, StrategySlot, codes, limits, marks, positions, step
from athena.trading import layout as at
from tests.core_builder import DAY, HOUR, MINUTE, MONEY, NOON, TEST, Core

BUY = Intent(side=Side.BUY, lots=1, stop_ticks=9_900)
EXIT = Intent(side=Side.SELL, lots=1, purpose=Purpose.EXIT)
MIDNIGHT = NOON + 12 * HOUR


def holding(lots: int = 10, cash: int = 1_000, **options: object) -> Core:
    """Hold lots bought at 100.00 under limits that let it; each tick is a cent a lot."""
    core = Core(cash=Decimal(cash), **options)  # type: ignore[arg-type]
    core.price(10_000)
    for column in (limits.POSITION_PPM, limits.GROSS_PPM, limits.NET_PPM, limits.CORRELATED_PPM):
        core.s.limits[column] = 10**6
    for column in (limits.TIER_1_CAP_PPM, limits.RISK_PER_TRADE_PPM, limits.MARGIN_PPM):
        core.s.limits[column] = 10**6
    wish = replace(BUY, lots=lots, stop_ticks=9_600, regime=Regime.TRENDING_BULL)
    core.trade(wish, 10_000)
    core.accept_all()
    assert core.quantity() == lots
    core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    return core


def is_blocked(core: Core) -> bool:
    last = core.s.instruments[0, at.LAST]
    core.s.account[at.RATE_TOKENS] = 10**7
    core.ask(replace(BUY, stop_ticks=last - last // 100, lots=1))
    return "breaker" in core.all_codes or "halted" in core.all_codes


# --- the daily loss (TR-17) -------------------------------------------------------------------


def test_minus_4_9_percent_trades_minus_5_is_blocked_until_utc_midnight() -> None:
    """TR-17: all of 1,000 is in 10 lots, so a tick is a hundredth of a percent."""
    core = holding()
    core.price(9_510, NOON + HOUR)
    assert not is_blocked(core)
    core.price(9_500, NOON + 2 * HOUR)
    assert is_blocked(core)
    core.price(9_990, MIDNIGHT - 1)
    assert is_blocked(core)
    core.price(9_500, MIDNIGHT)
    assert not is_blocked(core)


def test_a_process_that_is_down_over_midnight_comes_to_the_same() -> None:
    """TR-17: the reset that was missed is applied at the first mark."""
    core = holding()
    core.price(9_500, NOON + 2 * HOUR)
    core.price(9_600, MIDNIGHT + 30 * HOUR)
    assert not is_blocked(core)
    assert core.get(at.DAY) == (MIDNIGHT + 30 * HOUR) // DAY
    # The last equity known at 00:00 opened the day: no loss is forgotten by being away.
    assert core.get(at.DAY_OPEN) == 950 * MONEY


def test_a_daily_loss_tightens_a_far_stop_to_1_percent_and_leaves_a_near_one() -> None:
    for old, expected in ((9_000, 9_405), (9_450, 9_450)):
        core = holding()
        row = core.row(core.children(1)[0])
        core.s.orders[row, at.TRIGGER] = old
        core.s.orders[row, at.PENDING] = codes.PENDING_NONE
        core.price(9_500, NOON + HOUR)
        pending = core.s.orders[row, at.PENDING] == codes.PENDING_AMEND
        wanted = core.s.orders[row, at.AMEND_TRIGGER if pending else at.TRIGGER]
        assert wanted == expected


def test_breakers_cancel_working_entries() -> None:
    core = holding(lots=9)
    entry = core.ask(replace(BUY, type=OrderType.LIMIT, limit_ticks=9_000, stop_ticks=8_900))
    core.accept_all()
    core.price(9_400, NOON + HOUR)
    assert (at.CANCEL, entry) in core.effects()


# --- the week, the drawdowns ------------------------------------------------------------------


def test_a_weekly_loss_cuts_every_position_in_half_until_monday() -> None:
    core = holding(lots=9)
    core.price(8_880, NOON + HOUR)
    assert core.get(at.HALT) & at.HALT_WEEK
    cut = [row for row in range(core.get(at.N_ROWS)) if _is_liquidation(core, row)]
    assert [core.s.orders[row, at.LOTS] for row in cut] == [5]
    monday = MIDNIGHT + 4 * DAY
    core.price(8_880, monday - 1)
    assert core.get(at.HALT) & at.HALT_WEEK
    core.price(8_880, monday)
    assert not core.get(at.HALT) & at.HALT_WEEK


def _is_liquidation(core: Core, row: int) -> bool:
    return core.s.orders[row, at.NUMBER] != 0 and core.s.orders[row, at.PURPOSE] == codes.LIQUIDATE


def fallen(to: int, cash: int = 1_000) -> Core:
    """Return a core whose only open breaker is a drawdown's."""
    core = holding(cash=cash)
    core.s.limits[limits.DAY_LOSS_PPM] = 10**6
    core.s.limits[limits.WEEK_LOSS_PPM] = 10**6
    marks.set_floor(core.s)
    core.price(to, NOON + HOUR)
    return core


def test_a_drawdown_stop_is_ended_by_an_admin_and_its_leverage_caps_stay() -> None:
    core = fallen(9_000)
    assert core.get(at.HALT) == at.HALT_DRAWDOWN
    core.price(9_000, NOON + 9 * DAY)
    assert is_blocked(core)
    step.apply_command(core.s, codes.COMMAND_RESUME, 0, 0)
    assert is_blocked(core)
    step.apply_command(core.s, codes.COMMAND_ADMIN_RESUME, 0, 0)
    core.price(8_990, NOON + 9 * DAY)
    assert not is_blocked(core)
    core.ask(replace(BUY, stop_ticks=8_900, leverage=5, regime=Regime.TRENDING_BULL))
    assert core.s.verdict[at.APPROVED_LEVERAGE] == 2
    assert core.get(at.PEAK) == 1_000 * MONEY


def test_after_that_the_drawdown_limit_still_counts_from_the_true_peak() -> None:
    core = fallen(9_000)
    step.apply_command(core.s, codes.COMMAND_ADMIN_RESUME, 0, 0)
    core.price(8_001, NOON + 2 * HOUR)
    assert core.get(at.HALT) == 0
    core.price(8_000, NOON + 3 * HOUR)
    assert core.get(at.HALT) == at.HALT_LIMIT


def test_a_new_peak_arms_the_drawdown_stop_again() -> None:
    core = fallen(9_000)
    step.apply_command(core.s, codes.COMMAND_ADMIN_RESUME, 0, 0)
    core.price(10_100, NOON + 2 * HOUR)
    core.price(9_090, NOON + 3 * HOUR)
    assert core.get(at.HALT) == at.HALT_DRAWDOWN


def test_a_drawdown_limit_flattens_and_restarts_at_leverage_1() -> None:
    core = fallen(8_000)
    assert core.get(at.HALT) & at.HALT_LIMIT
    assert any(_is_liquidation(core, row) for row in range(core.get(at.N_ROWS)))
    core.s.account[at.N_EFFECTS] = 0
    step.apply_command(core.s, codes.COMMAND_ADMIN_RESUME, 0, 0)
    core.price(8_000, NOON + 2 * HOUR)
    assert core.get(at.HALT) == 0
    core.ask(replace(BUY, stop_ticks=7_900, leverage=5, regime=Regime.TRENDING_BULL))
    assert core.s.verdict[at.APPROVED_LEVERAGE] == 1


def test_breakers_count_unrealised_losses() -> None:
    core = holding()
    core.price(9_500, NOON + HOUR)
    assert core.get(at.REALISED) == 0
    assert core.get(at.HALT) & at.HALT_DAY


# --- kill, pause, halt ------------------------------------------------------------------------


def test_the_kill_switch_flattens_cancels_and_is_latched() -> None:
    core = holding(lots=9)
    entry = core.ask(replace(BUY, type=OrderType.LIMIT, limit_ticks=9_900, stop_ticks=9_800))
    core.accept_all()
    step.apply_command(core.s, codes.COMMAND_KILL, 0, 0)
    effects = core.effects()
    assert (at.CANCEL, entry) in effects
    assert sum(_is_liquidation(core, row) for row in range(core.get(at.N_ROWS))) == 1
    step.apply_command(core.s, codes.COMMAND_RESUME, 0, 0)
    assert is_blocked(core)
    core.price(10_000, NOON + 30 * DAY)
    assert is_blocked(core)
    step.apply_command(core.s, codes.COMMAND_ADMIN_RESUME, 0, 0)
    assert not is_blocked(core)


def test_exits_pass_every_halt() -> None:
    core = holding()
    core.s.account[at.HALT] = at.HALT_KILL | at.HALT_DAY | at.HALT_FAULT
    core.s.account[at.PAUSE_UNTIL_NS] = NOON + DAY
    assert core.verdict(EXIT) == "approved"


def test_a_pause_is_ended_by_a_resume() -> None:
    core = holding()
    step.apply_command(core.s, codes.COMMAND_PAUSE, 0, 0)
    assert is_blocked(core)
    step.apply_command(core.s, codes.COMMAND_RESUME, 0, 0)
    assert not is_blocked(core)


# --- streaks and cool-downs -------------------------------------------------------------------


def trade_with_result(core: Core, cents: int) -> None:
    """Open and close one lot for a result in cents."""
    positions.book_fill(core.s, 0, 0, 1, 10_000, 0)
    positions.book_fill(core.s, 0, 0, -1, 10_000 + cents, 0)


def test_five_losses_in_a_row_pause_an_hour_and_halve_the_size_until_a_win() -> None:
    core = Core()
    core.price(10_000)
    for _ in range(4):
        trade_with_result(core, -1)
    assert core.get(at.PAUSE_UNTIL_NS) == 0
    assert core.get(at.HALF_SIZE) == 0
    trade_with_result(core, -1)
    assert core.get(at.PAUSE_UNTIL_NS) == NOON + 60 * MINUTE
    assert core.get(at.HALF_SIZE) == 1
    trade_with_result(core, 0)
    assert (core.get(at.LOSS_STREAK), core.get(at.HALF_SIZE)) == (0, 1)
    trade_with_result(core, 1)
    assert core.get(at.HALF_SIZE) == 0


def test_a_fee_makes_a_loss_of_a_trade_without_gain() -> None:
    core = Core()
    core.price(10_000)
    positions.book_fill(core.s, 0, 0, 1, 10_000, 5)
    positions.book_fill(core.s, 0, 0, -1, 10_000, 0)
    assert core.get(at.LOSS_STREAK) == 1


@pytest.mark.parametrize(("losses", "minutes"), [(1, 10), (2, 10), (3, 30), (4, 30), (5, 60)])
def test_losses_wait_longer_the_more_there_are(losses: int, minutes: int) -> None:
    core = Core()
    core.price(10_000)
    for _ in range(losses):
        trade_with_result(core, -1)
    assert core.get(at.ACCOUNT_COOLDOWN_NS) == NOON + minutes * MINUTE
    assert core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] == NOON + 5 * MINUTE


def test_a_running_cool_down_is_only_ever_extended() -> None:
    """D04: 60 minutes running, 5 are set -> the end is unchanged."""
    core = Core()
    core.price(10_000)
    hour = NOON + 60 * MINUTE
    core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = hour
    core.s.account[at.ACCOUNT_COOLDOWN_NS] = hour
    core.s.account[at.PAUSE_UNTIL_NS] = hour
    trade_with_result(core, -1)
    core.s.account[at.ERROR_STREAK] = 2
    positions.count_execution_error(core.s)
    assert core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] == hour
    assert core.get(at.ACCOUNT_COOLDOWN_NS) == hour
    assert core.get(at.PAUSE_UNTIL_NS) == hour


def test_three_execution_errors_in_a_row_pause_15_minutes() -> None:
    core = Core(is_open=False)
    core.price(10_000)
    for expected in (0, 0, NOON + 15 * MINUTE):
        number = core.ask(replace(BUY, regime=Regime.TRENDING_BULL))
        core.report(codes.REFUSED, number)
        assert core.get(at.PAUSE_UNTIL_NS) == expected


def test_a_fill_ends_a_run_of_execution_errors() -> None:
    core = Core()
    core.price(10_000)
    for what in (codes.REFUSED, codes.REFUSED, codes.FILLED_REPORT, codes.REFUSED):
        number = core.ask(replace(BUY, regime=Regime.TRENDING_BULL))
        core.report(what, number, core.approved, 10_000)
        core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    assert core.get(at.PAUSE_UNTIL_NS) == 0


def test_a_spike_and_a_fast_move_cool_the_symbol_down() -> None:
    core = Core()
    core.price(10_000)
    core.s.instruments[0, at.ATR] = 301
    core.s.instruments[0, at.ATR_MEAN] = 100
    marks.watch_market(core.s, 0)
    assert core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] == NOON + 15 * MINUTE
    core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    core.s.instruments[0, at.ATR] = 300
    core.s.instruments[0, at.MOVE_PPM] = -30_001
    marks.watch_market(core.s, 0)
    assert core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] == NOON + 10 * MINUTE
    core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    core.s.instruments[0, at.MOVE_PPM] = 30_000
    marks.watch_market(core.s, 0)
    assert core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] == 0


@pytest.mark.parametrize("target_ppm", [100_000, 0])
def test_a_rebalance_cools_the_trading_book_down_even_when_it_sells_all(target_ppm: int) -> None:
    core = Core(strategies=[StrategySlot("t"), StrategySlot("core", Book.CORE)])
    core.price(10_000)
    wish = Intent(side=Side.BUY, lots=4, purpose=Purpose.REBALANCE, target_ppm=333_300)
    core.trade(wish, 10_000, 1)
    core.s.account[at.TRADING_COOLDOWN_NS] = 0
    core.trade(replace(wish, side=Side.SELL, target_ppm=target_ppm), 10_000, 1)
    assert core.get(at.TRADING_COOLDOWN_NS) == NOON + 30 * MINUTE
    assert core.verdict(BUY) == "cooldown"


# --- transfers and the hodl book --------------------------------------------------------------


@pytest.mark.parametrize("amount", [-500, 9_000])
def test_a_transfer_alone_changes_no_loss_fraction(amount: int) -> None:
    """A withdrawal after a fall of 9.9 % fires nothing; a deposit does not hide the fall."""
    core = fallen(9_010)
    step.apply_cash(core.s, amount * MONEY, 1, 0)
    core.price(9_010, NOON + 2 * HOUR)
    assert core.get(at.HALT) == 0
    left = 1 - Decimal(core.get(at.EQUITY)) / core.get(at.PEAK)
    assert abs(left - Decimal("0.099")) < Decimal("1e-9")


def test_a_deposit_is_no_gain_and_makes_no_peak() -> None:
    core = Core()
    core.price(10_000)
    step.apply_cash(core.s, 100 * MONEY, 1, 0)
    core.price(10_000, NOON + HOUR)
    assert core.get(at.PEAK) == core.get(at.EQUITY) == 2_200 * MONEY
    assert core.get(at.DAY_OPEN) == 2_200 * MONEY


def test_funding_is_a_result_and_no_transfer() -> None:
    core = Core()
    core.price(10_000)
    step.apply_cash(core.s, -5 * MONEY, 0, 0)
    core.price(10_000, NOON + HOUR)
    assert core.get(at.REALISED) == -5 * MONEY
    assert core.get(at.PEAK) == 2_100 * MONEY


def test_the_hodl_book_is_left_out_of_equity_and_buying_for_it_is_no_loss() -> None:
    core = Core(
        strategies=[StrategySlot("t"), StrategySlot("bag", Book.HODL)], cash=Decimal(1_000)
    )
    core.price(10_000)
    core.trade(Intent(side=Side.BUY, lots=2, purpose=Purpose.HODL), 10_000, 1)
    core.price(10_000, NOON + HOUR)
    assert core.get(at.EQUITY) == core.get(at.PEAK) == 800 * MONEY
    assert core.get(at.HALT) == 0
    core.price(5_000, NOON + 2 * HOUR)
    assert core.get(at.EQUITY) == 800 * MONEY
    assert positions.instrument_value(core.s, 0, 5_000) == 0


# --- time -------------------------------------------------------------------------------------


def test_a_position_is_closed_after_48_hours_and_tried_again_until_it_is_gone() -> None:
    core = holding(lots=1)
    core.s.account[at.N_EFFECTS] = 0
    core.price(10_000, NOON + 48 * HOUR - 1)
    assert core.effects() == []
    core.price(10_000, NOON + 48 * HOUR)
    ((kind, number),) = core.effects()
    assert (kind, core.s.orders[core.row(number), at.PURPOSE]) == (at.SEND, codes.LIQUIDATE)
    core.report(codes.REFUSED, number)
    core.price(10_000, NOON + 48 * HOUR + MINUTE)
    ((_, again),) = core.effects()
    core.fill(again, 1, 10_000)
    assert core.quantity() == 0


def test_an_unfilled_entry_limit_is_cancelled_after_an_hour() -> None:
    core = Core()
    core.price(10_000)
    entry = core.ask(replace(BUY, type=OrderType.LIMIT, limit_ticks=9_990))
    core.accept_all()
    core.price(10_000, NOON + HOUR - 1)
    assert core.effects() == []
    core.price(10_000, NOON + HOUR)
    assert core.effects() == [(at.CANCEL, entry)]


def test_a_bar_of_another_instrument_is_no_price() -> None:
    """A value without a fresh price stays out of nothing: the last known price marks it."""
    other = replace(TEST, symbol="OTHER/USDT")
    core = Core(instruments=[TEST, other], cash=Decimal(10_000))
    core.price(10_000)
    core.price(10_000, instrument=1)
    core.trade(replace(BUY, instrument=1), 10_000)
    core.price(11_000, NOON + HOUR, instrument=0)
    assert core.get(at.EQUITY) == 10_000 * MONEY
