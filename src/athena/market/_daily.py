"""Daily closes of bars: what was known at which bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.domain import Bars


@dataclass(frozen=True, slots=True)
class DailyReturns:
    """Hold the returns from one UTC day's last close to the next day's.

    Attributes:
        first_day: number of the first day (days since 1970-01-01).
        returns: (D,) float64, fraction, one per calendar day from `first_day`; NaN where the day
            or the day before has no bar.
    """

    first_day: int
    returns: NDArray[np.float64]


def daily_returns(bars: Bars) -> DailyReturns:
    """Compute daily close returns; a bar counts for the UTC day in which it closes.

    A bar that closes at midnight ends the day before. The last day may be incomplete: who reads
    a day's return at a bar must ask `complete_days` first.
    """
    if len(bars) == 0:
        return DailyReturns(0, np.empty(0))
    days = (bars.ts_ns + (bars.interval_ns - 1)) // DAY_NS
    last_of_day = np.append(np.flatnonzero(np.diff(days)), len(days) - 1)
    first_day = int(days[0])
    closes = np.full(int(days[-1]) - first_day + 1, np.nan)
    closes[days[last_of_day] - first_day] = bars.close_ticks[last_of_day]
    returns = np.full(closes.shape, np.nan)
    returns[1:] = closes[1:] / closes[:-1] - 1.0
    return DailyReturns(first_day, returns)


def complete_days(close_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the last day that is over at each moment (T,) of UTC nanoseconds."""
    return close_ns // DAY_NS - 1
