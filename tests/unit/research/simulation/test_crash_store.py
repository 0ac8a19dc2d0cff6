"""A disk that loses what was not synced (F15, F16), lies about a byte (F17) and fills up (F19)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.errors import MissingError
from athena.research.simulation._storage import CrashStore

PPM = 1_000_000


def store_of(synced: bytes, unsynced: bytes) -> CrashStore:
    """Return a store with one segment, of which the beginning is safe."""
    store = CrashStore()
    store.open_segment(1)
    store.append(synced)
    store.sync()
    store.append(unsynced)
    return store


def test_a_crash_keeps_all_that_was_synced_and_nothing_else() -> None:
    left = store_of(b"safe", b"lost").after_crash(0)
    assert left.read(1) == b"safe"
    assert left.is_safe


def test_a_torn_write_keeps_the_beginning_of_what_was_not_synced() -> None:
    assert store_of(b"safe", b"torn").after_crash(PPM // 2).read(1) == b"safeto"


def test_a_segment_that_was_never_synced_is_gone() -> None:
    store = CrashStore()
    store.open_segment(1)
    store.append(b"never")
    assert store.after_crash(0).segments() == []


def test_a_store_is_safe_only_when_every_byte_is() -> None:
    store = store_of(b"safe", b"x")
    assert not store.is_safe
    store.sync()
    assert store.is_safe


def test_an_older_segment_without_a_sync_is_not_safe() -> None:
    store = CrashStore()
    store.open_segment(1)
    store.append(b"first")
    store.open_segment(2)
    store.append(b"second")
    store.sync()
    assert not store.is_safe
    assert store.after_crash(0).segments() == [2]


def test_what_a_crash_has_left_survives_the_next_one() -> None:
    left = store_of(b"safe", b"torn").after_crash(PPM)
    assert left.after_crash(0).read(1) == b"safetorn"


def test_a_cut_segment_is_safe_and_one_cut_to_nothing_is_gone() -> None:
    store = store_of(b"safe", b"torn")
    store.truncate(1, 2)
    assert store.after_crash(0).read(1) == b"sa"
    store.truncate(1, 0)
    assert store.after_crash(0).segments() == []


def test_a_full_disk_refuses_a_write_and_keeps_what_is_there() -> None:
    store = store_of(b"safe", b"")
    store.is_full = True
    with pytest.raises(MissingError, match="full"):
        store.append(b"more")
    store.is_full = False
    store.append(b"more")
    assert store.read(1) == b"safemore"


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1), st.integers(0, 2**40))
def test_exactly_one_byte_is_flipped_and_the_store_itself_is_left(
    segments: list[bytes], position: int
) -> None:
    """F17."""
    store = CrashStore(dict(enumerate(segments, start=1)))
    flipped = store.flipped(position)
    pairs = [
        (before, after)
        for number in store.segments()
        for before, after in zip(store.read(number), flipped.read(number), strict=True)
    ]
    assert sum(before != after for before, after in pairs) == 1
    assert [store.read(number) for number in store.segments()] == segments
