"""Allocations do what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from athena.desk.agents import return_risk_weights
from athena.errors import InputError
from athena.research.allocation import (
    AllocationTerms,
    equal_weights,
    inverse_volatility,
    mean_variance,
)


def returns_with(means: list[float], deviations: list[float]) -> np.ndarray:
    """Make uncorrelated columns with exact means and deviations."""
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=np.float64)
    return np.tile(signs, (25, 1)) * np.array(deviations) + np.array(means)


def test_inverse_volatility_of_1_2_4() -> None:
    """DK-33."""
    weights = inverse_volatility(returns_with([0.0] * 3, [1.0, 2.0, 4.0]))
    np.testing.assert_allclose(weights, [4 / 7, 2 / 7, 1 / 7])


def test_equal_weights_are_equal() -> None:
    """DK-33."""
    np.testing.assert_allclose(equal_weights(4), [0.25] * 4)


def test_return_over_risk_is_that_ratio() -> None:
    """DK-33."""
    weights = return_risk_weights(returns_with([0.02, 0.02, 0.03], [0.01, 0.02, 0.01]))
    np.testing.assert_allclose(weights, [2 / 6, 1 / 6, 3 / 6])


def test_mean_variance_is_markowitz() -> None:
    """DK-33: inside the bounds and without costs, w = C^-1 m / a."""
    pytest.importorskip("scipy", reason="the extra `portfolio` is not installed")
    mean, covariance = np.array([0.02, 0.01]), np.array([[0.10, 0.02], [0.02, 0.08]])
    terms = AllocationTerms(cost_frac=0.0, n_periods=1.0, risk_aversion=1.0)
    weights, why = mean_variance(mean, covariance, np.full(2, 0.5), terms)
    assert not why
    np.testing.assert_allclose(weights, np.linalg.solve(covariance, mean), atol=1e-6)


def test_losers_and_what_never_moved_get_nothing() -> None:
    weights = return_risk_weights(returns_with([-0.01, 0.02, 0.03], [0.01, 0.02, 0.0]))
    np.testing.assert_allclose(weights, [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(return_risk_weights(np.full((5, 2), -0.1)), [0.0, 0.0])


def test_missing_returns_are_refused() -> None:
    for returns in (np.ones((1, 2)), np.array([[1.0], [np.nan]])):
        with pytest.raises(InputError, match="finite returns"):
            return_risk_weights(returns)
