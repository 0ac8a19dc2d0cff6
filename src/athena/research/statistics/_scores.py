"""How good a forecast was: direction, probability, quantiles, size; each beside what is trivial.

A score cannot be made without its sample size, its interval and what it is compared with (P1-8,
FC-33): where one of them does not exist there is an `InputError` and no score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.statistics._bootstrap import block_indices, interval
from athena.research.statistics._estimate import Estimate, proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.research.statistics._returns import Floats

_LEAST_BLOCK = 20


@dataclass(frozen=True, slots=True)
class DirectionScore:
    """Say how often up and down were called right, and what calling always up would have got.

    Attributes:
        accuracy: share of right calls, with its 95 % interval; n counts calls.
        base_rate: share of calls after which it went up: the accuracy of always-up.
        n_effective: independent observations, about dates / horizon; always > 0.
        n_zero_returns: left out, because nothing moved.
        n_zero_forecasts: left out, because nothing was called.
        horizon: bars ahead.
    """

    accuracy: Estimate
    base_rate: float
    n_effective: float
    n_zero_returns: int
    n_zero_forecasts: int
    horizon: int

    def __post_init__(self) -> None:
        """Refuse a score without base rate, sample size or interval."""
        _check_estimate(self.accuracy, "accuracy")
        _check_sample(self.n_effective, self.horizon)
        if not 0 <= self.base_rate <= 1:
            message = f"expected a base rate in [0, 1], was {self.base_rate}"
            raise InputError(message)

    @property
    def always_up_accuracy(self) -> float:
        """Return what calling up every time would have got."""
        return self.base_rate

    @property
    def skill(self) -> float:
        """Return the accuracy above that of the better of always-up and always-down (FC-35)."""
        return self.accuracy.value - max(self.base_rate, 1.0 - self.base_rate)


@dataclass(frozen=True, slots=True)
class SkillScore:
    """Compare the mean loss of a forecast with that of a reference on the same dates.

    Attributes:
        loss: mean loss of the forecast, >= 0, with its 95 % interval; n counts forecasts.
        reference: what it is compared with, in words.
        reference_loss: mean loss of that, > 0.
        skill: 1 - loss / reference_loss with its interval; 0 is no better, 1 is perfect.
        n_effective: independent observations, about dates / horizon; always > 0.
        horizon: bars ahead.
    """

    loss: Estimate
    reference: str
    reference_loss: float
    skill: Estimate
    n_effective: float
    horizon: int

    def __post_init__(self) -> None:
        """Refuse a score without reference, sample size or interval."""
        if not (self.reference and self.reference_loss > 0):
            message = (
                "expected a named reference with a loss > 0, was "
                f"{self.reference!r} with {self.reference_loss}"
            )
            raise InputError(message)
        _check_estimate(self.loss, "loss")
        _check_estimate(self.skill, "skill")
        _check_sample(self.n_effective, self.horizon)


def _check_estimate(estimate: Estimate, name: str) -> None:
    if estimate.n < 1 or not estimate.has_interval:
        message = f"expected {name} with sample size and interval, was {estimate}"
        raise InputError(message)


def _check_sample(n_effective: float, horizon: int) -> None:
    if horizon < 1 or not n_effective > 0:
        message = (
            "expected a horizon >= 1 and an effective sample size > 0, was "
            f"{horizon} and {n_effective}"
        )
        raise InputError(message)


def score_direction(forecasts: Floats, returns: Floats, horizon: int = 1) -> DirectionScore:
    """Score the sign of forecasts against what happened.

    The interval is Wilson's for one series one bar ahead; else whole blocks of dates are drawn
    again, because calls of one date and of overlapping horizons are not independent.

    Args:
        forecasts: (T,) or (T, N) float64, oldest date first, one column per symbol; only the sign
            counts, 0 is no call. NaN is missing.
        returns: of the same shape, over the horizon after each date; NaN is missing.
        horizon: bars ahead, >= 1.

    Raises:
        InputError: shapes differ, no call is left, or there are too few dates for an interval.
    """
    called, happened = _table(forecasts), _table(returns, forecasts)
    known = ~(np.isnan(called) | np.isnan(happened))
    is_used = known & (called != 0) & (happened != 0)
    hits = np.where(is_used, (called > 0) == (happened > 0), 0.0).sum(axis=1)
    counts = is_used.sum(axis=1)
    n = int(counts.sum())
    n_dates = _count_dates(counts)
    if horizon == 1 and called.shape[1] == 1:
        accuracy = proportion(int(hits.sum()), n)
    else:
        accuracy, _ = _ratios_of_sums(hits, None, counts, horizon)
    return DirectionScore(
        accuracy=accuracy,
        base_rate=float(np.mean(happened[is_used] > 0)),
        n_effective=n_dates / horizon,
        n_zero_returns=int(np.count_nonzero(known & (happened == 0))),
        n_zero_forecasts=int(np.count_nonzero(known & (called == 0) & (happened != 0))),
        horizon=horizon,
    )


def score_probability(p_up: Floats, returns: Floats, horizon: int = 1) -> SkillScore:
    """Score probabilities of "up" by the Brier score, against the base rate (FC-35).

    The base rate is that of the scored dates themselves, which is the hardest constant to beat.

    Args:
        p_up: (T,) or (T, N) float64 in [0, 1]; NaN is missing.
        returns: of the same shape, over the horizon after each date; zeros are left out.
        horizon: bars ahead, >= 1.

    Raises:
        InputError: a probability is out of range, shapes differ, everything went the same way, or
            there are too few dates for an interval.

    Source: G. W. Brier (1950), Verification of forecasts expressed in terms of probability,
    Monthly Weather Review 78.
    """
    told, happened = _table(p_up), _table(returns, p_up)
    if np.any((told < 0) | (told > 1)):
        message = "expected probabilities in [0, 1], was outside"
        raise InputError(message)
    is_up = np.where(np.isnan(happened) | (happened == 0), np.nan, happened > 0)
    is_up[np.isnan(told)] = np.nan
    _count_dates(np.count_nonzero(~np.isnan(is_up), axis=1))
    base_rate = float(np.nanmean(is_up))
    return score_losses(
        (told - is_up) ** 2, (base_rate - is_up) ** 2, f"base rate {base_rate:.3f}", horizon
    )


def score_quantiles(  # noqa: PLR0913, PLR0917 - forecast, outcome, and what it is compared with
    quantiles: Floats,
    levels: Floats,
    returns: Floats,
    reference_quantiles: Floats,
    reference: str,
    horizon: int = 1,
) -> SkillScore:
    """Score quantile forecasts by the CRPS, against those of a baseline.

    Args:
        quantiles: (T, Q) or (T, N, Q) float64; NaN is missing.
        levels: (Q,) float64 in (0, 1), increasing.
        returns: (T,) or (T, N), over the horizon after each date; NaN is missing.
        reference_quantiles: of the baseline, shape of quantiles.
        reference: name of the baseline.
        horizon: bars ahead, >= 1.

    Raises:
        InputError: shapes or levels do not fit, or there are too few dates for an interval.
    """
    loss = quantile_crps(quantiles, levels, returns)
    return score_losses(
        loss, quantile_crps(reference_quantiles, levels, returns), reference, horizon
    )


def score_returns(
    forecasts: Floats,
    returns: Floats,
    reference_forecasts: Floats | float = 0.0,
    reference: str = "zero",
    horizon: int = 1,
) -> SkillScore:
    """Score point forecasts of returns; the skill is the out-of-sample R2.

    R2 = 1 - sum((y - f)^2) / sum((y - r)^2), r = 0 or the drift of the training block. It is
    never centred on the mean of the scored dates, which nobody knew.

    Args:
        forecasts: (T,) or (T, N) float64; NaN is missing.
        returns: of the same shape, over the horizon after each date; NaN is missing.
        reference_forecasts: one number, or of the same shape.
        reference: its name.
        horizon: bars ahead, >= 1.

    Raises:
        InputError: shapes differ, or there are too few dates for an interval.

    Source: J. Y. Campbell and S. B. Thompson (2008), Predicting excess stock returns out of
    sample, Review of Financial Studies 21.
    """
    told, happened = _table(forecasts), _table(returns, forecasts)
    other = np.broadcast_to(reference_forecasts, forecasts.shape).reshape(told.shape)
    return score_losses((happened - told) ** 2, (happened - other) ** 2, reference, horizon)


def quantile_crps(quantiles: Floats, levels: Floats, returns: Floats) -> Floats:
    """Compute twice the mean pinball loss over the levels, which approximates the CRPS.

    Args:
        quantiles: (..., Q) float64, unit of the returns.
        levels: (Q,) float64 in (0, 1), increasing.
        returns: (...) float64.

    Returns:
        (...) float64, >= 0, unit of the returns; lower is better; NaN where an input is.

    Raises:
        InputError: shapes do not fit, or the levels are not increasing within (0, 1).

    Source: T. Gneiting and R. Ranjan (2011), Comparing density forecasts using threshold- and
    quantile-weighted scoring rules, Journal of Business and Economic Statistics 29.
    """
    if quantiles.shape != (*returns.shape, *levels.shape) or levels.ndim != 1:
        message = (
            f"expected quantiles of shape {(*returns.shape, *levels.shape)}, was {quantiles.shape}"
        )
        raise InputError(message)
    if not (len(levels) and levels[0] > 0 and levels[-1] < 1 and np.all(np.diff(levels) > 0)):
        message = f"expected increasing levels in (0, 1), was {levels.tolist()}"
        raise InputError(message)
    error = returns[..., None] - quantiles
    return np.asarray(2.0 * np.maximum(levels * error, (levels - 1.0) * error).mean(axis=-1))


def score_losses(
    losses: Floats, reference_losses: Floats, reference: str, horizon: int = 1
) -> SkillScore:
    """Compare any losses with those of a reference; dates are drawn in blocks for the interval.

    Args:
        losses: (T,) or (T, N) float64, >= 0, oldest date first; NaN is missing.
        reference_losses: same shape; a value missing in one is left out of both.
        reference: what it is, in words.
        horizon: bars ahead, >= 1; a block is max(20, 2 * horizon) dates.

    Raises:
        InputError: shapes differ, no loss is left, the reference is perfect, or there are fewer
            dates than two blocks.
    """
    own, other = _table(losses), _table(reference_losses, losses)
    is_used = ~(np.isnan(own) | np.isnan(other))
    counts = is_used.sum(axis=1)
    n_dates = _count_dates(counts)
    sums = np.where(is_used, own, 0.0).sum(axis=1)
    other_sums = np.where(is_used, other, 0.0).sum(axis=1)
    loss, skill = _ratios_of_sums(sums, other_sums, counts, horizon)
    return SkillScore(
        loss=loss,
        reference=reference,
        reference_loss=float(other_sums.sum() / counts.sum()),
        skill=skill,
        n_effective=n_dates / horizon,
        horizon=horizon,
    )


def _table(values: Floats, like: Floats | None = None) -> Floats:
    """Return values as (T, N); one series is one column."""
    if values.ndim not in {1, 2} or (like is not None and values.shape != like.shape):
        other = "" if like is None else f" and {like.shape}"
        message = f"expected values of one shape (T,) or (T, N), was {values.shape}{other}"
        raise InputError(message)
    return values.reshape(len(values), -1)


def _count_dates(counts: NDArray[np.int_]) -> int:
    n_dates = int(np.count_nonzero(counts))
    if n_dates == 0:
        message = "expected forecasts with outcomes that moved, was none"
        raise InputError(message, hint="score a longer period")
    return n_dates


def _ratios_of_sums(
    sums: Floats, other_sums: Floats | None, counts: NDArray[np.int_], horizon: int
) -> tuple[Estimate, Estimate]:
    """Estimate the mean, and its skill against another mean, from sums per date."""
    is_used = counts > 0
    block = max(_LEAST_BLOCK, 2 * horizon)
    n_dates = int(np.count_nonzero(is_used))
    if horizon < 1 or n_dates < 2 * block:
        message = (
            f"expected a horizon >= 1 and at least {2 * block} dates with outcomes, was "
            f"{horizon} and {n_dates}"
        )
        raise InputError(message, hint="score a longer period: fewer dates give no interval")
    sums, counts = sums[is_used], counts[is_used]
    other = counts.astype(np.float64) if other_sums is None else other_sums[is_used]
    means, skills = [], []
    for rows in block_indices(n_dates, block=block):
        total = sums[rows].sum(axis=1)
        means.append(total / counts[rows].sum(axis=1))
        against = other[rows].sum(axis=1)
        skills.append(1.0 - total / np.where(against > 0, against, np.nan))
    n = int(counts.sum())
    method = f"moving-block bootstrap of dates, block {block}"
    mean, whole = float(sums.sum() / n), float(other.sum())
    return (
        Estimate(mean, *interval(np.concatenate(means)), n, method),
        Estimate(
            1.0 - float(sums.sum()) / whole if whole > 0 else np.nan,
            *interval(np.concatenate(skills)),
            n,
            method,
        ),
    )
