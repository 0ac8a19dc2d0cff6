"""Bars as columns of integers: ticks, lots and nanoseconds, never one object a bar."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.domain._instruments import Instrument

BAR_COLUMNS = ("ts_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Say where data came from; it travels with every output made from them.

    Attributes:
        name: data-set name, or the file's name when it was read directly.
        origin: package, file or venue the bars came from.
        sha256: digest of the bars' content (`Bars.content_sha256`), hex.
        licence_note: what its owner says about using it; empty when unknown.
        is_synthetic: True for made-up prices (a seeded walk, a test series).
    """

    name: str
    origin: str
    sha256: str
    licence_note: str = ""
    is_synthetic: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Hold the bars of one instrument as read-only int64 columns, oldest first.

    Attributes:
        instrument: gives ticks and lots their meaning.
        interval_ns: length of a bar; bar `i` covers [ts_ns[i], ts_ns[i] + interval_ns).
        ts_ns: (T,) int64, bar *open*, UTC nanoseconds, strictly increasing; gaps stay gaps.
        open_ticks, high_ticks, low_ticks, close_ticks: (T,) int64, > 0.
        volume_lots: (T,) int64, >= 0, rounded down to the lot.
        provenance: where they came from.
    """

    instrument: Instrument
    interval_ns: int
    ts_ns: NDArray[np.int64]
    open_ticks: NDArray[np.int64]
    high_ticks: NDArray[np.int64]
    low_ticks: NDArray[np.int64]
    close_ticks: NDArray[np.int64]
    volume_lots: NDArray[np.int64]
    provenance: Provenance

    def __post_init__(self) -> None:
        """Refuse columns of different length or type."""
        for name in BAR_COLUMNS:
            column = getattr(self, name)
            if column.dtype != np.int64 or column.shape != self.ts_ns.shape or column.ndim != 1:
                message = (
                    f"expected {name} as int64 of shape {self.ts_ns.shape}, "
                    f"was {column.dtype} of shape {column.shape}"
                )
                raise InputError(message)

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.ts_ns)

    def columns(self) -> tuple[NDArray[np.int64], ...]:
        """Return the six columns in the order of `BAR_COLUMNS`."""
        return (
            self.ts_ns,
            self.open_ticks,
            self.high_ticks,
            self.low_ticks,
            self.close_ticks,
            self.volume_lots,
        )

    def between(self, start_ns: int | None, end_ns: int | None) -> Bars:
        """Cut to the bars that open in [start_ns, end_ns); None leaves that side open."""
        first = 0 if start_ns is None else int(np.searchsorted(self.ts_ns, start_ns))
        last = len(self) if end_ns is None else int(np.searchsorted(self.ts_ns, end_ns))
        return self.rows(first, max(first, last))

    def rows(self, first: int, last: int) -> Bars:
        """Cut to rows [first, last) without copying."""
        return replace(self, **{name: getattr(self, name)[first:last] for name in BAR_COLUMNS})


def content_sha256(columns: tuple[NDArray[np.int64], ...]) -> str:
    """Digest bar columns, in the order of `BAR_COLUMNS`, as little-endian int64."""
    digest = hashlib.sha256()
    for column in columns:
        digest.update(np.ascontiguousarray(column, dtype="<i8").data)
    return digest.hexdigest()
