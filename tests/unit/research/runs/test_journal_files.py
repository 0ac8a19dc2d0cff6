"""A journal in files keeps the store's promises, and is what the memory store would hold."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import InputError, RefusedError
from athena.research import FileStore
from athena.trading import (
    JournalWriter,
    MemoryStore,
    inspect_journal,
    recover_journal,
    verify_journal,
)

if TYPE_CHECKING:
    from pathlib import Path

    from athena.trading import JournalStore


def write(store: JournalStore, n: int = 20, segment_bytes: int = 400) -> JournalWriter:
    writer = JournalWriter(store, {"seed": 1}, segment_bytes=segment_bytes)
    for k in range(n):
        writer.commit(np.arange(k + 1, dtype=np.int64))
    return writer


def test_files_hold_what_memory_would(tmp_path: Path) -> None:
    files, memory = FileStore(tmp_path / "journal"), MemoryStore()
    ends = [write(store).close({"n": 1}) for store in (files, memory)]
    assert ends[0] == ends[1]
    assert files.segments() == memory.segments()
    for number in files.segments():
        assert files.read(number) == memory.read(number)
    assert verify_journal(files) == verify_journal(memory)


def test_a_segment_names_the_hash_of_the_file_before(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    write(store).close({})
    first = (tmp_path / "00000001.seg").read_bytes()
    second = (tmp_path / "00000002.seg").read_bytes()
    assert second[16:48] == hashlib.sha256(first).digest()


def test_synced_bytes_are_in_the_file_and_an_interrupted_run_is_continued(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    writer = write(store, 5)
    writer.sync()
    last = store.segments()[-1]
    synced = store.read(last)
    store.close()
    (tmp_path / f"{last:08d}.seg").write_bytes(synced[:-3])
    again = FileStore(tmp_path)
    recovery = recover_journal(again)
    assert recovery.torn is not None
    resumed = JournalWriter.resume(again, recovery.end, segment_bytes=400)
    resumed.commit(np.arange(5, dtype=np.int64))
    resumed.abandon()
    assert again.read(last) == synced
    assert resumed.end == writer.end


def test_a_damaged_file_is_renamed_and_the_journal_refuses_from_then_on(tmp_path: Path) -> None:
    """TR-06."""
    write(FileStore(tmp_path)).abandon()
    path = tmp_path / "00000002.seg"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(RefusedError, match=r"journal segment 2, offset \d+"):
        recover_journal(FileStore(tmp_path))
    assert (tmp_path / "00000002.seg.damaged").read_bytes() == bytes(data)
    report = inspect_journal(FileStore(tmp_path))
    assert report.damage is not None
    assert report.damage.segment == 2
    with pytest.raises(RefusedError):
        recover_journal(FileStore(tmp_path))


def test_bytes_need_an_open_segment(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected an open segment"):
        FileStore(tmp_path).append(b"x")


def test_a_folder_that_is_not_there_holds_no_journal(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "none")
    assert store.segments() == []
    assert store.quarantined() == []
    with pytest.raises(InputError, match=r"was an empty one"):
        verify_journal(store)
