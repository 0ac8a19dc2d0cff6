"""What others do with the account: counted, booked once, set aside, and never sold from here."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from athena.domain import DenialCode, Liquidity, OrderState, OrderType, Side
from athena.trading import Command, digest_of
from athena.trading import layout as at
from athena.trading._core import limits as limit
from athena.trading.live import (
    AccountSeen,
    CancelOrder,
    FillSeen,
    LimitChanged,
    Operated,
    OrderSeen,
    PlaceOrder,
    StreamChanged,
    fold_journal,
)
from tests.core_builder import NOON
from tests.session_builder import PRICE, SECOND, Desk, buy, only, resting

LOTS = 10_000_000
HOUR = 3_600


def ready(**changes: object) -> Desk:
    """Return a desk whose start-up conditions all hold."""
    desk = Desk(**changes)  # type: ignore[arg-type] # its fields
    desk.wait(2)
    desk.tell(desk.account())
    assert desk.session.findings(desk.now_ns) == []
    return desk


def order(desk: Desk, side: Side = Side.BUY, **changes: object) -> OrderSeen:
    """Return an order of the account's owner, working, 0.1 of the coin."""
    shown = OrderSeen(
        venue_id="HAND", client_id="", instrument=0, side=side, type=OrderType.LIMIT,
        state=OrderState.OPEN, lots=LOTS, filled_lots=0, limit_ticks=PRICE - 500, trigger_ticks=0,
        opened_ns=desk.now_ns + 1, ts_ns=desk.now_ns + 1,
    )  # fmt: skip
    return replace(shown, **changes)  # type: ignore[arg-type] # its fields


def fill(desk: Desk, side: Side = Side.BUY, **changes: object) -> FillSeen:
    """Return a fill of the owner's order, whole and free."""
    seen = FillSeen(
        trade_id="T-HAND", venue_id="HAND", client_id="", instrument=0, side=side, lots=LOTS,
        price_ticks=PRICE, fee_units=0, liquidity=Liquidity.TAKER, ts_ns=desk.now_ns + 1,
    )  # fmt: skip
    return replace(seen, **changes)  # type: ignore[arg-type] # its fields


def by_hand(desk: Desk, side: Side = Side.BUY, lots: int = LOTS, name: str = "HAND") -> None:
    """Let the owner trade at market; a view shows it."""
    done = order(
        desk, side, venue_id=name, type=OrderType.MARKET, limit_ticks=0, lots=lots,
        filled_lots=lots, state=OrderState.FILLED,
    )  # fmt: skip
    seen = fill(desk, side, trade_id=f"T-{name}", venue_id=name, lots=lots)
    desk.tell(desk.account([done], [seen]))
    desk.tell(desk.account())  # the balances of the first were read before


def held(desk: Desk) -> list[int]:
    """Return the lots of each slot: the strategies', `external`, `holdings`."""
    core = desk.session.core
    return [core.slot_lots(slot, 0) for slot in range(core.s.account[at.N_STRATEGIES])]


def folds_to_itself(desk: Desk) -> bool:
    """Tell whether the journal folds to the state that there is (I9)."""
    desk.session.flush()
    folded = fold_journal(desk.store, from_beginning=True)
    return digest_of(folded.tables.views) == digest_of(desk.session.core.s)


# --- set aside ----------------------------------------------------------------------------------


def test_coins_that_a_person_bought_are_never_sold_from_here() -> None:
    """Neither by the kill switch nor when the longest holding time is over."""
    desk = ready()
    by_hand(desk)
    assert held(desk) == [0, LOTS, 0]
    desk.session.core.limit(limit.HOLDING_NS, HOUR * SECOND)
    assert only(PlaceOrder, desk.wait(2 * HOUR, step_s=30)) == []
    assert only(PlaceOrder, desk.tell(Operated(Command.KILL, desk.now_ns, "a", "tested"))) == []
    assert only(PlaceOrder, desk.wait(30)) == []
    assert held(desk) == [0, LOTS, 0]
    assert folds_to_itself(desk)


def test_what_a_person_buys_is_neither_gain_nor_loss_of_the_desk() -> None:
    desk = ready()
    by_hand(desk)
    desk.wait(1, price=PRICE // 2)
    s = desk.session.core.s
    worth = 45_000 * 10**8 // 10
    assert s.account[at.EQUITY] == 100_000 * 10**8 - worth
    assert s.account[at.PEAK] == s.account[at.EQUITY]
    assert s.account[at.HALT] == 0


def test_what_a_person_sells_is_taken_from_what_is_set_aside() -> None:
    opening = AccountSeen(
        NOON, NOON, 0, balances={"USDT": Decimal(100_000), "BTC": Decimal("0.1")}
    )
    desk = ready(opening=opening)
    (entry,) = desk.want(buy(5 * LOTS))
    desk.fill(entry, entry.lots)
    by_hand(desk)
    assert held(desk) == [5 * LOTS, LOTS, LOTS]
    by_hand(desk, Side.SELL, 3 * LOTS // 2, "SOLD")  # more than either slot holds
    assert sum(held(desk)[1:]) == LOTS // 2
    assert held(desk)[0] == 5 * LOTS
    by_hand(desk, Side.SELL, LOTS, "MORE")  # more than is set aside
    assert sum(held(desk)) == 5 * LOTS + LOTS // 2 - LOTS
    assert folds_to_itself(desk)


def bidding(side: Side) -> Desk:
    """Return a desk that may have 4.5 % at stake, while the owner's order for as much works."""
    desk = ready()
    by_hand(desk)
    desk.tell(LimitChanged("GROSS_PPM", 45_000, desk.now_ns, "ada", "tested"))
    price = PRICE - 500 if side is Side.BUY else PRICE + 500
    desk.tell(desk.account([order(desk, side, venue_id="WORKS", limit_ticks=price)]))
    assert len(desk.session.core.live_rows()) == 1
    return desk


def test_a_purchase_by_hand_counts_in_exposure_while_it_works() -> None:
    """Section 4: adopted orders are counted at their worst case, and never cancelled."""
    desk = bidding(Side.BUY)
    assert desk.want(resting(LOTS // 2)) == []
    assert desk.session.last_verdict[1] in {DenialCode.GROSS, DenialCode.BELOW_MINIMUM}
    assert only(CancelOrder, desk.tell(Operated(Command.KILL, desk.now_ns, "a", "t"))) == []


def test_a_sale_by_hand_of_what_is_set_aside_adds_no_exposure() -> None:
    """Nor do the coins themselves: those are not the trading book's."""
    assert len(bidding(Side.SELL).want(resting(LOTS // 2))) == 1


# --- orders -------------------------------------------------------------------------------------


def test_an_adopted_order_that_no_view_shows_any_more_ends() -> None:
    """By the rule of absence: three complete views, half a minute, no gap, balances agree."""
    desk = ready()
    desk.tell(desk.account([order(desk)]))
    assert desk.session.core.live_rows() != []
    for _ in range(3):
        desk.wait(10)
        desk.tell(desk.account())
        assert desk.session.core.live_rows() != []
    desk.wait(5)
    desk.tell(desk.account())
    assert desk.session.core.live_rows() == []
    assert "vanished" in desk.alerts()


def test_an_adopted_order_that_is_shown_stays() -> None:
    desk = ready()
    for _ in range(6):
        desk.wait(20)
        desk.tell(desk.account([order(desk)]))
    assert len(desk.session.core.live_rows()) == 1


def test_an_order_that_its_owner_enlarged_is_no_overfill() -> None:
    desk = ready()
    shown = order(desk)
    desk.tell(desk.account([shown]))
    desk.tell(fill(desk, lots=3 * LOTS))
    s = desk.session.core.s
    assert held(desk) == [0, 3 * LOTS, 0]
    assert s.account[at.HALT] == 0
    assert "overfill" not in desk.alerts()


def test_a_view_whose_orders_are_older_than_its_fills_takes_an_order_up() -> None:
    """Orders are read before fills."""
    desk = ready()
    desk.tell(desk.account([order(desk, filled_lots=0)], [fill(desk, lots=LOTS // 2)]))
    s = desk.session.core.s
    assert held(desk) == [0, LOTS // 2, 0]
    assert s.account[at.N_ILLEGAL] == 0
    (row,) = desk.session.core.live_rows()
    assert s.orders[row, at.LOTS] - s.orders[row, at.FILLED] == LOTS // 2


# --- orders for an amount of money --------------------------------------------------------------


def amount(desk: Desk, state: OrderState = OrderState.FILLED) -> OrderSeen:
    """Return an order by hand for an amount of quote currency (`viqc`)."""
    return order(
        desk, type=OrderType.MARKET, limit_ticks=0, lots=0, state=state, is_for_amount=True
    )


def test_an_order_for_an_amount_of_money_stops_no_trading() -> None:
    """The stream says a fill first; a view explains it, and new risk is taken again."""
    desk = ready()
    seen = fill(desk, lots=LOTS)
    desk.tell(seen)
    before = desk.balances()
    moved = {
        "BTC": before["BTC"] + Decimal("0.1"), "USDT": before["USDT"] - Decimal(4_500),
    }  # fmt: skip
    desk.wait(1)
    desk.tell(desk.account([amount(desk)], [seen], balances=moved))
    assert held(desk) == [0, LOTS, 0]
    desk.wait(1)
    desk.tell(desk.account([amount(desk)], [seen], balances=moved))
    assert desk.session.findings(desk.now_ns) == []
    assert len(desk.want(resting(LOTS))) == 1
    assert folds_to_itself(desk)


def test_each_fill_of_an_order_for_an_amount_is_booked_once_as_it_comes() -> None:
    desk = ready()
    working = amount(desk, OrderState.PARTIALLY_FILLED)
    first, second = (fill(desk, trade_id=f"T{k}", lots=LOTS + k) for k in range(2))
    desk.tell(desk.account([working], [first]))
    desk.tell(second)
    desk.tell(first, second)
    desk.session.flush()
    desk.restart()
    desk.tell(desk.account([amount(desk)], [first, second]))
    assert held(desk) == [0, 2 * LOTS + 1, 0]
    assert desk.session.core.s.account[at.HALT] == 0
    assert "foreign_order" in desk.alerts()


def test_the_stream_alone_makes_no_order_one_for_an_amount() -> None:
    """It may just leave the quantity out."""
    desk = ready()
    desk.tell(order(desk, lots=0))
    desk.tell(fill(desk))
    assert held(desk) == [0, 0, 0]
    assert desk.session.findings(desk.now_ns) == []
    desk.tell(desk.account())
    assert "not reconciled" in desk.session.findings(desk.now_ns)[0]


# --- fills that come late -----------------------------------------------------------------------


def forget(desk: Desk, n: int = 1_000) -> None:
    """Let so many orders close that older ones leave hot state."""
    for _ in range(n):
        (passing,) = desk.want(resting(1_000_000))
        desk.tell(desk.shown(passing, OrderState.CANCELLED))
        desk.now_ns += SECOND


def test_a_fill_of_an_order_that_was_forgotten_is_booked_and_told() -> None:
    """Position, cash and an urgent alert; the same trade id twice is one fill."""
    desk = ready()
    (late,) = desk.want(resting(LOTS))
    desk.tell(desk.shown(late, OrderState.CANCELLED))
    forget(desk)
    cash = desk.balances()["USDT"]
    seen = desk.a_fill(late, LOTS, PRICE - 100)
    desk.tell(seen)
    desk.tell(seen)
    assert held(desk) == [0, LOTS, 0]
    assert desk.balances()["USDT"] == cash - Decimal("4499.9")
    assert desk.alerts().count("late_fill") == 1
    desk.session.flush()
    desk.restart()
    desk.tell(desk.account(fills=[seen]))
    assert held(desk) == [0, LOTS, 0]
    assert desk.session.readiness.is_reconciled
    assert folds_to_itself(desk)


def test_a_late_fill_of_a_forgotten_stop_takes_from_who_holds() -> None:
    desk = ready()
    (entry,) = desk.want(buy(LOTS, stop_ticks=PRICE - 10_000))
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.fill(entry, LOTS))
    desk.tell(desk.shown(stop, OrderState.CANCELLED))
    desk.wait(15)  # it is closed at market, since it had no stop
    by_hand(desk)
    (closing,) = [
        item for item in only(PlaceOrder, desk.effects) if item.is_reduce_only and item.type is
        OrderType.MARKET
    ]  # fmt: skip
    desk.tell(desk.shown(closing, OrderState.CANCELLED))
    desk.session.watch._gaps.clear()  # its next try is not what is looked at
    forget(desk)
    desk.tell(desk.a_fill(stop, LOTS // 2, PRICE - 10_000))
    assert held(desk) == [LOTS // 2, LOTS, 0]


@pytest.mark.parametrize("lots", [LOTS, 1])
def test_a_fill_of_a_denied_order_is_booked(lots: int) -> None:
    desk = ready()
    desk.tell(StreamChanged(is_up=False, ts_ns=desk.now_ns))
    desk.wait(1)
    assert desk.want(resting(lots)) == []
    number = desk.session.last_verdict[0]
    ghost = PlaceOrder(
        number=number, client_id=desk.session.client_id(number), instrument=0, side=Side.BUY,
        type=OrderType.LIMIT, lots=lots, limit_ticks=PRICE - 100, trigger_ticks=0,
        time_in_force=resting().time_in_force, expires_ns=0, deadline_ns=0, leverage=1,
        is_post_only=False, is_reduce_only=False, is_protection=False,
    )  # fmt: skip
    desk.fill(ghost, LOTS, PRICE - 100)
    assert held(desk) == [0, LOTS, 0]
    assert "late_fill" in desk.alerts()
    assert desk.session.core.s.account[at.HALT] == 0


# --- fees in coins ------------------------------------------------------------------------------


def test_a_fee_in_coins_reduces_what_was_bought_and_costs_what_it_was_worth() -> None:
    """A fee paid in the asset reduces the lot; no money moves for it."""
    desk = ready()
    (entry,) = desk.want(buy(LOTS, stop_ticks=PRICE - 10_000))
    desk.answer(entry)
    seen = replace(desk.a_fill(entry, LOTS), fee_lots=26_000)
    desk.tell(seen)
    desk.tell(seen)
    s = desk.session.core.s
    assert held(desk)[0] == LOTS - 26_000
    fee = PRICE * 26_000 // 100  # money units, of ticks of 0.01
    assert s.account[at.FEES] == fee
    assert desk.balances()["USDT"] == Decimal(100_000) - Decimal(4_500)
    desk.wait(1)
    assert s.account[at.EQUITY] == 100_000 * 10**8 - fee
    assert folds_to_itself(desk)


def test_a_stop_is_cut_to_what_a_fee_in_coins_leaves() -> None:
    desk = ready()
    (entry,) = desk.want(buy(LOTS, stop_ticks=PRICE - 10_000))
    desk.answer(entry)
    (stop,) = only(PlaceOrder, desk.tell(replace(desk.a_fill(entry, LOTS), fee_lots=26_000)))
    desk.answer(stop)
    row = desk.session.core.row_of(stop.number)
    orders = desk.session.core.s.orders
    wanted = orders[row, at.AMEND_LOTS] if orders[row, at.PENDING] else orders[row, at.LOTS]
    assert wanted == LOTS - 26_000


def test_a_sale_by_hand_whose_fee_is_in_coins_leaves_the_books_agreeing() -> None:
    """Kraken takes the fee of a sale from what is sold, unless it is asked not to."""
    desk = ready()
    by_hand(desk)
    before = desk.balances()
    done = order(
        desk, Side.SELL, venue_id="SOLD", state=OrderState.FILLED, lots=LOTS // 2,
        filled_lots=LOTS // 2,
    )  # fmt: skip
    seen = fill(desk, Side.SELL, trade_id="T2", venue_id="SOLD", lots=LOTS // 2, fee_lots=13_000)
    after = {
        "BTC": before["BTC"] - Decimal("0.05013"), "USDT": before["USDT"] + Decimal(2_250),
    }  # fmt: skip
    desk.tell(desk.account([done], [seen], balances=after))
    assert held(desk) == [0, LOTS // 2 - 13_000, 0]
    assert desk.session.readiness.is_reconciled
    desk.session.flush()
    desk.restart()
    desk.tell(desk.account([done], [seen], balances=after))
    assert held(desk) == [0, LOTS // 2 - 13_000, 0]
    assert folds_to_itself(desk)


def test_a_sale_whose_purchase_is_still_on_its_way_waits_for_it() -> None:
    """F05: no slot ever falls below zero, and no coin is lost between slots."""
    desk = ready()
    bought = order(
        desk, venue_id="BUY", type=OrderType.MARKET, limit_ticks=0, filled_lots=LOTS,
        state=OrderState.FILLED,
    )  # fmt: skip
    sold = order(
        desk, Side.SELL, venue_id="SOLD", type=OrderType.MARKET, limit_ticks=0, lots=LOTS // 2,
        filled_lots=LOTS // 2, state=OrderState.FILLED,
    )  # fmt: skip
    purchase = fill(desk, trade_id="T1", venue_id="BUY")
    sale = fill(desk, Side.SELL, trade_id="T2", venue_id="SOLD", lots=LOTS // 2, fee_lots=13_000)
    desk.tell(desk.account([sold], [sale]))
    assert held(desk) == [0, 0, 0]
    assert not desk.session.readiness.is_reconciled
    desk.tell(desk.account([bought, sold], [purchase, sale]))
    assert held(desk) == [0, LOTS // 2 - 13_000, 0]
    desk.tell(desk.account([bought, sold], [purchase, sale]))
    assert desk.session.readiness.is_reconciled
    assert desk.session.core.s.account[at.N_ILLEGAL] == 0
    assert folds_to_itself(desk)
