"""Scores of forecasts: values by hand, what is dropped, none without its context."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from athena.errors import InputError
from athena.research.statistics import (
    DirectionScore,
    Estimate,
    InformationCoefficient,
    SkillScore,
    information_coefficient,
    quantile_crps,
    score_direction,
    score_losses,
    score_probability,
    score_quantiles,
    score_returns,
    wilson_interval,
)

LEVELS = np.array([0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95])


def test_direction_by_hand() -> None:
    forecasts = np.array([0.1, -0.2, 0.3, 0.0, 0.4, -0.1, np.nan, 0.2, 0.0])
    returns = np.array([1.0, -2.0, -1.0, 1.0, 0.0, 3.0, 1.0, np.nan, 0.0])
    score = score_direction(forecasts, returns)
    assert (
        score.accuracy.n == 4
    )  # two zero returns, another zero forecast and two missing are left out
    assert score.accuracy.value == 0.5
    assert (score.accuracy.low, score.accuracy.high) == wilson_interval(2, 4)
    assert score.base_rate == score.always_up_accuracy == 0.5
    assert (score.n_zero_returns, score.n_zero_forecasts) == (2, 1)
    assert score.n_effective == 4


def test_direction_of_the_specification_has_wilson_s_interval() -> None:
    returns = np.where(np.arange(1_000) < 530, 1.0, -1.0)
    score = score_direction(np.ones(1_000), returns)
    assert score.accuracy.value == 0.53
    assert (round(score.accuracy.low, 4), round(score.accuracy.high, 4)) == (0.4990, 0.5608)


def test_always_up_on_a_rising_set_has_no_skill_fc35(rng: np.random.Generator) -> None:
    """FC-35: 30 days ahead, always up on a rising set: accuracy is the base rate, skill 0."""
    log_price = np.cumsum(rng.normal(0.004, 0.02, 600))
    returns = log_price[30:] - log_price[:-30]
    score = score_direction(np.ones(570), returns, horizon=30)
    assert score.base_rate > 0.8
    assert score.accuracy.value == score.base_rate
    assert score.skill == 0.0
    assert score.n_effective == 570 / 30
    assert "block 60" in score.accuracy.method


def test_always_down_on_a_falling_set_has_no_skill_either() -> None:
    returns = np.where(np.arange(200) % 4 == 0, 1.0, -1.0)
    score = score_direction(-np.ones(200), returns)
    assert score.accuracy.value == 0.75
    assert score.skill == 0.0


def test_overlap_widens_the_interval(rng: np.random.Generator) -> None:
    noise = rng.normal(0, 1, 1_009)
    returns = np.convolve(noise, np.ones(10), mode="valid")
    calls = np.repeat(rng.choice([-1.0, 1.0], 20), 50)
    long = score_direction(calls, returns, horizon=10).accuracy
    short = score_direction(calls, returns).accuracy
    assert long.value == short.value
    assert long.high - long.low > 1.5 * (short.high - short.low)
    assert long.low < long.value < long.high


def test_copies_of_a_symbol_do_not_shrink_the_interval(rng: np.random.Generator) -> None:
    """A panel counts dates: eight copies of one symbol say no more than one."""
    calls, returns = rng.normal(0, 1, (300, 1)), rng.normal(0, 1, (300, 1))
    panel = score_direction(np.repeat(calls, 8, axis=1), np.repeat(returns, 8, axis=1))
    pair = score_direction(np.repeat(calls, 2, axis=1), np.repeat(returns, 2, axis=1))
    assert panel.accuracy.n == 2_400
    assert panel.n_effective == 300
    assert panel.accuracy.low == pytest.approx(pair.accuracy.low)
    assert panel.accuracy.high == pytest.approx(pair.accuracy.high)


def test_intervals_of_coin_tosses_hold_one_half() -> None:
    """About 95 of 100 intervals hold the truth, at ten bars ahead; blocks are a little short."""
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        returns = np.convolve(rng.normal(0, 1, 1_009), np.ones(10), mode="valid")
        calls = np.convolve(rng.normal(0, 1, 1_009), np.ones(10), mode="valid")
        accuracy = score_direction(calls, returns, horizon=10).accuracy
        held += accuracy.low <= 0.5 <= accuracy.high
    assert 85 <= held <= 99


def test_brier_by_hand() -> None:
    p_up = np.tile([0.8, 0.6, 0.3, 0.5], 20)
    returns = np.tile([1.0, -1.0, -1.0, 0.0], 20)
    score = score_probability(p_up, returns)
    assert score.loss.n == 60
    assert score.loss.value == pytest.approx((0.04 + 0.36 + 0.09) / 3)
    assert score.reference == "base rate 0.333"
    assert score.reference_loss == pytest.approx(2 / 9)
    assert score.skill.value == pytest.approx(1 - (0.49 / 3) / (2 / 9))


def test_the_base_rate_itself_has_a_brier_skill_of_0(rng: np.random.Generator) -> None:
    returns = rng.normal(0.1, 1, 400)
    score = score_probability(np.full(400, np.mean(returns > 0)), returns)
    assert score.skill.value == pytest.approx(0.0, abs=1e-12)


def test_crps_by_hand_and_against_a_baseline(rng: np.random.Generator) -> None:
    assert quantile_crps(np.array([[0.0]]), np.array([0.5]), np.array([3.0])) == [3.0]
    assert quantile_crps(np.array([[0.0]]), np.array([0.9]), np.array([-1.0])) == pytest.approx(
        [0.2]
    )
    normal = np.array([-1.6449, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.6449])
    returns = rng.normal(0, 1, 2_000)
    sharp, wide = np.tile(normal, (2_000, 1)), np.tile(3 * normal, (2_000, 1))
    score = score_quantiles(sharp, LEVELS, returns, wide, "three times as wide")
    assert score.skill.low > 0.2
    assert score.reference == "three times as wide"
    assert score_quantiles(sharp, LEVELS, returns, sharp, "itself").skill.value == 0.0


def test_many_levels_approach_the_crps_of_a_normal() -> None:
    """Known: the CRPS of a standard normal at its centre is (sqrt(2) - 1) / sqrt(pi)."""
    from statistics import NormalDist

    levels = (np.arange(2_000) + 0.5) / 2_000
    quantiles = np.array([[NormalDist().inv_cdf(level) for level in levels]])
    expected = (math.sqrt(2) - 1) / math.sqrt(math.pi)
    assert quantile_crps(quantiles, levels, np.zeros(1)) == pytest.approx([expected], rel=1e-3)


def test_r2_out_of_sample_by_hand() -> None:
    returns, forecasts = np.tile([1.0, -1.0, 2.0], 20), np.tile([0.5, -0.5, 0.0], 20)
    against_zero = score_returns(forecasts, returns)
    assert against_zero.skill.value == pytest.approx(1 - (0.25 + 0.25 + 4) / 6)
    assert against_zero.reference == "zero"
    drift = score_returns(forecasts, returns, 0.5, "drift")
    assert drift.skill.value == pytest.approx(1 - 4.5 / (0.25 + 2.25 + 2.25))


def test_drift_has_no_skill_against_drift(rng: np.random.Generator) -> None:
    returns = rng.normal(0.3, 1, 400)
    score = score_returns(np.full(400, 0.3), returns, np.full(400, 0.3), "drift")
    assert score.skill.value == 0.0
    assert score_returns(np.full(400, 0.3), returns).skill.value > 0


def test_a_loss_missing_on_either_side_is_left_out_of_both() -> None:
    own, other = np.ones((60, 2)), np.full((60, 2), 2.0)
    own[3, 0] = np.nan
    other[7] = np.nan
    own[8], other[8, 0] = 100.0, np.nan
    score = score_losses(own, other, "other")
    assert score.loss.n == 120 - 1 - 2 - 1
    assert score.n_effective == 59
    assert score.reference_loss == 2.0


UNSCORABLE: dict[str, tuple[Any, str]] = {
    "no call": (lambda: score_direction(np.zeros(30), np.ones(30)), "was none"),
    "short": (lambda: score_direction(np.ones(79), np.ones(79), 20), "at least 80 dates"),
    "no horizon": (lambda: score_direction(np.ones(79), np.ones(79), 0), "horizon >= 1"),
    "shapes": (lambda: score_direction(np.ones(30), np.ones((30, 2))), "one shape"),
    "cube": (lambda: score_direction(np.ones((3, 3, 3)), np.ones((3, 3, 3))), "one shape"),
    "no chance": (lambda: score_probability(np.full(60, 1.5), np.ones(60)), r"in \[0, 1\]"),
    "one way": (lambda: score_probability(np.full(60, 0.5), np.ones(60)), "a loss > 0"),
    "all missing": (lambda: score_probability(np.full(60, np.nan), np.ones(60)), "was none"),
    "few": (lambda: score_returns(np.ones(39), np.ones(39)), "at least 40 dates"),
    "no name": (lambda: score_losses(np.ones(60), np.ones(60), ""), "named reference"),
    "quantiles": (lambda: quantile_crps(np.ones((5, 3)), LEVELS, np.ones(5)), "of shape"),
    "disorder": (
        lambda: quantile_crps(np.ones((5, 2)), np.array([0.9, 0.1]), np.ones(5)),
        "increasing",
    ),
    "no level": (lambda: quantile_crps(np.ones((5, 0)), np.array([]), np.ones(5)), "increasing"),
}


@pytest.mark.parametrize("case", UNSCORABLE)
def test_what_cannot_be_scored_is_refused(case: str) -> None:
    call, match = UNSCORABLE[case]
    with pytest.raises(InputError, match=match):
        call()


SHARE = Estimate(0.6, 0.5, 0.7, 100, "Wilson")
DIRECTION = DirectionScore(SHARE, 0.5, 100.0, 0, 0, 1)
SKILL = SkillScore(SHARE, "zero", 1.0, SHARE, 100.0, 1)
COEFFICIENT = InformationCoefficient(SHARE, 2.0, 0.04, np.zeros(3), 1, 1)


@pytest.mark.parametrize(
    ("score", "change"),
    [
        (DIRECTION, {"accuracy": replace(SHARE, low=math.nan)}),
        (DIRECTION, {"accuracy": replace(SHARE, n=0)}),
        (DIRECTION, {"base_rate": math.nan}),
        (DIRECTION, {"n_effective": 0.0}),
        (DIRECTION, {"n_effective": math.nan}),
        (DIRECTION, {"horizon": 0}),
        (SKILL, {"loss": replace(SHARE, high=math.nan)}),
        (SKILL, {"skill": replace(SHARE, n=0)}),
        (SKILL, {"reference": ""}),
        (SKILL, {"reference_loss": math.nan}),
        (SKILL, {"n_effective": -1.0}),
        (COEFFICIENT, {"mean": replace(SHARE, low=math.nan)}),
        (COEFFICIENT, {"mean": replace(SHARE, n=0)}),
    ],
)
def test_no_score_exists_without_its_context_fc33(score: Any, change: dict[str, Any]) -> None:
    """P1-8 and FC-33: base rate or reference, n and interval are part of the type."""
    with pytest.raises(InputError, match="expected"):
        replace(score, **change)
    assert replace(score) is not score  # the clean twin is made


def test_rank_correlation_by_hand() -> None:
    """Ranks 1 2 3 against 1 3 2 give 0.5; the sizes do not matter."""
    forecasts = np.tile([1.0, 2.0, 900.0], (10, 1))
    returns = np.tile([-5.0, 2.0, 1.0], (10, 1))
    returns[1::2] = [1.0, 2.0, 3.0]
    measured = information_coefficient(forecasts, returns)
    assert measured.per_date[:2] == pytest.approx([0.5, 1.0])
    assert measured.mean.value == pytest.approx(0.75)
    assert measured.mean.n == 10


def test_a_planted_order_is_found_and_noise_is_not(rng: np.random.Generator) -> None:
    returns = rng.normal(0, 1, (400, 10))
    planted = information_coefficient(returns + rng.normal(0, 6, (400, 10)), returns)
    noise = information_coefficient(rng.normal(0, 1, (400, 10)), returns)
    assert planted.mean.low > 0
    assert planted.p_value < 0.01
    assert noise.p_value > 0.05
    assert noise.mean.low < 0 < noise.mean.high


def test_dates_without_an_order_are_left_out(rng: np.random.Generator) -> None:
    forecasts, returns = rng.normal(0, 1, (40, 4)), rng.normal(0, 1, (40, 4))
    forecasts[3] = 1.0  # no order
    forecasts[4, :2] = np.nan  # two symbols left
    measured = information_coefficient(forecasts, returns, horizon=5)
    assert np.isnan(measured.per_date[[3, 4]]).all()
    assert measured.mean.n == 38
    assert measured.lags == 4


@pytest.mark.parametrize(
    ("forecasts", "horizon", "match"),
    [
        (np.ones(10), 1, "one shape"),
        (np.ones((10, 4)), 0, "horizon >= 1"),
        (np.ones((10, 4)), 1, "at least 4 dates with 3 ranked symbols, was 0"),
        (np.ones((0, 4)), 1, "was 0"),
    ],
)
def test_what_has_no_order_is_refused(forecasts: Any, horizon: int, match: str) -> None:
    with pytest.raises(InputError, match=match):
        information_coefficient(forecasts, forecasts, horizon)
