"""Orders that nobody wanted, and orders that were taken back, say why (C17)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from athena.domain import OrderState
from athena.trading import Command, FrameKind, limits, read_frames
from athena.trading import layout as at
from athena.trading.live import (
    HALT_WORDS,
    Operated,
    PlaceOrder,
    Request,
    Result,
    Wanted,
)
from tests.session_builder import PRICE, Desk, buy, only, resting

if TYPE_CHECKING:
    from athena.trading.live import Cause

STOP = PRICE - 100_000
REQUEST = "e" * 32


def ready() -> Desk:
    desk = Desk()
    desk.wait(2)
    desk.tell(desk.account())
    desk.session.take_causes()
    return desk


def long(desk: Desk) -> PlaceOrder:
    """Buy a coin for a decision of its own, and return the stop, which works at the venue."""
    (entry,) = only(PlaceOrder, desk.tell(Wanted(0, buy(stop_ticks=STOP), desk.now_ns, "c" * 32)))
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.fill(entry, entry.lots))
    desk.answer(stop)
    assert desk.session.take_causes() == []
    return stop


def operate(desk: Desk, command: Command, argument: int = 0) -> list[PlaceOrder]:
    event = Operated(command, desk.now_ns, "ada", "out", argument, correlation_id=REQUEST)
    return only(PlaceOrder, desk.tell(event))


def made(causes: list[Cause]) -> list[tuple[int, str]]:
    return [(cause.order, cause.reason) for cause in causes if cause.correlation_id]


def ended(desk: Desk) -> dict[int, str]:
    causes = desk.session.take_causes()
    return {cause.order: cause.reason for cause in causes if not cause.correlation_id}


def test_what_an_operator_closes_carries_the_id_of_the_request() -> None:
    for command in (Command.CLOSE, Command.FLATTEN, Command.KILL):
        desk = ready()
        long(desk)
        (order,) = operate(desk, command)
        (cause,) = [item for item in desk.session.take_causes() if item.correlation_id]
        assert (cause.order, cause.correlation_id) == (order.number, REQUEST)
        assert cause.reason == f"{command} by ada: out"


def test_a_position_that_was_held_too_long_is_closed_under_an_id_of_its_own() -> None:
    desk = ready()
    long(desk)
    desk.session.core.s.limits[limits.HOLDING_NS] = 60 * 10**9
    desk.session.core.s.account[at.NEXT_TIMER_NS] = 0
    (order,) = only(PlaceOrder, desk.wait(61))
    (cause,) = desk.session.take_causes()
    assert cause.order == order.number
    assert len(cause.correlation_id) == 32
    assert cause.reason.startswith("time exit")


def test_a_breaker_that_closes_says_which() -> None:
    desk = ready()
    long(desk)
    desk.session.core.s.limits[limits.DRAWDOWN_LIMIT_PPM] = 100_000
    desk.session.core.s.account[at.FLOOR] = desk.session.core.s.account[at.EQUITY]
    orders = only(PlaceOrder, desk.wait(1, price=PRICE // 2))
    causes = dict(made(desk.session.take_causes()))
    assert causes[orders[0].number] == HALT_WORDS[at.HALT_LIMIT]


def test_a_position_without_a_stop_is_covered_and_closed_under_ids() -> None:
    """I11: the refused stop is placed anew, and after ten seconds the position is closed."""
    desk = ready()
    (entry,) = only(PlaceOrder, desk.tell(Wanted(0, buy(stop_ticks=STOP), desk.now_ns, "c" * 32)))
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.fill(entry, entry.lots))
    desk.answer(stop, Result.REFUSED)
    for _ in range(30):
        for order in only(PlaceOrder, desk.wait(0.5)):
            desk.answer(order, Result.REFUSED)
    reasons = dict(made(desk.session.take_causes())).values()
    assert "wanted without a decision" in reasons  # the stops that were placed anew
    assert "unprotected: its position had no whole stop at the venue" in reasons


def test_another_s_order_that_is_taken_up_has_an_id() -> None:
    desk = ready()
    (own,) = desk.want(resting())
    desk.session.take_causes()
    foreign = desk.shown(own, OrderState.OPEN)
    desk.tell(desk.account([foreign, replace(foreign, client_id="", venue_id="OTHER")]))
    ((_, reason),) = made(desk.session.take_causes())
    assert reason == "the venue shows it, and it was not sent from here"


def test_a_cancelled_order_carries_its_reason() -> None:
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order)
    operate(desk, Command.PAUSE)
    assert ended(desk)[order.number] == "pause by ada: out"


def test_the_stop_of_a_position_that_is_gone_names_the_order_that_closed_it() -> None:
    desk = ready()
    stop = long(desk)
    (closing,) = operate(desk, Command.CLOSE)
    desk.answer(closing)
    desk.fill(closing, closing.lots)
    assert ended(desk)[stop.number] == f"the venue's news of order {closing.number}"


def test_an_entry_that_waited_too_long_is_expired() -> None:
    desk = ready()
    desk.session.core.s.limits[limits.ENTRY_LIMIT_NS] = 60 * 10**9
    (order,) = desk.want(resting())
    desk.answer(order)
    desk.wait(61)
    assert ended(desk)[order.number] == "expired"


def test_an_order_that_the_venue_cancelled_says_that_nobody_asked_here() -> None:
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order)
    desk.tell(desk.shown(order, OrderState.CANCELLED))
    assert ended(desk)[order.number] == "cancelled at the venue, not asked for here"


def test_a_proven_absence_has_its_code() -> None:
    """Section 4: rejected with code `absent_proven`."""
    desk = ready()
    (order,) = desk.want(resting())
    desk.answer(order, Result.UNKNOWN, Request.PLACE)
    for _ in range(5):
        desk.wait(8)
        desk.tell(desk.account())
    assert desk.state_of(order) is OrderState.REJECTED
    assert ended(desk)[order.number] == "absent_proven"


def test_every_cause_is_in_the_journal_before_its_order_leaves() -> None:
    desk = ready()
    long(desk)
    (order,) = operate(desk, Command.KILL)
    notes = [frame.values() for frame in read_frames(desk.store) if frame.kind is FrameKind.NOTE]
    (note,) = [item for item in notes if item.get("order") == order.number]
    assert note["kind"] == "made"
    assert note["correlation_id"] == REQUEST
