"""Files of questions, the scores of rankings, and how well the memory answers real ones."""

from __future__ import annotations

import gzip
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.errors import InputError, MissingError
from athena.memory import HashedEmbedder, WordLlamaEmbedder
from athena.memory.evaluation import (
    bootstrap_interval,
    evaluate,
    read_dialogues,
    score_ranking,
)
from tests.memory_builder import SmallEmbedder

if TYPE_CHECKING:
    from pathlib import Path

PLAIN: dict[str, Any] = {
    "dialogues": [
        {
            "name": name,
            "entries": [
                {"id": f"{name}{k}", "text": f"{subject} number {k} was {word}", "episode": "e"}
                for k, (subject, word) in enumerate(
                    [("funding", "high"), ("basis", "low"), ("spread", "wide"), ("gas", "cheap")]
                    * 5
                )
            ],
            "questions": [
                {"text": "which basis number was 5", "gold": [f"{name}5"]},
                {"text": "nobody said this", "gold": ["absent"]},
            ],
        }
        for name in ("a", "b")
    ]
}
LOCOMO: list[Any] = [
    {
        "sample_id": "conv-1",
        "conversation": {
            "session_1": [
                {"speaker": "Ann", "dia_id": "D1:1", "text": "I saw a dog"},
                {"speaker": "Bo", "dia_id": "D1:2", "text": "Look", "blip_caption": "a cat"},
            ],
            "session_2": [{"speaker": "Ann", "dia_id": "D2:1", "text": "Hello again"}],
        },
        "qa": [
            {"question": "Who has a cat?", "evidence": ["D1:2; D2:1"], "category": 1},
            {"question": "What was never said?", "evidence": ["D1:1"], "category": 5},
            {"question": "What else?", "evidence": [], "category": 3},
        ],
    }
]


def written(path: Path, values: object, *, is_packed: bool = False) -> Path:
    data = json.dumps(values).encode()
    path.write_bytes(gzip.compress(data) if is_packed else data)
    return path


def test_both_forms_of_file_are_read(tmp_path: Path) -> None:
    (talk,) = read_dialogues(written(tmp_path / "talk.json.gz", LOCOMO, is_packed=True))
    assert [said.text for said in talk.entries] == [
        "Ann: I saw a dog",
        "Bo: Look [a cat]",
        "Ann: Hello again",
    ]
    assert [said.episode for said in talk.entries] == ["session_1", "session_1", "session_2"]
    assert [(asked.text, asked.gold) for asked in talk.questions] == [
        ("Who has a cat?", {"D1:2", "D2:1"})
    ]
    one, two = read_dialogues(written(tmp_path / "plain.json", PLAIN))
    assert (one.name, two.name, len(one.questions)) == ("a", "b", 1)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"[1]", b'{"dialogues": [{"name": 1}]}', b"\x1f\x8bx", b"\xff\xfe", b'"x"'],
)
def test_another_form_is_refused_without_quoting_it(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "questions.json"
    file.write_bytes(data)
    with pytest.raises(InputError, match="questions") as caught:
        read_dialogues(file)
    assert len(caught.value.message) < 300
    with pytest.raises(MissingError):
        read_dialogues(tmp_path / "absent.json")


def test_the_scores_are_those_of_their_formulas() -> None:
    ranked = [["x"], ["a", "aa"], ["x"], ["x"], ["x"], ["b"], ["x"]]
    assert score_ranking(ranked, {"a", "b"}).tolist() == pytest.approx(
        [
            0.5,
            1.0,
            (1 / math.log2(3) + 1 / math.log2(7)) / (1 + 1 / math.log2(3)),
            1.0,
        ]
    )
    assert score_ranking([], {"a"}).tolist() == [0, 0, 0, 0]
    assert score_ranking([["a"]], {"a"}).tolist() == [1, 1, 1, 1]
    assert score_ranking([["x"]] * 10 + [["a"]], {"a"}).tolist() == [0, 0, 0, 0]


def test_the_interval_is_over_dialogues() -> None:
    same = [np.full((4, 1), 0.5), np.full((9, 1), 0.5)]
    assert bootstrap_interval(same).tolist() == [[0.5, 0.5]]
    apart = [np.zeros((5, 1)), np.ones((5, 1))]
    assert bootstrap_interval(apart).tolist() == [[0.0, 1.0]]
    assert np.isnan(bootstrap_interval(apart[:1])).all()


def test_every_arm_is_measured_beside_its_baselines(tmp_path: Path) -> None:
    shares: list[float] = []
    dialogues = read_dialogues(written(tmp_path / "plain.json", PLAIN))
    found = evaluate(dialogues, SmallEmbedder(), shares.append)
    arms = {arm.name: arm for arm in found.arms}
    assert next(iter(arms)) == "default"
    assert {"fitted", "words alone", "vectors alone", "by ranks", "recent", "random"} <= set(arms)
    assert arms["words alone, without neighbours"].means["hit@10"] == 1.0
    assert arms["recent"].means["hit@10"] == 0.0
    assert (found.n_dialogues, found.n_entries, found.n_questions) == (2, 40, 2)
    assert set(found.weights) == {"a", "b"}
    assert shares[-1] == 1.0
    assert sorted(shares) == shares


def test_one_dialogue_has_no_interval_and_no_fit(tmp_path: Path) -> None:
    dialogues = read_dialogues(written(tmp_path / "plain.json", PLAIN))[:1]
    found = evaluate(dialogues, SmallEmbedder(), lambda _: None)
    assert found.weights == {}
    assert math.isnan(found.arms[0].intervals["recall@10"][0])
    assert "fitted" not in {arm.name for arm in found.arms}


@pytest.mark.slow
def test_word_vectors_answer_better_together_with_words_than_either_alone(
    shared_data: Path,
) -> None:
    """ML-08, where the extra is installed."""
    pytest.importorskip("wordllama")
    dialogues = read_dialogues(shared_data / "text" / "locomo_dev5.json.gz")
    found = evaluate(dialogues, WordLlamaEmbedder(), lambda _: None)
    arms = {arm.name: arm.means for arm in found.arms}
    assert arms["default"]["recall@5"] > arms["words alone"]["recall@5"]
    assert arms["default"]["recall@5"] > arms["vectors alone"]["recall@5"]
    assert arms["fitted"]["recall@10"] >= 0.71
    assert arms["fitted"]["ndcg@10"] >= 0.52


@pytest.mark.slow
def test_real_questions_are_answered_better_than_by_either_part(shared_data: Path) -> None:
    """ML-08 on LoCoMo with the embedder of the base: recall@5 against words and vectors alone."""
    dialogues = read_dialogues(shared_data / "text" / "locomo_dev5.json.gz")
    found = evaluate(dialogues, HashedEmbedder(), lambda _: None)
    recall = {arm.name: arm.means["recall@5"] for arm in found.arms}
    one_question = 1 / found.n_questions
    assert found.n_questions >= 200
    assert recall["default"] >= 0.58
    # The hashed vectors know no more than the words: the fusion may lose one question to them.
    assert recall["default"] >= recall["words alone"] - one_question
    assert recall["default"] > recall["vectors alone"]
    assert recall["default"] > recall["without neighbours"] > recall["recent"]
    assert recall["default"] > 10 * recall["random"]
