"""From what was found to a ranked table: best out of sample first."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import format_decimal, from_money
from athena.research.statistics import ratios, sharpe_per_period
from athena.research.sweep._bench import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from athena.research._grid import Grid
    from athena.research.sweep._bench import Found
    from athena.research.sweep._marks import Marks


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow:
    """One combination in the table.

    Attributes:
        rank: 1 is the best out of sample; 0 when it was not run.
        number: of the combination in its grid.
        parameters: name -> text, those that do not vary included.
        status: `done`, `refused` or `failed`.
        message: why it is not done.
        out_of_sample_sharpe, in_sample_sharpe, sharpe: annualised, of the last part of the time,
            of the part before, of all of it; NaN when the account did not vary.
        total_return: fraction.
        max_drawdown_of_marks: positive fraction; on every bar's close it can be deeper.
        final_equity: exact, in quote currency.
        fees: in quote currency.
        n_orders: sent.
        n_fills: booked.
        digest: of all state transitions.
    """

    rank: int
    number: int
    parameters: Mapping[str, str]
    status: Status
    message: str
    out_of_sample_sharpe: float
    in_sample_sharpe: float
    sharpe: float
    total_return: float
    max_drawdown_of_marks: float
    final_equity: Decimal
    fees: Decimal
    n_orders: int
    n_fills: int
    digest: str


def rank_rows(found: Sequence[Found], grid: Grid, marks: Marks) -> tuple[SweepRow, ...]:
    """Rank combinations by their Sharpe ratio out of sample; equal ones in the grid's order.

    Those without a ratio follow, then those that were not run.

    Args:
        found: what each came to, in any order.
        grid: they are of.
        marks: when their accounts were valued.
    """
    measured = [(_sharpes(item, marks), item) for item in found]
    measured.sort(key=lambda pair: _place(*pair))
    return tuple(
        _row(rank if item.status is Status.DONE else 0, item, sharpes, grid, marks)
        for rank, (sharpes, item) in enumerate(measured, start=1)
    )


def _sharpes(item: Found, marks: Marks) -> tuple[float, float, float]:
    """Return the annualised Sharpe ratios out of sample, in sample, and of all."""
    yearly = math.sqrt(marks.periods_per_year)
    parts = (item.returns[marks.n_in_sample :], item.returns[: marks.n_in_sample], item.returns)
    out, before, whole = (float(sharpe_per_period(part)) * yearly for part in parts)
    return out, before, whole


def _place(sharpes: tuple[float, float, float], item: Found) -> tuple[bool, bool, float, int]:
    out = sharpes[0]
    is_undefined = math.isnan(out)
    return item.status is not Status.DONE, is_undefined, 0.0 if is_undefined else -out, item.number


def _row(
    rank: int, item: Found, sharpes: tuple[float, float, float], grid: Grid, marks: Marks
) -> SweepRow:
    measured = ratios(item.returns, marks.periods_per_year, marks.years)
    return SweepRow(
        rank=rank,
        number=item.number,
        parameters=grid.at(item.number),
        status=item.status,
        message=item.message,
        out_of_sample_sharpe=sharpes[0],
        in_sample_sharpe=sharpes[1],
        sharpe=sharpes[2],
        total_return=float(measured.total_return),
        max_drawdown_of_marks=float(measured.max_drawdown),
        final_equity=from_money(item.final_equity),
        fees=from_money(item.fees),
        n_orders=item.n_orders,
        n_fills=item.n_fills,
        digest=item.digest,
    )


def format_table(rows: Sequence[SweepRow], grid: Grid) -> str:
    """Write rows as CSV with every digit; the same rows give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [*grid.fixed, *(axis.name for axis in grid.axes)]
    heads = ("status", "out_of_sample_sharpe", "in_sample_sharpe", "sharpe", "total_return")
    exact = ("max_drawdown_of_marks", "final_equity", "fees", "orders", "fills")
    writer.writerow(["rank", *names, *heads, *exact, "digest", "message"])
    for row in rows:
        writer.writerow(
            [
                row.rank or "",
                *(row.parameters[name] for name in names),
                row.status.value,
                *(_number(value) for value in _measures(row)),
                format_decimal(row.final_equity),
                format_decimal(row.fees),
                row.n_orders,
                row.n_fills,
                row.digest,
                row.message,
            ]
        )
    return text.getvalue()


def _measures(row: SweepRow) -> tuple[float, ...]:
    return (
        row.out_of_sample_sharpe,
        row.in_sample_sharpe,
        row.sharpe,
        row.total_return,
        row.max_drawdown_of_marks,
    )


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(value)
