"""Append-only segment files `00000001.seg`, ...; whoever writes them owns the record format."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Self

from athena.errors import InputError
from athena.platform._storage import (
    ensure_folder,
    storage_error,
    storage_errors,
    sync_file,
    sync_folder,
)

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_SEGMENT_NAME = re.compile(r"(\d{8})\.seg")
_ASIDE_SUFFIX = ".damaged"
_LAST_NUMBER = 99_999_999


def segment_path(folder: Path, number: int) -> Path:
    """Return the path of a segment.

    Raises:
        InputError: the number is not within 1..99,999,999.
    """
    if not 1 <= number <= _LAST_NUMBER:
        message = f"expected a segment number within 1..{_LAST_NUMBER}, was {number}"
        raise InputError(message)
    return folder / f"{number:08d}.seg"


def segment_numbers(folder: Path) -> list[int]:
    """List the numbers of a folder's segments, ascending; other files are ignored, gaps stay."""
    if not folder.is_dir():
        return []
    return sorted(
        int(path.stem) for path in folder.iterdir() if _SEGMENT_NAME.fullmatch(path.name)
    )


def list_segments(folder: Path) -> list[Path]:
    """List a folder's segments by number; no folder, no segments.

    Raises:
        InputError: a number is missing between the first and the last segment.
    """
    numbers = segment_numbers(folder)
    for index, number in enumerate(numbers):
        if number != numbers[0] + index:
            message = f"expected segment {segment_path(folder, numbers[0] + index)}, was missing"
            raise InputError(message, hint="restore the folder from a backup")
    return [segment_path(folder, number) for number in numbers]


def segments_set_aside(folder: Path) -> list[int]:
    """List the numbers of the segments that `set_segment_aside` renamed, ascending."""
    return sorted(
        int(path.name[:8])
        for path in folder.glob(f"*{_ASIDE_SUFFIX}")
        if _SEGMENT_NAME.fullmatch(path.name.removesuffix(_ASIDE_SUFFIX))
    )


def set_segment_aside(path: Path) -> Path:
    """Rename a damaged segment durably, so that nobody takes it for a sound one.

    Raises:
        InputError: it is missing or cannot be renamed.
    """
    aside = path.with_name(path.name + _ASIDE_SUFFIX)
    with storage_errors(path):
        path.rename(aside)
        sync_folder(path.parent)
    return aside


def truncate_segment(path: Path, size_bytes: int) -> None:
    """Cut a segment to its first bytes, durably; cut to nothing, it is removed.

    Raises:
        InputError: it is missing, cannot be written, or is shorter than `size_bytes`.
    """
    with storage_errors(path):
        length = path.stat().st_size
        if not 0 <= size_bytes <= length:
            message = f"expected a length within 0..{length} for {path}, was {size_bytes}"
            raise InputError(message)
        if size_bytes == 0:
            path.unlink()
            sync_folder(path.parent)
            return
        with path.open("r+b") as file:
            file.truncate(size_bytes)
            sync_file(file.fileno())


class SegmentWriter:
    """Append bytes to one segment; `sync` is the only promise that they survive a power cut.

    A failed write is never retried here: the caller decides, and the torn tail that it may leave
    is what the reader of the record format cuts off.
    """

    __slots__ = ("_file", "_size_bytes", "path")

    def __init__(self, path: Path) -> None:
        """Open a segment for appending; a new file is made durable in its folder.

        Raises:
            InputError: it cannot be opened.
            MissingError: the disk is full.
        """
        ensure_folder(path.parent)
        self.path = path
        with storage_errors(path):
            is_new = not path.exists()
            self._file = path.open("ab")
            self._size_bytes = os.fstat(self._file.fileno()).st_size
            if is_new:
                try:
                    sync_folder(path.parent)
                except OSError:
                    self._file.close()
                    raise

    @property
    def size_bytes(self) -> int:
        """Return the segment's length, bytes that are still buffered included."""
        return self._size_bytes

    def append(self, data: bytes | memoryview) -> None:
        """Add bytes at the end; they are buffered until `sync` or `close`."""
        try:
            self._file.write(data)
        except OSError as error:
            raise storage_error(error, self.path) from error
        self._size_bytes += len(data)

    def sync(self) -> None:
        """Flush and wait until every appended byte has reached the disk.

        Raises:
            MissingError: the disk is full.
        """
        with storage_errors(self.path):
            self._file.flush()
            sync_file(self._file.fileno())

    def close(self) -> None:
        """Sync and close; a second call does nothing."""
        if self._file.closed:
            return
        try:
            self.sync()
        finally:
            # Closing flushes again and so repeats the error of a full disk: the first one counts.
            with storage_errors(self.path):
                self._file.close()

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the segment."""
        self.close()
