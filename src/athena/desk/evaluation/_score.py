"""How good somebody has been: each figure with its sample size and interval (D10)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.statistics import (
    Estimate,
    SkillScore,
    estimate_of_sums,
    proportion,
    score_losses,
)

if TYPE_CHECKING:
    from athena.desk.evaluation._calls import Flags, Floats, Ints
    from athena.desk.evaluation._outcomes import Outcomes

BINS = 10
GOOD_ECE, BAD_ECE = 0.10, 0.20
_LEAST_BLOCK = 20
_PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Reliability:
    """One bin of a calibration curve.

    Attributes:
        low, high: confidences that fall into it.
        said: mean confidence.
        came: share that was right, with its Wilson interval and n.
    """

    low: float
    high: float
    said: float
    came: Estimate


@dataclass(frozen=True, slots=True)
class TradeScore:
    """How good the words that point up or down were; a hold's confidence is no probability.

    Attributes:
        accuracy: share that was right; n counts them.
        base_rate: what the better of always-up and always-down got on the same occasions.
        brier: of the confidences against the base rate of what was said, with skill and interval;
            None where there are too few dates for an interval.
        ece: expected calibration error over 10 bins, 0..1; below 0.10 good, above 0.20 bad.
        curve: bins that are not empty.
        mean_net_frac: return of a trade after costs.
        total_net_frac: sum over all, one equal stake each.
    """

    accuracy: Estimate
    base_rate: float
    brier: SkillScore | None
    ece: Estimate
    curve: tuple[Reliability, ...]
    mean_net_frac: Estimate
    total_net_frac: float

    def __post_init__(self) -> None:
        """Refuse a score without sample size or interval."""
        _check(self.accuracy)
        if self.ece.n < 1 or self.mean_net_frac.n < 1:
            message = f"expected figures with their sample sizes, was {self.ece}"
            raise InputError(message)


@dataclass(frozen=True, slots=True)
class Score:
    """How good a speaker was over one horizon.

    Attributes:
        accuracy: share of all words that was right, with its Wilson interval; n counts them.
        base_rate, base_word: what the best constant word got on the same occasions, and which.
        n_pending, n_unpriced: words that are not counted, and why.
        n_effective: occasions that do not overlap, about.
        trades: of the words that point up or down; None without any.
        latency_ms: 50th, 95th and 99th percentile; None where nobody measured it.
        cost_per_right_usd: what a right answer cost; None where nobody measured it.
    """

    accuracy: Estimate
    base_rate: float
    base_word: str
    n_pending: int
    n_unpriced: int
    n_effective: float
    trades: TradeScore | None
    latency_ms: tuple[float, float, float] | None = None
    cost_per_right_usd: float | None = None

    def __post_init__(self) -> None:
        """Refuse a score without sample size, interval or base rate."""
        _check(self.accuracy)
        if not (0 <= self.base_rate <= 1 and self.n_effective > 0):
            message = f"expected a base rate and a sample size, was {self.base_rate}"
            raise InputError(message)


def _check(estimate: Estimate) -> None:
    if estimate.n < 1 or not estimate.has_interval:
        message = f"expected accuracy with sample size and interval, was {estimate}"
        raise InputError(message, hint="nothing is settled yet: wait for the horizon to be over")


def score(outcomes: Outcomes, among: Flags | None = None) -> Score:
    """Score some calls.

    Args:
        outcomes: of calls, over one horizon.
        among: (N,) bool, which calls; all when None.

    Raises:
        InputError: none of them is settled, so that there is nothing to say.
    """
    chosen = np.ones(len(outcomes.calls), bool) if among is None else among
    rows = np.flatnonzero(chosen & outcomes.is_settled)
    n_right = int(outcomes.is_right[rows].sum())
    rates = dict(zip(("up", "down", "hold"), outcomes.base_rates(chosen), strict=True))
    word = max(rates, key=lambda name: rates[name]) if len(rows) else ""
    trades = rows[outcomes.calls.sign[rows] != 0]
    _, reach = dates_of(outcomes, rows)
    n_dates = len(np.unique(outcomes.calls.as_of_ns[rows]))
    return Score(
        accuracy=proportion(n_right, len(rows)),
        base_rate=rates.get(word, math.nan),
        base_word=word,
        n_pending=int(np.count_nonzero(chosen & outcomes.is_pending)),
        n_unpriced=int(np.count_nonzero(chosen & outcomes.is_unpriced)),
        n_effective=n_dates / reach,
        trades=_score_trades(outcomes, trades) if len(trades) else None,
        latency_ms=_percentiles(outcomes.calls.latency_ms[rows]),
        cost_per_right_usd=_cost_per_right(outcomes.calls.cost_usd[rows], n_right),
    )


def brier_losses(
    outcomes: Outcomes, rows: Ints, base_rates: tuple[float, float, float]
) -> tuple[Floats, Floats]:
    """Return the Brier losses of directional calls, and of the base rate of what was said.

    Args:
        outcomes: of calls over one horizon.
        rows: settled ones that point up or down.
        base_rates: how often it went up, down and nowhere over the occasions of all calls,
            whoever spoke: somebody who only speaks before a rise is better than it.

    Returns:
        (own, reference), each (len(rows),) in [0, 1].
    """
    up, down, _ = base_rates
    is_right = outcomes.is_right[rows].astype(np.float64)
    base = np.where(outcomes.calls.sign[rows] > 0, up, down)
    return (outcomes.calls.confidence[rows] - is_right) ** 2, (base - is_right) ** 2


def by_date(outcomes: Outcomes, rows: Ints, values: Floats) -> Floats:
    """Lay values of calls out by date: (T, S), one column per symbol; NaN where nothing was said.

    Of several calls of one date and symbol the mean is taken.
    """
    dates, place = np.unique(outcomes.calls.as_of_ns[rows], return_inverse=True)
    n_symbols = len(outcomes.calls.symbols)
    cell = place * n_symbols + outcomes.calls.symbol[rows]
    size = len(dates) * n_symbols
    sums = np.bincount(cell, weights=values, minlength=size)
    counts = np.bincount(cell, minlength=size)
    table = np.full(size, np.nan)
    np.divide(sums, counts, out=table, where=counts > 0)
    return table.reshape(len(dates), n_symbols)


def dates_of(outcomes: Outcomes, rows: Ints) -> tuple[Ints, int]:
    """Return each call's date by number, and how many dates one horizon spans, >= 1."""
    dates, place = np.unique(outcomes.calls.as_of_ns[rows], return_inverse=True)
    if len(dates) < 2:  # noqa: PLR2004 - a step needs two dates
        return place.astype(np.int64), 1
    step_ns = float(np.median(np.diff(dates)))
    return place.astype(np.int64), max(1, math.ceil(outcomes.horizon_ns / step_ns))


def _score_trades(outcomes: Outcomes, rows: Ints) -> TradeScore:
    place, reach = dates_of(outcomes, rows)
    n_dates = int(place.max()) + 1
    block = max(_LEAST_BLOCK, 2 * reach)
    said = outcomes.calls.confidence[rows]
    is_right = outcomes.is_right[rows].astype(np.float64)
    net = outcomes.net_frac[rows]
    moves = outcomes.move_frac[rows]
    n_up, n_down = int((moves > 0).sum()), int((moves < 0).sum())
    bins = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    sums = np.zeros((n_dates, 2 * BINS))
    np.add.at(sums, (place, bins), said - is_right)
    np.add.at(sums, (place, BINS + bins), 1.0)
    nets: Floats = np.stack(
        [np.bincount(place, net, n_dates), np.bincount(place, minlength=n_dates)], axis=1
    )
    return TradeScore(
        accuracy=proportion(int(is_right.sum()), len(rows)),
        base_rate=max(n_up, n_down) / len(rows),
        brier=_brier(outcomes, rows, reach),
        ece=estimate_of_sums(sums, _calibration_error, len(rows), block),
        curve=_curve(bins, said, is_right),
        mean_net_frac=estimate_of_sums(nets, _mean, len(rows), block),
        total_net_frac=float(net.sum()),
    )


def _brier(outcomes: Outcomes, rows: Ints, reach: int) -> SkillScore | None:
    everybody = np.ones(len(outcomes.calls), bool)
    own, base = brier_losses(outcomes, rows, outcomes.base_rates(everybody))
    n_dates = len(np.unique(outcomes.calls.as_of_ns[rows]))
    if n_dates < 2 * max(_LEAST_BLOCK, 2 * reach) or not base.any():
        return None
    return score_losses(
        by_date(outcomes, rows, own),
        by_date(outcomes, rows, base),
        "base rate of what was said",
        reach,
    )


def _calibration_error(sums: Floats) -> Floats:
    """Return the weighted mean gap between what was said and what came: (R, 2 x BINS) -> (R,)."""
    gaps, counts = sums[:, :BINS], sums[:, BINS:]
    error: Floats = np.abs(gaps).sum(axis=1) / counts.sum(axis=1)
    return error


def _mean(sums: Floats) -> Floats:
    mean: Floats = sums[:, 0] / sums[:, 1]
    return mean


def _curve(bins: Ints, said: Floats, is_right: Floats) -> tuple[Reliability, ...]:
    found = []
    for k in np.unique(bins).tolist():
        inside = bins == k
        came = proportion(int(is_right[inside].sum()), int(inside.sum()))
        found.append(Reliability(k / BINS, (k + 1) / BINS, float(said[inside].mean()), came))
    return tuple(found)


def _percentiles(values: Floats) -> tuple[float, float, float] | None:
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, middle, high = np.percentile(known, _PERCENTILES)
    return float(low), float(middle), float(high)


def _cost_per_right(costs: Floats, n_right: int) -> float | None:
    known = costs[~np.isnan(costs)]
    return float(known.sum()) / n_right if len(known) and n_right else None
