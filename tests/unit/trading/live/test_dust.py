"""What is left of a position under the venue's minimum: no stop is larger than what it sells."""

from __future__ import annotations

from dataclasses import replace

from athena.domain import OrderState, OrderType
from athena.trading.live import CancelOrder, PlaceOrder
from tests.session_builder import PRICE, Desk, buy, only

HELD, LEFT = 1_000_000, 4  # lots; the venue's minimum is 10,000


def test_a_stop_over_what_is_left_of_a_position_is_taken_back_when_it_cannot_shrink() -> None:
    """TR-10: the venue sells all but 4 lots; a stop over 1,000,000 would sell others' coins."""
    desk = Desk()
    desk.wait(2)
    desk.tell(desk.account())
    (entry,) = desk.want(buy(HELD, stop_ticks=PRICE - 10_000))
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.fill(entry, entry.lots))
    desk.answer(stop)
    sale = replace(stop, number=0, client_id="", lots=HELD - LEFT, type=OrderType.MARKET)
    sold = replace(desk.a_fill(sale, HELD - LEFT), venue_id="LIQ", ts_ns=desk.now_ns + 1)
    shown = replace(
        desk.shown(sale, OrderState.FILLED, filled=HELD - LEFT), venue_id="LIQ", limit_ticks=0
    )
    desk.tell(desk.account([shown, desk.shown(stop, OrderState.OPEN)], [sold]))
    assert desk.held() == LEFT
    desk.wait(1)
    assert {cancel.number for cancel in only(CancelOrder, desk.effects)} == {stop.number}
    before = len(desk.effects)
    desk.tell(desk.shown(stop, OrderState.CANCELLED))
    desk.wait(60)
    assert desk.state_of(stop) is OrderState.CANCELLED
    assert only(PlaceOrder, desk.effects[before:]) == []  # C14: nothing under the minimum is sent
