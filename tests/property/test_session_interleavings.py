"""Whatever order news of one order comes in, the books end up with what happened (C08)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.domain import OrderState
from athena.trading import Command, digest_of
from athena.trading import layout as at
from athena.trading.live import (
    AccountSeen,
    Answered,
    FillSeen,
    Operated,
    OrderSeen,
    Request,
    Result,
    fold_journal,
)
from tests.session_builder import PRICE, Desk, resting

if TYPE_CHECKING:
    from athena.trading.live import Event, PlaceOrder

LIMIT = PRICE - 100
PARTS = 4


def history(
    desk: Desk, order: PlaceOrder, parts: list[int], *, is_cancelled: bool
) -> tuple[list[Event], AccountSeen]:
    """Return all the news of an order's life, and the account at its end."""
    fills: list[FillSeen] = []
    shown: list[OrderSeen] = [desk.shown(order, OrderState.OPEN)]
    filled = 0
    for part in parts:
        desk.now_ns += 1_000_000
        fills.append(desk.a_fill(order, part, LIMIT))
        filled += part
        whole = filled == order.lots
        state = OrderState.FILLED if whole else OrderState.PARTIALLY_FILLED
        shown.append(desk.shown(order, state, filled))
    if is_cancelled and filled < order.lots:
        desk.now_ns += 1_000_000
        shown.append(desk.shown(order, OrderState.CANCELLED, filled))
    accepted = Answered(Request.PLACE, order.client_id, Result.ACCEPTED, desk.now_ns, "O1")
    lost = replace(accepted, result=Result.UNKNOWN)
    cancel = Answered(Request.CANCEL, order.client_id, Result.ACCEPTED, desk.now_ns, "O1")
    news: list[Event] = [accepted, lost, cancel, *fills, *shown]
    cash = desk.balances()["USDT"] - sum(
        desk.instruments[0].lots_to_quantity(part) * LIMIT / 100 for part in parts
    )
    held = desk.instruments[0].lots_to_quantity(filled)
    end = AccountSeen(
        asked_ns=desk.now_ns + 1,
        venue_ns=desk.now_ns + 1,
        since_ns=0,
        orders=(shown[-1],),
        fills=tuple(fills),
        balances={"USDT": cash, "BTC": held},
    )
    return news, end


def check_interleaving(n_parts: int, is_cancelled: bool, random: object, n_restarts: int) -> None:
    """Let the news of one order's life come in a random order, and compare books and truth."""
    desk = Desk()
    desk.wait(1)
    (order,) = desk.want(resting())
    if is_cancelled:
        desk.tell(Operated(Command.CANCEL, desk.now_ns, "a", "tested", order.number))
    parts = [order.lots // PARTS] * n_parts
    news, end = history(desk, order, parts, is_cancelled=is_cancelled)
    news += [random.choice(news) for _ in range(3)]  # type: ignore[attr-defined] # F03
    random.shuffle(news)  # type: ignore[attr-defined] # F05
    for k, event in enumerate(news):
        desk.tell(event)
        if k < n_restarts:
            desk.restart()
    desk.wait(3)
    desk.tell(end)
    desk.tell(end)
    assert desk.held() == sum(parts)
    expected = OrderState.OPEN
    if n_parts == PARTS:
        expected = OrderState.FILLED
    elif is_cancelled:
        expected = OrderState.CANCELLED
    elif n_parts:
        expected = OrderState.PARTIALLY_FILLED
    assert desk.state_of(order) is expected
    assert desk.session.readiness.is_reconciled
    assert desk.session.core.s.account[at.N_ILLEGAL] == 0
    desk.session.flush()
    assert digest_of(fold_journal(desk.store).tables.views) == digest_of(desk.session.core.s)


LIVES = (
    st.integers(0, PARTS),
    st.booleans(),
    st.randoms(use_true_random=False),
    st.integers(0, 3),
)


@settings(max_examples=80, deadline=None)
@given(*LIVES)
def test_no_fill_is_lost_or_doubled_in_any_order_of_the_news(
    n_parts: int, is_cancelled: bool, random: object, n_restarts: int
) -> None:
    check_interleaving(n_parts, is_cancelled, random, n_restarts)


@pytest.mark.slow
@settings(max_examples=1_000, deadline=None)
@given(*LIVES)
def test_no_fill_is_lost_or_doubled_in_a_thousand_orders_of_the_news(
    n_parts: int, is_cancelled: bool, random: object, n_restarts: int
) -> None:
    """C08: 1,000 runs of concurrent fill, cancel and query on one order."""
    check_interleaving(n_parts, is_cancelled, random, n_restarts)
