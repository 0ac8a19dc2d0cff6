"""Prove of the rows a model is about to learn from that they keep clear of the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from athena.domain import format_time
from athena.errors import CheckFailed
from athena.research.splits._split import check_labels, last_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.research.splits._split import Split, SplitRows

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_HINT = "take the rows from Split.rows, and nothing else"


def check_rows(split: Split, rows: SplitRows, ts_ns: Ints, label_end_ns: Ints) -> None:
    """Check rows at the door of a fit, wherever they came from (P0-1).

    A correct split that the entry point does not use protects nobody; so whoever fits calls this
    with the rows that it is about to use.

    Args:
        split: what was agreed on: its test spans, gap and embargo count, its train spans do not.
        rows: what is used.
        ts_ns: (N,) int64, time of each row.
        label_end_ns: (N,) int64, end of its label.

    Raises:
        CheckFailed: a row is in both, a training row lies in a test span, its label reaches into
            one or into the gap before it, a label of the test reaches up to it, it stands under
            embargo, or a test row lies in no test span; names the first such row.
        InputError: shapes differ, or a label ends no later than its row.
    """
    check_labels(ts_ns, label_end_ns)
    train_ns, ends_ns = ts_ns[rows.train], label_end_ns[rows.train]
    _refuse("is judged on too", np.isin(rows.train, rows.test), rows.train, train_ns)
    for span in split.test:
        _refuse("lies in the test span", span.holds(train_ns), rows.train, train_ns)
        reaches = (train_ns < span.end_ns) & (ends_ns >= span.start_ns - split.gap_ns)
        what = f"has a label that ends {_time(ends_ns, reaches)}, too near to the test span"
        _refuse(f"{what} {span}", reaches, rows.train, train_ns)
        seen = last_label(span, ts_ns, label_end_ns)
        met = (train_ns >= span.end_ns) & (train_ns < seen)
        _refuse(f"lies within a label of the test span {span}", met, rows.train, train_ns)
        held = (train_ns >= span.end_ns) & (train_ns < span.end_ns + split.embargo_ns)
        _refuse(f"stands under the embargo after {span}", held, rows.train, train_ns)
    test_ns = ts_ns[rows.test]
    is_agreed = np.any([span.holds(test_ns) for span in split.test], axis=0)
    if not np.all(is_agreed):
        stray = int(np.flatnonzero(~is_agreed)[0])
        when = format_time(int(test_ns[stray]))
        message = f"expected test rows in the test spans, was row {rows.test[stray]} at {when}"
        raise CheckFailed(message, hint=_HINT)


def _refuse(what: str, is_wrong: Mask, rows: Ints, times_ns: Ints) -> None:
    wrong = np.flatnonzero(is_wrong)
    if len(wrong):
        row, when = int(rows[wrong[0]]), format_time(int(times_ns[wrong[0]]))
        message = f"expected training rows clear of the test, was row {row} at {when}: it {what}"
        raise CheckFailed(message, hint=_HINT)


def _time(ends_ns: Ints, is_wrong: Mask) -> str:
    wrong = np.flatnonzero(is_wrong)
    return format_time(int(ends_ns[wrong[0]])) if len(wrong) else ""
