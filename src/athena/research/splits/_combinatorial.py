"""Combinatorial purged folds: every choice of held-out groups, joined into many histories.

Source: M. Lopez de Prado (2018), Advances in Financial Machine Learning, chapters 7 and 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.splits._spans import Span
from athena.research.splits._split import Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CombinatorialFolds:
    """All splits, and how their test groups make whole histories.

    Attributes:
        groups: G spans, one after the other; their numbers are their places.
        splits: one for each choice of H held-out groups; `test` has one span per group.
        paths: (P, G) int64, number of the split whose test of group g belongs to path p; each
            path covers every group once, and no test is in two paths. P = C(G - 1, H - 1).
    """

    groups: tuple[Span, ...]
    splits: tuple[Split, ...]
    paths: Ints


def combinatorial_folds(
    ts_ns: Ints, *, embargo_ns: int, n_groups: int = 10, n_held: int = 2
) -> CombinatorialFolds:
    """Hold out every choice of groups; 10 groups, 2 held out, make 45 splits and 9 paths.

    Args:
        ts_ns: (N,) int64, times of all rows of all symbols, in any order; each counts once.
        embargo_ns: > 0, no training row for this long after a held-out group.
        n_groups: G, of equally many distinct times.
        n_held: H, 1 <= H < G.

    Raises:
        InputError: H is not in [1, G), the embargo is <= 0, or there are fewer times than groups.
    """
    if not 1 <= n_held < n_groups:
        message = f"expected 1 <= n_held < n_groups, was {n_held} of {n_groups}"
        raise InputError(message)
    if embargo_ns <= 0:
        message = f"expected an embargo above 0 ns, was {embargo_ns}"
        raise InputError(message, hint="the usual one is the longest label or 1 % of the bars")
    times = np.unique(ts_ns)
    if len(times) < n_groups:
        message = f"expected at least {n_groups} times for {n_groups} groups, was {len(times)}"
        raise InputError(message)
    starts = [int(times[len(times) * k // n_groups]) for k in range(n_groups)]
    groups = tuple(Span(*ends) for ends in pairwise([*starts, int(times[-1]) + 1]))
    held = list(combinations(range(n_groups), n_held))
    splits = tuple(
        Split(
            number,
            _joined([groups[g] for g in range(n_groups) if g not in choice]),
            tuple(groups[g] for g in choice),
            gap_ns=0,
            embargo_ns=embargo_ns,
        )
        for number, choice in enumerate(held)
    )
    tests = [
        [number for number, choice in enumerate(held) if g in choice] for g in range(n_groups)
    ]
    return CombinatorialFolds(groups, splits, np.array(tests, np.int64).T.copy())


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """Join spans that touch."""
    joined = spans[:1]
    for span in spans[1:]:
        if span.start_ns == joined[-1].end_ns:
            joined[-1] = Span(joined[-1].start_ns, span.end_ns)
        else:
            joined.append(span)
    return tuple(joined)
