"""Measure how well a memory finds what answers a question, each part against its absence."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from athena.memory.entries import Note
from athena.memory.evaluation._scores import (
    MEASURES,
    N_RANKED,
    SEED,
    bootstrap_interval,
    score_ranking,
)
from athena.memory.recall import Ranking
from athena.memory.store import TABLES, Memory, Question
from athena.platform import VirtualClock
from athena.platform.database import migrate, open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from athena.memory.evaluation._questions import Dialogue
    from athena.memory.recall import Embedder

    Floats = NDArray[np.float64]

FITTED = "fitted"
RANDOM = "random"
RECENT = "recent"
DEFAULT = "default"
_NOW_NS = 1_700_000_000_000_000_000
# What a fit chooses from: coarse, since a few dialogues cannot tell more.
_VECTOR_WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0)
_NEIGHBOUR_SHARES = (0.0, 0.25, 0.5, 0.75)
_FITTED_MEASURES = [MEASURES.index("recall@10"), MEASURES.index("ndcg@10")]


@dataclass(frozen=True, slots=True)
class Arm:
    """How one way of ranking fared.

    Attributes:
        name: of the way.
        means: measure -> mean over all questions, in [0, 1].
        intervals: measure -> (low, high), 95 % by drawing dialogues again; NaN with one dialogue.
    """

    name: str
    means: dict[str, float]
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well a memory finds what was asked for.

    Attributes:
        n_dialogues, n_entries, n_questions: what was asked.
        embedder: whose vectors were compared.
        arms: the default ranking first, then with one part changed, then the baselines.
        weights: for each dialogue the (vector weight, neighbour share) that was best on all
            others; empty with one dialogue.
    """

    n_dialogues: int
    n_entries: int
    n_questions: int
    embedder: str
    arms: tuple[Arm, ...]
    weights: dict[str, tuple[float, float]]


def evaluate(
    dialogues: Sequence[Dialogue], embedder: Embedder, progress: Callable[[float], None]
) -> Evaluation:
    """Ask every question of a memory that holds its dialogue, in each way of ranking.

    Args:
        dialogues: at least one with a question.
        embedder: of entries and questions.
        progress: called with the share that is done, in [0, 1].
    """
    asked = [dialogue for dialogue in dialogues if dialogue.questions]
    settings = list(product(_VECTOR_WEIGHTS, _NEIGHBOUR_SHARES)) if len(asked) > 1 else []
    arms = _arms()
    found: dict[str, list[Floats]] = {name: [] for name in (*arms, RECENT, RANDOM)}
    tried: dict[tuple[float, float], list[Floats]] = {setting: [] for setting in settings}
    for k, dialogue in enumerate(asked):
        with _remembered(dialogue, embedder) as (memory, said):
            for name, ranking in arms.items():
                found[name].append(_ranked(memory, said, dialogue, ranking))
            for done, setting in enumerate(settings):
                weight, share = setting
                ranking = Ranking(vector_weight=weight, neighbour_share=share)
                tried[setting].append(_ranked(memory, said, dialogue, ranking))
                progress((k + (done + 1) / len(settings)) / len(asked))
        found[RECENT].append(_recent(dialogue))
        found[RANDOM].append(_random(dialogue, k))
        progress((k + 1) / len(asked))
    weights = _fitted(tried, len(asked)) if settings else []
    if weights:
        found = {
            DEFAULT: found.pop(DEFAULT),
            FITTED: [tried[setting][k] for k, setting in enumerate(weights)],
            **found,
        }
    return Evaluation(
        n_dialogues=len(asked),
        n_entries=sum(len(dialogue.entries) for dialogue in asked),
        n_questions=sum(len(dialogue.questions) for dialogue in asked),
        embedder=embedder.name,
        arms=tuple(_arm(name, scores) for name, scores in found.items()),
        weights={
            dialogue.name: setting for dialogue, setting in zip(asked, weights, strict=False)
        },
    )


def _arms() -> dict[str, Ranking]:
    return {
        DEFAULT: Ranking(),
        "words alone": Ranking(vector_weight=0.0),
        "vectors alone": Ranking(word_weight=0.0, vector_weight=1.0),
        "without neighbours": Ranking(neighbour_share=0.0),
        "words alone, without neighbours": Ranking(vector_weight=0.0, neighbour_share=0.0),
        "vectors alone, without neighbours": Ranking(
            word_weight=0.0, vector_weight=1.0, neighbour_share=0.0
        ),
        "by ranks": Ranking(vector_weight=1.0, neighbour_share=0.0, by_ranks=True),
        "with recency": Ranking(recency_weight=0.5),
    }


@contextmanager
def _remembered(
    dialogue: Dialogue, embedder: Embedder
) -> Iterator[tuple[Memory, dict[str, list[str]]]]:
    """Offer a memory that holds a dialogue, and which ids of the file each entry stands for."""
    with tempfile.TemporaryDirectory(prefix="athena-memory-") as folder:
        home = Path(folder)
        database = open_database("sqlite:///memory.db", home)
        try:
            migrate(database, {"memory": TABLES}, now_ns=_NOW_NS, keep_in=home)
            memory = Memory(database, embedder, VirtualClock(_NOW_NS))
            added = memory.add_many(
                [Note(said.text, episode=said.episode) for said in dialogue.entries]
            )
            said: dict[str, list[str]] = {}
            for item, entry in zip(added, dialogue.entries, strict=True):
                said.setdefault(item.id, []).append(entry.id)
            yield memory, said
        finally:
            database.close()


def _ranked(
    memory: Memory, said: dict[str, list[str]], dialogue: Dialogue, ranking: Ranking
) -> Floats:
    rows = []
    for asked in dialogue.questions:
        recall = memory.retrieve(Question(asked.text, N_RANKED, ranking=ranking))
        rows.append(score_ranking([said[hit.id] for hit in recall.hits], asked.gold))
    return np.array(rows)


def _recent(dialogue: Dialogue) -> Floats:
    """Answer every question with what was said last."""
    ranked = [[said.id] for said in reversed(dialogue.entries[-N_RANKED:])]
    return np.array([score_ranking(ranked, asked.gold) for asked in dialogue.questions])


def _random(dialogue: Dialogue, number: int) -> Floats:
    """Answer every question with entries drawn by chance."""
    generator = np.random.default_rng([SEED, number])
    rows = []
    for asked in dialogue.questions:
        drawn = generator.permutation(len(dialogue.entries))[:N_RANKED]
        rows.append(score_ranking([[dialogue.entries[k].id] for k in drawn], asked.gold))
    return np.array(rows)


def _fitted(
    tried: dict[tuple[float, float], list[Floats]], n_dialogues: int
) -> list[tuple[float, float]]:
    """Choose for each dialogue the setting that is best on all others; of equals the first."""
    totals = {
        setting: [rows[:, _FITTED_MEASURES].sum() for rows in scores]
        for setting, scores in tried.items()
    }
    return [
        max(totals, key=lambda setting: sum(totals[setting]) - totals[setting][left_out])
        for left_out in range(n_dialogues)
    ]


def _arm(name: str, scores: list[Floats]) -> Arm:
    means = np.concatenate(scores).mean(axis=0)
    intervals = bootstrap_interval(scores)
    return Arm(
        name,
        {measure: float(mean) for measure, mean in zip(MEASURES, means, strict=True)},
        {
            measure: (float(low), float(high))
            for measure, (low, high) in zip(MEASURES, intervals, strict=True)
        },
    )
