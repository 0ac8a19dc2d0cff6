"""The benchmark's reference without an engine, against bars that can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.bars import make_bars
from benchmarks.oracle import Result, bracket, cross, expected

FLAT = [1000.0] * 30


def bars_of(closes: list[float], **others: list[float]) -> dict[str, Any]:
    """Build bars that open at the close before and reach no further, unless told otherwise."""
    close = np.array(closes)
    open_ = np.concatenate((close[:1], close[:-1]))
    columns = {"open": open_, "high": np.maximum(open_, close), "low": np.minimum(open_, close)}
    return {
        **columns,
        **{name: np.array(values) for name, values in others.items()},
        "close": close,
    }


def test_a_rise_is_bought_at_the_next_open_and_marked_at_the_last_close() -> None:
    bars = bars_of([*FLAT, 1010.0, 1020.0, 1030.0])
    # The cross is seen at 1010, which is the next open: fee 1.01, then up by 20.
    assert cross(bars) == Result(1, pytest.approx(1_000_000 + 20 - 1.01))
    assert cross(bars, last="close") == Result(2, pytest.approx(1_000_000 + 20 - 1.01 - 1.03))
    assert cross(bars, last="open") == Result(2, pytest.approx(1_000_000 + 10 - 1.01 - 1.02))


def test_a_fall_after_a_rise_sells_and_a_spread_costs_its_tick() -> None:
    bars = bars_of([*FLAT, 1010.0, 1020.0, *[900.0] * 12])
    # Sold at 900 once the fast mean is under the slow one.
    assert cross(bars) == Result(2, pytest.approx(1_000_000 - 110 - 1.01 - 0.9))
    lost = cross(bars).equity - cross(bars, spread=1).equity
    assert lost == pytest.approx(0.01 - 0.00001)


def test_an_equal_pair_of_means_does_nothing() -> None:
    assert cross(bars_of(FLAT * 3)) == Result(0, 1_000_000)


def test_a_bracket_leaves_at_the_nearest_tick() -> None:
    # Entered at 1010.05; the target is 1013.08015, so 1013.08, and lies in the bar after.
    bars = bars_of([*FLAT, 1010.05, 1010.05, 1020.0])
    gained = 1013.08 - 1010.05 - (1010.05 + 1013.08) / 1000
    assert bracket(bars) == Result(2, pytest.approx(1_000_000 + gained))
    exact = 1010.05 * 1.003 - 1010.05 - (1010.05 + 1010.05 * 1.003) / 1000
    assert bracket(bars, is_rounded=False) == Result(2, pytest.approx(1_000_000 + exact))


@pytest.mark.parametrize(
    ("high", "low", "price"), [(1016.0, 1000.0, 1013.03), (1030.0, 1000.0, 1007.98)]
)
def test_of_stop_and_target_in_one_bar_the_nearer_extreme_is_first(
    high: float, low: float, price: float
) -> None:
    closes = [*FLAT, 1010.0, 1010.0, 1010.0]
    bars = bars_of(closes, high=[*closes[:-2], high, 1010.0], low=[*closes[:-2], low, 1010.0])
    found = bracket(bars)
    # It enters again at the open after; what was left at is in the first trip.
    first = price - 1010 - (1010 + price) / 1000
    assert found == Result(3, pytest.approx(1_000_000 + first - 1.01))


def test_the_job_as_asked_is_first_and_every_rule_has_its_own_end() -> None:
    bars = make_bars(5_000)
    for job in ("A", "B"):
        results = expected(job, bars)
        assert next(iter(results)) == ""
        assert len(results) == 4


def test_results_agree_within_ties_of_floats() -> None:
    result = Result(100, 1_000_000.0)
    assert result.agrees(Result(101, 1_000_000.05))
    assert result.agrees(Result(None, 1_000_000.05))
    assert not result.agrees(Result(103, 1_000_000.05))
    assert not result.agrees(Result(100, 1_000_000.2))
