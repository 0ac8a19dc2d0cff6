"""Diebold-Mariano: size and power by simulation (FC-32), signs, missing dates, refusals."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import InputError
from athena.research.statistics import diebold_mariano
from tests.conftest import IS_FULL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

N_RUNS = 20_000 if IS_FULL else 2_000


def squared_errors(rng: np.random.Generator, n: int, horizon: int, scale: float = 1.0) -> Floats:
    """Return squared errors of forecasts over overlapping horizons: moving sums of noise."""
    noise = rng.normal(0, scale, n + horizon - 1)
    sums = np.convolve(noise, np.ones(horizon), mode="valid")
    return np.asarray(sums**2)


@pytest.mark.parametrize("horizon", [1, 5])
def test_equal_forecasts_are_told_apart_as_often_as_promised_fc32(horizon: int) -> None:
    """FC-32: 2,000 runs of equal models -> rejection 3..7 % at 5 %."""
    rng = np.random.default_rng(32)
    tests = [
        diebold_mariano(
            squared_errors(rng, 500, horizon), squared_errors(rng, 500, horizon), horizon
        )
        for _ in range(N_RUNS)
    ]
    assert 0.03 <= np.mean([test.p_two_sided < 0.05 for test in tests]) <= 0.07
    assert 0.03 <= np.mean([test.p_first_better < 0.05 for test in tests]) <= 0.07


@pytest.mark.parametrize(("horizon", "scale"), [(1, 1.15), (5, 1.35)])
def test_a_planted_difference_is_found_fc32(horizon: int, scale: float) -> None:
    """FC-32: power > 80 %; the better one comes first."""
    rng = np.random.default_rng(33)
    tests = [
        diebold_mariano(
            squared_errors(rng, 500, horizon), squared_errors(rng, 500, horizon, scale), horizon
        )
        for _ in range(N_RUNS // 4)
    ]
    assert np.mean([test.p_two_sided < 0.05 for test in tests]) > 0.8
    assert np.mean([test.p_first_better < 0.05 for test in tests]) > 0.8
    assert np.mean([test.mean_difference for test in tests]) < 0


def test_only_the_lags_of_the_overlap_would_reject_too_often() -> None:
    """Why more lags are the default: with h - 1 of them FC-32 would fail at h = 5."""
    rng = np.random.default_rng(32)
    rejected = [
        diebold_mariano(
            squared_errors(rng, 500, 5), squared_errors(rng, 500, 5), horizon=5, lags=4
        ).p_two_sided
        < 0.05
        for _ in range(2_000)
    ]
    assert np.mean(rejected) > 0.07


def test_by_hand() -> None:
    """One step ahead without lags it is the t-test of the mean, times sqrt((T - 1) / T)."""
    difference = np.array([1.0, 2.0, 3.0, 4.0])
    test = diebold_mariano(difference, np.zeros(4), lags=0)
    assert test.mean_difference == 2.5
    assert test.t == pytest.approx(2.5 / math.sqrt(1.25 / 4) * math.sqrt(3 / 4))
    # Student t with 3 degrees: one tail is 1/2 - (atan(u) + u / (1 + u^2)) / pi, u = t / sqrt(3)
    u = test.t / math.sqrt(3)
    tail = 0.5 - (math.atan(u) + u / (1 + u * u)) / math.pi
    assert test.p_two_sided == pytest.approx(2 * tail, abs=1e-12)
    assert test.p_first_better == pytest.approx(1 - tail, abs=1e-12)
    assert (test.n, test.lags) == (4, 0)


def shuffled_as_in_2017(generator: Random) -> Floats:
    """Shuffle 0..99 as `random.sample` of Python 2 did."""
    pool = list(range(100))
    drawn = []
    for left in range(100, 0, -1):
        place = int(generator.random() * left)
        drawn.append(pool[place])
        pool[place] = pool[left - 1]
    return np.array(drawn, dtype=np.float64)


@pytest.mark.parametrize(
    ("power", "t", "p_value"),
    [
        (1, 1.3275742446369585, 0.18737195617455585),
        (2, 1.2112523589452902, 0.22868210381769466),
        (4, 0.9124498079287283, 0.36374861695187799),
    ],
)
def test_the_published_example_of_another_implementation(
    power: int, t: float, p_value: float
) -> None:
    """The worked example in the README of github.com/johntwk/Diebold-Mariano-Test (2017)."""
    generator = Random(123)  # noqa: S311 - the published seed
    actual, first, second = (shuffled_as_in_2017(generator) for _ in range(3))
    losses = np.abs(actual - first) ** power, np.abs(actual - second) ** power
    test = diebold_mariano(*losses, lags=0)
    assert test.t == pytest.approx(t, rel=1e-10)
    assert test.p_two_sided == pytest.approx(p_value, rel=1e-9)


def test_symbols_of_a_date_are_one_observation() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(1, 1, (60, 1)), rng.normal(1, 1, (60, 1))
    one = diebold_mariano(first[:, 0], second[:, 0])
    many = diebold_mariano(np.repeat(first, 8, axis=1), np.repeat(second, 8, axis=1))
    assert many.t == pytest.approx(one.t)
    assert many.n == 60


def test_a_missing_loss_drops_out_for_both() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(1, 1, (60, 2)), rng.normal(1, 1, (60, 2))
    first[5, 0] = np.nan
    second[9] = np.nan
    test = diebold_mariano(first, second)
    assert test.n == 59
    expected = (np.delete(first - second, 9, axis=0)).copy()
    means = [np.nanmean(row) for row in expected]
    assert test.mean_difference == pytest.approx(np.mean(means))


def test_the_same_forecast_twice_is_undefined_not_significant() -> None:
    losses = np.random.default_rng(1).normal(1, 1, 60)
    test = diebold_mariano(losses, losses)
    assert test.mean_difference == 0
    assert math.isnan(test.t)
    assert math.isnan(test.p_two_sided)


def test_more_lags_than_asked_is_fine_and_fewer_are_refused() -> None:
    losses, zeros = np.random.default_rng(1).normal(1, 1, 60), np.zeros(60)
    assert diebold_mariano(losses, zeros, horizon=3, lags=9).lags == 9
    assert diebold_mariano(losses, zeros, horizon=3).lags == 8
    assert diebold_mariano(losses, zeros).lags == 3  # the cube root of 60
    with pytest.raises(InputError, match="was horizon 3, lags 1"):
        diebold_mariano(losses, zeros, horizon=3, lags=1)
    with pytest.raises(InputError, match="horizon >= 1"):
        diebold_mariano(losses, zeros, horizon=0, lags=0)


def test_too_few_dates_are_refused_with_the_number_needed() -> None:
    with pytest.raises(InputError, match="at least 234 dates for 116 lags, was 200"):
        diebold_mariano(np.ones(200), np.zeros(200), horizon=30)


def test_losses_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="one shape"):
        diebold_mariano(np.ones(50), np.ones((50, 2)))
    with pytest.raises(InputError, match="infinite"):
        diebold_mariano(np.full(50, np.inf), np.ones(50))
