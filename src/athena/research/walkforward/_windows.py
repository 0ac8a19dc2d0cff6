"""The windows of a walk-forward, on the bars that there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import format_interval
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
        InputError: a length is not above 0 or no whole number of bars, fewer than 5 folds fit,
            nothing is purged, or an instrument has no bar in a window.
    """
    _check_lengths(request, setup.interval_ns)
    opens_ns = setup.columns.close_ns - setup.interval_ns
    ends_ns = label_ends(opens_ns, purge_bars)
    splits = walk_forward_folds(
        Span(int(opens_ns[0]), int(opens_ns[-1]) + setup.interval_ns),
        train_ns=request.train_ns,
        test_ns=request.test_ns,
        embargo_ns=request.embargo_ns,
        window=request.window,
    )
    return [_windows(split, opens_ns, ends_ns, setup) for split in splits]


def _check_lengths(request: WalkForwardRequest, interval_ns: int) -> None:
    """Refuse a window that would begin or end inside a bar."""
    for option, length_ns in (
        ("--train", request.train_ns),
        ("--test", request.test_ns),
        ("--embargo", request.embargo_ns),
    ):
        if length_ns % interval_ns:
            bar = format_interval(interval_ns)
            message = (
                f"expected {option} as a whole number of bars of {bar}, was "
                f"{format_interval(length_ns)}"
            )
            raise InputError(message, hint=f"a multiple of {bar}")


def _windows(split: Split, opens_ns: Ints, ends_ns: Ints, setup: Setup) -> FoldWindows:
    rows = split.rows(opens_ns, ends_ns)
    check_rows(split, rows, opens_ns, ends_ns)
    _check_bars(split, rows, setup)
    first, last = (int(opens_ns[rows.train[k]]) for k in (0, -1))
    return FoldWindows(
        number=split.number + 1,
        train=Span(first, last + setup.interval_ns),
        test=split.test[0],
        n_train=len(rows.train),
        n_test=len(rows.test),
    )


def _check_bars(split: Split, rows: SplitRows, setup: Setup) -> None:
    """Refuse a window in which an instrument has no bar: nothing is learned or judged there."""
    has_bar = setup.columns.volume >= 0
    for what, span, found in (
        ("training", split.train[0], rows.train),
        ("test", split.test[0], rows.test),
    ):
        for k, instrument in enumerate(setup.instruments):
            if not has_bar[k, found].any():
                message = (
                    f"expected bars of {instrument.symbol} in the {what} window of fold "
                    f"{split.number + 1}, {span}, was none"
                )
                raise InputError(message, hint="take longer windows, or other dates")
