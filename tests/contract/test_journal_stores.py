"""Every place that keeps a journal keeps the promises of `JournalStore`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import InputError
from athena.research import FileStore
from athena.trading import JournalStore, JournalWriter, MemoryStore, verify_journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STORES = {"memory": lambda _folder: MemoryStore(), "files": FileStore}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JournalStore]:
    store: JournalStore = STORES[request.param](tmp_path / "journal")
    yield store
    store.close()


def test_a_new_store_is_empty(store: JournalStore) -> None:
    assert store.segments() == []
    assert store.quarantined() == []


def test_what_is_appended_and_synced_is_read(store: JournalStore) -> None:
    store.open_segment(1)
    store.append(b"abc")
    store.append(memoryview(b"de"))
    store.sync()
    assert store.read(1) == b"abcde"


def test_appends_go_to_the_segment_that_was_opened_last(store: JournalStore) -> None:
    for number in (1, 2):
        store.open_segment(number)
        store.append(str(number).encode())
    store.open_segment(1)
    store.append(b"!")
    store.close()
    assert [store.read(number) for number in store.segments()] == [b"1!", b"2"]


def test_a_truncated_segment_is_continued_where_it_was_cut(store: JournalStore) -> None:
    store.open_segment(1)
    store.append(b"abcdef")
    store.close()
    store.truncate(1, 3)
    store.open_segment(1)
    store.append(b"XY")
    store.close()
    assert store.read(1) == b"abcXY"


def test_a_segment_cut_to_nothing_can_be_begun_again(store: JournalStore) -> None:
    store.open_segment(1)
    store.append(b"abc")
    store.close()
    store.truncate(1, 0)
    assert store.segments() == []
    store.open_segment(1)
    store.close()
    assert store.read(1) == b""


def test_a_quarantined_segment_is_listed_apart_and_never_read(store: JournalStore) -> None:
    for number in (1, 2, 3):
        store.open_segment(number)
        store.append(b"abc")
    store.close()
    store.quarantine(2)
    assert (store.segments(), store.quarantined()) == ([1, 3], [2])
    with pytest.raises(InputError):
        store.read(2)


def test_closing_twice_does_nothing(store: JournalStore) -> None:
    store.open_segment(1)
    store.close()
    store.close()
    assert store.segments() == [1]


def test_the_same_journal_is_the_same_bytes_in_every_store(store: JournalStore) -> None:
    writer = JournalWriter(store, {"seed": 1}, segment_bytes=400)
    for k in range(20):
        writer.commit(np.arange(k + 1, dtype=np.int64))
    end = writer.close({"n": 20})
    assert verify_journal(store).end == end
    whole = b"".join(store.read(number) for number in store.segments())
    assert hashlib.sha256(whole).hexdigest()[:16] == "cfd93c89658d80b6"
