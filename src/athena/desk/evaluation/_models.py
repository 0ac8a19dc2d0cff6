"""Models side by side: one score of five parts, and who leads by more than luck (section 9)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from athena.desk.evaluation._calls import Kind
from athena.desk.evaluation._score import by_date, dates_of, score
from athena.errors import InputError
from athena.research.statistics import diebold_mariano, holm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.desk.evaluation._calls import Floats, Ints
    from athena.desk.evaluation._outcomes import Outcomes
    from athena.desk.evaluation._score import Score

SHOWN_FROM, ACTED_FROM = 30, 100
WEIGHTS = {"accuracy": 0.35, "gain": 0.25, "calibration": 0.20, "latency": 0.10, "cost": 0.10}
_P_MAX = 0.05
# Fixed scales: a model's parts do not change because another one joins.
_NET_RANGE = 0.01  # a mean return of -1 % counts 0, of +1 % counts 1
_ECE_WORST = 0.20
_LATENCY_WORST_MS = 30_000.0
_COST_WORST_USD = 0.50


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScore:
    """One model's place.

    Attributes:
        model: who.
        parts: accuracy, gain, calibration, latency, cost, each 0..1; without a measurement 0.
        total: their weighted sum, 0..1.
        score: the figures behind it, with n and intervals.
        is_shown: at least 30 settled answers.
    """

    model: str
    parts: dict[str, float]
    total: float
    score: Score
    is_shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two models on the occasions on which both answered.

    Attributes:
        better, worse: by the mean of their answers' scores.
        difference: of those means, >= 0.
        n: dates that both answered on.
        p_value: two-sided, after Holm over all pairs; NaN when it could not be tested.
        is_acted_on: p < 0.05 and both have at least 100 settled answers.
    """

    better: str
    worse: str
    difference: float
    n: int
    p_value: float
    is_acted_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComparison:
    """Models side by side.

    Attributes:
        models: best first.
        pairs: those with enough shared dates to be tested.
        leader: who leads; a tie keeps the one before. Empty where nobody may be shown.
        reason: a sentence.
    """

    models: tuple[ModelScore, ...]
    pairs: tuple[Pair, ...]
    leader: str
    reason: str


def compare_models(
    outcomes: Outcomes, leader: str = "", kind: Kind = Kind.MODEL
) -> ModelComparison:
    """Score models and test each pair on what both answered.

    The test compares answers by the same five parts as the score, with 1 - Brier loss in the
    place of the calibration error, which one answer does not have.

    Args:
        outcomes: of their answers over one horizon.
        leader: who leads now; it is replaced only by one that is better by more than luck.
        kind: whom to compare; agents can be compared the same way.
    """
    scored = []
    for name in outcomes.calls.names(kind):
        among = outcomes.calls.said_by(kind, name)
        if np.any(among & outcomes.is_settled):
            scored.append(_place(name, score(outcomes, among)))
    scored.sort(key=lambda one: (-one.total, one.model))
    shown = [one for one in scored if one.is_shown]
    pairs = _test_pairs(outcomes, shown, kind)
    best, reason = _lead(shown, pairs, leader)
    return ModelComparison(models=tuple(scored), pairs=pairs, leader=best, reason=reason)


def _place(name: str, found: Score) -> ModelScore:
    trades = found.trades
    latency = None if found.latency_ms is None else found.latency_ms[1]
    cost = found.cost_per_right_usd
    parts = {
        "accuracy": found.accuracy.value,
        "gain": 0.5 if trades is None else _scaled_net(trades.mean_net_frac.value),
        "calibration": 0.0 if trades is None else max(0.0, 1.0 - trades.ece.value / _ECE_WORST),
        "latency": 0.0 if latency is None else max(0.0, 1.0 - latency / _LATENCY_WORST_MS),
        "cost": 0.0 if cost is None else max(0.0, 1.0 - cost / _COST_WORST_USD),
    }
    total = sum(WEIGHTS[part] * value for part, value in parts.items())
    return ModelScore(
        model=name,
        parts=parts,
        total=total,
        score=found,
        is_shown=found.accuracy.n >= SHOWN_FROM,
    )


def _scaled_net(net_frac: float) -> float:
    return min(max(0.5 + net_frac / (2 * _NET_RANGE), 0.0), 1.0)


def _answer_scores(outcomes: Outcomes, rows: Ints) -> Floats:
    calls, is_right = outcomes.calls, outcomes.is_right[rows].astype(np.float64)
    net = np.clip(0.5 + outcomes.net_frac[rows] / (2 * _NET_RANGE), 0.0, 1.0)
    latency = np.clip(1.0 - calls.latency_ms[rows] / _LATENCY_WORST_MS, 0.0, 1.0)
    cost = np.clip(1.0 - calls.cost_usd[rows] / _COST_WORST_USD, 0.0, 1.0)
    found: Floats = (
        WEIGHTS["accuracy"] * is_right
        + WEIGHTS["gain"] * net
        + WEIGHTS["calibration"] * (1.0 - (calls.confidence[rows] - is_right) ** 2)
        + WEIGHTS["latency"] * np.nan_to_num(latency)
        + WEIGHTS["cost"] * np.nan_to_num(cost)
    )
    return found


def _test_pairs(outcomes: Outcomes, shown: Sequence[ModelScore], kind: Kind) -> tuple[Pair, ...]:
    tables, counts = {}, {}
    settled = outcomes.is_settled
    dates = np.unique(outcomes.calls.as_of_ns)
    for one in shown:
        rows = np.flatnonzero(settled & outcomes.calls.said_by(kind, one.model))
        whole = np.full((len(dates), len(outcomes.calls.symbols)), np.nan)
        own = np.searchsorted(dates, np.unique(outcomes.calls.as_of_ns[rows]))
        whole[own] = by_date(outcomes, rows, _answer_scores(outcomes, rows))
        tables[one.model], counts[one.model] = whole, len(rows)
    _, reach = dates_of(outcomes, np.flatnonzero(settled))
    found = []
    for first, second in combinations(tables, 2):
        try:  # losses are scores with their sign turned
            test = diebold_mariano(-tables[first], -tables[second], reach)
        except InputError:
            continue  # fewer shared dates than the test needs
        found.append((first, second, test))
    known = [not math.isnan(test.p_two_sided) for _, _, test in found]
    raw = [test.p_two_sided for _, _, test in found if not math.isnan(test.p_two_sided)]
    adjusted = iter(holm(np.array(raw)).tolist())
    pairs = []
    for (first, second, test), is_known in zip(found, known, strict=True):
        is_first = test.mean_difference <= 0
        better, worse = (first, second) if is_first else (second, first)
        p_value = next(adjusted) if is_known else math.nan
        is_enough = min(counts[first], counts[second]) >= ACTED_FROM
        pairs.append(
            Pair(
                better=better,
                worse=worse,
                difference=abs(test.mean_difference),
                n=test.n,
                p_value=p_value,
                is_acted_on=p_value < _P_MAX and is_enough,
            )
        )
    return tuple(pairs)


def _lead(shown: Sequence[ModelScore], pairs: Sequence[Pair], leader: str) -> tuple[str, str]:
    if not shown:
        return leader, f"nobody has {SHOWN_FROM} settled answers"
    if leader not in {one.model for one in shown}:
        if leader:
            return leader, f"{leader} leads and has no {SHOWN_FROM} settled answers to compare"
        return shown[0].model, "nobody led before: the highest score"
    beaten_by = {pair.better for pair in pairs if pair.is_acted_on and pair.worse == leader}
    place = {one.model: one for one in shown}
    ahead = [
        one.model for one in shown if one.model in beaten_by and one.total > place[leader].total
    ]
    if ahead:
        return ahead[0], f"{ahead[0]} is better than {leader} by more than luck"
    return leader, f"nobody is better than {leader} by more than luck"
