"""Several strategies on one account: shares of its equity, and what each one made of its own."""

from athena.research.portfolio._contributions import contributions
from athena.research.portfolio._request import PortfolioRequest, StrategyRequest
from athena.research.portfolio._result import PORTFOLIO_FILE, PortfolioResult, StrategyResult
from athena.research.portfolio._run import run_portfolio
from athena.research.portfolio._schedule import Allotment, allot

__all__ = [
    "PORTFOLIO_FILE",
    "Allotment",
    "PortfolioRequest",
    "PortfolioResult",
    "StrategyRequest",
    "StrategyResult",
    "allot",
    "contributions",
    "run_portfolio",
]
