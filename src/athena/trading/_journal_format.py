"""The bytes of a journal: segment headers, frames, and how each is recognised.

    segment = header, frame, frame, ...
    header  = magic, format version, segment number, SHA-256 of the whole segment before, CRC-32
    frame   = length, sequence number, kind, SHA-256 of the segment's bytes before this frame,
              CRC-32 of the payload, CRC-32 of this header, payload

Numbers are little-endian. One running hash serves frames and segments: each frame vouches for all
before it, and the hash of the last segment for the whole journal. The frame's header has a check
sum of its own, so that a damaged length is known as damage and never mistaken for a frame that a
crash cut short.
"""

from __future__ import annotations

import json
import struct
import zlib
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from athena.errors import CoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC = b"ATHENAJ\n"
VERSION = 1
SEGMENT_BYTES = 64 * 1024 * 1024
NO_HASH = bytes(32)

_SEGMENT = struct.Struct("<8sII32s")
_FRAME = struct.Struct("<IQB32sI")
_CRC = struct.Struct("<I")
SEGMENT_HEADER_BYTES = _SEGMENT.size + _CRC.size
FRAME_HEADER_BYTES = _FRAME.size + _CRC.size


class FrameKind(IntEnum):
    """What a frame's payload is."""

    MANIFEST = 1  # JSON object: what the run is about; the first frame
    CONFIGURATION = 2  # JSON object: a change of configuration
    WORDS = 3  # the core's records: int64 words, one group commit
    SNAPSHOT = 4  # digest and compressed tables of the state
    CRASH = 5  # JSON object: why a run stopped
    NOTE = 7  # JSON object: what a session has to remember beside the core's records
    FINAL = 6  # JSON object: what the run came to; the last frame of a finished run


class FrameHeader(NamedTuple):
    """The header of one frame, as read."""

    length: int
    sequence: int
    kind: int
    previous: bytes
    payload_crc: int


def segment_header(number: int, previous: bytes) -> bytes:
    """Write the header of a segment; `previous` is the SHA-256 of the segment before."""
    body = _SEGMENT.pack(MAGIC, VERSION, number, previous)
    return body + _CRC.pack(zlib.crc32(body))


def frame_header(header: FrameHeader) -> bytes:
    """Write the header of a frame."""
    body = _FRAME.pack(*header)
    return body + _CRC.pack(zlib.crc32(body))


def segment_fault(data: bytes, number: int, previous: bytes) -> str:
    """Say what is wrong with a segment's header; empty when nothing is."""
    body = data[: _SEGMENT.size]
    (crc,) = _CRC.unpack_from(data, _SEGMENT.size)
    if zlib.crc32(body) != crc:
        return "expected an intact segment header, was a wrong check sum"
    magic, version, own, before = _SEGMENT.unpack(body)
    if magic != MAGIC or version != VERSION:
        return f"expected a journal of format {VERSION}, was {magic!r} {version}"
    if own != number:
        return f"expected the header of segment {number}, was that of {own}"
    if before != previous:
        return f"expected the segment before to be {before.hex()}, was {previous.hex()}"
    return ""


def read_frame_header(data: bytes, offset: int) -> FrameHeader | None:
    """Read a frame's header; None when its check sum is wrong."""
    body = data[offset : offset + _FRAME.size]
    (crc,) = _CRC.unpack_from(data, offset + _FRAME.size)
    if zlib.crc32(body) != crc:
        return None
    return FrameHeader(*_FRAME.unpack(body))


def encode_json(values: Mapping[str, object], *, what: str) -> bytes:
    """Write a JSON object with sorted keys, so that equal values give equal bytes (A05).

    Raises:
        CoreError: a value that JSON does not have; money is written as text.
    """
    try:
        text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        message = f"expected JSON values in the {what}, was {error}"
        raise CoreError(message) from error
    return text.encode()
