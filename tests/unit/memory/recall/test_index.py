"""How entries are ranked: by words, vectors, neighbours and quality, against plain arithmetic."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import InputError
from athena.memory.entries import Entry, EntryType, Note, words
from athena.memory.recall import STEPS, Index, Ranking, View, to_levels
from athena.memory.recall._words import LENGTH_SHARE, SATURATION, WordTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORDS_ALONE = Ranking(vector_weight=0.0, neighbour_share=0.0)
VECTORS_ALONE = Ranking(word_weight=0.0, vector_weight=1.0, neighbour_share=0.0)


def entry(number: int, text: str, episode: str = "", namespace: str = "shared") -> Entry:
    note = Note(text, episode=episode, namespace=namespace)
    return Entry(f"fact-{number}", note, number, number)


def index_of(*texts: str, episode: str = "") -> Index:
    index = Index(2)
    for number, text in enumerate(texts, start=1):
        index.add(entry(number, text, episode), None)
    return index


def found(index: Index, text: str, ranking: Ranking = WORDS_ALONE, at_ns: int = 99) -> list[str]:
    return [name for name, _ in index.rank(text, None, View(at_ns), ranking, 9)]


def test_bm25_is_that_of_the_formula() -> None:
    table = WordTable()
    texts = ("gas gas fee", "fee", "bridge token swap pool", "gas")
    for text in texts:
        table.append(words(text))
    scores = table.scores(["gas", "fee", "gas", "absent"], np.array([True, True, True, False]))

    def part(df: int, count: int, length: int) -> float:
        rarity = math.log(1 + (3 - df + 0.5) / (df + 0.5))
        damping = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * length / (8 / 3))
        return rarity * count * (SATURATION + 1) / (count + damping)

    assert scores.tolist() == pytest.approx([part(1, 2, 3) + part(2, 1, 3), part(2, 1, 1), 0, 0])


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    index = index_of("funding rose today", "funding fell today", "basis rose today", "funding")
    assert found(index, "funding basis")[0] == "fact-3"


def test_an_entry_without_a_word_in_common_is_no_hit() -> None:
    index = index_of("funding rose", "basis fell")
    assert found(index, "funding") == ["fact-1"]
    assert found(index, "dogs") == []
    assert found(index, "the of and") == []
    assert found(Index(2), "funding") == []


def test_of_equal_entries_the_newer_is_first() -> None:
    assert found(index_of("funding rose", "basis fell", "funding fell"), "funding") == [
        "fact-3",
        "fact-1",
    ]


def test_neighbours_of_an_episode_share_their_scores() -> None:
    texts = ("hello there", "what moved", "funding rose", "I see now", "goodbye then")
    ranking = Ranking(vector_weight=0.0)
    assert found(index_of(*texts, episode="talk"), "funding", ranking)[0] == "fact-3"
    assert set(found(index_of(*texts, episode="talk"), "funding", ranking)) == {
        "fact-1", "fact-2", "fact-3", "fact-4", "fact-5",
    }  # fmt: skip
    assert found(index_of(*texts), "funding", ranking) == ["fact-3"]


def test_a_neighbour_that_came_later_is_not_seen_before() -> None:
    index = index_of("what moved it", "funding rose", episode="talk")
    ranking = Ranking(vector_weight=0.0)
    assert found(index, "funding", ranking, at_ns=1) == []
    assert found(index, "funding", ranking, at_ns=2) == ["fact-2", "fact-1"]


def random_unit(generator: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    vectors = generator.standard_normal(shape)
    unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def test_the_scan_finds_what_brute_force_finds(rng: np.random.Generator) -> None:
    """Recall@10 against exact cosines of floats, with a time filter, at 2,000 x 96."""
    vectors, queries = random_unit(rng, (2_000, 96)), random_unit(rng, (50, 96))
    index = Index(96)
    levels = to_levels(vectors)
    for k, row in enumerate(levels):
        index.add(entry(k, f"number n{k}"), row)
    shares = []
    for query, coarse in zip(queries, to_levels(queries), strict=True):
        ranked = index.rank("zzz", coarse, View(1_499), VECTORS_ALONE, 10)
        whole = levels[:1_500].astype(np.int64) @ coarse.astype(np.int64)
        best = sorted(range(1_500), key=lambda k: (-int(whole[k]), -k))[:10]
        assert [name for name, _ in ranked] == [f"fact-{k}" for k in best]
        exact = set(np.argsort(-(vectors[:1_500] @ query))[:10].tolist())
        shares.append(len(exact & set(best)) / 10)
    assert np.mean(shares) > 0.98
    assert STEPS == 4_000


def test_few_rows_are_ranked_as_many_are(rng: np.random.Generator) -> None:
    """A namespace with a small share of the rows takes the other way through the table."""
    levels = to_levels(random_unit(rng, (400, 8)))
    index, alone = Index(8), Index(8)
    for k, row in enumerate(levels):
        is_few = k % 10 == 0
        item = entry(k, f"number n{k}", namespace="few" if is_few else "many")
        index.add(item, row)
        if is_few:
            alone.add(item, row)
    few = View(999, namespaces=frozenset({"few"}))
    for query in levels[:20]:
        assert index.rank("x", query, few, VECTORS_ALONE, 5) == alone.rank(
            "x", query, View(999), VECTORS_ALONE, 5
        )
    assert (
        index.rank("x", levels[0], View(9, namespaces=frozenset({"no"})), VECTORS_ALONE, 5) == []
    )


def test_quality_counts_as_it_was_known_then() -> None:
    index = index_of("funding rose", "funding fell", "basis")
    for at_ns in (5, 6):
        index.score("fact-1", at_ns, is_helpful=True)
        index.score("fact-2", at_ns, is_helpful=False)
    assert found(index, "funding", at_ns=4)[0] == "fact-2"
    assert found(index, "funding", at_ns=7)[0] == "fact-1"


def test_types_and_world_time_are_filters() -> None:
    index = Index(2)
    event = Note("funding changed", type=EntryType.EVENT, valid_to_ns=50)
    index.add(Entry("event-1", event, 1, 20), None)
    index.add(entry(2, "funding rose"), None)
    ask = ("funding", None)

    def names(view: View) -> set[str]:
        return {name for name, _ in index.rank(*ask, view, WORDS_ALONE, 9)}

    assert names(View(9, types=frozenset({EntryType.EVENT}))) == {"event-1"}
    assert names(View(9, valid_at_ns=10)) == {"fact-2"}
    assert names(View(9, valid_at_ns=49)) == {"event-1", "fact-2"}
    assert names(View(9, valid_at_ns=50)) == {"fact-2"}


@pytest.mark.parametrize(
    "fields",
    [
        {"word_weight": -1.0},
        {"vector_weight": math.nan},
        {"recency_weight": math.inf},
        {"neighbour_share": 1.0},
        {"quality_share": 1.1},
        {"half_life_ns": 0},
    ],
)
def test_a_ranking_out_of_its_bounds_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected"):
        Ranking(**fields)  # type: ignore[arg-type]
