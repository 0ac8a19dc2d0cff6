"""Write the journal: frames in a hash chain, in segments that name the one before.

Nothing is synced unless the writer is asked: a backtest syncs once, at its close; a live engine
syncs before an intent leaves.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from athena.errors import RefusedError
from athena.trading._journal_format import (
    FRAME_HEADER_BYTES,
    NO_HASH,
    SEGMENT_BYTES,
    SEGMENT_HEADER_BYTES,
    FrameHeader,
    FrameKind,
    encode_json,
    frame_header,
    segment_header,
)
from athena.trading._snapshot import pack_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading._core.layout import Ints
    from athena.trading._journal_store import JournalStore
    from athena.trading._setup import StateTables


@dataclass(frozen=True, slots=True)
class JournalEnd:
    """Say where a journal ends, so that it can be continued.

    Attributes:
        segment: number of the last segment, 0 before the first.
        size_bytes: its length.
        n_frames: frames in the whole journal; the sequence number of the next one.
        segment_sha256: SHA-256 of the last segment, as `sha256sum` gives it; it vouches for the
            whole journal.
    """

    segment: int
    size_bytes: int
    n_frames: int
    segment_sha256: bytes


class JournalWriter:
    """Append frames to a journal; one writer at a time."""

    __slots__ = (
        "_hasher",
        "_is_whole",
        "_n_frames",
        "_segment",
        "_segment_bytes",
        "_size_bytes",
        "_store",
    )

    def __init__(
        self,
        store: JournalStore,
        manifest: Mapping[str, object],
        *,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Begin a journal with its manifest.

        Args:
            store: empty.
            manifest: JSON object that says what the run is about; `describe_setup` gives the part
                that replay needs.
            segment_bytes: length at which the next segment begins; a frame is never split.

        Raises:
            RefusedError: the store holds a journal already.
            CoreError: a value of the manifest is not JSON.
        """
        used = sorted({*store.segments(), *store.quarantined()})
        if used:
            message = f"expected an empty journal, was one of {len(used)} segments"
            raise RefusedError(message, hint="give the new run a folder of its own")
        payload = encode_json(manifest, what="manifest")
        self._place(store, JournalEnd(0, 0, 0, NO_HASH), segment_bytes)
        self._open_segment(NO_HASH)
        self._append(FrameKind.MANIFEST, payload)

    @classmethod
    def resume(
        cls, store: JournalStore, end: JournalEnd, *, segment_bytes: int = SEGMENT_BYTES
    ) -> Self:
        """Continue a journal after the end that `recover_journal` found."""
        writer = cls.__new__(cls)
        writer._place(store, end, segment_bytes)  # noqa: SLF001 - of its own class
        store.open_segment(end.segment)
        return writer

    def _place(self, store: JournalStore, end: JournalEnd, segment_bytes: int) -> None:
        self._store = store
        self._segment_bytes = segment_bytes
        self._segment = end.segment
        self._size_bytes = end.size_bytes
        self._n_frames = end.n_frames
        self._is_whole = True
        self._hasher = hashlib.sha256(store.read(end.segment) if end.segment else b"")

    @property
    def end(self) -> JournalEnd:
        """Return where the journal ends now."""
        digest = self._hasher.digest()
        return JournalEnd(self._segment, self._size_bytes, self._n_frames, digest)

    def commit(self, words: Ints | memoryview | bytes) -> None:
        """Append the core's records as one group; no words, no frame.

        Args:
            words: int64 words, whole records, in the order they were made:
                ``state.arrays.records[:n]``.

        Raises:
            RefusedError: an earlier write failed; what it left is a torn tail.
        """
        view = words.data if isinstance(words, np.ndarray) else memoryview(words)
        payload = view.cast("B")
        if payload.nbytes > 0:
            self._append(FrameKind.WORDS, payload)

    def note(self, kind: FrameKind, values: Mapping[str, object]) -> None:
        """Append a JSON object: a change of configuration, or why a run stopped."""
        self._append(kind, encode_json(values, what=kind.name.lower()))

    def snapshot(self, tables: StateTables) -> None:
        """Append the whole state; the records it has made must have been committed.

        Raises:
            CoreError: records or effects are still in the state's buffers.
        """
        self._append(FrameKind.SNAPSHOT, pack_snapshot(tables))

    def sync(self) -> None:
        """Wait until everything appended is safe."""
        self._store.sync()

    def close(self, final: Mapping[str, object]) -> JournalEnd:
        """End the journal with what the run came to, sync, and return where it ends."""
        self.note(FrameKind.FINAL, final)
        self._store.close()
        return self.end

    def abandon(self) -> None:
        """Sync and let go without an end: the run was interrupted and can be resumed."""
        self._store.close()

    def _append(self, kind: FrameKind, payload: bytes | memoryview) -> None:
        if not self._is_whole:
            message = f"expected frame {self._n_frames} to have been written, was a failed write"
            raise RefusedError(message, hint="recover the journal before anything is appended")
        length = len(payload)
        self._is_whole = False  # until every byte below is with the store
        is_used = self._size_bytes > SEGMENT_HEADER_BYTES
        if is_used and self._size_bytes + FRAME_HEADER_BYTES + length > self._segment_bytes:
            self._store.sync()
            self._open_segment(self._hasher.digest())
        crc = zlib.crc32(payload)
        before = self._hasher.digest()
        self._write(frame_header(FrameHeader(length, self._n_frames, kind, before, crc)))
        self._write(payload)
        self._n_frames += 1
        self._is_whole = True

    def _open_segment(self, previous: bytes) -> None:
        self._segment += 1
        self._size_bytes = 0
        self._hasher = hashlib.sha256()
        self._store.open_segment(self._segment)
        self._write(segment_header(self._segment, previous))

    def _write(self, data: bytes | memoryview) -> None:
        self._store.append(data)
        self._hasher.update(data)
        self._size_bytes += len(data)
