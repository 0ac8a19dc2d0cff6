"""The entries as columns in memory, rebuilt from the log: what a question is asked of."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from athena.memory.entries import EntryType, words
from athena.memory.recall._ranking import Ranking, best_rows, ranks_score, standardise
from athena.memory.recall._vectors import VectorTable
from athena.memory.recall._words import WordTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.memory.entries import Entry
    from athena.memory.recall._vectors import Levels

_OPEN = np.iinfo(np.int64).max
_NOBODY = -1
_TYPES = {kind: number for number, kind in enumerate(EntryType)}
# With fewer rows than this share to look at, they are copied instead of scanning all.
_FEW = 0.25


@dataclass(frozen=True, slots=True)
class View:
    """Say which entries a question may see.

    Attributes:
        as_of_ns: only what was known then: recorded at or before it, and not closed by then.
        types: only these; empty for all.
        namespaces: only these; empty for all.
        valid_at_ns: only what was true in the world then; None for whatever is known.
    """

    as_of_ns: int
    types: frozenset[EntryType] = field(default_factory=frozenset)
    namespaces: frozenset[str] = field(default_factory=frozenset)
    valid_at_ns: int | None = None


class Index:
    """Hold one row an entry, in the order of recording, closed ones too."""

    def __init__(self, n_dims: int) -> None:
        """Start empty, for vectors of a length."""
        self.ids: list[str] = []
        self._row_of: dict[str, int] = {}
        self._namespaces: dict[str, int] = {}
        self._last_of: dict[tuple[str, str], int] = {}
        self._words = WordTable()
        self._vectors = VectorTable(n_dims)
        # One array a column: appended to for each entry, read by numpy without a copy.
        self._recorded_ns = array("q")
        self._superseded_ns = array("q")
        self._has_vector = array("q")
        self._valid_from_ns = array("q")
        self._valid_to_ns = array("q")
        self._type = array("q")
        self._namespace = array("q")
        self._before = array("q")
        self._after = array("q")
        self._scored_ns = array("q")
        self._scored_row = array("q")
        self._scored_helpful = array("q")

    @property
    def n_vectors(self) -> int:
        """Return how many entries have a vector."""
        return sum(self._has_vector)

    def add(self, entry: Entry, levels: Levels | None) -> None:
        """Add a row for an entry that is open; its vector is None when it has none."""
        note, row = entry.note, len(self.ids)
        self.ids.append(entry.id)
        self._row_of[entry.id] = row
        self._recorded_ns.append(entry.recorded_ns)
        self._superseded_ns.append(_OPEN)
        self._valid_from_ns.append(entry.valid_from_ns)
        self._valid_to_ns.append(_OPEN if note.valid_to_ns is None else note.valid_to_ns)
        self._type.append(_TYPES[note.type])
        self._namespace.append(self._namespaces.setdefault(note.namespace, len(self._namespaces)))
        self._link_episode(entry, row)
        self._words.append(words(note.text))
        self._vectors.append(levels)
        self._has_vector.append(levels is not None)

    def _link_episode(self, entry: Entry, row: int) -> None:
        """Find the neighbours; a new version stands where the old one stood."""
        before = after = _NOBODY
        if entry.note.episode:
            place = (entry.note.namespace, entry.note.episode)
            if entry.replaces:
                old = self._row_of[entry.replaces]
                before, after = self._before[old], self._after[old]
                if self._last_of[place] == old:
                    self._last_of[place] = row
            else:
                before = self._last_of.get(place, _NOBODY)
                self._last_of[place] = row
                if before != _NOBODY:
                    self._after[before] = row
        self._before.append(before)
        self._after.append(after)

    def close(self, entry_id: str, at_ns: int) -> None:
        """Note when an entry was closed."""
        self._superseded_ns[self._row_of[entry_id]] = at_ns

    def score(self, entry_id: str, at_ns: int, *, is_helpful: bool) -> None:
        """Note that a decision that used an entry was scored."""
        self._scored_ns.append(at_ns)
        self._scored_row.append(self._row_of[entry_id])
        self._scored_helpful.append(is_helpful)

    def forget(self, entry_id: str, text: str) -> None:
        """Remove what an erased entry said; it was closed before and is seen no more."""
        row = self._row_of[entry_id]
        self._superseded_ns[row] = self._recorded_ns[row]
        self._words.forget(row, words(text))
        self._vectors.put(row, None)
        self._has_vector[row] = False

    def put_vector(self, entry_id: str, levels: Levels) -> None:
        """Give an entry the vector that it lacked."""
        row = self._row_of[entry_id]
        self._vectors.put(row, levels)
        self._has_vector[row] = True

    def rank(
        self, text: str, levels: Levels | None, view: View, ranking: Ranking, k: int
    ) -> list[tuple[str, float]]:
        """Rank the entries that a question may see.

        Each part is a function of these entries alone, so a later one changes nothing (D02). An
        entry that shares no word with the question, points another way and has no neighbour that
        does otherwise is no hit.

        Args:
            text: the question.
            levels: its vector; None to go by words alone.
            view: what may be seen.
            ranking: how; its vector weight is not None.
            k: most hits.

        Returns:
            Ids and scores >= 0, best first; of equal ones the newer first.
        """
        is_visible = self._visible(view)
        rows = np.flatnonzero(is_visible)
        if not len(rows):
            return []
        by_words = self._words.scores(words(text), is_visible)[rows]
        vector_weight = ranking.vector_weight or 0.0
        by_vectors = np.zeros(len(rows))
        if levels is not None and vector_weight:
            by_vectors = self._similarities(levels, rows)
        spread = ranks_score if ranking.by_ranks else standardise
        fused = ranking.word_weight * spread(by_words) + vector_weight * spread(by_vectors)
        if ranking.recency_weight:
            ages = view.as_of_ns - self._column(self._recorded_ns, len(is_visible))[rows]
            fused += ranking.recency_weight * standardise(0.5 ** (ages / ranking.half_life_ns))
        touched = (by_words > 0) | (by_vectors > 0)
        if ranking.neighbour_share:
            fused = self._shared(fused, rows, len(is_visible), ranking.neighbour_share)
            touches = self._shared(touched.astype(float), rows, len(is_visible), 0.5)
            touched = touches > 0
        scores = fused - fused.min()
        if ranking.quality_share and self._scored_ns:
            quality = self._quality(view.as_of_ns, len(is_visible))[rows]
            scores *= 1 - ranking.quality_share + ranking.quality_share * quality
        touched_places = np.flatnonzero(touched)
        best = touched_places[best_rows(scores[touched_places], k)]
        return [(self.ids[rows[place]], float(scores[place])) for place in best]

    def _visible(self, view: View) -> NDArray[np.bool_]:
        """Tell which of the rows recorded by then may be seen."""
        recorded = np.frombuffer(self._recorded_ns, dtype=np.int64)
        n = int(np.searchsorted(recorded, view.as_of_ns, side="right"))
        del recorded  # an array that is looked at cannot grow
        is_visible = self._column(self._superseded_ns, n) > view.as_of_ns
        if view.types:
            numbers = [_TYPES[kind] for kind in view.types]
            is_visible &= np.isin(self._column(self._type, n), numbers)
        if view.namespaces:
            known = [
                self._namespaces[name] for name in view.namespaces if name in self._namespaces
            ]
            is_visible &= np.isin(self._column(self._namespace, n), known)
        if view.valid_at_ns is not None:
            is_visible &= self._column(self._valid_from_ns, n) <= view.valid_at_ns
            is_visible &= self._column(self._valid_to_ns, n) > view.valid_at_ns
        return is_visible

    def _similarities(self, levels: Levels, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        n = int(rows[-1]) + 1
        if len(rows) < _FEW * n:
            return self._vectors.similarities(levels, rows)
        return self._vectors.similarities(levels, range(n))[rows]

    def _shared(
        self, scores: NDArray[np.float64], rows: NDArray[np.intp], n: int, share: float
    ) -> NDArray[np.float64]:
        """Add to each score what its two neighbours on either side share with it."""
        if not self._last_of:
            return scores
        everywhere = np.zeros(n + 1)  # the last place stands for nobody
        everywhere[rows] = scores
        shared = scores.copy()
        for column in (self._before, self._after):
            links = self._column(column, n)
            links = np.append(np.where(links < n, links, _NOBODY), _NOBODY)
            first = links[rows]
            shared += share * everywhere[first] + share**2 * everywhere[links[first]]
        return shared

    def _quality(self, as_of_ns: int, n: int) -> NDArray[np.float64]:
        """Return (helpful + 1) / (uses + 2) of the first n rows as it was known then."""
        known = int(np.searchsorted(np.array(self._scored_ns), as_of_ns, side="right"))
        rows = np.array(self._scored_row)[:known]
        helpful = np.array(self._scored_helpful, dtype=np.float64)[:known]
        n_uses = np.bincount(rows, minlength=n)[:n]
        n_helpful = np.bincount(rows, weights=helpful, minlength=n)[:n]
        return (n_helpful + 1) / (n_uses + 2)

    @staticmethod
    def _column(column: array[int], n: int) -> NDArray[np.int64]:
        return np.array(column, dtype=np.int64)[:n]
