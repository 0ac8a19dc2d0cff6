"""Which rows have which words, and how well they match a query (BM25)."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# S. Robertson and H. Zaragoza (2009), The probabilistic relevance framework: BM25 and beyond,
# Foundations and Trends in Information Retrieval 3; the two values are those of A. Trotman,
# X. Jia and M. Crane (2012), Towards an efficient and effective search engine, SIGIR workshop.
SATURATION = 0.9
LENGTH_SHARE = 0.4


class WordTable:
    """Hold the words of each row.

    Rarity and mean length are those of the rows that a query may see: a database's own full-text
    index counts all rows, so that an entry of tomorrow would move the scores of yesterday.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._rows: dict[str, array[int]] = {}
        self._counts: dict[str, array[int]] = {}
        self._lengths = array("q")

    def append(self, found: Sequence[str]) -> None:
        """Add a row."""
        row = len(self._lengths)
        self._lengths.append(len(found))
        for word, count in Counter(found).items():
            if word not in self._rows:
                self._rows[word] = array("q")
                self._counts[word] = array("q")
            self._rows[word].append(row)
            self._counts[word].append(count)

    def forget(self, row: int, found: Sequence[str]) -> None:
        """Remove the words of a row."""
        self._lengths[row] = 0
        for word in set(found):
            place = self._rows[word].index(row)
            del self._rows[word][place], self._counts[word][place]

    def scores(self, query: Sequence[str], is_visible: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Score the rows against a query's different words.

        Args:
            query: words as `athena.memory.entries.words` gives them.
            is_visible: (n,) which of the first n rows the query may see.

        Returns:
            (n,) float64, >= 0; higher is better; 0 for rows that share no word or are not seen.
        """
        n = len(is_visible)
        scores = np.zeros(n)
        lengths = np.array(self._lengths[:n], dtype=np.int64)
        n_visible = int(np.count_nonzero(is_visible))
        total = int(lengths[is_visible].sum())
        if not total:
            return scores
        scale = LENGTH_SHARE * n_visible / total
        for word in dict.fromkeys(query):
            if word not in self._rows:
                continue
            rows = np.array(self._rows[word], dtype=np.intp)
            is_kept = is_visible[rows[: np.searchsorted(rows, n)]]
            kept = rows[: len(is_kept)][is_kept]
            counts = np.array(self._counts[word], dtype=np.float64)[: len(is_kept)][is_kept]
            rarity = math.log(1 + (n_visible - len(kept) + 0.5) / (len(kept) + 0.5))
            damping = SATURATION * (1 - LENGTH_SHARE + scale * lengths[kept])
            scores[kept] += rarity * counts * (SATURATION + 1) / (counts + damping)
        return scores
