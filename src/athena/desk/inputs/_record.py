"""A snapshot as it is kept: what an agent read can be shown again, and a change is noticed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from athena.desk.contract import STRICT, decode, encode
from athena.desk.inputs._frames import Frame
from athena.desk.inputs._quality import Grade, Quality
from athena.desk.inputs._snapshot import Snapshot
from athena.domain import (  # noqa: TC001 - pydantic reads the annotations
    Instrument,
    Provenance,
)
from athena.errors import InputError

if TYPE_CHECKING:
    from pydantic import ConfigDict

_COLUMNS = ("open", "high", "low", "close", "volume", "squeeze")


@dataclass(frozen=True, slots=True)
class _FrameRecord:
    """A frame as JSON holds it; None stands for NaN."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    interval_ns: int
    ts_ns: tuple[int, ...]
    columns: tuple[tuple[float | None, ...], ...]
    values: dict[str, float]
    grade: Grade
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _SnapshotRecord:
    """A snapshot as JSON holds it."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    id: str
    instrument: Instrument
    as_of_ns: int
    frames: tuple[_FrameRecord, ...]
    working_interval_ns: int
    last_ticks: int
    last_close_ns: int
    alignment: float
    flags: tuple[str, ...]
    provenance: Provenance


def write_snapshot(snapshot: Snapshot) -> bytes:
    """Write a snapshot as canonical JSON."""
    return encode(
        _SnapshotRecord(
            id=snapshot.id,
            instrument=snapshot.instrument,
            as_of_ns=snapshot.as_of_ns,
            frames=tuple(map(_frame_record, snapshot.frames)),
            working_interval_ns=snapshot.working_interval_ns,
            last_ticks=snapshot.last_ticks,
            last_close_ns=snapshot.last_close_ns,
            alignment=snapshot.alignment,
            flags=snapshot.flags,
            provenance=snapshot.provenance,
        )
    )


def read_snapshot(data: bytes) -> Snapshot:
    """Read what `write_snapshot` wrote.

    Raises:
        InputError: it is something else, or its content is not what its id says (DK-45).
    """
    record = decode(_SnapshotRecord, data)
    symbol = record.instrument.symbol
    snapshot = Snapshot(
        instrument=record.instrument,
        as_of_ns=record.as_of_ns,
        frames=tuple(_frame(symbol, item) for item in record.frames),
        working_interval_ns=record.working_interval_ns,
        last_ticks=record.last_ticks,
        last_close_ns=record.last_close_ns,
        alignment=record.alignment,
        flags=record.flags,
        provenance=record.provenance,
    )
    if snapshot.id != record.id:
        message = f"expected a snapshot with the id {record.id}, was {snapshot.id}"
        raise InputError(message, hint="something in it was changed after it was recorded")
    return snapshot


def _frame_record(frame: Frame) -> _FrameRecord:
    columns = (getattr(frame, name).tolist() for name in _COLUMNS)
    return _FrameRecord(
        interval_ns=frame.interval_ns,
        ts_ns=tuple(frame.ts_ns.tolist()),
        columns=tuple(
            tuple(None if math.isnan(value) else value for value in column) for column in columns
        ),
        values=dict(frame.values),
        grade=frame.quality.grade,
        reasons=frame.quality.reasons,
    )


def _frame(symbol: str, record: _FrameRecord) -> Frame:
    if len(record.columns) != len(_COLUMNS):
        message = f"expected {len(_COLUMNS)} columns, was {len(record.columns)}"
        raise InputError(message)
    columns = {
        name: np.array(column, dtype=np.float64)
        for name, column in zip(_COLUMNS, record.columns, strict=True)
    }
    return Frame(
        symbol=symbol,
        interval_ns=record.interval_ns,
        ts_ns=np.array(record.ts_ns, dtype=np.int64),
        values=record.values,
        quality=Quality(record.grade, record.reasons),
        **columns,
    )
