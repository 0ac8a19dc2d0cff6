"""Pick the fills out of a run's records, fast: what is kept of a run of which nothing is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.errors import CoreError
from athena.research.engine._compiled import compiler_for
from athena.trading import FILL_WORDS, codes, columns_of_fills
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from athena.trading import FillColumns, Ints, Table


def find_fills(words: Table, n_words: int, starts: Table) -> int:
    """Write where the records of fills begin; return how many, or -1 when one is cut short."""
    position = 0
    n = 0
    while position < n_words:
        head = words[position]
        length = head >> 8
        if length < 2 or position + length > n_words:  # noqa: PLR2004 - a record has a head of two
            return -1
        if head & 0xFF == at.R_REPORT and words[position + 2] == codes.FILLED_REPORT:
            starts[n] = position
            n += 1
        position += length
    return n


class FillSink:
    """Take the records of a run and keep its fills."""

    def __init__(self, rule: Callable[..., int] | None, *, compiled_in: Path | None) -> None:
        """Prepare to keep fills.

        Args:
            rule: of the strategy that runs, whose compiler is used; None when it is not a rule.
            compiled_in: where compiled code is kept; None is CPython.
        """
        self._find: Callable[[Ints, int, Ints], int] = (
            find_fills
            if compiled_in is None
            else compiler_for(compiled_in, rule).compile(find_fills)
        )
        self._starts = np.zeros(at.MAX_WORDS // FILL_WORDS + 1, np.int64)
        self._rows: list[Ints] = []

    def __call__(self, words: Ints) -> None:
        """Keep the fills among these records; the array may be used again."""
        n = self._find(words, len(words), self._starts)
        if n < 0:
            message = "expected whole records from the core, was one that is cut short"
            raise CoreError(message)
        self._rows.append(words[self._starts[:n, None] + np.arange(FILL_WORDS)])

    def take(self) -> FillColumns:
        """Return the fills so far, and forget them."""
        rows, self._rows = self._rows, []
        return columns_of_fills(np.concatenate(rows or [np.zeros((0, FILL_WORDS), np.int64)]))
