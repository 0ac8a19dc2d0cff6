"""The chronicle: no order is forgotten before it is written, and its chain can be found again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.app.live import FillRow, OrderRow, RecorderState
from athena.app.running._account_rows import Known, Titles
from athena.app.running._accounts import _decisions
from athena.app.running._chronicle import Chronicle
from athena.domain import OrderState, RunMode
from athena.trading import Command
from athena.trading import layout as at
from athena.trading.live import Answered, Operated, PlaceOrder, Request, Result, Wanted
from tests.session_builder import Desk, buy, only, resting

if TYPE_CHECKING:
    from athena.app.live import Row
    from athena.trading.live import Alert, Event

N_ORDERS, N_IN_MEMORY = 5_000, 1_000


@dataclass
class Shelf:
    """A sink and a bell that keep what they are given."""

    orders: dict[int, OrderRow] = field(default_factory=dict)
    fills: list[FillRow] = field(default_factory=list)
    state: RecorderState = field(default_factory=lambda: RecorderState(0, 0, ""))

    def put(self, *rows: Row) -> None:
        for row in rows:
            if isinstance(row, OrderRow):
                self.orders[row.number] = row
            elif isinstance(row, FillRow):
                self.fills.append(row)

    def post(self, alert: Alert) -> None:
        """Hear an alert."""


@dataclass
class Told:
    """A desk of which a chronicle is kept, as the engine does it: after every event."""

    desk: Desk = field(default_factory=Desk)
    shelf: Shelf = field(default_factory=Shelf)
    chronicle: Chronicle = field(init=False)

    def __post_init__(self) -> None:
        self.chronicle = Chronicle(Titles(RunMode.PAPER, "sim", ("a",)), self.shelf, self.shelf)
        self.desk.wait(2)
        self.desk.tell(self.desk.account())

    def tell(self, event: Event) -> list[PlaceOrder]:
        self.chronicle.hear(event)
        placed = only(PlaceOrder, self.desk.tell(event))
        session, now_ns = self.desk.session, self.desk.now_ns
        if isinstance(event, Wanted):
            number, code = session.last_verdict
            self.chronicle.wanted(number, code, event.correlation_id)
        self.chronicle.changed(session, session.take_touched(), now_ns)
        return placed


def in_memory(desk: Desk) -> int:
    """Count the closed orders that the core still holds."""
    closed = desk.session.core.s.closed
    return sum(bool(closed[slot, at.NUMBER]) for slot in range(len(closed)))


def test_of_five_thousand_closed_orders_a_thousand_stay_in_memory_and_all_are_written() -> None:
    """C25: at most 1,000 in memory, all 5,000 in storage, none trimmed before it was there."""
    told = Told()
    for number in range(1, N_ORDERS + 1):
        (order,) = told.tell(Wanted(0, resting(), told.desk.now_ns, f"{number:032x}"))
        refused = Answered(
            Request.PLACE, order.client_id, Result.REFUSED, told.desk.now_ns, reason="tested"
        )
        told.tell(refused)
        assert told.shelf.orders[order.number].state is OrderState.REJECTED
    assert in_memory(told.desk) <= N_IN_MEMORY
    kept = [told.shelf.orders[number] for number in sorted(told.shelf.orders)]
    assert [row.number for row in kept] == list(range(1, N_ORDERS + 1))
    assert {row.state for row in kept} == {OrderState.REJECTED}
    assert {row.reason for row in kept} == {"tested"}
    assert [row.correlation_id for row in kept] == [f"{k:032x}" for k in range(1, N_ORDERS + 1)]


def test_from_a_fill_s_correlation_id_its_orders_are_found_again() -> None:
    """C17: entry, stop and target of one decision carry one id, and so do their fills."""
    told = Told()
    chains = ["c" * 32, "d" * 32]
    price = told.desk.session.core.s.instruments[0, at.LAST]
    wish = buy(stop_ticks=price - 10_000, target_ticks=price + 20_000)
    for chain in chains:
        (entry,) = told.tell(Wanted(0, wish, told.desk.now_ns, chain))
        exits = told.tell(told.desk.a_fill(entry, entry.lots))
        for order in exits:
            told.tell(
                Answered(Request.PLACE, order.client_id, Result.ACCEPTED, told.desk.now_ns, "O")
            )
        stop = exits[0]
        told.tell(told.desk.a_fill(stop, stop.lots, stop.trigger_ticks))
    assert len(told.shelf.fills) == 4
    for fill in told.shelf.fills:
        chain = fill.correlation_id
        found = [row for row in told.shelf.orders.values() if row.correlation_id == chain]
        assert fill.order_number in {row.number for row in found}
        assert [row.purpose.value for row in found] == ["entry", "protect", "protect"]
        assert [row.state.value for row in found[:2]] == ["filled", "filled"]
    assert [fill.correlation_id for fill in told.shelf.fills] == [
        chain for chain in chains for _ in range(2)
    ]


def test_the_fill_of_a_liquidation_has_the_chain_of_who_asked() -> None:
    """C17: close, kill, a breaker or a time exit is no decision, and still has its chain."""
    told = Told()
    (entry,) = told.tell(Wanted(0, buy(), told.desk.now_ns, "c" * 32))
    told.tell(told.desk.a_fill(entry, entry.lots))
    flatten = Operated(Command.FLATTEN, told.desk.now_ns, "ada", "out", correlation_id="e" * 32)
    (closing,) = told.tell(flatten)
    told.tell(told.desk.a_fill(closing, closing.lots))
    assert [fill.correlation_id for fill in told.shelf.fills] == ["c" * 32, "e" * 32]
    row = told.shelf.orders[closing.number]
    assert (row.state, row.reason) == (OrderState.FILLED, "flatten by ada: out")


def test_an_order_that_is_taken_back_says_why_and_one_that_filled_first_does_not() -> None:
    told = Told()
    orders = [
        told.tell(Wanted(0, resting(), told.desk.now_ns, f"{k:032x}"))[0] for k in range(1, 3)
    ]
    for order in orders:
        told.tell(told.desk.shown(order, OrderState.OPEN))
    told.tell(Operated(Command.PAUSE, told.desk.now_ns, "ada", "lunch"))
    first, second = orders
    told.tell(told.desk.a_fill(first, first.lots))
    told.tell(told.desk.shown(second, OrderState.CANCELLED))
    rows = [told.shelf.orders[order.number] for order in orders]
    assert [row.state for row in rows] == [OrderState.FILLED, OrderState.CANCELLED]
    assert [row.reason for row in rows] == ["", "pause by ada: lunch"]


def test_what_the_journal_says_of_orders_is_known_after_a_restart() -> None:
    told = Told()
    (entry,) = told.tell(Wanted(0, buy(), told.desk.now_ns, "c" * 32))
    told.tell(told.desk.a_fill(entry, entry.lots))
    (waiting,) = told.tell(Wanted(0, resting(), told.desk.now_ns, "d" * 32))
    kill = Operated(Command.KILL, told.desk.now_ns, "ada", "out", correlation_id="e" * 32)
    (closing,) = told.tell(kill)
    told.desk.session.flush()
    known = _decisions(told.desk.store)
    words = "kill by ada: out"
    assert known[entry.number] == Known(correlation_id="c" * 32)
    assert known[waiting.number] == Known(correlation_id="d" * 32, ended=words)
    assert known[closing.number] == Known(correlation_id="e" * 32, reason=words)
