"""Session, Kraken adapter and local exchange together: what once was lost, left late or sold."""

from __future__ import annotations

from decimal import Decimal

from athena.domain import SECOND_NS, OrderType, Side
from athena.platform.config import CostsConfig, RiskConfig
from athena.research import risk_limits
from athena.trading import Command, Intent, StrategySlot
from athena.trading import layout as at
from athena.trading import limits as limit
from athena.trading.live import Operated, Wanted
from tests.virtual_desk import VirtualDesk

BTC_PRICE = Decimal(45_000)
LOTS = 10_000_000


def begun(**changes: bool) -> VirtualDesk:
    """Return a desk that has just begun."""
    limits = risk_limits(RiskConfig(), CostsConfig())
    limits[limit.SLIPPAGE_PPM] = 10**9  # the volume of its market is not known
    return VirtualDesk(
        limits=limits,
        balances={"USD": Decimal(100_000)},
        prices=[BTC_PRICE, Decimal("0.6")],
        slots=[StrategySlot("one")],
        **changes,
    )


def opened(**changes: bool) -> VirtualDesk:
    """Return a desk that is ready to trade."""
    desk = begun(**changes)
    desk.run_until(
        lambda: desk.has_session and not desk.session.findings(desk.heap.now_ns), most_s=30
    )
    return desk


def buy(desk: VirtualDesk) -> None:
    """Want 0.1 BTC, with a stop."""
    last = desk.session.core.s.instruments[0, at.LAST]
    intent = Intent(side=Side.BUY, lots=LOTS, stop_ticks=last * 98 // 100)
    desk.tell(Wanted(0, intent, desk.heap.now_ns))


def bid(desk: VirtualDesk) -> None:
    """Want 0.1 BTC below the market, with a stop."""
    limit = desk.session.core.s.instruments[0, at.LAST] * 99 // 100
    intent = Intent(
        side=Side.BUY, lots=LOTS, type=OrderType.LIMIT, limit_ticks=limit,
        stop_ticks=limit * 98 // 100,
    )  # fmt: skip
    desk.tell(Wanted(0, intent, desk.heap.now_ns))


def operate(desk: VirtualDesk, command: Command) -> None:
    desk.tell(Operated(command, desk.heap.now_ns, "ada", "tested"))


def by_hand(desk: VirtualDesk, **fields: str) -> None:
    """Trade past the desk, as the account's owner may."""
    answer = desk.exchange.private("account", "AddOrder", {"pair": "XBTUSD", **fields})
    assert b'"txid"' in answer, answer
    desk.network.deliver()


def agrees(desk: VirtualDesk) -> bool:
    """Tell whether books and venue hold the same coins, and new risk is taken."""
    shown = Decimal(desk.ask_venue("Balance").get("XXBT", "0"))
    booked = desk.instruments[0].lots_to_quantity(desk.session.core.held_lots(0))
    return shown == booked and desk.session.findings(desk.heap.now_ns) == []


# --- I10 ----------------------------------------------------------------------------------------


def test_a_buy_that_waits_for_the_rate_limit_does_not_outlive_the_kill_switch() -> None:
    desk = opened()
    desk.network.pause("orders", desk.heap.now_ns + 4 * SECOND_NS)
    buy(desk)
    desk.run(1)
    assert desk.placed == []
    operate(desk, Command.KILL)
    desk.run(30)
    assert desk.placed == []
    assert desk.session.core.live_rows() == []
    assert agrees(desk)


def test_a_buy_that_waits_leaves_when_nobody_takes_it_back() -> None:
    """The clean twin."""
    desk = opened()
    desk.network.pause("orders", desk.heap.now_ns + 4 * SECOND_NS)
    buy(desk)
    desk.run(30)
    assert [fields["type"] for fields in desk.placed] == ["buy", "sell"]


def test_a_cancel_and_a_halt_take_back_a_bid_that_waits() -> None:
    for command in (Command.CANCEL_ALL, Command.HALT, Command.PAUSE):
        desk = opened()
        desk.network.pause("orders", desk.heap.now_ns + 4 * SECOND_NS)
        bid(desk)
        desk.run(0.5)
        operate(desk, command)
        desk.run(30)
        assert desk.placed == []
        assert desk.session.core.live_rows() == []


# --- the owner's coins --------------------------------------------------------------------------


def test_what_the_owner_buys_and_sells_by_hand_with_fees_in_coins_is_booked_and_kept() -> None:
    """Without `fciq` Kraken takes the fee of a sale from the coins."""
    desk = opened()
    buy(desk)
    desk.run(10)
    by_hand(desk, type="buy", ordertype="market", volume="0.2", oflags="fcib")
    desk.run(70)
    assert agrees(desk)
    by_hand(desk, type="sell", ordertype="market", volume="0.05")
    desk.run(70)
    assert agrees(desk)
    operate(desk, Command.KILL)
    desk.run(60)
    core = desk.session.core
    assert [core.slot_lots(slot, 0) for slot in (0, 2)] == [0, 0]
    kept = core.slot_lots(1, 0)
    assert 14_900_000 < kept < 15_000_000  # 0.15 less the fees of both
    assert Decimal(desk.ask_venue("Balance")["XXBT"]) == Decimal(kept) / 10**8


# --- the dead-man switch ------------------------------------------------------------------------


def killed_for(desk: VirtualDesk, seconds: float) -> list[str]:
    """Kill the process, let time pass; return the types of the orders that work at the venue."""
    desk.kill()
    desk.run(seconds)
    shown = desk.ask_venue("OpenOrders")["open"].values()
    return [order["descr"]["ordertype"] for order in shown]


def test_the_dead_man_switch_cancels_a_bid_when_the_process_has_died_for_a_minute() -> None:
    desk = opened(wants_dead_man=True)
    bid(desk)
    desk.run(100)  # it is renewed: nothing happens
    assert len(desk.ask_venue("OpenOrders")["open"]) == 1
    assert killed_for(desk, 61) == []
    desk.start()
    desk.run(30)
    assert desk.session.core.live_rows() == []
    assert agrees(desk)
    assert "dead_man" in {alert.code for alert in desk.alerts}


def test_without_the_switch_a_bid_outlives_the_process() -> None:
    """The clean twin; it is off by default."""
    desk = opened()
    bid(desk)
    desk.run(10)
    assert killed_for(desk, 120) == ["limit"]


def test_the_dead_man_switch_never_takes_a_stop_away() -> None:
    """It would leave the position without one: while a stop rests it is off."""
    desk = opened(wants_dead_man=True)
    desk.run(5)
    buy(desk)
    desk.run(30)
    assert killed_for(desk, 180) == ["stop-loss"]


# --- the self-test ------------------------------------------------------------------------------


def test_no_new_risk_is_taken_before_the_venue_has_checked_a_test_order() -> None:
    """D05, and again after a restart."""
    desk = begun(needs_self_test=True)
    desk.run_until(lambda: desk.has_session, most_s=30)
    assert desk.session.findings(desk.heap.now_ns)[0] == (
        "the venue has not checked a test order yet"
    )
    buy(desk)
    assert desk.session.last_verdict[1] is not None
    desk.run(30)
    assert agrees(desk)
    assert {fields.get("validate") for fields in desk.placed} == {"true"}
    assert "self_test" in {alert.code for alert in desk.alerts}
    desk.kill()
    desk.start()
    assert "the venue has not checked a test order yet" in desk.session.findings(desk.heap.now_ns)
    desk.run(60)
    assert agrees(desk)
    assert len(desk.placed) == 4
    buy(desk)
    assert desk.session.last_verdict[1] is None


def test_a_test_order_that_is_not_taken_is_a_finding_until_it_is() -> None:
    """D05: the broken condition is named, and nothing is bought; it is asked again in a minute."""
    desk = begun(needs_self_test=True)
    desk.network.pause("orders", desk.heap.now_ns + 20 * SECOND_NS)
    desk.run(15)
    (finding,) = desk.session.findings(desk.heap.now_ns)
    assert finding == "; ".join(
        f"the test order of {pair}: no room under the rate limit in time"
        for pair in ("XBTUSD", "XRPUSD")
    )
    buy(desk)
    assert desk.session.last_verdict[1] is not None
    desk.run(70)
    assert agrees(desk)
