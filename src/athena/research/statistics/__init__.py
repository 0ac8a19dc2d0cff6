"""Statistics of runs: every metric with its sample size and interval (numpy only)."""

from athena.research.statistics._bootstrap import Excess, compare_returns, estimate_ratios
from athena.research.statistics._claims import Claim, alarms, judge_claim
from athena.research.statistics._dated import estimate_of_sums
from athena.research.statistics._deflated import (
    Deflation,
    deflate,
    deflated_sharpe,
    expected_maximum_sharpe,
    probabilistic_sharpe,
)
from athena.research.statistics._diebold_mariano import DieboldMariano, diebold_mariano
from athena.research.statistics._estimate import Estimate, exact, proportion, wilson_interval
from athena.research.statistics._information import (
    InformationCoefficient,
    information_coefficient,
)
from athena.research.statistics._mean_test import MeanTest, newey_west_mean
from athena.research.statistics._multiple import holm
from athena.research.statistics._overfitting import Overfitting, overfitting
from athena.research.statistics._power import (
    NOISE_TRIALS,
    NOISE_YEARS,
    POWER_ACCURACIES,
    bars_needed,
    noise_sharpe,
)
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
from athena.research.statistics._scores import (
    DirectionScore,
    SkillScore,
    quantile_crps,
    score_direction,
    score_losses,
    score_probability,
    score_quantiles,
    score_returns,
)
from athena.research.statistics._student import student_tail
from athena.research.statistics._summary import (
    CurveMetrics,
    RunSummary,
    describe_deflation,
    measure_curve,
    summarise,
)
from athena.research.statistics._track_record import minimum_track_record, sharpe_needed
from athena.research.statistics._trades import (
    TradeMetrics,
    exposure,
    measure_trades,
    profit_factor,
    time_in_market,
    turnover,
)
from athena.research.statistics._tried import TriedData, summarise_trials

__all__ = [
    "DAYS_PER_YEAR",
    "NOISE_TRIALS",
    "NOISE_YEARS",
    "POWER_ACCURACIES",
    "Claim",
    "CurveMetrics",
    "Deflation",
    "DieboldMariano",
    "DirectionScore",
    "Estimate",
    "Excess",
    "InformationCoefficient",
    "MeanTest",
    "Overfitting",
    "RandomBaseline",
    "Ratios",
    "ReturnSeries",
    "RunSummary",
    "SkillScore",
    "TradeMetrics",
    "TriedData",
    "alarms",
    "bars_needed",
    "compare_returns",
    "deflate",
    "deflated_sharpe",
    "describe_deflation",
    "diebold_mariano",
    "estimate_of_sums",
    "estimate_ratios",
    "exact",
    "expected_maximum_sharpe",
    "exposure",
    "holm",
    "information_coefficient",
    "judge_claim",
    "max_drawdown",
    "measure_curve",
    "measure_trades",
    "minimum_track_record",
    "monthly_returns",
    "newey_west_mean",
    "noise_sharpe",
    "overfitting",
    "period_returns",
    "probabilistic_sharpe",
    "profit_factor",
    "proportion",
    "quantile_crps",
    "random_baseline",
    "ratios",
    "rolling_sharpe",
    "sample_returns",
    "score_direction",
    "score_losses",
    "score_probability",
    "score_quantiles",
    "score_returns",
    "sharpe_needed",
    "sharpe_per_period",
    "student_tail",
    "summarise",
    "summarise_trials",
    "time_in_market",
    "turnover",
    "underwater",
    "wilson_interval",
    "with_start",
]
