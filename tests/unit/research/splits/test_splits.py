"""Blocks, folds and the guard: what is where, what is refused, what is caught."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from athena.domain import DAY_NS, HOUR_NS
from athena.errors import CheckFailed, InputError
from athena.research.splits import (
    NEVER_NS,
    DataGuard,
    SecondReadError,
    Span,
    Split,
    SplitRows,
    Window,
    check_rows,
    combinatorial_folds,
    cut_blocks,
    label_ends,
    usual_embargo_ns,
    walk_forward_folds,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

N = 1_000
HORIZON = 30
TIMES: Ints = HOUR_NS * np.arange(N, dtype=np.int64)
ENDS = label_ends(TIMES, HORIZON)
DATA = Span(0, N * HOUR_NS)


def folds(window: Window = Window.EXPANDING) -> list[Split]:
    return walk_forward_folds(
        DATA,
        train_ns=400 * HOUR_NS,
        test_ns=100 * HOUR_NS,
        embargo_ns=10 * HOUR_NS,
        window=window,
    )


# --- labels -----------------------------------------------------------------------------------


def test_a_label_ends_h_bars_later_and_the_last_h_are_never_known() -> None:
    ends = label_ends(np.array([0, 10, 20, 50]), 2)
    assert ends.tolist() == [20, 50, NEVER_NS, NEVER_NS]


def test_a_label_longer_than_the_data_is_never_known() -> None:
    assert label_ends(np.array([0, 10]), 5).tolist() == [NEVER_NS, NEVER_NS]


def test_a_horizon_of_none_is_refused_because_nothing_would_be_purged() -> None:
    with pytest.raises(InputError, match="at least 1 bar"):
        label_ends(TIMES, 0)
    with pytest.raises(InputError, match="labels that end after their row, was row 0"):
        folds()[0].rows(TIMES, TIMES)


def test_label_ends_of_unordered_times_are_refused() -> None:
    with pytest.raises(InputError, match="ascending"):
        label_ends(TIMES[::-1], 1)


def test_the_usual_embargo_is_the_longest_label_or_one_bar_in_a_hundred() -> None:
    assert usual_embargo_ns(TIMES, label_ends(TIMES, 30)) == 30 * HOUR_NS
    assert usual_embargo_ns(TIMES, label_ends(TIMES, 2)) == 10 * HOUR_NS
    with pytest.raises(InputError, match="rows with labels"):
        usual_embargo_ns(TIMES[:1], ENDS[:1])


def test_a_span_without_a_moment_is_refused() -> None:
    with pytest.raises(InputError, match="start before its end"):
        Span(5, 5)


# --- blocks -----------------------------------------------------------------------------------


def test_blocks_are_cut_by_date_70_15_15() -> None:
    blocks = cut_blocks(TIMES, embargo_ns=10 * HOUR_NS)
    assert blocks.train == Span(0, 700 * HOUR_NS)
    assert blocks.validation == Span(700 * HOUR_NS, 850 * HOUR_NS)
    assert blocks.test == Span(860 * HOUR_NS, 999 * HOUR_NS + 1)
    rows = blocks.rows(TIMES, ENDS)
    assert (rows.train[0], rows.train[-1]) == (0, 700 - HORIZON - 1)
    assert (rows.validation[0], rows.validation[-1]) == (700, 850 - HORIZON - 1)
    assert (rows.test[0], rows.test[-1]) == (860, 999)


def test_the_order_of_symbols_makes_no_difference() -> None:
    """FC-11: the last 15 % are the last dates, not the last symbols."""
    early, late = TIMES[:600], TIMES[300:]
    one = cut_blocks(np.concatenate([early, late]), embargo_ns=HOUR_NS)
    other = cut_blocks(np.concatenate([late, early]), embargo_ns=HOUR_NS)
    assert one == other == cut_blocks(TIMES, embargo_ns=HOUR_NS)
    ends = np.concatenate([label_ends(early, 3), label_ends(late, 3)])
    test = one.rows(np.concatenate([early, late]), ends).test
    assert (test >= len(early)).all()


@pytest.mark.parametrize(
    ("shares", "embargo_ns", "what"),
    [
        ((0.7, 0.2, 0.2), HOUR_NS, "three shares"),
        ((1.0, 0.0, 0.0), HOUR_NS, "three shares"),
        ((0.7, 0.15, 0.15), 0, "embargo above 0"),
        ((0.7, 0.15, 0.15), 150 * HOUR_NS, "three blocks and an embargo"),
        ((0.9999, 0.00005, 0.00005), HOUR_NS, "three blocks and an embargo"),
    ],
)
def test_blocks_that_cannot_be_are_refused(
    shares: tuple[float, float, float], embargo_ns: int, what: str
) -> None:
    with pytest.raises(InputError, match=what):
        cut_blocks(TIMES, embargo_ns=embargo_ns, shares=shares)


# --- walk-forward -----------------------------------------------------------------------------


def test_the_test_span_moves_by_its_own_length() -> None:
    tests = [fold.test[0] for fold in folds()]
    assert len(tests) == 5
    assert all(one.end_ns == other.start_ns for one, other in pairwise(tests))
    assert {span.length_ns for span in tests} == {100 * HOUR_NS}
    assert tests[0].start_ns == 410 * HOUR_NS


def test_training_expands_or_rolls() -> None:
    expanding, rolling = folds(), folds(Window.ROLLING)
    assert [fold.train[0].start_ns for fold in expanding] == [0] * 5
    assert [fold.train[0].length_ns // HOUR_NS for fold in rolling] == [400] * 5
    assert [fold.train[0].end_ns for fold in expanding] == [
        fold.train[0].end_ns for fold in rolling
    ]


def test_the_end_of_training_is_purged_and_the_embargo_left_free() -> None:
    rows = folds()[0].rows(TIMES, ENDS)
    assert rows.train[-1] == 400 - HORIZON - 1
    assert ENDS[rows.train].max() < 400 * HOUR_NS
    assert (rows.test[0], rows.test[-1]) == (410, 509)


def test_fewer_than_five_folds_are_refused_with_the_length_needed() -> None:
    """P1-11, FC-13."""
    with pytest.raises(InputError, match=r"at least 5 folds, 47\.0 days .* was 41\.7 days") as it:
        walk_forward_folds(
            DATA,
            train_ns=32 * DAY_NS,
            test_ns=DAY_NS,
            embargo_ns=10 * DAY_NS,
        )
    assert "shorter" in it.value.hint


@pytest.mark.parametrize("name", ["train", "test", "embargo"])
def test_a_fold_without_train_test_or_embargo_is_refused(name: str) -> None:
    """FC-13."""
    lengths: dict[str, Any] = {
        "train_ns": DAY_NS,
        "test_ns": DAY_NS,
        "embargo_ns": DAY_NS,
        f"{name}_ns": 0,
    }
    with pytest.raises(InputError, match=f"length of {name} above 0"):
        walk_forward_folds(DATA, **lengths)


# --- combinatorial ----------------------------------------------------------------------------


def test_ten_groups_with_two_held_out_make_45_splits_and_9_paths() -> None:
    made = combinatorial_folds(TIMES, embargo_ns=30 * HOUR_NS)
    assert (len(made.groups), len(made.splits)) == (10, 45)
    assert made.paths.shape == (9, 10)
    for path in made.paths:
        for group, number in enumerate(path.tolist()):
            assert made.groups[group] in made.splits[number].test
    tests = {(int(number), g) for path in made.paths for g, number in enumerate(path)}
    assert len(tests) == 90, "each test of each split belongs to one path"


def test_training_keeps_clear_on_both_sides_of_a_held_out_group() -> None:
    made = combinatorial_folds(TIMES, embargo_ns=40 * HOUR_NS)
    split = next(item for item in made.splits if item.test == (made.groups[3], made.groups[6]))
    train = set(split.rows(TIMES, ENDS).train.tolist())
    assert max(row for row in train if row < 300) == 300 - HORIZON - 1
    assert min(row for row in train if row >= 400) == 440
    assert {*range(300, 440), *range(600, 740)}.isdisjoint(train)


def test_a_test_label_longer_than_the_embargo_purges_what_it_reaches() -> None:
    made = combinatorial_folds(TIMES, embargo_ns=HOUR_NS)
    split = next(item for item in made.splits if item.test == made.groups[3:5])
    train = split.rows(TIMES, ENDS).train
    assert train[train >= 500].min() == 499 + HORIZON + 1


@pytest.mark.parametrize(
    ("n_groups", "n_held", "embargo_ns", "what"),
    [
        (10, 0, 1, "1 <= n_held < n_groups"),
        (10, 10, 1, "1 <= n_held < n_groups"),
        (10, 2, 0, "embargo above 0"),
        (1_001, 2, 1, "at least 1001 times"),
    ],
)
def test_combinations_that_cannot_be_are_refused(
    n_groups: int, n_held: int, embargo_ns: int, what: str
) -> None:
    with pytest.raises(InputError, match=what):
        combinatorial_folds(TIMES, embargo_ns=embargo_ns, n_groups=n_groups, n_held=n_held)


# --- the check at the door of a fit -----------------------------------------------------------


def unpurged(split: Split) -> SplitRows:
    """Split as a splitter does that purges nothing."""
    train = np.flatnonzero(split.train[0].holds(TIMES))
    return SplitRows(train, np.flatnonzero(split.test[0].holds(TIMES)))


def test_a_splitter_without_purge_is_caught_and_its_clean_twin_is_not() -> None:
    """P0-1: a planted fault."""
    for split in folds():
        check_rows(split, split.rows(TIMES, ENDS), TIMES, ENDS)
        with pytest.raises(CheckFailed, match="too near to the test span"):
            check_rows(split, unpurged(split), TIMES, ENDS)


def test_a_shuffled_split_is_caught(rng: np.random.Generator) -> None:
    """P0-1: shuffled folds with overlapping labels score on noise."""
    split = folds()[0]
    rows = split.rows(TIMES, ENDS)
    mixed = rng.permutation(np.concatenate([rows.train, rows.test]))
    shuffled = SplitRows(np.sort(mixed[: len(rows.train)]), np.sort(mixed[len(rows.train) :]))
    with pytest.raises(CheckFailed, match="lies in the test span"):
        check_rows(split, shuffled, TIMES, ENDS)


def test_a_row_on_both_sides_is_caught() -> None:
    split = folds()[0]
    rows = split.rows(TIMES, ENDS)
    with pytest.raises(CheckFailed, match=r"row 500 .* judged on too"):
        check_rows(split, SplitRows(np.append(rows.train, 500), rows.test), TIMES, ENDS)


def test_a_row_under_embargo_is_caught_and_its_clean_twin_is_not() -> None:
    made = combinatorial_folds(TIMES, embargo_ns=50 * HOUR_NS)
    split = made.splits[0]  # groups 0 and 1: rows 0 to 199
    rows = split.rows(TIMES, ENDS)
    check_rows(split, rows, TIMES, ENDS)
    hurried = SplitRows(np.append(rows.train, 240), rows.test)
    with pytest.raises(CheckFailed, match=r"row 240 .* embargo"):
        check_rows(split, hurried, TIMES, ENDS)


def test_a_row_that_a_test_label_reaches_is_caught() -> None:
    made = combinatorial_folds(TIMES, embargo_ns=HOUR_NS)
    split = made.splits[0]
    rows = split.rows(TIMES, ENDS)
    touched = SplitRows(np.append(rows.train, 220), rows.test)
    with pytest.raises(CheckFailed, match=r"row 220 .* within a label"):
        check_rows(split, touched, TIMES, ENDS)


def test_labels_of_another_table_are_refused() -> None:
    with pytest.raises(InputError, match="one label end per row"):
        folds()[0].rows(TIMES, ENDS[:-1])


# --- the guard --------------------------------------------------------------------------------


def test_a_second_read_of_a_test_block_names_both_callers() -> None:
    """FC-12."""
    guard = DataGuard()
    guard.read("test of fold 1", "scorecard")
    guard.read("test of fold 2", "scorecard")
    with pytest.raises(SecondReadError, match="second by tuner after scorecard") as it:
        guard.read("test of fold 1", "tuner")
    assert it.value.exit_code == 4
    assert guard.readers == {"test of fold 1": "scorecard", "test of fold 2": "scorecard"}


def test_rows_are_judged_on_where_it_was_agreed() -> None:
    """P0-1: test rows outside the test spans would hide a purge that is missing."""
    split = folds()[0]
    rows = split.rows(TIMES, ENDS)
    early = SplitRows(rows.train, np.append(rows.train[-1] + 1, rows.test))
    with pytest.raises(CheckFailed, match="expected test rows in the test spans"):
        check_rows(split, early, TIMES, ENDS)
    check_rows(split, rows, TIMES, ENDS)
