"""Laws of a comparison, for any two lists of orders: sums, self, and exchange of the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from athena.domain import Purpose
from athena.research.comparison import Part
from athena.research.comparison._bars import SeenBars
from athena.research.comparison._causes import Piece, net
from athena.research.comparison._gap import attribute
from athena.research.comparison._match import match_orders
from athena.research.comparison._orders import Order, OrderLog
from tests.comparison_builder import HOUR_NS, TEST, Script, time_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.research.comparison._gap import Effect

N_STEPS = 12
STRATEGIES = ("one", "two")
PURPOSES = [Purpose.ENTRY, Purpose.EXIT, Purpose.MANUAL, Purpose.LIQUIDATE, Purpose.PROTECT]
drawn_orders = st.lists(
    st.tuples(
        st.integers(0, N_STEPS - 2),  # when it was decided
        st.integers(1, 3),  # steps until it filled
        st.sampled_from(PURPOSES),
        st.sampled_from([1, -1]),
        st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12)),
        st.tuples(st.integers(0, 10**6), st.integers(0, 1000)),
        st.sampled_from([None, Part.RISK, Part.OPERATOR, Part.MISSING_DATA]),
        st.sampled_from(STRATEGIES),
    ),
    max_size=8,
)


def order_of(drawn: tuple[Any, ...], found: list[Order]) -> Order:
    """Build an order; a protection guards the newest entry that has none yet."""
    t, wait, purpose, side, lots, (paid, fee), cause, strategy = drawn
    asked, approved, filled = sorted(lots, reverse=True)
    order = Order(strategy, TEST.symbol, side, purpose, time_of(t), asked, approved, cause=cause)
    guarded = {other.entry for other in found}
    free = [o for o in found if o.purpose is Purpose.ENTRY and o not in guarded]
    if purpose is Purpose.PROTECT and free:
        order.entry, order.strategy, order.side = free[-1], free[-1].strategy, -free[-1].side
    if filled:
        order.filled, order.paid, order.fee = filled, order.side * paid, fee
        order.filled_ns, order.bar_ns = time_of(t + wait - 1), time_of(t + wait)
    return order


@st.composite
def logs(draw: st.DrawFn) -> OrderLog:
    """Draw a run: its orders, what is still held sold at the end, one bar missing."""
    missing = frozenset({(0, draw(st.integers(1, N_STEPS - 1)))})
    columns = Script({}, missing=missing, n_steps=N_STEPS).columns()
    bars = SeenBars(columns, {TEST.symbol: 0}, draw(st.integers(N_STEPS - 3, N_STEPS)), HOUR_NS)
    found: list[Order] = []
    for drawn in sorted(draw(drawn_orders), key=lambda drawn: drawn[0]):
        found.append(order_of(drawn, found))
    price = draw(st.integers(1, 10**5))
    for strategy in STRATEGIES:
        held = sum(order.side * order.filled for order in found if order.strategy == strategy)
        if held:
            found.append(mark(strategy, held, price))
    return OrderLog((TEST,), STRATEGIES, bars, found)


def mark(strategy: str, held: int, price: int) -> Order:
    return Order(
        strategy=strategy,
        symbol=TEST.symbol,
        side=-1 if held > 0 else 1,
        purpose=Purpose.EXIT,
        decided_ns=2**62,
        filled=abs(held),
        paid=-held * price,
        filled_ns=2**62,
        bar_ns=time_of(N_STEPS - 1),
        is_mark=True,
    )


def profit(log: OrderLog) -> int:
    return -sum(order.paid + order.fee for order in log.orders)


def compare(a: OrderLog, b: OrderLog) -> list[Effect]:
    return attribute(match_orders(a.orders, b.orders, HOUR_NS), a, b)


def parts_of(effects: Sequence[Effect]) -> dict[Part, int]:
    return {part: sum(effect.parts.get(part, 0) for effect in effects) for part in Part}


@given(logs(), logs())
def test_the_parts_sum_to_the_gap(a: OrderLog, b: OrderLog) -> None:
    assert sum(parts_of(compare(a, b)).values()) == profit(b) - profit(a)


@given(logs())
def test_a_run_has_no_gap_to_itself(a: OrderLog) -> None:
    assert not any(effect.parts for effect in compare(a, a))


@given(logs(), logs())
def test_exchanging_the_runs_changes_every_sign_and_nothing_else(a: OrderLog, b: OrderLog) -> None:
    there, back = parts_of(compare(a, b)), parts_of(compare(b, a))
    assert back == {part: -amount for part, amount in there.items()}


@given(logs(), logs())
def test_every_order_is_in_one_pair(a: OrderLog, b: OrderLog) -> None:
    pairs = match_orders(a.orders, b.orders, HOUR_NS)
    for log, found in ((a, [p.a for p in pairs]), (b, [p.b for p in pairs])):
        seen = [order for order in found if order is not None]
        assert len(seen) == len(log.orders)
        assert set(seen) == set(log.orders)
    for pair in pairs:
        if pair.a is not None and pair.b is not None:
            assert pair.a.strategy == pair.b.strategy
            assert abs(pair.a.decided_ns - pair.b.decided_ns) <= HOUR_NS or pair.entry


@given(st.lists(st.tuples(st.sampled_from(Part), st.integers(-20, 20)), max_size=6))
def test_what_cancels_leaves_pieces_of_one_sign_with_the_same_sum(
    split: list[tuple[Part, int]],
) -> None:
    pieces = [Piece(part, lots) for part, lots in split]
    kept = net(pieces)
    assert sum(piece.lots for piece in kept) == sum(piece.lots for piece in pieces)
    assert len({piece.lots > 0 for piece in kept}) <= 1
    mirrored = net([Piece(part, -lots) for part, lots in pieces])
    assert mirrored == [Piece(part, -lots) for part, lots in kept]


def test_numbers_of_any_size_are_exact() -> None:
    """C12: no float is on the way."""
    a, b = (
        OrderLog((TEST,), ("one",), SeenBars(Script({}).columns(), {TEST.symbol: 0}, 30, HOUR_NS))
        for _ in range(2)
    )
    for log, price in ((a, 10**17 + 1), (b, 10**17 + 2)):
        order = Order("one", TEST.symbol, 1, Purpose.ENTRY, time_of(3), filled=3, paid=3 * price)
        order.filled_ns = order.bar_ns = time_of(3)
        log.orders += [order, mark("one", 3, 7)]
    assert parts_of(compare(a, b))[Part.PRICE_LATENCY] == -3
