"""One way to part rows into those that teach and those that judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.splits._spans import NEVER_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from athena.research.splits._spans import Span

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SplitRows:
    """Rows of a table by what they are for.

    Attributes:
        train, test: (k,) int64, ascending; no row is in both.
    """

    train: Ints
    test: Ints


@dataclass(frozen=True, slots=True)
class Split:
    """Where a model may learn and where it is judged.

    Attributes:
        number: from 0, in the order of the folds.
        train: spans to learn from; what a row of them may not be used for, `rows` leaves out.
        test: spans to be judged on.
        gap_ns: a training label ends more than this before a test span begins.
        embargo_ns: no training row for this long after a test span ends.
    """

    number: int
    train: tuple[Span, ...]
    test: tuple[Span, ...]
    gap_ns: int
    embargo_ns: int

    def rows(self, ts_ns: Ints, label_end_ns: Ints) -> SplitRows:
        """Pick the rows: a training row and its label (t, t + h] keep clear of every test span.

        A row is purged when its label reaches into a test span or into the gap before it, put
        under embargo when it follows a test span, and purged as well when a label of a test row
        reaches up to it.

        Args:
            ts_ns: (N,) int64, time of each row, in any order, repeated across symbols.
            label_end_ns: (N,) int64, end of each row's label, see `label_ends`.

        Raises:
            InputError: shapes differ, or a label ends no later than its row.
        """
        check_labels(ts_ns, label_end_ns)
        tested = within(self.test, ts_ns)
        taught = within(self.train, ts_ns)
        for span in self.test:
            taught &= ~((ts_ns < span.end_ns) & (label_end_ns >= span.start_ns - self.gap_ns))
            free_ns = max(span.end_ns + self.embargo_ns, last_label(span, ts_ns, label_end_ns))
            taught &= ~((ts_ns >= span.end_ns) & (ts_ns < free_ns))
        return SplitRows(np.flatnonzero(taught), np.flatnonzero(tested))


def check_labels(ts_ns: Ints, label_end_ns: Ints) -> None:
    """Refuse labels from which nothing can be purged.

    Raises:
        InputError: shapes differ, or a label ends no later than its row.
    """
    if ts_ns.shape != label_end_ns.shape:
        message = f"expected one label end per row, was {label_end_ns.shape} for {ts_ns.shape}"
        raise InputError(message)
    early = np.flatnonzero(label_end_ns <= ts_ns)
    if len(early):
        message = f"expected labels that end after their row, was row {early[0]} with none"
        raise InputError(message, hint="a horizon of at least 1 bar is needed to purge")


def within(spans: Sequence[Span], ts_ns: Ints) -> Mask:
    """Tell which times lie in one of the spans; (N,) in, (N,) out."""
    found = np.zeros(len(ts_ns), np.bool_)
    for span in spans:
        found |= span.holds(ts_ns)
    return found


def last_label(span: Span, ts_ns: Ints, label_end_ns: Ints) -> int:
    """Return the first moment after every known label of a span's rows; 0 without one."""
    known = span.holds(ts_ns) & (label_end_ns < NEVER_NS)
    return int(label_end_ns[known].max()) + 1 if known.any() else 0
