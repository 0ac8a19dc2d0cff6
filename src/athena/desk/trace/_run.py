"""What became of a decision in its run: verdict, orders, fills, trade, and the price since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.desk.evaluation import PriceLine
from athena.desk.inputs import ClosedBar, SymbolFeed
from athena.desk.trace._replay import Finding
from athena.domain import Provenance
from athena.errors import InputError, MissingError
from athena.research import (
    JOURNAL_FOLDER,
    FileStore,
    load_columns,
    read_run,
    tell_intents,
)
from athena.trading import FrameKind, bars_of, instruments_of, read_frames

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athena.desk.trace._entry import Entry
    from athena.domain import Instrument
    from athena.research import Fill, IntentStory, RunRecord, Trade
    from athena.research.engine import Columns


@dataclass(frozen=True, slots=True, eq=False)
class TracedRun:
    """A run whose decisions were traced.

    Attributes:
        folder: of the run.
        record: what it came to.
        instruments: in the order of the columns.
        columns: bars of the run; None when they are no longer there.
        bars_note: why there are none; empty when they are there.
        is_changed: whether the data sets are there with another content.
    """

    folder: Path
    record: RunRecord
    instruments: tuple[Instrument, ...]
    columns: Columns | None
    bars_note: str
    is_changed: bool

    def place(self, symbol: str) -> int:
        """Return the place of a symbol in the columns.

        Raises:
            InputError: the run does not have it.
        """
        symbols = [item.symbol for item in self.instruments]
        if symbol not in symbols:
            message = f"expected one of {', '.join(symbols)}, was {symbol!r}"
            raise InputError(message)
        return symbols.index(symbol)


@dataclass(frozen=True, slots=True)
class Business:
    """What the core and the venue made of a decision.

    Attributes:
        stories: of its intents: verdict, order, how it ended.
        fills: of its orders, oldest first.
        exits: fills of other orders, such as stops, that ended what it began.
        trade: round trip that its first fill began; None where it began none.
    """

    stories: tuple[IntentStory, ...] = ()
    fills: tuple[Fill, ...] = ()
    exits: tuple[Fill, ...] = ()
    trade: Trade | None = None


def open_run(folder: Path, home: Path) -> TracedRun:
    """Open a run with its bars, as far as they are still there and as they were.

    Raises:
        CheckFailed: the journal is damaged.
        InputError: a file of the run is.
        MissingError: there is no such run.
    """
    record = read_run(folder)
    manifest = _manifest(folder)
    columns, note, is_changed = None, "", False
    try:
        columns = load_columns(manifest, home)
    except MissingError as error:
        note = error.message
    except InputError as error:
        note, is_changed = error.message, True
    return TracedRun(folder, record, tuple(instruments_of(manifest)), columns, note, is_changed)


def price_lines(run: TracedRun) -> dict[str, PriceLine]:
    """Return the closes of each symbol of a run; empty without its bars."""
    if run.columns is None:
        return {}
    lines = {}
    for k, instrument in enumerate(run.instruments):
        is_bar = np.asarray(run.columns.volume[k]) >= 0
        close = np.asarray(run.columns.close[k])[is_bar] * float(instrument.tick)
        close_ns = np.asarray(run.columns.close_ns)[is_bar]
        lines[instrument.symbol] = PriceLine(close_ns, close, run.record.interval_ns)
    return lines


def business_of(run: TracedRun, entry: Entry) -> Business:
    """Follow a decision through the journal of its run, by the keys of its intents (C17)."""
    keys = {asked.key for asked in entry.asked}
    stories = tuple(story for story in tell_intents(run.folder) if story.key in keys)
    orders = {story.order for story in stories if not story.code}
    fills = tuple(fill for fill in run.record.fills if fill.order in orders)
    trade = _trade_of(run.record.trades, fills)
    exits: tuple[Fill, ...] = ()
    if trade is not None:
        until_ns = run.record.ts_ns[-1] if trade.is_open else trade.closed_at_ns
        exits = tuple(
            fill
            for fill in run.record.fills
            if fill.order not in orders
            and (fill.symbol, fill.strategy) == (trade.symbol, trade.strategy)
            and trade.opened_at_ns < fill.ts_ns <= until_ns
        )
    return Business(stories, fills, exits, trade)


def key_of_order(run: TracedRun, order: int) -> int:
    """Return the key of the intent that an order of a run goes back to (C17).

    The order of a stop or target goes back to the intent that began its round trip.

    Raises:
        InputError: the run has no such order, or nobody's intent began it.
    """
    keys = {story.order: story.key for story in tell_intents(run.folder) if not story.code}
    if order in keys:
        return keys[order]
    fills = run.record.fills
    own = next((fill for fill in fills if fill.order == order), None)
    begun = [
        trade
        for trade in run.record.trades
        if own is not None
        and (trade.symbol, trade.strategy) == (own.symbol, own.strategy)
        and trade.opened_at_ns <= own.ts_ns <= trade.closed_at_ns
    ]
    for trade in begun:
        for fill in fills:
            is_first = (fill.ts_ns, fill.symbol) == (trade.opened_at_ns, trade.symbol)
            if is_first and fill.order in keys:
                return keys[fill.order]
    message = f"expected an order of {run.folder.name} that an intent began, was {order}"
    raise InputError(message, hint="athena why lists what was asked for")


def check_bars(run: TracedRun, entry: Entry) -> tuple[Finding, ...]:
    """Build the frames that a decision saw again from the run's bars, and compare them (DK-45).

    Returns:
        One finding per frame; one about the data set when its content is another. Empty when the
        bars are gone.
    """
    seen = entry.seen
    if run.columns is None:
        if not run.is_changed:
            return ()
        return (Finding(f"data set {seen.data_set}", seen.data_sha256, "another"),)
    k = run.place(entry.decision.symbol)
    feed = SymbolFeed(
        run.instruments[k],
        run.record.interval_ns,
        run.record.interval_ns,
        Provenance(seen.data_set, "", seen.data_sha256),
    )
    for bar in _closed_bars(run.columns, k, run.record.interval_ns, seen.as_of_ns):
        feed.push(bar)
    built = {frame.source: frame.id for frame in feed.at(seen.as_of_ns).frames}
    return tuple(
        Finding(f"bars of {frame.source}", frame.id, built.get(frame.source, "none"))
        for frame in seen.frames
    )


def _manifest(folder: Path) -> dict[str, Any]:
    for frame in read_frames(FileStore(folder / JOURNAL_FOLDER)):
        if frame.kind is FrameKind.MANIFEST:
            manifest = frame.values()
            if len(bars_of(manifest)) != len(instruments_of(manifest)):
                break
            return manifest
    message = f"expected a journal that names its bars in {folder}, was none"
    raise InputError(message)


def _closed_bars(columns: Columns, k: int, interval_ns: int, as_of_ns: int) -> list[ClosedBar]:
    n = int(np.searchsorted(columns.close_ns, as_of_ns, side="right"))
    parts = (columns.open, columns.high, columns.low, columns.close, columns.volume)
    rows = zip(
        (np.asarray(columns.close_ns[:n]) - interval_ns).tolist(),
        *(np.asarray(part[k, :n]).tolist() for part in parts),
        strict=True,
    )
    return [ClosedBar(*row) for row in rows if row[-1] >= 0]


def _trade_of(trades: Sequence[Trade], fills: Sequence[Fill]) -> Trade | None:
    """Return the round trip that the first fill began."""
    if not fills:
        return None
    first = fills[0]
    for trade in trades:
        if (
            trade.opened_at_ns == first.ts_ns
            and trade.symbol == first.symbol
            and trade.strategy == first.strategy
        ):
            return trade
    return None
