"""Engines for options that no formula prices."""

from athena.pricing.engines._american import FAST, PRECISE, american_greeks, american_price
from athena.pricing.engines._american_implied import american_implied_volatility
from athena.pricing.engines._boundary import Effort
from athena.pricing.engines._finite_difference import (
    Dividend,
    Mesh,
    finite_difference_greeks,
    finite_difference_price,
)
from athena.pricing.engines._heston import HestonModel, heston_price
from athena.pricing.engines._tridiagonal import tridiagonal_solver

__all__ = [
    "FAST",
    "PRECISE",
    "Dividend",
    "Effort",
    "HestonModel",
    "Mesh",
    "american_greeks",
    "american_implied_volatility",
    "american_price",
    "finite_difference_greeks",
    "finite_difference_price",
    "heston_price",
    "tridiagonal_solver",
]
