"""Laws of the memory: the past stays as it was, bounds hold, numbers are exact."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from athena.errors import InputError
from athena.memory import EntryNotFound, FactKey, Memory, Note, Question, Ranking, Recall, Trust
from athena.memory.agent import ShortTerm
from athena.memory.entries import clean_text, words
from athena.memory.recall import STEPS, to_levels
from athena.memory.recall._ranking import best_rows
from athena.memory.recall._vectors import VectorTable
from athena.memory.recall._words import WordTable
from athena.platform import VirtualClock
from tests.memory_builder import NOW_NS, prepared, remembering

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

VOCABULARY = ("alpha", "beta", "gamma", "funding", "basis", "spread")
TEXTS = st.lists(st.sampled_from(VOCABULARY), min_size=3, max_size=8).map(" ".join)
STEP = st.fixed_dictionaries(
    {
        "act": st.sampled_from(["add", "add", "add", "update", "delete", "erase", "score", "ask"]),
        "text": TEXTS,
        "of": st.integers(1, 12),
        "episode": st.sampled_from(["", "one", "two"]),
        "key": st.sampled_from([None, FactKey("X", "a"), FactKey("X", "b")]),
        "trust": st.sampled_from(list(Trust)),
        "wait_ns": st.integers(0, 3),
        "back_ns": st.integers(-3, 30),
    }
)


def act(memory: Memory, step: dict[str, Any]) -> None:
    name, entry_id = step["act"], f"fact-{step['of']}"
    if name == "add":
        note = Note(step["text"], key=step["key"], episode=step["episode"], trust=step["trust"])
        memory.add(note)
    elif name == "update":
        memory.update(entry_id, step["text"])
    elif name == "delete":
        memory.delete(entry_id, "")
    elif name == "score":
        memory.score(entry_id, is_helpful=step["wait_ns"] > 1)
    elif name == "erase":
        memory.erase(entry_id, "", "me")


def lived(
    memory: Memory, clock: VirtualClock, steps: list[dict[str, Any]]
) -> Iterator[tuple[Question, Recall]]:
    """Live through the steps; yield each question as it can be asked again, with its answer."""
    for step in steps:
        clock.advance(step["wait_ns"])
        try:
            act(memory, step)
        except (EntryNotFound, InputError):
            continue
        question = Question(step["text"], as_of_ns=clock.now_ns() - step["back_ns"])
        if step["back_ns"] < 0:
            question = Question(step["text"], ranking=Ranking(recency_weight=0.3))
        answer = memory.retrieve(question)
        yield Question(question.text, as_of_ns=answer.known_ns, ranking=question.ranking), answer


def differences(steps: list[dict[str, Any]]) -> list[Question]:
    """Return the questions about the past whose answer the future has changed."""
    with tempfile.TemporaryDirectory() as folder:
        database = prepared("sqlite:///memory.db", Path(folder))
        clock = VirtualClock(NOW_NS)
        memory = remembering(database, clock=clock)
        asked = list(lived(memory, clock, steps))
        anew = remembering(database, clock=clock)
        found = [
            question
            for question, answer in asked
            if not memory.retrieve(question) == anew.retrieve(question) == answer
        ]
        database.close()
    return found


@given(st.lists(STEP, max_size=25))
def test_any_recall_is_replayed_to_the_last_bit(steps: list[dict[str, Any]]) -> None:
    """D02 and ML-02: no later event, an erasure apart, moves what was known before it."""
    assert differences([step for step in steps if step["act"] != "erase"]) == []


def planted(text: str, *, back_ns: int = -1) -> dict[str, Any]:
    return {
        "act": "add", "text": text, "of": 1, "episode": "", "key": None, "trust": Trust.OWN,
        "wait_ns": 1, "back_ns": back_ns,
    }  # fmt: skip


def test_word_statistics_of_all_rows_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a full-text index of the database counts tomorrow's entries too."""
    steps = [
        planted("alpha beta gamma"),
        planted("alpha funding basis"),
        planted("alpha funding basis spread"),
        planted("beta funding spread spread"),
    ]
    assert differences(steps) == []
    scores = WordTable.scores

    def all_rows(self: WordTable, query: list[str], is_visible: np.ndarray[Any, Any]) -> Any:
        everything = np.ones(len(self._lengths), dtype=bool)
        return np.where(is_visible, scores(self, query, everything)[: len(is_visible)], 0)

    monkeypatch.setattr(WordTable, "scores", all_rows)
    assert differences(steps) != []


@given(st.lists(STEP, max_size=20))
def test_the_state_is_the_fold_of_the_log(steps: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = prepared("sqlite:///memory.db", Path(folder))
        clock = VirtualClock(NOW_NS)
        memory = remembering(database, clock=clock)
        for _ in lived(memory, clock, steps):
            pass
        anew = remembering(database, clock=clock)
        assert list(anew._state) == list(memory._state)
        assert anew.statistics() == memory.statistics()
        entries = list(memory._state)
        database.close()
    for entry in entries:
        assert entry.superseded_ns is None or entry.superseded_ns > entry.recorded_ns
        assert (entry.superseded_ns is None) == (entry.closed_by == "")
    keys = [
        (entry.note.key, entry.note.trust is Trust.EXTERNAL)
        for entry in entries
        if entry.is_open and entry.note.key and entry.note.valid_to_ns is None
    ]
    assert len(keys) == len(set(keys)), "one open fact for each key and side"


VECTORS = st.integers(1, 60).flatmap(
    lambda n_dims: st.lists(
        st.lists(st.floats(-9, 9, width=32), min_size=n_dims, max_size=n_dims),
        min_size=2,
        max_size=6,
    )
)


@given(VECTORS, st.randoms(use_true_random=False))
def test_similarities_are_exact_in_any_order(rows: list[list[float]], draw: Any) -> None:
    """The scan equals the sum of whole numbers, wherever a row stands and whatever is beside."""
    levels = to_levels(np.array(rows))
    query = levels[0]
    table = VectorTable(levels.shape[1])
    for row in levels:
        table.append(row)
    exact = [
        sum(int(a) * int(b) for a, b in zip(row, query, strict=True)) / STEPS**2 for row in levels
    ]
    assert table.similarities(query, range(len(levels))).tolist() == exact
    order = list(range(len(levels)))
    draw.shuffle(order)
    shuffled = table.similarities(query, np.array(order, dtype=np.intp))
    assert shuffled.tolist() == [exact[k] for k in order]


@given(st.lists(st.sampled_from([0.0, 0.5, 0.5, 1.0, 2.5]), max_size=12), st.integers(1, 15))
def test_the_best_rows_are_those_of_a_full_sort(scores: list[float], k: int) -> None:
    found = best_rows(np.array(scores), k).tolist()
    assert found == sorted(range(len(scores)), key=lambda row: (-scores[row], -row))[:k]


@given(st.text(max_size=60))
def test_a_text_that_is_clean_stays_as_it_is(text: str) -> None:
    try:
        cleaned = clean_text(text)
    except InputError:
        return
    assert clean_text(cleaned) == cleaned
    assert 10 <= len(cleaned) <= 4_096
    assert words(cleaned) == words(cleaned.swapcase()) or not cleaned.isascii()


PUTS = st.lists(
    st.tuples(st.text("ab .", min_size=1, max_size=400), st.integers(0, 30), st.booleans()),
    max_size=60,
)


@given(PUTS)
def test_short_term_memory_never_overflows(puts: list[tuple[str, int, bool]]) -> None:
    """ML-01."""
    mind = ShortTerm(window_tokens=300)
    mind.query = "ab"
    for text, source, is_pinned in puts:
        before = mind.items
        try:
            item = mind.put(text, f"fact-{source}", NOW_NS, is_pinned=is_pinned)
        except InputError:
            assert mind.items == before
            continue
        assert len(mind.items) <= 20
        assert mind.n_tokens <= 300
        assert item in mind.items
        assert all(
            old in mind.items for old in before if old.is_pinned and old.source != item.source
        )
