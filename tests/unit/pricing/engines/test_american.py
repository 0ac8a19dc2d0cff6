"""American options: the specification's values, the rules of exercise, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from athena.pricing import RowStatus, european_price
from athena.pricing.engines import (
    FAST,
    PRECISE,
    Effort,
    american_greeks,
    american_implied_volatility,
    american_price,
)
from tests.option_cases import contracts, desk_terms, wide_terms

REFERENCE = [
    ((100, 100, 1, 0.05, 0, 0.2), False, 6.09037061),
    ((90, 100, 1, 0.05, 0, 0.2), False, 11.49271077),
    ((110, 100, 2, 0.08, 0.03, 0.4), False, 14.22391309),
    ((100, 100, 1, 0.05, 0.08, 0.3), True, 10.27427837),
    ((100, 100, 1, 0.05, 0, 0.2), True, 10.45058357),
    ((40, 100, 1, 0.06, 0, 0.2), False, 60.0),
]


@pytest.mark.parametrize(("terms", "is_call", "value"), REFERENCE)
def test_the_reference_values(terms: tuple[float, ...], is_call: bool, value: float) -> None:
    """PR-14."""
    assert american_price(contracts(terms, is_call)).value == pytest.approx(value, abs=1e-5 * 100)
    assert american_price(contracts(terms, is_call), FAST).value == pytest.approx(value, abs=1e-3)


def test_an_exercise_that_is_due_pays_exactly_the_payoff() -> None:
    """PR-14: exactly 60; the Greeks are those of the payoff."""
    greeks = american_greeks(contracts((40, 100, 1, 0.06, 0, 0.2), is_call=False))
    assert (greeks.price, greeks.delta) == (60.0, -1.0)
    assert (greeks.gamma, greeks.vega, greeks.theta, greeks.rho) == (0, 0, 0, 0)


def test_no_rule_of_american_options_is_broken() -> None:
    """PR-16: 100,000 points (20,000 of them here for each type, in the wide ranges)."""
    terms = wide_terms(20_000, seed=16)
    spot, strike, years, rate, dividend_yield, _ = terms
    for is_call in (False, True):
        rows = contracts(terms, is_call)
        american, european = american_price(rows, FAST), european_price(rows).value
        ok = american.status == RowStatus.OK
        payoff = np.maximum((spot - strike) * (1 if is_call else -1), 0.0)
        assert np.all(american.value[ok] >= np.maximum(european, payoff)[ok] - 1e-9 * strike[ok])
        gain, cost, unit = (
            (dividend_yield, rate, spot) if is_call else (rate, dividend_yield, strike)
        )
        never = (gain <= 0) & (gain <= cost)
        assert np.array_equal(american.value[never], np.maximum(european, payoff)[never])
        bounded = ok & (gain >= 0) & (cost >= 0)
        most = european + unit * -np.expm1(-gain * years)
        assert np.all(american.value[bounded] <= most[bounded] + 1e-9 * unit[bounded])
        two_boundaries = (gain <= 0) & (cost < gain)
        assert np.all(american.status[two_boundaries] == RowStatus.OUT_OF_DOMAIN)


def test_a_call_is_a_put_with_the_roles_exchanged() -> None:
    spot, strike, years, rate, dividend_yield, sigma = desk_terms(200)
    call = american_price(contracts((spot, strike, years, rate, dividend_yield, sigma), True))
    put = american_price(contracts((strike, spot, years, dividend_yield, rate, sigma), False))
    assert call.value == pytest.approx(put.value, rel=1e-12)


@pytest.mark.parametrize(("effort", "n_sigmas"), [(FAST, 200), (PRECISE, 10)])
def test_prices_are_monotone_and_convex_on_a_grid(effort: Effort, n_sigmas: int) -> None:
    """PR-16."""
    spots, sigmas = np.linspace(50, 150, 200), np.linspace(0.1, 0.6, n_sigmas)
    rows = contracts((spots, 100, 1, 0.05, 0.02, sigmas[:, None]), is_call=False)
    prices = american_price(rows, effort).value
    limit = 1e-8 * 100
    assert np.all(np.diff(prices, axis=1) <= limit)
    assert np.all(np.diff(prices, axis=0) >= -limit)
    assert np.all(np.diff(prices, 2, axis=1) >= -limit)


@pytest.mark.parametrize("is_call", [False, True])
def test_greeks_are_the_slopes_of_the_price(is_call: bool) -> None:
    terms = desk_terms(100, seed=4)

    def bumped(row: int, step: float) -> np.ndarray:
        moved = terms.copy()
        moved[row] += step
        return american_price(contracts(moved, is_call)).value

    greeks = american_greeks(contracts(terms, is_call))
    slopes = {
        name: (bumped(row, step) - bumped(row, -step)) / (2 * step)
        for name, row, step in (
            ("delta", 0, 1e-2),
            ("vega", 5, 1e-4),
            ("theta", 2, 1e-4),
            ("rho", 3, 1e-4),
        )
    }
    gamma = (bumped(0, 0.05) - 2 * bumped(0, 0.0) + bumped(0, -0.05)) / 0.05**2
    assert greeks.delta == pytest.approx(slopes["delta"], abs=1e-5)
    assert greeks.gamma == pytest.approx(gamma, abs=1e-4)
    assert greeks.vega == pytest.approx(slopes["vega"], abs=2e-3)
    assert greeks.theta == pytest.approx(-slopes["theta"], abs=1e-3)
    assert greeks.rho == pytest.approx(slopes["rho"], abs=2e-3)


def test_without_randomness_the_best_certain_moment_counts() -> None:
    """No volatility: exercise now, at expiry, or where interest and yield balance."""
    now = american_price(contracts((90, 100, 1, 0.05, 0.0, 0.0), is_call=False))
    assert now.value == 10.0
    later = american_price(contracts((90, 100, 1, 0.0, 0.05, 0.0), is_call=False))
    assert later.value == pytest.approx(100 - 90 * np.exp(-0.05))
    middle = american_price(contracts((100, 100, 4, -0.02, -0.06, 0.0), is_call=False))
    times = np.linspace(0, 4, 100_001)
    path = 100 * np.exp(0.02 * times) - 100 * np.exp(0.06 * times)
    assert middle.value == pytest.approx(max(path.max(), 0.0), abs=1e-6)
    assert american_price(contracts((0, 100, 1, 0.05, 0.0, 0.2), is_call=False)).value == 100.0


def test_a_bad_row_gets_a_status() -> None:
    prices = american_price(
        contracts((np.array([100, np.nan, 100]), 100, 1, np.array([0.05, 0.05, -0.01]),
                   np.array([0, 0, -0.05]), 0.2), is_call=False)
    )  # fmt: skip
    assert prices.status.tolist() == [
        RowStatus.OK,
        RowStatus.BAD_INPUT,
        RowStatus.OUT_OF_DOMAIN,
    ]
    assert np.isnan(prices.value).tolist() == [False, True, True]


def test_a_row_does_not_depend_on_its_block() -> None:
    """Split batch = whole."""
    terms = desk_terms(500)
    whole = american_price(contracts(terms, is_call=False), FAST).value
    for row in (0, 123, 499):
        one = american_price(contracts(terms[:, row], is_call=False), FAST).value
        assert one == pytest.approx(whole[row], rel=1e-12)


@pytest.mark.parametrize("is_call", [False, True])
def test_the_volatility_comes_back(is_call: bool) -> None:
    """PR-19."""
    terms = desk_terms(300, seed=19)
    greeks = american_greeks(contracts(terms, is_call), FAST)
    found = american_implied_volatility(contracts(terms, is_call), greeks.price)
    sensitive = greeks.vega > 1e-3 * terms[0]
    assert np.all(found.status[sensitive] == RowStatus.OK)
    assert np.max(np.abs(found.sigma - terms[5])[sensitive]) <= 1e-6


@pytest.mark.parametrize(
    ("price", "status"),
    [
        (59.0, RowStatus.BELOW_INTRINSIC),
        (60.0, RowStatus.NOT_IDENTIFIABLE),
        (60.5, RowStatus.OK),
        (100.0, RowStatus.ABOVE_MAX),
        (np.nan, RowStatus.BAD_INPUT),
    ],
)
def test_a_price_without_a_volatility_says_why(price: float, status: RowStatus) -> None:
    rows = contracts((40, 100, 1, 0.06, 0, 0), is_call=False)
    assert american_implied_volatility(rows, price).status == status
