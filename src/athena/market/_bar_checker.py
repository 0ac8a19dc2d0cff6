"""Whether a new bar of a running feed may be decided on: the last door before a strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import SECOND_NS, format_interval, format_time
from athena.errors import InputError
from athena.market._grid import grid_origin_ns
from athena.market._quality import BarColumns, Defect, Severity, check_columns, first_severe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.market._live_bars import FeedSource, LiveBar


class BarChecker:
    """Check the bars of one instrument as they come; what is refused leaves a gap.

    Nothing is put in the place of a bar that did not come or was refused: the step has no bar of
    this instrument, `n_missing` counts it, and a strategy is not asked without any bar (D03).

    Attributes:
        n_refused: bars that were refused, by the kind of their defect.
        n_missing: intervals without a bar between bars that were taken.
    """

    def __init__(
        self,
        interval_ns: int,
        source: FeedSource,
        *,
        last_ns: int | None = None,
        max_age_ns: int | None = None,
    ) -> None:
        """Begin with the first bar.

        Args:
            interval_ns: length of a bar, > 0.
            source: the only one that this run may use; a bar of another is refused.
            last_ns: open of the last bar of the history; None is no history.
            max_age_ns: how old a closed bar may be; None is one interval.

        Raises:
            InputError: an interval or an age that is none.
        """
        self._max_age_ns = interval_ns if max_age_ns is None else max_age_ns
        if interval_ns <= 0 or self._max_age_ns < 0:
            message = f"expected interval > 0 and age >= 0, was {interval_ns} and {max_age_ns} ns"
            raise InputError(message)
        self.n_refused: dict[str, int] = {}
        self.n_missing = 0
        self._interval_ns = interval_ns
        self._source = source
        self._last_ns = last_ns

    def check(self, bar: LiveBar, venue_now_ns: int) -> Defect | None:
        """Take a bar, or say why it is refused.

        Args:
            bar: a closed bar.
            venue_now_ns: the venue's clock now.

        Returns:
            None when it was taken. Else the first defect, severe, of a kind that `check_bars`
            names or of `source`, `interval`, `unfinished` or `stale`; the bar changed nothing.
        """
        defect = next(self._defects(bar, venue_now_ns), None)
        if defect is not None:
            self.n_refused[defect.kind] = self.n_refused.get(defect.kind, 0) + 1
            return defect
        if self._last_ns is not None:
            self.n_missing += (bar.ts_ns - self._last_ns) // self._interval_ns - 1
        self._last_ns = bar.ts_ns
        return None

    def n_due(self, venue_now_ns: int) -> int:
        """Count the intervals that have ended since the last bar, and brought none until now.

        Args:
            venue_now_ns: the venue's clock now.
        """
        if self._last_ns is None:
            return 0
        closed_ns = self._last_ns + self._interval_ns
        return max(0, (venue_now_ns - closed_ns) // self._interval_ns)

    def _defects(self, bar: LiveBar, venue_now_ns: int) -> Iterator[Defect]:
        """Find what makes a bar unfit: first whose it is, then when, then what stands in it."""
        if bar.source != self._source:
            yield _defect("source", bar, f"expected {self._source} bars, was {bar.source}")
        if bar.interval_ns != self._interval_ns:
            lengths = [format_interval(item) for item in (self._interval_ns, bar.interval_ns)]
            yield _defect("interval", bar, f"expected bars of {lengths[0]}, was {lengths[1]}")
        if (bar.ts_ns - grid_origin_ns(self._interval_ns)) % self._interval_ns:
            yield _defect("off_grid", bar, "expected an open on the UTC grid")
        if self._last_ns is not None and bar.ts_ns <= self._last_ns:
            kind = "duplicates" if bar.ts_ns == self._last_ns else "disorder"
            yield _defect(kind, bar, f"expected a bar after {format_time(self._last_ns)}")
        age_ns = venue_now_ns - bar.close_ns
        if age_ns < 0:
            yield _defect("unfinished", bar, f"ends {-age_ns / SECOND_NS} s from now")
        if age_ns > self._max_age_ns:
            yield _defect("stale", bar, f"closed {age_ns // SECOND_NS} s ago")
        found = first_severe(check_columns(_columns_of(bar)))
        if found is not None:
            yield found


def _columns_of(bar: LiveBar) -> BarColumns:
    values = (bar.ts_ns, bar.open, bar.high, bar.low, bar.close, bar.volume)
    return BarColumns(bar.interval_ns, *(np.array([value], np.int64) for value in values))


def _defect(kind: str, bar: LiveBar, detail: str) -> Defect:
    return Defect(kind, 1, Severity.SEVERE, format_time(bar.ts_ns), detail)
