"""The bars that a session saw, kept beside its journal: what its strategies were shown, and when.

A journal holds what was decided, not what it was decided on. One line a bar:

    kind,instrument,opened_ns,open,high,low,close,volume

`kind` is `d` for a day before the session, `h` for a bar that was known before it was taken up,
and `s` for one that came as a step; prices in ticks, volume in lots of the session's instruments.
The last line of a process that was killed may be cut; what it said comes again as history.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import starmap
from typing import TYPE_CHECKING

import numpy as np

from athena.app.running._bars import bars_of
from athena.domain import DAY_NS
from athena.errors import InputError, MissingError
from athena.platform import storage_errors
from athena.trading import Bar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from athena.app.running._bars import Step
    from athena.domain import Bars, Instrument

BAR_FILE = "bars.csv"
_DAY, _HISTORY, _STEP = "d", "h", "s"
_N_FIELDS = 8


class BarBook:
    """Write down the bars of a session; a bar that is there already is not written again."""

    def __init__(self, folder: Path, interval_ns: int) -> None:
        """Go on behind the last whole line.

        Raises:
            InputError: the file cannot be read.
            MissingError: the disk is full.
        """
        self._file = folder / BAR_FILE
        self._interval_ns = interval_ns
        self._last_ns: dict[tuple[bool, int], int] = {}
        with storage_errors(self._file):
            if not self._file.is_file():
                return
            whole, found, _torn = self._file.read_text("ascii", "replace").rpartition("\n")
            self._file.write_text(f"{whole}{found}", "ascii")
        for kind, k, ts_ns, _ in _rows(whole):
            key = kind == _DAY, k
            self._last_ns[key] = max(ts_ns, self._last_ns.get(key, -1))

    def begin(self, history: Sequence[Bars], daily: Sequence[Bars]) -> None:
        """Write what was known before the next step."""
        lines: list[str] = []
        for kind, sets in ((_DAY, daily), (_HISTORY, history)):
            for k, bars in enumerate(sets):
                rows = zip(*(column.tolist() for column in bars.columns()), strict=True)
                lines += [
                    line for ts_ns, *bar in rows if (line := self._line(kind, k, ts_ns, Bar(*bar)))
                ]
        self._write(lines)

    def step(self, step: Step) -> None:
        """Write the bars of a step, before anybody decides on them."""
        opened_ns = step.close_ns - self._interval_ns
        self._write(
            [
                line
                for k, bar in step.bars.items()
                if (line := self._line(_STEP, k, opened_ns, bar))
            ]
        )

    def _line(self, kind: str, k: int, ts_ns: int, bar: Bar) -> str:
        key = kind == _DAY, k
        if ts_ns <= self._last_ns.get(key, -1):
            return ""
        self._last_ns[key] = ts_ns
        return ",".join(map(str, (kind, k, ts_ns, *bar)))

    def _write(self, lines: Sequence[str]) -> None:
        if lines:
            with storage_errors(self._file), self._file.open("a", encoding="ascii") as file:
                file.write("".join(f"{line}\n" for line in lines))


@dataclass(frozen=True, slots=True)
class KeptBars:
    """What a session saw.

    Attributes:
        bars: one set per instrument, everything that is known.
        daily: of the days before; one set per instrument, or none.
        is_step: one array per instrument, (T,) bool: the session was shown the bar as it closed.
    """

    bars: tuple[Bars, ...]
    daily: tuple[Bars, ...]
    is_step: tuple[NDArray[np.bool_], ...]


def read_bars(folder: Path, instruments: Sequence[Instrument], interval_ns: int) -> KeptBars:
    """Read the bars of a session.

    Args:
        folder: of the session.
        instruments: of the session, in its order.
        interval_ns: of its bars.

    Raises:
        MissingError: none were kept.
        InputError: the file is damaged.
    """
    file = folder / BAR_FILE
    with storage_errors(file):
        if not file.is_file():
            message = f"expected the bars of the session in {file}, was none"
            raise MissingError(message, hint="a session keeps them from its first closed bar on")
        whole, _, _ = file.read_text("ascii", "replace").rpartition("\n")
    numbers = range(len(instruments))
    days: list[list[tuple[int, Bar]]] = [[] for _ in numbers]
    rows: list[list[tuple[int, Bar]]] = [[] for _ in numbers]
    steps: list[list[bool]] = [[] for _ in numbers]
    for kind, k, ts_ns, bar in _rows(whole):
        if k not in numbers:
            message = f"expected bars of {len(instruments)} instruments in {file}, was number {k}"
            raise InputError(message)
        if kind == _DAY:
            days[k].append((ts_ns, bar))
            continue
        rows[k].append((ts_ns, bar))
        steps[k].append(kind == _STEP)

    def built(instrument: Instrument, found: list[tuple[int, Bar]]) -> Bars:
        return bars_of(instrument, interval_ns, found, str(file))

    has_days = any(days)
    return KeptBars(
        bars=tuple(starmap(built, zip(instruments, rows, strict=True))),
        daily=tuple(
            bars_of(item, DAY_NS, found, str(file))
            for item, found in zip(instruments, days, strict=True)
        )
        if has_days
        else (),
        is_step=tuple(np.array(flags, np.bool_) for flags in steps),
    )


def _rows(text: str) -> Iterator[tuple[str, int, int, Bar]]:
    """Yield kind, instrument, open time and bar of each line.

    Raises:
        InputError: a line is none.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        kind, *fields = line.split(",")
        if len(fields) != _N_FIELDS - 1 or not all(field.isdecimal() for field in fields):
            message = f"expected a bar in line {number} of {BAR_FILE}, was {line!r}"
            raise InputError(message, hint="move the file away; the session goes on without it")
        k, ts_ns, *bar = map(int, fields)
        yield kind, k, ts_ns, Bar(*bar)
