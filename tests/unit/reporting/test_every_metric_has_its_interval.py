"""D10: no figure without its sample size and its interval."""

from __future__ import annotations

import pytest

from athena.reporting import metrics_json
from tests.record_builder import build_record

METRICS = ("total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar")


@pytest.fixture(scope="module")
def metrics() -> dict[str, object]:
    return metrics_json(build_record())


@pytest.mark.parametrize("name", [*METRICS, "win_rate", "profit_factor"])
def test_each_metric_of_a_run_carries_n_and_an_interval_around_it(
    metrics: dict[str, object], name: str
) -> None:
    """D10."""
    interval = metrics["intervals"][name]  # type: ignore[index]
    assert metrics["n"][name] > 0  # type: ignore[index]
    assert interval[0] <= metrics[name] <= interval[1]
