"""Segment files: append-only, durable on `sync`."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from athena.errors import AthenaError, InputError, MissingError
from athena.platform import (
    SegmentWriter,
    list_segments,
    segment_path,
    segments_set_aside,
    set_segment_aside,
    truncate_segment,
)
from athena.platform import _segments as segments


def test_synced_bytes_are_in_the_file_and_counted(tmp_path: Path) -> None:
    with SegmentWriter(segment_path(tmp_path / "journal", 1)) as writer:
        writer.append(b"abc")
        writer.append(b"de")
        assert writer.size_bytes == 5
        writer.sync()
        assert writer.path.read_bytes() == b"abcde"


def test_an_existing_segment_is_continued(tmp_path: Path) -> None:
    path = segment_path(tmp_path, 1)
    path.write_bytes(b"abc")
    with SegmentWriter(path) as writer:
        assert writer.size_bytes == 3
        writer.append(b"d")
    assert path.read_bytes() == b"abcd"


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    writer = SegmentWriter(segment_path(tmp_path, 1))
    writer.append(b"a")
    writer.close()
    writer.close()
    assert writer.path.read_bytes() == b"a"


def test_a_full_disk_at_sync_names_the_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = SegmentWriter(segment_path(tmp_path, 1))
    writer.append(b"a")
    monkeypatch.setattr(segments, "sync_file", full)
    with pytest.raises(MissingError, match=r"00000001\.seg"):
        writer.sync()
    with pytest.raises(MissingError, match=r"00000001\.seg"):
        writer.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_device_that_is_full_fails_loudly(tmp_path: Path) -> None:
    path = segment_path(tmp_path, 1)
    path.symlink_to("/dev/full")
    writer = SegmentWriter(path)
    with pytest.raises(MissingError, match="full disk"):
        writer.append(b"x" * 1_000_000)
    with pytest.raises(AthenaError, match=r"00000001\.seg"):
        writer.close()


def test_segments_are_listed_by_number_and_other_files_ignored(tmp_path: Path) -> None:
    for name in ("00000010.seg", "00000009.seg", "notes.txt", "1.seg"):
        (tmp_path / name).touch()
    assert [path.name for path in list_segments(tmp_path)] == ["00000009.seg", "00000010.seg"]


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    for number in (1, 3):
        segment_path(tmp_path, number).touch()
    with pytest.raises(InputError, match=r"00000002\.seg"):
        list_segments(tmp_path)


def test_no_folder_has_no_segments(tmp_path: Path) -> None:
    assert list_segments(tmp_path / "absent") == []


@pytest.mark.parametrize("number", [0, -1, 100_000_000])
def test_a_number_that_does_not_fit_the_name_is_refused(tmp_path: Path, number: int) -> None:
    with pytest.raises(InputError, match=str(number)):
        segment_path(tmp_path, number)


def test_a_segment_is_cut_to_its_first_bytes_and_can_be_appended_to(tmp_path: Path) -> None:
    path = segment_path(tmp_path, 1)
    path.write_bytes(b"abcdef")
    truncate_segment(path, 4)
    with SegmentWriter(path) as writer:
        assert writer.size_bytes == 4
        writer.append(memoryview(b"XY"))
    assert path.read_bytes() == b"abcdXY"


def test_a_segment_cut_to_nothing_is_gone(tmp_path: Path) -> None:
    path = segment_path(tmp_path, 1)
    path.write_bytes(b"abc")
    truncate_segment(path, 0)
    assert list_segments(tmp_path) == []


@pytest.mark.parametrize("size_bytes", [-1, 4])
def test_a_segment_is_never_made_longer(tmp_path: Path, size_bytes: int) -> None:
    path = segment_path(tmp_path, 1)
    path.write_bytes(b"abc")
    with pytest.raises(InputError, match=r"expected a length within 0\.\.3"):
        truncate_segment(path, size_bytes)
    assert path.read_bytes() == b"abc"


def test_a_missing_segment_cannot_be_cut_or_set_aside(tmp_path: Path) -> None:
    path = segment_path(tmp_path, 1)
    for act in (lambda: truncate_segment(path, 0), lambda: set_segment_aside(path)):
        with pytest.raises(InputError, match=r"00000001\.seg"):
            act()


def test_a_segment_set_aside_keeps_its_bytes_and_is_listed_apart(tmp_path: Path) -> None:
    for number in (1, 2):
        segment_path(tmp_path, number).write_bytes(b"abc")
    (tmp_path / "note.damaged").write_bytes(b"")
    assert segments_set_aside(tmp_path) == []
    aside = set_segment_aside(segment_path(tmp_path, 2))
    assert aside.read_bytes() == b"abc"
    assert list_segments(tmp_path) == [segment_path(tmp_path, 1)]
    assert segments_set_aside(tmp_path) == [2]
