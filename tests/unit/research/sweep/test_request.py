"""Which combinations are tried."""

from __future__ import annotations

from decimal import Decimal

import pytest

from athena.errors import InputError
from athena.research import BacktestRequest, parse_grid
from athena.research.sweep import SweepRequest

RUN = BacktestRequest(strategy="sma_cross", sources=("walk",))


def asked(*grid: str, n_random: int | None = None, oos: str = "0.3") -> SweepRequest:
    return SweepRequest(run=RUN, grid=parse_grid(grid), n_random=n_random, oos_frac=Decimal(oos))


def test_all_combinations_are_tried_in_the_grids_order() -> None:
    assert asked("a=1:3:1", "b=x,y").numbers(42) == [0, 1, 2, 3, 4, 5]


def test_a_draw_is_distinct_sorted_and_the_seeds_own() -> None:
    request = asked("a=1:1000:1", "b=1:1000:1", n_random=50)
    drawn = request.numbers(42)
    assert len(set(drawn)) == 50
    assert drawn == sorted(drawn)
    assert 0 <= drawn[0] <= drawn[-1] < 1_000_000
    assert drawn == request.numbers(42)
    assert drawn != request.numbers(0)


def test_a_draw_from_a_grid_too_large_to_list_is_possible() -> None:
    request = asked(*(f"{name}=1:99999:1" for name in "abc"), n_random=3)
    assert len(request.numbers(1)) == 3


def test_a_draw_of_the_whole_grid_is_the_grid() -> None:
    assert asked("a=1:4:1", n_random=4).numbers(7) == [0, 1, 2, 3]


@pytest.mark.parametrize("n_random", [0, -1, 5])
def test_a_draw_that_cannot_be_is_refused(n_random: int) -> None:
    with pytest.raises(InputError, match="expected --random from 1 to 4") as caught:
        asked("a=1:4:1", n_random=n_random)
    assert caught.value.hint == "the grid has 4 combinations"


def test_more_than_a_hundred_thousand_combinations_are_refused() -> None:
    with pytest.raises(InputError, match="at most 100,000 combinations, was 100,489"):
        asked("a=1:317:1", "b=1:317:1").numbers(42)


@pytest.mark.parametrize("oos", ["0", "1", "-0.1", "NaN"])
def test_a_part_that_is_none_or_all_is_refused(oos: str) -> None:
    with pytest.raises(InputError, match="out-of-sample part between 0 and 1"):
        asked("a=1,2", oos=oos)
