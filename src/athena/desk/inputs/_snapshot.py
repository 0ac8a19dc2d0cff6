"""One symbol as the desk sees it at one moment: frames, alignment, flags, quality."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.desk.inputs._frames import (
    FRAMES,
    WORKING_BARS,
    ClosedBar,
    Frame,
    FrameRule,
    FrameStream,
)
from athena.desk.inputs._quality import (
    Grade,
    Quality,
    QualityRules,
    bar_defect,
    has_fast_move,
    worst,
)
from athena.domain import DAY_NS
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from athena.domain import Instrument, Provenance

_NO_BAR_NS = -1
FAST_MOVE = "fast_move"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One symbol at one moment; nothing in it closed later.

    Attributes:
        id: digest of all that an agent can read here, 64 hex digits.
        instrument: whose prices these are.
        as_of_ns: the moment, UTC.
        frames: those that can be built from the data at hand, shortest first.
        working_interval_ns: frame that the desk decides on.
        last_ticks: newest close of all; 0 before the first bar.
        last_close_ns: when that bar closed; -1 before the first.
        alignment: -1..1, mean sign of EMA 21 - EMA 50 over the frames that can be used; 0 without
            any.
        flags: `fast_move` when a minute moved by more than a tenth.
        provenance: where the bars come from.
    """

    id: str = field(init=False)
    instrument: Instrument
    as_of_ns: int
    frames: tuple[Frame, ...]
    working_interval_ns: int
    last_ticks: int
    last_close_ns: int
    alignment: float
    flags: tuple[str, ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        """Take the digest once: every agent refers to it."""
        object.__setattr__(self, "id", self._digest())

    @property
    def symbol(self) -> str:
        """Return the instrument's symbol."""
        return self.instrument.symbol

    @property
    def working(self) -> Frame:
        """Return the frame that the desk decides on."""
        return next(item for item in self.frames if item.interval_ns == self.working_interval_ns)

    @property
    def quality(self) -> Quality:
        """Return the worse quality of the working frame and the shortest, which has the price.

        On an unusable one nothing is decided.
        """
        shortest = self.frames[0]
        if shortest.interval_ns == self.working_interval_ns:
            return shortest.quality
        return worst(shortest.quality, self.working.quality)

    @property
    def price(self) -> Decimal | None:
        """Return the newest close, exactly; None before the first bar."""
        return self.instrument.ticks_to_price(self.last_ticks) if self.last_ticks else None

    def frame(self, interval_ns: int) -> Frame | None:
        """Return the frame of an interval; None where the data are not fine enough for it."""
        return next((item for item in self.frames if item.interval_ns == interval_ns), None)

    def _digest(self) -> str:
        item = self.instrument
        head = (
            f"{self.symbol} {item.tick} {item.lot} {item.is_margin} {self.as_of_ns} "
            f"{self.working_interval_ns} {self.last_ticks} {self.last_close_ns} "
            f"{self.alignment} {self.flags} {self.provenance.sha256}"
        )
        made = hashlib.sha256(head.encode())
        for frame in self.frames:
            made.update(f"{frame.id} {frame.quality.grade} {frame.quality.reasons}".encode())
        return made.hexdigest()


class SymbolFeed:
    """Take the closed bars of one symbol in order, and show it as of any moment from then on.

    A bar that is out of order, twice there or impossible is refused, counted, and leaves a gap.
    Memory is bounded: `n_bars` of each frame, twice.
    """

    def __init__(
        self,
        instrument: Instrument,
        base_interval_ns: int,
        working_interval_ns: int,
        provenance: Provenance,
        rules: QualityRules | None = None,
    ) -> None:
        """Begin without bars.

        Args:
            instrument: whose bars.
            base_interval_ns: length of the bars that will come.
            working_interval_ns: frame to decide on, a multiple of it, a day at most.
            provenance: where they come from.
            rules: of the quality gate; None for the specification's.

        Raises:
            InputError: an interval that is no multiple, or longer than a day.
        """
        if not 0 < base_interval_ns <= working_interval_ns <= DAY_NS or (
            working_interval_ns % base_interval_ns
        ):
            message = (
                f"expected a working frame of whole {base_interval_ns} ns bars, up to a day, "
                f"was {working_interval_ns} ns"
            )
            raise InputError(message)
        self._instrument = instrument
        self._base_ns = base_interval_ns
        self._working_ns = working_interval_ns
        self._provenance = provenance
        self._rules = rules or QualityRules()
        chosen = _rules_of(base_interval_ns, working_interval_ns)
        self._streams = [FrameStream(instrument, rule, self._rules) for rule in chosen]
        self._last = ClosedBar(_NO_BAR_NS, 0, 0, 0, 0, 0)
        self._refused_ns: list[int] = []

    def push(self, bar: ClosedBar) -> str:
        """Take the next closed bar, or say why it is refused; empty means taken."""
        prices = (bar.open, bar.high, bar.low, bar.close)
        defect = bar_defect(
            bar.ts_ns,
            prices,
            bar.volume,
            last_ns=self._last.ts_ns,
            interval_ns=self._base_ns,
        )
        if defect:
            # One per bar that is kept is enough to say that bars are refused.
            self._refused_ns = [*self._refused_ns, self._last.ts_ns][-WORKING_BARS:]
            return defect
        self._last = bar
        for stream in self._streams:
            stream.take(bar, bar.ts_ns + self._base_ns)
        return ""

    def at(self, as_of_ns: int) -> Snapshot:
        """Show the symbol at a moment; bars that closed later make it unusable, never visible."""
        frames = tuple(self._frame(stream, as_of_ns) for stream in self._streams)
        is_fast = any(
            has_fast_move(item.ts_ns, item.close, item.interval_ns, self._rules) for item in frames
        )
        last = self._last
        return Snapshot(
            instrument=self._instrument,
            as_of_ns=as_of_ns,
            frames=frames,
            working_interval_ns=self._working_ns,
            last_ticks=last.close,
            last_close_ns=last.ts_ns + self._base_ns if last.close else _NO_BAR_NS,
            alignment=alignment(frames),
            flags=(FAST_MOVE,) if is_fast else (),
            provenance=self._provenance,
        )

    def _frame(self, stream: FrameStream, as_of_ns: int) -> Frame:
        n_refused = 0
        if self._refused_ns:
            oldest_ns = stream.oldest_ns
            n_refused = sum(ts_ns >= oldest_ns for ts_ns in self._refused_ns)
        return stream.frame(as_of_ns, n_refused)


def alignment(frames: Sequence[Frame]) -> float:
    """Return how far the frames' trends agree: the mean sign of EMA 21 - EMA 50, -1..1.

    Unusable frames do not count; without any it is 0.
    """
    signs = [
        _sign(item.values["ema_21"] - item.values["ema_50"])
        for item in frames
        if item.quality.grade is not Grade.UNUSABLE
    ]
    return sum(signs) / len(signs) if signs else 0.0


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _rules_of(base_ns: int, working_ns: int) -> list[FrameRule]:
    """Choose the frames that bars of a length can build, the working one among them."""
    chosen = {rule.interval_ns: rule for rule in FRAMES if rule.interval_ns % base_ns == 0}
    chosen[working_ns] = FrameRule(working_ns, WORKING_BARS)
    return [chosen[interval_ns] for interval_ns in sorted(chosen)]
