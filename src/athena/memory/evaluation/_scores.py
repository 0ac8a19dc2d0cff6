"""How well a ranked list answers a question, and how sure a mean over questions is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MEASURES = ("recall@5", "recall@10", "ndcg@10", "hit@10")
N_RANKED = 10
SEED = 20_240_607
_RESAMPLES = 2_000
_FEW = 5
_TAIL = 0.025


def score_ranking(ranked: Sequence[Collection[str]], gold: Collection[str]) -> Floats:
    """Score the first ten of a ranking.

    Args:
        ranked: best first; the ids that each place stands for (words said twice are one entry).
        gold: ids that answer the question, at least one.

    Returns:
        (4,) float64 in [0, 1], higher is better: the share of the gold ids in the first 5 and 10;
        the discounted gain 1 / log2(1 + rank) of each right place over that of the best ranking
        (K. Jarvelin and J. Kekalainen (2002), ACM TOIS 20); 1 if one of the first 10 is right.
    """
    wanted = set(gold)
    is_right = [not wanted.isdisjoint(ids) for ids in ranked[:N_RANKED]]
    recalls = [
        len(wanted & {name for ids in ranked[:k] for name in ids}) / len(wanted)
        for k in (_FEW, N_RANKED)
    ]
    gain = sum(_discount(place) for place, right in enumerate(is_right) if right)
    best = sum(_discount(place) for place in range(min(N_RANKED, len(wanted))))
    return np.array([*recalls, min(1.0, gain / best), float(any(is_right))])


def bootstrap_interval(scores: Sequence[Floats], seed: int = SEED) -> Floats:
    """Bound means over questions by drawing whole dialogues again: their questions are alike.

    Args:
        scores: for each dialogue an (n, m) array, a row a question.
        seed: of the draws.

    Returns:
        (m, 2) ends of the central 95 % of 2,000 draws; NaN with fewer than two dialogues.
    """
    sums = np.array([rows.sum(axis=0) for rows in scores])
    counts = np.array([len(rows) for rows in scores], dtype=np.float64)
    n = len(scores)
    if n < 2:  # noqa: PLR2004 - one dialogue tells nothing of others
        return np.full((sums.shape[1], 2), math.nan)
    draws = np.random.default_rng(seed).integers(0, n, size=(_RESAMPLES, n))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)[:, None]
    ends: Floats = np.quantile(means, [_TAIL, 1 - _TAIL], axis=0)
    return ends.T


def _discount(place: int) -> float:
    return 1.0 / math.log2(place + 2)
