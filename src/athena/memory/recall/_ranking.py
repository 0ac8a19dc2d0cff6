"""How the scores of an entry become one: standardised, weighed, shared with its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import DAY_NS
from athena.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RANK_OFFSET = 60  # G. Cormack, C. Clarke and S. Buettcher (2009), Reciprocal rank fusion, SIGIR


@dataclass(frozen=True, slots=True)
class Ranking:
    """Say how entries are ranked; `athena memory eval` measures what each part is worth.

    Attributes:
        word_weight: of the BM25 score, >= 0.
        vector_weight: of the similarity of vectors, >= 0; None for what the embedder says.
        recency_weight: of 2^(-age / half-life), >= 0.
        half_life_ns: age at which recency is one half.
        neighbour_share: what an entry gets of the score of the entry beside it in its episode, in
            [0, 1); the square of it from the one after that.
        quality_share: how far the score is scaled by the entry's quality, in [0, 1].
        by_ranks: True to add 1 / (60 + rank) of words and vectors instead of their scores.
    """

    word_weight: float = 1.0
    vector_weight: float | None = None
    recency_weight: float = 0.0
    half_life_ns: int = 30 * DAY_NS
    neighbour_share: float = 0.5
    quality_share: float = 0.5
    by_ranks: bool = False

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            InputError: a field is out of its bounds.
        """
        weights = (self.word_weight, self.vector_weight or 0.0, self.recency_weight)
        are_shares = 0 <= self.neighbour_share < 1 and 0 <= self.quality_share <= 1
        if not (all(0 <= weight < np.inf for weight in weights) and are_shares):
            message = f"expected weights >= 0, and shares in [0, 1), was {self}"
            raise InputError(message)
        if self.half_life_ns <= 0:
            message = f"expected a half-life > 0 ns, was {self.half_life_ns}"
            raise InputError(message)


def standardise(values: Floats) -> Floats:
    """Shift and scale values to mean 0 and deviation 1; all equal gives zeros."""
    if not len(values):
        return values
    centred: Floats = values - values.mean()
    deviation = float(np.sqrt(np.square(centred).mean()))
    if deviation:
        centred /= deviation
    else:
        centred[:] = 0.0
    return centred


def ranks_score(values: Floats) -> Floats:
    """Return 1 / (60 + rank) of each value, the best one with rank 1; ties by place."""
    order = np.argsort(-values, kind="stable")
    scores = np.empty(len(values))
    scores[order] = 1.0 / (RANK_OFFSET + 1 + np.arange(len(values)))
    return scores


def best_rows(scores: Floats, k: int) -> NDArray[np.intp]:
    """Return the places of the k highest scores, best first; of equal ones the later first."""
    if k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    order = np.lexsort((-places, -scores[places]))
    return places[order[:k]]
