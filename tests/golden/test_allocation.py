"""Weights equal those of skfolio, and covariances those of scikit-learn, on fixed returns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from athena.research.allocation import (
    AllocationTerms,
    inverse_volatility,
    mean_variance,
    risk_parity,
    risk_parity_after_costs,
    shrunk_covariance,
)

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "allocation.json").read_text())
CASES = GOLDEN["cases"]
each_case = pytest.mark.parametrize("name", CASES)


def returns_of(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(CASES[name]["returns"])


@each_case
def test_the_covariance_is_shrunk_as_the_reference_does(name: str) -> None:
    found = shrunk_covariance(returns_of(name))
    np.testing.assert_allclose(found, CASES[name]["ledoit_wolf"], rtol=1e-12)


@each_case
def test_inverse_volatility_equals_the_reference(name: str) -> None:
    expected = CASES[name]["inverse_volatility"]
    np.testing.assert_allclose(inverse_volatility(returns_of(name)), expected, atol=1e-12)


@each_case
def test_risk_parity_equals_the_reference(name: str) -> None:
    covariance = shrunk_covariance(returns_of(name))
    np.testing.assert_allclose(
        risk_parity(covariance), CASES[name]["risk_parity"], rtol=0, atol=1e-6
    )


@each_case
def test_minimum_variance_equals_the_reference(name: str) -> None:
    """Where every mean is the same and large, all is invested and only the variance decides."""
    covariance = shrunk_covariance(returns_of(name))
    n = len(covariance)
    mean = np.full(n, 2 * covariance.max())
    found, message = mean_variance(mean, covariance, np.zeros(n), AllocationTerms(0.0, 1.0, 1.0))
    assert not message
    np.testing.assert_allclose(found, CASES[name]["minimum_variance"], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "k"), [(name, k) for name in CASES for k in range(len(CASES[name]["mean_variance"]))]
)
def test_mean_variance_equals_the_reference_costs_included(name: str, k: int) -> None:
    case = CASES[name]["mean_variance"][k]
    returns = returns_of(name)
    n = returns.shape[1]
    before = np.full(n, 1 / n) if case["cost"] else np.zeros(n)
    terms = AllocationTerms(case["cost"], case["periods"], case["risk_aversion"])
    found, message = mean_variance(returns.mean(axis=0), shrunk_covariance(returns), before, terms)
    assert not message
    np.testing.assert_allclose(found, case["weights"], rtol=0, atol=1e-6)


@each_case
def test_the_optimiser_finds_risk_parity_too_where_costs_are_next_to_nothing(name: str) -> None:
    """The same weights by another road: SLSQP of scipy instead of coordinate descent."""
    covariance = shrunk_covariance(returns_of(name))
    n = len(covariance)
    found, message = risk_parity_after_costs(covariance, np.full(n, 1 / n), 1e-12)
    assert not message
    np.testing.assert_allclose(found, CASES[name]["risk_parity"], rtol=0, atol=1e-6)
