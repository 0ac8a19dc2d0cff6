"""Rebalancing and slices from the session to an exchange and back (C11, TR-12, TR-21)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.domain import Book, OrderType, Purpose, Side
from athena.platform.config import CostsConfig, RiskConfig
from athena.research.engine._limits import risk_limits
from athena.trading import Command, Intent, StrategySlot, digest_of
from athena.trading import layout as at
from athena.trading import limits as limit
from athena.trading.algorithms import (
    RebalanceRules,
    RebalanceStage,
    twap_plan,
)
from athena.trading.live import Operated, PlanRules, PlanStarted, Wanted, fold_journal
from tests.core_builder import cheap_limits
from tests.virtual_desk import VirtualDesk

if TYPE_CHECKING:
    from athena.trading import Ints

CORE = 1
CENT = 1_000_000
SLOTS = [StrategySlot("manual"), StrategySlot("core", Book.CORE)]
THIRDS = (333_300, 333_300)
AT_45_25_30 = {"USD": Decimal(30_000), "BTC": Decimal(1), "XRP": Decimal(50_000)}
PRICES = [Decimal(45_000), Decimal("0.5")]


def default_limits() -> Ints:
    """Return the specified limits; the slippage of an unknown volume refuses nothing."""
    table = risk_limits(RiskConfig(), CostsConfig())
    table[limit.SLIPPAGE_PPM] = 10**9
    return table


def rebalancing(**changes: object) -> VirtualDesk:
    """Return a desk whose account is 45 BTC, 25 XRP, 30 USD in 100."""
    arguments: dict[str, object] = {
        "limits": default_limits(),
        "balances": AT_45_25_30,
        "prices": list(PRICES),
        "slots": list(SLOTS),
        "rules": PlanRules(rebalance=RebalanceRules(CORE, THIRDS)),
        "coins_slot": CORE,
        **changes,
    }
    return VirtualDesk(**arguments)  # type: ignore[arg-type] # fields of the desk


def weights(desk: VirtualDesk) -> list[float]:
    """Ask the venue what the account is made of: BTC, XRP, USD."""
    balances = desk.ask_venue("Balance")
    worth = [
        Decimal(balances["XXBT"]) * desk.prices[0],
        Decimal(balances["XXRP"]) * desk.prices[1],
        Decimal(balances["ZUSD"]),
    ]
    return [float(value / sum(worth)) for value in worth]


def is_done(desk: VirtualDesk) -> bool:
    return desk.has_session and desk.session.plans.rebalancing.measured is not None


def check_books(desk: VirtualDesk) -> None:
    """Books equal the venue, and the journal folds to the session that runs."""
    desk.run(90)
    balances = desk.ask_venue("Balance")
    session = desk.session
    for k, name in enumerate(("XXBT", "XXRP")):
        held = session.instruments[k].lots_to_quantity(session.core.held_lots(k))
        assert held == Decimal(balances.get(name, "0"))
    assert session.readiness.differences == ()
    session.flush()
    folded = fold_journal(desk.store, from_beginning=True)
    assert digest_of(folded.tables.views) == digest_of(session.core.s)
    assert folded.memory.plans.to_values() == session.plans.to_values()


def test_weights_of_45_25_30_are_within_tolerance_after_sales_before_purchases() -> None:
    """C11."""
    desk = rebalancing()
    desk.run(60)
    look = desk.session.plans.rebalancing
    assert look.plan is not None
    assert look.plan.off_ppm == pytest.approx(116_700, abs=1_000)
    desk.run_until(lambda: is_done(desk), 3_600)
    # The first purchase paid less than its limit: a second one spends what was left over.
    assert [order["type"] for order in desk.placed] == ["sell", "buy", "buy"]
    assert {order["ordertype"] for order in desk.placed} == {"limit"}
    assert [order["pair"] for order in desk.placed] == ["XBTUSD", "XRPUSD", "XRPUSD"]
    for now, wanted in zip(weights(desk), (0.3333, 0.3333, 0.3334), strict=True):
        assert abs(now - wanted) < 0.05
        assert abs(now - wanted) < 0.01  # one pass comes that near
    measured = desk.session.plans.rebalancing.measured
    assert measured is not None
    assert measured.is_within
    assert {"rebalance_begun", "rebalance_over"} <= {alert.code for alert in desk.alerts}
    check_books(desk)


def test_purchases_wait_until_the_last_sale_is_final_even_over_a_kill() -> None:
    """C11, TR-12: killed while the sale works; sale and purchase are asked for once each."""
    desk = rebalancing(trade_worth=Decimal(4_000))
    desk.run_until(lambda: len(desk.placed) == 1, 120)
    desk.run(8)
    assert desk.session.plans.rebalancing.stage is RebalanceStage.SELLING
    desk.kill()
    desk.run(30)
    desk.start()
    desk.run_until(lambda: is_done(desk), 7_200)
    sides = [order["type"] for order in desk.placed]
    assert sides == sorted(sides, reverse=True)  # every sell before every buy
    assert len({order["cl_ord_id"] for order in desk.placed}) == len(desk.placed)
    assert max(abs(now - 1 / 3) for now in weights(desk)) < 0.01
    check_books(desk)


def test_coins_that_were_set_aside_are_not_rebalanced() -> None:
    """By default what the account held before is nobody's to sell."""
    has = {"USD": Decimal(60_000), "BTC": Decimal("0.5"), "XRP": Decimal(10_000)}
    desk = rebalancing(coins_slot=None, balances=has)
    desk.run_until(lambda: is_done(desk), 3_600)
    assert {order["type"] for order in desk.placed} == {"buy"}
    balances = desk.ask_venue("Balance")
    bought = Decimal(balances["XXBT"]) - has["BTC"], Decimal(balances["XXRP"]) - has["XRP"]
    for quantity, price in zip(bought, PRICES, strict=True):
        assert float(quantity * price) == pytest.approx(20_000, rel=0.02)
    check_books(desk)


def test_a_rebalance_waits_while_a_trade_in_the_asset_is_in_flight() -> None:
    """TR-21: the sale of bitcoin waits for somebody's order in it; with it the purchase."""
    desk = rebalancing(limits=cheap_limits(is_open=True))
    desk.run_until(lambda: desk.has_session, 60)
    desk.tell(Operated(Command.PAUSE, desk.heap.now_ns, "ann", "not yet"))
    desk.run(60)
    look = desk.session.plans.rebalancing
    assert (look.looked_ns > 0, look.plan) == (True, None)
    desk.tell(Operated(Command.RESUME, desk.heap.now_ns, "ann", "now"))
    rests = Intent(side=Side.BUY, type=OrderType.LIMIT, lots=1_000_000, limit_ticks=400_000)
    desk.tell(Wanted(0, rests, desk.heap.now_ns))
    desk.run_until(lambda: desk.session.plans.rebalancing.is_under_way, 3_700)
    n_denied = desk.session.core.s.account[at.N_DENIED]
    desk.run(60)
    assert [order["price"] for order in desk.placed] == ["40000"]
    assert desk.session.core.s.account[at.N_DENIED] == n_denied  # it waits, and uses no try up
    desk.tell(Operated(Command.CANCEL, desk.heap.now_ns, "ann", "no longer", argument=1))
    desk.run_until(lambda: is_done(desk), 3_600)
    assert [order["type"] for order in desk.placed] == ["buy", "sell", "buy", "buy"]
    check_books(desk)


def test_a_halt_ends_a_rebalance_and_no_purchase_follows() -> None:
    desk = rebalancing(trade_worth=Decimal(4_000))
    desk.run_until(lambda: len(desk.placed) == 1, 120)
    desk.tell(Operated(Command.HALT, desk.heap.now_ns, "ann", "enough"))
    desk.run(3_700)
    assert [order["type"] for order in desk.placed] == ["sell"]
    state = desk.session.plans.rebalancing
    assert not state.is_under_way
    assert state.measured is not None
    assert not state.measured.is_within
    check_books(desk)


def test_a_twap_killed_mid_way_fills_its_total_once() -> None:
    """TR-12: kill and restart mid-way -> remaining slices only; the sum is exact."""
    desk = rebalancing(
        rules=PlanRules(), coins_slot=None, limits=cheap_limits(is_open=True),
        balances={"USD": Decimal(100_000)},
    )  # fmt: skip
    desk.run(30)
    plan = twap_plan(
        "t1",
        0,
        Intent(side=Side.BUY, purpose=Purpose.MANUAL),
        100_000_000,
        start_ns=desk.heap.now_ns,
        smallest_lots=10_000,
        slices=3,
        window_ns=900 * 10**9,
    )
    desk.tell(PlanStarted(plan, desk.heap.now_ns, "ann", "because"))
    desk.run_until(lambda: len(desk.placed) == 2, 900)
    desk.kill()  # the second order is on its way: nobody here knows what came of it
    desk.run(10)
    desk.start()
    desk.run(1_800)
    assert [Decimal(order["volume"]) for order in desk.placed] == [
        Decimal("0.33333333"), Decimal("0.33333333"), Decimal("0.33333334"),
    ]  # fmt: skip
    assert Decimal(desk.ask_venue("Balance")["XXBT"]) == 1
    check_books(desk)
