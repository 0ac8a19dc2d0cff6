"""Find rows of a table that are repeated in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHORTEST_BLOCK = 3
# Odd 64-bit constants (from the golden ratio and SplitMix64) that spread a column's bits.
_MIX = (
    0x9E3779B97F4A7C15,
    0xBF58476D1CE4E5B9,
    0x94D049BB133111EB,
    0xD6E8FEB86659FD93,
    0xA0761D6478BD642F,
)


def repeated_blocks(columns: tuple[NDArray[Any], ...]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Find rows that a later row repeats exactly, in data where whole blocks do so.

    One bar may repeat another by chance where ticks and lots are coarse; three in a row at one
    distance do not. Once such a block proves that bars were copied, single repeats count too.
    Bars without volume or without movement are left out: quiet hours repeat by nature.

    Args:
        columns: open, high, low, close and volume, each (T,).

    Returns:
        (N,) rows, rising, that come again, and (N,) how many rows later; empty without a block.
    """
    _, high, low, _, volume = columns
    rows = np.flatnonzero((volume > 0) & (high > low))
    first, second = _equal_pairs(rows, columns)
    lag = second - first
    order = np.lexsort((first, lag))
    adjoining = (np.diff(first[order]) == 1) & (np.diff(lag[order]) == 0)
    if runs_of(adjoining, _SHORTEST_BLOCK - 1).size == 0:
        return first[:0], lag[:0]
    order = np.argsort(first)
    return first[order], lag[order]


def runs_of(flags: NDArray[np.bool_], shortest: int) -> NDArray[np.int64]:
    """Return the indices of True values that stand in runs of at least `shortest`."""
    edges = np.diff(np.concatenate(([False], flags, [False])).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = ends - starts >= shortest
    marks = np.zeros(flags.size + 1, dtype=np.int64)
    np.add.at(marks, starts[long], 1)
    np.add.at(marks, ends[long], -1)
    return np.flatnonzero(np.cumsum(marks[:-1]))


def _equal_pairs(
    rows: NDArray[np.int64], columns: tuple[NDArray[Any], ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair each row with its next exact repetition."""
    mixed = np.zeros(rows.size, dtype=np.uint64)
    for column, factor in zip(columns, _MIX, strict=True):
        bits = np.ascontiguousarray(column[rows]).view(np.uint64)
        mixed = (mixed ^ bits) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(29)
    order = np.argsort(mixed, kind="stable")
    again = np.flatnonzero(mixed[order][1:] == mixed[order][:-1])
    first, second = rows[order[again]], rows[order[again + 1]]
    # The mixing may collide: compare the rows themselves.
    equal = np.ones(first.size, dtype=np.bool_)
    for column in columns:
        equal &= column[first] == column[second]
    return first[equal], second[equal]
