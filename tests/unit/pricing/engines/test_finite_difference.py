"""Finite differences: their order, their limits, and agreement with the other engines."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from athena.errors import InputError, MissingExtra
from athena.pricing import european_greeks, european_price
from athena.pricing.engines import (
    Dividend,
    Mesh,
    american_greeks,
    american_price,
    finite_difference_greeks,
    finite_difference_price,
)
from tests.option_cases import contracts, desk_terms

pytest.importorskip("scipy", reason="the extra `pricing` is not installed")

TERMS = (100.0, 105.0, 1.0, 0.05, 0.02, 0.25)


def _orders(*, is_american: bool) -> list[float]:
    contract = contracts(TERMS, is_call=False)
    exact = (american_price if is_american else european_price)(contract).value
    errors = [
        abs(
            finite_difference_price(contract, is_american=is_american, mesh=Mesh(n, n // 2))
            - exact
        )
        for n in (125, 250, 500, 1000)
    ]
    return [float(np.log2(errors[i] / errors[i + 1])) for i in range(3)]


def test_the_order_of_european_prices() -> None:
    """PR-17: at least 1.8 on doubling."""
    assert min(_orders(is_american=False)) >= 1.8


def test_the_order_of_american_prices() -> None:
    """PR-17: at least 1."""
    assert min(_orders(is_american=True)) >= 1.0


@pytest.mark.parametrize("is_call", [True, False])
def test_random_options_agree_with_the_other_engines(is_call: bool) -> None:
    """Within 3e-5 of the strike."""
    terms = desk_terms(25, seed=17)
    american = american_price(contracts(terms, is_call)).value
    european = european_price(contracts(terms, is_call)).value
    for row in range(25):
        contract = contracts(terms[:, row], is_call)
        early = finite_difference_price(contract, is_american=True)
        late = finite_difference_price(contract, is_american=False)
        assert early == pytest.approx(american[row], abs=3e-3)
        assert late == pytest.approx(european[row], abs=3e-3)


def test_greeks_agree_with_the_other_engines() -> None:
    contract = contracts(TERMS, is_call=False)
    for is_american, exact in (
        (False, european_greeks(contract)),
        (True, american_greeks(contract)),
    ):
        found = finite_difference_greeks(contract, is_american=is_american)
        assert found.delta == pytest.approx(exact.delta, abs=1e-4)
        assert found.gamma == pytest.approx(exact.gamma, abs=1e-5)
        assert found.vega == pytest.approx(exact.vega, abs=0.02)
        assert found.theta == pytest.approx(exact.theta, abs=2e-3)
        assert found.rho == pytest.approx(exact.rho, abs=0.02)
        assert found.status == 0


@pytest.mark.parametrize("is_american", [True, False])
def test_a_dividend_that_vanishes_is_no_dividend(is_american: bool) -> None:
    """PR-18: within 1e-6 of the strike."""
    contract = contracts(TERMS, is_call=True)
    none = finite_difference_price(contract, is_american=is_american)
    tiny = finite_difference_price(contract, [Dividend(0.5, 1e-9)], is_american=is_american)
    assert tiny == pytest.approx(none, abs=1e-6 * 105)


def test_a_dividend_before_expiry_takes_its_share() -> None:
    """A European call on a spot that pays at once is a call on the spot less the dividend."""
    contract = contracts((102.0, 100.0, 1.0, 0.03, 0.0, 0.2), is_call=True)
    less = contracts((100.0, 100.0, 1.0, 0.03, 0.0, 0.2), is_call=True)
    found = finite_difference_price(contract, [Dividend(1e-6, 2.0)], is_american=False)
    assert found == pytest.approx(european_price(less).value, abs=2e-3)
    late = finite_difference_price(contract, [Dividend(1.5, 2.0)], is_american=False)
    assert late == pytest.approx(european_price(contract).value, abs=2e-3)


def test_a_call_is_exercised_before_a_large_dividend() -> None:
    contract = contracts((110.0, 100.0, 0.5, 0.01, 0.0, 0.2), is_call=True)
    dividends = [Dividend(0.25, 8.0)]
    early = finite_difference_price(contract, dividends, is_american=True)
    late = finite_difference_price(contract, dividends, is_american=False)
    assert early > late + 1.0
    assert early >= 10.0


def test_two_boundaries_are_no_obstacle() -> None:
    """Rates q < r < 0, which the collocation refuses: between European and the largest value."""
    contract = contracts((100.0, 100.0, 2.0, -0.01, -0.04, 0.2), is_call=False)
    found = finite_difference_price(contract, is_american=True)
    assert european_price(contract).value < found < 100.0 * np.exp(0.02)


@pytest.mark.parametrize("bad", [Dividend(0.5, -1.0), Dividend(0.0, 1.0), Dividend(0.5, np.nan)])
def test_bad_dividends_are_named(bad: Dividend) -> None:
    with pytest.raises(InputError, match="dividends >= 0 after now"):
        finite_difference_price(contracts(TERMS, is_call=True), [bad], is_american=False)


def test_bad_terms_are_named() -> None:
    for terms in (
        (100, 105, 0, 0.05, 0, 0.2),
        (100, 105, 1, 0.05, 0, 0),
        (0, 105, 1, 0.05, 0, 0.2),
    ):
        with pytest.raises(InputError, match="> 0"):
            finite_difference_price(contracts(terms, is_call=True), is_american=False)
    with pytest.raises(InputError, match="BAD_INPUT"):
        finite_difference_price(contracts((100, 105, 1, 0, 0, -1), True), is_american=False)


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy.linalg.lapack", "scipy.interpolate"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match="scipy") as caught:
        finite_difference_price(contracts(TERMS, is_call=True), is_american=False)
    assert "athena-desk[pricing]" in caught.value.hint
