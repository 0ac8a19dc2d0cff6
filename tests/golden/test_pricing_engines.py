"""Heston and cash dividends equal QuantLib; its version stands in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from athena.pricing import Contracts
from athena.pricing.engines import (
    Dividend,
    HestonModel,
    finite_difference_price,
    heston_price,
)

GOLDEN: dict[str, Any] = json.loads(
    Path(__file__).with_name("pricing_engines.json").read_text(encoding="utf-8")
)
STRIKE = 100.0


def _heston_terms() -> dict[str, np.ndarray]:
    rng, n = np.random.default_rng(17), 200
    return {
        "spot": rng.uniform(70, 140, n),
        "days": rng.integers(30, 1095, n),
        "rate": rng.uniform(-0.01, 0.08, n),
        "dividend_yield": rng.uniform(0, 0.05, n),
        "variance": rng.uniform(0.01, 0.25, n),
        "long_run": rng.uniform(0.01, 0.25, n),
        "speed": rng.uniform(0.5, 4, n),
        "volatility": rng.uniform(0.1, 0.9, n),
        "correlation": rng.uniform(-0.9, 0.3, n),
        "is_call": rng.random(n) < 0.5,
    }


def _dividend_terms() -> dict[str, np.ndarray]:
    rng, n = np.random.default_rng(18), 200
    return {
        "spot": rng.uniform(70, 140, n),
        "days": rng.integers(60, 730, n),
        "rate": rng.uniform(0, 0.08, n),
        "sigma": rng.uniform(0.12, 0.6, n),
        "first": rng.uniform(0.15, 0.85, n),
        "second": rng.uniform(0.3, 0.95, n),
        "amount": rng.uniform(0.2, 3, n),
        "is_call": rng.random(n) < 0.5,
        "is_american": rng.random(n) < 0.5,
    }


def test_heston_equals_the_reference() -> None:
    """PR-18: 200 random sets; the specification asks for 1e-4 of the strike."""
    terms = _heston_terms()
    for row, expected in enumerate(GOLDEN["heston"]):
        contract = Contracts.of(
            spot=terms["spot"][row],
            strike=STRIKE,
            years=terms["days"][row] / 365,
            rate=terms["rate"][row],
            dividend_yield=terms["dividend_yield"][row],
            is_call=terms["is_call"][row],
        )
        names = ("variance", "long_run", "speed", "volatility", "correlation")
        model = HestonModel(**{name: float(terms[name][row]) for name in names})
        assert heston_price(contract, model).value == pytest.approx(expected, abs=1e-7 * STRIKE)


def test_two_cash_dividends_equal_the_reference() -> None:
    """PR-18: 200 random sets, calls and puts, European and American; 1e-4 of the strike."""
    pytest.importorskip("scipy", reason="the extra `pricing` is not installed")
    terms = _dividend_terms()
    errors = []
    for row, expected in enumerate(GOLDEN["dividends"]):
        days = int(terms["days"][row])
        first = max(1, int(terms["first"][row] * days))
        second = max(2, int(terms["second"][row] * days))
        first, second = sorted((first, second + (first == second)))
        contract = Contracts.of(
            spot=terms["spot"][row],
            strike=STRIKE,
            years=days / 365,
            rate=terms["rate"][row],
            sigma=terms["sigma"][row],
            is_call=terms["is_call"][row],
        )
        amount = float(terms["amount"][row])
        found = finite_difference_price(
            contract,
            [Dividend(first / 365, amount), Dividend(second / 365, amount)],
            is_american=bool(terms["is_american"][row]),
        )
        errors.append(abs(found - expected) / STRIKE)
    assert max(errors) <= 1e-4
    assert np.median(errors) <= 1e-5
