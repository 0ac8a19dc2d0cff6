"""Closed forms against the specification's table, their limits and their laws."""

from __future__ import annotations

import numpy as np
import pytest

from athena.errors import InputError
from athena.pricing import (
    Contracts,
    RowStatus,
    european_cross_greeks,
    european_greeks,
    european_price,
    require_ok,
)
from athena.pricing.closed import mills_ratio, normal_cdf
from tests.option_cases import TERMS, contracts, wide_terms

CALLS = (
    10.4505835722,
    4.6149971296,
    3.84260626361,
    17.4510000949,
    2.95213526507e-7,
    4.75942239287,
)
PUTS = (5.57352602226, 3.37277717899, 22.5547910967, 2.17606954637, 49.7003000953, 0.8085993729)
GREEKS = {
    "delta": (0.636830651, 0.569460183, 0.282064059, 0.78958328, 2.05332663e-7, 0.779131291),
    "gamma": (
        0.0187620173, 0.0392880009, 0.0136145753, 0.0118094449, 1.36314928e-7, 0.0499626704,
    ),
    "vega": (37.5240347, 19.6440005, 23.8255068, 35.4283348, 3.40787319e-5, 8.81341506),
    "theta": (
        -6.41402755, -10.4741512, -8.78777732, 0.558140643, -4.30031759e-5, -4.55909219,
    ),
    "rho": (53.2324815, 13.0827553, 12.1818998, 123.014656, 2.02380528e-6, 13.9820459),
}  # fmt: skip
CROSS = {
    "vanna": (
        -0.28143026, -0.147330004, 0.789437481, -1.18601115, 2.21697205e-5, -0.931600679,
    ),
    "volga": (9.85005911, 1.28913753, 31.9601637, 154.690289, 0.00355017131, 21.2832881),
    "charm": (
        -0.0656670607, -0.137508003, -0.300711629, 0.0897906961, -2.79847804e-5, -0.02352308,
    ),
}  # fmt: skip


def test_prices_equal_the_reference_table() -> None:
    """PR-01."""
    assert european_price(contracts(TERMS, is_call=True)).value == pytest.approx(CALLS, rel=1e-10)
    assert european_price(contracts(TERMS, is_call=False)).value == pytest.approx(PUTS, rel=1e-10)


@pytest.mark.parametrize("name", GREEKS)
def test_greeks_equal_the_reference_table(name: str) -> None:
    """PR-01."""
    greeks = european_greeks(contracts(TERMS, is_call=True))
    # The table itself has nine digits.
    assert getattr(greeks, name) == pytest.approx(GREEKS[name], rel=1e-8)


@pytest.mark.parametrize("name", CROSS)
def test_cross_greeks_equal_the_reference_table(name: str) -> None:
    """PR-01."""
    greeks = european_cross_greeks(contracts(TERMS, is_call=True))
    assert getattr(greeks, name) == pytest.approx(CROSS[name], rel=1e-8)


def test_put_call_parity_holds_by_construction() -> None:
    """PR-02."""
    terms = wide_terms(100_000)
    call = european_price(contracts(terms, is_call=True))
    put = european_price(contracts(terms, is_call=False))
    spot, strike, years, rate, dividend_yield, _ = terms
    spot_now, strike_now = spot * np.exp(-dividend_yield * years), strike * np.exp(-rate * years)
    error = np.abs(call.value - put.value - (spot_now - strike_now))
    assert np.all(error <= 1e-12 * (spot_now + strike_now))
    assert not call.status.any()
    assert not put.status.any()


@pytest.mark.parametrize(
    ("terms", "call", "put", "call_delta"),
    [
        ((110, 100, 0, 0.05, 0.01, 0.2), 10.0, 0.0, 1.0),
        ((90, 100, 0, 0.05, 0.01, 0.2), 0.0, 10.0, 0.0),
        ((100, 100, 0, 0.05, 0.01, 0.2), 0.0, 0.0, 0.5),
        ((100, 90, 1, 0.05, 0, 0), 100 - 90 * np.exp(-0.05), 0.0, 1.0),
        ((0, 90, 1, 0.05, 0, 0.2), 0.0, 90 * np.exp(-0.05), 0.0),
        ((100, 0, 1, 0.05, 0.02, 0.2), 100 * np.exp(-0.02), 0.0, np.exp(-0.02)),
    ],
)
def test_limits(terms: tuple[float, ...], call: float, put: float, call_delta: float) -> None:
    """PR-04: the stated values, without a warning (warnings are errors here)."""
    greeks = european_greeks(contracts(terms, is_call=True))
    assert greeks.price == pytest.approx(call, rel=1e-15, abs=1e-300)
    assert greeks.delta == pytest.approx(call_delta)
    assert european_price(contracts(terms, is_call=False)).value == pytest.approx(
        put, rel=1e-15, abs=1e-300
    )
    cross = european_cross_greeks(contracts(terms, is_call=True))
    assert [greeks.gamma, greeks.vega, cross.vanna, cross.volga] == [0, 0, 0, 0]
    assert greeks.status == cross.status == RowStatus.OK


def test_at_expiry_every_other_greek_is_zero() -> None:
    """PR-04."""
    terms = (110, 100, 0, 0.05, 0.01, 0.2)
    greeks, cross = (
        european_greeks(contracts(terms, is_call=False)),
        european_cross_greeks(contracts(terms, is_call=False)),
    )
    rest = [greeks.gamma, greeks.vega, greeks.theta, greeks.rho, cross.phi, cross.charm]
    assert rest == [0] * 6
    assert european_greeks(contracts((90, 100, 0, 0.05, 0.01, 0.2), is_call=False)).delta == -1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1.0])
@pytest.mark.parametrize("column", range(6))
def test_a_bad_row_gets_a_status_and_the_others_their_price(bad: float, column: int) -> None:
    """PR-04."""
    if column in {3, 4} and bad == -1.0:
        pytest.skip("a rate may be negative")
    terms = TERMS.copy()
    terms[column, 2] = bad
    prices = european_price(contracts(terms, is_call=True))
    assert prices.status.tolist() == [0, 0, RowStatus.BAD_INPUT, 0, 0, 0]
    assert np.isnan(prices.value[2])
    good = np.delete(np.arange(6), 2)
    assert prices.value[good].tolist() == (
        european_price(contracts(TERMS, is_call=True)).value[good].tolist()
    )


def test_a_price_that_overflows_is_not_ok() -> None:
    prices = european_price(contracts((1e300, 1e300, 10_000, -0.05, -0.05, 0.2), is_call=True))
    assert prices.status == RowStatus.OUT_OF_DOMAIN
    assert np.isnan(prices.value)


def test_the_strict_mode_names_the_first_bad_row() -> None:
    terms = TERMS.copy()
    terms[5, 3] = -0.2
    status = european_price(contracts(terms, is_call=True)).status
    with pytest.raises(InputError, match="BAD_INPUT in row 3"):
        require_ok(status, what="the chain")
    require_ok(european_price(contracts(TERMS, is_call=True)).status, what="the chain")


def test_prices_scale_with_spot_and_strike() -> None:
    """PR-05."""
    terms = wide_terms(2_000)
    scaled = terms * np.array([7, 7, 1, 1, 1, 1])[:, None]
    one, seven = (
        european_price(contracts(columns, is_call=True)).value for columns in (terms, scaled)
    )
    assert np.all(np.abs(seven - 7 * one) <= 1e-13 * 7 * np.maximum(one, terms[1]))


def test_a_batch_equals_its_rows_and_scalars_give_scalars() -> None:
    """PR-05; the batch spans several blocks."""
    terms = wide_terms(10_000)
    is_call = np.arange(10_000) % 2 == 0
    batch = european_greeks(contracts(terms, is_call))
    for row in range(0, 10_000, 997):
        one = european_greeks(contracts(terms[:, row], bool(is_call[row])))
        assert isinstance(one.price, float)
        assert one.price == pytest.approx(batch.price[row], abs=1e-14 * terms[1, row])
        assert one.vega == pytest.approx(batch.vega[row], rel=1e-12)


def test_single_precision_is_computed_in_double() -> None:
    """PR-05."""
    terms = TERMS.astype(np.float32)
    wide = european_price(contracts(terms.astype(np.float64), is_call=True)).value
    assert european_price(contracts(terms, is_call=True)).value.tolist() == wide.tolist()


def test_terms_broadcast() -> None:
    prices = european_price(
        Contracts.of(
            spot=100.0,
            strike=np.array([90.0, 100.0, 110.0]),
            years=np.array([[0.5], [1.0]]),
            rate=0.02,
            sigma=0.2,
            is_call=True,
        )
    )
    assert prices.value.shape == prices.status.shape == (2, 3)
    assert np.all(np.diff(prices.value, axis=1) < 0)
    assert np.all(np.diff(prices.value, axis=0) > 0)


def test_no_price_leaves_its_bounds_on_a_grid() -> None:
    """PR-06."""
    strikes, sigmas = np.linspace(40, 250, 200), np.linspace(0.01, 1.5, 200)
    terms = (100.0, strikes, 0.7, 0.03, 0.02, sigmas[:, None])
    greeks = european_greeks(contracts(terms, is_call=True))
    growth = np.exp(-0.02 * 0.7)
    limit = 1e-12 * strikes
    assert np.all((greeks.delta >= 0.0) & (greeks.delta <= growth))
    assert np.all(np.diff(greeks.price, axis=1) <= limit[1:])
    assert np.all(np.diff(greeks.price, 2, axis=1) >= -limit[1:-1])
    assert np.all(np.diff(greeks.price, axis=0) >= -limit)
    at_expiry = contracts((100.0, strikes, 0.0, 0.03, 0.02, 0.2), is_call=True)
    assert np.array_equal(european_price(at_expiry).value, np.maximum(100.0 - strikes, 0.0))


def test_black_76_is_an_option_on_a_forward() -> None:
    """The value of Black (1976): df (F N(d1) - K N(d2))."""
    future = Contracts.on_forward(
        forward=105.0, strike=100.0, years=0.5, rate=0.04, sigma=0.3, is_call=True
    )
    forward_terms = (105.0 * np.exp(-0.01 * 0.5), 100.0, 0.5, 0.04, 0.03, 0.3)
    on_spot = contracts(forward_terms, is_call=True)
    assert european_price(future).value == pytest.approx(european_price(on_spot).value, rel=1e-14)
    rho_at_fixed_forward = european_greeks(future).rho + european_cross_greeks(future).phi
    assert rho_at_fixed_forward == pytest.approx(-0.5 * european_price(future).value, rel=1e-13)


def test_the_normal_distribution_keeps_its_digits_in_the_tail() -> None:
    """N(-a): the values of a table at 40 digits."""
    known = {
        0.0: 0.5,
        1.0: 0.15865525393145705,
        3.0: 0.0013498980316300945,
        8.0: 6.220960574271785e-16,
        20.0: 2.7536241186062337e-89,
        37.0: 4.605353009196139e-300,
    }
    tails = normal_cdf(-np.array(list(known)))
    assert tails == pytest.approx(list(known.values()), rel=1e-13)
    assert normal_cdf(np.array([1.0]))[0] == pytest.approx(1 - known[1.0], rel=1e-15)
    assert mills_ratio(np.array([np.inf]))[0] == 0.0
    assert np.isnan(normal_cdf(np.array([np.nan]))[0])
