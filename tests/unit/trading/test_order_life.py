"""TR-08, TR-09 and booking: what reports do to orders, positions and protections."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import OrderState, OrderType, Purpose, Regime, Side
from athena.trading import ORDER_TABLE, Intent, OrderEvent, StrategySlot, codes, step
from athena.trading import layout as at
from athena.trading._core import orders, protection
from tests.core_builder import DAY, HOUR, MONEY, NOON, Core

BUY = Intent(side=Side.BUY, lots=10, stop_ticks=9_900, leverage=1)
SHORT = Intent(side=Side.SELL, lots=10, stop_ticks=10_100)

# Section 4's table once more, in its own words: from, event -> to.
SPECIFIED = """
created: approve submitting, hold held, deny denied
held: release submitting, cancel cancelled, expire expired
submitting: accept open, refuse rejected, fill_part partially_filled, fill_rest filled
submitting: lose unknown, prove_unsent rejected
unknown: accept open, trigger triggered, fill_part partially_filled, fill_rest filled
unknown: cancel cancelled, expire expired, refuse rejected, prove_absent rejected
open: trigger triggered, fill_part partially_filled, fill_rest filled
open: cancel cancelled, expire expired, refuse rejected
triggered: fill_part partially_filled, fill_rest filled, cancel cancelled, expire expired
partially_filled: fill_part partially_filled, fill_rest filled, cancel cancelled, expire expired
"""


def specified() -> dict[tuple[str, str], str]:
    table = {}
    for line in SPECIFIED.strip().splitlines():
        state, _, pairs = line.partition(": ")
        for pair in pairs.split(", "):
            event, after = pair.split()
            table[state, event] = after
    return table


def rich(**options: object) -> Core:
    """Return a core with room for 10 lots of 100."""
    core = Core(cash=Decimal(100_000), **options)  # type: ignore[arg-type]
    core.price(10_000)
    return core


# --- TR-08 ------------------------------------------------------------------------------------


def test_the_order_table_is_the_specifications() -> None:
    """TR-08."""
    ours = {
        (state.value, event.value): after.value
        for state, row in ORDER_TABLE.items()
        for event, after in row.items()
    }
    assert ours == specified()
    assert set(ORDER_TABLE) == set(OrderState)


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("event", OrderEvent)
def test_each_pair_moves_as_specified_or_is_refused_counted_and_changes_nothing(
    state: OrderState, event: OrderEvent
) -> None:
    """TR-08: all 168 pairs."""
    core = rich()
    number = core.ask(BUY)
    row = core.row(number)
    core.s.orders[row, at.STATE] = list(OrderState).index(state)
    before = bytes(core.s.orders), core.get(at.CASH)
    digest = core.get(at.DIGEST_A)
    moved = orders.move(core.s, row, list(OrderEvent).index(event))
    after = specified().get((state.value, event.value))
    assert moved == (after is not None)
    assert core.state(number) == (after or state.value)
    assert core.get(at.N_ILLEGAL) == (after is None)
    assert core.get(at.DIGEST_A) != digest
    if after is None:
        assert (bytes(core.s.orders), core.get(at.CASH)) == before
        assert core.notices()[-1] == codes.NOTICE_ILLEGAL


def test_a_fill_of_an_order_that_was_never_sent_is_refused_and_books_nothing() -> None:
    """TR-08: held has no fill."""
    core = rich()
    core.trade(BUY, 10_000)
    trail = Intent(side=Side.SELL, lots=10, purpose=Purpose.EXIT, type=OrderType.TRAILING_STOP)
    number = core.ask(trail)
    assert core.state(number) == "held"
    cash = core.get(at.CASH)
    core.fill(number, 4, 10_000)
    core.report(codes.ACCEPTED, number)
    assert core.state(number) == "held"
    assert (core.quantity(), core.get(at.CASH)) == (10, cash)
    assert core.get(at.N_ILLEGAL) == 2


@pytest.mark.parametrize(("lots", "price"), [(0, 10_000), (-3, 10_000), (3, 0), (3, -1)])
def test_a_fill_without_size_or_price_is_refused(lots: int, price: int) -> None:
    core = rich()
    number = core.ask(BUY)
    core.fill(number, lots, price)
    assert (core.state(number), core.quantity()) == ("submitting", 0)
    assert core.get(at.N_ILLEGAL) == 1


def test_a_fill_may_come_before_the_acceptance_and_implies_it() -> None:
    core = rich()
    number = core.ask(BUY)
    core.fill(number, 4, 10_000)
    core.report(codes.ACCEPTED, number)
    assert core.state(number) == "partially_filled"
    assert core.get(at.N_ILLEGAL) == 0


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (codes.ACCEPTED, "open"),
        (codes.REFUSED, "rejected"),
        (codes.CANCELLED_REPORT, "cancelled"),
        (codes.EXPIRED_REPORT, "expired"),
        (codes.ABSENT_PROVEN, "rejected"),
        (codes.TRIGGERED_REPORT, "triggered"),
    ],
)
def test_any_evidence_from_the_venue_ends_an_unknown_order(report: int, state: str) -> None:
    core = rich()
    number = core.ask(BUY)
    core.report(codes.AMBIGUOUS, number)
    assert core.state(number) == "unknown"
    core.report(report, number)
    assert core.state(number) == state
    assert core.get(at.N_ILLEGAL) == 0


def test_absence_is_no_proof_for_an_order_that_was_accepted() -> None:
    core = rich()
    number = core.ask(BUY)
    core.report(codes.ACCEPTED, number)
    core.report(codes.ABSENT_PROVEN, number)
    core.report(codes.NOT_SENT, number)
    assert core.state(number) == "open"
    assert core.get(at.N_ILLEGAL) == 2


# --- TR-09 and late fills ---------------------------------------------------------------------


def test_a_fill_during_a_pending_cancel_is_kept_and_protected() -> None:
    """TR-09: 4 of 10 filled, then cancelled -> position 4, protection for 4."""
    core = rich()
    number = core.ask(replace(BUY, type=OrderType.LIMIT, limit_ticks=10_000))
    core.accept_all()
    step.apply_command(core.s, codes.COMMAND_CANCEL, number, 0)
    core.fill(number, 4, 10_000)
    core.report(codes.CANCELLED_REPORT, number)
    assert core.state(number) == "cancelled"
    assert core.quantity() == 4
    (stop,) = core.children(number)
    assert core.s.orders[core.row(stop), at.LOTS] == 4
    assert core.get(at.N_ILLEGAL) == 0


def test_an_unknown_outcome_of_a_cancel_keeps_the_state_and_the_request() -> None:
    core = rich()
    number = core.ask(replace(BUY, type=OrderType.LIMIT, limit_ticks=10_000))
    core.accept_all()
    step.apply_command(core.s, codes.COMMAND_CANCEL, number, 0)
    core.report(codes.AMBIGUOUS, number)
    assert core.state(number) == "open"
    assert core.s.orders[core.row(number), at.PENDING] == codes.PENDING_CANCEL
    assert core.get(at.N_ILLEGAL) == 0


def test_a_fill_after_the_end_is_booked_alerted_and_protected() -> None:
    core = rich()
    number = core.ask(BUY)
    core.report(codes.ACCEPTED, number)
    core.report(codes.CANCELLED_REPORT, number)
    core.fill(number, 4, 10_000)
    assert core.state(number) == "cancelled"
    assert core.quantity() == 4
    assert codes.NOTICE_LATE_FILL in core.notices()
    (stop,) = core.children(number)
    assert core.s.orders[core.row(stop), at.LOTS] == 4
    assert core.s.orders[core.row(stop), at.TRIGGER] == 9_900
    core.report(codes.ACCEPTED, stop)
    core.fill(number, 2, 10_000)
    assert core.s.orders[core.row(stop), at.AMEND_LOTS] == 6
    assert core.get(at.HALT) == 0


def test_anything_but_a_fill_on_a_closed_order_is_illegal() -> None:
    core = rich()
    number = core.ask(BUY)
    core.report(codes.REFUSED, number)
    for report in (codes.ACCEPTED, codes.CANCELLED_REPORT, codes.TRIGGERED_REPORT):
        core.report(report, number)
    core.fill(999, 1, 10_000)
    assert core.get(at.N_ILLEGAL) == 4
    assert (core.state(number), core.quantity()) == ("rejected", 0)


@pytest.mark.parametrize("is_late", [False, True])
def test_an_overfill_is_booked_alerted_and_halts(*, is_late: bool) -> None:
    core = rich()
    number = core.ask(BUY)
    core.fill(number, 10 if is_late else 9, 10_000)
    core.fill(number, 2, 10_000)
    assert core.quantity() == (12 if is_late else 11)
    assert codes.NOTICE_OVERFILL in core.notices()
    assert core.get(at.HALT) == at.HALT_FAULT
    assert core.state(number) == "filled"


# --- protection -------------------------------------------------------------------------------


def test_protection_grows_with_each_fill_even_while_an_amendment_is_under_way() -> None:
    """TR-10: 3, then 3 and 4 more before the venue has confirmed the first amendment."""
    core = rich()
    number = core.ask(BUY)
    core.fill(number, 3, 10_000)
    core.accept_all()
    (stop,) = core.children(number)
    core.fill(number, 3, 10_000)
    core.fill(number, 4, 10_000)
    row = core.row(stop)
    assert core.s.orders[row, at.AMEND_LOTS] == 10
    core.report(codes.AMENDED, stop, 6, 9_900)
    assert core.s.orders[row, at.PENDING] == codes.PENDING_AMEND
    core.report(codes.AMENDED, stop, 10, 9_900)
    assert core.s.orders[row, at.PENDING] == codes.PENDING_NONE
    assert core.s.orders[row, at.LOTS] == 10


def test_a_stop_is_tightened_even_while_an_amendment_is_under_way() -> None:
    core = rich()
    number = core.ask(BUY)
    core.fill(number, 3, 10_000)
    core.accept_all()
    core.fill(number, 7, 10_000)
    row = core.row(core.children(number)[0])
    protection.tighten_stops(core.s, 5_000)
    assert core.s.orders[row, at.AMEND_LOTS] == 10
    assert core.s.orders[row, at.AMEND_TRIGGER] == 9_950


def test_an_order_under_amendment_counts_at_the_worse_of_old_and_new() -> None:
    core = rich()
    number = core.ask(BUY)
    core.report(codes.ACCEPTED, number)
    row = core.row(number)
    protection.request_amend(core.s, row, 25, 0)
    assert orders.remaining(core.s, row) == 25
    protection.request_amend(core.s, row, 5, 0)
    assert orders.remaining(core.s, row) == 10


def test_an_entry_through_zero_leaves_no_protection_of_the_old_side() -> None:
    """TR-14: long 3, sell 5 -> the stop that sells goes, one that buys 2 comes."""
    core = rich()
    first = core.trade(replace(BUY, lots=3), 10_000)
    core.accept_all()
    (old_stop,) = core.children(first)
    core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    second = core.trade(replace(SHORT, lots=5), 10_000)
    assert core.quantity() == -2
    assert core.s.orders[core.row(old_stop), at.PENDING] == codes.PENDING_CANCEL
    (stop,) = core.children(second)
    row = core.row(stop)
    assert (core.s.orders[row, at.SIDE], core.s.orders[row, at.LOTS]) == (1, 2)


def test_an_entry_that_only_reduces_trims_and_protects_nothing_new() -> None:
    core = rich()
    first = core.trade(replace(BUY, lots=5), 10_000)
    core.accept_all()
    second = core.trade(replace(SHORT, lots=2), 10_000)
    assert core.quantity() == 3
    assert core.children(second) == []
    assert core.s.orders[core.row(core.children(first)[0]), at.AMEND_LOTS] == 3


def test_a_trail_asked_for_with_an_entry_moves_its_stop() -> None:
    """C18: +0.9 % arms nothing; +2 % -> 1.5 % under the best; then the level stays."""
    core = rich()
    number = core.trade(replace(BUY, trail_ppm=15_000), 10_000)
    core.accept_all()
    row = core.row(core.children(number)[0])
    core.price(10_090, NOON + 1)
    assert core.s.orders[row, at.PENDING] == codes.PENDING_NONE
    core.price(10_200, NOON + 2)
    assert core.s.orders[row, at.AMEND_TRIGGER] == 10_200 - 153
    core.report(codes.AMENDED, core.children(number)[0], 10, 10_047)
    core.price(10_098, NOON + 3)
    assert core.s.orders[row, at.TRIGGER] == 10_047
    assert core.s.orders[row, at.PENDING] == codes.PENDING_NONE


def test_a_denied_or_working_entry_with_a_trail_moves_nothing() -> None:
    core = rich()
    core.ask(replace(BUY, trail_ppm=15_000, stop_ticks=9_999))
    assert core.s.verdict[at.CODE] != 0
    wish = replace(SHORT, trail_ppm=15_000, type=OrderType.LIMIT, limit_ticks=10_050)
    entry = core.ask(replace(wish, stop_ticks=10_150))
    core.accept_all()
    core.price(10_020, NOON + 1)
    assert core.get(at.N_TRAILING) == 0
    assert core.s.orders[core.row(entry), at.PENDING] == codes.PENDING_NONE


# --- TR-13, TR-14, leverage -------------------------------------------------------------------


def test_profit_is_not_multiplied_by_leverage() -> None:
    """TR-13: entry 100, qty 2, leverage 5, price 110 -> 20, half of the margin of 40."""
    core = rich()
    wish = replace(BUY, lots=2, leverage=5, regime=Regime.TRENDING_BULL)
    core.trade(wish, 10_000)
    core.price(11_000, NOON + HOUR)
    profit = core.get(at.EQUITY) - 100_000 * MONEY
    assert profit == 20 * MONEY
    margin = core.s.positions[0, at.COST] // core.s.positions[0, at.POSITION_LEVERAGE]
    assert profit * 2 == margin


def test_selling_5_of_3_at_110_realises_30_and_leaves_a_short_of_2_at_110() -> None:
    """TR-14: margin."""
    core = rich()
    core.trade(replace(BUY, lots=3), 10_000)
    core.price(11_000, NOON + 2 * HOUR)
    core.trade(replace(SHORT, lots=5, stop_ticks=11_200), 11_000)
    assert core.get(at.REALISED) == 30 * MONEY
    assert core.quantity() == -2
    assert core.s.positions[0, at.COST] == -220 * MONEY
    assert core.s.positions[0, at.OPENED_NS] == NOON + 2 * HOUR


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(1, 5, 5), (5, 1, 5), (2, 5, 2), (3, 3, 3)]
)
def test_adding_never_lowers_the_margin_of_a_long(first: int, second: int, expected: int) -> None:
    core = rich()
    bull = replace(BUY, lots=1, regime=Regime.TRENDING_BULL)
    core.trade(replace(bull, leverage=first), 10_000)
    core.trade(replace(bull, leverage=second), 10_000)
    assert core.s.positions[0, at.POSITION_LEVERAGE] == expected


def test_a_position_opened_through_zero_has_the_new_orders_leverage() -> None:
    core = rich()
    core.trade(replace(SHORT, lots=1), 10_000)
    core.s.instruments[0, at.SYMBOL_COOLDOWN_NS] = 0
    wish = replace(BUY, lots=3, leverage=4, regime=Regime.TRENDING_BULL)
    core.trade(wish, 10_000)
    assert core.quantity() == 2
    assert core.s.positions[0, at.POSITION_LEVERAGE] == 4


def test_strategies_hold_apart_in_one_instrument() -> None:
    core = rich(strategies=[StrategySlot("a"), StrategySlot("b")])
    core.trade(BUY, 10_000, 0)
    core.trade(replace(SHORT, lots=4), 10_000, 1)
    assert (core.quantity(0), core.quantity(1)) == (10, -4)
    core.price(10_100, NOON + DAY)
    assert core.get(at.EQUITY) == 100_000 * MONEY + (10 - 4) * MONEY


def test_the_closed_ring_keeps_a_thousand_orders() -> None:
    """C25: an older order's late fill is not booked, but it is refused aloud."""
    core = rich()
    first = core.ask(replace(BUY, leverage=0))
    for _ in range(1_000):
        core.ask(replace(BUY, leverage=0))
        core.s.account[at.N_WORDS] = 0
    core.fill(first, 1, 10_000)
    assert core.quantity() == 0
    assert core.notices() == [codes.NOTICE_ILLEGAL]


def test_a_fill_reported_twice_under_one_trade_id_is_booked_once() -> None:
    """F03: the same trade id twice is one fill; another id is another fill."""
    core = rich()
    number = core.ask(BUY)
    for trade in (7, 7, 8):
        step.apply_report(core.s, codes.FILLED_REPORT, number, 2, 10_000, 5, codes.TAKER, trade)
    assert core.quantity() == 4
    assert core.notices().count(codes.NOTICE_DUPLICATE_FILL) == 1
