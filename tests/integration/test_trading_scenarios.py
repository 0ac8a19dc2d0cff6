"""The trading scenarios of C26: from a signal to the venue and back, when things go wrong too."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import SECOND_NS, OrderState, OrderType, Side
from athena.trading import Intent, StrategySlot
from athena.trading import layout as at
from athena.trading.live import Wanted
from athena.venues.faults import Fault, FaultPlan
from tests.core_builder import NOON, cheap_limits
from tests.virtual_desk import VirtualDesk

if TYPE_CHECKING:
    from collections.abc import Mapping

DARK_NS = 115 * SECOND_NS
COIN = 100_000_000  # lots
TENTH = COIN // 10
PRICE = 450_000  # ticks of 0.1
STOP = PRICE * 98 // 100


def desk_of(**changes: object) -> VirtualDesk:
    """Return a desk with 100,000 USD and two strategies, under wide limits, ready to trade."""
    arguments: dict[str, object] = {
        "limits": cheap_limits(is_open=True),
        "balances": {"USD": Decimal(100_000)},
        "prices": [Decimal(45_000), Decimal("0.5")],
        "slots": [StrategySlot("a", share_ppm=500_000), StrategySlot("b", share_ppm=500_000)],
        **changes,
    }
    desk = VirtualDesk(**arguments)  # type: ignore[arg-type] # fields of the desk
    desk.run_until(lambda: desk.has_session and not findings(desk), 300)
    return desk


def findings(desk: VirtualDesk) -> list[str]:
    return desk.session.findings(desk.heap.now_ns)


def want(desk: VirtualDesk, strategy: int = 0, **changes: Any) -> int:
    """Have a strategy want a tenth of a bitcoin with a stop; return the order's number."""
    terms: dict[str, Any] = {"lots": TENTH, "stop_ticks": STOP, **changes}
    intent = Intent(side=Side.BUY, **terms)
    desk.tell(Wanted(strategy, intent, desk.heap.now_ns, "c" * 32))
    number, code = desk.session.last_verdict
    assert code is None, code
    return number


def working(desk: VirtualDesk) -> list[Mapping[str, Any]]:
    """Return what works at the venue."""
    return list(desk.ask_venue("OpenOrders")["open"].values())


def held(desk: VirtualDesk) -> Decimal:
    return Decimal(desk.ask_venue("Balance").get("XXBT", "0"))


def check_books(desk: VirtualDesk) -> None:
    """Let it settle; books and venue agree, and no client id reached the venue twice."""
    desk.run(120)
    assert findings(desk) == []
    assert desk.session.instruments[0].lots_to_quantity(desk.session.core.held_lots(0)) == held(
        desk
    )
    ids = [order["cl_ord_id"] for order in desk.placed]
    assert len(ids) == len(set(ids))


def state_of(desk: VirtualDesk, number: int) -> OrderState:
    s = desk.session.core.s
    row = desk.session.core.row_of(number)
    if row >= 0:
        return list(OrderState)[s.orders[row, at.STATE]]
    return list(OrderState)[s.closed[number % len(s.closed), at.STATE]]


def test_a_signal_becomes_a_fill_and_its_stop_rests_at_the_venue() -> None:
    """C26: signal to fill; the stop is there within the two seconds of the deadline."""
    desk = desk_of()
    want(desk)
    desk.run_until(lambda: held(desk) == Decimal("0.1"), 30)
    desk.run(2)
    (stop,) = working(desk)
    assert stop["descr"]["ordertype"] == "stop-loss"
    assert (stop["descr"]["type"], Decimal(stop["vol"])) == ("sell", Decimal("0.1"))
    assert Decimal(stop["descr"]["price"]) == Decimal(STOP) / 10
    assert "unprotected" not in {alert.code for alert in desk.alerts}
    check_books(desk)


def test_two_strategies_trade_at_once_and_each_has_its_own() -> None:
    """C26: concurrent executions in one instrument."""
    desk = desk_of()
    want(desk, 0)
    want(desk, 1, lots=2 * TENTH)
    desk.run_until(lambda: held(desk) == Decimal("0.3"), 60)
    check_books(desk)
    n = len(desk.instruments)
    books = [int(desk.session.core.s.positions[slot * n, 0]) for slot in (0, 1)]
    assert books == [TENTH, 2 * TENTH]
    assert sorted(Decimal(order["vol"]) for order in working(desk)) == [
        Decimal("0.1"),
        Decimal("0.2"),
    ]


def test_a_time_out_is_asked_about_before_anything_else_is_sent() -> None:
    """C26: API time-out with an unknown order -> query before retry, one order at the venue."""
    deaf = {Fault.TIMEOUT_AFTER_ACCEPT: 1.0, Fault.HALF_OPEN_SOCKET: 1.0}
    lost = FaultPlan(7, deaf, NOON + 100 * SECOND_NS, NOON + DARK_NS)
    desk = desk_of(faults=lost)
    desk.run((NOON + 101 * SECOND_NS - desk.heap.now_ns) / SECOND_NS)
    number = want(desk, type=OrderType.LIMIT, limit_ticks=PRICE * 99 // 100)
    desk.run_until(lambda: state_of(desk, number) is OrderState.UNKNOWN, 60)
    desk.run_until(lambda: state_of(desk, number) is OrderState.OPEN, 120)
    assert [order["type"] for order in desk.placed] == ["buy"]
    assert len(working(desk)) == 1
    check_books(desk)


def test_after_a_restart_orders_that_were_under_way_are_found_and_not_sent_again() -> None:
    """C26: restart with pending orders: one that rests, one whose answer was not read yet."""
    desk = desk_of()
    resting = want(desk, type=OrderType.LIMIT, limit_ticks=PRICE * 99 // 100)
    desk.run_until(lambda: state_of(desk, resting) is OrderState.OPEN, 30)
    sent = want(
        desk, 1, type=OrderType.LIMIT, limit_ticks=PRICE * 97 // 100, stop_ticks=PRICE * 95 // 100
    )
    desk.run_until(lambda: len(desk.placed) == 2, 30)  # it is there; nobody has heard so
    desk.kill()
    desk.run(30)
    desk.start()
    desk.run_until(lambda: desk.has_session and not findings(desk), 300)
    assert [state_of(desk, number) for number in (resting, sent)] == [OrderState.OPEN] * 2
    assert len(working(desk)) == 2
    desk.prices[0] = Decimal(44_500)
    desk.run_until(lambda: held(desk) == Decimal("0.1"), 120)
    check_books(desk)
    assert len(desk.placed) == 3  # the stop of what was filled, and no entry again


def test_each_part_of_an_entry_is_protected_at_once() -> None:
    """C26: partial fill -> protected, at every second of it, by no more than is held."""
    desk = desk_of(trade_worth=Decimal(1_000))
    want(desk, type=OrderType.LIMIT, limit_ticks=PRICE * 999 // 1_000)
    desk.run(5)
    desk.prices[0] = Decimal(44_900)
    unprotected_s, sizes = 0, set()
    for _ in range(120):
        desk.run(1)
        has, rests = held(desk), Decimal(0)
        for order in working(desk):
            if order["descr"]["type"] == "sell":
                rests += Decimal(order["vol"]) - Decimal(order["vol_exec"])
        assert rests <= has
        unprotected_s = unprotected_s + 1 if rests < has else 0
        assert unprotected_s <= 2
        sizes.add(has)
        if has == Decimal("0.1"):
            break
    assert len(sizes) > 2  # it came in parts
    check_books(desk)
