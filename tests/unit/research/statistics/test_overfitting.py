"""Probability of backtest overfitting: against its definition, at its limits, on bad input."""

from __future__ import annotations

import math
import time
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athena.errors import InputError
from athena.research.statistics import Overfitting, overfitting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def by_definition(returns: Floats, n_blocks: int) -> tuple[Floats, float, float]:
    """Do what the paper says, split by split; return sorted logits, losing share and slope."""
    blocks = np.split(returns, n_blocks)
    logits, inside, outside = [], [], []
    for half in combinations(range(n_blocks), n_blocks // 2):
        train = np.concatenate([blocks[k] for k in half])
        test = np.concatenate([blocks[k] for k in range(n_blocks) if k not in half])
        train_sharpe = train.mean(axis=0) / train.std(axis=0, ddof=1)
        test_sharpe = test.mean(axis=0) / test.std(axis=0, ddof=1)
        best = int(np.argmax(train_sharpe))
        rank = np.count_nonzero(test_sharpe <= test_sharpe[best]) / (returns.shape[1] + 1)
        logits.append(math.log(rank / (1 - rank)))
        inside.append(train_sharpe[best])
        outside.append(test_sharpe[best])
    slope = np.polyfit(inside, outside, 1)[0]
    return np.sort(logits), float(np.mean(np.array(outside) < 0)), float(slope)


@pytest.mark.parametrize(("n_blocks", "n_trials"), [(2, 2), (4, 5), (8, 12), (10, 3)])
def test_it_is_what_the_paper_defines(n_blocks: int, n_trials: int) -> None:
    returns = np.random.default_rng(n_blocks).normal(0.001, 0.02, (n_blocks * 13, n_trials))
    logits, losing_share, slope = by_definition(returns, n_blocks)
    measured = overfitting(returns, n_blocks)
    assert len(measured.logits) == math.comb(n_blocks, n_blocks // 2)
    assert np.sort(measured.logits) == pytest.approx(logits)
    assert measured.pbo == pytest.approx(np.mean(logits <= 0))
    assert measured.losing_share == pytest.approx(losing_share)
    assert measured.degradation_slope == pytest.approx(slope)
    assert (measured.n_trials, measured.n_periods) == (n_trials, len(returns))


def test_sixteen_blocks_make_12870_splits() -> None:
    returns = np.random.default_rng(3).normal(0, 0.01, (320, 40))
    measured = overfitting(returns)
    assert len(measured.logits) == 12_870
    logits, losing_share, _ = by_definition(returns, 16)
    assert np.sort(measured.logits) == pytest.approx(logits)
    assert measured.losing_share == pytest.approx(losing_share)


def test_many_trials_are_worked_off_in_batches() -> None:
    returns = np.random.default_rng(3).normal(0, 0.01, (200, 4_000))
    logits, _, _ = by_definition(returns, 10)
    assert np.sort(overfitting(returns, 10).logits) == pytest.approx(logits)


def test_choosing_among_noise_is_a_coin() -> None:
    """Pure noise: the mean over seeds is about one half (Bailey and others 2015)."""
    found = [
        overfitting(np.random.default_rng(seed).normal(0, 0.01, (800, 40)), 8).pbo
        for seed in range(60)
    ]
    assert 0.4 < np.mean(found) < 0.6


def test_a_trial_that_is_truly_better_is_no_overfitting() -> None:
    """The clean twin: skill in one of fifty trials."""
    returns = np.random.default_rng(7).normal(0, 0.01, (800, 50))
    returns[:, 17] += 0.003
    measured = overfitting(returns)
    assert measured.pbo < 0.01
    assert measured.losing_share < 0.01
    assert measured.median_rank > 0.95


def test_what_gains_in_one_half_and_loses_it_in_the_other_is_overfitting() -> None:
    """The planted fault: each trial ends where it began, so the best half pays for the other."""
    returns = np.random.default_rng(7).normal(0, 0.01, (800, 50))
    returns -= returns.mean(axis=0)
    measured = overfitting(returns)
    assert measured.pbo > 0.99
    assert measured.losing_share == 1.0
    assert measured.degradation_slope < -0.8
    assert measured.median_rank < 0.05


def test_trials_that_never_varied_are_left_out() -> None:
    returns = np.random.default_rng(1).normal(0, 0.01, (160, 6))
    idle = np.concatenate([returns, np.zeros((160, 3)), np.full((160, 1), 0.01)], axis=1)
    measured = overfitting(idle)
    assert measured.n_trials == 6
    assert measured.logits.tolist() == overfitting(returns).logits.tolist()


def test_a_trial_that_sits_out_a_half_has_a_sharpe_of_0_there() -> None:
    returns = np.full((32, 2), -0.001)
    returns[::2] = -0.003  # loses everywhere
    returns[:, 1] = 0.0
    returns[:16:2, 1] = -0.01  # loses in the first half only, and is idle in the second
    measured = overfitting(returns, 2)
    # It is chosen on either half: on the idle one 0 is better than a loss. Looked up on the other
    # it has once a loss and once 0, and is still the better of the two.
    assert measured.losing_share == 0.5
    assert measured.logits.tolist() == pytest.approx([math.log(2)] * 2)
    assert measured.degradation_slope == pytest.approx(-1.0)


def test_equal_trials_share_their_rank_and_count_as_nothing_gained() -> None:
    """Choosing between copies of one trial is worth nothing: a rank of one half is no success."""
    one = np.random.default_rng(2).normal(0.001, 0.01, (160, 1))
    measured = overfitting(np.repeat(one, 5, axis=1))
    assert measured.pbo == 1.0
    assert measured.median_rank == 0.5


def test_of_several_best_the_one_that_did_worst_counts() -> None:
    """Two that are equal over the half on which they are best, and part afterwards."""
    rng = np.random.default_rng(6)
    first = rng.normal(0.02, 0.01, 20)
    good, bad = rng.normal(0.01, 0.01, 20), rng.normal(-0.01, 0.01, 20)
    middle = rng.normal(0.0, 0.01, 40)
    returns = np.column_stack(
        [np.concatenate([first, good]), np.concatenate([first, bad]), middle]
    )
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        forward, _ = sorted(overfitting(returns[:, order], 2).logits)
        assert forward == pytest.approx(-math.log(3))


def test_a_half_without_movement_counts_as_0_whatever_its_level() -> None:
    """A constant is rounding away from no variance at all; it must not become a huge ratio."""
    rng = np.random.default_rng(6)
    returns = np.column_stack([rng.normal(0.02, 0.01, 40), rng.normal(-0.02, 0.01, 40)])
    returns[20:, 1] = 0.1 / 3
    measured = overfitting(returns, 2)
    assert measured.pbo == 0.0
    assert np.all(measured.logits > 0)


def test_the_oldest_rows_give_way_when_blocks_do_not_fit() -> None:
    returns = np.random.default_rng(5).normal(0, 0.01, (167, 8))
    measured = overfitting(returns)
    assert measured.n_periods == 160
    assert measured.logits.tolist() == overfitting(returns[7:]).logits.tolist()


@pytest.mark.parametrize("shape", [(31, 5), (0, 5), (100, 1), (100, 0)])
def test_too_little_to_choose_from_is_undefined(shape: tuple[int, int]) -> None:
    measured = overfitting(np.random.default_rng(1).normal(0, 0.01, shape))
    assert isinstance(measured, Overfitting)
    assert math.isnan(measured.pbo)
    assert math.isnan(measured.degradation_slope)
    assert len(measured.logits) == 0


def test_missing_returns_are_refused_by_row_and_column() -> None:
    returns = np.zeros((40, 3))
    returns[8, 2] = np.nan
    with pytest.raises(InputError, match="was nan in row 8, column 2"):
        overfitting(returns)


@pytest.mark.parametrize("n_blocks", [0, 1, 7, 22])
def test_blocks_that_cannot_be_halved_are_refused(n_blocks: int) -> None:
    with pytest.raises(InputError, match=f"even n_blocks from 2 to 20, was {n_blocks}"):
        overfitting(np.zeros((100, 3)), n_blocks)


def test_one_series_is_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(T, N\)"):
        overfitting(np.zeros(100))


@pytest.mark.slow
def test_a_thousand_trials_over_ten_thousand_periods_take_seconds() -> None:
    """All 12,870 splits: 0.3 to 0.9 s of CPU where this was written; the limit leaves room."""
    returns = np.random.default_rng(0).normal(0, 0.01, (10_000, 1_000))
    started_s = time.process_time()
    measured = overfitting(returns)
    assert time.process_time() - started_s < 10
    assert (measured.n_trials, len(measured.logits)) == (1_000, 12_870)
