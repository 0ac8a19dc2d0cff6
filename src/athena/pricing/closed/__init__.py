"""Closed forms: European prices and Greeks, implied volatility, the normal model; NumPy alone."""

from athena.pricing.closed._bachelier import bachelier_implied_volatility, bachelier_price
from athena.pricing.closed._european import (
    CrossGreeks,
    Greeks,
    Prices,
    european_cross_greeks,
    european_greeks,
    european_price,
)
from athena.pricing.closed._implied import Volatilities, implied_volatility
from athena.pricing.closed._normal import mills_ratio, normal_cdf, normal_density

__all__ = [
    "CrossGreeks",
    "Greeks",
    "Prices",
    "Volatilities",
    "bachelier_implied_volatility",
    "bachelier_price",
    "european_cross_greeks",
    "european_greeks",
    "european_price",
    "implied_volatility",
    "mills_ratio",
    "normal_cdf",
    "normal_density",
]
