"""Time frames of one symbol: closed bars, their indicators, and how good they are."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from athena.desk.inputs._quality import (
    GOOD,
    Grade,
    Quality,
    QualityRules,
    judge_age,
    judge_bars,
    worst,
)
from athena.domain import DAY_NS, HOUR_NS, MINUTE_NS, format_interval
from athena.market.indicators import INDICATORS, Candle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from athena.domain import Instrument

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

ScalarT = TypeVar("ScalarT", bound=np.generic)

# Open, high, low, close, volume and the squeeze, which breakouts look back on.
_COLUMNS = ("open", "high", "low", "close", "volume", "squeeze")
_NEVER_NS = -1


class ClosedBar(NamedTuple):
    """One closed bar in ticks and lots; `ts_ns` is its open."""

    ts_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass(frozen=True, slots=True)
class FrameRule:
    """A time frame: length of its bars, and how many of the newest are kept."""

    interval_ns: int
    n_bars: int


FRAMES = (
    FrameRule(MINUTE_NS, 60),
    FrameRule(5 * MINUTE_NS, 48),
    FrameRule(15 * MINUTE_NS, 32),
    FrameRule(HOUR_NS, 48),
    FrameRule(4 * HOUR_NS, 30),
    FrameRule(DAY_NS, 30),
)
# Of the frame that a desk works on: the technical analyst looks back 100, a swing needs 11 more.
WORKING_BARS = 120


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The newest closed bars of one time frame, as floats: no order is computed from them.

    Attributes:
        symbol: instrument.
        interval_ns: length of a bar.
        ts_ns: (N,) int64, opens.
        open, high, low, close, volume: (N,) float64, quote and base units, read-only.
        squeeze: (N,) float64, 1 where the Bollinger bands lie inside the Keltner channel, 0 where
            not, NaN where not known.
        values: indicator name -> value at the newest bar; what is not defined yet is absent.
        quality: of these bars, at the moment they were asked for.
        id: digest of bars and indicators, 64 hex digits.
    """

    symbol: str
    interval_ns: int
    ts_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    squeeze: Floats
    values: Mapping[str, float]
    quality: Quality = field(default_factory=Quality)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the digest once."""
        object.__setattr__(self, "id", self._digest())

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.ts_ns)

    @property
    def source(self) -> str:
        """Return what evidence names as its source, such as `BTC/USDT 1h`."""
        return f"{self.symbol} {format_interval(self.interval_ns)}"

    def _digest(self) -> str:
        made = hashlib.sha256(f"{self.source} {len(self)}".encode())
        for column in (self.ts_ns, *(getattr(self, name) for name in _COLUMNS)):
            made.update(np.ascontiguousarray(column).data)
        names = sorted(self.values)
        made.update(",".join(names).encode())
        made.update(np.array([self.values[name] for name in names], "<f8").data)
        return made.hexdigest()


class FrameStream:
    """Keep one frame up to date, bar by bar; cost and memory do not depend on the history.

    A bar of a longer frame is finished by the shorter bar that ends with it, or, where that one
    is missing, by the first after it; until then nobody sees it (D02). The first one begins with
    its first shorter bar: of one that was joined in the middle, the open is not known.
    """

    def __init__(self, instrument: Instrument, rule: FrameRule, rules: QualityRules) -> None:
        """Begin without bars."""
        self._rule = rule
        self._rules = rules
        self._frame: Frame | None = None  # as of the newest bar; every look until the next has it
        self._symbol = instrument.symbol
        self._tick = np.float64(instrument.tick)
        self._lot = np.float64(instrument.lot)
        self._streams = [(item.outputs, item.stream()) for item in INDICATORS]
        self._values: dict[str, float] = {}
        self._times = np.zeros(2 * rule.n_bars, np.int64)
        self._table = np.zeros((len(_COLUMNS), 2 * rule.n_bars))
        self._end = 0
        self._growing: ClosedBar | None = None

    @property
    def newest_close_ns(self) -> int:
        """Return when the newest finished bar closed; -1 before the first."""
        return int(self._times[self._end - 1]) + self._rule.interval_ns if self._end else _NEVER_NS

    @property
    def oldest_ns(self) -> int:
        """Return the open of the oldest bar that is kept; -1 before the first."""
        return int(self._times[self._first]) if self._end else _NEVER_NS

    def take(self, bar: ClosedBar, close_ns: int) -> None:
        """Take the next closed bar, of this frame's length or shorter.

        Args:
            bar: checked, later than all before.
            close_ns: when it closed.
        """
        interval_ns = self._rule.interval_ns
        is_whole = close_ns - bar.ts_ns == interval_ns
        start_ns = bar.ts_ns if is_whole else bar.ts_ns - bar.ts_ns % interval_ns
        if self._growing is not None and start_ns != self._growing.ts_ns:
            self._finish()
        if self._growing is None and self._end == 0 and start_ns != bar.ts_ns:
            return  # joined in the middle
        self._growing = _merge(self._growing, bar, start_ns)
        if close_ns == start_ns + interval_ns:
            self._finish()

    def frame(self, as_of_ns: int, n_refused: int) -> Frame:
        """Return the finished bars and their quality at a moment."""
        if self._frame is None:
            self._frame = self._build()
        frame, age = self._frame, GOOD
        if self._end:
            age = judge_age(
                self.newest_close_ns,
                interval_ns=self._rule.interval_ns,
                as_of_ns=as_of_ns,
                rules=self._rules,
            )
        if n_refused == 0 and age is GOOD:
            return frame
        refused = Quality(Grade.DEGRADED, (f"{n_refused} bars were refused",))
        return replace(frame, quality=worst(age, frame.quality, *[refused] * (n_refused > 0)))

    def _build(self) -> Frame:
        window = slice(self._first, self._end)
        times = _frozen(self._times[window])
        columns = dict(zip(_COLUMNS, _frozen(self._table[:, window]), strict=True))
        return Frame(
            symbol=self._symbol,
            interval_ns=self._rule.interval_ns,
            ts_ns=times,
            values=self._values,
            quality=judge_bars(
                times,
                columns["close"],
                interval_ns=self._rule.interval_ns,
                rules=self._rules,
            ),
            **columns,
        )

    @property
    def _first(self) -> int:
        return max(0, self._end - self._rule.n_bars)

    def _finish(self) -> None:
        bar = self._growing
        if bar is None:
            return
        self._growing = self._frame = None
        tick, lot = self._tick, self._lot
        open_, high, low, close = (float(x * tick) for x in bar[1:5])
        candle = Candle(bar.ts_ns, high, low, close, float(bar.volume * lot))
        values: dict[str, float] = {}
        for names, stream in self._streams:
            values.update(zip(names, stream(candle), strict=True))
        # A fresh dictionary for each bar: frames that were handed out keep theirs.
        self._values = {name: value for name, value in values.items() if not math.isnan(value)}
        if self._end == len(self._times):  # the room is used up: keep the newest half
            n = self._rule.n_bars
            self._times[:n] = self._times[n:]
            self._table[:, :n] = self._table[:, n:]
            self._end = n
        self._times[self._end] = bar.ts_ns
        self._table[:, self._end] = (open_, high, low, close, candle.volume, values["squeeze"])
        self._end += 1


def _merge(growing: ClosedBar | None, bar: ClosedBar, start_ns: int) -> ClosedBar:
    if growing is None:
        return bar._replace(ts_ns=start_ns)
    return ClosedBar(
        start_ns,
        growing.open,
        max(growing.high, bar.high),
        min(growing.low, bar.low),
        bar.close,
        growing.volume + bar.volume,
    )


def _frozen(view: NDArray[ScalarT]) -> NDArray[ScalarT]:
    copy = view.copy()
    copy.flags.writeable = False
    return copy
