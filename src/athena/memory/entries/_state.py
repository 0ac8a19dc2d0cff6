"""What a memory knows: the fold of its event log, without a database and without a clock."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from athena.memory.entries._events import Event, EventKind, damaged, read_body
from athena.memory.entries._model import Entry, EntryType, FactKey, Note, Trust

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOSING = frozenset({EventKind.DELETED, EventKind.EVICTED, EventKind.ERASED})


class State:
    """Hold every version of every entry; the same events always give the same state.

    Attributes:
        position: of the newest event; 0 before the first.
        at_ns: when it became known; 0 before the first.
    """

    def __init__(self) -> None:
        """Start with nothing known."""
        self.position = 0
        self.at_ns = 0
        self._entries: dict[str, Entry] = {}
        # What nobody here vouches for stands beside the better trusted fact, never in its place.
        self._holders: dict[tuple[str, FactKey, bool], str] = {}
        self._same: dict[tuple[str, EntryType, FactKey | None, bytes], str] = {}
        self._confirming: dict[str, set[str]] = {}
        self._n_open: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many versions are held, closed ones too."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """Yield every version in the order of recording."""
        return iter(self._entries.values())

    def find(self, entry_id: str) -> Entry | None:
        """Return a version by its id, or None."""
        return self._entries.get(entry_id)

    def holder(self, namespace: str, key: FactKey, *, is_external: bool) -> Entry | None:
        """Return the open fact that a typed key stands for, or None."""
        found = self._holders.get((namespace, key, is_external))
        return self._entries[found] if found else None

    def same(self, note: Note) -> Entry | None:
        """Return the open entry with the same words, type, key and namespace, or None."""
        found = self._same.get(_sameness(note))
        return self._entries[found] if found else None

    def is_confirmed_by(self, entry: Entry, source_sha256: str) -> bool:
        """Tell whether a source has told an entry before."""
        told = self._confirming.get(entry.id, ())
        return source_sha256 in told or source_sha256 == hash_source(entry.note.source)

    def n_open(self, namespace: str) -> int:
        """Return how many entries of a namespace are open."""
        return self._n_open[namespace]

    def namespaces(self) -> dict[str, int]:
        """Map each namespace with open entries to their number."""
        return {name: n for name, n in sorted(self._n_open.items()) if n}

    def versions(self, entry: Entry) -> list[Entry]:
        """List all versions of what an entry says, oldest first."""
        first = entry
        while first.replaces:
            first = self._entries[first.replaces]
        found = [first]
        while found[-1].closed_by in self._entries:
            found.append(self._entries[found[-1].closed_by])
        return found

    def apply(self, event: Event) -> None:
        """Take in the next event.

        Raises:
            DatabaseDamaged: it cannot follow what is known; the state is as before.
        """
        if event.position != self.position + 1:
            raise damaged(self.position + 1, f"missing: the next is {event.position}")
        if event.at_ns <= self.at_ns:
            raise damaged(event.position, f"of {event.at_ns} ns, not after {self.at_ns} ns")
        if event.kind is EventKind.ADDED:
            self._add(event)
        else:
            self._change(event)
        self.position, self.at_ns = event.position, event.at_ns

    def _add(self, event: Event) -> None:
        if event.note is None or event.entry in self._entries:
            was = "one without a note" if event.note is None else f"{event.entry} once more"
            raise damaged(event.position, was)
        note = event.note
        if event.replaces:
            self._close(self._open(event.replaces, event.position), event.at_ns, event.entry)
        entry = Entry(
            id=event.entry,
            note=note,
            recorded_ns=event.at_ns,
            valid_from_ns=event.at_ns if note.valid_from_ns is None else note.valid_from_ns,
            replaces=event.replaces,
            n_proofs=max(1, len(note.links)) if note.type is EntryType.LESSON else 1,
        )
        self._entries[entry.id] = entry
        self._n_open[note.namespace] += 1
        self._same[_sameness(note)] = entry.id
        if note.key is not None:
            self._holders.setdefault(_place(note, note.key), entry.id)

    def _change(self, event: Event) -> None:
        entry = self._entries.get(event.entry)
        if event.kind is EventKind.ERASED and entry is not None and not entry.is_erased:
            if entry.is_open:
                self._close(entry, event.at_ns, event.kind)
            self._blank(self._entries[entry.id])
            return
        if event.kind is EventKind.SCORED and entry is not None:
            is_helpful = bool(read_body(event.body, event.position).get("is_helpful"))
            self._entries[entry.id] = replace(
                entry, n_uses=entry.n_uses + 1, n_helpful=entry.n_helpful + is_helpful
            )
            return
        entry = self._open(event.entry, event.position)
        if event.kind in _CLOSING:
            self._close(entry, event.at_ns, event.kind)
        else:
            source = str(read_body(event.body, event.position).get("source_sha256", ""))
            self._confirming.setdefault(entry.id, set()).add(source)
            self._entries[entry.id] = replace(entry, n_proofs=entry.n_proofs + 1)

    def _open(self, entry_id: str, position: int) -> Entry:
        entry = self._entries.get(entry_id)
        if entry is None or not entry.is_open:
            raise damaged(position, f"about {entry_id}, which is not open")
        return entry

    def _close(self, entry: Entry, at_ns: int, why: str) -> None:
        note = entry.note
        self._entries[entry.id] = replace(entry, superseded_ns=at_ns, closed_by=str(why))
        self._n_open[note.namespace] -= 1
        if self._same.get(_sameness(note)) == entry.id:
            del self._same[_sameness(note)]
        if note.key is not None and self._holders.get(_place(note, note.key)) == entry.id:
            del self._holders[_place(note, note.key)]

    def _blank(self, entry: Entry) -> None:
        note = replace(entry.note, text="", source="", episode="", key=None)
        self._entries[entry.id] = replace(entry, note=note, is_erased=True)
        self._confirming.pop(entry.id, None)


def hash_source(source: str) -> str:
    """Return the digest that stands for a source in the log, so that none is told there."""
    return hashlib.sha256(source.encode()).hexdigest()


def _place(note: Note, key: FactKey) -> tuple[str, FactKey, bool]:
    return note.namespace, key, note.trust is Trust.EXTERNAL


def _sameness(note: Note) -> tuple[str, EntryType, FactKey | None, bytes]:
    digest = hashlib.blake2b(note.text.encode(), digest_size=16).digest()
    return note.namespace, note.type, note.key, digest
