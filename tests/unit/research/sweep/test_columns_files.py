"""Columns in files: equal, read-only, mapped and not copied."""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.errors import InputError
from athena.research import align
from athena.research.sweep._columns_files import map_columns, write_columns
from tests.market_builder import driftless_bars
from tests.sweep_builder import hourly_bars

if TYPE_CHECKING:
    from athena.research.engine import Columns


def market(seed: int = 5, *, with_risk: bool = True) -> Columns:
    return align([hourly_bars(seed, 200)], with_risk_inputs=with_risk)


def root_of(array: Any) -> Any:
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array


@pytest.mark.parametrize("with_risk", [True, False])
def test_mapped_columns_equal_those_written(tmp_path: Path, *, with_risk: bool) -> None:
    columns = market(with_risk=with_risk)
    mapped = map_columns(write_columns(columns, tmp_path))
    for before, after in zip(columns, mapped, strict=True):
        assert np.array_equal(before, after)
        assert before.dtype == after.dtype


def test_mapped_columns_are_views_of_files_and_cannot_be_written(tmp_path: Path) -> None:
    for column in map_columns(write_columns(market(), tmp_path)):
        assert isinstance(root_of(column), mmap.mmap)
        assert not column.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            column[...] = 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a mapping holds")
def test_reading_mapped_columns_copies_nothing(tmp_path: Path) -> None:
    """Every page stays the file's own, however many processes read it."""
    columns = market()
    folder = write_columns(columns, tmp_path)
    mapped = map_columns(folder)
    assert int(mapped.close.sum()) == int(columns.close.sum())
    assert private_bytes(str(folder / "close.npy")) == 0


def private_bytes(name: str) -> int:
    """Add up what this process holds of a mapped file for itself alone, changed."""
    total = 0
    is_file = found = False
    for line in Path(f"/proc/{os.getpid()}/smaps").read_text("utf-8").splitlines():
        if "-" in line.split(" ", 1)[0]:
            is_file = line.endswith(name)
            found |= is_file
        elif is_file and line.startswith("Private_Dirty:"):
            total += int(line.split()[1])
    assert found
    return total


def test_the_same_columns_are_written_once_and_others_beside(tmp_path: Path) -> None:
    first = write_columns(market(1), tmp_path)
    written_ns = (first / "close.npy").stat().st_mtime_ns
    assert write_columns(market(1), tmp_path) == first
    assert (first / "close.npy").stat().st_mtime_ns == written_ns
    assert write_columns(market(2), tmp_path) != first


def test_only_the_four_newest_are_kept_and_an_old_mapping_lives_on(tmp_path: Path) -> None:
    first = write_columns(market(0), tmp_path)
    mapped = map_columns(first)
    others = [write_columns(market(seed), tmp_path) for seed in range(1, 5)]
    assert sorted((tmp_path / "columns").iterdir()) == sorted(others)
    assert np.array_equal(mapped.close, market(0).close)


def test_columns_of_other_shape_and_same_bytes_are_told_apart(tmp_path: Path) -> None:
    columns = align(
        [driftless_bars(4, 1), driftless_bars(4, 2, "BTC/USD")], with_risk_inputs=False
    )
    other = columns._replace(open=columns.open.reshape(4, 2))
    assert write_columns(columns, tmp_path) != write_columns(other, tmp_path)


def test_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        map_columns(tmp_path / "gone")
