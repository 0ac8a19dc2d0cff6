"""A snapshot that was kept: the same again, or a complaint."""

from __future__ import annotations

import json

import numpy as np
import pytest

from athena.desk.agents import TechnicalRule
from athena.desk.inputs import Snapshot, read_snapshot, write_snapshot
from athena.domain import HOUR_NS
from athena.errors import InputError
from tests.desk_builder import context_of, snapshot_of, walk


@pytest.mark.parametrize(
    "snapshot",
    [
        snapshot_of(walk(300, 1)),
        snapshot_of(walk(12, 1)),
        snapshot_of(walk(60, 1), late_ns=3 * HOUR_NS),
    ],
)
def test_a_kept_snapshot_says_the_same(snapshot: Snapshot) -> None:
    """DK-22: an agent that reads it again says what it said."""
    again = read_snapshot(write_snapshot(snapshot))
    assert again.id == snapshot.id
    assert again.instrument == snapshot.instrument
    assert again.quality == snapshot.quality
    np.testing.assert_array_equal(again.working.squeeze, snapshot.working.squeeze)
    said = TechnicalRule().judge(context_of(snapshot))
    assert TechnicalRule().judge(context_of(again)) == said
    assert write_snapshot(again) == write_snapshot(snapshot)


@pytest.mark.parametrize(
    "place",
    [
        ("frames", 0, "columns", 3, -1),
        ("frames", 1, "ts_ns", 0),
        ("frames", 0, "values", "rsi_14"),
        ("frames", 0, "grade"),
        ("as_of_ns",),
        ("last_ticks",),
    ],
)
def test_one_changed_number_is_noticed(place: tuple[str | int, ...]) -> None:
    """DK-45."""
    values = json.loads(write_snapshot(snapshot_of(walk(120, 1))))
    holder = values
    for step in place[:-1]:
        holder = holder[step]
    old = holder[place[-1]]
    holder[place[-1]] = "degraded" if isinstance(old, str) else old + 1
    with pytest.raises(InputError, match="expected a snapshot with the id"):
        read_snapshot(json.dumps(values).encode())


@pytest.mark.parametrize("name", ["alignment", "flags", "working_interval_ns"])
def test_what_is_derived_is_part_of_the_id(name: str) -> None:
    values = json.loads(write_snapshot(snapshot_of(walk(120, 1))))
    values[name] = {"alignment": 0.5, "flags": ["fast_move"], "working_interval_ns": 4 * HOUR_NS}[
        name
    ]
    with pytest.raises(InputError, match="expected a snapshot with the id"):
        read_snapshot(json.dumps(values).encode())


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"id":"x"}'])
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="expected the form"):
        read_snapshot(data)
