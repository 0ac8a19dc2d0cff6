"""A number that never travels without its sample size and its interval (D10)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from athena.errors import InputError

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """Hold a value with what is needed to judge it.

    Attributes:
        value: the point estimate; NaN when it is not defined (a ratio of a flat curve).
        low: lower end of the 95 % interval; NaN when no interval exists.
        high: upper end; NaN when no interval exists.
        n: number of observations behind the value.
        method: how the interval was made, or "exact" for a count or sum of what happened.
    """

    value: float
    low: float
    high: float
    n: int
    method: str

    @property
    def has_interval(self) -> bool:
        """Say whether both ends of the interval are known."""
        return math.isfinite(self.low) and math.isfinite(self.high)


def exact(value: float, n: int) -> Estimate:
    """Wrap a figure that is a fact about the run, such as fees paid: it has no interval."""
    return Estimate(value, math.nan, math.nan, n, "exact")


def wilson_interval(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bound the probability behind a count of successes, by Wilson's score interval.

    Args:
        successes: 0 <= successes <= n.
        n: number of trials; 0 gives (NaN, NaN).
        confidence: two-sided, in (0, 1).

    Returns:
        (low, high) as fractions in [0, 1]. 530 of 1,000 gives 0.4990..0.5608.

    Raises:
        InputError: successes outside 0..n.

    Source: E. B. Wilson (1927), Probable inference, JASA 22.
    """
    if not 0 <= successes <= n:
        message = f"expected successes from 0 to {n}, was {successes}"
        raise InputError(message)
    if n == 0:
        return math.nan, math.nan
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def proportion(successes: int, n: int) -> Estimate:
    """Estimate a share with its Wilson interval; NaN when n is 0."""
    low, high = wilson_interval(successes, n)
    return Estimate(successes / n if n else math.nan, low, high, n, "Wilson")
