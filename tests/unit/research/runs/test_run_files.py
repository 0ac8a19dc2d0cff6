"""A run's folder: what is written is read back equal, whatever the run was like."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.errors import MissingError
from athena.research import read_run, read_run_description, write_run
from tests.record_builder import build_record

if TYPE_CHECKING:
    from pathlib import Path

    from athena.research import RunRecord

RECORDS: dict[str, dict[str, Any]] = {
    "a portfolio": {"n_steps": 600, "n_fills": 40},
    "one symbol": {"n_steps": 50, "n_fills": 3, "symbols": ("BTC/USD",)},
    "no fill": {"n_steps": 50, "n_fills": 0},
    "no baseline": {"n_steps": 50, "n_baselines": 0},
    "one bar": {"n_steps": 1, "n_fills": 0},
}


def assert_equal(one: Any, other: Any) -> None:
    """Compare two values of a record to the last digit and the type of every array."""
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    elif dataclasses.is_dataclass(one):
        assert type(one) is type(other)
        for field in dataclasses.fields(one):
            assert_equal(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for item, twin in zip(one, other, strict=True):
            assert_equal(item, twin)
    else:
        assert one == other


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_read_back_equal(tmp_path: Path, name: str) -> None:
    """C12."""
    record: RunRecord = build_record(**RECORDS[name])
    write_run(tmp_path, record)
    assert_equal(record, read_run(tmp_path))


def test_writing_the_same_record_twice_gives_the_same_text(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_run(tmp_path / folder, build_record(n_steps=100))
    for name in ("run.json", "fills.csv", "trades.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_money_is_text_and_halts_have_reasons(tmp_path: Path) -> None:
    write_run(tmp_path, build_record(n_steps=100))
    values = read_run_description(tmp_path)
    assert values == json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert isinstance(values["cash"], str)
    assert all(isinstance(value, str) for value in values["costs"].values())
    assert values["main"]["halts"][0]["reason"] == "drawdown stop"


def test_no_run_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="expected a run"):
        read_run(tmp_path)
