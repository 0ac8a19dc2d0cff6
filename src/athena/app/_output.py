"""What a command says: results on stdout, talk and progress on stderr."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from numbers import Integral, Real
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from rich.console import Console

_BAR_AFTER_S = 0.5


@dataclass(frozen=True, slots=True)
class Table:
    """A table for a person.

    Attributes:
        columns: headings; one that starts with `>` is aligned to the right, for numbers.
        rows: cells as text, as many as there are columns.
        title: line above the table; empty for none.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""


class Progress(Protocol):
    """Report progress; how it is shown, if at all, is not the caller's business."""

    def __call__(self, done: float, note: str = "") -> None:
        """Say how much of the total is done, and at choice a few words about the state."""
        ...


@dataclass(frozen=True, slots=True)
class Output:
    """Write for a person or, with `is_json`, exactly one JSON object (on stdout)."""

    is_json: bool = False
    is_quiet: bool = False

    def emit(self, payload: Mapping[str, object], *parts: str | Table) -> None:
        """Write the result of a command: the payload as JSON, or the parts for a person."""
        if self.is_json:
            write_json(payload)
            return
        for part in parts:
            _print(part, sys.stdout)

    def say(self, *parts: str | Table) -> None:
        """Write remarks to stderr; `-q` and `--json` leave them out."""
        if self.is_json or self.is_quiet:
            return
        for part in parts:
            _print(part, sys.stderr)

    @contextmanager
    def progress(self, label: str, total: float, unit: str = "") -> Iterator[Progress]:
        """Show a bar with rate and remaining time on stderr once the work takes half a second.

        There is none under `-q`, `--json` or `NO_COLOR`, nor when stderr is no terminal.

        Args:
            label: what is being done.
            total: how much there is to do, >= 0.
            unit: what is counted, for the rate ("bars").
        """
        is_shown = not (self.is_json or self.is_quiet or "NO_COLOR" in os.environ)
        if not (is_shown and sys.stderr.isatty()):
            yield _silent
            return
        bar = _Bar(label, total, unit)
        try:
            yield bar
        finally:
            bar.close()


def write_json(payload: Mapping[str, object]) -> None:
    """Write one JSON object to stdout; decimals as text, times ISO-8601 UTC, NaN as null."""
    text = json.dumps(to_plain(payload), allow_nan=False, indent=2, ensure_ascii=False)
    sys.stdout.write(f"{text}\n")


def to_plain(value: object) -> object:  # noqa: PLR0911  # one line for each kind of value
    """Turn a value into what JSON knows.

    Decimals become text with every digit, aware datetimes ISO-8601 with a `Z`, paths text,
    NumPy scalars numbers, NaN and infinity None.

    Raises:
        InputError: a datetime has no offset, or the type is not known.
    """
    if value is None or isinstance(value, str | bool):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, Decimal):
        from athena.domain import format_decimal

        return format_decimal(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    message = f"expected a value that JSON can hold, was {type(value).__name__}"
    raise InputError(message)


def _iso(moment: datetime) -> str:
    if moment.tzinfo is None:
        message = f"expected a time with a UTC offset, was {moment.isoformat()}"
        raise InputError(message)
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _print(part: str | Table, stream: TextIO) -> None:
    if isinstance(part, str):
        stream.write(f"{part}\n")
        return
    from rich import box
    from rich.table import Table as RichTable

    shown = RichTable(title=part.title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for column in part.columns:
        shown.add_column(column.lstrip(">"), justify="right" if column[:1] == ">" else "left")
    for row in part.rows:
        shown.add_row(*row)
    _console(stream).print(shown)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    # Cells are data: a `[red]` in a symbol's name is no instruction. Without a terminal the width
    # is not known, so it is made wide rather than folding a number.
    width = None if stream.isatty() else 200
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width)


def _silent(done: float, note: str = "") -> None:
    """Report nothing."""


class _Bar:
    """A bar in the terminal; it appears when the work has lasted half a second."""

    def __init__(self, label: str, total: float, unit: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._started_s = time.monotonic()
        self._unit = unit
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=_console(sys.stderr),
            transient=True,
        )
        self._task = self._bar.add_task(label, total=total, rate="", note="")

    def __call__(self, done: float, note: str = "") -> None:
        elapsed_s = time.monotonic() - self._started_s
        if elapsed_s < _BAR_AFTER_S:
            return
        self._bar.start()
        rate = f"{done / elapsed_s:,.0f} {self._unit}/s"
        self._bar.update(self._task, completed=done, rate=rate, note=note)

    def close(self) -> None:
        self._bar.stop()
