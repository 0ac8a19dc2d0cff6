"""Strategies on bars as they come, and what the risk engine is told of these bars."""

from athena.research.hosting._host import WINDOW_BARS, Decision, StrategyHost
from athena.research.hosting._risk_feed import RiskFeed

__all__ = [
    "WINDOW_BARS",
    "Decision",
    "RiskFeed",
    "StrategyHost",
]
