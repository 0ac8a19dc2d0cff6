"""Vectors as whole numbers, so that a similarity is the same to the last bit everywhere.

A sum of floats depends on the order in which a library adds them, and that order depends on the
machine, the number of threads and how many other rows there are. Here a unit vector is kept in
steps of 1/4000. Every product and every partial sum of two such vectors is then a whole number
below 2^24 (by Cauchy and Schwarz), which a float32 holds exactly: any order gives one result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Levels = NDArray[np.int16]

STEPS = 4_000
MAX_DIMS = 32_768  # (4000 + sqrt(n) / 2)^2 < 2^24
_FIRST_ROWS = 1_024
_BLOCK_NUMBERS = 400_000  # OpenBLAS takes a second thread from about 460,000 on


def to_levels(vectors: NDArray[np.floating]) -> Levels:
    """Scale each row to length 4000 and round it to whole numbers; zeros stay zeros.

    Args:
        vectors: (n, d), finite, d <= 32,768.

    Returns:
        (n, d) int16. A similarity moves by about 1e-4 for d = 384.

    Raises:
        InputError: a value is not finite, or there are too many dimensions.
    """
    exact = np.asarray(vectors, dtype=np.float64)
    if not np.isfinite(exact).all() or exact.shape[1] > MAX_DIMS:
        message = f"expected finite vectors of at most {MAX_DIMS:,} dimensions, was another"
        raise InputError(message)
    lengths = np.sqrt((exact * exact).sum(axis=1, keepdims=True))
    lengths[lengths == 0] = 1
    levels: Levels = np.rint(exact / lengths * STEPS).astype(np.int16)
    return levels


class VectorTable:
    """Hold one vector a row for an exact scan; a row without one is similar to nothing."""

    def __init__(self, n_dims: int) -> None:
        """Start empty."""
        self._levels = np.zeros((_FIRST_ROWS, n_dims), dtype=np.float32)
        self._n_rows = 0

    def append(self, levels: Levels | None) -> None:
        """Add a row."""
        if self._n_rows == len(self._levels):
            grown = np.zeros((2 * self._n_rows, self._levels.shape[1]), dtype=np.float32)
            grown[: self._n_rows] = self._levels
            self._levels = grown
        self.put(self._n_rows, levels)
        self._n_rows += 1

    def put(self, row: int, levels: Levels | None) -> None:
        """Set a row, or clear it."""
        self._levels[row] = 0 if levels is None else levels

    def similarities(self, query: Levels, rows: NDArray[np.intp] | range) -> NDArray[np.float64]:
        """Return the cosine of a query with each of some rows, in [-1, 1] to 1e-2.

        The rows are scanned in blocks so small that the library keeps to one thread: waking the
        others costs more than they save, and many times more on a machine that is busy.
        """
        exact = query.astype(np.float32)
        dots = np.empty(len(rows), dtype=np.float32)
        step = max(1, _BLOCK_NUMBERS // self._levels.shape[1])
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            if isinstance(some, range):
                block = self._levels[some.start : some.stop]
            else:
                block = self._levels[some]
            np.dot(block, exact, out=dots[start : start + step])
        return dots.astype(np.float64) / STEPS**2
