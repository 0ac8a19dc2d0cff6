"""Heston's model: its limits, its laws and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from athena.errors import InputError
from athena.pricing import Contracts, RowStatus, european_price
from athena.pricing.engines import HestonModel, heston_price

STRIKES = np.linspace(60, 160, 21)
MODEL = HestonModel(variance=0.04, long_run=0.06, speed=1.5, volatility=0.5, correlation=-0.7)


def _contracts(years: float = 1.0, *, is_call: bool = True, sigma: float = 0.0) -> Contracts:
    return Contracts.of(
        spot=100.0,
        strike=STRIKES,
        years=years,
        rate=0.05,
        dividend_yield=0.02,
        sigma=sigma,
        is_call=is_call,
    )


@pytest.mark.parametrize("volatility", [0.0, 1e-10])
def test_a_certain_variance_is_black(volatility: float) -> None:
    """PR-18: within 1e-8."""
    model = HestonModel(0.04, 0.04, 1.5, volatility, -0.7)
    black = european_price(_contracts(sigma=0.2)).value
    assert heston_price(_contracts(), model).value == pytest.approx(black, abs=1e-8)


def test_a_certain_variance_that_returns_is_black_at_its_mean() -> None:
    model = HestonModel(0.09, 0.04, 2.0, 0.0, 0.0)
    mean = 0.04 + 0.05 * (1 - np.exp(-2.0)) / 2.0
    black = european_price(_contracts(sigma=np.sqrt(mean))).value
    assert heston_price(_contracts(), model).value == pytest.approx(black, abs=1e-12)


@pytest.mark.parametrize("years", [0.02, 0.5, 5.0])
def test_parity_convexity_and_bounds_hold(years: float) -> None:
    call = heston_price(_contracts(years), MODEL).value
    put = heston_price(_contracts(years, is_call=False), MODEL).value
    spot_now, strike_now = 100 * np.exp(-0.02 * years), STRIKES * np.exp(-0.05 * years)
    assert call - put == pytest.approx(spot_now - strike_now, abs=1e-9)
    assert np.all(call >= np.maximum(spot_now - strike_now, 0.0) - 1e-9)
    assert np.all(np.diff(call) <= 1e-9)
    assert np.all(np.diff(call, 2) >= -1e-8)


def test_negative_correlation_tilts_the_smile() -> None:
    left = heston_price(_contracts(), MODEL).value
    right = heston_price(_contracts(), HestonModel(0.04, 0.06, 1.5, 0.5, 0.7)).value
    assert left[-1] < right[-1]


def test_limits_and_bad_rows() -> None:
    """PR-04's limits hold here too."""
    rows = Contracts.of(
        spot=np.array([110.0, 0.0, 100.0, np.nan]),
        strike=np.array([100.0, 100.0, 0.0, 100.0]),
        years=np.array([0.0, 1.0, 1.0, 1.0]),
        rate=0.05,
        is_call=True,
    )
    prices = heston_price(rows, MODEL)
    assert prices.value[:3].tolist() == [10.0, 0.0, 100.0]
    assert prices.status.tolist() == [0, 0, 0, RowStatus.BAD_INPUT]
    assert isinstance(heston_price(rows.take([2]), MODEL).value[0], float)


@pytest.mark.parametrize(
    ("name", "value"),
    [("variance", -0.1), ("long_run", -1.0), ("speed", 0.0), ("volatility", -0.1),
     ("correlation", 1.1), ("speed", float("nan"))],
)  # fmt: skip
def test_parameters_out_of_range_are_named(name: str, value: float) -> None:
    good = {"variance": 0.04, "long_run": 0.06, "speed": 1.5, "volatility": 0.5,
            "correlation": -0.7}  # fmt: skip
    with pytest.raises(InputError, match=name):
        HestonModel(**{**good, name: value})
