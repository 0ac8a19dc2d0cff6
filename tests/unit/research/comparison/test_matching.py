"""Which orders belong together, and which bars a run has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from athena.domain import Purpose
from athena.research.comparison import Part
from athena.research.comparison._bars import SeenBars
from athena.research.comparison._causes import pieces
from athena.research.comparison._match import Pair, match_orders
from athena.research.comparison._orders import Order, OrderLog
from tests.comparison_builder import HOUR_NS, TEST, Script, time_of


def order(hours: float = 3, **terms: Any) -> Order:
    decided_ns = time_of(0) + round(hours * 4) * HOUR_NS // 4
    values: dict[str, Any] = {"side": 1, "purpose": Purpose.ENTRY, "filled": 1}
    return Order("own", TEST.symbol, decided_ns=decided_ns, **{**values, **terms})


def bars(**terms: Any) -> SeenBars:
    return SeenBars(Script({}, **terms).columns(), {TEST.symbol: 0}, 30, HOUR_NS)


def paired(a: list[Order], b: list[Order]) -> list[tuple[int | None, int | None]]:
    """Return the pairs as places in the two lists."""
    return [
        (
            None if pair.a is None else a.index(pair.a),
            None if pair.b is None else b.index(pair.b),
        )
        for pair in match_orders(a, b, HOUR_NS)
    ]


def test_the_same_time_comes_before_the_nearest() -> None:
    assert paired([order(5), order(6)], [order(6)]) == [(1, 0), (0, None)]


def test_the_nearest_is_taken_first() -> None:
    assert paired([order(10)], [order(9.25), order(10.25)]) == [(0, 1), (None, 0)]


def test_one_bar_is_near_and_more_is_not() -> None:
    assert paired([order(10)], [order(11)]) == [(0, 0)]
    assert paired([order(10)], [order(11.25)]) == [(0, None), (None, 0)]


def test_several_at_one_time_are_paired_in_their_order() -> None:
    assert paired([order(), order()], [order(), order(), order()]) == [
        (0, 0),
        (1, 1),
        (None, 2),
    ]


@pytest.mark.parametrize(
    "terms", [{"side": -1}, {"purpose": Purpose.EXIT}, {"purpose": Purpose.REBALANCE}]
)
def test_another_side_or_purpose_is_another_decision(terms: dict[str, Any]) -> None:
    assert len(paired([order()], [order(**terms)])) == 2


def test_who_closed_a_position_is_part_of_the_decision() -> None:
    by_operator = order(purpose=Purpose.LIQUIDATE, cause=Part.OPERATOR)
    by_breaker = order(purpose=Purpose.LIQUIDATE, cause=Part.RISK)
    assert len(paired([by_operator], [by_breaker])) == 2
    assert len(paired([by_operator], [order(purpose=Purpose.LIQUIDATE, cause=Part.OPERATOR)])) == 1


def test_protections_follow_their_entries_however_far_apart_they_are() -> None:
    entries = [order(5), order(5.25)]
    guards = [
        order(hours, purpose=Purpose.PROTECT, side=-1, entry=entry)
        for hours, entry in zip((6, 20), entries, strict=True)
    ]
    assert paired([entries[0], guards[0]], [entries[1], guards[1]]) == [(0, 0), (1, 1)]


def test_a_protection_of_an_entry_that_only_one_has_is_what_the_entry_is() -> None:
    entry = order(5)
    guard = order(6, purpose=Purpose.PROTECT, side=-1, entry=entry)
    a = OrderLog((TEST,), ("own",), bars())
    blind = OrderLog((TEST,), ("own",), bars(missing=frozenset({(0, 5)})))
    pair = Pair(guard, None, entry=Pair(entry, None))
    assert [piece.part for piece in pieces(pair, a, blind)] == [Part.MISSING_DATA]
    assert [piece.part for piece in pieces(pair, a, a)] == [Part.SIGNAL]


def test_a_bar_covers_the_time_before_its_close_and_not_its_open() -> None:
    seen = bars(missing=frozenset({(0, 7)}))
    assert seen.has_bar(TEST.symbol, time_of(5))
    assert seen.has_bar(TEST.symbol, time_of(5) - HOUR_NS // 2)
    assert not seen.has_bar(TEST.symbol, time_of(-1))
    assert seen.has_bar(TEST.symbol, time_of(-1) + 1)
    assert not seen.has_bar(TEST.symbol, time_of(7))
    assert not seen.has_bar(TEST.symbol, time_of(6) + 1)
    assert not seen.has_bar(TEST.symbol, time_of(30))
    assert not seen.has_bar("OTHER/USD", time_of(5))
    assert not replace(seen, n_steps=5).has_bar(TEST.symbol, time_of(5))


def test_the_last_bar_is_the_last_that_there_is() -> None:
    seen = bars(missing=frozenset({(0, 29)}))
    assert seen.last_bar(TEST.symbol)[0] == time_of(28)
    assert seen.last_bar("OTHER/USD") == (0, 0)
