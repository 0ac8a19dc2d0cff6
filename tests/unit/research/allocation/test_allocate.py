"""Weights from returns: what each method gives, what idle strategies and failures come to."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from athena.errors import InputError, MissingExtra
from athena.research.allocation import (
    Allocation,
    AllocationTerms,
    allocate,
    equal_weights,
    inverse_volatility,
    mean_variance,
    risk_parity,
    risk_parity_after_costs,
    shrunk_covariance,
)

Floats = np.ndarray[Any, np.dtype[np.float64]]
TERMS = AllocationTerms(cost_frac=0.0036, n_periods=30.0, risk_aversion=1.0)
FREE = AllocationTerms(cost_frac=0.0, n_periods=30.0, risk_aversion=1.0)
OPTIMAL = (Allocation.RISK_PARITY, Allocation.MEAN_VARIANCE)


@pytest.fixture
def returns(rng: np.random.Generator) -> Floats:
    """Three strategies over 90 days: quiet, lively, wild."""
    return rng.normal([0.001, 0.002, 0.003], [0.005, 0.01, 0.02], (90, 3))


def test_weights_by_hand() -> None:
    """Two strategies without correlation, of volatility 1 and 3: 3 to 1 either way."""
    covariance = np.diag([1.0, 9.0])
    np.testing.assert_allclose(risk_parity(covariance), [0.75, 0.25])
    returns = np.array([[1.0, 3.0], [-1.0, -3.0]])
    np.testing.assert_allclose(inverse_volatility(returns), [0.75, 0.25])
    assert equal_weights(4).tolist() == [0.25] * 4


def test_growth_is_largest_at_mean_over_variance() -> None:
    """Kelly's fraction of one strategy: 0.01 / 0.04."""
    found, message = mean_variance(np.array([0.01]), np.array([[0.04]]), np.zeros(1), FREE)
    assert not message
    np.testing.assert_allclose(found, [0.25], atol=1e-9)


def test_without_a_gain_in_sight_all_stays_in_cash(returns: Floats) -> None:
    found = allocate(Allocation.MEAN_VARIANCE, -np.abs(returns), equal_weights(3), FREE)
    np.testing.assert_allclose(found.weights, 0.0, atol=1e-12)


def test_a_change_is_made_only_where_it_is_worth_its_cost(returns: Floats) -> None:
    covariance = shrunk_covariance(returns)
    parity = risk_parity(covariance)
    near = parity + np.array([1e-4, -1e-4, 0.0])
    stayed, _ = risk_parity_after_costs(covariance, near, 0.0036)
    np.testing.assert_allclose(stayed, near, atol=1e-7)
    far = equal_weights(3)
    moved, _ = risk_parity_after_costs(covariance, far, 0.0036)
    assert np.abs(moved - parity).max() < 0.01 < np.abs(far - parity).max()
    dear, _ = risk_parity_after_costs(covariance, far, 10.0)
    np.testing.assert_allclose(dear, far, atol=1e-7)


def test_turnover_falls_as_costs_rise(returns: Floats) -> None:
    before = equal_weights(3)
    for method in OPTIMAL:
        turnovers = [
            float(
                np.abs(
                    allocate(method, returns, before, AllocationTerms(cost, 30.0, 5.0)).weights
                    - before
                ).sum()
            )
            for cost in (0.0, 0.002, 0.02, 0.2, 5.0)
        ]
        assert all(more >= less - 1e-9 for more, less in pairwise(turnovers))
        assert turnovers[0] > 0.1
        assert turnovers[-1] < 1e-6


@pytest.mark.parametrize("method", Allocation)
def test_a_strategy_that_did_not_move_gets_an_equal_part(
    method: Allocation, returns: Floats
) -> None:
    idle = np.insert(returns, 1, 0.0, axis=1)
    found = allocate(method, idle, equal_weights(4), FREE).weights
    assert found[1] == 0.25
    rest = allocate(method, returns, equal_weights(3), FREE).weights
    np.testing.assert_allclose(found[[0, 2, 3]], 0.75 * rest, atol=1e-9)


@pytest.mark.parametrize("method", Allocation)
def test_where_none_moved_all_are_equal(method: Allocation) -> None:
    found = allocate(method, np.zeros((30, 2)), np.array([0.9, 0.1]), TERMS)
    assert found.weights.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("method", OPTIMAL)
def test_weights_are_kept_with_the_reason_where_the_optimiser_fails(
    method: Allocation, returns: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No silent fall-back: the planted failure is named, its clean twin has no reason."""
    from athena.research.allocation import _optimal

    before = np.array([0.2, 0.3, 0.5])
    assert allocate(method, returns, before, TERMS).kept == ""
    monkeypatch.setattr(_optimal, "_MOST_STEPS", 1)
    found = allocate(method, returns, before, TERMS)
    assert found.kept.startswith("SLSQP: ")
    assert found.weights.tolist() == before.tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_returns_that_are_no_numbers_are_refused(bad: float, returns: Floats) -> None:
    returns[5, 1] = bad
    with pytest.raises(InputError, match="finite"):
        allocate(Allocation.EQUAL, returns, equal_weights(3), TERMS)


def test_one_return_is_too_few() -> None:
    with pytest.raises(InputError, match="two or more"):
        allocate(Allocation.EQUAL, np.ones((1, 2)), equal_weights(2), TERMS)


@pytest.mark.parametrize("method", OPTIMAL)
def test_without_scipy_the_extra_is_named(
    method: Allocation, returns: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(MissingExtra, match="scipy") as caught:
        allocate(method, returns, equal_weights(3), TERMS)
    assert "portfolio" in caught.value.hint
    for plain in (Allocation.EQUAL, Allocation.INVERSE_VOLATILITY):
        allocate(plain, returns, equal_weights(3), TERMS)


def test_more_strategies_than_returns_still_give_weights(rng: np.random.Generator) -> None:
    """Ledoit and Wolf (2004): what is shrunk can be inverted."""
    returns = rng.normal(0, 0.01, (20, 16))
    sample = np.cov(returns.T)
    assert np.linalg.matrix_rank(sample) < 20
    assert np.linalg.eigvalsh(shrunk_covariance(returns)).min() > 0
    for method in Allocation:
        assert not allocate(method, returns, equal_weights(16), TERMS).kept
