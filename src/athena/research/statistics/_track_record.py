"""Minimum track record length: how long a Sharpe ratio must last before it means something.

Source: D. H. Bailey and M. Lopez de Prado (2012), The Sharpe ratio efficient frontier, Journal of
Risk 15. It is the probabilistic Sharpe ratio solved for the number of returns.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from athena.errors import InputError
from athena.research.statistics._estimate import CONFIDENCE


def minimum_track_record(
    sharpe: float,
    benchmark: float = 0.0,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    confidence: float = CONFIDENCE,
) -> float:
    """Count the returns after which a Sharpe ratio is above a benchmark with some confidence.

    Args:
        sharpe: measured, per period.
        benchmark: to be beaten, per period.
        skew: third standardised moment of the returns, 0 for a normal.
        kurtosis: fourth standardised moment, 3 for a normal.
        confidence: one-sided, in (0.5, 1).

    Returns:
        number of returns, > 1; NaN when the ratio is not above the benchmark, as no length is then
        enough, or when the moments contradict it.

    Raises:
        InputError: confidence out of range.
    """
    _check_confidence(confidence)
    spread = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if not (sharpe > benchmark and spread > 0):
        return math.nan
    return 1 + spread * (NormalDist().inv_cdf(confidence) / (sharpe - benchmark)) ** 2


def sharpe_needed(n: int, benchmark: float = 0.0, confidence: float = CONFIDENCE) -> float:
    """Find the Sharpe ratio that n normal returns must show to be above a benchmark.

    It is `minimum_track_record` the other way round, for returns without skew or fat tails; real
    ones need more.

    Args:
        n: number of returns.
        benchmark: to be beaten, per period.
        confidence: one-sided, in (0.5, 1).

    Returns:
        per period, above the benchmark; NaN when so few returns can show nothing.

    Raises:
        InputError: confidence out of range.
    """
    _check_confidence(confidence)
    # (s - b)^2 (n - 1) = z^2 (1 + s^2 / 2), solved for the larger s.
    z2 = NormalDist().inv_cdf(confidence) ** 2
    leading = n - 1 - z2 / 2
    if leading <= 0:
        return math.nan
    half = (n - 1) * benchmark
    root = half * half - leading * (half * benchmark - z2)
    return (half + math.sqrt(root)) / leading


def _check_confidence(confidence: float) -> None:
    if not 0.5 < confidence < 1:  # noqa: PLR2004 - at 0.5 any length would do
        message = f"expected confidence in (0.5, 1), was {confidence}"
        raise InputError(message)
