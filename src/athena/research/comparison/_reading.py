"""One of the two runs: its journal, read and checked."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import Book, Purpose, from_money, to_money
from athena.errors import AthenaError, CheckFailed, InputError
from athena.research.comparison._bars import SeenBars
from athena.research.comparison._orders import Order, OrderLog
from athena.research.runs import JOURNAL_FOLDER, FileStore, load_columns
from athena.research.runs._replay import RISK_KEY
from athena.trading import (
    SETUP_KEY,
    FrameKind,
    arithmetic,
    bars_of,
    instruments_of,
    read_frames,
    state_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from athena.research.engine import Columns
    from athena.trading import JournalStore

_AFTER_ALL_NS = 2**62  # what is still held is sold after everything else


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One run to compare.

    Attributes:
        name: its id.
        store: its journal, which must have come to its end.
        columns: the bars that it ran on.
    """

    name: str
    store: JournalStore
    columns: Columns


@dataclass(frozen=True, slots=True)
class ReadRun:
    """A run that was read, with its money in units.

    Attributes:
        manifest: of its journal.
        log: its orders, those that sell at the last close what is still held included.
        cash: to start with.
        equity: at the last close.
    """

    name: str
    manifest: dict[str, Any]
    log: OrderLog
    cash: int
    equity: int

    @property
    def profit(self) -> int:
        """Return what it made: deposits and withdrawals are neither gain nor loss."""
        return self.equity - self.cash - self.log.transfers


def open_runs(folder_a: Path, folder_b: Path, home: Path) -> tuple[RecordedRun, RecordedRun]:
    """Open the journals of two run folders, and load the bars that they name.

    Raises:
        InputError: a folder holds no journal, or its bars are no longer those of the run.
        MissingError: a data set is not there.
        CheckFailed: a journal is damaged.
    """
    (a, manifest_a), (b, manifest_b) = (_open(folder) for folder in (folder_a, folder_b))
    is_alike = instruments_of(manifest_a) == instruments_of(manifest_b)
    columns_a = _columns(folder_a.name, manifest_a, home)
    columns_b = columns_a
    if not is_alike or bars_of(manifest_a) != bars_of(manifest_b):
        columns_b = _columns(folder_b.name, manifest_b, home)
    return RecordedRun(folder_a.name, a, columns_a), RecordedRun(folder_b.name, b, columns_b)


def _open(folder: Path) -> tuple[FileStore, dict[str, Any]]:
    """Return a run's journal and its manifest, if it is one of this version."""
    store = FileStore(folder / JOURNAL_FOLDER)
    with named(folder.name):
        manifest = next(read_frames(store)).values()
        state_of(manifest)
    return store, manifest


def _columns(name: str, manifest: Mapping[str, Any], home: Path) -> Columns:
    """Load a run's bars, without what the risk engine was told: it takes long and is not asked."""
    with named(name):
        return load_columns({**manifest, RISK_KEY: False}, home)


@contextmanager
def named(run: str) -> Iterator[None]:
    """Say in an error which of the two runs it is about."""
    try:
        yield
    except AthenaError as error:
        error.message = f"run {run}: {error.message}"
        raise


def read_journal(run: RecordedRun) -> ReadRun:
    """Read a run's orders, and check that they give the cash that the run ended with.

    Raises:
        CheckFailed: the journal is damaged, or its fills do not give its cash.
        InputError: it has no end.
    """
    with named(run.name):
        return _read(run)


def _read(run: RecordedRun) -> ReadRun:
    frames = read_frames(run.store)
    manifest = next(frames).values()
    log = _empty_log(manifest, run.columns)
    final: Mapping[str, Any] | None = None
    for frame in frames:
        if frame.kind is FrameKind.WORDS:
            log.take(np.frombuffer(frame.payload, "<i8"))
        elif frame.kind is FrameKind.FINAL:
            final = frame.values()
    if final is None:
        message = "expected a run that came to its end, was cut short"
        raise InputError(message, hint="compare runs that finished: athena runs list")
    log.bars = replace(log.bars, n_steps=min(int(final["marks"]), len(run.columns.close_ns)))
    start = to_money(Decimal(manifest[SETUP_KEY]["cash"]))
    cash = (
        start + log.funding + log.transfers - sum(order.paid + order.fee for order in log.orders)
    )
    if from_money(cash) != Decimal(final["cash"]):
        message = (
            f"expected fills that give the final cash {final['cash']}, was {from_money(cash)}"
        )
        raise CheckFailed(message, hint=f"athena journal replay {run.name}")
    return ReadRun(run.name, manifest, log, start, cash + sell_all(log, manifest))


def _empty_log(manifest: Mapping[str, Any], columns: Columns) -> OrderLog:
    instruments = instruments_of(manifest)
    setup = manifest[SETUP_KEY]
    rows = {item.symbol: row for row, item in enumerate(instruments)}
    interval_ns = int(columns.close_ns[0]) - int(setup["start_ns"])
    strategies = [item["name"] for item in setup["strategies"]]
    bars = SeenBars(columns, rows, len(columns.close_ns), interval_ns)
    return OrderLog(instruments, strategies, bars)


def sell_all(log: OrderLog, manifest: Mapping[str, Any]) -> int:
    """Add an order that closes each open position at the last close; return what all are worth.

    What the hodl book holds is set aside and counts for nothing, as in the account's equity.
    """
    slots = manifest[SETUP_KEY]["strategies"]
    total = 0
    for (strategy, instrument), lots in log.positions.items():
        if lots == 0:
            continue
        item = log.instruments[instrument]
        close_ns, close = log.bars.last_bar(item.symbol)
        is_counted = slots[strategy]["book"] != Book.HODL
        worth = arithmetic.value(close, lots, *item.value_ratio()) if is_counted else 0
        total += worth
        log.orders.append(
            Order(
                strategy=log.strategies[strategy],
                symbol=item.symbol,
                side=-1 if lots > 0 else 1,
                purpose=Purpose.EXIT,
                decided_ns=_AFTER_ALL_NS,
                filled=abs(lots),
                paid=-worth,
                filled_ns=_AFTER_ALL_NS,
                bar_ns=close_ns,
                is_mark=True,
            )
        )
    return total
