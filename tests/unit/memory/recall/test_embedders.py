"""Vectors: the same in every process, and near for texts that share words."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from athena.errors import InputError, MissingExtra
from athena.memory.recall import HashedEmbedder, WordLlamaEmbedder, to_levels

SHOW = (
    "from athena.memory.recall import HashedEmbedder, to_levels; import hashlib;"
    "v = to_levels(HashedEmbedder().embed(['Funding of bitcoin rose', '']));"
    "print(hashlib.sha256(v.tobytes()).hexdigest())"
)


def test_a_text_has_one_vector_in_every_process() -> None:
    """ML-07."""
    found = {
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", SHOW],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_texts_that_share_words_are_nearer_than_those_that_do_not() -> None:
    texts = ["funding of bitcoin rose", "bitcoin funding rose sharply", "gas is cheap", ""]
    levels = to_levels(HashedEmbedder().embed(texts)).astype(int)
    near, far, nothing = (levels[0] @ levels[k] for k in (1, 2, 3))
    assert near > far
    assert nothing == 0
    assert abs(np.linalg.norm(levels[0]) - 4_000) < 16


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="finite vectors"):
        to_levels(np.array([[1.0, value]]))


def test_wordllama_says_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """ML-14."""
    monkeypatch.setitem(sys.modules, "wordllama", None)
    with pytest.raises(MissingExtra, match="wordllama") as caught:
        WordLlamaEmbedder()
    assert caught.value.hint == "pip install 'athena-desk[memory]'"


def test_wordllama_knows_words_that_are_alike() -> None:
    pytest.importorskip("wordllama")
    embedder = WordLlamaEmbedder()
    levels = to_levels(embedder.embed(["the dog barked", "a puppy was loud", "interest rates"]))
    assert levels.shape == (3, embedder.n_dims)
    near, far = (levels[0].astype(int) @ levels[k].astype(int) for k in (1, 2))
    assert near > far
