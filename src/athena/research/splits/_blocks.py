"""Three blocks by date: learn, choose, judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.splits._spans import Span
from athena.research.splits._split import check_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class BlockRows:
    """Rows of a table by block.

    Attributes:
        train, validation, test: (k,) int64, ascending; no row is in two.
    """

    train: Ints
    validation: Ints
    test: Ints


@dataclass(frozen=True, slots=True)
class Blocks:
    """Training, validation and test, one after the other.

    Attributes:
        train, validation, test: the test block begins an embargo after the validation block ends.
    """

    train: Span
    validation: Span
    test: Span

    def rows(self, ts_ns: Ints, label_end_ns: Ints) -> BlockRows:
        """Pick the rows; one is purged when its label (t, t + h] reaches into the next block.

        Args:
            ts_ns: (N,) int64, time of each row, in any order, repeated across symbols.
            label_end_ns: (N,) int64, end of each row's label, see `label_ends`.

        Raises:
            InputError: shapes differ, or a label ends no later than its row.
        """
        check_labels(ts_ns, label_end_ns)
        taught = self.train.holds(ts_ns) & (label_end_ns < self.validation.start_ns)
        chosen = self.validation.holds(ts_ns) & (label_end_ns < self.validation.end_ns)
        judged = self.test.holds(ts_ns)
        return BlockRows(*map(np.flatnonzero, (taught, chosen, judged)))


def cut_blocks(
    ts_ns: Ints, *, embargo_ns: int, shares: tuple[float, float, float] = (0.70, 0.15, 0.15)
) -> Blocks:
    """Cut the dates into training, validation and test, the same for every symbol (FC-11).

    Args:
        ts_ns: (N,) int64, times of all rows of all symbols, in any order; each counts once.
        embargo_ns: > 0, what of the test block is left out after validation.
        shares: of the distinct times, each > 0, 1 together.

    Raises:
        InputError: shares that are none, an embargo <= 0, or too few times for three blocks.
    """
    if min(shares) <= 0 or abs(sum(shares) - 1) > _ROUNDING:
        message = f"expected three shares above 0 that make 1, was {shares}"
        raise InputError(message)
    if embargo_ns <= 0:
        message = f"expected an embargo above 0 ns, was {embargo_ns}"
        raise InputError(message, hint="the usual one is the longest label or 1 % of the bars")
    times = np.unique(ts_ns)
    first = round(len(times) * shares[0])
    second = round(len(times) * (shares[0] + shares[1]))
    is_cut = 0 < first < second < len(times)
    if not is_cut or times[-1] < times[second] + embargo_ns:
        message = f"expected times for three blocks and an embargo, was {len(times)} times"
        raise InputError(message, hint="take more bars, or a shorter embargo")
    begin, middle, late = (int(times[k]) for k in (0, first, second))
    return Blocks(
        Span(begin, middle), Span(middle, late), Span(late + embargo_ns, int(times[-1]) + 1)
    )
