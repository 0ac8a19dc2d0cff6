"""The state as the fold of a session's journal, and the proof that it is (TR-05, I9)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import CheckFailed, InputError
from athena.trading._core import layout as at
from athena.trading._core import replay
from athena.trading._core.records import record_effects
from athena.trading._journal_format import FrameKind
from athena.trading._journal_reader import read_frames
from athena.trading._manifest import state_of
from athena.trading._records import show_record
from athena.trading._snapshot import restore_snapshot, snapshot_difference
from athena.trading.live._memory import MEMORY_NOTE, Memory
from athena.trading.live._plan_book import PLAN_NOTE, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.trading._core.layout import Ints
    from athena.trading._journal_reader import Frame
    from athena.trading._journal_store import JournalStore
    from athena.trading._setup import StateTables

_HINT = "keep the journal and report it: a replay that differs is a defect"


@dataclass(slots=True)
class Folded:
    """What a journal says.

    Attributes:
        manifest: of the session.
        tables: the state.
        memory: what a session remembers beside it.
        n_events: records that were applied.
        n_effects: of those, what they made the core want of the venue; all was wanted again.
        n_compared: snapshots that were made again and compared.
    """

    manifest: Mapping[str, Any]
    tables: StateTables
    memory: Memory
    n_events: int = 0
    n_effects: int = 0
    n_compared: int = 0


def _ignore(_tables: StateTables, _words: Ints) -> None:
    """Follow nothing."""


def fold_journal(
    store: JournalStore,
    *,
    from_beginning: bool = False,
    on_words: Callable[[StateTables, Ints], None] = _ignore,
) -> Folded:
    """Fold a session's journal into its state; nothing is written.

    Args:
        store: the journal; a torn tail is left out.
        from_beginning: replay everything; else begin at the last snapshot but one, so that the
            last one is made again and compared.
        on_words: told the state after each group commit, and the group's words.

    Raises:
        CheckFailed: the journal is damaged, or replay makes another record or snapshot; the
            message names the first difference.
        InputError: it is no session's journal.
    """
    begin = 0 if from_beginning else _last_but_one(store)
    frames = read_frames(store)
    manifest = next(frames).values()
    folded = Folded(manifest, state_of(manifest), Memory(rules_of(manifest)))
    previous = FrameKind.MANIFEST
    for frame in frames:
        if frame.sequence >= begin:
            is_start = frame.sequence in (begin, begin + 1)
            _take(folded, frame, is_start=is_start and begin > 0, previous=previous)
            if frame.kind is FrameKind.WORDS:
                on_words(folded.tables, np.frombuffer(frame.payload, "<i8"))
        previous = frame.kind
    return folded


def _last_but_one(store: JournalStore) -> int:
    """Return the frame of the last complete snapshot but one; 0 when there are fewer."""
    found = []
    previous = FrameKind.MANIFEST
    for frame in read_frames(store):
        # A snapshot is complete when the note behind it is: the crash may have come between.
        if previous is FrameKind.SNAPSHOT and _is_memory(frame):
            found.append(frame.sequence - 1)
        previous = frame.kind
    return found[-2] if len(found) > 1 else 0


def _is_memory(frame: Frame) -> bool:
    return frame.kind is FrameKind.NOTE and frame.values()["kind"] == MEMORY_NOTE


def _take(folded: Folded, frame: Frame, *, is_start: bool, previous: FrameKind) -> None:
    if frame.kind is FrameKind.WORDS:
        _apply(folded, frame)
    elif frame.kind is FrameKind.SNAPSHOT and is_start:
        restore_snapshot(folded.tables, frame.payload)
    elif frame.kind is FrameKind.SNAPSHOT:
        differs = snapshot_difference(folded.tables, frame.payload)
        if differs:
            message = f"frame {frame.sequence}: expected the snapshot's {differs}, was another"
            raise CheckFailed(message, hint=_HINT)
        folded.n_compared += 1
    elif frame.kind is FrameKind.NOTE:
        _take_note(folded, frame, is_start=is_start and previous is FrameKind.SNAPSHOT)
    elif frame.kind is FrameKind.FINAL:
        message = "expected the journal of a session, was that of a run that ended"
        raise InputError(message)


def _take_note(folded: Folded, frame: Frame, *, is_start: bool) -> None:
    values = frame.values()
    plans = folded.memory.plans
    if values["kind"] == PLAN_NOTE:
        plans.take_note(values)
    elif values["kind"] == MEMORY_NOTE and is_start:
        folded.memory = Memory.from_values(values, plans.rules)
    elif values["kind"] == MEMORY_NOTE and _as_json(plans.to_values()) != values["plans"]:
        message = f"frame {frame.sequence}: expected the snapshot's plans, was another progress"
        raise CheckFailed(message, hint=_HINT)


def _as_json(values: object) -> object:
    return json.loads(json.dumps(values))


def _apply(folded: Folded, frame: Frame) -> None:
    """Apply the inputs of one group commit, and compare all that the core makes of them."""
    array = np.frombuffer(frame.payload, "<i8")
    words = array.data
    s = folded.tables.views
    position, end = 0, len(words)
    while position < end:
        is_next = (
            replay.is_whole(words, position, end) and words[position + 1] == s.account[at.MARKS]
        )
        number = s.account[at.NEXT_NUMBER]
        if not is_next or not replay.apply_record(s, words, position):
            _refuse(frame, array, position, np.zeros(0, np.int64))
        outcomes = s.account[at.N_WORDS]
        record_effects(s, 0)
        made = s.account[at.N_WORDS]
        remade = folded.tables.arrays.records[:made]
        if not np.array_equal(remade, array[position : position + made]):
            _refuse(frame, array, position, remade)
        is_adopted = s.account[at.NEXT_NUMBER] > number
        folded.memory.take_record(words, position, number if is_adopted else 0)
        folded.memory.plans.take_input(s, words, position, position + outcomes)
        s.account[at.N_WORDS] = 0
        folded.n_events += 1
        folded.n_effects += s.account[at.N_EFFECTS]
        s.account[at.N_EFFECTS] = 0
        position += made


def _refuse(frame: Frame, words: Ints, position: int, remade: Ints) -> None:
    """Name the first record that differs: of an input, or of what followed from it."""
    theirs = words[position:]
    shared = min(len(theirs), len(remade))
    differs = np.flatnonzero(theirs[:shared] != remade[:shared])
    first = int(differs[0]) if len(differs) else shared
    says, makes = show_record(theirs, first), show_record(remade, first)
    message = f"frame {frame.sequence}, word {position}: the journal says {says}, replay {makes}"
    raise CheckFailed(message, hint=_HINT)
