"""Spans of time, and how far the label of a row reaches.

Everything here goes by time, never by position: rows of many symbols may stand in any order, and
the split is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import format_time
from athena.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

# A label that the data never complete ends here, beyond every span.
NEVER_NS = 2**63 - 1
_USUAL_SHARE = 100  # one bar in a hundred


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time.

    Attributes:
        start_ns: first nanosecond, UTC.
        end_ns: first nanosecond that no longer belongs to it.
    """

    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        """Refuse a span without a moment in it."""
        if self.start_ns >= self.end_ns:
            message = f"expected a span with its start before its end, was {self}"
            raise InputError(message)

    def __str__(self) -> str:
        """Return both ends as dates."""
        return f"{format_time(self.start_ns)} to {format_time(self.end_ns)}"

    @property
    def length_ns(self) -> int:
        """Return its length."""
        return self.end_ns - self.start_ns

    def holds(self, ts_ns: Ints) -> Mask:
        """Tell which times lie in it; (N,) in, (N,) out."""
        return (ts_ns >= self.start_ns) & (ts_ns < self.end_ns)


def label_ends(ts_ns: Ints, horizon_bars: int) -> Ints:
    """Return when the label (t, t + h] of each row ends: the time of the bar h later.

    It goes by bars, so that a gap in the data makes a label longer, as it does in truth.

    Args:
        ts_ns: (N,) int64, strictly ascending, rows of one symbol.
        horizon_bars: h, >= 1.

    Returns:
        (N,) int64; `NEVER_NS` for the last h rows, whose label is not known.

    Raises:
        InputError: h < 1, or the times do not ascend.
    """
    if horizon_bars < 1:
        message = f"expected a horizon of at least 1 bar, was {horizon_bars}"
        raise InputError(message, hint="without a horizon nothing is purged")
    if (np.diff(ts_ns) <= 0).any():
        message = "expected times in strictly ascending order, was a step back"
        raise InputError(message, hint="take the label ends of each symbol by itself")
    ends = np.full(len(ts_ns), NEVER_NS, np.int64)
    ends[: max(0, len(ts_ns) - horizon_bars)] = ts_ns[horizon_bars:]
    return ends


def usual_embargo_ns(ts_ns: Ints, label_end_ns: Ints) -> int:
    """Return the usual embargo: the longest label or 1 % of the bars, whichever is longer.

    Args:
        ts_ns: (N,) int64, times of rows of any number of symbols, in any order.
        label_end_ns: (N,) int64, end of each row's label.

    Raises:
        InputError: there are fewer than two times, or no label is known.
    """
    times = np.unique(ts_ns)
    is_known = label_end_ns < NEVER_NS
    if len(times) < 2 or not is_known.any():  # noqa: PLR2004 - a length needs two times
        message = f"expected rows with labels at two times at least, was {len(times)}"
        raise InputError(message)
    longest = int((label_end_ns[is_known] - ts_ns[is_known]).max())
    share = -(-len(times) // _USUAL_SHARE)
    return max(longest, int(times[share] - times[0]))
