"""Laws of every split: purge and embargo honoured, no row twice, order of no account (P0-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from athena.errors import InputError
from athena.research.splits import (
    Span,
    Split,
    Window,
    check_rows,
    combinatorial_folds,
    cut_blocks,
    label_ends,
    walk_forward_folds,
)
from tests.conftest import IS_FULL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

CONFIGURATIONS = settings(max_examples=1_000 if IS_FULL else 250)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Ints, Ints, int]:
    """Draw rows of one to three symbols with gaps, shuffled: times, label ends, horizon."""
    horizon = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    times, ends = [], []
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(60, 200))
        own = np.cumsum(rng.choice([1, 1, 1, 1, 7], n)).astype(np.int64) + rng.integers(0, 20)
        times.append(own)
        ends.append(label_ends(own, horizon))
    ts_ns, label_end_ns = np.concatenate(times), np.concatenate(ends)
    order = rng.permutation(len(ts_ns))
    return ts_ns[order], label_end_ns[order], horizon


def is_clear(split: Split, ts_ns: Ints, label_end_ns: Ints) -> bool:
    """Compare every training row with every test row, one pair at a time."""
    rows = split.rows(ts_ns, label_end_ns)
    train, train_end = ts_ns[rows.train, None], label_end_ns[rows.train, None]
    test, test_end = ts_ns[None, rows.test], label_end_ns[None, rows.test]
    is_before = (train < test) & (train_end < test - split.gap_ns)
    # an unknown label of the test is nobody's to meet
    reach = np.where(test_end == 2**63 - 1, test, test_end)
    is_after = (train > reach) & (train > test)
    return bool((is_before | is_after).all())


def under_embargo(split: Split, train_ns: Ints) -> bool:
    return any(
        bool(((train_ns >= span.end_ns) & (train_ns < span.end_ns + split.embargo_ns)).any())
        for span in split.test
    )


@CONFIGURATIONS
@given(
    table=tables(),
    train=st.integers(1, 80),
    test=st.integers(5, 40),
    embargo=st.integers(1, 30),
    window=st.sampled_from(Window),
)
def test_walk_forward_honours_purge_and_embargo(
    table: tuple[Ints, Ints, int], train: int, test: int, embargo: int, window: Window
) -> None:
    """P0-1: random configurations (1,000 nightly), several symbols in any order, gaps in time."""
    ts_ns, label_end_ns, horizon = table
    data = Span(int(ts_ns.min()), int(ts_ns.max()) + 1)
    try:
        folds = walk_forward_folds(
            data, train_ns=train, test_ns=test, embargo_ns=embargo, window=window
        )
    except InputError:
        folds = []
    assert (len(folds) >= 5) == (data.length_ns >= train + embargo + 5 * test)
    judged: list[int] = []
    for fold in folds:
        rows = fold.rows(ts_ns, label_end_ns)
        check_rows(fold, rows, ts_ns, label_end_ns)
        assert np.intersect1d(rows.train, rows.test).size == 0
        if fold.number % 4 == 0:  # comparing all pairs is slow
            assert is_clear(fold, ts_ns, label_end_ns)
        if rows.train.size:
            gap_ns = fold.test[0].start_ns - int(ts_ns[rows.train].max())
            assert gap_ns > horizon + embargo - 1
        judged += rows.test.tolist()
    assert len(set(judged)) == len(judged), "no row is judged on twice"


@CONFIGURATIONS
@given(
    table=tables(),
    n_groups=st.integers(2, 10),
    n_held=st.integers(1, 9),
    embargo=st.integers(1, 30),
)
def test_combinatorial_folds_honour_purge_and_embargo(
    table: tuple[Ints, Ints, int], n_groups: int, n_held: int, embargo: int
) -> None:
    """P0-1: each group is held out equally often, and training keeps clear of all of them."""
    assume(n_held < n_groups)
    ts_ns, label_end_ns, _ = table
    made = combinatorial_folds(ts_ns, embargo_ns=embargo, n_groups=n_groups, n_held=n_held)
    for split in made.splits[:: max(1, len(made.splits) // 5)]:
        rows = split.rows(ts_ns, label_end_ns)
        check_rows(split, rows, ts_ns, label_end_ns)
        assert is_clear(split, ts_ns, label_end_ns)
        assert not under_embargo(split, ts_ns[rows.train])
    held = [sum(group in split.test for split in made.splits) for group in made.groups]
    assert held == [made.paths.shape[0]] * n_groups


@CONFIGURATIONS
@given(table=tables(), embargo=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_blocks_share_no_row_and_do_not_depend_on_the_order_of_symbols(
    table: tuple[Ints, Ints, int], embargo: int, seed: int
) -> None:
    """FC-11 and P0-1."""
    ts_ns, label_end_ns, _ = table
    order: Any = np.random.default_rng(seed).permutation(len(ts_ns))
    try:
        blocks = cut_blocks(ts_ns, embargo_ns=embargo)
    except InputError:
        return
    assert cut_blocks(ts_ns[order], embargo_ns=embargo) == blocks
    rows = blocks.rows(ts_ns, label_end_ns)
    shuffled = blocks.rows(ts_ns[order], label_end_ns[order])
    for one, other in (
        (rows.train, shuffled.train),
        (rows.validation, shuffled.validation),
        (rows.test, shuffled.test),
    ):
        assert np.array_equal(one, np.sort(order[other]))
    together = np.concatenate([rows.train, rows.validation, rows.test])
    assert len(np.unique(together)) == len(together)
    assert (label_end_ns[rows.train] < blocks.validation.start_ns).all()
    assert (label_end_ns[rows.validation] < blocks.validation.end_ns).all()
    assert (ts_ns[rows.test] >= blocks.validation.end_ns + embargo).all()
