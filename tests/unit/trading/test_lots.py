"""Lots: each method by hand, and nothing lost to rounding."""

from __future__ import annotations

import pytest

from athena.domain import DAY_NS, LotMethod
from athena.errors import InputError
from athena.trading._lots import (
    Lot,
    Movement,
    apply_movement,
    average_lots,
    consumption_order,
    remove_at_cost,
)

LOTS = [
    Lot("a", 10, 100, 1 * DAY_NS),
    Lot("b", 10, 300, 2 * DAY_NS),
    Lot("c", 10, 200, 3 * DAY_NS),
]


def sale(
    quantity: int, proceeds: int, chosen: tuple[str, ...] = (), *, day: int = 10, fill: str = "s"
) -> Movement:
    return Movement("BTC", -quantity, -proceeds, day * DAY_NS, fill, chosen)


@pytest.mark.parametrize(
    ("method", "costs", "left"),
    [
        (LotMethod.FIFO, [100, 150], ["b", "c"]),
        (LotMethod.LIFO, [200, 150], ["a", "b"]),
        (LotMethod.HIFO, [300, 100], ["a", "c"]),
        (LotMethod.AVERAGE, [200, 100], ["b", "c"]),
    ],
)
def test_a_disposal_of_fifteen_consumes_by_the_method(
    method: LotMethod, costs: list[int], left: list[str]
) -> None:
    after, gains = apply_movement(LOTS, sale(15, 750), method)
    assert [row.cost for row in gains] == costs
    assert [row.proceeds for row in gains] == [500, 250]
    assert [row.quantity for row in gains] == [10, 5]
    assert [lot.fill for lot in after] == left
    assert sum(lot.cost for lot in after) == 600 - sum(costs)


def test_chosen_lots_are_consumed_in_the_order_chosen() -> None:
    after, gains = apply_movement(LOTS, sale(15, 750, ("c", "a")), LotMethod.SPECIFIC_ID)
    assert [(row.acquired_by, row.quantity, row.cost) for row in gains] == [
        ("c", 10, 200),
        ("a", 5, 50),
    ]
    assert [(lot.fill, lot.quantity) for lot in after] == [("a", 5), ("b", 10)]


def test_a_chosen_lot_that_is_not_open_is_named() -> None:
    with pytest.raises(InputError, match=r"expected an open lot of fill x, was none"):
        apply_movement(LOTS, sale(5, 1, ("x",)), LotMethod.SPECIFIC_ID)


def test_chosen_lots_that_do_not_suffice_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected chosen lots of 15 BTC, was less"):
        apply_movement(LOTS, sale(15, 750, ("a",)), LotMethod.SPECIFIC_ID)


def test_a_gain_row_traces_to_its_two_fills_and_days() -> None:
    _, (row,) = apply_movement(LOTS[:1], sale(10, 130, fill="out"), LotMethod.FIFO)
    assert (row.asset, row.acquired_by, row.disposed_by) == ("BTC", "a", "out")
    assert (row.proceeds, row.cost, row.gain, row.holding_days) == (130, 100, 30, 9)


def test_a_third_of_a_lot_at_a_time_loses_nothing() -> None:
    lots, costs, proceeds = [Lot("a", 3, 100, 0)], [], []
    for part in (33, 33, 34):
        lots, (row,) = apply_movement(lots, sale(1, part), LotMethod.FIFO)
        costs.append(row.cost)
        proceeds.append(row.proceeds)
    assert lots == []
    assert costs == [33, 33, 34]
    assert (sum(costs), sum(proceeds)) == (100, 100)


def test_a_sale_over_three_lots_splits_its_proceeds_exactly() -> None:
    lots = [Lot(name, 1, 10, 0) for name in "abc"]
    _, gains = apply_movement(lots, sale(3, 100), LotMethod.FIFO)
    assert [row.proceeds for row in gains] == [34, 33, 33]


def test_a_short_gains_when_it_is_bought_back_lower() -> None:
    lots, gains = apply_movement([], sale(2, 220, day=1, fill="open"), LotMethod.FIFO)
    assert gains == []
    assert lots == [Lot("open", -2, -220, DAY_NS)]
    after, (row,) = apply_movement(
        lots, Movement("BTC", 2, 200, 3 * DAY_NS, "close"), LotMethod.FIFO
    )
    assert after == []
    assert (row.proceeds, row.cost, row.gain, row.holding_days) == (220, 200, 20, 2)
    assert (row.acquired_by, row.disposed_by) == ("close", "open")


def test_crossing_zero_closes_the_long_and_opens_a_short() -> None:
    """TR-14: long 3 at 100, sell 5 at 110: 30 realised, short 2 at 110."""
    after, (row,) = apply_movement([Lot("a", 3, 300, 0)], sale(5, 550, day=0), LotMethod.FIFO)
    assert row.gain == 30
    assert after == [Lot("s", -2, -220, 0)]


def test_the_highest_cost_of_longs_goes_first_and_the_lowest_price_of_shorts() -> None:
    assert consumption_order(LOTS, LotMethod.HIFO) == [1, 2, 0]
    shorts = [Lot("a", -1, -100, 0), Lot("b", -1, -90, 0)]
    assert consumption_order(shorts, LotMethod.HIFO) == [1, 0]


def test_averaging_keeps_the_sum() -> None:
    lots = [Lot("a", 3, 100, 0), Lot("b", 4, 1, 0), Lot("c", 7, 6, 0)]
    spread = average_lots(lots)
    assert [lot.cost for lot in spread] == [22, 31, 54]
    assert [lot.quantity for lot in spread] == [3, 4, 7]


def test_a_removal_takes_the_cost_and_no_gain() -> None:
    after, cost = remove_at_cost(LOTS, sale(15, 0), LotMethod.FIFO)
    assert cost == 250
    assert [(lot.fill, lot.quantity, lot.cost) for lot in after] == [("b", 5, 150), ("c", 10, 200)]
