"""Closed bars for strategies beside a session: from a data set that is replayed, or polled."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from athena.domain import BAR_COLUMNS, Bars, Provenance
from athena.market import BarChecker, LiveBar
from athena.trading import Bar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from athena.domain import Instrument
    from athena.market import FeedSource

    Ints = NDArray[np.int64]

_PRICES = ("open_ticks", "high_ticks", "low_ticks", "close_ticks")


@dataclass(frozen=True, slots=True)
class Step:
    """The bars that closed at one time.

    Attributes:
        close_ns: when, UTC nanoseconds.
        bars: by number of the instrument, at least one.
    """

    close_ns: int
    bars: Mapping[int, Bar]


class BarSource(Protocol):
    """Bars of the session's instruments, as they close.

    Attributes:
        defects: why bars were refused, newest last, at most 100.
    """

    defects: deque[str]

    @property
    def daily(self) -> Sequence[Bars]:
        """Return daily bars of what came before the history; empty without any."""
        ...

    def begin(self, decided_ns: int, now_ns: int) -> Sequence[Bars] | None:
        """Return what came before the first step, one set per instrument; None: not known yet.

        Args:
            decided_ns: close of the step that was decided on last, before a restart; -1 none. The
                newest step after it is shown again while it is fresh.
            now_ns: our clock.
        """
        ...

    def take(self, now_ns: int) -> list[Step]:
        """Return the steps that have closed since, oldest first."""
        ...


class CheckedBars:
    """Let bars through that may be decided on, step by step; the others leave a gap (D03).

    Attributes:
        defects: why bars were refused, newest last, at most 100.
    """

    __slots__ = ("_checkers", "_instruments", "_interval_ns", "_source", "defects")

    def __init__(
        self,
        instruments: Sequence[Instrument],
        interval_ns: int,
        source: FeedSource,
        history: Sequence[Bars],
    ) -> None:
        """Begin after a history, one set per instrument."""
        self.defects: deque[str] = deque(maxlen=100)
        self._instruments = instruments
        self._interval_ns = interval_ns
        self._source = source
        self._checkers = [
            BarChecker(interval_ns, source, last_ns=int(item.ts_ns[-1]) if len(item) else None)
            for item in history
        ]

    def step(self, close_ns: int, bars: Mapping[int, Bar], now_ns: int) -> Step | None:
        """Return the step of the bars that may be used; None when none may.

        Args:
            close_ns: when they closed.
            bars: by number of the instrument.
            now_ns: the venue's clock.
        """
        opened_ns = close_ns - self._interval_ns
        kept = {}
        for k, bar in bars.items():
            live = LiveBar(opened_ns, self._interval_ns, *bar, self._source)
            defect = self._checkers[k].check(live, now_ns)
            if defect is None:
                kept[k] = bar
            else:
                symbol = self._instruments[k].symbol
                self.defects.append(f"{symbol}: {defect.kind}: {defect.detail}")
        return Step(close_ns, kept) if kept else None


class RecordedBars:
    """Bars of data sets, moved to the session's time: each closes when its time has come."""

    def __init__(self, bars: Sequence[Bars], source: FeedSource) -> None:
        """Replay bars that were moved to the session's time, ticks and lots.

        Args:
            bars: one set per instrument, of one interval.
            source: where they come from.
        """
        self.defects: deque[str] = deque(maxlen=100)
        self._bars = tuple(bars)
        self._source = source
        self._interval_ns = bars[0].interval_ns
        opens = np.unique(np.concatenate([item.ts_ns for item in bars]))
        self._closes: list[int] = (opens + self._interval_ns).tolist()
        self._next = 0
        self._checked: CheckedBars | None = None

    @property
    def daily(self) -> Sequence[Bars]:
        """Return nothing: all that a data set has is history."""
        return ()

    @property
    def is_over(self) -> bool:
        """Tell whether no step is left."""
        return self._next >= len(self._closes)

    def begin(self, decided_ns: int, now_ns: int) -> Sequence[Bars] | None:
        """Return what closed before the first step."""
        n_closed = int(np.searchsorted(self._closes, now_ns, side="right"))
        self._next = first_shown(self._closes[:n_closed], decided_ns, now_ns, self._interval_ns)
        cut_ns = self._closes[self._next - 1] if self._next else 0
        history = [item.between(None, cut_ns) for item in self._bars]
        instruments = [item.instrument for item in self._bars]
        self._checked = CheckedBars(instruments, self._interval_ns, self._source, history)
        self._checked.defects = self.defects
        return history

    def take(self, now_ns: int) -> list[Step]:
        """Return the steps that have closed since, oldest first."""
        steps: list[Step] = []
        while (
            self._checked is not None and not self.is_over and self._closes[self._next] <= now_ns
        ):
            close_ns = self._closes[self._next]
            self._next += 1
            step = self._checked.step(close_ns, self._bars_at(close_ns), close_ns)
            steps += [] if step is None else [step]
        return steps

    def _bars_at(self, close_ns: int) -> dict[int, Bar]:
        opened_ns = close_ns - self._interval_ns
        found = {}
        for k, item in enumerate(self._bars):
            row = int(np.searchsorted(item.ts_ns, opened_ns))
            if row < len(item) and item.ts_ns[row] == opened_ns:
                found[k] = Bar(*(int(column[row]) for column in item.columns()[1:]))
        return found


def first_shown(closes: Sequence[int], decided_ns: int, now_ns: int, interval_ns: int) -> int:
    """Return the index of the first step to show: the next, or the newest one again.

    After a restart the newest closed step is shown when it was not decided on for sure and is not
    older than an interval; those before it are history.

    Args:
        closes: of the steps that have closed, ascending.
        decided_ns: close of the last step that was decided on; -1 none.
        now_ns: our clock.
        interval_ns: length of a bar.
    """
    n = len(closes)
    if n and 0 <= decided_ns < closes[-1] and now_ns - closes[-1] <= interval_ns:
        return n - 1
    return n


def moved(bars: Bars, instrument: Instrument, shift_ns: int) -> Bars:
    """Return bars in an instrument's ticks and lots, at another time.

    Args:
        bars: of the same symbol; prices are rounded half to even, quantities down, as the
            exchange that replays them does.
        instrument: whose steps count.
        shift_ns: added to every time.
    """
    ticks = Fraction(bars.instrument.tick) / Fraction(instrument.tick)
    lots = Fraction(bars.instrument.lot) / Fraction(instrument.lot)
    columns: dict[str, Any] = {name: _rounded(getattr(bars, name), ticks) for name in _PRICES}
    columns["ts_ns"] = bars.ts_ns + shift_ns
    columns["volume_lots"] = bars.volume_lots * lots.numerator // lots.denominator
    return replace(bars, instrument=instrument, **columns)


def _rounded(values: Ints, factor: Fraction) -> Ints:
    """Multiply, round half to even, and give no price below one tick."""
    whole, rest = np.divmod(values * factor.numerator, factor.denominator)
    twice = 2 * rest
    is_up = (twice > factor.denominator) | ((twice == factor.denominator) & (whole % 2 == 1))
    found: Ints = np.maximum(whole + is_up, 1).astype(np.int64)
    return found


def bars_of(
    instrument: Instrument, interval_ns: int, rows: Sequence[tuple[int, Bar]], origin: str
) -> Bars:
    """Build a set of bars from rows of open time and bar, oldest first."""
    from athena.domain import content_sha256

    table = np.array([(ts_ns, *bar) for ts_ns, bar in rows], np.int64).reshape(-1, 6)
    columns = tuple(np.ascontiguousarray(column) for column in table.T)
    name = f"{instrument.symbol.lower().replace('/', '-')}-live"
    provenance = Provenance(name=name, origin=origin, sha256=content_sha256(columns))
    return Bars(
        instrument,
        interval_ns,
        provenance=provenance,
        **dict(zip(BAR_COLUMNS, columns, strict=True)),
    )
