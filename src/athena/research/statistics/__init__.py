"""Statistics of runs: every metric with its sample size and interval (numpy only)."""

from athena.research.statistics._bootstrap import Excess, compare_returns, estimate_ratios
from athena.research.statistics._deflated import (
    deflated_sharpe,
    expected_maximum_sharpe,
    probabilistic_sharpe,
)
from athena.research.statistics._estimate import Estimate, exact, proportion, wilson_interval
from athena.research.statistics._random_baseline import RandomBaseline, random_baseline
from athena.research.statistics._ratios import Ratios, max_drawdown, ratios, sharpe_per_period
from athena.research.statistics._returns import (
    DAYS_PER_YEAR,
    ReturnSeries,
    monthly_returns,
    period_returns,
    rolling_sharpe,
    sample_returns,
    underwater,
    with_start,
)
from athena.research.statistics._summary import (
    CurveMetrics,
    RunSummary,
    measure_curve,
    summarise,
)
from athena.research.statistics._trades import (
    TradeMetrics,
    exposure,
    measure_trades,
    profit_factor,
    time_in_market,
    turnover,
)

__all__ = [
    "DAYS_PER_YEAR",
    "CurveMetrics",
    "Estimate",
    "Excess",
    "RandomBaseline",
    "Ratios",
    "ReturnSeries",
    "RunSummary",
    "TradeMetrics",
    "compare_returns",
    "deflated_sharpe",
    "estimate_ratios",
    "exact",
    "expected_maximum_sharpe",
    "exposure",
    "max_drawdown",
    "measure_curve",
    "measure_trades",
    "monthly_returns",
    "period_returns",
    "probabilistic_sharpe",
    "profit_factor",
    "proportion",
    "random_baseline",
    "ratios",
    "rolling_sharpe",
    "sample_returns",
    "sharpe_per_period",
    "summarise",
    "time_in_market",
    "turnover",
    "underwater",
    "wilson_interval",
    "with_start",
]
