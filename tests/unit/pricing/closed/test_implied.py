"""Implied volatility: round trips to the last digit, and a status where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from athena.pricing import (
    RowStatus,
    bachelier_implied_volatility,
    bachelier_price,
    european_price,
    implied_volatility,
)
from athena.pricing.closed._implied import solve_time_value
from athena.pricing.closed._time_value import time_value
from tests.option_cases import TERMS, contracts


def test_the_time_value_is_reproduced_over_the_whole_domain() -> None:
    """PR-07."""
    rng = np.random.default_rng(7)
    x = rng.uniform(-2, 2, 200_000)
    s = np.exp(rng.uniform(np.log(0.01), np.log(3.0), 200_000))
    value, _, _ = time_value(x, s)
    kept = np.flatnonzero(value >= 1e-14)[:100_000]
    assert len(kept) == 100_000
    found = solve_time_value(x[kept], value[kept])
    again, _, _ = time_value(x[kept], found)
    assert np.max(np.abs(again / value[kept] - 1)) <= 1e-12
    assert np.max(np.abs(found / s[kept] - 1)) <= 1e-9


@pytest.mark.parametrize("is_call", [True, False])
def test_the_reference_table_comes_back(is_call: bool) -> None:
    """PR-09."""
    rows = contracts(TERMS, is_call)
    found = implied_volatility(rows, european_price(rows).value)
    assert found.sigma == pytest.approx(TERMS[5], rel=1e-9)
    assert not found.status.any()


def test_at_the_money_and_near_the_maximum() -> None:
    """The ends of the branches: x = 0, tiny and huge volatilities."""
    sigma = np.array([1e-6, 1e-3, 0.2, 3.0, 10.0])
    rows = contracts((100.0, 100.0, 1.0, 0.0, 0.0, sigma), is_call=True)
    found = implied_volatility(rows, european_price(rows).value)
    assert found.sigma == pytest.approx(sigma, rel=1e-9)


@pytest.mark.parametrize(
    ("price", "status"),
    [
        (9.99, RowStatus.BELOW_INTRINSIC),
        (-0.01, RowStatus.BELOW_INTRINSIC),
        (10.0, RowStatus.NOT_IDENTIFIABLE),
        (10.0 + 5e-11, RowStatus.NOT_IDENTIFIABLE),
        (10.1, RowStatus.OK),
        (110.0, RowStatus.ABOVE_MAX),
        (120.0, RowStatus.ABOVE_MAX),
        (np.nan, RowStatus.BAD_INPUT),
    ],
)
def test_a_price_without_a_volatility_says_why(price: float, status: RowStatus) -> None:
    """PR-08: a call in the money, no rates, so the intrinsic value is 10."""
    found = implied_volatility(contracts((110, 100, 1, 0, 0, 0), is_call=True), price)
    assert found.status == status
    assert np.isnan(found.sigma) == (status != RowStatus.OK)


def test_neither_time_nor_an_underlying_gives_no_volatility() -> None:
    rows = contracts((np.array([100.0, 0.0, 100.0]), 90.0, np.array([0, 1, 1]), 0, 0, 0), True)
    assert implied_volatility(rows, [11.0, 1.0, 11.0]).status.tolist() == [
        RowStatus.NOT_IDENTIFIABLE,
        RowStatus.NOT_IDENTIFIABLE,
        RowStatus.OK,
    ]


def test_the_normal_model_round_trips_and_keeps_parity() -> None:
    rng = np.random.default_rng(76)
    forward = rng.normal(0, 50, 2_000)
    terms = {"forward": forward, "strike": forward + rng.normal(0, 20, 2_000), "rate": 0.03}
    terms["years"] = rng.uniform(0.1, 5, 2_000)
    sigma = rng.uniform(5, 40, 2_000)
    prices = {
        is_call: bachelier_price(**terms, sigma_normal=sigma, is_call=is_call).value
        for is_call in (True, False)
    }
    discount = np.exp(-0.03 * terms["years"])
    gap = discount * (terms["forward"] - terms["strike"])
    assert prices[True] - prices[False] == pytest.approx(gap, abs=1e-12)
    is_outside = terms["strike"] > forward  # an in-the-money price carries fewer digits
    found = bachelier_implied_volatility(**terms, price=prices[True], is_call=True)
    assert found.sigma[is_outside] == pytest.approx(sigma[is_outside], rel=1e-10)
    known = found.status == RowStatus.OK
    assert known.sum() > 1_900
    assert found.sigma[known] == pytest.approx(sigma[known], rel=1e-4)


def test_the_normal_model_at_the_money_is_its_formula() -> None:
    """C = df v sqrt(T / (2 pi)) at F = K, negative forwards included."""
    terms = {"forward": -1.5, "strike": -1.5, "years": 0.25, "rate": 0.02}
    price = bachelier_price(**terms, sigma_normal=0.8, is_call=False)
    expected = np.exp(-0.005) * 0.8 * np.sqrt(0.25 / (2 * np.pi))
    assert price.value == pytest.approx(expected, rel=1e-14)
    found = bachelier_implied_volatility(**terms, price=price.value, is_call=False)
    assert found.sigma == pytest.approx(0.8, rel=1e-13)


def test_the_normal_model_says_why_there_is_no_volatility() -> None:
    terms = {"forward": 3.0, "strike": 2.0, "years": 1.0, "rate": 0.0, "is_call": True}
    status = bachelier_implied_volatility(price=[0.9, 1.0, 1.5, np.nan], **terms).status
    assert status.tolist() == [
        RowStatus.BELOW_INTRINSIC,
        RowStatus.NOT_IDENTIFIABLE,
        RowStatus.OK,
        RowStatus.BAD_INPUT,
    ]
    assert bachelier_price(**terms, sigma_normal=-1.0).status == RowStatus.BAD_INPUT
    assert bachelier_price(**terms, sigma_normal=0.0).value == 1.0
