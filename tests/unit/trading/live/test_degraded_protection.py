"""What a degraded session still does for its positions, and how it comes back (C21)."""

from __future__ import annotations

from athena.domain import DenialCode, OrderState
from athena.trading import FrameKind, read_frames
from athena.trading import layout as at
from athena.trading.live import (
    Alert,
    AmendOrder,
    CancelOrder,
    Dependency,
    Level,
    Outage,
    PlaceOrder,
    Urgency,
)
from tests.session_builder import PRICE, Desk, buy, only, resting

STOP = PRICE - 10_000
MINUTE_S = 60


def protected() -> tuple[Desk, PlaceOrder]:
    """Return a desk that is long one coin, and its trailing stop at the venue."""
    desk = Desk()
    desk.wait(2)
    desk.tell(desk.account())
    (entry,) = desk.want(buy(stop_ticks=STOP, trail_ppm=15_000))
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.fill(entry, entry.lots))
    desk.answer(stop)
    return desk, stop


def fail(desk: Desk, times: int) -> None:
    for _ in range(times):
        desk.tell(Outage(Dependency.VENUE, has_failed=True, ts_ns=desk.now_ns))
    desk.wait(0.5)


def succeed(desk: Desk, times: int) -> None:
    for _ in range(times):
        desk.tell(Outage(Dependency.VENUE, has_failed=False, ts_ns=desk.now_ns))


def urgent(desk: Desk) -> list[str]:
    return [alert.code for alert in only(Alert, desk.effects) if alert.urgency is Urgency.URGENT]


def test_at_level_3_a_buy_is_denied_and_the_stop_still_trails() -> None:
    """C21: 6 failures; the price goes up 2 %, and the stop follows at 1.5 % below."""
    desk, stop = protected()
    fail(desk, 6)
    assert desk.session.level is Level.LIMITED
    assert desk.want(resting(1_000_000)) == []
    assert desk.session.last_verdict[1] is DenialCode.HALTED
    best = PRICE * 102 // 100
    moved = only(AmendOrder, desk.wait(2 * MINUTE_S, price=best))
    assert moved
    assert (moved[-1].number, moved[-1].trigger_ticks) == (stop.number, best * 985 // 1_000)


def test_at_level_4_it_halts_and_says_so_and_the_stop_stays_at_the_venue() -> None:
    """C21: 9 failures; closing is for those who configure it, the default keeps the stops."""
    desk, stop = protected()
    before = len(desk.effects)
    fail(desk, 9)
    assert desk.session.level is Level.EMERGENCY
    assert desk.session.core.s.account[at.HALT] & at.HALT_OPERATOR
    assert "degraded" in urgent(desk)
    desk.wait(5 * MINUTE_S, step_s=5)
    after = desk.effects[before:]
    assert only(PlaceOrder, after) == []
    assert only(CancelOrder, after) == []
    assert desk.state_of(stop) is OrderState.OPEN
    assert desk.held() == 100_000_000


def test_it_comes_back_level_by_level_and_not_before_five_minutes_of_calm() -> None:
    """C21: three successes take one failure back; a level is left after 5 min below it."""
    desk, _ = protected()
    fail(desk, 6)
    succeed(desk, 2)
    desk.wait(6 * MINUTE_S, step_s=5)
    assert desk.session.level is Level.LIMITED  # two successes take nothing back
    succeed(desk, 1)
    desk.wait(4.9 * MINUTE_S, step_s=5)
    assert desk.session.level is Level.LIMITED
    desk.wait(0.2 * MINUTE_S, step_s=5)
    assert desk.session.level is Level.REDUCED
    succeed(desk, 9)
    desk.wait(5.1 * MINUTE_S, step_s=5)
    assert desk.session.level is Level.NORMAL


def test_the_dependency_that_is_worst_decides() -> None:
    """Section 12: failures are counted for each; two of each of three are not six."""
    desk, _ = protected()
    for dependency in Dependency:
        for _ in range(2):
            desk.tell(Outage(dependency, has_failed=True, ts_ns=desk.now_ns))
    desk.wait(1)
    assert desk.session.level is Level.NORMAL
    desk.tell(Outage(Dependency.DATA, has_failed=True, ts_ns=desk.now_ns))
    desk.wait(1)
    assert desk.session.level is Level.REDUCED


def test_an_outage_is_named_in_status_alert_and_journal() -> None:
    """D03, D05: of what, and why; and when the bars that are missing closed."""
    desk, _ = protected()
    begun_ns = desk.now_ns
    for _ in range(6):
        reason = "Kraken answered OHLC with HTTP 502"
        desk.tell(Outage(Dependency.DATA, has_failed=True, ts_ns=desk.now_ns, reason=reason))
        desk.wait(1)
    words = f"degraded to 3 (limited): data: {reason}"
    assert words in desk.session.findings(desk.now_ns)
    assert words in [alert.text for alert in only(Alert, desk.effects)]
    desk.tell(Outage(Dependency.DATA, has_failed=False, ts_ns=desk.now_ns))
    desk.session.flush()
    notes = [frame.values() for frame in read_frames(desk.store) if frame.kind is FrameKind.NOTE]
    began, over = (note for note in notes if note["kind"] == "outage")
    assert (began["is_over"], began["ts_ns"], began["reason"]) == (False, begun_ns, reason)
    assert (over["is_over"], over["since_ns"], over["ts_ns"]) == (True, begun_ns, desk.now_ns)


def test_a_level_that_takes_no_risk_away_keeps_nothing_from_trading() -> None:
    desk, _ = protected()
    desk.tell(desk.account())
    fail(desk, 3)
    assert desk.session.level is Level.REDUCED
    assert desk.session.findings(desk.now_ns) == []
