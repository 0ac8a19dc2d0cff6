"""What past outcomes say about a confidence: isotonic or logistic, whichever did better.

Only what was settled before a moment teaches what is used from then on; what an agent said at
first hand is kept beside what it is taken for (`Output.raw_confidence`, `confidence`).
Only words that point up or down are counted. A hold is right most of the time over a short
horizon, and would lend its record to the purchases of an agent that often holds.

Sources: R. E. Barlow and others (1972), Statistical inference under order restrictions (pooling
adjacent violators); J. C. Platt (1999), Probabilistic outputs for support vector machines, with
the targets of H.-T. Lin, C.-J. Lin and R. C. Weng (2007), Machine Learning 68.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from athena.desk.contract import STRICT
from athena.desk.evaluation._calls import Kind
from athena.errors import InputError

if TYPE_CHECKING:
    from pydantic import ConfigDict

    from athena.desk.evaluation._calls import Flags, Floats, Ints
    from athena.desk.evaluation._outcomes import Outcomes

LEAST_SAMPLES = 100
_LEARN_FRAC = 0.75
_EDGE = 1e-6
_NEWTON_STEPS = 50
_CONVERGED = 1e-10
_RIDGE = 1e-9

Method = Literal["isotonic", "logistic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How often somebody was right at each confidence; never falls as the confidence rises.

    Attributes:
        method: how it was found.
        at: confidences, rising; between them it is straight, beyond them flat.
        right: share that was right there, 0..1, never falling.
        n: outcomes behind it, at least 100.
        known_ns: nothing that was settled later is in it.
        brier: {method: its loss on the newest quarter, having learned from the rest}; what was
            said is `raw`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    method: Method
    at: tuple[float, ...]
    right: tuple[float, ...]
    n: int
    known_ns: int
    brier: dict[str, float]

    def __post_init__(self) -> None:
        """Refuse a curve that falls, or that too few outcomes made."""
        falls = np.any(np.diff(self.at) < 0) or np.any(np.diff(self.right) < 0)
        if falls or not self.at or len(self.at) != len(self.right) or self.n < LEAST_SAMPLES:
            message = f"expected a rising curve of at least {LEAST_SAMPLES}, was of {self.n}"
            raise InputError(message)

    def __call__(self, confidence: float) -> float:
        """Return how often it was right at a confidence, 0..1."""
        return float(np.interp(confidence, self.at, self.right))


@dataclass(frozen=True, slots=True)
class LearnedCalibration:
    """The curves of all agents that have one; see `Calibration` of the agents."""

    curves: dict[str, Curve]

    def calibrated(self, agent: str, confidence: float) -> float | None:
        """Return how often an agent was right at a confidence; None below 100 outcomes."""
        curve = self.curves.get(agent)
        return None if curve is None else curve(confidence)


def calibrate(outcomes: Outcomes, known_ns: int) -> LearnedCalibration:
    """Learn a curve for each agent with at least 100 settled words that point up or down.

    Args:
        outcomes: of calls; those settled after `known_ns` are not read.
        known_ns: moment from which the curves will be used, UTC.
    """
    return LearnedCalibration(
        {
            agent: curve
            for agent in outcomes.calls.names(Kind.AGENT)
            if (curve := calibrate_one(outcomes, Kind.AGENT, agent, known_ns)) is not None
        }
    )


def calibrate_one(outcomes: Outcomes, kind: Kind, who: str, known_ns: int) -> Curve | None:
    """Learn the curve of one speaker; None below 100 outcomes."""
    calls = outcomes.calls
    rows = known_trades(outcomes, calls.said_by(kind, who), known_ns)
    return fit_curve(
        calls.raw_confidence[rows], outcomes.is_right[rows].astype(np.float64), known_ns
    )


def known_trades(outcomes: Outcomes, among: Flags, known_ns: int) -> Ints:
    """Return which calls that point up or down were settled by a moment, oldest first."""
    is_known = among & outcomes.is_settled & (outcomes.settled_ns <= known_ns)
    rows = np.flatnonzero(is_known & (outcomes.calls.sign != 0))
    return rows[np.argsort(outcomes.calls.as_of_ns[rows], kind="stable")]


def fit_curve(said: Floats, right: Floats, known_ns: int) -> Curve | None:
    """Fit both methods to the older three quarters and keep the one that does better on the rest.

    The kept one is fitted again to all. With equal losses it is the logistic, which has fewer
    degrees of freedom.

    Args:
        said: (n,) float64, confidences, oldest first.
        right: (n,) float64 of 0 and 1.
        known_ns: see `Curve`.

    Returns:
        None with fewer than 100.
    """
    n = len(said)
    if n < LEAST_SAMPLES:
        return None
    n_learn = int(n * _LEARN_FRAC)
    learn, test = slice(0, n_learn), slice(n_learn, n)
    brier = {"raw": _brier(said[test], right[test])}
    for name, fit in _FITS.items():
        at, came = fit(said[learn], right[learn])
        brier[name] = _brier(np.interp(said[test], at, came), right[test])
    method: Method = "isotonic" if brier["isotonic"] < brier["logistic"] else "logistic"
    at, came = _FITS[method](said, right)
    return Curve(
        method=method,
        at=tuple(at.tolist()),
        right=tuple(came.tolist()),
        n=n,
        known_ns=known_ns,
        brier=brier,
    )


def fit_isotonic(said: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Find the never falling function nearest to the outcomes, by pooling adjacent violators.

    Args:
        said: (n,) float64, n >= 1.
        right: (n,) float64.

    Returns:
        (m,) confidences rising, and (m,) shares never falling: the ends of each pool.
    """
    points, place = np.unique(said, return_inverse=True)
    weights = np.bincount(place).astype(np.float64)
    means = np.bincount(place, weights=right) / weights
    pools: list[tuple[float, float, int, int]] = []  # mean, weight, first and last point
    for k in range(len(points)):
        pools.append((float(means[k]), float(weights[k]), k, k))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            late, early = pools.pop(), pools.pop()
            weight = early[1] + late[1]
            mean = (early[0] * early[1] + late[0] * late[1]) / weight
            pools.append((mean, weight, early[2], late[3]))
    at, came = [], []
    for mean, _, first, last in pools:
        for k in {first: 0, last: 0}:  # one point where a pool has one
            at.append(float(points[k]))
            came.append(mean)
    return np.array(at), np.maximum.accumulate(np.array(came))


def fit_logistic(said: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Fit 1 / (1 + exp(-(a + b logit(confidence)))) with b >= 0, on Platt's smoothed targets.

    Args:
        said: (n,) float64 in [0, 1], n >= 1.
        right: (n,) float64 of 0 and 1.

    Returns:
        The curve at 101 evenly spaced confidences.
    """
    n_right = float(right.sum())
    n_wrong = len(right) - n_right
    targets = np.where(right > 0, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    x = _logit(said)
    a, b = _newton(x, targets)
    if b < 0:  # it was right less often the surer it was: nothing but its mean can be told
        mean = float(targets.mean())
        a, b = float(_logit(np.array([mean]))[0]), 0.0
    at = np.linspace(0.0, 1.0, 101)
    return at, _sigmoid(a + b * _logit(at))


_FITS = {"isotonic": fit_isotonic, "logistic": fit_logistic}


def _newton(x: Floats, targets: Floats) -> tuple[float, float]:
    design = np.stack([np.ones_like(x), x], axis=1)
    found = np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        p = _sigmoid(design @ found)
        gradient = design.T @ (targets - p)
        # The ridge keeps it solvable where everybody said the same.
        curvature = (design * (p * (1 - p))[:, None]).T @ design + _RIDGE * len(x) * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = float(np.abs(step).max())
        found += step if size <= 1.0 else step / size
        if size < _CONVERGED:
            break
    return float(found[0]), float(found[1])


def _logit(p: Floats) -> Floats:
    inside = np.clip(p, _EDGE, 1 - _EDGE)
    found: Floats = np.log(inside / (1 - inside))
    return found


def _sigmoid(x: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-np.clip(x, -500.0, 500.0)))
    return found


def _brier(p: Floats, right: Floats) -> float:
    return float(np.mean((p - right) ** 2))
