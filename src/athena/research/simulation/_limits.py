"""Risk limits of a simulation: wide enough for many orders, and tight in half of the seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.research.engine import risk_limits
from athena.trading import limits

if TYPE_CHECKING:
    from athena.trading import Ints

_NO_RATE = 10**9
_STREAM = 2  # of the seed's random numbers; the market and the people have others
_MONEY = 10**8
# Column and range of what a tight seed may draw: wishes are 500 to 15,000 of an equity of 100,000.
_RANGES = (
    (limits.POSITION_PPM, 20_000, 120_000),
    (limits.GROSS_PPM, 60_000, 400_000),
    (limits.NET_PPM, 60_000, 400_000),
    (limits.CORRELATED_PPM, 40_000, 300_000),
    (limits.ACCOUNT_LEVERAGE_PPM, 80_000, 500_000),
    (limits.RISK_PER_TRADE_PPM, 200, 2_000),
    (limits.ORDER_CAP_MONEY, 2_000 * _MONEY, 14_000 * _MONEY),
    (limits.TOTAL_GROSS_MONEY, 10_000 * _MONEY, 60_000 * _MONEY),
    (limits.MAX_POSITIONS, 1, 3),
    (limits.MAX_POSITIONS_PER_SYMBOL, 1, 1),
    (limits.ORDERS_PER_MINUTE, 2, 10),
    (limits.ORDER_BURST, 1, 4),
)


def busy_limits() -> Ints:
    """Return the default limits without waits and pauses, so that minutes hold many orders."""
    from athena.platform.config import CostsConfig, RiskConfig

    table = risk_limits(RiskConfig(), CostsConfig())
    waits = [name for name in vars(limits) if name.startswith("COOLDOWN")]
    for name in waits:
        table[getattr(limits, name)] = 0
    table[limits.ORDERS_PER_MINUTE] = 600
    table[limits.ORDER_BURST] = 100
    table[limits.MAX_POSITIONS] = 20
    table[limits.MAX_POSITIONS_PER_SYMBOL] = 10
    table[limits.SHORT_STREAK] = table[limits.LONG_STREAK] = table[limits.ERROR_PAUSE] = _NO_RATE
    table[limits.SLIPPAGE_PPM] = _NO_RATE
    table[limits.LIQUIDITY_PPM] = _NO_RATE
    return table


def drawn_limits(seed: int) -> Ints:
    """Return the limits of a seed: the busy ones, with some of them tight in every other seed.

    Each limit that an order can breach is drawn tight in a third of these.
    """
    table = busy_limits()
    random = np.random.default_rng([seed, _STREAM])
    if random.random() < 0.5:  # noqa: PLR2004 - a half
        return table
    for column, least, most in _RANGES:
        if random.random() < 1 / 3:
            table[column] = int(random.integers(least, most + 1))
    return table
