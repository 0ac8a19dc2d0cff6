"""Minimum track record length, deflation as one result, and its plain sentence."""

from __future__ import annotations

import math

import numpy as np
import pytest

from athena.domain import DAY_NS
from athena.errors import InputError
from athena.research.statistics import (
    Deflation,
    ReturnSeries,
    deflate,
    describe_deflation,
    expected_maximum_sharpe,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_per_period,
)


@pytest.mark.parametrize(
    ("per_year", "skew", "kurtosis", "years"),
    [
        (252, 0.0, 3.0, 2.73),
        (52, 0.0, 3.0, 2.83),
        (12, 0.0, 3.0, 3.24),
        (12, -0.72, 5.78, 4.99),
    ],
)
def test_the_published_example(per_year: int, skew: float, kurtosis: float, years: float) -> None:
    """Bailey and Lopez de Prado (2012): an annual 2 against a benchmark of 1, at 95 %.

    Daily, weekly and monthly normal returns, then the moments of a hedge fund index.
    """
    needed = minimum_track_record(2 / math.sqrt(per_year), 1 / math.sqrt(per_year), skew, kurtosis)
    assert needed / per_year == pytest.approx(years, abs=5e-3)


def test_after_the_minimum_the_probability_is_the_confidence() -> None:
    needed = minimum_track_record(0.08, 0.03, skew=-1.2, kurtosis=8.0, confidence=0.9)
    probability = probabilistic_sharpe(0.08, 0.03, 1_000, -1.2, 8.0)
    assert probability > 0.9
    assert probabilistic_sharpe(0.08, 0.03, math.floor(needed), -1.2, 8.0) < 0.9
    assert probabilistic_sharpe(0.08, 0.03, math.ceil(needed), -1.2, 8.0) >= 0.9


@pytest.mark.parametrize(("sharpe", "asked"), [(0.05, 0.05), (0.02, 0.05), (math.nan, 0.0)])
def test_no_length_is_enough_below_the_benchmark(sharpe: float, asked: float) -> None:
    assert math.isnan(minimum_track_record(sharpe, asked))


def test_moments_that_contradict_the_ratio_give_no_length() -> None:
    assert math.isnan(minimum_track_record(2.0, 0.0, skew=3.0, kurtosis=1.5))


@pytest.mark.parametrize("confidence", [0.5, 1.0, 95.0])
def test_a_confidence_out_of_range_is_refused(confidence: float) -> None:
    with pytest.raises(InputError, match=r"confidence in \(0\.5, 1\)"):
        minimum_track_record(0.1, confidence=confidence)


def series(returns: np.ndarray) -> ReturnSeries:
    days = DAY_NS * np.arange(len(returns), dtype=np.int64)
    return ReturnSeries(returns, days, 365.0, len(returns) / 365)


def test_deflation_is_significant_exactly_when_the_record_is_long_enough() -> None:
    rng = np.random.default_rng(4)
    spread = rng.normal(0, 0.02, 40)
    for mean in (0.0005, 0.002, 0.003, 0.006):
        returns = rng.normal(mean, 0.02, 730)
        found = deflate(returns, 40, spread)
        assert found.is_significant == (found.n_needed < 730)


@pytest.mark.parametrize(
    ("probability", "is_significant"),
    [(0.9501, True), (0.95, False), (0.7, False), (math.nan, False)],
)
def test_significance_asks_for_more_than_95_percent(
    probability: float, *, is_significant: bool
) -> None:
    assert Deflation(5, 0.02, probability, 700.0).is_significant is is_significant


def test_luck_is_told_in_one_sentence() -> None:
    rng = np.random.default_rng(11)
    good = series(rng.normal(0.004, 0.02, 730))
    found = deflate(good.returns, 40, rng.normal(0, 0.03, 40))
    told = describe_deflation(found, good)
    noise, years = found.benchmark * math.sqrt(365), found.n_needed / 365
    assert told.startswith("The best of 40 trials on this data would show a Sharpe ratio of ")
    assert f"about {noise:.2f} by luck alone" in told
    assert f"{found.probability:.1%}, significant;" in told
    assert told.endswith(f"{years:.1f} years at this ratio are needed, there are 2.0.")


def test_a_ratio_below_that_of_noise_needs_no_length() -> None:
    rng = np.random.default_rng(11)
    weak = series(rng.normal(0.0, 0.02, 730))
    told = describe_deflation(deflate(weak.returns, 40, rng.normal(0, 0.05, 40)), weak)
    assert "not significant (95% is asked); no length of record would be enough" in told


def test_a_first_trial_is_measured_against_0() -> None:
    good = series(np.random.default_rng(11).normal(0.004, 0.02, 730))
    told = describe_deflation(deflate(good.returns, 1, np.array([0.2])), good)
    assert told.startswith("The only trial on this data that the ledger knows: ")
    assert "above 0 is 100.0%, significant" in told


def test_trials_without_a_known_ratio_spread_as_luck_does() -> None:
    good = series(np.random.default_rng(11).normal(0.004, 0.02, 730))
    found = deflate(good.returns, 3, np.full(3, np.nan))
    assert found.benchmark == pytest.approx(expected_maximum_sharpe(3, 1 / 730))
    assert describe_deflation(found, good).startswith("The best of 3 trials on this data")


@pytest.mark.parametrize("place", [0, 7, 19])
def test_padding_with_near_copies_never_raises_the_ratio(place: int) -> None:
    """The fault: copies of one run made the measured spread, and with it the bar, next to 0."""
    rng = np.random.default_rng(3)
    good = rng.normal(0.002, 0.02, 730)
    honest = np.sort(rng.normal(0, 0.7 / math.sqrt(730), 20))
    before = deflate(good, 20, honest)
    for n_copies in (1, 5, 50, 500):
        copies = honest[place] + rng.normal(0, 1e-4, n_copies)
        padded = deflate(good, 20 + n_copies, np.append(honest, copies))
        assert padded.probability < before.probability
        before = padded


def test_no_padding_takes_the_bar_below_that_of_as_many_trials_without_skill() -> None:
    """Copies of the best first widen the spread, then fill it: noise is where that ends."""
    rng = np.random.default_rng(3)
    good = rng.normal(0.002, 0.02, 730)
    copies = float(sharpe_per_period(good)) + rng.normal(0, 1e-4, 5_000)
    sharpes = np.append(rng.normal(0, 2 / math.sqrt(730), 20), copies)
    for n in (2, 20, 30, 500, 5_020):
        assert deflate(good, n, sharpes[:n]).benchmark >= expected_maximum_sharpe(n, 1 / 730)


def test_trials_that_spread_more_than_luck_keep_their_spread() -> None:
    """The clean twin: as published, the measured variance counts."""
    rng = np.random.default_rng(3)
    wide = rng.normal(0, 3 / math.sqrt(730), 40)
    found = deflate(rng.normal(0.002, 0.02, 730), 40, wide)
    assert found.benchmark == expected_maximum_sharpe(40, float(wide.var(ddof=1)))


def test_a_flat_run_says_that_nothing_can_be_said() -> None:
    flat = series(np.zeros(100))
    found = deflate(flat.returns, 5, np.array([0.1, 0.2]))
    assert math.isnan(found.probability)
    assert not found.is_significant
    assert describe_deflation(found, flat).startswith("Nothing can be said about luck")
