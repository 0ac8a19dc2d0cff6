"""Read, verify and recover a journal: a torn tail is cut and reported, any other damage refuses.

Torn is what a crash can leave: the last segment ends inside a frame, or in zeros. Anything else
that is wrong is damage, and no frame after it is believed.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from athena.errors import CheckFailed, InputError, RefusedError
from athena.trading._journal import JournalEnd
from athena.trading._journal_format import (
    FRAME_HEADER_BYTES,
    NO_HASH,
    SEGMENT_HEADER_BYTES,
    FrameHeader,
    FrameKind,
    read_frame_header,
    segment_fault,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.trading._journal_store import JournalStore

_WORD_BYTES = 8
_KINDS = frozenset(FrameKind)
_HINT_DAMAGE = "restore the journal from a backup; nothing after this place can be believed"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a journal, and where it lies.

    Attributes:
        sequence: its number in the journal, from 0.
        offset: of its header in the segment, bytes.
    """

    sequence: int
    kind: FrameKind
    payload: bytes
    segment: int
    offset: int

    def values(self) -> dict[str, Any]:
        """Return the JSON object of a manifest, configuration, crash note or final frame.

        Raises:
            InputError: the frame holds no JSON object.
        """
        if self.kind in {FrameKind.WORDS, FrameKind.SNAPSHOT}:
            message = f"expected a frame of JSON, was {self.kind.name.lower()} {self.sequence}"
            raise InputError(message)
        values = json.loads(self.payload)
        if not isinstance(values, dict):
            message = f"expected a JSON object in frame {self.sequence}, was {values!r}"
            raise InputError(message)
        return values


@dataclass(frozen=True, slots=True)
class TornTail:
    """Say what a crash left after the last whole frame.

    Attributes:
        segment: number of the last segment.
        offset: where its whole frames end.
        n_bytes: how many follow, which are no frame.
    """

    segment: int
    offset: int
    n_bytes: int

    def __str__(self) -> str:
        """Return the warning."""
        return (
            f"segment {self.segment} ends inside a frame: {self.n_bytes} bytes after offset "
            f"{self.offset} are cut off"
        )


@dataclass(frozen=True, slots=True)
class Damage:
    """Say where a journal is damaged; nothing after this place can be believed.

    Attributes:
        segment: number of the segment.
        offset: of the first frame that is not sound, bytes; 0 is the segment's own header.
        reason: what was expected and what it was.
    """

    segment: int
    offset: int
    reason: str

    def __str__(self) -> str:
        """Return the message."""
        return f"journal segment {self.segment}, offset {self.offset}: {self.reason}"


@dataclass(frozen=True, slots=True)
class JournalReport:
    """Say what a journal holds, up to its end or its first damage.

    Attributes:
        end: where it ends; after damage, the end of the last sound segment.
        n_words, n_snapshots: counts.
        final: what the run came to; None when it did not end.
        torn: what has to be cut before it can be continued; None when nothing.
        damage: why it cannot be believed; None when it can.
    """

    end: JournalEnd
    n_words: int
    n_snapshots: int
    final: dict[str, Any] | None
    torn: TornTail | None
    damage: Damage | None


@dataclass(frozen=True, slots=True)
class Recovery:
    """Say where a journal can be continued, and what was cut off."""

    end: JournalEnd
    torn: TornTail | None


class _Walk:
    """Walk a journal frame by frame; afterwards know its end, its torn tail or its damage."""

    def __init__(self, store: JournalStore) -> None:
        self.end = JournalEnd(0, 0, 0, NO_HASH)
        self.torn: TornTail | None = None
        self.damage: Damage | None = None
        self._store = store
        self._n_frames = 0
        self._hasher = hashlib.sha256()
        self._kind: FrameKind | None = None

    def frames(self) -> Iterator[Frame]:
        """Yield whole frames until the end or the first damage."""
        aside = self._store.quarantined()
        if aside:
            self._damaged(aside[0], 0, "expected a sound segment, was set aside as damaged")
            return
        numbers = self._store.segments()
        for number in numbers:
            if number != self.end.segment + 1:
                found = f"expected segment {self.end.segment + 1}, was {number}"
                self._damaged(self.end.segment + 1, 0, found)
                return
            yield from self._segment(number, is_last=number == numbers[-1])
            if self.damage is not None or self.torn is not None:
                return

    def _segment(self, number: int, *, is_last: bool) -> Iterator[Frame]:
        data = self._store.read(number)
        if len(data) < SEGMENT_HEADER_BYTES:
            self._cut(number, 0, len(data), is_last=is_last)
            return
        fault = segment_fault(data, number, self.end.segment_sha256)
        if fault:
            self._damaged(number, 0, fault)
            return
        offset = SEGMENT_HEADER_BYTES
        self._hasher = hashlib.sha256(data[:offset])
        while offset < len(data):
            frame = self._frame(data, number, offset, is_last=is_last)
            if frame is None:
                break
            after = offset + FRAME_HEADER_BYTES + len(frame.payload)
            self._hasher.update(memoryview(data)[offset:after])
            offset = after
            self._n_frames += 1
            self._kind = frame.kind
            yield frame
        if self.damage is None:
            self.end = JournalEnd(number, offset, self._n_frames, self._hasher.digest())

    def _frame(self, data: bytes, number: int, offset: int, *, is_last: bool) -> Frame | None:
        """Read the frame at an offset; None when it is torn or damaged."""
        left = len(data) - offset
        if left < FRAME_HEADER_BYTES:
            self._cut(number, offset, left, is_last=is_last)
            return None
        header = read_frame_header(data, offset)
        if header is None:
            if data.count(0, offset) == left:  # a file that grew before its bytes were written
                self._cut(number, offset, left, is_last=is_last)
            else:
                self._damaged(number, offset, "expected an intact frame, was a wrong check sum")
            return None
        fault = self._fault(header)
        begin = offset + FRAME_HEADER_BYTES
        payload = data[begin : begin + header.length]
        if not fault and len(payload) < header.length:
            self._cut(number, offset, left, is_last=is_last)
            return None
        if not fault and zlib.crc32(payload) != header.payload_crc:
            fault = "expected an intact payload, was a wrong check sum"
        if fault:
            self._damaged(number, offset, fault)
            return None
        return Frame(header.sequence, FrameKind(header.kind), payload, number, offset)

    def _fault(self, header: FrameHeader) -> str:
        """Say why an intact header cannot follow the frame before it; empty when it can."""
        before = self._hasher.digest()
        checks = (
            (header.sequence == self._n_frames, f"frame {self._n_frames}", header.sequence),
            (header.previous == before, f"a frame after {before.hex()}", header.previous.hex()),
            (header.kind in _KINDS, "a known kind of frame", header.kind),
            (
                (header.kind == FrameKind.MANIFEST) == (self._n_frames == 0),
                "the manifest as the first frame and no other",
                f"kind {header.kind}",
            ),
            (self._kind is not FrameKind.FINAL, "no frame after the final one", header.sequence),
            (
                header.kind != FrameKind.WORDS or header.length % _WORD_BYTES == 0,
                "whole words",
                f"{header.length} bytes",
            ),
        )
        for holds, expected, was in checks:
            if not holds:
                return f"expected {expected}, was {was}"
        return ""

    def _cut(self, number: int, offset: int, n_bytes: int, *, is_last: bool) -> None:
        if is_last:
            self.torn = TornTail(number, offset, n_bytes)
        else:
            self._damaged(number, offset, "expected a whole frame, was cut short")

    def _damaged(self, number: int, offset: int, reason: str) -> None:
        self.damage = Damage(number, offset, reason)


def read_frames(store: JournalStore) -> Iterator[Frame]:
    """Yield a journal's frames, each checked; a torn tail is left out.

    Raises:
        CheckFailed: the journal is damaged; the message names segment and offset.
        InputError: it has no segment.
    """
    walk = _Walk(store)
    yield from walk.frames()
    if walk.damage is not None:
        raise CheckFailed(str(walk.damage), hint=_HINT_DAMAGE)
    _refuse_empty(walk)


def inspect_journal(store: JournalStore) -> JournalReport:
    """Check every byte of a journal and change nothing; damage is part of the answer.

    Raises:
        CheckFailed: not even its manifest is whole.
        InputError: it has no segment.
    """
    walk = _Walk(store)
    n_words = n_snapshots = 0
    final: dict[str, Any] | None = None
    for frame in walk.frames():
        n_words += len(frame.payload) // _WORD_BYTES if frame.kind is FrameKind.WORDS else 0
        n_snapshots += frame.kind is FrameKind.SNAPSHOT
        if frame.kind is FrameKind.FINAL:
            final = frame.values()
    _refuse_empty(walk)
    return JournalReport(walk.end, n_words, n_snapshots, final, walk.torn, walk.damage)


def verify_journal(store: JournalStore) -> JournalReport:
    """Check every byte of a journal and change nothing (TR-06).

    Raises:
        CheckFailed: it is damaged; the message names segment and offset.
        InputError: it has no segment.
    """
    report = inspect_journal(store)
    if report.damage is not None:
        raise CheckFailed(str(report.damage), hint=_HINT_DAMAGE)
    return report


def recover_journal(store: JournalStore) -> Recovery:
    """Make a journal ready to be continued: cut a torn tail, set a damaged segment aside.

    Raises:
        RefusedError: it is damaged (the segment is quarantined), or its run has ended.
        CheckFailed: not even its manifest is whole.
        InputError: it has no segment.
    """
    walk = _Walk(store)
    last = None
    for frame in walk.frames():
        last = frame.kind
    if walk.damage is not None:
        if walk.damage.segment in store.segments():
            store.quarantine(walk.damage.segment)
        raise RefusedError(str(walk.damage), hint=_HINT_DAMAGE)
    _refuse_empty(walk)
    if last is FrameKind.FINAL:
        message = (
            f"expected an unfinished journal, was one of {walk.end.n_frames} frames and an end"
        )
        raise RefusedError(message, hint="give the new run a folder of its own")
    if walk.torn is not None:
        store.truncate(walk.torn.segment, walk.torn.offset)
    return Recovery(walk.end, walk.torn)


def _refuse_empty(walk: _Walk) -> None:
    if walk.end.n_frames > 0 or walk.damage is not None:
        return
    if walk.torn is not None or walk.end.segment > 0:
        n_bytes = 0 if walk.torn is None else walk.torn.n_bytes
        message = f"expected a manifest in journal segment 1, was {n_bytes} bytes without one"
        raise CheckFailed(message, hint=_HINT_DAMAGE)
    message = "expected a journal with a manifest, was an empty one"
    raise InputError(message, hint="name a run that has a journal: athena runs list")
