"""Student's t, the mean test, Holm's correction, the two tables, and the claim rule."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from athena.errors import InputError
from athena.research.statistics import (
    NOISE_TRIALS,
    POWER_ACCURACIES,
    alarms,
    bars_needed,
    holm,
    judge_claim,
    newey_west_mean,
    noise_sharpe,
    student_tail,
)


@pytest.mark.parametrize("t", [-40.0, -1.0, -1e-9, 0.0, 1e-6, 0.3, 1.0, 7.0, 1e6])
def test_student_tail_equals_its_closed_forms(t: float) -> None:
    """One and two degrees of freedom have tails that can be written down."""
    assert student_tail(t, 1) == pytest.approx(math.atan2(1.0, t) / math.pi, rel=1e-13)
    root = math.sqrt(2 + t * t)
    closed = 1 / (root * (root + t)) if t >= 0 else 0.5 - t / (2 * root)
    assert student_tail(t, 2) == pytest.approx(closed, rel=1e-12)


def test_student_tail_at_its_ends() -> None:
    assert student_tail(math.inf, 5) == 0.0
    assert student_tail(-math.inf, 5) == 1.0
    assert student_tail(1e200, 5) == 0.0
    assert math.isnan(student_tail(math.nan, 5))
    assert student_tail(1.959963984540054, 1e9) == pytest.approx(0.025, rel=1e-6)


@pytest.mark.parametrize("degrees", [0.0, -1.0, math.nan, math.inf])
def test_student_tail_refuses_impossible_degrees(degrees: float) -> None:
    with pytest.raises(InputError, match="degrees of freedom"):
        student_tail(1.0, degrees)


def test_mean_of_independent_values_by_hand() -> None:
    test = newey_west_mean(np.array([1.0, 2.0, 3.0, 4.0]), lags=0)
    assert (test.mean, test.n, test.lags) == (2.5, 4, 0)
    assert test.error == pytest.approx(math.sqrt(1.25 / 4))
    assert test.t == pytest.approx(2.5 / math.sqrt(1.25 / 4))


def test_overlap_widens_the_error_of_a_mean() -> None:
    noise = np.random.default_rng(5).normal(0, 1, 504)
    overlapping = np.convolve(noise, np.ones(5), mode="valid")
    assert newey_west_mean(overlapping, 12).error > 1.7 * newey_west_mean(overlapping, 0).error
    assert newey_west_mean(overlapping).lags == 7


def test_values_that_do_not_vary_have_no_t() -> None:
    test = newey_west_mean(np.full(10, 0.1))
    assert test.error == 0
    assert math.isnan(test.t)
    assert math.isnan(test.p_value)


@pytest.mark.parametrize(
    ("values", "lags", "match"),
    [
        (np.array([1.0]), 0, "at least 2 values"),
        (np.zeros((3, 3)), 0, "one dimension"),
        (np.array([1.0, np.nan]), 0, "was nan at index 1"),
        (np.array([1.0, 2.0]), 2, "lags from 0 to 1, was 2"),
        (np.array([1.0, 2.0]), -1, "lags from 0 to 1, was -1"),
    ],
)
def test_a_mean_that_cannot_be_tested_is_refused(values: Any, lags: int, match: str) -> None:
    with pytest.raises(InputError, match=match):
        newey_west_mean(values, lags)


def test_holm_by_hand() -> None:
    """Smallest times 4, next times 3 ..., never below the one before, never above 1."""
    adjusted = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).tolist() == []


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_holm_refuses_what_is_no_probability(bad: float) -> None:
    with pytest.raises(InputError, match="at index 1"):
        holm(np.array([0.5, bad]))


def test_independent_bars_needed_are_those_of_the_specification() -> None:
    """Its figures were made with the rounded quantiles 1.645 and 0.8416: 0.02 % apart at most."""
    printed = [61_830, 15_456, 3_862, 1_715, 616]
    assert [bars_needed(share) for share in POWER_ACCURACIES] == pytest.approx(printed, rel=2e-4)


def test_so_many_bars_find_the_skill_as_often_as_promised() -> None:
    """The table's 55 %: 616 calls, claimed where the share exceeds its one-sided 5 % limit."""
    rng = np.random.default_rng(9)
    limit = 0.5 + 1.6449 * 0.5 / math.sqrt(616)
    found = rng.binomial(616, 0.55, 20_000) / 616 > limit
    claimed = rng.binomial(616, 0.5, 20_000) / 616 > limit
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)
    assert np.mean(claimed) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    ("years", "printed"), [(5.0, [0.70, 1.13, 1.46, 1.73]), (2.0, [1.11, 1.79, 2.30, 2.73])]
)
def test_expected_best_of_noise_is_that_of_the_specification(
    years: float, printed: list[float]
) -> None:
    assert [round(noise_sharpe(n, years), 2) for n in NOISE_TRIALS] == printed


def test_noise_reaches_what_the_table_expects() -> None:
    """100 strategies of daily noise over two years, a thousand times: the mean best ratio."""
    rng = np.random.default_rng(12)
    best = [rng.normal(0, 1 / math.sqrt(2), 100).max() for _ in range(1_000)]
    assert np.mean(best) == pytest.approx(noise_sharpe(100, 2.0), rel=0.02)


@pytest.mark.parametrize("accuracy", [0.5, 1.0, 0.4, math.nan])
def test_an_accuracy_that_is_no_skill_is_refused(accuracy: float) -> None:
    with pytest.raises(InputError, match="accuracy and power"):
        bars_needed(accuracy)


@pytest.mark.parametrize("years", [0.0, -1.0, math.nan])
def test_no_time_is_refused(years: float) -> None:
    with pytest.raises(InputError, match="years > 0"):
        noise_sharpe(10, years)


GOOD: dict[str, Any] = {
    "p_value": 0.01,
    "mean_gain": 0.002,
    "fold_gains": [0.1, 0.2, -0.1, 0.1, 0.3],
    "n_seeds": 3,
    "is_trading": True,
    "has_costs": True,
}


def test_a_claim_that_meets_every_condition_holds() -> None:
    claim = judge_claim(**GOOD)
    assert claim.holds
    assert claim.reasons == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"p_value": 0.05}, "p is 0.05 after Holm"),
        ({"p_value": math.nan}, "p is nan"),
        ({"mean_gain": -0.002}, "loses more than the baseline"),
        ({"mean_gain": 0.0}, "or as much"),
        ({"fold_gains": [0.1, 0.2, -0.1, -0.1, 0.3]}, "better in 3 of 5 folds, 4 are needed"),
        ({"fold_gains": [0.1, 0.2, 0.1, 0.3]}, "4 folds, fewer than 5"),
        ({"fold_gains": []}, "0 folds"),
        ({"fold_gains": [0.1, 0.2, 0.1, 0.0, 0.0]}, "better in 3 of 5 folds"),
        ({"fold_gains": [0.1] * 5 + [-0.1] * 2}, "better in 5 of 7 folds, 6 are needed"),
        ({"n_seeds": 2}, "2 random seeds"),
        ({"has_costs": False}, "without fees and slippage"),
    ],
)
def test_a_claim_that_misses_one_condition_says_which(change: dict[str, Any], reason: str) -> None:
    claim = judge_claim(**{**GOOD, **change})
    assert not claim.holds
    assert len(claim.reasons) == 1
    assert reason in claim.reasons[0]


def test_a_claim_that_is_not_about_money_needs_no_costs() -> None:
    assert judge_claim(**{**GOOD, "is_trading": False, "has_costs": False}).holds


def test_what_is_too_good_raises_an_alarm() -> None:
    assert alarms(accuracy=0.561) == ("56.1% of directions right, above 56%",)
    assert alarms(r2_out_of_sample=0.021) == ("out-of-sample R2 of 2.1%, above 2%",)
    assert alarms(annual_sharpe=3.2) == ("annual Sharpe ratio of 3.2, above 3",)
    assert len(alarms(accuracy=0.8, r2_out_of_sample=0.5, annual_sharpe=9.0)) == 3


def test_what_is_possible_raises_none() -> None:
    assert alarms() == ()
    assert alarms(accuracy=0.56, r2_out_of_sample=0.02, annual_sharpe=3.0) == ()
