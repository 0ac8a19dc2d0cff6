"""Where a journal's segments live: a protocol, and the store in memory for sweeps and tests."""

from __future__ import annotations

from typing import Protocol

from athena.errors import InputError


class JournalStore(Protocol):
    """Keep numbered segments of bytes; the journal decides what is in them.

    Only the segment that was opened last is appended to. Nothing survives a power cut before
    `sync` has returned.
    """

    def segments(self) -> list[int]:
        """List the numbers of the segments, ascending."""
        ...

    def quarantined(self) -> list[int]:
        """List the numbers of the segments that were set aside, ascending."""
        ...

    def read(self, number: int) -> bytes:
        """Return a segment's bytes."""
        ...

    def open_segment(self, number: int) -> None:
        """Append to this segment from now on; it is created when absent."""
        ...

    def append(self, data: bytes | memoryview) -> None:
        """Add bytes to the open segment."""
        ...

    def sync(self) -> None:
        """Wait until every appended byte is safe."""
        ...

    def truncate(self, number: int, size_bytes: int) -> None:
        """Cut a segment to its first `size_bytes`, durably; cut to nothing, it is removed."""
        ...

    def quarantine(self, number: int) -> None:
        """Set a segment aside for good: its bytes are kept, it is listed no more."""
        ...

    def close(self) -> None:
        """Sync and let go of the open segment."""
        ...


class MemoryStore:
    """Keep segments in memory: nothing survives the process."""

    __slots__ = ("_aside", "_number", "_segments")

    def __init__(self, segments: dict[int, bytes] | None = None) -> None:
        """Start empty, or from copies of some segments."""
        self._segments = {number: bytearray(data) for number, data in (segments or {}).items()}
        self._aside: dict[int, bytes] = {}
        self._number = 0

    def segments(self) -> list[int]:
        """List the numbers of the segments, ascending."""
        return sorted(self._segments)

    def quarantined(self) -> list[int]:
        """List the numbers of the segments that were set aside, ascending."""
        return sorted(self._aside)

    def read(self, number: int) -> bytes:
        """Return a copy of a segment's bytes.

        Raises:
            InputError: there is no such segment.
        """
        if number not in self._segments:
            message = f"expected a journal segment {number}, was missing"
            raise InputError(message)
        return bytes(self._segments[number])

    def open_segment(self, number: int) -> None:
        """Append to this segment from now on; it is created when absent."""
        self._segments.setdefault(number, bytearray())
        self._number = number

    def append(self, data: bytes | memoryview) -> None:
        """Add bytes to the open segment."""
        self._segments[self._number] += data

    def sync(self) -> None:
        """Do nothing: memory is as safe as it gets."""

    def truncate(self, number: int, size_bytes: int) -> None:
        """Cut a segment to its first `size_bytes`; cut to nothing, it is removed."""
        del self._segments[number][size_bytes:]
        if size_bytes == 0:
            del self._segments[number]

    def quarantine(self, number: int) -> None:
        """Set a segment aside: its bytes are kept, it is listed no more."""
        self._aside[number] = bytes(self._segments.pop(number))

    def close(self) -> None:
        """Let go of the open segment."""
        self._number = 0
