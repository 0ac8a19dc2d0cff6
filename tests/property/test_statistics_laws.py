"""Laws that hold for any returns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from athena.domain import DAY_NS
from athena.research.statistics import (
    diebold_mariano,
    holm,
    minimum_track_record,
    monthly_returns,
    overfitting,
    ratios,
    sample_returns,
    student_tail,
    underwater,
    wilson_interval,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

returns_lists = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=120)


def curve(returns: list[float]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    equity = 1_000.0 * np.cumprod(np.concatenate([[1.0], 1.0 + np.array(returns)]))
    return equity, DAY_NS * (17_000 + np.arange(len(equity), dtype=np.int64))


@given(returns_lists)
def test_sampled_returns_rebuild_the_curve(returns: list[float]) -> None:
    equity, ts_ns = curve(returns)
    series = sample_returns(equity, ts_ns, DAY_NS)
    assert np.allclose(equity[0] * np.cumprod(1 + series.returns), equity[1:])


@given(returns_lists)
def test_months_compound_to_the_total(returns: list[float]) -> None:
    equity, ts_ns = curve(returns)
    total = math.prod(1 + value for value in monthly_returns(equity, ts_ns).values())
    assert math.isclose(total, equity[-1] / equity[0], rel_tol=1e-9)


@given(returns_lists, st.floats(0.001, 1_000))
def test_metrics_do_not_depend_on_the_size_of_the_account(
    returns: list[float], factor: float
) -> None:
    equity, ts_ns = curve(returns)
    small = sample_returns(equity, ts_ns, DAY_NS)
    large = sample_returns(equity * factor, ts_ns, DAY_NS)
    assert np.allclose(small.returns, large.returns, atol=1e-12)


@given(returns_lists)
def test_drawdown_is_a_fraction_and_never_less_than_the_final_fall(returns: list[float]) -> None:
    equity, _ = curve(returns)
    measured = ratios(np.array(returns), 365.0, 1.0)
    fall = underwater(equity)
    assert ((fall <= 0) & (fall >= -1)).all()
    assert math.isclose(float(measured.max_drawdown), -fall.min(), abs_tol=1e-9)
    assert measured.max_drawdown >= -measured.total_return - 1e-9


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_wilson_interval_holds_the_share(successes: int, n: int) -> None:
    successes = min(successes, n)
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= high <= 1


p_values_lists = st.lists(st.floats(0, 1), max_size=30)
matrices = st.builds(
    lambda seed, n_trials, n_rows: np.random.default_rng(seed).normal(0, 0.01, (n_rows, n_trials)),
    st.integers(0, 2**32 - 1),
    st.integers(2, 12),
    st.integers(12, 60),
)


@given(p_values_lists)
def test_holm_is_monotone_and_never_below_the_raw_value(p_values: list[float]) -> None:
    raw = np.array(p_values, dtype=np.float64)
    adjusted = holm(raw)
    assert (adjusted >= raw).all()
    assert (adjusted <= 1).all()
    order = np.argsort(raw, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


@given(p_values_lists, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order(p_values: list[float], shuffler: Any) -> None:
    order = list(range(len(p_values)))
    shuffler.shuffle(order)
    raw = np.array(p_values, dtype=np.float64)
    assert holm(raw[order]).tolist() == holm(raw)[order].tolist()


@given(matrices, st.randoms(use_true_random=False), st.integers(-8, 8))
def test_overfitting_does_not_depend_on_order_or_size_of_trials(
    returns: NDArray[np.float64], shuffler: Any, power: int
) -> None:
    order = list(range(returns.shape[1]))
    shuffler.shuffle(order)
    first = overfitting(returns, 6)
    again = overfitting(returns[:, order] * 2.0**power, 6)
    assert again.logits.tolist() == first.logits.tolist()
    assert again.pbo == first.pbo
    assert math.isclose(again.degradation_slope, first.degradation_slope, rel_tol=1e-9)


@given(matrices)
def test_overfitting_is_a_probability_and_ranks_are_inside(returns: NDArray[np.float64]) -> None:
    measured = overfitting(returns, 6)
    assert 0 <= measured.pbo <= 1
    assert 0 <= measured.losing_share <= 1
    n = returns.shape[1]
    assert 1 / (n + 1) - 1e-12 <= measured.median_rank <= n / (n + 1) + 1e-12
    assert len(measured.logits) == 20


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(50, 120))
def test_diebold_mariano_is_antisymmetric(seed: int, horizon: int, n: int) -> None:
    first, second = np.random.default_rng(seed).normal(1, 1, (2, n))
    one = diebold_mariano(first, second, horizon)
    other = diebold_mariano(second, first, horizon)
    assert one.t == -other.t
    assert one.p_two_sided == other.p_two_sided
    assert math.isclose(one.p_first_better, 1 - other.p_first_better, abs_tol=1e-12)


@given(
    st.floats(0.01, 0.5), st.floats(1.01, 3.0), st.floats(0, 0.9), st.floats(-2, 0.5),
    st.floats(3, 12),
)  # fmt: skip
def test_a_higher_sharpe_ratio_needs_a_shorter_record(
    sharpe: float, factor: float, share: float, skew: float, kurtosis: float
) -> None:
    low, high = (
        minimum_track_record(ratio, share * sharpe, skew, kurtosis)
        for ratio in (sharpe, sharpe * factor)
    )
    assert 1 < high < low


@given(st.floats(-50, 50), st.floats(0.5, 1e5))
def test_both_tails_of_student_s_t_are_one(t: float, degrees: float) -> None:
    assert 0 <= student_tail(t, degrees) <= 1
    assert math.isclose(student_tail(t, degrees) + student_tail(-t, degrees), 1, abs_tol=1e-12)
