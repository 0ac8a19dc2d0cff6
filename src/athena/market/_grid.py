"""The grid on which bars open: every whole number of intervals from the epoch, weeks on Monday."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, WEEK_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

OFF_GRID_FRAC = 0.01  # more bars than this off the grid: the interval is not the data's
_FIRST_MONDAY_NS = 4 * DAY_NS  # 1970-01-05


def grid_origin_ns(interval_ns: int) -> int:
    """Return a moment of the UTC grid: the epoch, and for whole weeks a Monday."""
    return _FIRST_MONDAY_NS if interval_ns % WEEK_NS == 0 else 0


def common_step(ts_ns: NDArray[np.int64]) -> int | None:
    """Return the most common distance > 0 between neighbours in time, None below two bars."""
    steps = np.diff(ts_ns)
    steps = steps[steps > 0]
    if steps.size == 0:
        return None
    if np.count_nonzero(steps == steps[0]) > steps.size // 2:
        return int(steps[0])
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)])


def off_grid_rows(ts_ns: NDArray[np.int64], interval_ns: int) -> NDArray[np.int64]:
    """Return the rows that do not open a whole number of intervals from most of the others."""
    remainder = (ts_ns - grid_origin_ns(interval_ns)) % interval_ns
    if remainder.size == 0 or (remainder == remainder[0]).all():
        return np.empty(0, dtype=np.int64)
    values, counts = np.unique(remainder, return_counts=True)
    return np.flatnonzero(remainder != values[np.argmax(counts)])
