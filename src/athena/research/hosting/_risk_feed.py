"""Risk inputs of bars as they come: what the core is told is what a backtest would tell it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import BAR_COLUMNS, DAY_NS, format_interval, format_time
from athena.errors import InputError
from athena.market import correlations
from athena.research.engine import columns as cols
from athena.research.engine import risk_rows
from athena.trading.live import CorrelationSeen, RiskSeen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.trading import Bar

    Ints = NDArray[np.int64]
    Seen = RiskSeen | CorrelationSeen

# What the risk inputs of a bar reach back to, with room: see `athena.market.risk_inputs`.
_N_RECENT = 1_100  # Wilder's mean is exact over 1,024 bars; its own mean takes 20 more
_VOLUME_NS = 30 * DAY_NS
_N_DAYS = 400  # returns of 365 days
_SLACK = 256  # bars that may pile up before old ones are thinned out
_NONE_NS = np.iinfo(np.int64).max
_OF_BARS = [cols.RISK_ATR, cols.RISK_ATR_MEAN, cols.RISK_VOLATILITY, cols.RISK_MOVE]


class RiskFeed:
    """Risk inputs and correlations at the newest close, equal to a backtest's at that step.

    Of each instrument it keeps the bars of the last 30 days, 1,100 of them or more, and of each
    day of the last 400 its last bar: that is all that the inputs depend on. Where days stand in
    for bars that `history` lacks, value at risk and correlations are as exact, and the mean
    volume counts a day at the edge of its 30 days as a whole.
    """

    def __init__(self, history: Sequence[Bars], daily: Sequence[Bars] = ()) -> None:
        """Take what came before.

        Args:
            history: one per instrument, of one interval of a day or less; may be empty.
            daily: one per instrument, of one day each, for value at risk and correlation where
                `history` is shorter than a year; days that `history` has are left out. The close
                of a day must be the last price of that day. Empty is none.

        Raises:
            InputError: another number of instruments, another interval than a day, or bars
                longer than a day.
        """
        if daily and len(daily) != len(history):
            message = f"expected daily bars of {len(history)} instruments, was of {len(daily)}"
            raise InputError(message)
        longer = [item for item in history if item.interval_ns > DAY_NS]
        longer += [item for item in daily if item.interval_ns != DAY_NS]
        if longer:
            message = (
                f"expected bars of a day or less, and daily ones of a day, was "
                f"{format_interval(longer[0].interval_ns)} of {longer[0].instrument.symbol}"
            )
            raise InputError(message)
        before = daily or [item.rows(0, 0) for item in history]
        self._bars = [
            _thinned(_joined(days, bars)) for days, bars in zip(before, history, strict=True)
        ]
        self._first_ns = [int(item.ts_ns[0]) if len(item) else _NONE_NS for item in history]
        self._inputs = [self._newest(k) for k in range(len(history))]
        self._day: int | None = None

    def on_bars(self, close_ns: int, bars: Mapping[int, Bar]) -> tuple[Seen, ...]:
        """Take the bars of one closed step.

        Args:
            close_ns: when it closed, after the step before.
            bars: by number of the instrument; one that is missing keeps its inputs.

        Returns:
            The inputs of every instrument; and the correlation of each pair, at the first step
            and at the first one of each UTC day.

        Raises:
            InputError: the step is not after the last bar.
        """
        for k, bar in bars.items():
            self._bars[k] = _with_bar(self._bars[k], close_ns, bar)
            self._first_ns[k] = min(self._first_ns[k], int(self._bars[k].ts_ns[-1]))
            self._inputs[k] = self._newest(k)
        seen: list[Seen] = [_risk_seen(k, inputs) for k, inputs in enumerate(self._inputs)]
        day = close_ns // DAY_NS
        if day != self._day:
            self._day = day
            seen += self._correlations(close_ns)
        return tuple(seen)

    def _newest(self, k: int) -> list[int]:
        """Return the risk inputs at the last bar of an instrument; all unknown without a bar."""
        bars = self._bars[k]
        first = int(np.searchsorted(bars.ts_ns, self._first_ns[k]))
        if first == len(bars):
            return [0] * cols.N_RISK
        whole = risk_rows(bars)[:, -1]
        if first > 0:  # days in front are no neighbours of bars: ranges and returns leave them out
            own = risk_rows(bars.rows(max(first, len(bars) - _N_RECENT), len(bars)))[:, -1]
            whole[_OF_BARS] = own[_OF_BARS]
        found: list[int] = whole.tolist()
        return found

    def _correlations(self, close_ns: int) -> list[CorrelationSeen]:
        matrix = correlations(self._bars, np.array([close_ns], np.int64)).matrices_ppm[0]
        return [
            CorrelationSeen(first, second, int(matrix[first, second]))
            for first in range(len(self._bars))
            for second in range(first + 1, len(self._bars))
        ]


def _joined(daily: Bars, bars: Bars) -> Bars:
    """Put each day of `daily` before the first of `bars` in front, as the day's last bar.

    What was traded on the first of them lies before its last bar, where nothing is known: it does
    not count, so that the mean volume of a few days is theirs.
    """
    ends_ns = daily.ts_ns + DAY_NS
    first_ns = bars.ts_ns[0] // DAY_NS * DAY_NS if len(bars) else _NONE_NS
    n = int(np.searchsorted(ends_ns, first_ns, side="right"))
    days = {name: getattr(daily, name)[:n] for name in BAR_COLUMNS}
    days["ts_ns"] = ends_ns[:n] - bars.interval_ns
    days["volume_lots"] = np.where(np.arange(n) == 0, 0, days["volume_lots"])
    return _with_columns(bars, {key: np.append(days[key], getattr(bars, key)) for key in days})


def _with_bar(bars: Bars, close_ns: int, bar: Bar) -> Bars:
    ts_ns = close_ns - bars.interval_ns
    if len(bars) and ts_ns <= bars.ts_ns[-1]:
        message = (
            f"expected a bar of {bars.instrument.symbol} after "
            f"{format_time(int(bars.ts_ns[-1]))}, was {format_time(ts_ns)}"
        )
        raise InputError(message)
    row = dict(zip(BAR_COLUMNS, (ts_ns, *bar), strict=True))
    longer = _with_columns(
        bars, {key: np.append(getattr(bars, key), np.int64(row[key])) for key in row}
    )
    return _thinned(longer) if len(longer) % _SLACK == 0 else longer


def _thinned(bars: Bars) -> Bars:
    """Leave out the bars that no risk input of a later bar depends on."""
    if len(bars) <= _N_RECENT:
        return bars
    days = (bars.ts_ns + (bars.interval_ns - 1)) // DAY_NS  # in which each bar closes
    keep = np.append(days[1:] != days[:-1], np.array([True])) & (days >= days[-1] - _N_DAYS)
    keep |= bars.ts_ns >= bars.ts_ns[-1] - _VOLUME_NS
    keep[-_N_RECENT:] = True
    return _with_columns(bars, {name: getattr(bars, name)[keep] for name in BAR_COLUMNS})


def _with_columns(bars: Bars, columns: Mapping[str, Any]) -> Bars:
    return replace(bars, **columns)


def _risk_seen(instrument: int, inputs: Sequence[int]) -> RiskSeen:
    return RiskSeen(
        instrument=instrument,
        atr=inputs[cols.RISK_ATR],
        atr_mean=inputs[cols.RISK_ATR_MEAN],
        day_volume=inputs[cols.RISK_DAY_VOLUME],
        bar_volume=inputs[cols.RISK_BAR_VOLUME],
        volatility_ppm=inputs[cols.RISK_VOLATILITY],
        var_ppm=inputs[cols.RISK_VAR],
        move_ppm=inputs[cols.RISK_MOVE],
    )
