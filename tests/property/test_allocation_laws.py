"""Laws of capital allocation, for any returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.research.allocation import (
    Allocation,
    AllocationTerms,
    allocate,
    equal_weights,
    risk_parity,
    shrunk_covariance,
)

Floats = np.ndarray[Any, np.dtype[np.float64]]
SCALE_FREE = (Allocation.EQUAL, Allocation.INVERSE_VOLATILITY, Allocation.RISK_PARITY)
seeds = st.integers(0, 2**32 - 1)
each_method = pytest.mark.parametrize("method", Allocation)
few = settings(max_examples=40)


def draw(seed: int, n: int = 0) -> tuple[np.random.Generator, Floats, Floats]:
    """Draw correlated returns of very different scales, and weights that are in force."""
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(2, 9))
    common = rng.standard_normal((60, 1)) * rng.normal(0, 1, n)
    scales = 10 ** rng.uniform(-4, -1.5, n)
    returns = (common + rng.standard_normal((60, n))) * scales + rng.normal(0, 0.1, n) * scales
    return rng, returns, rng.dirichlet(np.ones(n))


def terms(rng: np.random.Generator) -> AllocationTerms:
    return AllocationTerms(float(rng.choice([0.0, 0.001, 0.01])), 30.0, float(rng.uniform(0.5, 9)))


@each_method
@few
@given(seeds)
def test_weights_are_no_debts_and_no_more_than_all(method: Allocation, seed: int) -> None:
    rng, returns, before = draw(seed)
    found = allocate(method, returns, before, terms(rng))
    assert not found.kept
    assert (found.weights >= 0).all()
    assert found.weights.sum() <= 1 + 1e-12
    if method is not Allocation.MEAN_VARIANCE:
        assert found.weights.sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("method", SCALE_FREE)
@few
@given(seeds, st.floats(1e-3, 1e3))
def test_the_unit_of_returns_makes_no_difference(
    method: Allocation, seed: int, scale: float
) -> None:
    rng, returns, before = draw(seed)
    own = terms(rng)
    one = allocate(method, returns, before, own).weights
    other = allocate(method, returns * scale, before, own).weights
    np.testing.assert_allclose(one, other, atol=1e-6)


@few
@given(seeds, st.floats(1e-2, 1e2))
def test_utility_knows_no_unit_but_that_of_money(seed: int, scale: float) -> None:
    """Returns and costs times s, aversion over s: the utility is s times as large everywhere."""
    _, returns, before = draw(seed)
    one = allocate(Allocation.MEAN_VARIANCE, returns, before, AllocationTerms(0.002, 30.0, 4.0))
    other = allocate(
        Allocation.MEAN_VARIANCE,
        returns * scale,
        before,
        AllocationTerms(0.002 * scale, 30.0, 4.0 / scale),
    )
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-5)


@each_method
@few
@given(seeds)
def test_the_order_of_the_strategies_makes_no_difference(method: Allocation, seed: int) -> None:
    rng, returns, before = draw(seed)
    own = terms(rng)
    order = rng.permutation(len(before))
    one = allocate(method, returns, before, own).weights
    other = allocate(method, returns[:, order], before[order], own).weights
    np.testing.assert_allclose(one[order], other, atol=1e-5)


@few
@given(seeds)
def test_under_risk_parity_each_contributes_the_same(seed: int) -> None:
    _, returns, _ = draw(seed)
    covariance = shrunk_covariance(returns)
    weights = risk_parity(covariance)
    parts = weights * (covariance @ weights) / (weights @ covariance @ weights)
    np.testing.assert_allclose(parts, 1 / len(weights), atol=1e-6)


@pytest.mark.parametrize("method", SCALE_FREE)
@few
@given(seeds)
def test_one_alone_gets_all(method: Allocation, seed: int) -> None:
    rng, returns, _ = draw(seed, n=1)
    assert allocate(method, returns, equal_weights(1), terms(rng)).weights.tolist() == [1.0]


@few
@given(seeds)
def test_the_optimum_is_no_worse_than_any_other_weights(seed: int) -> None:
    """Markowitz: against 50 random portfolios, the one in force, and nothing at all."""
    rng, returns, before = draw(seed)
    own = terms(rng)
    mean, covariance = returns.mean(axis=0), shrunk_covariance(returns)

    def utility(w: Floats) -> float:
        gain = mean @ w - own.risk_aversion / 2 * w @ covariance @ w
        return float(own.n_periods * gain - own.cost_frac * np.abs(w - before).sum())

    best = utility(allocate(Allocation.MEAN_VARIANCE, returns, before, own).weights)
    others = rng.dirichlet(np.ones(len(before) + 1), 50)[:, :-1]
    assert max(map(utility, [before, np.zeros(len(before)), *others])) <= best + 1e-9
