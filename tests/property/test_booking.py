"""D07, TR-08: fills against a fraction oracle, and orders against a model of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from athena.domain import Instrument, OrderType, Side
from athena.trading import ORDER_TABLE, Intent, OrderEvent, codes, step
from athena.trading import layout as at
from tests.core_builder import MONEY, TEST, Core

# Steps whose products are no whole money units, so that rounding shows.
ODD = Instrument("ODD/USDT", Decimal("0.003"), Decimal("0.0000007"), is_margin=True)
UNIT = Fraction(ODD.tick) * Fraction(ODD.lot) * MONEY


def nearest(x: Fraction) -> int:
    return floor(x + Fraction(1, 2)) if x >= 0 else -floor(-x + Fraction(1, 2))


@dataclass
class Book:
    """Positions by the textbook: exact values, each booked amount rounded once."""

    cash: int
    fees: int = 0
    realised: int = 0
    quantity: int = 0
    cost: int = 0
    flows: list[int] = field(default_factory=list)

    def fill(self, lots: int, ticks: int, fee: int) -> None:
        worth = nearest(lots * ticks * UNIT)
        self.flows.append(-worth - fee)
        self.cash += self.flows[-1]
        self.fees += fee
        closing = 0
        if self.quantity * lots < 0:
            closing = -self.quantity if abs(lots) >= abs(self.quantity) else lots
            released = (
                self.cost
                if closing == -self.quantity
                else floor(Fraction(self.cost * -closing, self.quantity))
            )
            proceeds = -nearest(closing * ticks * UNIT)
            self.realised += proceeds - released
            self.cost -= released
            self.quantity += closing
        if lots != closing:
            self.cost += worth - nearest(closing * ticks * UNIT)
            self.quantity += lots - closing


FILLS = st.lists(
    st.tuples(
        st.sampled_from([1, -1]),
        st.integers(1, 10**6),
        st.integers(1, 10**7),
        st.integers(0, 10**6),
        st.one_of(st.none(), st.integers(-(10**8), 10**8)),
    ),
    min_size=1,
    max_size=25,
)


def open_core(instrument: Instrument) -> Core:
    core = Core(instruments=[instrument], cash=Decimal(1_000_000), is_open=True)
    core.price(10_000)
    return core


@given(FILLS)
def test_cash_position_cost_and_result_reconcile_after_each_fill(
    fills: list[tuple[int, int, int, int, int | None]],
) -> None:
    """D07, C12: fills, fees and transfers against fractions; the parts sum to the unit."""
    core = open_core(ODD)
    start = core.get(at.CASH)
    book = Book(start)
    transfers = 0
    for side, lots, ticks, fee, transfer in fills:
        number = core.ask(Intent(side=Side.BUY if side > 0 else Side.SELL, lots=lots))
        assert core.approved == lots
        core.fill(number, lots, ticks, fee)
        book.fill(side * lots, ticks, fee)
        if transfer is not None:
            step.apply_cash(core.s, transfer, 1, 0)
            book.cash += transfer
            transfers += transfer
        core.s.account[at.N_EFFECTS] = core.s.account[at.N_WORDS] = 0
        cost = core.s.positions[0, at.COST]
        assert core.get(at.CASH) == book.cash
        assert core.quantity() == book.quantity
        assert cost == book.cost
        assert core.get(at.REALISED) == book.realised
        assert core.get(at.FEES) == book.fees
        # Cash plus what is held at cost is what came in plus results less fees.
        sources = start + transfers + book.realised - book.fees
        assert core.get(at.CASH) + cost == sources
        if book.quantity == 0:
            assert cost == 0


class OrderModel(RuleBasedStateMachine):
    """TR-08: one order, any report in any order, against the table and a sum of fills."""

    def __init__(self) -> None:
        super().__init__()
        self.core = open_core(TEST)
        self.lots = 10
        intent = Intent(side=Side.BUY, lots=self.lots, type=OrderType.LIMIT, limit_ticks=10_000)
        self.number = self.core.ask(intent)
        self.state = "submitting"
        self.pending = False
        self.filled = 0
        self.illegal = 0

    def is_closed(self) -> bool:
        return self.state in {"filled", "cancelled", "expired", "rejected"}

    def report(self, what: int, event: OrderEvent) -> None:
        """Send a report that is the event of the table, and move the model by it."""
        self.core.report(what, self.number)
        after = {s.value: row for s, row in ORDER_TABLE.items()}[self.state].get(event)
        if after is None:
            self.illegal += 1
        else:
            self.state = after.value

    @rule()
    def accept(self) -> None:
        if self.state in {"open", "triggered", "partially_filled"}:
            self.core.report(codes.ACCEPTED, self.number)  # late, and implied
        else:
            self.report(codes.ACCEPTED, OrderEvent.ACCEPT)

    @rule(
        pair=st.sampled_from(
            [
                (codes.REFUSED, OrderEvent.REFUSE),
                (codes.CANCELLED_REPORT, OrderEvent.CANCEL),
                (codes.EXPIRED_REPORT, OrderEvent.EXPIRE),
                (codes.TRIGGERED_REPORT, OrderEvent.TRIGGER),
                (codes.NOT_SENT, OrderEvent.PROVE_UNSENT),
                (codes.ABSENT_PROVEN, OrderEvent.PROVE_ABSENT),
            ]
        )
    )
    def other(self, pair: tuple[int, OrderEvent]) -> None:
        self.report(*pair)

    @rule()
    def lose(self) -> None:
        if self.pending and self.state != "submitting" and not self.is_closed():
            self.core.report(codes.AMBIGUOUS, self.number)  # of the cancel: the state stays
        else:
            self.report(codes.AMBIGUOUS, OrderEvent.LOSE)

    @precondition(lambda self: not self.is_closed())
    @rule()
    def cancel(self) -> None:
        step.apply_command(self.core.s, codes.COMMAND_CANCEL, self.number, 0)
        self.pending = True

    @rule(lots=st.integers(1, 12))
    def fill(self, lots: int) -> None:
        self.core.fill(self.number, lots, 10_000)
        self.filled += lots
        if not self.is_closed():
            self.state = "filled" if self.filled >= self.lots else "partially_filled"

    @invariant()
    def core_agrees(self) -> None:
        core = self.core
        assert core.state(self.number) == self.state
        assert core.quantity() == self.filled
        assert core.get(at.CASH) == 10**14 - self.filled * 100 * MONEY
        assert core.get(at.N_ILLEGAL) == self.illegal
        assert bool(core.get(at.HALT) & at.HALT_FAULT) == (self.filled > self.lots)
        core.s.account[at.N_WORDS] = core.s.account[at.N_EFFECTS] = 0


TestOrderModel = OrderModel.TestCase
