"""The newest bars of all instruments as columns: what a hosted strategy's signals may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import format_interval
from athena.errors import InputError
from athena.research.engine import align
from athena.trading import Bar, Market
from athena.venues import table as vt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.domain import Bars
    from athena.trading import Ints

_DROPPED_PART = 8  # a full window drops this part of its steps at once


def market_of(history: Sequence[Bars], n_max: int) -> Market:
    """Put what came before on one time line, its newest `n_max` steps, as a backtest does.

    Args:
        history: one per instrument, of one interval; all of them empty is a start from nothing.
        n_max: most steps to keep.

    Raises:
        InputError: no instrument, different intervals, or bars of some instruments only.
    """
    has_bars = any(len(item) for item in history) or not history
    columns: Sequence[Ints] = (
        align(history, with_risk_inputs=False)[:6] if has_bars else _empty_columns(history)
    )
    instruments = tuple(item.instrument for item in history)
    kept = [_read_only(column[..., -n_max:].copy()) for column in columns]
    return Market(instruments, history[0].interval_ns, *kept)


def _empty_columns(history: Sequence[Bars]) -> list[Ints]:
    intervals = {item.interval_ns for item in history}
    if len(intervals) > 1:
        named = ", ".join(format_interval(interval) for interval in sorted(intervals))
        message = f"expected one interval for all instruments, was {named}"
        raise InputError(message)
    shape = (len(history), 0)
    return [np.zeros(0, np.int64), *(np.zeros(shape, np.int64) for _ in Bar._fields)]


def with_step(market: Market, close_ns: int, bars: Mapping[int, Bar], n_max: int) -> Market:
    """Return the market with one more step; beyond `n_max` the oldest steps go, in a block.

    The columns are new ones, so that what a strategy kept of the old ones stays as it was. A
    missing bar repeats the last close with volume -1, as in a backtest.

    Args:
        market: until now.
        close_ns: of the step, after the market's last one.
        bars: by number of the instrument; at least one.
        n_max: most steps to keep, >= 2.
    """
    n_steps = len(market.close_ns)
    first = 0 if n_steps < n_max else max(n_steps // _DROPPED_PART, n_steps + 1 - n_max)
    last = market.close[:, -1].tolist() if n_steps else [0] * len(market.instruments)
    row = [bars.get(k, Bar(close, close, close, close, vt.NO_BAR)) for k, close in enumerate(last)]
    old = (market.open, market.high, market.low, market.close, market.volume)
    grown = [
        np.append(column[:, first:], np.array(values, np.int64)[:, None], axis=1)
        for column, values in zip(old, zip(*row, strict=True), strict=True)
    ]
    times = np.append(market.close_ns[first:], np.int64(close_ns))
    return Market(market.instruments, market.interval_ns, *map(_read_only, (times, *grown)))


def newest_bars(market: Market) -> tuple[Bar, ...]:
    """Return the bars of the last step, in whole numbers of Python."""
    columns = (market.open, market.high, market.low, market.close, market.volume)
    return tuple(map(Bar, *(column[:, -1].tolist() for column in columns)))


def _read_only(column: Ints) -> Ints:
    column.flags.writeable = False
    return column
