"""The journal: frames in a chain, torn tails cut, any other damage refused (TR-06)."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

import numpy as np
import pytest

from athena.errors import CheckFailed, CoreError, InputError, MissingError, RefusedError
from athena.trading import (
    FrameKind,
    JournalWriter,
    MemoryStore,
    inspect_journal,
    read_frames,
    recover_journal,
    verify_journal,
)
from athena.trading._journal_format import (
    FRAME_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
    frame_header,
    read_frame_header,
)

MANIFEST = {"seed": 42}


def words(*values: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(values, np.int64)


def small(*, is_closed: bool = True, segment_bytes: int = 1 << 20) -> MemoryStore:
    """Return a journal of a manifest, three commits and, if closed, an end."""
    store = MemoryStore()
    writer = JournalWriter(store, MANIFEST, segment_bytes=segment_bytes)
    for k in range(3):
        writer.commit(words(k, k + 1))
    if is_closed:
        writer.close({"digest": "d"})
    return store


def copy(store: MemoryStore, **changed: bytes) -> MemoryStore:
    segments = {number: store.read(number) for number in store.segments()}
    return MemoryStore(segments | {int(name[1:]): data for name, data in changed.items()})


# --- what is written is read -------------------------------------------------------------------


def test_what_is_committed_is_read_back_in_order() -> None:
    frames = list(read_frames(small()))
    assert [frame.kind for frame in frames] == [
        FrameKind.MANIFEST,
        FrameKind.WORDS,
        FrameKind.WORDS,
        FrameKind.WORDS,
        FrameKind.FINAL,
    ]
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[0].values() == MANIFEST
    assert frames[2].payload == words(1, 2).tobytes()
    assert frames[4].values() == {"digest": "d"}


def test_bytes_views_and_arrays_of_words_give_the_same_journal() -> None:
    stores = []
    for form in (words(1, 2), words(1, 2).data, words(1, 2).tobytes()):
        store = MemoryStore()
        JournalWriter(store, MANIFEST).commit(form)
        stores.append(store.read(1))
    assert stores[0] == stores[1] == stores[2]


def test_no_words_are_no_frame() -> None:
    store = MemoryStore()
    writer = JournalWriter(store, MANIFEST)
    writer.commit(words())
    assert writer.end.n_frames == 1


def test_a_configuration_and_a_crash_note_are_json_frames() -> None:
    store = MemoryStore()
    writer = JournalWriter(store, MANIFEST)
    writer.note(FrameKind.CONFIGURATION, {"risk": {"positions_max": 3}})
    writer.note(FrameKind.CRASH, {"message": "x"})
    assert [frame.values() for frame in read_frames(store)][1:] == [
        {"risk": {"positions_max": 3}},
        {"message": "x"},
    ]


def test_words_have_no_json_values() -> None:
    with pytest.raises(InputError, match=r"expected a frame of JSON, was words 1"):
        list(read_frames(small()))[1].values()


def test_a_manifest_with_a_value_that_json_lacks_writes_nothing() -> None:
    store = MemoryStore()
    with pytest.raises(CoreError, match=r"expected JSON values in the manifest, was"):
        JournalWriter(store, {"cash": object()})
    assert store.segments() == []


def test_a_run_gets_an_empty_journal_or_none() -> None:
    with pytest.raises(RefusedError, match=r"expected an empty journal, was one of 1 segments"):
        JournalWriter(small(), MANIFEST)


def test_the_same_commits_give_the_same_bytes() -> None:
    """A05."""
    assert small().read(1) == small().read(1)


# --- segments ----------------------------------------------------------------------------------


def test_a_full_segment_is_followed_by_one_that_names_its_hash() -> None:
    store = small(segment_bytes=SEGMENT_HEADER_BYTES + 2 * (FRAME_HEADER_BYTES + 16))
    assert len(store.segments()) > 1
    for number in store.segments()[1:]:
        before = hashlib.sha256(store.read(number - 1)).digest()
        assert before in store.read(number)[:SEGMENT_HEADER_BYTES]
    assert [frame.sequence for frame in read_frames(store)] == [0, 1, 2, 3, 4]


def test_a_frame_larger_than_a_segment_is_not_split() -> None:
    store = MemoryStore()
    writer = JournalWriter(store, MANIFEST, segment_bytes=100)
    writer.commit(words(*range(100)))
    assert writer.end.segment == 2
    assert verify_journal(store).n_words == 100


def test_the_writer_and_the_reader_agree_on_the_end() -> None:
    store = MemoryStore()
    writer = JournalWriter(store, MANIFEST, segment_bytes=200)
    for k in range(20):
        writer.commit(words(k))
    end = writer.close({})
    report = verify_journal(store)
    assert report.end == end
    assert report.n_words == 20
    assert report.final == {}
    last = store.read(store.segments()[-1])
    assert report.end.segment_sha256 == hashlib.sha256(last).digest()


def test_verify_of_nothing_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"expected a journal with a manifest, was an empty one"):
        verify_journal(MemoryStore())


# --- damage ------------------------------------------------------------------------------------


def test_a_flipped_byte_anywhere_is_refused_with_segment_and_offset() -> None:
    """TR-06: every byte of a small segment, one after the other."""
    store = small()
    sound = store.read(1)
    starts = [0, *(frame.offset for frame in read_frames(store))]
    for place in range(len(sound)):
        bent = bytearray(sound)
        bent[place] ^= 0x40
        expected = max(start for start in starts if start <= place)
        damaged = copy(store, s1=bytes(bent))
        with pytest.raises(CheckFailed, match=rf"journal segment 1, offset {expected}: "):
            verify_journal(damaged)
        report = inspect_journal(damaged)
        assert report.damage is not None
        assert (report.damage.segment, report.damage.offset) == (1, expected)


def test_nothing_at_or_after_the_damage_is_read() -> None:
    store = small()
    bent = bytearray(store.read(1))
    bent[list(read_frames(store))[2].offset + 60] ^= 1
    frames = read_frames(copy(store, s1=bytes(bent)))
    assert [next(frames).sequence, next(frames).sequence] == [0, 1]
    with pytest.raises(CheckFailed):
        next(frames)


def test_a_flipped_byte_sets_the_segment_aside_for_good() -> None:
    """TR-06: the engine refuses, and still refuses after the damaged segment has gone."""
    store = small(is_closed=False)
    bent = bytearray(store.read(1))
    bent[SEGMENT_HEADER_BYTES + 5] ^= 1
    damaged = copy(store, s1=bytes(bent))
    with pytest.raises(RefusedError, match=r"journal segment 1, offset 52"):
        recover_journal(damaged)
    assert damaged.segments() == []
    assert damaged.quarantined() == [1]
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"journal segment 1, offset 0: .* set aside"):
            recover_journal(damaged)
    with pytest.raises(CheckFailed, match=r"set aside as damaged"):
        verify_journal(damaged)
    with pytest.raises(RefusedError, match=r"expected an empty journal"):
        JournalWriter(damaged, MANIFEST)


def test_a_damaged_earlier_segment_is_named() -> None:
    store = small(segment_bytes=120)
    assert len(store.segments()) >= 3
    bent = bytearray(store.read(2))
    bent[-1] ^= 1
    with pytest.raises(CheckFailed, match=r"journal segment 2, offset 52"):
        verify_journal(copy(store, s2=bytes(bent)))


def test_an_earlier_segment_that_ends_early_is_damage_and_no_torn_tail() -> None:
    store = small(segment_bytes=120)
    with pytest.raises(CheckFailed, match=r"journal segment 2, offset 52: expected a whole frame"):
        verify_journal(copy(store, s2=store.read(2)[:-1]))


def test_a_missing_segment_is_damage() -> None:
    store = small(segment_bytes=120)
    segments = {number: store.read(number) for number in store.segments() if number != 2}
    with pytest.raises(CheckFailed, match=r"journal segment 2, offset 0: expected segment 2"):
        verify_journal(MemoryStore(segments))


def test_a_frame_rewritten_with_right_check_sums_breaks_the_chain() -> None:
    """C17: a forger must rewrite every later frame, and the head that is kept elsewhere."""
    store = small()
    frame = list(read_frames(store))[1]
    data = bytearray(store.read(1))
    header = read_frame_header(bytes(data), frame.offset)
    assert header is not None
    payload = words(7, 8).tobytes()
    forged = frame_header(header._replace(payload_crc=zlib.crc32(payload))) + payload
    data[frame.offset : frame.offset + len(forged)] = forged
    with pytest.raises(CheckFailed, match=r"expected a frame after "):
        verify_journal(copy(store, s1=bytes(data)))


def test_a_segment_of_another_journal_is_refused() -> None:
    store = small(segment_bytes=120)
    other = MemoryStore()
    writer = JournalWriter(other, {"seed": 43}, segment_bytes=120)
    for k in range(3):
        writer.commit(words(k, k + 1))
    writer.close({"digest": "d"})
    with pytest.raises(CheckFailed, match=r"journal segment 2, offset 0: expected the segment"):
        verify_journal(copy(store, s2=other.read(2)))


# --- torn tails --------------------------------------------------------------------------------


def test_a_tail_cut_at_any_byte_of_the_last_frame_is_recovered_with_one_warning() -> None:
    """TR-06: cut, report, and go on as if the last frame had never been written."""
    store = small(is_closed=False)
    data = store.read(1)
    last = list(read_frames(store))[-1]
    for length in range(last.offset + 1, len(data)):
        cut = copy(store, s1=data[:length])
        torn = verify_journal(cut).torn
        assert torn is not None
        assert (torn.segment, torn.offset, torn.n_bytes) == (1, last.offset, length - last.offset)
        assert "segment 1 ends inside a frame" in str(torn)
        recovery = recover_journal(cut)
        assert recovery.torn == torn
        assert cut.read(1) == data[: last.offset]
        writer = JournalWriter.resume(cut, recovery.end)
        writer.commit(words(2, 3))
        assert cut.read(1) == data


def test_a_sound_journal_has_no_torn_tail() -> None:
    store = small(is_closed=False)
    assert verify_journal(store).torn is None
    assert recover_journal(store).torn is None


def test_a_tail_of_zeros_is_torn() -> None:
    """A file can grow before its bytes are written."""
    store = small(is_closed=False)
    data = store.read(1)
    grown = copy(store, s1=data + bytes(4096))
    recovery = recover_journal(grown)
    assert recovery.torn is not None
    assert grown.read(1) == data


def test_a_segment_cut_inside_its_header_is_dropped_and_begun_again() -> None:
    store = small(is_closed=False, segment_bytes=120)
    last = store.segments()[-1]
    whole = store.read(last)
    cut = copy(store, **{f"s{last}": whole[:20]})
    recovery = recover_journal(cut)
    assert recovery.end.segment == last - 1
    writer = JournalWriter.resume(cut, recovery.end, segment_bytes=120)
    writer.commit(words(2, 3))
    assert cut.read(last) == whole


def test_a_journal_cut_inside_its_manifest_cannot_be_continued() -> None:
    store = small(is_closed=False)
    cut = copy(store, s1=store.read(1)[: SEGMENT_HEADER_BYTES + 10])
    with pytest.raises(CheckFailed, match=r"expected a manifest .*, was 10 bytes"):
        recover_journal(cut)
    with pytest.raises(InputError, match=r"was an empty one"):
        recover_journal(MemoryStore())


def test_a_finished_journal_is_not_continued() -> None:
    with pytest.raises(RefusedError, match=r"expected an unfinished journal"):
        recover_journal(small())


class FullStore(MemoryStore):
    """A disk that is full once, after a few bytes."""

    __slots__ = ("room",)

    def append(self, data: bytes | memoryview) -> None:
        if self.room < len(data):
            super().append(bytes(data)[: self.room])
            self.room = 1 << 30
            message = "expected room to write, was a full disk"
            raise MissingError(message)
        self.room -= len(data)
        super().append(data)


@pytest.mark.parametrize("room", range(0, 80, 7))
def test_after_a_full_disk_nothing_is_appended_before_the_journal_is_recovered(room: int) -> None:
    """F19: what the failed write left is a torn tail, and stays one."""
    store = FullStore()
    store.room = 1 << 30
    writer = JournalWriter(store, MANIFEST)
    writer.commit(words(1, 2))
    sound = store.read(1)
    store.room = room
    with pytest.raises(MissingError):
        writer.commit(words(*range(10)))
    for act in (lambda: writer.commit(words(3)), lambda: writer.close({})):
        with pytest.raises(RefusedError, match=r"expected frame 2 to have been written"):
            act()
    recovery = recover_journal(store)
    assert (recovery.torn is not None) is (room > 0)
    assert store.read(1) == sound
    again = JournalWriter.resume(store, recovery.end)
    again.commit(words(3))
    assert verify_journal(store).n_words == 3


def test_a_frame_after_the_final_one_is_damage() -> None:
    store = small(is_closed=False)
    writer = JournalWriter.resume(store, recover_journal(store).end)
    writer.note(FrameKind.FINAL, {})
    writer.commit(words(1))
    with pytest.raises(CheckFailed, match=r"expected no frame after the final one"):
        verify_journal(store)


def test_a_resumed_journal_equals_an_unbroken_one() -> None:
    unbroken = MemoryStore()
    writer = JournalWriter(unbroken, MANIFEST, segment_bytes=200)
    for k in range(9):
        writer.commit(words(k))
    for stop in range(9):
        broken = MemoryStore()
        first = JournalWriter(broken, MANIFEST, segment_bytes=200)
        for k in range(stop):
            first.commit(words(k))
        first.abandon()
        second = JournalWriter.resume(broken, recover_journal(broken).end, segment_bytes=200)
        for k in range(stop, 9):
            second.commit(words(k))
        assert second.end == writer.end
        assert [broken.read(n) for n in broken.segments()] == [
            unbroken.read(n) for n in unbroken.segments()
        ]
