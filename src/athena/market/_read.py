"""From a file's columns to bars: everything a bar promises is checked here, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from athena.domain import (
    SECOND_NS,
    Bars,
    Instrument,
    Provenance,
    content_sha256,
    format_interval,
)
from athena.domain import format_time as iso
from athena.errors import InputError
from athena.market._columns import find_columns, stated_unit
from athena.market._grid import OFF_GRID_FRAC, common_step, off_grid_rows
from athena.market._times import times_to_ns
from athena.market._units import prices_to_ticks, volumes_to_lots

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.market._table import Table

_IMPORT = "athena data import FILE --symbol BTC/USDT"
Number = TypeVar("Number", np.int64, np.float64)


def read_bars(
    table: Table, instrument: Instrument, interval_ns: int | None, *, name: str, origin: str = ""
) -> Bars:
    """Read a table as bars, one column at a time.

    Args:
        table: an opened file.
        instrument: gives the steps; its symbol must fit the file.
        interval_ns: length of a bar; None takes the most common distance between two bars.
        name: for the provenance.
        origin: for the provenance; the file when empty.

    Raises:
        InputError: anything about the file that is not sure: see `find_columns`, `times_to_ns`,
            `prices_to_ticks`, `volumes_to_lots`; times out of order, doubled or off the interval;
            a high under, or a low over, another price. The message names file and row.
    """
    columns = find_columns(table, instrument.symbol)
    ts_ns = read_times(table, columns["ts"])
    _check_order(ts_ns, table)
    interval = _check_grid(ts_ns, interval_ns, table)
    open_, high, low, close = (
        same_length(prices_to_ticks(table, columns[field], instrument.tick), ts_ns, table, field)
        for field in ("open", "high", "low", "close")
    )
    _check_high_low(open_, high, low, close, table)
    lots = volumes_to_lots(table, columns["volume"], instrument.lot)
    lots = same_length(lots, ts_ns, table, "volume")
    data = (ts_ns, open_, high, low, close, lots)
    for column in data:
        column.flags.writeable = False
    provenance = Provenance(name, origin or f"file {Path(table.label).name}", content_sha256(data))
    return Bars(instrument, interval, *data, provenance)


def read_times(table: Table, name: str) -> NDArray[np.int64]:
    """Read the time column as UTC nanoseconds, at least one.

    Raises:
        InputError: no rows, or a value that is not a time.
    """
    column = table.read(name)
    if len(column) == 0:
        message = f"expected at least one bar, was {table.label} without rows"
        raise InputError(message)
    return np.ascontiguousarray(times_to_ns(column, stated_unit(name), table))


def same_length(
    column: NDArray[Number], ts_ns: NDArray[np.int64], table: Table, field: str
) -> NDArray[Number]:
    """Return a column as it is if it has one value per bar.

    Raises:
        InputError: it is longer or shorter than the times.
    """
    if len(column) != len(ts_ns):
        message = f"expected {len(ts_ns)} values of {field} in {table.label}, was {len(column)}"
        raise InputError(message)
    return column


def _check_order(ts_ns: NDArray[np.int64], table: Table) -> None:
    wrong = np.flatnonzero(np.diff(ts_ns) <= 0)
    if wrong.size == 0:
        return
    index = int(wrong[0]) + 1
    what = "a duplicate of" if ts_ns[index] == ts_ns[index - 1] else "not after"
    message = (
        f"expected times to rise, was {iso(int(ts_ns[index]))} in {table.where(index)}, "
        f"{what} the row before ({iso(int(ts_ns[index - 1]))})"
    )
    raise InputError(message, hint="sort the file by time and keep one row per bar")


def _check_grid(ts_ns: NDArray[np.int64], stated_ns: int | None, table: Table) -> int:
    """Return the interval; a stated one must be the usual distance, few bars may be off its grid.

    A venue that restarts may open some bars late (Binance on 2018-02-09); they stay as they are.
    """
    usual = common_step(ts_ns)
    if usual is None and stated_ns is None:
        message = f"expected an interval for the single bar of {table.label}, was none"
        raise InputError(message, hint=f"state it: {_IMPORT} --interval 1h")
    interval = stated_ns or usual or 0
    if usual is not None and usual != interval:
        message = (
            f"expected bars {_interval(interval)} apart, was {_interval(usual)} in {table.label}"
        )
        raise InputError(message, hint=f"state the file's own: {_IMPORT} --interval 1h")
    wrong = off_grid_rows(ts_ns, interval)
    if wrong.size > OFF_GRID_FRAC * len(ts_ns):
        index = int(wrong[0])
        message = (
            f"expected bars a whole number of {_interval(interval)} apart, was "
            f"{iso(int(ts_ns[index]))} in {table.where(index)}, one of {wrong.size} off the grid"
        )
        raise InputError(message, hint=f"state the file's own: {_IMPORT} --interval 1h")
    return interval


def _interval(interval_ns: int) -> str:
    is_whole = interval_ns % SECOND_NS == 0
    return format_interval(interval_ns) if is_whole else f"{interval_ns} ns"


def _check_high_low(
    open_: NDArray[np.int64],
    high: NDArray[np.int64],
    low: NDArray[np.int64],
    close: NDArray[np.int64],
    table: Table,
) -> None:
    wrong = (high < open_) | (high < close) | (low > open_) | (low > close)
    if wrong.any():
        index = int(np.argmax(wrong))
        prices = ", ".join(str(int(column[index])) for column in (open_, high, low, close))
        message = (
            f"expected low <= open, close <= high in {table.where(index)}, "
            f"was open, high, low, close = {prices} ticks"
        )
        raise InputError(message, hint="check that the columns carry the right names")
