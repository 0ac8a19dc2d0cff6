"""Whether somebody is no longer what the record says: inputs, losses, wins, confidence.

Sources: the population stability index as credit scoring uses it (N. Siddiqi (2006), Credit risk
scorecards); E. S. Page (1954), Continuous inspection schemes, Biometrika 41 (CUSUM).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from athena.desk.evaluation._calibration import known_trades
from athena.desk.evaluation._calls import Kind
from athena.desk.evaluation._score import brier_losses, dates_of
from athena.domain import DAY_NS
from athena.errors import InputError
from athena.research.statistics import wilson_interval

if TYPE_CHECKING:
    from athena.desk.evaluation._calls import Floats
    from athena.desk.evaluation._outcomes import Outcomes

PSI_MAX = 0.2
_PSI_BINS = 10
_EMPTY = 1e-4
_SLACK = 0.5
_ALARM = 5.0
_WINS_MIN = 0.40
_CONFIDENCE_MIN = 0.5
_LEAST_SAMPLES = 30
_WEEK_NS = 7 * DAY_NS

DriftKind = Literal["inputs", "brier", "wins", "confidence"]
# An agent that says it knows little is honest: a low mean confidence is told, not punished.
_PUNISHED = frozenset({"inputs", "brier", "wins"})


@dataclass(frozen=True, slots=True)
class Drift:
    """One alert about an agent.

    Attributes:
        agent: who.
        kind: what drifts.
        was: what was measured.
        limit: that it passed.
        interval: 95 %, of a share; None for what has none.
        n: observations behind it.
    """

    agent: str
    kind: DriftKind
    was: float
    limit: float
    interval: tuple[float, float] | None
    n: int

    @property
    def costs_weight(self) -> bool:
        """Tell whether the weight goes to its floor."""
        return self.kind in _PUNISHED


def find_drift(outcomes: Outcomes, agent: str, known_ns: int) -> tuple[Drift, ...]:
    """Look at an agent's newest 7 days against its record; needs 30 settled trades in each.

    Args:
        outcomes: of calls over one horizon; what was settled after `known_ns` is not read.
        agent: who.
        known_ns: moment, UTC.
    """
    calls = outcomes.calls
    rows = known_trades(outcomes, calls.said_by(Kind.AGENT, agent), known_ns)
    is_new = outcomes.settled_ns[rows] > known_ns - _WEEK_NS
    newest, older = rows[is_new], rows[~is_new]
    found: list[Drift] = []
    if len(newest) < _LEAST_SAMPLES:
        return ()
    right = outcomes.is_right[newest]
    share, n = float(right.mean()), len(newest)
    if share < _WINS_MIN:
        _, reach = dates_of(outcomes, newest)
        fewer = max(1, n // reach)
        bounds = wilson_interval(round(share * fewer), fewer)
        found.append(Drift(agent, "wins", share, _WINS_MIN, bounds, n))
    mean = float(calls.confidence[newest].mean())
    if mean < _CONFIDENCE_MIN:
        found.append(Drift(agent, "confidence", mean, _CONFIDENCE_MIN, None, n))
    if len(older) >= _LEAST_SAMPLES:
        rates = outcomes.base_rates(outcomes.settled_ns <= known_ns)
        losses, _ = brier_losses(outcomes, newest, rates)
        before, _ = brier_losses(outcomes, older, rates)
        _, reach = dates_of(outcomes, rows)
        reached = cusum(losses[::reach], float(before.mean()), float(before.std()))
        if reached > _ALARM:
            found.append(Drift(agent, "brier", reached, _ALARM, None, n))
    return tuple(found)


def population_stability(before: Floats, after: Floats) -> float:
    """Compare two samples of an input: the sum of (b - a) ln(b / a) over ten bins of the first.

    Args:
        before: (n,) float64, finite, n >= 10.
        after: (m,) float64, finite, m >= 1.

    Returns:
        >= 0; above 0.2 the input is another one. An empty bin counts as a share of 1e-4.

    Raises:
        InputError: too few values, or one is not finite.
    """
    if len(before) < _PSI_BINS or not len(after):
        message = f"expected at least {_PSI_BINS} values and 1, was {len(before)}, {len(after)}"
        raise InputError(message)
    if not (np.all(np.isfinite(before)) and np.all(np.isfinite(after))):
        message = "expected finite values, was another among them"
        raise InputError(message)
    edges = np.unique(np.quantile(before, np.linspace(0, 1, _PSI_BINS + 1)[1:-1]))
    shares = []
    for values in (before, after):
        counts = np.bincount(np.searchsorted(edges, values, "right"), minlength=len(edges) + 1)
        shares.append(np.maximum(counts / len(values), _EMPTY))
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def cusum(losses: Floats, mean: float, deviation: float) -> float:
    """Return the highest sum of losses above mean + half a deviation, in deviations, from 0 up.

    Args:
        losses: (n,) float64, oldest first.
        mean: of the record.
        deviation: of the record, >= 0; without any, the sum is 0.
    """
    if deviation <= 0:
        return 0.0
    steps = (losses - mean) / deviation - _SLACK
    sums = np.cumsum(steps)
    lows = np.minimum.accumulate(np.concatenate([[0.0], sums]))[:-1]
    return float(max(0.0, np.max(sums - lows, initial=0.0)))
