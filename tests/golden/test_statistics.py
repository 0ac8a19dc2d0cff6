"""Tests and scores equal reference libraries on fixed inputs.

The reference numbers were made once; versions, inputs and calls stand in the file.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from athena.research.statistics import (
    diebold_mariano,
    holm,
    information_coefficient,
    newey_west_mean,
    quantile_crps,
    score_probability,
    student_tail,
    wilson_interval,
)

GOLDEN: dict[str, Any] = json.loads(
    Path(__file__).with_name("statistics.json").read_text(encoding="utf-8")
)
LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
_rng = np.random.default_rng(20240607)
_noise = _rng.normal(size=204)
VALUES = (
    0.1 + _noise[4:] + 0.8 * _noise[3:-1] + 0.5 * _noise[2:-2] + 0.3 * _noise[1:-3]
    + 0.1 * _noise[:-4]
)  # fmt: skip
RETURNS = _rng.normal(0.1, 1, 200)
P_UP = _rng.uniform(0.2, 0.8, 200)
QUANTILES = _rng.normal(0, 0.1, 200)[:, None] + np.array([-1.6, -1.3, -0.7, 0, 0.7, 1.3, 1.6])
FORECASTS = np.round(_rng.normal(size=(30, 8)), 1)
OUTCOMES = _rng.normal(size=(30, 8))


@pytest.mark.parametrize(("t", "degrees", "expected"), GOLDEN["student_tail"])
def test_student_tail_equals_scipy(t: float, degrees: float, expected: float) -> None:
    tolerance = 1e-12 if degrees < 1e5 else 1e-8
    assert student_tail(t, degrees) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("lags", GOLDEN["newey_west"])
def test_newey_west_equals_statsmodels_and_arch(lags: str) -> None:
    expected = GOLDEN["newey_west"][lags]
    test = newey_west_mean(VALUES, int(lags))
    for name in ("mean", "error", "t", "p_value"):
        assert getattr(test, name) == pytest.approx(expected[name], rel=1e-9)
    assert test.error**2 * test.n == pytest.approx(expected["long_run_variance"], rel=1e-9)


@pytest.mark.parametrize(("horizon", "lags"), [(1, 0), (5, 4), (5, 16)])
def test_diebold_mariano_is_the_newey_west_t_times_the_small_sample_factor(
    horizon: int, lags: int
) -> None:
    n, m = len(VALUES), max(horizon, lags + 1)
    factor = math.sqrt((n + 1 - 2 * m + m * (m - 1) / n) / n)
    test = diebold_mariano(VALUES, np.zeros(n), horizon, lags)
    assert test.t == pytest.approx(GOLDEN["newey_west"][str(lags)]["t"] * factor, rel=1e-9)


def test_holm_equals_statsmodels() -> None:
    expected = GOLDEN["holm"]
    assert holm(np.array(expected["p_values"])) == pytest.approx(expected["adjusted"], abs=1e-12)


@pytest.mark.parametrize(("successes", "n", "low", "high"), GOLDEN["wilson"])
def test_wilson_equals_statsmodels(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=1e-12)


def test_rank_correlation_equals_scipy_ties_included() -> None:
    measured = information_coefficient(FORECASTS, OUTCOMES).per_date
    assert measured == pytest.approx(GOLDEN["spearman"], abs=1e-12)


def test_brier_score_equals_scikit_learn() -> None:
    assert score_probability(P_UP, RETURNS).loss.value == pytest.approx(GOLDEN["brier"], rel=1e-12)


def test_crps_is_twice_the_pinball_loss_of_scikit_learn() -> None:
    measured = float(quantile_crps(QUANTILES, LEVELS, RETURNS).mean())
    assert measured == pytest.approx(2 * GOLDEN["pinball"], rel=1e-12)
