"""The operations as pure functions: what they let happen, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from athena.domain import DAY_NS
from athena.errors import DatabaseDamaged, InputError
from athena.memory.entries import (
    EntryNotFound,
    EntryType,
    Event,
    EventKind,
    FactKey,
    MemoryFull,
    Note,
    State,
    Trust,
    checked,
    decide_add,
    decide_delete,
    decide_erase,
    decide_score,
    decide_update,
)

NOTE = Note("Funding of bitcoin is high")


def folded(state: State, *events: Event) -> State:
    for event in events:
        state.apply(event)
    return state


def add(state: State, at_ns: int, **fields: Any) -> str:
    note = checked(replace(NOTE, **{"text": f"Funding at {at_ns} is high", **fields}))
    added = decide_add(state, note, at_ns, max_open=3)
    folded(state, *added.events)
    return added.id


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"namespace": ""}, "as namespace, was ''"),
        ({"namespace": "x" * 65}, "as namespace"),
        ({"namespace": "a\nb"}, "as namespace"),
        ({"episode": " a"}, "as episode"),
        ({"key": FactKey("", "a")}, "as symbol"),
        ({"key": FactKey("X", "a"), "type": EntryType.EVENT}, "key on a fact only"),
        ({"source": "x" * 1_025}, "a source of at most"),
        ({"source": "a\0b"}, "a source of at most"),
        ({"links": ("fact-1",) * 257}, "at most 256 links, was 257"),
    ],
)
def test_a_field_out_of_its_bounds_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        checked(replace(NOTE, **fields))


def test_an_end_before_the_beginning_is_refused() -> None:
    with pytest.raises(InputError, match="an end after the beginning"):
        decide_add(State(), replace(NOTE, valid_from_ns=9, valid_to_ns=9), 1)
    with pytest.raises(InputError, match="an end after the beginning"):
        decide_add(State(), replace(NOTE, valid_to_ns=5), 7)


def test_a_full_namespace_evicts_the_old_and_unhelpful_first() -> None:
    state = State()
    first, second, third = (add(state, day * DAY_NS) for day in (1, 2, 3))
    folded(state, decide_score(state, first, 4 * DAY_NS, is_helpful=True))
    add(state, 5 * DAY_NS)
    entries = {entry.id: entry for entry in state}
    assert entries[second].closed_by == "evicted"
    assert entries[first].is_open
    assert entries[third].is_open
    assert state.n_open("shared") == 3
    assert add(state, 6 * DAY_NS, namespace="other")
    assert state.namespaces() == {"other": 1, "shared": 3}


def test_decisions_are_never_evicted() -> None:
    state = State()
    for day in (1, 2, 3):
        add(state, day * DAY_NS, type=EntryType.DECISION)
    with pytest.raises(MemoryFull, match="only decisions and outcomes"):
        add(state, 4 * DAY_NS)


def test_an_update_never_raises_trust() -> None:
    state = State()
    page = add(state, 1, trust=Trust.EXTERNAL)
    update = decide_update(state, page, "Funding of bitcoin is low", 2, trust=Trust.VERIFIED)
    assert update.events[0].note is not None
    assert update.events[0].note.trust is Trust.EXTERNAL
    own = add(state, 3)
    update = decide_update(state, own, "Funding of bitcoin is low", 4, trust=Trust.EXTERNAL)
    assert update.events[0].note is not None
    assert update.events[0].note.trust is Trust.EXTERNAL


def test_an_update_with_the_same_words_is_refused() -> None:
    state = State()
    entry = add(state, 1)
    with pytest.raises(InputError, match="other words than fact-1 has"):
        decide_update(state, entry, " Funding at 1  is high ", 2)


def test_erasing_takes_all_versions_and_only_them() -> None:
    state = State()
    first = add(state, 1)
    other = add(state, 2)
    update = decide_update(state, first, "Funding of bitcoin is low", 3)
    folded(state, *update.events)
    events = decide_erase(state, first, "asked for", "maria", 4)
    assert [event.entry for event in events] == [first, update.id]
    folded(state, *events)
    assert [entry.is_erased for entry in state] == [True, False, True]
    assert [entry.note.text == "" for entry in state] == [True, False, True]
    with pytest.raises(EntryNotFound):
        decide_delete(state, update.id, "", 9)
    assert add(state, 10, links=(other,))
    with pytest.raises(EntryNotFound, match="as a link"):
        add(state, 11, links=(first,))


def test_the_quality_is_the_share_of_right_decisions_with_one_of_each_added() -> None:
    state = State()
    entry = add(state, 1)
    qualities = []
    for at_ns, is_helpful in enumerate((True, True, False), start=2):
        folded(state, decide_score(state, entry, at_ns, is_helpful=is_helpful))
        found = state.find(entry)
        assert found is not None
        qualities.append(found.quality)
    assert qualities == [2 / 3, 3 / 4, 3 / 5]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Event(3, 9, EventKind.DELETED, "fact-1"), "event 2 .* missing: the next is 3"),
        (Event(2, 1, EventKind.DELETED, "fact-1"), "of 1 ns, not after 1 ns"),
        (Event(2, 2, EventKind.DELETED, "fact-7"), "fact-7, which is not open"),
        (Event(2, 2, EventKind.ERASED, "fact-7"), "fact-7, which is not open"),
        (Event(2, 2, EventKind.SCORED, "fact-7"), "fact-7, which is not open"),
        (Event(2, 2, EventKind.SCORED, "fact-1", body="[]"), "list instead of an object"),
        (Event(2, 2, EventKind.ADDED, "fact-1", NOTE), "fact-1 once more"),
        (Event(2, 2, EventKind.ADDED, "fact-2"), "without a note"),
        (Event(2, 2, EventKind.ADDED, "fact-2", NOTE, "fact-9"), "fact-9, which is not open"),
    ],
)
def test_an_event_that_cannot_follow_is_refused_and_changes_nothing(
    event: Event, words: str
) -> None:
    state = State()
    add(state, 1)
    before = list(state)
    with pytest.raises(DatabaseDamaged, match=words):
        state.apply(event)
    assert (list(state), state.position, state.at_ns) == (before, 1, 1)
