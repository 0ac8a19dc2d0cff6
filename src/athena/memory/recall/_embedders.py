"""What turns texts into vectors: a protocol, and the embedder that needs nothing."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np

from athena.memory.entries import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HASHED_DIMS = 1_024
_SIGN_BIT = 63


class Embedder(Protocol):
    """Map texts to vectors; vectors of different embedders are never compared."""

    @property
    def name(self) -> str:
        """Return a name that changes whenever the vectors do, such as `hashed-1024-1`."""
        ...

    @property
    def n_dims(self) -> int:
        """Return the length of a vector."""
        ...

    @property
    def weight(self) -> float:
        """Return how much its similarity counts beside 1.0 for the words (see `Ranking`)."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, n_dims) vectors of any length; a row of zeros for a text without words.

        Raises:
            AthenaError: it cannot; the entries are then found by their words alone.
        """
        ...


class HashedEmbedder:
    """Count words and pairs of words in hashed places, with signs.

    It knows no meanings: it is the floor that a model has to beat. Hashes are those of BLAKE2b,
    the same in every process (ML-07). Source: K. Weinberger et al. (2009), Feature hashing for
    large scale multitask learning, ICML.
    """

    name = "hashed-1024-1"
    n_dims = _HASHED_DIMS
    weight = 0.1

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 1024) vectors of signed counts."""
        vectors = np.zeros((len(texts), self.n_dims), dtype=np.float32)
        for row, text in enumerate(texts):
            found = words(text)
            pairs = [f"{one} {two}" for one, two in pairwise(found)]
            for term in (*found, *pairs):
                digest = hashlib.blake2b(term.encode(), digest_size=8).digest()
                number = int.from_bytes(digest, "little")
                vectors[row, number % self.n_dims] += 1 if number >> _SIGN_BIT else -1
        return vectors
