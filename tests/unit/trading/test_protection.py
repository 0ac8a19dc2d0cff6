"""Stops and targets when the venue answers late: the core alone, its reports given by hand."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from athena.domain import OrderState, OrderType, Purpose, Side
from athena.platform.config import CostsConfig, RiskConfig
from athena.research.engine._limits import open_instrument_limits, open_limits, risk_limits
from athena.trading import (
    Intent,
    StrategySlot,
    codes,
    limits,
    marks,
    new_state,
    step,
    write_intent,
)
from athena.trading import layout as at
from tests.bar_run import START_NS, instrument

if TYPE_CHECKING:
    from collections.abc import Iterator

STATES = list(OrderState)
PRICE = 10_000


class Core:
    """A core with one instrument, whose effects and reports pass through a test's hands."""

    def __init__(self, *, is_margin: bool = True) -> None:
        """Start flat at PRICE."""
        self.tables = new_state(
            instruments=[instrument(is_margin=is_margin)],
            instrument_limits=[open_instrument_limits()],
            strategies=[StrategySlot("first")],
            limits=open_limits(CostsConfig()),
            cash=Decimal(1_000_000),
            start_ns=START_NS,
        )
        self.state = self.tables.views
        self.trades: Iterator[int] = count(1)
        self.bar(PRICE, PRICE, PRICE)

    def bar(self, high: int, low: int, last: int) -> None:
        """Mark the account at a bar's close."""
        now_ns = self.state.account[at.NOW_NS] + 60 * 10**9
        marks.set_price(self.state, 0, last, high, low, now_ns)
        self.state.account[at.ACCOUNT_NS] = now_ns
        marks.mark(self.state, now_ns)

    def send(self, side: Side, lots: int, **terms: Any) -> int:
        """Submit an intent and acknowledge its order; return the number."""
        write_intent(Intent(side=side, lots=lots, **terms), 0, self.state.intent)
        number = step.apply_intent(self.state)
        assert self.state.verdict[at.CODE] == 0
        if self.state_of(number) != "held":
            self.report(codes.ACCEPTED, number)
        return number

    def report(self, what: int, number: int, lots: int = 0, price: int = 0) -> None:
        """Apply a venue report."""
        trade = next(self.trades)
        step.apply_report(self.state, what, number, lots, price, 0, codes.TAKER, trade)

    def fill(self, number: int, lots: int, price: int = PRICE) -> None:
        """Apply a fill and acknowledge the orders that it gave birth to."""
        self.report(codes.FILLED_REPORT, number, lots, price)
        for child in self.live():
            if self.state_of(child) == "submitting":
                self.report(codes.ACCEPTED, child)

    def confirm_amendment(self, number: int) -> None:
        """Let the venue confirm the newest amendment of an order."""
        lots, trigger = self.get(number, at.AMEND_LOTS), self.get(number, at.AMEND_TRIGGER)
        self.report(codes.AMENDED, number, lots, trigger)

    def live(self) -> list[int]:
        """Return the numbers of the live orders, oldest first."""
        numbers = self.tables.arrays.orders[:, at.NUMBER]
        return sorted(int(number) for number in numbers[numbers > 0])

    def get(self, number: int, column: int) -> int:
        """Return a column of an order, live or closed."""
        for table in (self.tables.arrays.orders, self.tables.arrays.closed):
            rows = table[table[:, at.NUMBER] == number]
            if len(rows):
                return int(rows[0, column])
        raise AssertionError(number)

    def state_of(self, number: int) -> str:
        """Return the name of an order's state."""
        return STATES[self.get(number, at.STATE)].value

    def position(self) -> int:
        """Return the signed position in lots."""
        return int(self.state.positions[0, at.QUANTITY])

    def children(self, entry: int) -> list[int]:
        """Return the live stops and targets of an entry, oldest first."""
        return [number for number in self.live() if self.get(number, at.PARENT) == entry]

    def wanted(self, number: int) -> int:
        """Return the size that was last asked for."""
        is_amending = self.get(number, at.PENDING) == codes.PENDING_AMEND
        return self.get(number, at.AMEND_LOTS if is_amending else at.LOTS)

    def take_effects(self) -> list[tuple[int, int]]:
        """Return (kind, number) of what has to leave the core, and empty the queue."""
        n_effects = self.state.account[at.N_EFFECTS]
        rows = self.tables.arrays.effects[:n_effects].tolist()
        self.state.account[at.N_EFFECTS] = 0
        return [(row[at.E_KIND], row[at.E_NUMBER]) for row in rows]


@pytest.fixture
def core() -> Core:
    return Core()


def _bracket(core: Core, lots: int = 100, **terms: Any) -> int:
    return core.send(Side.BUY, lots, **{"stop_ticks": 9_000, "target_ticks": 11_000} | terms)


def test_an_entry_limit_works_for_an_hour_and_its_protection_without_end(core: Core) -> None:
    hour_ns = risk_limits(RiskConfig(), CostsConfig())[limits.ENTRY_LIMIT_NS]
    assert hour_ns == 3_600 * 10**9
    core.state.limits[limits.ENTRY_LIMIT_NS] = hour_ns
    entry = _bracket(core, type=OrderType.LIMIT, limit_ticks=9_900)
    assert core.get(entry, at.EXPIRES_NS) == core.state.account[at.NOW_NS] + hour_ns
    core.fill(entry, 50, 9_900)
    assert [core.get(child, at.EXPIRES_NS) for child in core.children(entry)] == [0, 0]


def test_a_fill_while_a_cancel_is_under_way_is_kept_and_protected(core: Core) -> None:
    """TR-09: 0.4 filled during the cancel -> cancelled, filled 0.4, position and stop 0.4."""
    entry = _bracket(core)
    step.apply_command(core.state, codes.COMMAND_CANCEL, entry, 0)
    core.fill(entry, 40)
    core.report(codes.CANCELLED_REPORT, entry)
    assert core.state_of(entry) == "cancelled"
    assert core.get(entry, at.FILLED) == core.position() == 40
    assert [core.get(child, at.LOTS) for child in core.children(entry)] == [40, 40]


def test_protection_grows_with_the_entry(core: Core) -> None:
    """TR-10: 0.3 + 0.7 -> protection 0.3, then 1.0 as soon as the venue confirms."""
    entry = _bracket(core)
    core.fill(entry, 30)
    stop, target = core.children(entry)
    assert core.get(stop, at.LOTS) == core.get(target, at.LOTS) == 30
    core.fill(entry, 70)
    assert core.get(stop, at.LOTS) == 30  # the old size holds until it is confirmed
    core.confirm_amendment(stop)
    core.confirm_amendment(target)
    assert core.get(stop, at.LOTS) == core.get(target, at.LOTS) == core.position() == 100


def test_a_part_that_fills_during_an_amendment_is_not_forgotten(core: Core) -> None:
    entry = _bracket(core)
    core.fill(entry, 30)
    stop = core.children(entry)[0]
    core.fill(entry, 20)
    core.fill(entry, 50)
    core.report(codes.AMENDED, stop, 50, 9_000)  # the first of the two requests
    assert core.get(stop, at.PENDING) == codes.PENDING_AMEND
    assert core.wanted(stop) == 100
    core.report(codes.AMENDED, stop, 100, 9_000)
    assert core.get(stop, at.PENDING) == codes.PENDING_NONE
    assert core.get(stop, at.LOTS) == 100


def test_a_part_that_fills_after_the_target_gets_a_pair_of_its_own(core: Core) -> None:
    entry = _bracket(core)
    core.fill(entry, 30)
    stop, target = core.children(entry)
    core.fill(target, 30, 11_000)
    assert core.get(stop, at.PENDING) == codes.PENDING_CANCEL
    core.fill(entry, 70)
    fresh = [number for number in core.children(entry) if number > target]
    assert [core.get(number, at.LOTS) for number in fresh] == [70, 70]
    core.report(codes.CANCELLED_REPORT, stop)
    assert core.children(entry) == fresh


def test_a_part_that_fills_after_the_stop_was_refused_gets_a_stop(core: Core) -> None:
    entry = _bracket(core)
    core.fill(entry, 30)
    stop, target = core.children(entry)
    core.report(codes.REFUSED, stop)
    core.fill(entry, 70)
    fresh_stop, fresh_target = [number for number in core.children(entry) if number > target]
    assert core.get(fresh_stop, at.TRIGGER) == 9_000
    assert core.get(fresh_stop, at.LOTS) == core.get(fresh_target, at.LOTS) == 70
    assert core.get(target, at.LOTS) == 30


def test_a_part_that_fills_while_the_stop_is_being_cancelled_gets_a_stop(core: Core) -> None:
    entry = core.send(Side.BUY, 100, stop_ticks=9_000)
    core.fill(entry, 30)
    (stop,) = core.children(entry)
    step.apply_command(core.state, codes.COMMAND_CANCEL, stop, 0)
    core.fill(entry, 70)
    (_, fresh) = core.children(entry)
    assert core.get(fresh, at.LOTS) == 70


def test_a_late_fill_is_protected(core: Core) -> None:
    entry = _bracket(core)
    core.report(codes.CANCELLED_REPORT, entry)
    core.fill(entry, 40)
    assert core.state_of(entry) == "cancelled"
    assert [core.get(child, at.LOTS) for child in core.children(entry)] == [40, 40]


def test_profit_is_measured_from_the_average_of_all_parts(core: Core) -> None:
    entry = _bracket(core, break_even=True)
    core.fill(entry, 50, 10_000)
    core.fill(entry, 50, 10_100)
    assert core.get(core.children(entry)[0], at.ENTRY) == 10_050


def test_a_moved_trigger_is_not_lost_in_a_resizing(core: Core) -> None:
    """Break-even and trailing arm while the venue still owes an answer: both are kept."""
    entry = _bracket(core, break_even=True, trail_ppm=15_000)
    core.fill(entry, 30)
    core.fill(entry, 70)
    stop = core.children(entry)[0]
    core.bar(10_200, 10_000, 10_150)
    assert core.wanted(stop) == 100
    assert core.get(stop, at.AMEND_TRIGGER) == 10_047
    core.confirm_amendment(stop)
    assert (core.get(stop, at.LOTS), core.get(stop, at.TRIGGER)) == (100, 10_047)


def test_a_refused_amendment_does_not_undo_a_cancel(core: Core) -> None:
    entry = _bracket(core)
    core.fill(entry, 30)
    core.fill(entry, 30)
    stop = core.children(entry)[0]
    step.apply_command(core.state, codes.COMMAND_CANCEL, stop, 0)
    core.report(codes.AMEND_REFUSED, stop)
    assert core.get(stop, at.PENDING) == codes.PENDING_CANCEL
    core.report(codes.CANCEL_REFUSED, stop)
    assert core.get(stop, at.PENDING) == codes.PENDING_NONE


def test_the_stop_of_one_bracket_leaves_the_other_alone(core: Core) -> None:
    first, second = _bracket(core, 50), _bracket(core, 50)
    core.fill(first, 50)
    core.fill(second, 50)
    stop, target = core.children(first)
    core.take_effects()
    core.fill(stop, 50, 9_000)
    assert core.take_effects() == [(at.CANCEL, target)]
    assert [core.wanted(child) for child in core.children(second)] == [50, 50]


def test_an_exit_trims_stops_and_targets_but_no_other_exit(core: Core) -> None:
    entry = _bracket(core)
    core.fill(entry, 100)
    resting = core.send(
        Side.SELL, 40, type=OrderType.LIMIT, limit_ticks=10_800, purpose=Purpose.EXIT
    )
    leaving = core.send(Side.SELL, 40, purpose=Purpose.EXIT)
    core.fill(leaving, 40)
    assert [core.wanted(child) for child in core.children(entry)] == [60, 60]
    assert core.wanted(resting) == 40
    assert core.get(resting, at.PENDING) == codes.PENDING_NONE


def test_what_is_left_goes_to_the_stop_that_is_seen_before_one_that_is_not(core: Core) -> None:
    # I11: the older stop was sent and nobody knows whether it arrived; the newer one is there.
    first = core.send(Side.BUY, 10, stop_ticks=9_800)
    core.report(codes.FILLED_REPORT, first, 10, PRICE)
    (lost,) = core.children(first)
    core.report(codes.AMBIGUOUS, lost)
    second = core.send(Side.BUY, 100, stop_ticks=9_800)
    core.report(codes.FILLED_REPORT, second, 100, PRICE)
    (seen,) = core.children(second)
    core.report(codes.ACCEPTED, seen)
    core.fill(core.send(Side.SELL, 10, purpose=Purpose.EXIT), 10)
    assert core.position() == 100
    assert (core.wanted(seen), core.wanted(lost)) == (100, 10)
    assert core.get(lost, at.PENDING) == codes.PENDING_CANCEL


def test_a_pair_of_entries_cancels_one_another(core: Core) -> None:
    low = core.send(Side.BUY, 100, type=OrderType.LIMIT, limit_ticks=9_900)
    high = core.send(Side.BUY, 100, type=OrderType.STOP, trigger_ticks=10_100, sibling=low)
    core.fill(low, 40, 9_900)
    assert core.wanted(high) == 60
    core.fill(low, 60, 9_900)
    assert core.get(high, at.PENDING) == codes.PENDING_CANCEL


@pytest.mark.parametrize("what", ["filled", "paired", "elsewhere"])
def test_an_order_is_refused_without_the_one_it_shall_pair_with(core: Core, what: str) -> None:
    terms = {"type": OrderType.LIMIT, "limit_ticks": 9_900}
    first = core.send(Side.BUY, 100, **terms)
    if what == "filled":
        core.fill(first, 100, 9_900)
    elif what == "paired":
        core.send(Side.BUY, 100, sibling=first, **terms)
    sibling = 99 if what == "elsewhere" else first
    write_intent(Intent(side=Side.BUY, lots=100, sibling=sibling, **terms), 0, core.state.intent)
    step.apply_intent(core.state)
    assert core.state.verdict[at.CODE] == codes.INVALID_VALUE
    assert core.state.verdict[at.APPROVED] == 0


def test_an_order_whose_pair_was_cancelled_may_be_paired_again(core: Core) -> None:
    terms = {"type": OrderType.LIMIT, "limit_ticks": 9_900}
    first = core.send(Side.BUY, 100, **terms)
    second = core.send(Side.BUY, 100, sibling=first, **terms)
    core.report(codes.CANCELLED_REPORT, second)
    third = core.send(Side.BUY, 100, sibling=first, **terms)
    assert (core.get(first, at.SIBLING), core.get(third, at.SIBLING)) == (third, first)


def test_an_entry_that_turns_the_position_protects_what_it_opened(core: Core) -> None:
    old = _bracket(core)
    core.fill(old, 100)
    stop, target = core.children(old)
    new = core.send(Side.SELL, 150, stop_ticks=11_000)
    core.fill(new, 150)
    assert core.position() == -50
    assert core.get(stop, at.PENDING) == core.get(target, at.PENDING) == codes.PENDING_CANCEL
    (fresh,) = core.children(new)
    assert (core.get(fresh, at.SIDE), core.get(fresh, at.LOTS)) == (1, 50)


@pytest.mark.parametrize("lots", [40, 100])
def test_a_spot_sale_lets_go_the_stop_of_what_it_sold(lots: int) -> None:
    core = Core(is_margin=False)
    entry = core.send(Side.BUY, 100, stop_ticks=9_000)
    core.fill(entry, 100)
    sale = core.send(Side.SELL, lots)
    core.fill(sale, lots)
    (stop,) = core.children(entry)
    if lots == 100:
        assert core.get(stop, at.PENDING) == codes.PENDING_CANCEL
    else:
        assert core.wanted(stop) == 60


def test_flatten_cancels_entries_and_then_sells_while_the_stop_stays(core: Core) -> None:
    entry = _bracket(core)
    core.fill(entry, 100)
    resting = core.send(Side.BUY, 10, type=OrderType.LIMIT, limit_ticks=9_500)
    core.take_effects()
    step.apply_command(core.state, codes.COMMAND_FLATTEN, 0, 0)
    cancel, send = core.take_effects()
    assert cancel == (at.CANCEL, resting)
    assert send[0] == at.SEND
    assert core.get(send[1], at.FLAGS) & at.FLAG_REDUCE_ONLY
    stop, target = core.children(entry)
    assert core.get(stop, at.PENDING) == codes.PENDING_NONE
    core.report(codes.ACCEPTED, send[1])
    core.fill(send[1], 100)
    assert core.take_effects() == [(at.CANCEL, stop), (at.CANCEL, target)]


def test_flatten_twice_sells_once(core: Core) -> None:
    entry = _bracket(core)
    core.fill(entry, 100)
    step.apply_command(core.state, codes.COMMAND_FLATTEN, 0, 0)
    core.take_effects()
    step.apply_command(core.state, codes.COMMAND_FLATTEN, 0, 0)
    assert core.take_effects() == []


def test_stops_are_tightened_towards_the_price_and_never_away(core: Core) -> None:
    near, far = _bracket(core, 50, stop_ticks=9_950), _bracket(core, 50)
    core.fill(near, 50)
    core.fill(far, 50)
    step.apply_command(core.state, codes.COMMAND_TIGHTEN, 10_000, 0)
    near_stop, far_stop = core.children(near)[0], core.children(far)[0]
    assert core.get(near_stop, at.PENDING) == codes.PENDING_NONE
    assert core.get(far_stop, at.AMEND_TRIGGER) == 9_900


def test_a_held_trailing_stop_ends_with_its_position_and_is_no_longer_watched(core: Core) -> None:
    entry = core.send(Side.BUY, 100)
    core.fill(entry, 100)
    trailing = core.send(Side.SELL, 100, type=OrderType.TRAILING_STOP, purpose=Purpose.PROTECT)
    assert core.state_of(trailing) == "held"
    assert core.state.account[at.N_TRAILING] == 1
    leaving = core.send(Side.SELL, 100, purpose=Purpose.EXIT)
    core.fill(leaving, 100)
    assert core.state_of(trailing) == "cancelled"
    assert core.state.account[at.N_TRAILING] == 0


@pytest.mark.parametrize(("high", "trigger"), [(10_090, 9_000), (10_100, 9_949), (10_200, 10_047)])
def test_a_stop_trails_from_one_percent_of_profit(core: Core, high: int, trigger: int) -> None:
    """C18: +0.9 % -> not armed; +1 % and +2 % -> 1.5 % under the best price."""
    entry = _bracket(core, trail_ppm=15_000)
    core.fill(entry, 100)
    core.bar(high, 9_990, 10_050)
    stop = core.children(entry)[0]
    amended = core.get(stop, at.AMEND_TRIGGER)
    assert (amended or core.get(stop, at.TRIGGER)) == trigger


def test_a_trailing_stop_uses_the_range_where_it_is_known(core: Core) -> None:
    core.tables.arrays.instruments[0, at.ATR] = 60
    entry = _bracket(core, trail_ppm=15_000)
    core.fill(entry, 100)
    core.bar(10_200, 9_990, 10_150)
    assert core.get(core.children(entry)[0], at.AMEND_TRIGGER) == 10_200 - 90  # 1.5 x ATR


def test_a_fall_does_not_loosen_a_trailing_stop(core: Core) -> None:
    """C18: +2 %, then -1 % -> unchanged."""
    entry = _bracket(core, trail_ppm=15_000)
    core.fill(entry, 100)
    core.bar(10_200, 9_990, 10_150)
    stop = core.children(entry)[0]
    core.confirm_amendment(stop)
    core.take_effects()
    core.bar(10_100, 10_060, 10_098)
    assert core.get(stop, at.TRIGGER) == 10_047
    assert core.take_effects() == []


@pytest.mark.parametrize("held", [0, -100])
def test_closing_a_long_that_is_not_there_sends_nothing(core: Core, held: int) -> None:
    """D06."""
    if held:
        core.fill(core.send(Side.SELL, -held), -held)
    core.take_effects()
    intent = Intent(side=Side.SELL, lots=5, purpose=Purpose.EXIT)
    write_intent(intent, 0, core.state.intent)
    number = step.apply_intent(core.state)
    assert core.state.verdict[at.CODE] == codes.REDUCE_ONLY
    assert core.state_of(number) == "denied"
    assert core.take_effects() == []


def test_closing_more_than_a_short_buys_the_short_back(core: Core) -> None:
    """D06: close 5 of a short of 3 -> buy 3, reduce-only."""
    core.fill(core.send(Side.SELL, 3), 3)
    number = core.send(Side.BUY, 5, purpose=Purpose.EXIT)
    assert core.get(number, at.LOTS) == 3
    assert core.get(number, at.FLAGS) & at.FLAG_REDUCE_ONLY
