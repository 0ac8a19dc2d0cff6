"""How much data a claim needs, and how good pure noise looks: two tables to read beside it."""

from __future__ import annotations

import math
from statistics import NormalDist

from athena.errors import InputError
from athena.research.statistics._deflated import expected_maximum_sharpe

POWER_ACCURACIES = (0.505, 0.51, 0.52, 0.53, 0.55)
NOISE_TRIALS = (10, 100, 1_000, 10_000)
NOISE_YEARS = (2.0, 5.0)


def bars_needed(accuracy: float, significance: float = 0.05, power: float = 0.8) -> int:
    """Count the independent bars needed to show that direction is called better than a coin.

    One-sided test of a share against one half, by the normal approximation. In a panel count
    dates, not rows; forecasts over h bars are independent only every h bars.

    Args:
        accuracy: true share of right calls, above 0.5 and below 1.
        significance: chance to claim when there is nothing, in (0, 0.5).
        power: chance to find it when it is there, in (0.5, 1).

    Raises:
        InputError: an argument is out of range.
    """
    if not (0.5 < accuracy < 1 and 0 < significance < 0.5 < power < 1):  # noqa: PLR2004 - a coin
        message = (
            "expected accuracy and power in (0.5, 1) and significance in (0, 0.5), was "
            f"{accuracy}, {power} and {significance}"
        )
        raise InputError(message)
    quantile = NormalDist().inv_cdf
    under_coin = quantile(1 - significance) * 0.5
    under_skill = quantile(power) * math.sqrt(accuracy * (1 - accuracy))
    return round(((under_coin + under_skill) / (accuracy - 0.5)) ** 2)


def noise_sharpe(n_trials: int, years: float) -> float:
    """Estimate the best annual Sharpe ratio among n strategies without skill.

    Over so many years the Sharpe ratio of a strategy without skill has a variance of about
    1 / years.

    Args:
        n_trials: independent strategies, >= 1.
        years: of data, > 0.

    Raises:
        InputError: n_trials < 1 or years not positive.
    """
    if not years > 0:
        message = f"expected years > 0, was {years}"
        raise InputError(message)
    return expected_maximum_sharpe(n_trials, 1.0 / years)
