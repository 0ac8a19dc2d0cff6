"""Deflated Sharpe ratio: what is left of a Sharpe ratio after counting how often one tried.

Source: D. H. Bailey and M. Lopez de Prado (2014), The deflated Sharpe ratio, Journal of Portfolio
Management 40. All Sharpe ratios here are per period, not annualised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.statistics._estimate import CONFIDENCE
from athena.research.statistics._ratios import sharpe_per_period
from athena.research.statistics._track_record import minimum_track_record

if TYPE_CHECKING:
    from athena.research.statistics._returns import Floats

_EULER = 0.5772156649015329


def expected_maximum_sharpe(n_trials: int, variance: float) -> float:
    """Estimate the best per-period Sharpe ratio that n trials without any skill would show.

    Args:
        n_trials: >= 1; one trial expects 0.
        variance: of the trials' per-period Sharpe ratios, >= 0.

    Raises:
        InputError: n_trials < 1 or variance negative or not finite.
    """
    if n_trials < 1:
        message = f"expected at least 1 trial, was {n_trials}"
        raise InputError(message)
    if not (math.isfinite(variance) and variance >= 0):
        message = f"expected a variance >= 0 of trial Sharpe ratios, was {variance}"
        raise InputError(message)
    if n_trials == 1:
        return 0.0
    quantile = NormalDist().inv_cdf
    first = (1 - _EULER) * quantile(1 - 1 / n_trials)
    second = _EULER * quantile(1 - 1 / (n_trials * math.e))
    return math.sqrt(variance) * (first + second)


def spread_of_luck(n_trials: int, trial_sharpes: Floats, n: int) -> float:
    """Estimate the variance of the ratios that so many trials show by luck.

    It is that of the trials, but never less than 1 / n, which is what n independent returns
    without skill spread by (Lo 2002, The statistics of Sharpe ratios, Financial Analysts Journal
    58): the formula of the best of N assumes independent trials, and near-copies of one another
    would only make the measured variance small.

    Args:
        n_trials: >= 0; fewer than 2 were no choice and have no spread.
        trial_sharpes: (k,) per-period Sharpe ratios; NaN ones are left out.
        n: number of returns of the run that is deflated; without any the variance is measured.
    """
    if n_trials < 2:  # noqa: PLR2004 - a choice is between two
        return 0.0
    known = trial_sharpes[np.isfinite(trial_sharpes)]
    measured = float(known.var(ddof=1)) if len(known) > 1 else 0.0
    return max(measured, 1 / n) if n else measured


def probabilistic_sharpe(
    sharpe: float, benchmark: float, n: int, skew: float, kurtosis: float
) -> float:
    """Estimate the probability that the true Sharpe ratio is above a benchmark.

    Args:
        sharpe: measured, per period.
        benchmark: to be beaten, per period.
        n: number of returns.
        skew: third standardised moment, 0 for a normal.
        kurtosis: fourth standardised moment, 3 for a normal.

    Returns:
        fraction in [0, 1]; NaN for fewer than 2 returns, or when the moments contradict the ratio.
    """
    spread = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if n < 2 or not spread > 0:  # noqa: PLR2004 - two returns at least; NaN fails the comparison too
        return math.nan
    return NormalDist().cdf((sharpe - benchmark) * math.sqrt(n - 1) / math.sqrt(spread))


@dataclass(frozen=True, slots=True)
class Deflation:
    """Say what is left of a Sharpe ratio after counting how often one tried.

    Attributes:
        n_trials: distinct runs tried on this data, the chosen one included.
        benchmark: per period, that the best of so many trials would show without any skill;
            0 when there was but one.
        probability: the deflated Sharpe ratio, in [0, 1]: that the true ratio is above that;
            more than 0.95 is significant. NaN when the returns do not vary.
        n_needed: returns after which a ratio as measured would be significant; NaN when no length
            is enough, because it is not above the benchmark.
    """

    n_trials: int
    benchmark: float
    probability: float
    n_needed: float

    @property
    def is_significant(self) -> bool:
        """Say whether the ratio is above what luck explains."""
        return self.probability > CONFIDENCE


def deflate(returns: Floats, n_trials: int, trial_sharpes: Floats) -> Deflation:
    """Deflate the Sharpe ratio of the run that was chosen among many (FC-31).

    Args:
        returns: (n,) float64 per-period returns of the chosen run.
        n_trials: distinct runs tried on this data, the chosen one included.
        trial_sharpes: (k,) per-period Sharpe ratios of those trials; NaN ones are left out.
    """
    variance = spread_of_luck(n_trials, trial_sharpes, len(returns))
    noise = expected_maximum_sharpe(max(n_trials, 1), variance)
    sharpe = float(sharpe_per_period(returns))
    if math.isnan(sharpe):
        return Deflation(n_trials, noise, math.nan, math.nan)
    deviations = (returns - returns.mean()) / returns.std()
    skew, kurtosis = float(np.mean(deviations**3)), float(np.mean(deviations**4))
    return Deflation(
        n_trials=n_trials,
        benchmark=noise,
        probability=probabilistic_sharpe(sharpe, noise, len(returns), skew, kurtosis),
        n_needed=minimum_track_record(sharpe, noise, skew, kurtosis),
    )


def deflated_sharpe(returns: Floats, n_trials: int, trial_sharpes: Floats) -> float:
    """Estimate the probability that a run has skill, given how many runs were tried (FC-31).

    Args and result are those of `deflate`; this is its probability.
    """
    return deflate(returns, n_trials, trial_sharpes).probability
