"""Bring a venue's public bars into the home: page by page into a part file, then as an import."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import (
    SECOND_NS,
    format_decimal,
    format_interval,
    format_time,
)
from athena.errors import InputError
from athena.platform import atomic_write_text, file_lock, home_folder, storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from athena.app._output import Output
    from athena.market import DataSetInfo, Defect
    from athena.venues.kraken import Candle, PairRules, PublicKraken

_HEADER = "ts,open,high,low,close,volume"
_NOTE = "the bars are Kraken's, whose terms apply to passing them on"
_LIMITS_FILE = "kraken-public-limits.json"


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """Say which bars are wanted.

    Attributes:
        symbol: ``BASE/QUOTE``.
        interval_ns: length of a bar.
        since_ns: open of the first bar, UTC nanoseconds.
        name: of the data set; empty makes one of symbol and interval.
        url: where Kraken is.
    """

    symbol: str
    interval_ns: int
    since_ns: int
    name: str
    url: str


def limits_file(home: Path) -> Path:
    """Return the file in which processes share the count of public calls."""
    return home_folder(home, "cache") / _LIMITS_FILE


def fetch_dataset(
    kraken: PublicKraken, home: Path, request: FetchRequest, output: Output
) -> tuple[DataSetInfo, list[Defect]]:
    """Fetch finished bars, check them and keep them as a data set.

    Each page is on disk before the next is asked, so that the same request goes on where an
    interrupted one stopped.

    Raises:
        InputError: no finished bar, a severe defect, a name that holds other bars, a venue whose
            window starts later, or a part file that is not what it should be.
        VenueError: see `PublicKraken.bars`.
        RefusedError: another process fetches the same bars.
    """
    from athena.market import ImportRequest, import_file

    if not all(request.symbol.partition("/")):
        message = f"expected --symbol as BASE/QUOTE, was {request.symbol!r}"
        raise InputError(message)
    output.say(f"asking {request.url} for {request.symbol}, at most once a second")
    rules = kraken.pair_rules(request.symbol)
    part = part_file(home, request)
    with file_lock(part.with_name(f"{part.name}.lock"), timeout_s=0):
        _bring(kraken, rules, part, request, output)
        now_ns = kraken.limiter.clock.now_ns()
        how = ImportRequest(
            symbol=request.symbol,
            interval_ns=request.interval_ns,
            venue="kraken",
            name=request.name,
            tick=rules.tick,
            lot=rules.lot,
            origin=f"kraken, public bars of {request.url}, fetched {format_time(now_ns)}",
            licence_note=_NOTE,
        )
        return import_file(part, home, how, imported_at_ns=now_ns)


def part_file(home: Path, request: FetchRequest) -> Path:
    """Return the file that gathers the bars of a request; another request has another file."""
    asked = f"{request.url} {request.symbol} {request.interval_ns} {request.since_ns}"
    digest = hashlib.sha256(asked.encode()).hexdigest()[:8]
    pair = request.symbol.lower().replace("/", "-")
    interval = format_interval(request.interval_ns)
    return home_folder(home, "cache") / f"kraken-{pair}-{interval}-{digest}.csv"


def _bring(
    kraken: PublicKraken, rules: PairRules, part: Path, request: FetchRequest, output: Output
) -> None:
    """Complete the part file."""
    text, have_ns = _read_part(part)
    span = max(0, kraken.limiter.clock.now_ns() - request.since_ns) // request.interval_ns
    with output.progress("bars", span, "bars") as report:
        pages = kraken.bars(rules, request.interval_ns, since_ns=request.since_ns, have_ns=have_ns)
        for page in pages:
            text = (text or _head(request)) + _rows(page)
            atomic_write_text(part, text)
            report((page[-1].ts_ns - request.since_ns) // request.interval_ns)
    if not text:
        since = format_time(request.since_ns)
        message = f"expected a finished bar of {request.symbol} since {since}, was none"
        raise InputError(message, hint="start earlier: --since DATE")


def _read_part(part: Path) -> tuple[str, int | None]:
    """Return the part file's text and the open of its last bar; empty and None without one."""
    with storage_errors(part):
        if not part.is_file():
            return "", None
        text = part.read_text(encoding="utf-8", errors="replace")
    last = text.rstrip("\n").rpartition("\n")[2].partition(",")[0]
    if not (text.endswith("\n") and last.isascii() and last.isdigit()):
        message = f"expected whole rows of bars in {part}, was {last[:40]!r} at the end"
        raise InputError(message, hint=f"remove {part} and fetch again")
    return text, int(last) * SECOND_NS


def _head(request: FetchRequest) -> str:
    interval = format_interval(request.interval_ns)
    what = f"{request.symbol} {interval} since {format_time(request.since_ns)}"
    return f"# kraken {what}, from {request.url}\n{_HEADER}\n"


def _rows(page: Iterable[Candle]) -> str:
    return "".join(
        f"{bar.ts_ns // SECOND_NS},"
        + ",".join(
            format_decimal(value) for value in (bar.open, bar.high, bar.low, bar.close, bar.volume)
        )
        + "\n"
        for bar in page
    )
