"""Laws of option prices for any terms."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from athena.pricing import (
    Contracts,
    RowStatus,
    european_greeks,
    european_price,
    implied_volatility,
)
from athena.pricing.engines import FAST, american_price

SPOTS = st.floats(1.0, 1e5)
RATIOS = st.floats(0.2, 5.0)
YEARS = st.floats(1e-3, 10.0)
RATES = st.floats(-0.05, 0.15)
SIGMAS = st.floats(0.01, 2.0)


@st.composite
def options(draw: st.DrawFn) -> Contracts:
    spot = draw(SPOTS)
    return Contracts.of(
        spot=spot,
        strike=spot * draw(RATIOS),
        years=draw(YEARS),
        rate=draw(RATES),
        dividend_yield=draw(RATES),
        sigma=draw(SIGMAS),
        is_call=draw(st.booleans()),
    )


def _discounted(option: Contracts) -> tuple[float, float]:
    spot = option.spot * np.exp(-option.dividend_yield * option.years)
    return float(spot[0]), float((option.strike * np.exp(-option.rate * option.years))[0])


@given(options())
def test_a_price_stays_inside_its_bounds(option: Contracts) -> None:
    """PR-06."""
    spot, strike = _discounted(option)
    price = european_price(option).value
    inner = spot - strike if option.is_call[0] else strike - spot
    most = spot if option.is_call[0] else strike
    assert max(inner, 0.0) <= price <= most * (1 + 1e-15)


@given(options(), st.floats(1.0001, 2.0))
def test_more_volatility_is_worth_more(option: Contracts, factor: float) -> None:
    """PR-06."""
    more = european_price(option.with_sigma(option.sigma * factor)).value
    assert more >= european_price(option).value - 1e-12 * float(option.strike[0])


@given(options())
def test_the_volatility_comes_back_where_the_price_carries_it(option: Contracts) -> None:
    """PR-09."""
    greeks = european_greeks(option)
    # Below this a volatility moves the price by less than its rounding.
    assume(greeks.vega * 1e-9 > 4e-16 * max(float(option.spot[0]), float(option.strike[0])))
    found = implied_volatility(option, greeks.price)
    if found.status == RowStatus.OK:
        assert abs(found.sigma - option.sigma[0]) <= 1e-5 * option.sigma[0]
        again = european_price(option.with_sigma(np.array([found.sigma]))).value
        assert abs(again - greeks.price) <= 1e-13 * max(option.spot[0], option.strike[0])


@given(options(), st.floats(-10.0, 1e6))
def test_any_price_has_a_volatility_or_a_reason(option: Contracts, price: float) -> None:
    """PR-08."""
    found = implied_volatility(option, price)
    assert np.isnan(found.sigma) == (found.status != RowStatus.OK)
    if found.status == RowStatus.OK:
        assert found.sigma > 0.0


@given(options())
def test_an_american_option_is_worth_at_least_a_european_one_and_its_exercise(
    option: Contracts,
) -> None:
    """PR-16."""
    found = american_price(option, FAST)
    if found.status == RowStatus.OK:
        sign = 1.0 if option.is_call[0] else -1.0
        assert found.value >= european_price(option).value
        assert found.value >= sign * (option.spot[0] - option.strike[0])
        assert found.value <= max(option.spot[0], option.strike[0]) * np.exp(
            0.05 * option.years[0]
        )
