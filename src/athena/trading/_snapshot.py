"""The whole state as bytes, and back (TR-07)."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import CheckFailed, CoreError
from athena.trading._core import layout as at
from athena.trading._setup import digest_of

if TYPE_CHECKING:
    from athena.trading._core.layout import Ints, StateArrays
    from athena.trading._setup import StateTables

# What the driver empties, and what is written anew before each use, is not part of the state.
_SCRATCH = ("effects", "intent", "records", "stakes", "verdict")
_HEAD = struct.Struct("<16sQI")
_LEVEL = 1  # most of the state is zero: more effort buys nothing


def pack_snapshot(tables: StateTables) -> bytes:
    """Write the state: its digest, steps processed, length, and its tables compressed.

    Raises:
        CoreError: records or effects are still in the state's buffers.
    """
    state = tables.arrays
    waiting = int(state.account[at.N_WORDS]), int(state.account[at.N_EFFECTS])
    if any(waiting):
        message = f"expected empty buffers, was {waiting[0]} words and {waiting[1]} effects"
        raise CoreError(message)
    content = b"".join(table.astype("<i8", copy=False).tobytes() for table in _kept(state))
    head = _HEAD.pack(digest_of(state).encode(), state.account[at.MARKS], len(content))
    return head + zlib.compress(content, _LEVEL)


def restore_snapshot(tables: StateTables, payload: bytes) -> None:
    """Put a state back into tables of the same layout.

    Raises:
        CheckFailed: the snapshot has another layout, or its tables do not have its digest.
    """
    digest, _, n_bytes = _HEAD.unpack_from(payload)
    content = zlib.decompress(payload[_HEAD.size :])
    kept = _kept(tables.arrays)
    expected = sum(table.nbytes for table in kept)
    if not n_bytes == len(content) == expected:
        message = f"expected a snapshot of {expected} bytes, was {len(content)}"
        raise CheckFailed(message, hint="replay the journal from its beginning")
    offset = 0
    for table in kept:
        table.reshape(-1)[:] = np.frombuffer(content, "<i8", table.size, offset)
        offset += table.nbytes
    tables.arrays.account[at.N_WORDS] = 0
    tables.arrays.account[at.N_EFFECTS] = 0
    if digest_of(tables.arrays).encode() != digest:
        message = f"expected the digest {digest.decode()}, was {digest_of(tables.arrays)}"
        raise CheckFailed(message, hint="replay the journal from its beginning")


def marks_of_snapshot(payload: bytes) -> int:
    """Return the number of steps that had been processed when a snapshot was taken."""
    return int(_HEAD.unpack_from(payload)[1])


def snapshot_difference(tables: StateTables, payload: bytes) -> str:
    """Name the first table that differs from a snapshot's; empty when none does."""
    content = zlib.decompress(payload[_HEAD.size :])
    names = [name for name in tables.arrays._fields if name not in _SCRATCH]
    offset = 0
    for name, table in zip(names, _kept(tables.arrays), strict=True):
        if table.astype("<i8", copy=False).tobytes() != content[offset : offset + table.nbytes]:
            return name
        offset += table.nbytes
    return ""


def _kept(state: StateArrays) -> list[Ints]:
    return [
        table for name, table in zip(state._fields, state, strict=True) if name not in _SCRATCH
    ]
