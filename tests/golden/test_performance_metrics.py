"""Metrics equal two reference libraries where the conventions agree (A10).

The reference numbers were made once; their versions stand in the file. Not compared: quantstats'
CAGR (it divides by calendar years of 365.25 days from the index, not by elapsed time).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from athena.domain import DAY_NS, parse_time_ns
from athena.research.statistics import (
    monthly_returns,
    ratios,
    rolling_sharpe,
    sample_returns,
)

GOLDEN: dict[str, Any] = json.loads(
    Path(__file__).with_name("performance_metrics.json").read_text(encoding="utf-8")
)
RETURNS = np.random.default_rng(20240607).standard_t(5, 730) * 0.021 + 0.0008
EQUITY = np.concatenate([[1.0], np.cumprod(1 + RETURNS)])
TS_NS = parse_time_ns("2017-10-01") + DAY_NS * np.arange(731, dtype=np.int64)


METRICS = ("total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar")


@pytest.mark.parametrize(
    ("library", "name"),
    [
        (library, name)
        for library in ("empyrical", "quantstats")
        for name in METRICS
        if name in GOLDEN[library]
    ],
)
def test_metric_equals_reference_library(library: str, name: str) -> None:
    expected = GOLDEN[library][name]
    if name == "max_drawdown":
        expected = -expected  # ours is a positive fraction
    series = sample_returns(EQUITY, TS_NS, DAY_NS)
    measured = getattr(ratios(series.returns, series.periods_per_year, series.years), name)
    assert measured == pytest.approx(expected, abs=1e-9)


def test_rolling_sharpe_equals_empyrical() -> None:
    rolling = rolling_sharpe(sample_returns(EQUITY, TS_NS, DAY_NS), window=90)
    assert np.isnan(rolling[:89]).all()
    assert rolling[89] == pytest.approx(GOLDEN["empyrical"]["rolling_sharpe_first"], abs=1e-9)
    assert rolling[-1] == pytest.approx(GOLDEN["empyrical"]["rolling_sharpe_last"], abs=1e-9)


def test_monthly_returns_equal_empyrical() -> None:
    monthly = monthly_returns(EQUITY, TS_NS)
    for year, month, expected in GOLDEN["empyrical"]["monthly"]:
        assert monthly[year, month] == pytest.approx(expected, abs=1e-9)
    assert len(monthly) == len(GOLDEN["empyrical"]["monthly"]) == 24
