"""A run as plain data."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from athena.reporting import comparison_table, metrics_json
from tests.record_builder import CASH, build_record, with_equity

KEYS = {
    "run_id", "digest", "bars", "orders", "fills", "final_equity", "total_return", "cagr",
    "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "win_rate", "profit_factor",
    "turnover", "fees", "exposure", "baselines", "trials", "deflated_sharpe",
    "deflation_sharpe", "minimum_track_record_years", "sentence", "overfitting",
}  # fmt: skip


def test_metrics_json_has_the_keys_of_the_command() -> None:
    record = build_record(n_steps=2_000)
    metrics = metrics_json(record)
    assert metrics.keys() >= KEYS
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics["baselines"].keys() == {curve.name for curve in record.baselines}
    assert metrics["baselines"]["hold BTC"]["n"] == 42


def test_money_is_text_and_exact() -> None:
    metrics = metrics_json(build_record(n_steps=2_000))
    assert metrics["fees"] == "1312.44"
    assert Decimal(metrics["final_equity"]) > 0


def test_final_equity_has_more_digits_than_a_float() -> None:
    record = build_record(n_steps=2_000)
    exact = Decimal("123456789012.12345678")
    assert float(exact) != exact
    main = replace(record.main, final_equity=exact)
    baselines = [replace(record.baselines[0], final_equity=exact), *record.baselines[1:]]
    metrics = metrics_json(replace(record, main=main, baselines=baselines))
    assert metrics["final_equity"] == "123456789012.12345678"
    assert metrics["baselines"]["hold BTC"]["final_equity"] == "123456789012.12345678"


def test_every_metric_carries_n_and_an_interval_d10() -> None:
    metrics = metrics_json(build_record(n_steps=5_000))
    assert metrics["intervals"].keys() == metrics["n"].keys()
    for name in ("total_return", "cagr", "sharpe", "sortino", "max_drawdown", "win_rate"):
        low, high = metrics["intervals"][name]
        assert low <= metrics[name] <= high
        assert metrics["n"][name] > 0
    assert metrics["intervals"]["turnover"] is None  # what happened is not an estimate


def test_undefined_metrics_are_null() -> None:
    record = build_record(n_steps=2_000, n_fills=0)
    flat = with_equity(record, np.full(2_000, float(CASH)))
    metrics = metrics_json(flat)
    for name in ("sharpe", "sortino", "calmar", "win_rate", "profit_factor", "deflated_sharpe"):
        assert metrics[name] is None
    assert metrics["total_return"] == 0
    assert metrics["final_equity"] == "100000"
    assert metrics_json(build_record(n_steps=0))["final_equity"] is None


def test_the_sentence_about_luck_and_its_figures_agree() -> None:
    """The run's years against those needed decide the verdict, as the deflated ratio does."""
    record = build_record(n_steps=5_000)
    metrics = metrics_json(record)
    assert f"The best of {record.trials} trials on this data" in metrics["overfitting"]
    assert f"about {metrics['deflation_sharpe']:.2f} by luck alone" in metrics["overfitting"]
    needed = metrics["minimum_track_record_years"]
    assert (metrics["deflated_sharpe"] > 0.95) == (needed is not None and needed < 104 / 365)
    hold = record.baselines[0].equity
    edge = metrics_json(with_equity(record, hold * np.exp(np.linspace(0, 3, 5_000))))
    assert 0 < edge["minimum_track_record_years"] < 104 / 365
    assert f"{edge['minimum_track_record_years']:.1f} years at this ratio" in edge["overfitting"]
    assert edge["deflated_sharpe"] > 0.95
    flat = metrics_json(with_equity(record, np.full(5_000, float(CASH))))
    assert flat["minimum_track_record_years"] is None
    assert flat["overfitting"].startswith("Nothing can be said about luck")


def test_table_puts_the_run_before_its_baselines() -> None:
    record = build_record(n_steps=2_000)
    rows = comparison_table(record)
    assert [row.name for row in rows] == ["rebalance", *(curve.name for curve in record.baselines)]
    assert rows[0].refusals == {"gross": 41, "breaker": 212, "below_minimum": 7}
    assert rows[0].fees == Decimal("1312.44")
    assert rows[1].total_return.value == pytest.approx(
        record.baselines[0].equity[-1] / 100_000 - 1
    )
