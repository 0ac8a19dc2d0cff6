"""A disk that loses what was not synced, and fills up when told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.errors import MissingError
from athena.trading import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable


def _nothing() -> None:
    """Do nothing."""


class CrashStore(MemoryStore):
    """Keep segments in memory, and know what a crash would leave of them.

    Attributes:
        is_full: True refuses every write (F19).
        before_write, after_sync: told of each; they may raise.
    """

    __slots__ = ("_open", "_synced", "after_sync", "before_write", "is_full")

    def __init__(self, segments: dict[int, bytes] | None = None) -> None:
        """Start empty, or from what a crash has left."""
        super().__init__(segments)
        self._synced = {number: len(data) for number, data in (segments or {}).items()}
        self._open = 0
        self.is_full = False
        self.before_write: Callable[[], None] = _nothing
        self.after_sync: Callable[[], None] = _nothing

    def open_segment(self, number: int) -> None:
        """Append to this segment from now on."""
        super().open_segment(number)
        self._synced.setdefault(number, 0)
        self._open = number

    def append(self, data: bytes | memoryview) -> None:
        """Add bytes, unless the disk is full.

        Raises:
            MissingError: it is.
        """
        if self.is_full:
            message = "expected room on the disk, was full"
            raise MissingError(message, hint="free some space")
        self.before_write()
        super().append(data)

    def sync(self) -> None:
        """Make what was written safe."""
        if self._open:
            self._synced[self._open] = len(self.read(self._open))
        self.after_sync()

    @property
    def is_safe(self) -> bool:
        """Tell whether everything written would survive a crash."""
        return all(len(self.read(n)) == self._synced.get(n, 0) for n in self.segments())

    def truncate(self, number: int, size_bytes: int) -> None:
        """Cut a segment; what is left of it is safe."""
        super().truncate(number, size_bytes)
        if size_bytes == 0:
            self._synced.pop(number, None)
        else:
            self._synced[number] = size_bytes

    def after_crash(self, torn_ppm: int) -> CrashStore:
        """Return what a crash leaves: all that was synced, and a part of what was not.

        Args:
            torn_ppm: share of the unsynced bytes that reached the disk, from their beginning.
        """
        left: dict[int, bytes] = {}
        for number in self.segments():
            data = self.read(number)
            safe = self._synced.get(number, 0)
            kept = safe + (len(data) - safe) * torn_ppm // 1_000_000
            if kept:
                left[number] = data[:kept]
        return CrashStore(left)

    def flipped(self, position: int) -> CrashStore:
        """Return a copy in which one byte is another: the `position`-th of all, modulo all."""
        segments = {number: bytearray(self.read(number)) for number in self.segments()}
        place = position % sum(map(len, segments.values()))
        for data in segments.values():
            if place < len(data):
                data[place] ^= 0x40
                break
            place -= len(data)
        return CrashStore({number: bytes(data) for number, data in segments.items()})
