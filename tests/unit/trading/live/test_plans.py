"""Execution plans in a session: what is asked for, when, and what a kill -9 leaves of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from athena.domain import (
    DAY_NS,
    MINUTE_NS,
    Book,
    Instrument,
    OrderState,
    OrderType,
    Purpose,
    Side,
)
from athena.errors import CheckFailed
from athena.trading import Command, FrameKind, Intent, StrategySlot, read_frames
from athena.trading import layout as at
from athena.trading.algorithms import (
    HodlAsset,
    HodlRules,
    Plan,
    RebalanceRules,
    dca_plan,
    twap_plan,
)
from athena.trading.live import (
    Alert,
    CancelOrder,
    Operated,
    PlaceOrder,
    PlanRules,
    PlanStarted,
    PlanStopped,
    PurchaseAsked,
    RebalanceAsked,
    Result,
    StreamChanged,
    fold_journal,
)
from tests.core_builder import BTC, MONEY
from tests.session_builder import PRICE, Desk, buy, only

COIN = 100_000_000  # lots of a bitcoin
CENT = MONEY // 100
SLOTS = [StrategySlot("a", share_ppm=500_000), StrategySlot("core", Book.CORE, 500_000)]
CORE = 1


@dataclass
class Venue:
    """Fill every order in full as soon as it is placed, and remember what came."""

    desk: Desk
    placed: list[PlaceOrder] = field(default_factory=list)

    def serve(self, effects: list[object], share: Decimal = Decimal(1)) -> list[PlaceOrder]:
        """Answer and fill what was just asked."""
        new = only(PlaceOrder, effects)
        for order in new:
            self.placed.append(order)
            self.desk.answer(order)
            self.desk.fill(order, int(order.lots * share))
        return new

    def run(self, minutes: float, step_s: float = 10, price: int = PRICE) -> list[PlaceOrder]:
        """Let time pass and fill whatever is asked."""
        new = []
        end_ns = self.desk.now_ns + round(minutes * MINUTE_NS)
        while self.desk.now_ns < end_ns:
            new += self.serve(list(self.desk.wait(step_s, step_s=step_s, price=price)))
            self.desk.tell(self.desk.account())
        return new


def desk_with(**changes: object) -> tuple[Desk, Venue]:
    """Return a desk that may trade, and a venue that fills."""
    desk = Desk(strategies=list(SLOTS), **changes)  # type: ignore[arg-type] # fields of the desk
    desk.wait(2)
    desk.tell(desk.account())
    desk.wait(1)
    assert desk.session.findings(desk.now_ns) == []
    return desk, Venue(desk)


def twap(
    desk: Desk, lots: int = COIN, slices: int = 3, minutes: int = 30, **order: object
) -> Plan:
    return twap_plan(
        "p1",
        0,
        Intent(side=Side.BUY, **order),  # type: ignore[arg-type] # fields of the intent
        lots,
        start_ns=desk.now_ns,
        smallest_lots=10_000,
        slices=slices,
        window_ns=minutes * MINUTE_NS,
    )


def dca(desk: Desk, money: int = 100_001 * CENT, batches: int = 6) -> Plan:
    order = Intent(side=Side.BUY, purpose=Purpose.DCA)
    return dca_plan("d1", CORE, order, money, start_ns=desk.now_ns, batches=batches)


def start(desk: Desk, plan: Plan) -> list[object]:
    return list(desk.tell(PlanStarted(plan, desk.now_ns, "ann", "because")))


def kill(venue: Venue) -> list[PlaceOrder]:
    """Kill the process and begin again; the venue's stream comes back and the account is read."""
    desk = venue.desk
    desk.session.flush()  # what is older than 50 ms is written
    desk.restart()
    new = venue.serve(list(desk.wait(2)))
    desk.tell(desk.account())
    return new + venue.serve(list(desk.wait(1)))


# --- slices -------------------------------------------------------------------------------------


def test_a_twap_is_asked_for_slice_by_slice_until_it_is_whole() -> None:
    """TR-12: 1.0 in 3 slices -> 0.33, 0.33, 0.34 of what there is; the sum is exact."""
    desk, venue = desk_with()
    start(desk, twap(desk, lots=100_000_000 + 1))
    orders = venue.run(31)
    assert [order.lots for order in orders] == [33_333_333, 33_333_333, 33_333_335]
    assert desk.held() == COIN + 1
    assert not desk.session.plans.running
    assert desk.session.plans.ended["p1"].why == ""
    assert "plan_done" in desk.alerts()


def test_a_plan_is_in_the_journal_before_anything_of_it_is_asked() -> None:
    desk, _ = desk_with()
    start(desk, twap(desk))
    desk.wait(1)
    kinds = [
        (frame.sequence, frame.values()["kind"])
        for frame in read_frames(desk.store)
        if frame.kind is FrameKind.NOTE
    ]
    plan = next(sequence for sequence, kind in kinds if kind == "plan")
    wanted = next(sequence for sequence, kind in kinds if kind == "wanted")
    assert plan < wanted


def test_a_plan_that_was_only_just_begun_survives_a_flush_and_a_kill() -> None:
    desk, venue = desk_with()
    start(desk, twap(desk))
    assert desk.session.has_unwritten
    desk.session.flush()
    assert not desk.session.has_unwritten
    kill(venue)
    assert list(desk.session.plans.running) == ["p1"]
    venue.run(31)
    assert len(venue.placed) == 3


@pytest.mark.parametrize("after_slices", [1, 2])
def test_a_killed_twap_goes_on_with_the_remaining_slices_only(after_slices: int) -> None:
    """TR-12: kill and restart mid-way."""
    desk, venue = desk_with()
    start(desk, twap(desk))
    while len(venue.placed) < after_slices:
        venue.run(1)
    kill(venue)
    venue.run(45)
    assert [order.lots for order in venue.placed] == [33_333_333, 33_333_333, 33_333_334]
    assert desk.held() == COIN


def test_a_slice_whose_answer_was_lost_in_a_crash_is_not_asked_for_again() -> None:
    """The order is unknown until the account shows it; its fill counts once."""
    desk, venue = desk_with()
    start(desk, twap(desk))
    (lost,) = only(PlaceOrder, desk.wait(1))
    desk.restart()
    assert desk.state_of(lost) is OrderState.UNKNOWN
    assert only(PlaceOrder, desk.wait(700)) == []
    filled = desk.a_fill(lost, lost.lots)
    view = desk.account([desk.shown(lost, OrderState.FILLED, lost.lots)], [filled])
    paid = Decimal(PRICE * lost.lots) / 10**10
    desk.tell(
        replace(
            view,
            balances={"USDT": desk.balances()["USDT"] - paid, "BTC": Decimal(lost.lots) / COIN},
        )
    )
    venue.run(60)
    assert desk.held() == COIN
    assert len(venue.placed) == 2


def test_an_unfilled_part_is_spread_over_the_slices_to_come() -> None:
    desk, venue = desk_with()
    start(desk, twap(desk, lots=90_000_000, type=OrderType.LIMIT, limit_ticks=PRICE))
    first = venue.serve(list(desk.wait(1)), Decimal("0.5"))[0]
    desk.tell(desk.shown(first, OrderState.EXPIRED, first.lots // 2))
    venue.run(60)
    assert [order.lots for order in venue.placed] == [30_000_000, 37_500_000, 37_500_000]
    assert desk.held() == 90_000_000


def test_a_denied_slice_is_news_like_any_other() -> None:
    """The risk engine shrinks or refuses a plan's slices like any order (TR-28)."""
    desk = Desk(strategies=list(SLOTS), is_open=False)
    desk.wait(2)
    desk.tell(desk.account())
    desk.wait(1)
    start(desk, twap(desk))
    desk.wait(1)
    (piece,) = desk.session.plans.running["p1"].progress.slices
    assert piece.is_over  # no stop, and no ATR to make one from
    assert piece.approved_lots == 0
    assert desk.session.core.s.account[at.N_DENIED] == 1


def test_the_same_plan_twice_is_one_plan() -> None:
    desk, venue = desk_with()
    plan = twap(desk)
    start(desk, plan)
    venue.run(5)
    start(desk, plan)
    venue.run(40)
    start(desk, plan)
    venue.run(40)
    assert desk.held() == COIN


def test_no_more_than_32_plans_run_at_once() -> None:
    desk, _ = desk_with()
    for k in range(33):
        start(desk, replace(twap(desk), id=f"p{k}"))
    assert len(desk.session.plans.running) == 32
    assert "plan_refused" in desk.alerts()


# --- stops --------------------------------------------------------------------------------------


def test_1000_01_in_six_batches_goes_on_after_a_kill_once_each_and_stops_at_a_halt() -> None:
    """C19."""
    desk, venue = desk_with()
    start(desk, dca(desk))
    venue.run(5 * 60, step_s=30)
    assert len(venue.placed) == 2
    kill(venue)
    venue.run(8 * 60, step_s=30)
    assert len(venue.placed) == 4
    asked = [piece.amount for piece in desk.session.plans.running["d1"].progress.slices]
    assert asked == [16_671 * CENT, *[16_666 * CENT] * 3]
    desk.tell(Operated(Command.HALT, desk.now_ns, "ann", "enough"))
    desk.wait(1)
    assert desk.session.plans.ended["d1"].why.startswith("halted")
    desk.tell(Operated(Command.ADMIN_RESUME, desk.now_ns, "ann", "go on"))
    kill(venue)
    venue.run(9 * 60, step_s=30)
    assert len(venue.placed) == 4


def test_a_pause_lets_slots_pass_and_ends_nothing() -> None:
    desk, venue = desk_with()
    start(desk, dca(desk, money=60_000 * CENT))
    venue.run(1)
    desk.tell(Operated(Command.PAUSE, desk.now_ns, "ann", "news"))
    assert venue.run(9 * 60, step_s=30) == []
    desk.tell(Operated(Command.RESUME, desk.now_ns, "ann", "over"))
    assert len(venue.run(1)) == 1
    assert list(desk.session.plans.running) == ["d1"]


def test_nothing_is_asked_for_while_the_venue_is_down() -> None:
    """A denial for want of a venue would use a slice up; instead it waits."""
    desk, venue = desk_with()
    desk.tell(StreamChanged(is_up=False, ts_ns=desk.now_ns, reason="cut"))
    start(desk, twap(desk))
    assert only(PlaceOrder, desk.wait(5)) == []
    assert desk.session.plans.running["p1"].progress.slices == ()
    desk.tell(StreamChanged(is_up=True, ts_ns=desk.now_ns))
    assert len(venue.run(1)) == 1


def test_a_stopped_plan_asks_for_nothing_more_and_its_order_is_cancelled() -> None:
    desk, venue = desk_with()
    start(desk, twap(desk, type=OrderType.LIMIT, limit_ticks=PRICE - 100))
    (order,) = only(PlaceOrder, desk.wait(1))
    desk.answer(order)
    effects = desk.tell(PlanStopped("p1", desk.now_ns, "ann", "changed my mind"))
    assert [item.number for item in only(CancelOrder, effects)] == [order.number]
    desk.tell(desk.shown(order, OrderState.CANCELLED))
    assert only(PlaceOrder, desk.wait(3_600, step_s=30)) == []
    assert desk.session.plans.ended["p1"].why == "stopped by ann: changed my mind"
    kill(venue)
    assert desk.session.plans.ended["p1"].done == 0


# --- the fold -----------------------------------------------------------------------------------


def test_the_fold_knows_the_plans_that_the_session_knows() -> None:
    """TR-05: from the beginning, and from the last snapshot but one."""
    desk, venue = desk_with()
    desk.settings = replace(desk.settings, snapshot_every_ns=10 * MINUTE_NS)
    start(desk, twap(desk))
    start(desk, dca(desk))
    venue.run(25)
    kill(venue)  # from here on there are snapshots
    venue.run(45)
    desk.session.flush()
    for from_beginning in (True, False):
        folded = fold_journal(desk.store, from_beginning=from_beginning)
        assert folded.memory.plans.to_values() == desk.session.plans.to_values()
    assert folded.n_compared > 0


def test_a_snapshot_whose_plans_the_journal_does_not_lead_to_is_refused() -> None:
    """I9: the planted fault is a slice that the snapshot forgets."""
    desk, venue = desk_with()
    start(desk, twap(desk))
    venue.run(1)
    desk.session.close()
    assert fold_journal(desk.store, from_beginning=True).n_compared == 1

    desk, venue = desk_with()
    start(desk, twap(desk))
    venue.run(1)
    desk.session.plans.running.clear()
    desk.session.close()
    with pytest.raises(CheckFailed, match="snapshot's plans"):
        fold_journal(desk.store, from_beginning=True)


# --- bags ---------------------------------------------------------------------------------------

BAGS = 2
XRP = Instrument("XRP/USDT", Decimal("0.01"), Decimal("0.00000001"), Decimal("0.0001"))


def hodl_desk() -> tuple[Desk, Venue]:
    """Return a desk that sets a tenth of its profits aside, a third each."""
    assets = (
        HodlAsset("USDT", -1, 333_400, MONEY),
        HodlAsset("XRP", 1, 333_300, 25 * MONEY),
        HodlAsset("BTC", 0, 333_300, 15 * MONEY),
    )
    desk = Desk(
        instruments=[BTC, XRP],
        strategies=[*SLOTS, StrategySlot("bags", Book.HODL)],
        rules=PlanRules(hodl=HodlRules("h", BAGS, assets)),
    )
    desk.wait(2)
    desk.tell(desk.account(balances=balances_of(desk)))
    desk.wait(1)
    return desk, Venue(desk)


def balances_of(desk: Desk) -> dict[str, Decimal]:
    """Return what the venue shows: the kept money is on the account too."""
    kept = Decimal(desk.session.plans.kept) / MONEY
    return {**desk.balances(), "USDT": desk.balances()["USDT"] + kept}


def trade(desk: Desk, venue: Venue, gain: int, fee: int = 0) -> list[PlaceOrder]:
    """Buy one bitcoin and sell it for so much more; return what the bags ask for then."""
    (entry,) = desk.want(buy())
    desk.answer(entry)
    desk.tell(replace(desk.a_fill(entry, COIN), fee_units=fee))
    (leave,) = desk.want(Intent(side=Side.SELL, lots=COIN, purpose=Purpose.EXIT))
    desk.answer(leave)
    desk.fill(leave, COIN, PRICE + gain * 100)
    return venue.serve(list(desk.wait(2)))


def pending(desk: Desk) -> list[int]:
    bags = desk.session.plans.bags
    assert bags is not None
    return [bag.pending for bag in bags.bags]


def test_a_tenth_of_a_profit_is_set_aside_and_the_quote_part_leaves_the_cash_at_once() -> None:
    """TR-20: profit 100 -> 3.34 USDT, 3.33 XRP, 3.33 BTC."""
    desk, venue = hodl_desk()
    assert trade(desk, venue, gain=100) == []
    assert desk.session.plans.kept == 334 * CENT
    assert pending(desk) == [0, 333 * CENT, 333 * CENT]
    s = desk.session.core.s
    assert s.account[at.CASH] == 100_100 * MONEY - 334 * CENT
    assert s.account[at.EQUITY] == s.account[at.CASH]
    assert s.account[at.HALT] == 0
    desk.tell(desk.account(balances=balances_of(desk)))
    assert desk.session.readiness.differences == ()


def test_money_that_was_kept_and_that_the_account_does_not_show_is_a_difference() -> None:
    """The twin of the check above: the bags are compared too."""
    desk, venue = hodl_desk()
    trade(desk, venue, gain=100)
    desk.tell(desk.account())
    (difference,) = desk.session.readiness.differences or ()
    assert difference.startswith("USDT: the books say")


def test_the_fee_counts_and_a_loss_sets_nothing_aside() -> None:
    desk, venue = hodl_desk()
    trade(desk, venue, gain=-100)
    trade(desk, venue, gain=100, fee=100 * MONEY)
    assert pending(desk) == [0, 0, 0]
    assert desk.session.plans.kept == 0
    trade(desk, venue, gain=100, fee=50 * MONEY)
    assert pending(desk) == [0, 166 * CENT, 166 * CENT]


def test_pending_money_buys_coins_for_the_bags_which_no_breaker_and_no_equity_counts() -> None:
    desk, venue = hodl_desk()
    orders = trade(desk, venue, gain=600)
    assert [(order.side, order.instrument) for order in orders] == [(Side.BUY, 0)]
    s = desk.session.core.s
    n = len(desk.instruments)
    assert s.positions[BAGS * n, at.QUANTITY] == orders[0].lots
    assert s.positions[BAGS * n, at.COST] == pytest.approx(1_999 * CENT, abs=CENT)
    assert desk.session.plans.running == {}
    bags = desk.session.plans.bags
    assert bags is not None
    assert bags.bags[2].lots == orders[0].lots
    assert s.account[at.EQUITY] == s.account[at.CASH]


def test_a_purchase_whose_answer_was_lost_is_one_purchase_over_a_kill() -> None:
    """TR-20: retry after a timeout -> one purchase."""
    desk, _ = hodl_desk()
    (entry,) = desk.want(buy())
    desk.fill(entry, COIN)
    (leave,) = desk.want(Intent(side=Side.SELL, lots=COIN, purpose=Purpose.EXIT))
    desk.fill(leave, COIN, PRICE + 600 * 100)
    (purchase,) = only(PlaceOrder, desk.wait(2))
    desk.answer(purchase, Result.UNKNOWN)
    desk.session.flush()
    desk.restart()
    assert only(PlaceOrder, desk.wait(60)) == []
    desk.fill(purchase, purchase.lots)
    assert only(PlaceOrder, desk.wait(60)) == []
    bags = desk.session.plans.bags
    assert bags is not None
    assert bags.bags[2].n_purchases == 1
    desk.session.flush()
    folded = fold_journal(desk.store, from_beginning=True)
    assert folded.memory.plans.to_values() == desk.session.plans.to_values()
    assert folded.memory.plans.kept == desk.session.plans.kept > 0


def test_a_dear_purchase_is_told() -> None:
    desk, _ = hodl_desk()
    (entry,) = desk.want(buy())
    desk.fill(entry, COIN)
    (leave,) = desk.want(Intent(side=Side.SELL, lots=COIN, purpose=Purpose.EXIT))
    desk.fill(leave, COIN, PRICE + 600 * 100)
    (purchase,) = only(PlaceOrder, desk.wait(2))
    assert "dear_purchase" not in desk.alerts()
    desk.fill(purchase, purchase.lots, PRICE * 101 // 100)
    desk.wait(1)
    assert "dear_purchase" in desk.alerts()


def test_the_bags_are_written_down_once_a_day() -> None:
    desk, _ = hodl_desk()
    desk.now_ns += DAY_NS
    desk.wait(2)
    desk.session.flush()
    days = [
        frame.values()["news"]["item"]["day"]
        for frame in read_frames(desk.store)
        if frame.kind is FrameKind.NOTE
        and frame.values()["kind"] == "plan"
        and frame.values()["news"]["kind"] == "SnapshotTaken"
    ]
    assert days == [days[0], days[0] + 1]


def test_a_forced_purchase_buys_what_is_pending_below_its_threshold_and_over_a_kill() -> None:
    """Section 12: force hodl; command, journal, core; the risk engine judges the order."""
    desk, venue = hodl_desk()
    trade(desk, venue, 400)
    before = pending(desk)
    assert 0 < before[2] < 15 * MONEY
    assert venue.serve(list(desk.wait(2))) == []
    placed = only(PlaceOrder, desk.tell(PurchaseAsked(2, desk.now_ns, "ann", "now")))
    placed += only(PlaceOrder, desk.wait(2))
    (order,) = placed
    assert (order.instrument, order.side) == (0, Side.BUY)
    bags = fold_journal(desk.store).memory.plans.bags
    assert bags == desk.session.plans.bags
    venue.serve(list(placed))
    assert pending(desk)[2] < before[2]


# --- what an admin wants of rebalancing ----------------------------------------------------------


def rebalancing_desk() -> tuple[Desk, Venue]:
    """Return a desk whose core book holds nothing, within the band that starts a rebalance."""
    rules = RebalanceRules(CORE, (30_000, 0))
    desk = Desk(instruments=[BTC, XRP], strategies=list(SLOTS), rules=PlanRules(rebalance=rules))
    desk.wait(2)
    desk.tell(desk.account())
    desk.wait(1)
    return desk, Venue(desk)


def test_a_rebalance_is_forced_within_the_band_and_obeys_a_halt() -> None:
    """Section 12: force rebalance; risk-increasing, so that the risk engine is obeyed."""
    desk, _ = rebalancing_desk()
    assert only(PlaceOrder, desk.wait(60)) == []
    desk.tell(RebalanceAsked(is_wanted=True, ts_ns=desk.now_ns, by="ann", reason="new money"))
    (order,) = only(PlaceOrder, desk.wait(2))
    assert (order.side, order.instrument) == (Side.BUY, 0)
    state = desk.session.plans.rebalancing
    assert state.is_under_way
    assert fold_journal(desk.store).memory.plans.rebalancing == state

    halted, _ = rebalancing_desk()
    halted.tell(Operated(Command.HALT, halted.now_ns, "ann", "look"))
    halted.tell(RebalanceAsked(is_wanted=True, ts_ns=halted.now_ns, by="ann", reason="now"))
    assert only(PlaceOrder, halted.wait(60)) == []
    assert any("halt" in item.text for item in only(Alert, halted.effects))


def test_a_skipped_rebalance_is_stopped_and_the_next_one_waits_for_the_rest() -> None:
    desk, _ = rebalancing_desk()
    desk.tell(RebalanceAsked(is_wanted=True, ts_ns=desk.now_ns, by="ann", reason="new money"))
    desk.wait(2)
    desk.tell(RebalanceAsked(is_wanted=False, ts_ns=desk.now_ns, by="ann", reason="not today"))
    state = desk.session.plans.rebalancing
    assert all(leg.stop for leg in state.legs)
    assert state.started_ns == desk.now_ns
    assert fold_journal(desk.store).memory.plans.rebalancing == state
