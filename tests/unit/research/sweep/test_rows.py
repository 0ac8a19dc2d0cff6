"""The ranking: best unseen first, ties in the grid's order, what was not run last."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from athena.research import parse_grid
from athena.research.statistics import sharpe_per_period
from athena.research.sweep import Found, Status
from athena.research.sweep._marks import Marks
from athena.research.sweep._rows import format_table, rank_rows

GRID = parse_grid(["fast=1,2,3,4,5,6"], {"fraction": "0.1"})
MARKS = Marks(np.arange(-1, 6), np.arange(6), 365.0, 6 / 365, 4)


def found(number: int, *unseen: float, status: Status = Status.DONE) -> Found:
    returns = np.array([0.01, -0.01, 0.02, 0.0, *unseen]) if unseen else np.zeros(0)
    message = "" if status is Status.DONE else "was not to be"
    return Found(
        number=number,
        status=status,
        message=message,
        final_equity=123_456_789,
        fees=5,
        digest="d",
        returns=returns,
    )


ALL = [
    found(5, status=Status.REFUSED),
    found(0, 0.01, -0.02),
    found(4, 0.0, 0.0),
    found(3, 0.02, 0.01),
    found(2, status=Status.FAILED),
    found(1, 0.02, 0.01),
]


def test_rows_stand_by_their_unseen_sharpe_ratio_whatever_order_they_came_in() -> None:
    rows = rank_rows(ALL, GRID, MARKS)
    assert [row.number for row in rows] == [1, 3, 0, 4, 2, 5]
    assert [row.rank for row in rows] == [1, 2, 3, 4, 0, 0]
    assert rows == rank_rows(ALL[::-1], GRID, MARKS) or math.isnan(rows[3].out_of_sample_sharpe)
    assert format_table(rows, GRID) == format_table(rank_rows(ALL[::-1], GRID, MARKS), GRID)


def test_each_part_of_the_time_has_its_own_ratio() -> None:
    row = rank_rows(ALL, GRID, MARKS)[0]
    yearly = math.sqrt(365)
    assert row.out_of_sample_sharpe == sharpe_per_period(np.array([0.02, 0.01])) * yearly
    assert row.in_sample_sharpe == sharpe_per_period(np.array([0.01, -0.01, 0.02, 0.0])) * yearly
    assert row.total_return == pytest.approx(1.01 * 0.99 * 1.02 * 1.02 * 1.01 - 1)
    assert row.max_drawdown_of_marks == pytest.approx(0.01)
    assert row.final_equity == Decimal("1.23456789")
    assert row.parameters == {"fraction": "0.1", "fast": "2"}


def test_an_account_that_does_not_vary_has_no_ratio_and_stands_behind_those_that_lose() -> None:
    row = rank_rows(ALL, GRID, MARKS)[3]
    assert (row.number, row.rank) == (4, 4)
    assert math.isnan(row.out_of_sample_sharpe)


def test_the_table_has_a_line_for_each_with_every_digit() -> None:
    lines = format_table(rank_rows(ALL, GRID, MARKS), GRID).splitlines()
    assert lines[0] == (
        "rank,fraction,fast,status,out_of_sample_sharpe,in_sample_sharpe,sharpe,total_return,"
        "max_drawdown_of_marks,final_equity,fees,orders,fills,digest,message"
    )
    assert len(lines) == 7
    assert lines[1].startswith(
        f"1,0.1,2,done,{float(sharpe_per_period(np.array([0.02, 0.01]))) * math.sqrt(365)!r},"
    )
    assert lines[5].startswith(",0.1,3,failed,,,,")
    assert lines[6].endswith(",was not to be")
