"""A session from event to effect: what is sent, what is believed, what is protected."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import DenialCode, OrderState, OrderType, Purpose, Side
from athena.errors import InputError, MissingError, RefusedError
from athena.trading import Command, Intent, MemoryStore, digest_of
from athena.trading import layout as at
from athena.trading._core import protection
from athena.trading.live import (
    AccountSeen,
    AmendOrder,
    Answered,
    CancelOrder,
    Dependency,
    Level,
    LimitChanged,
    Operated,
    Outage,
    PlaceOrder,
    PriceSeen,
    QueryAccount,
    Request,
    Result,
    SessionSettings,
    StreamChanged,
    Tick,
    TransferSeen,
    Wanted,
    fold_journal,
    refuse_older_clock,
)
from tests.core_builder import BTC, NOON
from tests.session_builder import PRICE, SECOND, Desk, buy, only, resting

STOP = PRICE - 10_000
TARGET = PRICE + 20_000


def ready() -> Desk:
    """Return a desk whose start-up conditions all hold."""
    desk = Desk()
    desk.wait(2)
    desk.tell(desk.account())
    assert desk.session.findings(desk.now_ns) == []
    return desk


def opened(desk: Desk, lots: int = 100_000_000) -> tuple[PlaceOrder, PlaceOrder, PlaceOrder]:
    """Buy with stop and target; return entry, stop and target, all working or filled."""
    (entry,) = desk.want(buy(lots, stop_ticks=STOP, target_ticks=TARGET))
    desk.answer(entry)
    stop, target = only(PlaceOrder, desk.fill(entry, lots))
    desk.answer(stop)
    desk.answer(target)
    return entry, stop, target


# --- sending ------------------------------------------------------------------------------------


def test_an_order_leaves_with_an_id_of_its_own_after_its_intent_is_in_the_journal() -> None:
    desk = ready()
    first, second = (desk.want(resting())[0] for _ in range(2))
    assert first.client_id != second.client_id
    assert len(first.client_id) == 32
    folded = fold_journal(MemoryStore({n: desk.store.read(n) for n in desk.store.segments()}))
    known = {folded.tables.views.orders[row, at.NUMBER] for row in range(2)}
    assert known == {first.number, second.number}


def test_a_full_disk_lets_nothing_leave() -> None:
    """F19: what the journal does not hold is not sent."""
    desk = ready()

    class Full(MemoryStore):
        def append(self, data: bytes | memoryview) -> None:
            del data
            message = "expected room on the disk, was full"
            raise MissingError(message)

    desk.session._diary._journal._store = Full()  # type: ignore[attr-defined] # the disk fills up
    with pytest.raises(MissingError):
        desk.tell(Wanted(0, resting(), desk.now_ns))
    assert only(PlaceOrder, desk.effects) == []


def test_nothing_is_sent_before_the_start_up_conditions_hold() -> None:
    """D05: each condition is named, and refuses new risk."""
    desk = Desk()
    desk.tell(StreamChanged(is_up=False, ts_ns=desk.now_ns, reason="cut"))
    desk.wait(1)
    assert desk.session.findings(desk.now_ns) == ["the venue's stream of our orders is down"]
    assert desk.want(resting()) == []
    assert desk.session.last_verdict[1] is DenialCode.VENUE_DOWN


def test_what_broke_since_the_last_tick_refuses_new_risk_already() -> None:
    """D05: the session knows, so it does not send."""
    stopped, odd, failing = ready(), ready(), ready()
    stopped.tell(StreamChanged(is_up=False, ts_ns=stopped.now_ns, reason="cut"))
    assert stopped.want(resting()) == []
    assert stopped.session.last_verdict[1] is DenialCode.VENUE_DOWN
    odd.tell(odd.account(balances={**odd.balances(), "BTC": Decimal(1)}))
    assert odd.want(resting()) == []
    assert odd.session.last_verdict[1] is DenialCode.UNRECONCILED
    for _ in range(6):
        failing.tell(Outage(Dependency.VENUE, has_failed=True, ts_ns=failing.now_ns))
    assert failing.want(resting()) == []
    assert failing.session.last_verdict[1] is DenialCode.HALTED


def test_a_clock_that_is_five_seconds_off_refuses_new_risk() -> None:
    """D05, F14."""
    desk = ready()
    desk.tell(Tick(desk.now_ns, venue_ahead_ns=5 * SECOND))
    assert desk.want(resting()) == []
    assert desk.session.last_verdict[1] is DenialCode.CLOCK
    assert "+5.0 s" in desk.session.findings(desk.now_ns)[0]


def test_a_price_that_nobody_renews_refuses_new_risk() -> None:
    """D05: stale data."""
    desk = Desk(is_open=False)
    desk.wait(1)
    desk.now_ns += 61 * SECOND
    desk.tell(Tick(desk.now_ns))
    assert desk.want(buy(stop_ticks=STOP)) == []
    assert "the price of BTC/USDT was seen last 61 s ago" in desk.session.findings(desk.now_ns)


# --- unknown outcomes ---------------------------------------------------------------------------


def test_a_lost_answer_makes_an_order_unknown_and_the_account_is_asked() -> None:
    """TR-23: query, never resend."""
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order, Result.UNKNOWN)
    assert desk.state_of(order) is OrderState.UNKNOWN
    effects = desk.wait(3)
    assert len(only(QueryAccount, effects)) == 1
    assert only(PlaceOrder, effects) == []
    desk.tell(desk.account([desk.shown(order, OrderState.OPEN)]))
    assert desk.state_of(order) is OrderState.OPEN


def test_silence_warns_after_a_second_and_is_unknown_after_five() -> None:
    desk = ready()
    (order,) = desk.want(resting())
    desk.wait(2)
    assert "late_answer" in desk.alerts()
    assert desk.state_of(order) is OrderState.SUBMITTING
    desk.wait(4)
    assert desk.state_of(order) is OrderState.UNKNOWN


def test_an_order_is_absent_only_after_three_views_well_past_its_deadline() -> None:
    """TR-23: drop before accept -> absent proven after the wait."""
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order, Result.UNKNOWN)
    for _ in range(5):
        desk.wait(5)
        desk.tell(desk.account())
        assert desk.state_of(order) is OrderState.UNKNOWN
    desk.wait(11)
    desk.tell(desk.account())
    assert desk.state_of(order) is OrderState.REJECTED
    assert "absent_proven" in desk.alerts()


@pytest.mark.parametrize("ahead_s", [-20, 20])
def test_the_venue_s_clock_decides_when_a_deadline_is_long_past(ahead_s: int) -> None:
    """Section 10: it judges the deadline as it was written, by its own clock."""
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order, Result.UNKNOWN)
    desk.wait(1)
    for _ in range(3):
        desk.wait(1)
        until_ns = order.deadline_ns + 30 * SECOND
        desk.tell(desk.account(asked_ns=until_ns - ahead_s * SECOND, venue_ns=until_ns))
        assert desk.state_of(order) is OrderState.UNKNOWN
    desk.tell(desk.account(asked_ns=until_ns, venue_ns=until_ns + 1))
    assert desk.state_of(order) is OrderState.REJECTED


def test_an_order_that_never_left_ends_even_when_it_was_given_up_for_unknown() -> None:
    """It waited for the rate limit longer than an answer is waited for."""
    desk = ready()
    (order,) = desk.want(resting())
    desk.wait(6)
    assert desk.state_of(order) is OrderState.UNKNOWN
    desk.answer(order, Result.NOT_SENT)
    assert desk.state_of(order) is OrderState.REJECTED


def test_orders_that_were_taken_back_are_no_execution_errors() -> None:
    """Three of those in a row would pause new risk."""
    desk = Desk(is_open=False)
    desk.wait(2)
    desk.tell(desk.account())
    for _ in range(4):
        (order,) = desk.want(replace(resting(1_000_000), stop_ticks=PRICE - 50_000))
        desk.tell(Operated(Command.CANCEL, desk.now_ns, "a", "tested", order.number))
        desk.answer(order, Result.NOT_SENT)
        desk.answer(order, Result.NOT_SENT, Request.CANCEL)
        assert desk.state_of(order) is OrderState.REJECTED
        desk.wait(3)
    assert desk.session.core.s.account[at.PAUSE_UNTIL_NS] == 0
    assert "illegal" not in desk.alerts()


def test_a_gap_in_the_stream_begins_the_proof_of_absence_anew() -> None:
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order, Result.UNKNOWN)
    for _ in range(2):
        desk.wait(20)
        desk.tell(desk.account())
    desk.tell(StreamChanged(is_up=False, ts_ns=desk.now_ns))
    desk.tell(StreamChanged(is_up=True, ts_ns=desk.now_ns))
    desk.wait(1)
    desk.tell(desk.account())
    assert desk.state_of(order) is OrderState.UNKNOWN


def test_views_whose_balances_do_not_agree_prove_no_absence() -> None:
    """F11: a fill that a short history hides shows in the balances."""
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order, Result.UNKNOWN)
    for _ in range(8):
        desk.wait(10)
        odd = {**desk.balances(), "BTC": Decimal(1)}
        desk.tell(desk.account(balances=odd))
    assert desk.state_of(order) is OrderState.UNKNOWN
    assert "unreconciled" in desk.alerts()


def test_an_order_that_was_proven_absent_and_works_after_all_is_cancelled() -> None:
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order, Result.NOT_SENT)
    assert desk.state_of(order) is OrderState.REJECTED
    desk.wait(30)
    effects = desk.tell(desk.account([desk.shown(order, OrderState.OPEN)]))
    assert [cancel.client_id for cancel in only(CancelOrder, effects)] == [order.client_id]
    assert desk.state_of(order) is OrderState.REJECTED  # I5


# --- fills --------------------------------------------------------------------------------------


def test_each_fill_is_protected_at_once_and_the_protection_grows_with_it() -> None:
    """TR-10: 0.3 + 0.7 -> protection 0.3, then 1.0."""
    desk = ready()
    (entry,) = desk.want(buy(stop_ticks=STOP, target_ticks=TARGET))
    desk.answer(entry)
    stop, target = only(PlaceOrder, desk.fill(entry, 30_000_000))
    assert (stop.type, stop.trigger_ticks, stop.lots) == (OrderType.STOP, STOP, 30_000_000)
    assert (target.type, target.trigger_ticks) == (OrderType.TAKE_PROFIT, TARGET)
    assert desk.fill(entry, 70_000_000) == []  # the stop was not accepted yet
    (amended,) = only(AmendOrder, desk.answer(stop))
    assert (amended.client_id, amended.lots) == (stop.client_id, 100_000_000)


def test_the_same_trade_twice_is_one_fill_across_a_restart() -> None:
    """F03."""
    desk = ready()
    (order,) = desk.want(buy())
    fill = desk.a_fill(order, 40_000_000)
    desk.tell(fill, fill)
    desk.session.flush()
    desk.restart()
    desk.tell(fill)
    assert desk.held() == 40_000_000


def test_a_fill_before_the_answer_implies_it() -> None:
    desk = ready()
    (order,) = desk.want(buy())
    desk.fill(order, order.lots)
    desk.answer(order)
    assert desk.state_of(order) is OrderState.FILLED
    assert "illegal" not in desk.alerts()


def test_a_fill_while_a_cancel_is_under_way_is_kept() -> None:
    """TR-09."""
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order)
    desk.tell(Operated(Command.CANCEL, desk.now_ns, "a", "tested", order.number))
    desk.fill(order, 40_000_000, PRICE - 100)
    cancelled = replace(desk.shown(order, OrderState.CANCELLED, filled=40_000_000))
    desk.tell(cancelled)
    assert desk.state_of(order) is OrderState.CANCELLED
    assert desk.held() == 40_000_000


def test_an_end_whose_fills_are_missing_waits_for_them() -> None:
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order)
    desk.tell(desk.shown(order, OrderState.CANCELLED, filled=40_000_000))
    assert desk.state_of(order) is OrderState.OPEN
    view = desk.account(
        [desk.shown(order, OrderState.CANCELLED, filled=40_000_000)],
        [desk.a_fill(order, 40_000_000, PRICE - 100)],
    )
    desk.tell(view)
    assert desk.state_of(order) is OrderState.CANCELLED
    assert desk.held() == 40_000_000


def test_a_fill_after_the_cancel_is_booked_and_told() -> None:
    """F06."""
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order)
    desk.tell(desk.shown(order, OrderState.CANCELLED))
    desk.fill(order, 10_000_000, PRICE - 100)
    assert desk.held() == 10_000_000
    assert desk.state_of(order) is OrderState.CANCELLED
    assert "late_fill" in desk.alerts()


# --- requests that fail -------------------------------------------------------------------------


def test_a_cancel_stays_wanted_until_the_end_is_seen() -> None:
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order)
    asked = desk.tell(Operated(Command.CANCEL, desk.now_ns, "a", "tested", order.number))
    assert len(only(CancelOrder, asked)) == 1
    desk.answer(order, Result.UNKNOWN, Request.CANCEL)
    again = desk.wait(3)
    assert [cancel.number for cancel in only(CancelOrder, again)] == [order.number]
    desk.tell(desk.shown(order, OrderState.CANCELLED))
    assert only(CancelOrder, desk.wait(10)) == []


def test_one_amendment_of_an_order_is_under_way_at_a_time() -> None:
    desk = ready()
    _, stop, _ = opened(desk)
    first = desk.tell(Operated(Command.TIGHTEN, desk.now_ns, "a", "tested", 2_000))
    assert len(only(AmendOrder, first)) == 1
    assert only(AmendOrder, desk.tell(tighten(desk, 1_000))) == []
    (second,) = only(AmendOrder, desk.answer(stop, request=Request.AMEND))
    assert second.trigger_ticks == PRICE - PRICE // 1_000
    desk.answer(stop, request=Request.AMEND)
    row = desk.session.core.row_of(stop.number)
    assert desk.session.core.s.orders[row, at.TRIGGER] == second.trigger_ticks


def test_the_answer_to_an_older_amendment_settles_no_newer_one() -> None:
    """The stream had shown it done, so that the next one was under way already."""
    desk = ready()
    _, stop, _ = opened(desk)
    (first,) = only(AmendOrder, desk.tell(tighten(desk, 2_000)))
    desk.tell(tighten(desk, 1_000))
    desk.wait(1)
    shown = replace(desk.shown(stop, OrderState.OPEN), trigger_ticks=first.trigger_ticks)
    (second,) = only(AmendOrder, desk.tell(shown))
    late = Answered(
        Request.AMEND, stop.client_id, Result.ACCEPTED, desk.now_ns, serial=first.serial
    )
    desk.tell(late)
    row = desk.session.core.row_of(stop.number)
    assert desk.session.core.s.orders[row, at.TRIGGER] == first.trigger_ticks
    assert desk.session.core.s.orders[row, at.PENDING] != 0
    desk.answer(stop, request=Request.AMEND)
    assert desk.session.core.s.orders[row, at.TRIGGER] == second.trigger_ticks
    assert desk.session.core.s.orders[row, at.PENDING] == 0


def test_an_amendment_asked_for_again_is_not_overtaken_by_the_next() -> None:
    """Seed 864: the venue shows what the first came to, while its repetition is on its way."""
    desk = ready()
    _, stop, _ = opened(desk)
    (first,) = only(AmendOrder, desk.tell(tighten(desk, 2_000)))
    desk.tell(Answered(Request.AMEND, stop.client_id, Result.NOT_SENT, desk.now_ns, serial=1))
    (again,) = only(AmendOrder, desk.wait(5))
    assert (again.lots, again.trigger_ticks) == (first.lots, first.trigger_ticks)
    desk.tell(replace(desk.shown(stop, OrderState.OPEN), trigger_ticks=first.trigger_ticks))
    assert only(AmendOrder, desk.tell(tighten(desk, 1_000))) == []
    (next_one,) = only(AmendOrder, desk.answer(stop, request=Request.AMEND))
    assert next_one.trigger_ticks == PRICE - PRICE // 1_000


def test_an_amendment_to_what_is_so_already_is_over_when_the_stream_shows_it() -> None:
    """Smaller and back again, with the first step never sent; its answer comes late."""
    desk = ready()
    _, stop, target = opened(desk)
    s = desk.session.core.s
    row = desk.session.core.row_of(stop.number)
    protection.request_amend(s, row, stop.lots, stop.trigger_ticks)
    (asked,) = only(AmendOrder, desk.wait(1))
    assert (asked.lots, asked.trigger_ticks) == (stop.lots, stop.trigger_ticks)
    desk.tell(desk.shown(stop, OrderState.OPEN))
    assert s.orders[row, at.PENDING] == 0
    assert only(AmendOrder, desk.wait(5)) == []
    assert desk.state_of(target) is OrderState.OPEN


def tighten(desk: Desk, ppm: int) -> Operated:
    return Operated(Command.TIGHTEN, desk.now_ns, "a", "tested", ppm)


def test_an_amendment_without_an_answer_is_what_the_next_view_shows() -> None:
    desk = ready()
    _, stop, _ = opened(desk)
    (amendment,) = only(AmendOrder, desk.tell(tighten(desk, 2_000)))
    desk.answer(stop, Result.UNKNOWN, Request.AMEND)
    desk.wait(4)
    shown = replace(desk.shown(stop, OrderState.OPEN), trigger_ticks=amendment.trigger_ticks)
    others = [desk.shown(order, OrderState.OPEN) for order in only(PlaceOrder, desk.effects)[2:]]
    desk.tell(desk.account([shown, *others]))
    row = desk.session.core.row_of(stop.number)
    assert desk.session.core.s.orders[row, at.TRIGGER] == amendment.trigger_ticks
    assert desk.session.core.s.orders[row, at.PENDING] == 0


# --- protection ---------------------------------------------------------------------------------


def test_a_refused_stop_is_placed_again_and_the_position_closed_after_ten_seconds() -> None:
    """I11: a filled entry is protected, or closed."""
    desk = ready()
    (entry,) = desk.want(buy(stop_ticks=STOP))
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.fill(entry, entry.lots))
    desk.answer(stop, Result.REFUSED)
    placed = only(PlaceOrder, desk.wait(9))
    assert [order.type for order in placed] == [OrderType.STOP]  # the second waits for its answer
    assert placed[0].trigger_ticks == STOP
    assert "unprotected" in desk.alerts()
    (closing,) = only(PlaceOrder, desk.wait(3))
    assert (closing.type, closing.side, closing.lots) == (OrderType.MARKET, Side.SELL, entry.lots)
    assert closing.is_reduce_only


def test_a_part_too_small_for_the_venue_waits_for_the_next_fill_with_its_stop() -> None:
    desk = ready()
    (entry,) = desk.want(buy(stop_ticks=STOP, target_ticks=TARGET))
    desk.answer(entry)
    assert only(PlaceOrder, desk.fill(entry, 7_000)) == []  # 0.00007; the minimum is 0.0001
    assert only(PlaceOrder, desk.wait(30)) == []
    assert "unprotected" not in desk.alerts()
    stop, target = only(PlaceOrder, desk.fill(entry, 93_000))
    assert (stop.type, stop.lots) == (OrderType.STOP, 100_000)
    assert (target.type, target.lots) == (OrderType.TAKE_PROFIT, 100_000)


def test_a_stop_that_comes_too_late_is_a_close() -> None:
    desk = ready()
    (entry,) = desk.want(buy(stop_ticks=STOP))
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.fill(entry, entry.lots))
    desk.answer(stop, Result.REFUSED)
    (closing,) = only(PlaceOrder, desk.wait(1, price=STOP - 1))
    assert closing.type is OrderType.MARKET


def test_a_stop_never_stays_larger_than_what_is_left_of_its_position() -> None:
    """TR-10: what the venue would not take any more is cancelled, and the dust is left."""
    desk = ready()
    _, stop, target = opened(desk, 1_000_000)
    order = replace(foreign(), side=Side.SELL, lots=999_996, type=OrderType.MARKET)
    sold = replace(desk.a_fill(order, 999_996), venue_id="LIQ", ts_ns=desk.now_ns + 1)
    shown = replace(
        desk.shown(order, OrderState.FILLED, filled=999_996), venue_id="LIQ", limit_ticks=0
    )
    working = [desk.shown(item, OrderState.OPEN) for item in (stop, target)]
    effects = desk.tell(desk.account([shown, *working], [sold]))
    assert {item.number for item in only(CancelOrder, effects)} == {stop.number, target.number}
    assert only(AmendOrder, effects) == []
    for item in (stop, target):
        desk.tell(desk.shown(item, OrderState.CANCELLED))
    assert only(PlaceOrder, desk.wait(60)) == []
    assert only(PlaceOrder, desk.tell(Operated(Command.KILL, desk.now_ns, "a", "t"))) == []
    assert desk.held() == 4


def test_stops_and_exits_go_before_targets() -> None:
    """They share the rate limit, and only one of them takes risk away."""
    desk = ready()
    _, stop, target = opened(desk)
    assert (stop.is_protection, target.is_protection) == (True, False)
    (closing,) = desk.want(Intent(side=Side.SELL, lots=1_000_000, purpose=Purpose.EXIT))
    assert closing.is_protection


def test_a_protected_position_is_left_alone() -> None:
    desk = ready()
    opened(desk)
    assert only(PlaceOrder, desk.wait(30)) == []
    assert "unprotected" not in desk.alerts()
    assert desk.session.watch.unprotected_ns == 0


def test_when_one_exit_fills_the_other_is_cancelled() -> None:
    """C07: one sell exists, the target is cancelled."""
    desk = ready()
    _, stop, target = opened(desk)
    effects = desk.fill(stop, stop.lots, STOP)
    assert [cancel.number for cancel in only(CancelOrder, effects)] == [target.number]
    assert only(PlaceOrder, effects) == []
    assert desk.held() == 0


def test_the_kill_switch_cancels_closes_and_lets_no_new_risk_out() -> None:
    """I10."""
    desk = ready()
    opened(desk)
    (entry,) = desk.want(resting(10_000_000))
    desk.answer(entry)
    effects = desk.tell(Operated(Command.KILL, desk.now_ns, "a", "tested"))
    assert [cancel.number for cancel in only(CancelOrder, effects)] == [entry.number]
    (closing,) = only(PlaceOrder, effects)
    assert closing.is_reduce_only
    desk.answer(closing, Result.REFUSED)
    again = only(PlaceOrder, desk.wait(12))
    assert again
    assert all(order.is_reduce_only for order in again)
    assert desk.want(resting(10_000_000)) == []
    desk.fill(again[-1], again[-1].lots)
    assert desk.held() == 0
    assert only(PlaceOrder, desk.wait(30)) == []


def test_stops_trail_once_a_minute_by_amendment() -> None:
    """C18: best - 1.5 % from +1 %, and never back."""
    desk = ready()
    (entry,) = desk.want(buy(stop_ticks=STOP, trail_ppm=15_000))
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.fill(entry, entry.lots))
    desk.answer(stop)
    assert only(AmendOrder, desk.wait(60, price=PRICE + PRICE * 9 // 1_000)) == []
    best = PRICE + PRICE * 2 // 100
    (amendment,) = only(AmendOrder, desk.wait(61, price=best))
    assert amendment.trigger_ticks == best - best * 15 // 1_000
    desk.answer(stop, request=Request.AMEND)
    assert only(AmendOrder, desk.wait(61, price=best - best // 100)) == []


# --- orders of others ---------------------------------------------------------------------------


def test_another_s_order_is_taken_up_counted_and_never_cancelled() -> None:
    """C06, I7."""
    desk = ready()
    other = replace(
        desk.shown(foreign(), OrderState.OPEN), client_id="", venue_id="OTHER", lots=10_000_000
    )
    desk.tell(desk.account([other]))
    assert "adopted" in desk.alerts()
    s = desk.session.core.s
    assert s.account[at.N_ROWS] == 1
    effects = desk.tell(Operated(Command.KILL, desk.now_ns, "a", "tested"))
    assert only(CancelOrder, effects) == []


def foreign() -> PlaceOrder:
    """Return an order that nobody of ours placed."""
    return PlaceOrder(
        number=0, client_id="", instrument=0, side=Side.BUY, type=OrderType.LIMIT,
        lots=10_000_000, limit_ticks=PRICE - 500, trigger_ticks=0,
        time_in_force=resting().time_in_force, expires_ns=0, deadline_ns=0, leverage=1,
        is_post_only=False, is_reduce_only=False, is_protection=False,
    )  # fmt: skip


def test_a_sale_by_the_venue_closes_what_a_strategy_holds_and_its_stops_go() -> None:
    """F12: venue-side liquidation."""
    desk = ready()
    _, stop, target = opened(desk)
    order = replace(foreign(), side=Side.SELL, lots=100_000_000, type=OrderType.MARKET)
    sold = replace(desk.a_fill(order, 100_000_000), venue_id="LIQ", ts_ns=desk.now_ns + 1)
    shown = replace(
        desk.shown(order, OrderState.FILLED, filled=100_000_000), venue_id="LIQ", limit_ticks=0
    )
    working = [desk.shown(order, OrderState.OPEN) for order in (stop, target)]
    effects = desk.tell(desk.account([shown, *working], [sold]))
    assert desk.held() == 0
    assert {cancel.number for cancel in only(CancelOrder, effects)} == {stop.number, target.number}


def test_a_deposit_is_booked_once() -> None:
    desk = ready()
    came = TransferSeen("L1", "USDT", Decimal("12.5"), desk.now_ns + 1)
    desk.tell(came, came)
    assert desk.balances()["USDT"] == Decimal("100012.5")


# --- degradation, operators ---------------------------------------------------------------------


def test_failures_withdraw_the_session_step_by_step_and_calm_brings_it_back() -> None:
    """C21: 3, 6, 9 failures -> levels 2, 3, 4, and back with hysteresis."""
    desk = ready()
    opened(desk)
    levels = []
    for _ in range(9):
        desk.tell(Outage(Dependency.VENUE, has_failed=True, ts_ns=desk.now_ns))
        desk.wait(1)
        levels.append(desk.session.level)
        if desk.session.level is Level.LIMITED:
            assert desk.want(resting(1_000_000)) == []
    assert levels == [1, 1, 2, 2, 2, 3, 3, 3, 4]
    assert desk.session.core.s.account[at.HALT] & at.HALT_OPERATOR
    for _ in range(30):
        desk.tell(Outage(Dependency.VENUE, has_failed=False, ts_ns=desk.now_ns))
    desk.wait(290, step_s=5)
    assert desk.session.level is Level.EMERGENCY
    desk.wait(30, step_s=5)
    assert desk.session.level < Level.EMERGENCY
    assert desk.session.core.s.account[at.HALT] & at.HALT_OPERATOR  # latched


def test_a_limit_that_an_operator_moves_counts_from_then_on_and_after_a_restart() -> None:
    desk = ready()
    desk.tell(LimitChanged("GROSS_PPM", 0, desk.now_ns, "ada", "tested"))
    assert desk.want(resting()) == []
    desk.session.flush()
    desk.restart()
    assert desk.session.core.s.limits[at_gross()] == 0


def at_gross() -> int:
    from athena.trading import limits

    return limits.GROSS_PPM


# --- journal ------------------------------------------------------------------------------------


def test_the_journal_folds_to_the_same_state_from_its_beginning_and_from_a_snapshot() -> None:
    """TR-05, TR-07, I9."""
    desk = Desk(settings=SessionSettings(snapshot_events=40))
    desk.wait(5)
    opened(desk)
    desk.wait(40)
    desk.tell(tighten(desk, 2_000))
    desk.session.flush()
    live = digest_of(desk.session.core.s)
    for from_beginning in (True, False):
        folded = fold_journal(desk.store, from_beginning=from_beginning)
        assert digest_of(folded.tables.views) == live
        assert folded.n_compared >= 1
    desk.restart()
    assert desk.held() == 100_000_000


def test_after_a_restart_what_was_on_its_way_is_unknown_and_never_sent_again() -> None:
    """TR-23: accept, drop the answer, restart -> found by client id, no second order."""
    desk = ready()
    (order,) = desk.want(resting())
    desk.restart()
    assert desk.state_of(order) is OrderState.UNKNOWN
    assert only(PlaceOrder, desk.wait(3)) == []
    desk.tell(desk.account([desk.shown(order, OrderState.OPEN)]))
    assert desk.state_of(order) is OrderState.OPEN


def test_a_cancel_that_was_wanted_is_asked_again_after_a_restart() -> None:
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order)
    desk.tell(Operated(Command.CANCEL, desk.now_ns, "a", "tested", order.number))
    desk.restart()
    assert {cancel.number for cancel in only(CancelOrder, desk.wait(3))} == {order.number}


def test_an_account_without_money_or_with_a_torn_view_is_not_taken_over() -> None:
    with pytest.raises(InputError, match="expected USDT on the account"):
        Desk(cash=Decimal(0))
    torn = AccountSeen(NOON, NOON, 0, is_complete=False, reason="page 2 timed out")
    with pytest.raises(InputError, match="page 2 timed out"):
        Desk(opening=torn)


def test_coins_that_were_there_before_are_set_aside_and_not_sold() -> None:
    opening = AccountSeen(NOON, NOON, 0, balances={"USDT": Decimal(1_000), "BTC": Decimal("0.5")})
    desk = Desk(opening=opening)
    desk.wait(1)
    assert desk.held() == 50_000_000
    assert desk.session.core.s.account[at.EQUITY] == 1_000 * 10**8
    effects = desk.tell(Operated(Command.KILL, desk.now_ns, "a", "tested"))
    assert only(PlaceOrder, effects) == []
    assert BTC.base == "BTC"


def test_an_exit_is_capped_at_the_position() -> None:
    """D06."""
    desk = ready()
    opened(desk)
    intent = Intent(side=Side.SELL, lots=500_000_000, purpose=Purpose.EXIT)
    (closing,) = desk.want(intent)
    assert closing.lots == 100_000_000
    assert closing.is_reduce_only


def test_a_price_that_comes_late_is_as_old_as_it_is_and_never_undoes_a_newer_one() -> None:
    """F04, F05."""
    desk = ready()
    newest = desk.now_ns + SECOND
    desk.now_ns += 5 * SECOND
    desk.tell(PriceSeen(0, PRICE + 7, PRICE + 7, PRICE + 7, newest))
    desk.tell(PriceSeen(0, PRICE - 7, PRICE - 7, PRICE - 7, newest - 1))
    row = desk.session.core.s.instruments
    assert (row[0, at.LAST], row[0, at.LAST_NS]) == (PRICE + 7, newest)


# --- found by review ----------------------------------------------------------------------------


def test_what_another_s_order_filled_before_the_opening_is_not_booked_again() -> None:
    order = replace(foreign(), lots=50_000_000)
    shown = Desk().shown(order, OrderState.OPEN, filled=40_000_000)
    shown = replace(shown, client_id="", venue_id="OLD", lots=50_000_000)
    early = replace(Desk().a_fill(order, 40_000_000), venue_id="OLD", client_id="")
    opening = AccountSeen(
        NOON,
        NOON,
        0,
        orders=(shown,),
        fills=(early,),
        balances={"USDT": Decimal(82_000), "BTC": Decimal("0.4")},
    )
    desk = Desk(opening=opening)
    desk.wait(1)
    desk.tell(desk.account([shown], [early]))
    assert desk.held() == 40_000_000
    assert desk.session.readiness.is_reconciled


def test_a_wish_that_was_denied_sets_no_level_for_a_lost_stop() -> None:
    desk = ready()
    _, stop, target = opened(desk)
    low = Intent(
        side=Side.SELL, lots=1, purpose=Purpose.PROTECT, type=OrderType.STOP, trigger_ticks=1_000
    )
    assert desk.want(low) == []
    desk.tell(desk.shown(stop, OrderState.CANCELLED))
    placed = only(PlaceOrder, desk.wait(1))
    assert [order.trigger_ticks for order in placed] == [STOP]
    assert desk.state_of(target) is OrderState.OPEN


def test_resting_exits_never_add_up_to_more_than_the_position() -> None:
    """D06: all of them may fill in one jump of the price."""
    desk = ready()
    (entry,) = desk.want(buy())
    desk.fill(entry, entry.lots)
    above = Intent(
        side=Side.SELL,
        lots=60_000_000,
        purpose=Purpose.EXIT,
        type=OrderType.LIMIT,
        limit_ticks=PRICE + 500,
    )
    sizes = [order.lots for _ in range(3) for order in desk.want(above)]
    assert sizes == [60_000_000, 40_000_000]


def test_a_stream_without_a_complete_view_confirms_the_account_for_three_minutes_only() -> None:
    """TR-24."""
    desk = Desk(is_open=False)
    desk.wait(2)
    desk.tell(desk.account())
    for _ in range(8):
        desk.tell(desk.account(is_complete=False, reason="page 2 timed out"))
        desk.wait(20)
    assert desk.session.findings(desk.now_ns) == []
    for _ in range(4):
        desk.tell(desk.account(is_complete=False, reason="page 2 timed out"))
        desk.wait(20)
    assert any("the account was seen last" in text for text in desk.session.findings(desk.now_ns))
    assert desk.want(buy(stop_ticks=STOP)) == []
    assert "no_view" in desk.alerts()


def test_a_session_is_not_taken_up_by_a_clock_behind_its_journal() -> None:
    """F14."""
    desk = ready()
    desk.session.flush()
    refuse_older_clock(desk.session, desk.now_ns)
    with pytest.raises(RefusedError, match="expected a clock at or after"):
        refuse_older_clock(desk.session, desk.now_ns - 60 * SECOND)


def test_after_a_restart_a_view_reaches_back_to_when_the_account_was_known() -> None:
    desk = ready()
    desk.wait(7_200, step_s=4)
    desk.tell(desk.account())
    desk.wait(6)
    desk.session.flush()
    desk.effects.clear()
    desk.restart()
    desk.wait(2)
    (query,) = only(QueryAccount, desk.effects)
    assert desk.now_ns - query.since_ns < 15 * 60 * SECOND


# --- margin -------------------------------------------------------------------------------------


def test_leverage_is_denied_by_its_code_before_any_request_and_told_once() -> None:
    """C15: margin is not offered; nothing is sent, and nothing fails at the venue."""
    desk = ready()
    for _ in range(2):
        assert desk.want(buy(leverage=2)) == []
        assert desk.session.last_verdict[1] is DenialCode.LEVERAGE
    assert desk.alerts().count("margin_refused") == 1
    desk.tell(LimitChanged("MAX_LEVERAGE", 3, desk.now_ns, "ada", "tested"))
    assert desk.want(buy(leverage=2)) == []
    assert desk.alerts().count("margin_refused") == 2


def test_a_short_is_denied_and_told() -> None:
    """TR-14: on spot a sale beyond the holding is denied."""
    desk = ready()
    assert desk.want(Intent(side=Side.SELL, lots=1_000_000)) == []
    assert desk.session.last_verdict[1] is DenialCode.INVALID_VALUE
    assert "margin_refused" in desk.alerts()


def test_an_instrument_on_margin_is_not_taken() -> None:
    with pytest.raises(RefusedError, match="expected spot, was BTC/USDT on margin"):
        Desk(instruments=[replace(BTC, is_margin=True)])
