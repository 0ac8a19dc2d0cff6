"""Indicators equal reference libraries with the same seeding to 1e-9 (A10)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from athena.market.indicators import INDICATORS, PriceColumns

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "indicators.json").read_text())
COLUMNS = PriceColumns(
    np.array(GOLDEN["input"]["ts_ns"]),
    *(np.array(GOLDEN["input"][name]) for name in ("high", "low", "close", "volume")),
)


def expected(name: str) -> np.ndarray[Any, Any]:
    return np.array([np.nan if v is None else v for v in GOLDEN["expected"][name]])


@pytest.mark.parametrize("indicator", INDICATORS, ids=lambda item: item.outputs[0])
def test_the_column_equals_the_reference(indicator: Any) -> None:
    for name, column in zip(indicator.outputs, indicator.batch(COLUMNS), strict=True):
        reference = expected(name)
        known = ~np.isnan(reference)
        assert known.sum() > 100
        np.testing.assert_allclose(column[known], reference[known], rtol=1e-9, atol=1e-9)
        if not name.startswith("supertrend"):  # its reference starts late, see the file
            np.testing.assert_array_equal(np.isnan(column), ~known)


@pytest.mark.parametrize("indicator", INDICATORS, ids=lambda item: item.outputs[0])
def test_the_stream_equals_the_reference(indicator: Any) -> None:
    update = indicator.stream()
    rows = np.array([update(candle) for candle in COLUMNS.candles()])
    for name, column in zip(indicator.outputs, rows.T, strict=True):
        reference = expected(name)
        known = ~np.isnan(reference)
        np.testing.assert_allclose(column[known], reference[known], rtol=1e-9, atol=1e-9)


def test_every_output_has_a_reference() -> None:
    names = [name for indicator in INDICATORS for name in indicator.outputs]
    assert sorted(names) == sorted(GOLDEN["expected"])
    assert len(set(names)) == len(names)
