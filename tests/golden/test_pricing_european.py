"""Closed forms equal 50-digit arithmetic; the Greeks are derivatives taken at those digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from athena.pricing import european_cross_greeks, european_greeks
from tests.option_cases import contracts

GOLDEN: dict[str, Any] = json.loads(
    Path(__file__).with_name("pricing_european.json").read_text(encoding="utf-8")
)
SCALE_FLOOR = 1e-10


def _terms() -> tuple[np.ndarray, np.ndarray]:
    """The inputs of the file: spot, strike, years, rate, yield, sigma; and which are calls."""
    rng, n = np.random.default_rng(20261120), 2000
    strike = rng.choice([1.0, 42.0, 100.0, 3000.0], n)
    spot = strike * np.exp(rng.uniform(np.log(0.2), np.log(5), n))
    years = np.exp(rng.uniform(np.log(0.001), np.log(10), n))
    sigma = np.exp(rng.uniform(np.log(0.01), np.log(2), n))
    rate, dividend_yield = rng.uniform(-0.05, 0.15, n), rng.uniform(-0.05, 0.15, n)
    terms = np.array([spot, strike, years, rate, dividend_yield, sigma])
    return terms, rng.random(n) < 0.5


TERMS, IS_CALL = _terms()


def test_prices_equal_fifty_digits() -> None:
    """PR-02: within 1e-12 of the strike, or of the price where that is larger."""
    prices = european_greeks(contracts(TERMS, IS_CALL)).price
    unit = np.maximum(TERMS[1], TERMS[0])
    assert np.all(np.abs(prices - GOLDEN["price"]) <= 1e-12 * unit)


@pytest.mark.parametrize(
    "name", ["delta", "gamma", "vega", "theta", "rho", "phi", "vanna", "volga", "charm"]
)
def test_greeks_equal_derivatives(name: str) -> None:
    """PR-03: 1e-7 relative wherever the Greek is more than 1e-10 of its largest value."""
    rows = contracts(TERMS, IS_CALL)
    greeks = european_greeks(rows) if name in GREEKS else european_cross_greeks(rows)
    expected = np.array(GOLDEN[name])
    counted = np.abs(expected) > SCALE_FLOOR * np.abs(expected).max()
    error = np.abs(getattr(greeks, name) / np.where(counted, expected, 1.0) - 1.0)
    assert np.max(error[counted]) <= 1e-7
    assert counted.sum() > 700


GREEKS = {"delta", "gamma", "vega", "theta", "rho"}
