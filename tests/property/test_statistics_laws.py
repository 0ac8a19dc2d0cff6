"""Laws that hold for any returns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from athena.domain import DAY_NS
from athena.research.statistics import (
    monthly_returns,
    ratios,
    sample_returns,
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
