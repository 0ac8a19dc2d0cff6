"""When an account is valued, and what it is worth then: all that a Sharpe ratio needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from athena.domain import format_time
from athena.errors import InputError
from athena.research.statistics import sample_returns

if TYPE_CHECKING:
    from decimal import Decimal

    from numpy.typing import NDArray

    from athena.research.engine import Setup
    from athena.trading import FillColumns, Ints

    Floats = NDArray[np.float64]

_Number = TypeVar("_Number", np.int64, np.float64)

_LEAST = 2  # returns, for a Sharpe ratio


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """The moments at which accounts are valued; a report samples its curve at the same ones.

    Attributes:
        steps: (M,) int64, the newest step closed at each moment; -1 before the first.
        ends_ns: (M - 1,) int64, end of each period, UTC nanoseconds.
        periods_per_year: 365 for daily marks.
        years: time covered.
        n_in_sample: how many of the first periods are in sample; the others are out of it.
    """

    steps: Ints
    ends_ns: Ints
    periods_per_year: float
    years: float
    n_in_sample: int

    @property
    def n_periods(self) -> int:
        """Return the number of periods."""
        return len(self.ends_ns)


def marks_of(setup: Setup, oos_frac: Decimal) -> Marks:
    """Find the moments of a run, and where its out-of-sample part begins.

    Args:
        setup: of the run.
        oos_frac: part of the time, at its end, that is out of sample.

    Raises:
        InputError: either side has fewer than 2 periods.
    """
    times = np.concatenate(([setup.start_ns], setup.columns.close_ns))
    series = sample_returns(np.ones(len(times)), times, setup.interval_ns)
    moments = np.concatenate((times[:1], series.ts_ns))
    steps = np.searchsorted(times, moments, side="right") - 2
    length_ns = int(times[-1] - times[0])
    split_ns = int(times[-1]) - int(length_ns * oos_frac)
    n_in = int(np.searchsorted(series.ts_ns, split_ns, side="right"))
    n_out = len(series.ts_ns) - n_in
    if min(n_in, n_out) < _LEAST:
        message = (
            f"expected at least {_LEAST} periods on either side of {format_time(split_ns)}, "
            f"was {n_in} before and {n_out} after"
        )
        raise InputError(message, hint="take more bars, or another --oos")
    return Marks(steps, series.ts_ns, series.periods_per_year, series.years, n_in)


def value_at(setup: Setup, fills: FillColumns, marks: Marks) -> Floats:
    """Value an account at its marks: cash after the fills so far, positions at the closes.

    Args:
        setup: of the run.
        fills: of the run, oldest first.
        marks: when.

    Returns:
        (M,) float64, in quote currency.
    """
    n_before = np.searchsorted(fills.marks, marks.steps, side="right")
    at_close = np.maximum(marks.steps, 0)
    spent: Floats = fills.fee / 1e8
    worth: Floats = np.zeros(len(marks.steps))
    for k, instrument in enumerate(setup.instruments):
        numerator, denominator = instrument.value_ratio()
        value = numerator / denominator / 1e8  # quote currency per tick x lot
        signed = np.where(fills.instrument == k, fills.lots * fills.side, 0)
        spent = spent + signed * (fills.price_ticks * value)
        worth += _running(signed)[n_before] * (setup.columns.close[k, at_close] * value)
    cash: Floats = float(setup.cash) - _running(spent)[n_before]
    return cash + worth


def _running(values: NDArray[_Number]) -> NDArray[_Number]:
    """Return the running total, with nothing in front."""
    total = np.zeros(len(values) + 1, values.dtype)
    np.cumsum(values, out=total[1:])
    return total
