"""Put the bars of several instruments on one time line; a gap repeats the last close."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS, SECOND_NS, format_interval
from athena.errors import InputError
from athena.market import correlations, risk_inputs
from athena.research.engine import _columns as cols
from athena.research.engine._columns import Columns
from athena.venues import table as vt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.domain import Bars

    Ints = NDArray[np.int64]


def align(bars: Sequence[Bars], *, with_risk_inputs: bool) -> Columns:
    """Build the columns of a run.

    Args:
        bars: one per instrument, all of one interval, none empty.
        with_risk_inputs: False leaves them out, when no limit or cost asks for them.

    Raises:
        InputError: no bars, or different intervals.
    """
    _check(bars)
    first = bars[0]
    same = all(np.array_equal(first.ts_ns, other.ts_ns) for other in bars[1:])
    ts_ns = first.ts_ns if same else np.unique(np.concatenate([item.ts_ns for item in bars]))
    rows = [np.searchsorted(ts_ns, item.ts_ns) for item in bars]
    columns = [_prices(item, row, len(ts_ns)) for item, row in zip(bars, rows, strict=True)]
    risk, day, correlation = _no_risk(len(bars))
    if with_risk_inputs:
        risk = np.stack(
            [_risk(item, row, len(ts_ns)) for item, row in zip(bars, rows, strict=True)]
        )
        moves = correlations(bars, ts_ns + first.interval_ns)
        day, correlation = moves.day, moves.matrices_ppm
    close_ns = ts_ns + first.interval_ns
    stacked = (_stack([column[field] for column in columns]) for field in range(5))
    return Columns(*map(_read_only, (close_ns, *stacked, risk, day, correlation)))


def _check(bars: Sequence[Bars]) -> None:
    if not bars:
        message = "expected bars of at least one instrument, was none"
        raise InputError(message)
    for item in bars:
        if len(item) == 0:
            message = f"expected bars of {item.instrument.symbol} in the time asked for, was none"
            raise InputError(message, hint="athena data show NAME tells what is there")
        if item.interval_ns != bars[0].interval_ns:
            message = (
                f"expected one interval in a run, was {format_interval(bars[0].interval_ns)} of "
                f"{bars[0].instrument.symbol} and {format_interval(item.interval_ns)} of "
                f"{item.instrument.symbol}"
            )
            raise InputError(message)


def _prices(bars: Bars, rows: Ints, length: int) -> list[Ints]:
    """Return open, high, low, close and volume on the time line."""
    _, *columns = bars.columns()
    if len(bars) == length:
        return columns
    volume = np.full(length, vt.NO_BAR, np.int64)
    volume[rows] = bars.volume_lots
    last = _last_known(rows, length)
    held = np.where(last >= 0, bars.close_ticks[np.maximum(last, 0)], 0)
    placed = []
    for column in columns[:-1]:
        values = held.copy()
        values[rows] = column
        placed.append(values)
    return [*placed, volume]


def _last_known(rows: Ints, length: int) -> Ints:
    """Return, for each step, the index of the newest bar at or before it; -1 before the first."""
    last = np.full(length, -1, np.int64)
    last[rows] = np.arange(len(rows))
    return np.maximum.accumulate(last)


def risk_rows(bars: Bars) -> Ints:
    """Return (N_RISK, T) risk inputs of one instrument, as the core takes them; 0 is unknown."""
    inputs = risk_inputs(bars)
    # In seconds, not nanoseconds: lots x nanoseconds leave 64 bits.
    per_bar = inputs.daily_volume_lots * (bars.interval_ns // SECOND_NS) // (DAY_NS // SECOND_NS)
    by_column = {
        cols.RISK_ATR: inputs.atr_ticks,
        cols.RISK_ATR_MEAN: inputs.atr_mean_ticks,
        cols.RISK_DAY_VOLUME: inputs.daily_volume_lots,
        cols.RISK_BAR_VOLUME: per_bar,
        cols.RISK_VOLATILITY: inputs.volatility_ppm,
        cols.RISK_VAR: inputs.var_ppm,
        cols.RISK_MOVE: inputs.move_ppm,
    }
    return np.stack([by_column[column] for column in range(cols.N_RISK)])


def _risk(bars: Bars, rows: Ints, length: int) -> Ints:
    """Return (N_RISK, T) risk inputs on the time line; a step without a bar keeps the last."""
    last = _last_known(rows, length)
    known = last >= 0
    table = np.zeros((cols.N_RISK, length), np.int64)
    table[:, known] = risk_rows(bars)[:, last[known]]
    return table


def _no_risk(n_instruments: int) -> tuple[Ints, Ints, Ints]:
    return (
        np.zeros((n_instruments, cols.N_RISK, 0), np.int64),
        np.zeros(0, np.int64),
        np.zeros((0, n_instruments, n_instruments), np.int64),
    )


def _stack(columns: list[Ints]) -> Ints:
    """Stack columns into (S, T); a single one is reshaped, so that a mapped file stays one."""
    if len(columns) == 1:
        return np.asarray(columns[0]).reshape(1, -1)
    return np.stack(columns)


def _read_only(table: Ints) -> Ints:
    """Return a view that cannot be written: one type for the compiler, and no way to cheat.

    It is of memory that holds nothing else: the base of a part of a data set would show the rest.
    """
    whole = np.ascontiguousarray(table)
    view = (whole.copy() if _is_part(whole) else whole).view()
    view.flags.writeable = False
    return view


def _is_part(table: Ints) -> bool:
    base = table.base
    while isinstance(base, np.ndarray):
        if base.size > table.size:
            return True
        base = base.base
    return False
