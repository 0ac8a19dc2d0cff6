"""The windows of a walk-forward, on the bars that there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.research.splits import Span, check_rows, label_ends, walk_forward_folds

if TYPE_CHECKING:
    from athena.research.engine import Setup
    from athena.research.splits import Split, SplitRows
    from athena.research.walkforward._request import WalkForwardRequest
    from athena.trading import Ints


@dataclass(frozen=True, slots=True)
class FoldWindows:
    """Where one fold learns and where it trades.

    Attributes:
        number: from 1.
        train: from the open of its first bar to the close of its last, after the purge.
        test: asked for; the windows of all folds touch.
        n_train, n_test: how many steps of the time line lie in them.
    """

    number: int
    train: Span
    test: Span
    n_train: int
    n_test: int


def lay_windows(request: WalkForwardRequest, setup: Setup, purge_bars: int) -> list[FoldWindows]:
    """Lay the windows of all folds over the bars of a setup.

    Raises:
        InputError: a length is not above 0, fewer than 5 folds fit, nothing is purged, or a
            window holds no bar.
    """
    opens_ns = setup.columns.close_ns - setup.interval_ns
    ends_ns = label_ends(opens_ns, purge_bars)
    splits = walk_forward_folds(
        Span(int(opens_ns[0]), int(opens_ns[-1]) + setup.interval_ns),
        train_ns=request.train_ns,
        test_ns=request.test_ns,
        embargo_ns=request.embargo_ns,
        window=request.window,
    )
    return [_windows(split, opens_ns, ends_ns, setup.interval_ns) for split in splits]


def _windows(split: Split, opens_ns: Ints, ends_ns: Ints, interval_ns: int) -> FoldWindows:
    rows = split.rows(opens_ns, ends_ns)
    check_rows(split, rows, opens_ns, ends_ns)
    _check_bars(split, rows)
    first, last = (int(opens_ns[rows.train[k]]) for k in (0, -1))
    return FoldWindows(
        number=split.number + 1,
        train=Span(first, last + interval_ns),
        test=split.test[0],
        n_train=len(rows.train),
        n_test=len(rows.test),
    )


def _check_bars(split: Split, rows: SplitRows) -> None:
    for what, span, found in (
        ("training", split.train[0], rows.train),
        ("test", split.test[0], rows.test),
    ):
        if len(found) == 0:
            number = split.number + 1
            message = f"expected bars in the {what} window of fold {number}, {span}, was none"
            raise InputError(message, hint="take longer windows, or other dates")
