"""Option pricing, exact and learned, usable on its own."""

from athena.pricing._cache import CacheStatistics, ResultCache
from athena.pricing._contracts import Contracts
from athena.pricing._quote import Engine, Quote, Style, quote
from athena.pricing._status import RowStatus, require_ok
from athena.pricing.closed import (
    CrossGreeks,
    Greeks,
    Prices,
    Volatilities,
    bachelier_implied_volatility,
    bachelier_price,
    european_cross_greeks,
    european_greeks,
    european_price,
    implied_volatility,
)

__all__ = [
    "CacheStatistics",
    "Contracts",
    "CrossGreeks",
    "Engine",
    "Greeks",
    "Prices",
    "Quote",
    "ResultCache",
    "RowStatus",
    "Style",
    "Volatilities",
    "bachelier_implied_volatility",
    "bachelier_price",
    "european_cross_greeks",
    "european_greeks",
    "european_price",
    "implied_volatility",
    "quote",
    "require_ok",
]
