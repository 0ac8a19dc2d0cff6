"""A journal in segment files of one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.platform import (
    SegmentWriter,
    segment_numbers,
    segment_path,
    segments_set_aside,
    set_segment_aside,
    storage_errors,
    truncate_segment,
)

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL_FOLDER = "journal"


class FileStore:
    """Keep a journal's segments as `00000001.seg`, ... (see `athena.trading.JournalStore`)."""

    __slots__ = ("_writer", "folder")

    def __init__(self, folder: Path) -> None:
        """Look at a folder; it is created by the first segment."""
        self.folder = folder
        self._writer: SegmentWriter | None = None

    def segments(self) -> list[int]:
        """List the numbers of the segments, ascending; the reader refuses gaps."""
        return segment_numbers(self.folder)

    def quarantined(self) -> list[int]:
        """List the numbers of the segments that were set aside, ascending."""
        return segments_set_aside(self.folder)

    def read(self, number: int) -> bytes:
        """Return a segment's bytes.

        Raises:
            InputError: it is missing or cannot be read.
        """
        path = segment_path(self.folder, number)
        with storage_errors(path):
            return path.read_bytes()

    def open_segment(self, number: int) -> None:
        """Append to this segment from now on; the one before is synced and closed."""
        self.close()
        self._writer = SegmentWriter(segment_path(self.folder, number))

    def append(self, data: bytes | memoryview) -> None:
        """Add bytes to the open segment.

        Raises:
            InputError: no segment is open, or it cannot be written.
            MissingError: the disk is full.
        """
        self._open().append(data)

    def sync(self) -> None:
        """Wait until every appended byte has reached the disk."""
        self._open().sync()

    def truncate(self, number: int, size_bytes: int) -> None:
        """Cut a segment to its first bytes, durably."""
        truncate_segment(segment_path(self.folder, number), size_bytes)

    def quarantine(self, number: int) -> None:
        """Rename a segment to `NAME.damaged`: its bytes are kept, it is listed no more."""
        set_segment_aside(segment_path(self.folder, number))

    def close(self) -> None:
        """Sync and close the open segment; without one do nothing."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self) -> SegmentWriter:
        if self._writer is None:
            message = f"expected an open segment in {self.folder}, was none"
            raise InputError(message)
        return self._writer
