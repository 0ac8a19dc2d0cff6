"""Option terms that several tests price."""

from __future__ import annotations

from typing import Any

import numpy as np

from athena.pricing import Contracts

# Spot, strike, years, rate, yield, sigma of the reference table (PR-01).
TERMS = np.array(
    [
        (100, 100, 1, 0.05, 0, 0.2),
        (100, 100, 0.25, 0.05, 0, 0.2),
        (100, 120, 0.5, 0.03, 0.01, 0.35),
        (100, 80, 2, -0.005, 0.02, 0.15),
        (100, 150, 0.1, 0.02, 0, 0.25),
        (42, 40, 0.5, 0.1, 0, 0.2),
    ]
).T


def contracts(columns: Any, is_call: Any) -> Contracts:
    """Take rows of spot, strike, years, rate, yield, sigma."""
    spot, strike, years, rate, dividend_yield, sigma = columns
    return Contracts.of(
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        sigma=sigma,
        is_call=is_call,
    )


def wide_terms(n: int, seed: int = 2) -> np.ndarray:
    """Draw the ranges of PR-02, (6, n)."""
    rng = np.random.default_rng(seed)
    return np.array(
        [
            100.0 * np.exp(rng.uniform(np.log(0.2), np.log(5.0), n)),
            np.full(n, 100.0),
            np.exp(rng.uniform(np.log(0.001), np.log(10.0), n)),
            rng.uniform(-0.05, 0.15, n),
            rng.uniform(-0.05, 0.15, n),
            np.exp(rng.uniform(np.log(0.01), np.log(2.0), n)),
        ]
    )


def desk_terms(n: int, seed: int = 36) -> np.ndarray:
    """Draw the ranges of PR-15 and PR-36, (6, n)."""
    rng = np.random.default_rng(seed)
    return np.array(
        [
            rng.uniform(50, 150, n),
            np.full(n, 100.0),
            rng.uniform(0.05, 2, n),
            rng.uniform(0, 0.08, n),
            rng.uniform(0, 0.05, n),
            rng.uniform(0.1, 0.6, n),
        ]
    )
