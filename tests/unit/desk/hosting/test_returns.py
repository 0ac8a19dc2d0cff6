"""Daily returns from the closes that were seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from athena.desk.hosting._returns import DailyReturns
from athena.domain import DAY_NS, HOUR_NS

NAN = math.nan
_DAY = 20_000


def at(day: float) -> int:
    """Return a time so many days after the first."""
    return int((_DAY + day) * DAY_NS)


def test_there_are_none_before_two_days_are_over() -> None:
    returns = DailyReturns(["A"])
    assert returns.table() is None
    returns.take(at(0.5), [100.0])
    returns.take(at(1), [110.0])
    assert returns.table() is None
    returns.take(at(1.5), [500.0])  # the second day is not over
    assert returns.table() is None


def test_a_bar_that_closes_at_midnight_ends_its_day() -> None:
    returns = DailyReturns(["A", "B"])
    for day, closes in enumerate([(100.0, 1.0), (110.0, 2.0), (99.0, 3.0)], start=1):
        returns.take(at(day), closes)
    table = returns.table()
    assert table is not None
    assert table.symbols == ("A", "B")
    assert table.returns == pytest.approx(np.array([[0.1, 1.0], [-0.1, 0.5]]))
    assert not table.returns.flags.writeable


def test_the_last_close_of_a_day_counts_and_days_without_a_bar_have_no_return() -> None:
    returns = DailyReturns(["A", "B"])
    returns.take(at(0.25), [90.0, 1.0])
    returns.take(at(0.75), [100.0, NAN])
    returns.take(at(1.5), [120.0, NAN])  # B is silent on the second day
    returns.take(at(2.5), [60.0, 2.0])
    returns.take(at(5.5), [66.0, 2.0])  # nobody trades on days 4 and 5
    returns.take(at(6.5), [66.0, 2.0])
    table = returns.table()
    assert table is not None
    assert table.returns[:, 0] == pytest.approx([0.2, -0.5, NAN, NAN, NAN], nan_ok=True)
    assert np.isnan(table.returns[:, 1]).all()


def test_the_table_is_made_once_a_day_and_its_length_is_bounded() -> None:
    returns = DailyReturns(["A"], n_days=3)
    for step in range(24 * 10):
        returns.take(at(0) + (step + 1) * HOUR_NS, [100.0 + step])
    first = returns.table()
    returns.take(at(10) + HOUR_NS, [1.0])
    assert returns.table() is first
    assert first is not None
    assert first.returns.shape == (3, 1)


def test_a_long_silence_costs_no_more_than_the_days_that_are_kept() -> None:
    returns = DailyReturns(["A"], n_days=3)
    returns.take(at(1), [1.0])
    returns.take(at(100_000), [2.0])
    table = returns.table()
    assert table is not None
    assert len(table.returns) == 3
