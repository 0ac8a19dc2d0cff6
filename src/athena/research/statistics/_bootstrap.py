"""Moving-block bootstrap: intervals that respect the memory of returns.

Returns of neighbouring days are not independent (volatility clusters), so whole blocks of days are
drawn. Source: H. R. Kuensch (1989), The jackknife and the bootstrap for general stationary
observations, Annals of Statistics 17. The seed is fixed: the same run prints the same interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.research.statistics._estimate import CONFIDENCE, Estimate
from athena.research.statistics._ratios import ratios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from athena.research.statistics._returns import Floats, ReturnSeries

SEED = 20_171_001
MIN_OBSERVATIONS = 20
_BLOCK = 20
_RESAMPLES = 2_000
_FEWEST_RESAMPLES = 200
_DRAWS = 4_000_000  # resamples times observations: bounds time on very long series
_BATCH = 250_000  # draws held in memory at once
_METRICS = (
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
)
_PATH_METRICS = ("max_drawdown", "calmar")


@dataclass(frozen=True, slots=True)
class Excess:
    """Compare a run with a baseline over the same days.

    Attributes:
        name: of the baseline.
        excess: run less baseline, log return a year, with its interval; n counts days.
        total_excess: run less baseline, difference of total returns, fraction.
        p_value: chance of a mean this far from 0 if the true difference were 0, two-sided; NaN
            with fewer than 20 shared days or after a ruin.
        is_distinguishable: p_value < 0.05.
    """

    name: str
    excess: Estimate
    total_excess: float
    p_value: float
    is_distinguishable: bool


_LEAST_DEFINED = 0.95


def block_indices(
    n: int, seed: int = SEED, block: int | None = None
) -> Iterator[NDArray[np.intp]]:
    """Draw resampled positions of a series of length n, a batch of resamples at a time.

    Args:
        n: length of the series, >= 1.
        seed: of the draws.
        block: neighbours drawn together, from 1 to n; `block_length(n)` when None.

    Yields:
        (r, n) integer arrays; 2,000 rows in all, fewer (at least 200) above 2,000 observations.
    """
    generator = np.random.default_rng(seed)
    block = block or block_length(n)
    n_blocks = math.ceil(n / block)
    left = n_resamples(n)
    while left > 0:
        rows = min(left, max(1, _BATCH // n))
        starts = generator.integers(0, n - block + 1, size=(rows, n_blocks))
        draws = (starts[:, :, None] + np.arange(block)).reshape(rows, n_blocks * block)
        yield draws[:, :n]
        left -= rows


def block_length(n: int) -> int:
    """Return the block's length: the cube root of the series, at most 20 observations.

    Longer blocks leave a short series so few of them that its intervals come out far too narrow.
    Source of the rate: P. Hall, J. L. Horowitz and B.-Y. Jing (1995), On blocking rules for the
    bootstrap with dependent data, Biometrika 82.
    """
    return max(1, min(_BLOCK, round(math.cbrt(n))))


def path_block_length(n: int) -> int:
    """Return the block's length for what a path makes: 20, a quarter of a short series.

    A drawdown is built of days that follow each other; short blocks would build others.
    """
    return max(1, min(_BLOCK, n // 4))


def n_resamples(n: int) -> int:
    """Return how many resamples are drawn from n observations."""
    return min(_RESAMPLES, max(_FEWEST_RESAMPLES, _DRAWS // max(n, 1)))


def interval(draws: Floats) -> tuple[float, float]:
    """Cut the central 95 % out of bootstrap draws (R,).

    A resample of a run that was halted early can be flat, and its ratios undefined: up to one
    draw in twenty is left out for that; with more of them there is no interval (NaN).
    """
    defined = draws[np.isfinite(draws)]
    if len(defined) < _LEAST_DEFINED * len(draws):
        return math.nan, math.nan
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return float(low), float(high)


def estimate_ratios(series: ReturnSeries) -> dict[str, Estimate]:
    """Estimate every metric of a return series with its bootstrap interval.

    Returns:
        metric name -> estimate, for the fields of `Ratios`. Without an interval (NaN ends) when
        there are fewer than 20 returns or the account was ruined.
    """
    n = len(series.returns)
    point = ratios(series.returns, series.periods_per_year, series.years)
    if n < MIN_OBSERVATIONS or series.is_ruined:
        reason = "none: the account was ruined" if series.is_ruined else "none: too few returns"
        return {
            name: Estimate(float(getattr(point, name)), math.nan, math.nan, n, reason)
            for name in _METRICS
        }
    estimates = {}
    for names, block in ((_METRICS, block_length(n)), (_PATH_METRICS, path_block_length(n))):
        parts = [
            ratios(series.returns[rows], series.periods_per_year, series.years)
            for rows in block_indices(n, block=block)
        ]
        for name in names:
            low, high = interval(np.concatenate([getattr(part, name) for part in parts]))
            value = float(getattr(point, name))
            estimates[name] = Estimate(value, low, high, n, _method(n, block))
    return estimates


def _method(n: int, block: int) -> str:
    return f"moving-block bootstrap, {n_resamples(n)} resamples, block {block}"


def compare_returns(name: str, run: ReturnSeries, baseline: ReturnSeries) -> Excess:
    """Test whether a run and a baseline differ by more than luck, day by day.

    The paired series of log-return differences is resampled in blocks. The interval is that of its
    mean; the p-value is the share of centred resampled means at least as far from 0.

    Args:
        name: of the baseline.
        run: (n,) returns.
        baseline: returns at the same times; the shorter series (after a ruin) sets n.
    """
    n = min(len(run.returns), len(baseline.returns))
    total = _total(run.returns) - _total(baseline.returns)
    if n < MIN_OBSERVATIONS or run.is_ruined or baseline.is_ruined:
        unknown = Estimate(math.nan, math.nan, math.nan, n, "none: too few returns, or ruin")
        return Excess(name, unknown, total, math.nan, is_distinguishable=False)
    difference = np.log1p(run.returns[:n]) - np.log1p(baseline.returns[:n])
    mean = float(difference.mean())
    means = np.concatenate([difference[rows].mean(axis=1) for rows in block_indices(n)])
    # Blocks favour the middle of the series, so resampled means are centred on their own mean.
    p_value = float(np.mean(np.abs(means - means.mean()) >= abs(mean)))
    p_value = max(p_value, 1.0 / len(means))
    low, high = (mean + edge - float(means.mean()) for edge in interval(means))
    per_year = run.periods_per_year
    excess = Estimate(
        mean * per_year,
        low * per_year,
        high * per_year,
        n,
        "paired " + _method(n, block_length(n)),
    )
    return Excess(name, excess, total, p_value, is_distinguishable=p_value < 1 - CONFIDENCE)


def _total(returns: Floats) -> float:
    return float(np.prod(1.0 + returns)) - 1.0


def independent_interval(
    values: Floats, statistic: Callable[[Floats], Floats], seed: int = SEED
) -> tuple[float, float]:
    """Bound a statistic of independent values (one per trade) by drawing them again.

    Args:
        values: (n,) float64.
        statistic: maps (r, n) to (r,).
        seed: of the draws.

    Returns:
        (low, high) at 95 %; NaN with fewer than 20 values or where a draw is undefined.
    """
    n = len(values)
    if n < MIN_OBSERVATIONS:
        return math.nan, math.nan
    generator = np.random.default_rng(seed)
    rows = max(1, _BATCH // n)
    draws = [
        statistic(values[generator.integers(0, n, size=(rows, n))])
        for _ in range(math.ceil(n_resamples(n) / rows))
    ]
    return interval(np.concatenate(draws))
