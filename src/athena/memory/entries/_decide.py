"""The operations that change a memory, as pure functions: from what is known to what happens.

Each returns the events that follow; who calls them gives the time, writes the events and folds
them. Nothing here reads a clock, a database or a random number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athena.domain import DAY_NS
from athena.errors import InputError
from athena.memory.entries._errors import EntryNotFound, MemoryFull
from athena.memory.entries._events import Event, EventKind, describe, describe_note
from athena.memory.entries._model import EntryType, Trust
from athena.memory.entries._state import hash_source
from athena.memory.entries._text import clean_text

if TYPE_CHECKING:
    from athena.memory.entries._model import Entry, Note
    from athena.memory.entries._state import State

MAX_OPEN = 100_000  # entries of one namespace
MAX_VERSIONS = 1_000_000  # of one store: all of them are held in memory
SAME_WITHIN_NS = DAY_NS
LESSON_OUTCOMES = 5
KEEPING_HALF_LIFE_NS = 30 * DAY_NS

_MAX_NAME = 64
_MAX_SOURCE = 1_024
_MAX_LINKS = 256
_EVICTED_SHARE = 0.01  # at once, so that a full namespace is not searched for each new entry
_KEPT = frozenset({EntryType.DECISION, EntryType.OUTCOME})


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding a note.

    Attributes:
        id: of the entry that now says it.
        is_new: False when an open entry said the same already.
        replaces: id of the version whose place it took; empty for none.
        disputes: id of a better trusted fact with the same key, which stays; empty for none.
        events: what is to be written, in order.
    """

    id: str
    is_new: bool
    replaces: str
    disputes: str
    events: tuple[Event, ...]


def checked(note: Note) -> Note:
    """Return a note with clean words.

    Raises:
        InputError: a field is out of its bounds; the message names it.
    """
    names = {"namespace": note.namespace, "episode": note.episode}
    if note.key is not None:
        names |= {"symbol": note.key.symbol, "attribute": note.key.attribute}
        names |= {"period": note.key.period}
        if note.type is not EntryType.FACT:
            message = f"expected a key on a fact only, was one on a {note.type}"
            raise InputError(message, hint="leave the key away, or say --type fact")
    for name, value in names.items():
        _check_name(name, value, is_needed=name not in {"episode", "period"})
    if len(note.source) > _MAX_SOURCE or not note.source.isprintable():
        message = f"expected a source of at most {_MAX_SOURCE} printable characters, was another"
        raise InputError(message)
    if len(note.links) > _MAX_LINKS:
        message = f"expected at most {_MAX_LINKS} links, was {len(note.links)}"
        raise InputError(message)
    return replace(note, text=clean_text(note.text))


def decide_add(state: State, note: Note, at_ns: int, *, max_open: int = MAX_OPEN) -> Added:
    """Add a checked note.

    The same words, type and key in one namespace within 24 hours stay one entry, and another
    source that tells them counts as a proof. A fact takes the place of the one with its key,
    unless that one is better trusted (then both stay) or true from a later time on (then the new
    one is true until that time).

    Raises:
        EntryNotFound: a link leads nowhere.
        InputError: a lesson rests on fewer than 5 outcomes, an outcome on no decision, or it ends
            before it begins.
        MemoryFull: nothing may be evicted to make room.
    """
    _check_links(state, note)
    if note.valid_to_ns is not None and note.valid_to_ns <= _begins_ns(note, at_ns):
        message = f"expected an end after the beginning, was valid_to {note.valid_to_ns} ns"
        raise InputError(message)
    same = state.same(note)
    if same is not None and at_ns - same.recorded_ns < SAME_WITHIN_NS:
        return Added(same.id, False, "", "", _confirm(state, same, note, at_ns))  # noqa: FBT003 - a record's field
    standing, disputed = _standing(state, note)
    replaced = ""
    if standing is not None and _begins_ns(note, at_ns) >= standing.valid_from_ns:
        replaced = standing.id
    elif standing is not None:
        ends = standing.valid_from_ns
        note = replace(
            note, valid_to_ns=ends if note.valid_to_ns is None else min(note.valid_to_ns, ends)
        )
    evicted = () if replaced else _evictions(state, note.namespace, at_ns, max_open)
    event = _added(state.position + len(evicted), at_ns + len(evicted), note, replaced)
    return Added(event.entry, True, replaced, disputed, (*evicted, event))  # noqa: FBT003 - see above


def decide_update(  # noqa: PLR0913  # what may differ in the new version
    state: State,
    entry_id: str,
    text: str,
    at_ns: int,
    *,
    source: str = "",
    trust: Trust = Trust.OWN,
    valid_from_ns: int | None = None,
) -> Added:
    """Record a new version of an open entry; the old one is closed and stays in history.

    Trust never rises by it: external words remain external.

    Raises:
        EntryNotFound: no open entry has this id.
        InputError: the new words are not fit, or are the old ones.
    """
    old = open_entry(state, entry_id)
    weaker = Trust.EXTERNAL if Trust.EXTERNAL in (trust, old.note.trust) else trust
    note = checked(
        replace(
            old.note,
            text=text,
            source=source or old.note.source,
            trust=weaker,
            valid_from_ns=valid_from_ns,
            valid_to_ns=None,
        )
    )
    if note.text == old.note.text:
        message = f"expected other words than {entry_id} has, was the same"
        raise InputError(message)
    event = _added(state.position, at_ns, note, entry_id)
    return Added(event.entry, True, entry_id, "", (event,))  # noqa: FBT003 - a record's field


def decide_delete(state: State, entry_id: str, reason: str, at_ns: int) -> Event:
    """Close an open entry and hide it from every retrieval from now on.

    Raises:
        EntryNotFound: no open entry has this id.
    """
    open_entry(state, entry_id)
    body = describe(reason=reason)
    return Event(state.position + 1, at_ns, EventKind.DELETED, entry_id, body=body)


def decide_erase(
    state: State, entry_id: str, reason: str, by: str, at_ns: int
) -> tuple[Event, ...]:
    """Erase the words of an entry and of all its versions, in the past too; this is recorded.

    Raises:
        EntryNotFound: no entry has this id, or it was erased before.
    """
    entry = state.find(entry_id)
    if entry is None or entry.is_erased:
        raise _not_found(entry_id, "an entry")
    body = describe(reason=reason, by=by)
    versions = [item for item in state.versions(entry) if not item.is_erased]
    return tuple(
        Event(state.position + k, at_ns + k - 1, EventKind.ERASED, item.id, body=body)
        for k, item in enumerate(versions, start=1)
    )


def decide_score(state: State, entry_id: str, at_ns: int, *, is_helpful: bool) -> Event:
    """Note that a decision that used an entry was scored, and whether it was right.

    Raises:
        EntryNotFound: no entry has this id; a closed one is still scored.
    """
    if state.find(entry_id) is None:
        raise _not_found(entry_id, "an entry")
    body = describe(is_helpful=is_helpful)
    return Event(state.position + 1, at_ns, EventKind.SCORED, entry_id, body=body)


def open_entry(state: State, entry_id: str) -> Entry:
    """Return an open entry.

    Raises:
        EntryNotFound: no open entry has this id.
    """
    entry = state.find(entry_id)
    if entry is None or not entry.is_open:
        raise _not_found(entry_id, "an open entry")
    return entry


def _not_found(entry_id: str, expected: str) -> EntryNotFound:
    message = f"expected the id of {expected}, was {entry_id!r}"
    return EntryNotFound(message, hint="athena memory retrieve QUERY shows ids")


def _added(position: int, at_ns: int, note: Note, replaces: str) -> Event:
    return Event(
        position=position + 1,
        at_ns=at_ns,
        kind=EventKind.ADDED,
        entry=f"{note.type}-{position + 1}",
        note=note,
        replaces=replaces,
        body=describe_note(note, replaces),
    )


def _confirm(state: State, same: Entry, note: Note, at_ns: int) -> tuple[Event, ...]:
    source = hash_source(note.source)
    if not note.source or state.is_confirmed_by(same, source):
        return ()
    body = describe(source_sha256=source)
    return (Event(state.position + 1, at_ns, EventKind.CONFIRMED, same.id, body=body),)


def _begins_ns(note: Note, at_ns: int) -> int:
    return at_ns if note.valid_from_ns is None else note.valid_from_ns


def _standing(state: State, note: Note) -> tuple[Entry | None, str]:
    """Find the fact whose place a note may take, and the id of one that it disputes."""
    if note.key is None:
        return None, ""
    own = state.holder(note.namespace, note.key, is_external=False)
    external = state.holder(note.namespace, note.key, is_external=True)
    if note.trust is Trust.EXTERNAL:
        return external, "" if own is None else own.id
    return own or external, ""


def _check_name(name: str, value: str, *, is_needed: bool) -> None:
    is_fit = len(value) <= _MAX_NAME and value.isprintable() and value == value.strip()
    if not is_fit or (is_needed and not value):
        least = 1 if is_needed else 0
        message = f"expected {least} to {_MAX_NAME} printable characters as {name}, was {value!r}"
        raise InputError(message)


def _check_links(state: State, note: Note) -> None:
    linked = []
    for entry_id in note.links:
        entry = state.find(entry_id)
        if entry is None or entry.is_erased:
            raise _not_found(entry_id, "an entry as a link")
        linked.append(entry.note.type)
    n_outcomes = linked.count(EntryType.OUTCOME)
    if note.type is EntryType.LESSON and n_outcomes < LESSON_OUTCOMES:
        message = f"expected a lesson to rest on {LESSON_OUTCOMES} outcomes, was {n_outcomes}"
        raise InputError(message, hint="link the scored outcomes it was learned from")
    if note.type is EntryType.OUTCOME and EntryType.DECISION not in linked:
        message = "expected an outcome to be linked to its decision, was linked to none"
        raise InputError(message, hint="link the decision that was scored")


def _evictions(state: State, namespace: str, at_ns: int, max_open: int) -> tuple[Event, ...]:
    """Close the entries least worth keeping when a namespace is full.

    The worth is quality x 2^(-age / 30 days). Decisions and outcomes are never evicted.
    """
    if len(state) >= MAX_VERSIONS:
        message = f"expected at most {MAX_VERSIONS:,} versions in one store, was as many"
        raise MemoryFull(message, hint="athena memory export FILE, then begin a new home")
    if state.n_open(namespace) < max_open:
        return ()
    found = [
        (entry.quality * 0.5 ** ((at_ns - entry.recorded_ns) / KEEPING_HALF_LIFE_NS), k, entry.id)
        for k, entry in enumerate(state)
        if entry.is_open and entry.note.namespace == namespace and entry.note.type not in _KEPT
    ]
    if not found:
        message = f"expected something in {namespace!r} to evict, was only decisions and outcomes"
        raise MemoryFull(message, hint="delete what is no longer needed")
    n_evicted = max(1, int(_EVICTED_SHARE * max_open))
    return tuple(
        Event(state.position + k, at_ns + k - 1, EventKind.EVICTED, entry_id)
        for k, (_, _, entry_id) in enumerate(sorted(found)[:n_evicted], start=1)
    )
