"""Each condition of the start, broken in turn: no trade, and the reason is shown (D05)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.domain import DenialCode, OrderState, Purpose, Side
from athena.errors import AthenaError
from athena.trading import Intent, MemoryStore
from athena.trading import layout as at
from athena.trading.live import (
    PlaceOrder,
    PriceSeen,
    StreamAlive,
    StreamChanged,
    Tick,
    resume_session,
)
from tests.core_builder import NOON
from tests.session_builder import PRICE, SECOND, Desk, buy, only

if TYPE_CHECKING:
    from collections.abc import Callable

WISH = buy(20_000_000, stop_ticks=PRICE * 98 // 100)


def ready() -> Desk:
    """Return a desk whose start-up conditions all hold."""
    desk = Desk(is_open=False)
    desk.wait(2)
    desk.tell(desk.account())
    assert desk.session.findings(desk.now_ns) == []
    return desk


def lost_balance(desk: Desk) -> None:
    """Let no view come, over a stream that says nothing either."""
    for _ in range(40):
        desk.now_ns += SECOND
        desk.tell(PriceSeen(0, PRICE, PRICE, PRICE, desk.now_ns), Tick(desk.now_ns))


def lost_price(desk: Desk) -> None:
    for _ in range(61):
        desk.now_ns += SECOND
        desk.tell(StreamAlive(desk.now_ns), Tick(desk.now_ns, venue_ahead_ns=0))


def clock_ahead(desk: Desk) -> None:
    desk.tell(Tick(desk.now_ns, venue_ahead_ns=5 * SECOND))


def clock_behind(desk: Desk) -> None:
    desk.tell(Tick(desk.now_ns, venue_ahead_ns=-5 * SECOND))


def other_balance(desk: Desk) -> None:
    """Show half a coin more than the books say, in two views in a row."""
    for _ in range(2):
        desk.wait(2)
        balances = {**desk.balances(), "BTC": Decimal("0.5")}
        desk.tell(desk.account(balances=balances))


def lost_stream(desk: Desk) -> None:
    desk.tell(StreamChanged(is_up=False, ts_ns=desk.now_ns, reason="cut"))


BROKEN = [
    (lost_balance, DenialCode.EQUITY_UNKNOWN, "the account was seen last"),
    (lost_price, DenialCode.DATA_STALE, "the price of BTC/USDT was seen last"),
    (clock_ahead, DenialCode.CLOCK, "the venue's clock is +5.0 s from ours"),
    (clock_behind, DenialCode.CLOCK, "the venue's clock is -5.0 s from ours"),
    (other_balance, DenialCode.UNRECONCILED, "not reconciled: BTC: the books say"),
    (lost_stream, DenialCode.VENUE_DOWN, "the venue's stream of our orders is down"),
]


@pytest.mark.parametrize(("spoil", "code", "words"), BROKEN)
def test_a_condition_that_is_broken_lets_no_new_risk_out_and_is_named(
    spoil: Callable[[Desk], None], code: DenialCode, words: str
) -> None:
    """D05: stale balance, no price, clock +5 s, unreconciled -> no trade, reason shown."""
    desk = ready()
    assert desk.want(WISH)  # the clean twin
    spoil(desk)
    assert any(finding.startswith(words) for finding in desk.session.findings(desk.now_ns))
    assert desk.want(WISH) == []
    assert desk.session.last_verdict[1] is code


@pytest.mark.parametrize(
    "spoil",
    [lost_balance, clock_ahead, other_balance],
    ids=["balance", "clock", "unreconciled"],
)
def test_an_exit_passes_while_a_condition_is_broken(spoil: Callable[[Desk], None]) -> None:
    """C16, D05: what only takes risk away is never refused for want of knowledge."""
    desk = ready()
    (entry,) = desk.want(WISH)
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.fill(entry, entry.lots))
    desk.answer(stop)
    desk.tell(desk.account([desk.shown(stop, OrderState.OPEN)]))
    spoil(desk)
    (closing,) = desk.want(Intent(side=Side.SELL, lots=entry.lots, purpose=Purpose.EXIT))
    assert (closing.side, closing.lots, closing.is_reduce_only) == (Side.SELL, entry.lots, True)


def test_a_journal_without_its_beginning_is_not_taken_up() -> None:
    """D05: missing risk state (peak, losses, cool-downs are in the journal) -> no session."""
    desk = ready()
    desk.session.flush()
    data = desk.store.read(1)
    with pytest.raises(AthenaError):
        resume_session(MemoryStore({1: data[len(data) // 3 :]}), desk.settings, now_ns=NOON)
    with pytest.raises(AthenaError):
        resume_session(MemoryStore(), desk.settings, now_ns=NOON)


def test_the_risk_engine_reads_the_account_that_was_seen() -> None:
    """Section 10, pitfall: the start shows it a real account, and sizes follow from it."""
    sizes = []
    for cash in (Decimal(10_000), Decimal(20_000)):
        desk = Desk(cash=cash, is_open=False)
        desk.wait(2)
        desk.tell(desk.account())
        assert desk.session.core.s.account[at.EQUITY] == int(cash) * 10**8
        (order,) = desk.want(replace(WISH, lots=100_000_000))
        sizes.append(order.lots)
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=1e-6)
    assert only(PlaceOrder, desk.effects)
