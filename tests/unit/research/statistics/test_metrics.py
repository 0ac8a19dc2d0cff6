"""Metrics, intervals, deflation and comparisons."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.domain import DAY_NS, HOUR_NS
from athena.errors import InputError
from athena.research import Trade
from athena.research.statistics import (
    ReturnSeries,
    compare_returns,
    deflated_sharpe,
    estimate_ratios,
    expected_maximum_sharpe,
    exposure,
    max_drawdown,
    measure_trades,
    probabilistic_sharpe,
    profit_factor,
    proportion,
    ratios,
    sharpe_per_period,
    time_in_market,
    turnover,
    wilson_interval,
)
from athena.research.statistics._bootstrap import block_indices, block_length, n_resamples
from tests.conftest import IS_FULL

if TYPE_CHECKING:
    from numpy.typing import NDArray


def daily(returns: NDArray[np.float64]) -> ReturnSeries:
    ts_ns = DAY_NS * np.arange(1, len(returns) + 1, dtype=np.int64)
    return ReturnSeries(returns, ts_ns, 365.0, len(returns) / 365)


def test_ratios_by_hand() -> None:
    measured = ratios(np.array([0.1, -0.2, 0.3]), 365.0, 1.0)
    assert measured.total_return == pytest.approx(1.1 * 0.8 * 1.3 - 1)
    assert measured.cagr == pytest.approx(1.1 * 0.8 * 1.3 - 1)
    assert measured.max_drawdown == pytest.approx(0.2)
    assert measured.sharpe == pytest.approx(
        np.mean([0.1, -0.2, 0.3]) / 0.251661 * 365**0.5, rel=1e-5
    )
    assert measured.sortino == pytest.approx((0.2 / 3) / math.sqrt(0.04 / 3) * math.sqrt(365))
    assert measured.calmar == pytest.approx(measured.cagr / 0.2)


def test_a_table_of_returns_gives_the_rows_figures(rng: np.random.Generator) -> None:
    table = rng.normal(0, 0.02, (4, 100))
    together = ratios(table, 365.0, 0.3)
    for row, returns in enumerate(table):
        alone = ratios(returns, 365.0, 0.3)
        assert together.sharpe[row] == pytest.approx(alone.sharpe)
        assert together.max_drawdown[row] == pytest.approx(alone.max_drawdown)


@pytest.mark.parametrize("value", [0.0, 0.01])
def test_sharpe_of_a_curve_that_does_not_vary_is_nan(value: float) -> None:
    estimates = estimate_ratios(daily(np.full(50, value)))
    assert math.isnan(estimates["sharpe"].value)
    assert not estimates["sharpe"].has_interval
    assert estimates["volatility"].value == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(estimates["calmar"].value)
    assert math.isnan(deflated_sharpe(np.full(50, value), 3, np.array([0.1, 0.2])))


def test_no_returns_give_nan_and_n_zero() -> None:
    estimates = estimate_ratios(daily(np.empty(0)))
    assert all(math.isnan(estimate.value) and estimate.n == 0 for estimate in estimates.values())
    assert math.isnan(max_drawdown(np.empty(0)))


def test_every_metric_has_n_and_an_interval_around_it_d10(rng: np.random.Generator) -> None:
    estimates = estimate_ratios(daily(rng.normal(0.001, 0.02, 400)))
    assert set(estimates) >= {"total_return", "cagr", "sharpe", "sortino", "calmar"}
    for name, estimate in estimates.items():
        assert estimate.n == 400
        assert estimate.low < estimate.value < estimate.high
        block = 20 if name in {"max_drawdown", "calmar"} else 7
        assert estimate.method == f"moving-block bootstrap, 2000 resamples, block {block}"


def test_sharpe_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of 60 intervals 51 to 59, binomially: 2 % of draws lie outside if 93 % are covered.

    79 % lie outside if it is 80 %; blocks cost a little coverage on short series.
    """
    n, least = (100, 85) if IS_FULL else (60, 51)
    covered = 0
    for seed in range(n):
        returns = np.random.default_rng(seed).normal(0.001, 0.02, 365)
        estimate = estimate_ratios(daily(returns))["sharpe"]
        covered += estimate.low <= 0.05 * math.sqrt(365) <= estimate.high
    assert least <= covered < n


@pytest.mark.parametrize("n", [40, 90, 180])
def test_short_series_are_not_told_apart_by_luck_much_more_often_than_said(n: int) -> None:
    """Equal runs are called distinguishable in 5 % of all cases, and not in 15 % of short ones."""
    told_apart = 0
    for seed in range(200):
        one, other = np.random.default_rng(5_000 + seed).normal(0, 0.02, (2, n))
        told_apart += compare_returns("other", daily(one), daily(other)).is_distinguishable
    assert told_apart <= 20


def test_ruin_has_no_interval() -> None:
    returns = np.append(np.full(30, 0.01), -1.2)
    estimates = estimate_ratios(daily(returns))
    assert estimates["total_return"].value == -1.0
    assert estimates["cagr"].value == -1.0
    assert estimates["max_drawdown"].value == 1.0
    assert estimates["sharpe"].method == "none: the account was ruined"


def test_bootstrap_draws_whole_blocks_and_bounds_its_work() -> None:
    rows = np.concatenate(list(block_indices(730)))
    assert rows.shape == (2_000, 730)
    assert rows.min() >= 0
    assert rows.max() == 729
    assert (np.diff(rows[:, :9], axis=1) == 1).all()
    assert n_resamples(1_000_000) == 200
    assert [block_length(n) for n in (1, 5, 40, 365, 730, 10**6)] == [1, 2, 3, 7, 9, 20]


def test_planted_edge_is_distinguishable_and_its_clean_twin_is_not(
    rng: np.random.Generator,
) -> None:
    market = rng.normal(0.0, 0.03, 730)
    noise = rng.normal(0.0, 0.01, 730)
    edge = compare_returns("market", daily(market + noise - noise.mean() + 0.003), daily(market))
    twin = compare_returns("market", daily(market + noise - noise.mean()), daily(market))
    assert edge.is_distinguishable
    assert edge.excess.low > 0
    assert edge.excess.n == 730
    assert not twin.is_distinguishable
    assert twin.excess.low < 0 < twin.excess.high


def test_equal_runs_trail_nobody() -> None:
    same = daily(np.linspace(-0.01, 0.01, 60))
    result = compare_returns("itself", same, same)
    assert result.total_excess == 0
    assert result.p_value == 1.0


def test_few_days_cannot_be_compared() -> None:
    result = compare_returns("hold", daily(np.full(5, 0.01)), daily(np.zeros(5)))
    assert math.isnan(result.p_value)
    assert not result.is_distinguishable
    assert result.total_excess == pytest.approx(1.01**5 - 1)


@pytest.mark.parametrize(("n_trials", "expected"), [(100, 0.9004), (46, 0.9505)])
def test_deflated_sharpe_of_the_published_example_fc31(n_trials: int, expected: float) -> None:
    """FC-31: SR 2.5 a year, 250 days, T 1,250, V 0.5 a year, skew -3, kurtosis 10."""
    benchmark = expected_maximum_sharpe(n_trials, 0.5 / 250)
    probability = probabilistic_sharpe(2.5 / math.sqrt(250), benchmark, 1_250, -3.0, 10.0)
    assert probability == pytest.approx(expected, abs=5e-4)


def test_best_of_many_random_strategies_is_not_significant_fc34() -> None:
    """FC-34 and DK-25: 100 trials of noise; the best looks good, deflation says otherwise."""
    significant = raw_significant = 0
    for seed in range(50):
        trials = np.random.default_rng(seed).normal(0, 0.02, (100, 730))
        sharpes = sharpe_per_period(trials)
        best = trials[int(np.argmax(sharpes))]
        significant += deflated_sharpe(best, 100, sharpes) >= 0.95
        raw_significant += deflated_sharpe(best, 1, sharpes[:1]) >= 0.95
    assert significant <= 5
    assert raw_significant >= 45


def test_one_trial_is_not_deflated() -> None:
    assert expected_maximum_sharpe(1, 0.5) == 0.0
    returns = np.array([0.01, -0.005, 0.02, 0.0, 0.01] * 20)
    alone = deflated_sharpe(returns, 1, np.array([0.3]))
    assert alone > deflated_sharpe(returns, 50, np.array([0.0, 0.4, -0.2, np.nan]))


@pytest.mark.parametrize(("n_trials", "variance"), [(0, 0.1), (5, -0.1), (5, math.nan)])
def test_impossible_trial_counts_are_refused(n_trials: int, variance: float) -> None:
    with pytest.raises(InputError, match="expected"):
        expected_maximum_sharpe(n_trials, variance)


def test_wilson_interval_of_the_spec() -> None:
    low, high = wilson_interval(530, 1_000)
    assert (round(low, 4), round(high, 4)) == (0.4990, 0.5608)
    assert math.isnan(proportion(0, 0).value)
    with pytest.raises(InputError, match="from 0 to 3"):
        wilson_interval(4, 3)


def trade(gain: str, *, is_open: bool = False) -> Trade:
    one, hours = Decimal(1), 6 * HOUR_NS
    return Trade("BTC/USD", "s", True, 0, hours, one, one, one, Decimal(gain), one, is_open)


def test_trades_by_hand() -> None:
    metrics = measure_trades([trade("30"), trade("-10"), trade("0"), trade("99", is_open=True)])
    assert metrics.win_rate.value == pytest.approx(1 / 3)
    assert metrics.profit_factor.value == pytest.approx(3.0)
    assert metrics.mean_gain.value == pytest.approx(20 / 3)
    assert (metrics.n_closed, metrics.n_open) == (3, 1)
    assert (metrics.best, metrics.worst) == (30, -10)
    assert metrics.mean_holding_hours == 6


def test_no_trade_and_no_loser_are_nan_not_infinite() -> None:
    nothing = measure_trades([])
    assert math.isnan(nothing.win_rate.value)
    assert nothing.win_rate.n == 0
    assert math.isnan(profit_factor(np.array([1.0, 2.0])))


def test_turnover_and_exposure() -> None:
    assert math.isnan(turnover([], np.array([100.0]), 0.0).value)
    assert turnover([], np.array([100.0]), 1.0).value == 0
    assert exposure(np.array([0.0, 0.5, 1.0, np.nan])).value == 0.5
    assert time_in_market(np.array([0.0, 0.5, 1.0, 0.0])).value == 0.5
    assert math.isnan(exposure(np.empty(0)).value)


def test_growth_a_year_is_not_extrapolated_from_less_than_a_month() -> None:
    assert math.isnan(ratios(np.full(29, 0.01), 365.0, 29 / 365).cagr)
    assert ratios(np.full(30, 0.01), 365.0, 30 / 365).cagr == pytest.approx(1.01**365 - 1)
