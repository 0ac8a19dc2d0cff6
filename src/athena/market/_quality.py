"""Quality checks: what is wrong with bars, each kind found by one vectorised function.

Severe defects make bars unfit to trade on: importing refuses them. Mild ones are how markets and
venues are (outages, quiet hours, flash crashes): they are reported and stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import DAY_NS, SECOND_NS, Bars, format_interval, format_time
from athena.market._columns import FIELDS, find_columns
from athena.market._grid import OFF_GRID_FRAC, common_step, grid_origin_ns, off_grid_rows
from athena.market._read import read_times, same_length
from athena.market._repeats import repeated_blocks, runs_of
from athena.market._units import read_floats

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from athena.market._table import Table

_STALE_BARS = 6  # bars without any price movement before it is worth a word
_REPEATED_VOLUMES = 3  # equal volumes in a row
_SPIKE_FLOOR = 0.10  # a spike is at least this fraction away from both neighbours ...
_SPIKE_TYPICAL = 25.0  # ... and this many times the median absolute return


class Severity(StrEnum):
    """Whether bars with this defect may be used."""

    MILD = "mild"
    SEVERE = "severe"


@dataclass(frozen=True, slots=True)
class Defect:
    """Report one kind of defect.

    Attributes:
        kind: `gaps`, `duplicates`, `disorder`, `off_grid`, `grid_offset`, `high_low`,
            `not_a_number`, `not_positive`, `negative_volume`, `zero_volume`, `repeated_volume`,
            `repeated_blocks`, `outliers` or `stale_prices`.
        count: how many (gaps count outages, the others bars).
        severity: severe defects make the bars unfit.
        first: open of the first bar concerned, ISO-8601 UTC.
        detail: one sentence with the figures.
    """

    kind: str
    count: int
    severity: Severity
    first: str
    detail: str


@dataclass(frozen=True, slots=True)
class BarColumns:
    """Hold bars as any numbers, right or wrong, for the checks.

    Attributes:
        ts_ns: (T,) int64; the others (T,) int64 ticks and lots, or float64 as a file has them.
    """

    interval_ns: int
    ts_ns: NDArray[np.int64]
    open: NDArray[Any]
    high: NDArray[Any]
    low: NDArray[Any]
    close: NDArray[Any]
    volume: NDArray[Any]

    def prices(self) -> tuple[NDArray[Any], ...]:
        """Return open, high, low and close."""
        return self.open, self.high, self.low, self.close


def check_bars(bars: Bars) -> list[Defect]:
    """Find every defect of bars, in the order of `CHECKS`; empty when there is none."""
    return check_columns(BarColumns(bars.interval_ns, *bars.columns()))


def check_table(table: Table, symbol: str, interval_ns: int | None = None) -> list[Defect]:
    """Find every defect of a file as it is, also of one that importing would refuse.

    Args:
        table: an opened file.
        symbol: ``BASE/QUOTE`` that the bars are meant to be.
        interval_ns: length of a bar; None takes the most common distance.

    Raises:
        InputError: a column is missing or is no number, or the times cannot be read.
    """
    columns = find_columns(table, symbol)
    ts_ns = read_times(table, columns["ts"])
    numbers = (
        same_length(read_floats(table, columns[field]), ts_ns, table, field)
        for field in FIELDS[1:]
    )
    return check_columns(BarColumns(interval_ns or common_step(ts_ns) or DAY_NS, ts_ns, *numbers))


def check_columns(bars: BarColumns) -> list[Defect]:
    """Find every defect, in the order of `CHECKS`."""
    # Comparing with NaN is false and numpy says nothing; infinities divide with a warning.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = (check(bars) for check in CHECKS)
        return [defect for defect in found if defect is not None]


def first_severe(defects: list[Defect]) -> Defect | None:
    """Return the first severe defect, or None."""
    return next((item for item in defects if item.severity is Severity.SEVERE), None)


def find_disorder(bars: BarColumns) -> Defect | None:
    """Find bars that open before the one in front of them."""
    wrong = np.flatnonzero(np.diff(bars.ts_ns) < 0) + 1
    return _severe("disorder", bars, wrong, "bars open before the bar in front of them")


def find_duplicates(bars: BarColumns) -> Defect | None:
    """Find bars whose open time another bar already has."""
    order = np.argsort(bars.ts_ns, kind="stable")
    again = np.flatnonzero(np.diff(bars.ts_ns[order]) == 0) + 1
    return _severe("duplicates", bars, np.sort(order[again]), "bars repeat an open time")


def find_off_grid(bars: BarColumns) -> Defect | None:
    """Find bars that do not open a whole number of intervals from the others.

    Severe above one bar in a hundred: then the interval is not the data's.
    """
    wrong = off_grid_rows(bars.ts_ns, bars.interval_ns)
    detail = f"bars do not open on the {format_interval(bars.interval_ns)} grid of the others"
    is_severe = wrong.size > OFF_GRID_FRAC * len(bars.ts_ns)
    return (_severe if is_severe else _mild)("off_grid", bars, wrong, detail)


def find_grid_offset(bars: BarColumns) -> Defect | None:
    """Find a grid that is shifted as a whole against UTC (weeks: against Monday)."""
    if bars.ts_ns.size == 0 or off_grid_rows(bars.ts_ns, bars.interval_ns).size:
        return None
    offset = int(bars.ts_ns[0] - grid_origin_ns(bars.interval_ns)) % bars.interval_ns
    if offset == 0:
        return None
    detail = f"bars open {offset // SECOND_NS} s after the UTC grid, all of them"
    return _mild("grid_offset", bars, np.arange(len(bars.ts_ns)), detail)


def find_gaps(bars: BarColumns) -> Defect | None:
    """Find outages: bars missing between two others."""
    steps = np.diff(np.unique(bars.ts_ns))
    gaps = np.flatnonzero(steps > bars.interval_ns)
    if gaps.size == 0:
        return None
    missing = steps[gaps] // bars.interval_ns - 1
    longest = int(np.argmax(missing))
    starts = np.unique(bars.ts_ns)[gaps] + bars.interval_ns
    detail = (
        f"{int(missing.sum())} bars missing in {gaps.size} gaps, longest {int(missing[longest])} "
        f"bars from {format_time(int(starts[longest]))}"
    )
    return Defect("gaps", gaps.size, Severity.MILD, format_time(int(starts[0])), detail)


def find_not_a_number(bars: BarColumns) -> Defect | None:
    """Find bars with a NaN or infinite price or volume."""
    wrong = ~np.isfinite(bars.volume)
    for price in bars.prices():
        wrong |= ~np.isfinite(price)
    return _severe("not_a_number", bars, np.flatnonzero(wrong), "bars hold a NaN or an infinity")


def find_not_positive(bars: BarColumns) -> Defect | None:
    """Find bars with a price of zero or less."""
    wrong = np.zeros(len(bars.ts_ns), dtype=np.bool_)
    for price in bars.prices():
        wrong |= price <= 0
    return _severe("not_positive", bars, np.flatnonzero(wrong), "bars hold a price <= 0")


def find_negative_volume(bars: BarColumns) -> Defect | None:
    """Find bars with a volume under zero."""
    wrong = np.flatnonzero(bars.volume < 0)
    return _severe("negative_volume", bars, wrong, "bars hold a volume < 0")


def find_high_low(bars: BarColumns) -> Defect | None:
    """Find bars whose high is under, or whose low is over, their open or close."""
    wrong = bars.high < np.maximum(bars.open, bars.close)
    wrong |= bars.low > np.minimum(bars.open, bars.close)
    return _severe(
        "high_low", bars, np.flatnonzero(wrong), "bars break low <= open, close <= high"
    )


def find_repeated_blocks(bars: BarColumns) -> Defect | None:
    """Find blocks of bars that are exact copies of other bars of the file."""
    copies, lags = repeated_blocks((*bars.prices(), bars.volume))
    detail = "bars equal a later bar in every price and the volume, in blocks of 3 or more"
    if copies.size:
        detail += f", the first the bars {int(lags[0])} rows later"
    return _severe("repeated_blocks", bars, copies, detail)


def find_zero_volume(bars: BarColumns) -> Defect | None:
    """Find bars in which nothing was traded."""
    return _mild("zero_volume", bars, np.flatnonzero(bars.volume == 0), "bars without volume")


def find_repeated_volume(bars: BarColumns) -> Defect | None:
    """Find runs of three or more bars with one and the same volume above zero."""
    same = (np.diff(bars.volume) == 0) & (bars.volume[1:] > 0)
    wrong = runs_of(same, _REPEATED_VOLUMES - 1) + 1
    detail = f"bars repeat the volume before them, {_REPEATED_VOLUMES} or more in a row"
    return _mild("repeated_volume", bars, wrong, detail)


def find_stale_prices(bars: BarColumns) -> Defect | None:
    """Find runs of six or more bars in which the price does not move at all."""
    still = (bars.high[1:] == bars.low[1:]) & (np.diff(bars.close) == 0)
    wrong = runs_of(still, _STALE_BARS) + 1
    detail = f"bars without any movement, {_STALE_BARS} or more in a row"
    return _mild("stale_prices", bars, wrong, detail)


def find_outliers(bars: BarColumns) -> Defect | None:
    """Find spikes: a high or low far from both neighbours' closes, which agree with each other."""
    close = bars.close.astype(np.float64)
    if len(close) < 3:  # noqa: PLR2004 (a bar and two neighbours)
        return None
    before, after = close[:-2], close[2:]
    returns = np.abs(np.diff(np.log(close)))
    known = returns[np.isfinite(returns)]
    typical = float(np.median(known)) if known.size else 0.0
    limit = max(_SPIKE_FLOOR, _SPIKE_TYPICAL * typical)
    down = 1.0 - bars.low[1:-1] / np.minimum(before, after)
    up = bars.high[1:-1] / np.maximum(before, after) - 1.0
    size = np.maximum(down, up)
    wrong = np.flatnonzero((size > limit) & (np.abs(np.log(after / before)) < size / 2)) + 1
    return _mild("outliers", bars, wrong, f"bars spike more than {limit:.0%} and come back")


# In this order: what spoils time first, then single bars, then what is only worth knowing.
CHECKS: tuple[Callable[[BarColumns], Defect | None], ...] = (
    find_disorder,
    find_duplicates,
    find_off_grid,
    find_not_a_number,
    find_not_positive,
    find_negative_volume,
    find_high_low,
    find_repeated_blocks,
    find_grid_offset,
    find_gaps,
    find_zero_volume,
    find_repeated_volume,
    find_stale_prices,
    find_outliers,
)


def _severe(kind: str, bars: BarColumns, wrong: NDArray[Any], detail: str) -> Defect | None:
    return _defect(kind, bars, wrong, detail, Severity.SEVERE)


def _mild(kind: str, bars: BarColumns, wrong: NDArray[Any], detail: str) -> Defect | None:
    return _defect(kind, bars, wrong, detail, Severity.MILD)


def _defect(
    kind: str, bars: BarColumns, wrong: NDArray[Any], detail: str, severity: Severity
) -> Defect | None:
    if wrong.size == 0:
        return None
    first = format_time(int(bars.ts_ns[wrong[0]]))
    return Defect(kind, int(wrong.size), severity, first, f"{wrong.size} {detail}")
