"""Replay a run: the fold of its journal, on the bars that its manifest names (TR-05, I9)."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import CheckFailed, InputError
from athena.market import load_bars
from athena.research.engine import Columns, align
from athena.research.engine import _replay_loop as loop
from athena.trading import (
    BARS_KEY,
    BarsReference,
    Frame,
    FrameKind,
    bars_of,
    describe_end,
    digest_of,
    instruments_of,
    marks_of_snapshot,
    read_frames,
    restore_snapshot,
    show_record,
    snapshot_difference,
    state_of,
)
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athena.domain import Bars, Instrument
    from athena.research.engine import Compiler
    from athena.trading import JournalStore, StateTables

COLUMNS_KEY = "columns_sha256"
RISK_KEY = "with_risk_inputs"
_HINT = "keep the journal and report it: a replay that differs is a defect"


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Say what a replay came to; it returns only when everything was equal.

    Attributes:
        digest: of the state, 16 hex digits.
        n_marks: steps processed.
        n_words: words of records that were made again and compared.
        is_final: whether the journal ends with what the run came to, and that was compared too.
        from_frame: frame that it began at: 0, or that of a snapshot.
        manifest: the run's.
    """

    digest: str
    n_marks: int
    n_words: int
    is_final: bool
    from_frame: int
    manifest: dict[str, Any]


def describe_bars(references: Sequence[BarsReference], columns: Columns) -> dict[str, object]:
    """Describe which bars a run sees as JSON, for the manifest; one reference an instrument."""
    return {
        BARS_KEY: [asdict(reference) for reference in references],
        RISK_KEY: len(columns.day) > 0,
    }


def load_columns(manifest: Mapping[str, Any], home: Path) -> Columns:
    """Read the bars that a manifest names, and put them on the run's time line.

    Raises:
        InputError: the manifest names no bars, or their content is not what the run read.
        MissingError: a data set is not there.
    """
    references = bars_of(manifest)
    instruments = instruments_of(manifest)
    if len(references) != len(instruments):
        message = (
            f"expected bars of {len(instruments)} instruments in the journal's manifest, "
            f"was {len(references)}"
        )
        raise InputError(message)
    bars = [
        _load(reference, instrument, home)
        for reference, instrument in zip(references, instruments, strict=True)
    ]
    return align(bars, with_risk_inputs=bool(manifest.get(RISK_KEY)))


def _load(reference: BarsReference, instrument: Instrument, home: Path) -> Bars:
    bars = load_bars(
        reference.data_set,
        home,
        symbol=instrument.symbol,
        tick=instrument.tick,
        lot=instrument.lot,
    )
    if bars.provenance.sha256 != reference.sha256:
        message = (
            f"expected {reference.data_set} with the SHA-256 {reference.sha256}, "
            f"was {bars.provenance.sha256}"
        )
        raise InputError(message, hint="bring back the bars that the run read")
    return bars.rows(reference.first, reference.last + 1)


def columns_sha256(columns: Columns) -> str:
    """Digest a run's columns; in the manifest, it makes replay refuse any others."""
    digest = hashlib.sha256()
    for name, table in zip(columns._fields, columns, strict=True):
        digest.update(f"{name}{table.shape}".encode())
        digest.update(np.ascontiguousarray(table, dtype="<i8").data)
    return digest.hexdigest()


def replay_run(
    store: JournalStore,
    columns: Columns,
    *,
    compiler: Compiler | None = None,
    from_snapshot: bool = False,
) -> tuple[StateTables, ReplayReport]:
    """Rebuild a run's state from its journal, and compare all that the core made of it.

    Args:
        store: the journal; nothing is written.
        columns: the bars of the run, from its first step.
        compiler: with one, the compiled core replays; else CPython.
        from_snapshot: begin at the last snapshot rather than at the beginning.

    Returns:
        The state at the journal's end, and what was compared.

    Raises:
        CheckFailed: the journal is damaged, or replay makes another record, snapshot, digest or
            end; the message names the first difference.
        InputError: the columns are not those of the run.
    """
    begin = _last_snapshot(store) if from_snapshot else 0
    frames = read_frames(store)
    first = next(frames, None)
    if first is None:
        message = "expected a journal with a manifest, was an empty one"
        raise InputError(message)
    run = _Replay(first.values(), columns, compiler)
    for frame in frames:
        if frame.sequence >= begin:
            run.take(frame, is_start=frame.sequence == begin)
    return run.tables, ReplayReport(
        digest=digest_of(run.tables.arrays),
        n_marks=int(run.tables.arrays.account[at.MARKS]),
        n_words=run.n_words,
        is_final=run.is_final,
        from_frame=begin,
        manifest=run.manifest,
    )


def _last_snapshot(store: JournalStore) -> int:
    """Return the number of the last snapshot's frame, 0 without one."""
    snapshots = [f.sequence for f in read_frames(store) if f.kind is FrameKind.SNAPSHOT]
    return snapshots[-1] if snapshots else 0


class _Replay:
    """The state while frames are taken one after the other."""

    def __init__(
        self, manifest: dict[str, Any], columns: Columns, compiler: Compiler | None
    ) -> None:
        _check_columns(manifest, columns)
        self.manifest = manifest
        self.tables = state_of(manifest)
        self.n_words = 0
        self.is_final = False
        self._n_steps = len(columns.close_ns)
        self._control = np.zeros(loop.N_REPLAY, np.int64)
        self._is_compiled = compiler is not None
        self._words: Callable[..., Any] = loop.replay_words
        self._marks: Callable[..., Any] = loop.replay_marks
        self._state: Any = self.tables.record
        self._columns: Any = columns
        if compiler is None:
            self._state = self.tables.views
            self._columns = Columns(*(memoryview(table) for table in columns))  # type: ignore[arg-type] # CPython reads views
        else:
            self._words = compiler.compile(loop.replay_words)
            self._marks = compiler.compile(loop.replay_marks)

    def take(self, frame: Frame, *, is_start: bool) -> None:
        if frame.kind is FrameKind.WORDS:
            self._replay(frame)
        elif frame.kind is FrameKind.SNAPSHOT and is_start:
            restore_snapshot(self.tables, frame.payload)
        elif frame.kind is FrameKind.SNAPSHOT:
            self._compare_snapshot(frame)
        elif frame.kind is FrameKind.FINAL:
            self._compare_end(frame)

    def _replay(self, frame: Frame) -> None:
        words = np.frombuffer(frame.payload, "<i8")
        self._control[loop.R_FROM] = 0
        self._control[loop.R_TO] = len(words)
        shown = words if self._is_compiled else words.data
        control = self._control if self._is_compiled else self._control.data
        done = int(self._words(self._state, self._columns, shown, control))
        if done != len(words):
            theirs = show_record(words, done)
            ours = self._made(int(self._control[loop.R_AT]))
            place = f"frame {frame.sequence}, word {done}"
            message = f"{place}: the journal says {theirs}, replay {ours}"
            raise CheckFailed(message, hint=_HINT)
        self.n_words += len(words)

    def _made(self, position: int) -> str:
        """Show the record that replay has made where the journal has another."""
        arrays = self.tables.arrays
        return show_record(arrays.records[: int(arrays.account[at.N_WORDS])], position)

    def _go_to(self, n_marks: int, frame: Frame) -> None:
        if n_marks > self._n_steps:
            message = (
                f"frame {frame.sequence}: expected at most {self._n_steps} steps, was {n_marks}"
            )
            raise CheckFailed(message, hint=_HINT)
        if self._marks(self._state, self._columns, n_marks):
            message = (
                f"frame {frame.sequence}: the journal says nothing more, replay {self._made(0)}"
            )
            raise CheckFailed(message, hint=_HINT)

    def _compare_snapshot(self, frame: Frame) -> None:
        self._go_to(marks_of_snapshot(frame.payload), frame)
        differs = snapshot_difference(self.tables, frame.payload)
        if differs:
            message = f"frame {frame.sequence}: expected the snapshot's {differs}, was another"
            raise CheckFailed(message, hint=_HINT)

    def _compare_end(self, frame: Frame) -> None:
        final = frame.values()
        self._go_to(int(final["marks"]), frame)
        for name, value in describe_end(self.tables.arrays).items():
            if final.get(name) != value:
                message = f"expected {name} {final.get(name)} at the end, was {value}"
                raise CheckFailed(message, hint=_HINT)
        self.is_final = True


def _check_columns(manifest: Mapping[str, Any], columns: Columns) -> None:
    expected = manifest.get(COLUMNS_KEY)
    if expected is not None and expected != columns_sha256(columns):
        message = f"expected the bars of the run, {expected}, was {columns_sha256(columns)}"
        raise InputError(message, hint="bring the data sets back that the manifest names")
