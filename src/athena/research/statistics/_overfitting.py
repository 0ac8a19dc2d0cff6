"""Probability of backtest overfitting: does the best of many trials stay good on unseen blocks?

Source: D. H. Bailey, J. M. Borwein, M. Lopez de Prado and Q. J. Zhu (2015), The probability of
backtest overfitting, Journal of Computational Finance 20: combinatorially symmetric
cross-validation.

Time is cut into blocks. Each way to choose half of them is a split: the trial with the best Sharpe
ratio on the chosen half is looked up on the other half, and its rank there says what choosing was
worth. Sums and squares per block are enough for the Sharpe ratio of any union of blocks, so that
all 12,870 splits of 16 blocks cost no second look at the returns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from athena.errors import InputError
from athena.research.statistics._ratios import sharpe_per_period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from athena.research.statistics._returns import Floats

_MAX_BLOCKS = 20  # 184,756 splits; each step of two blocks more is nearly four times the work
_LEAST_PER_BLOCK = 2
_BATCH = 1_000_000  # Sharpe ratios held in memory at once
_NOISE = 1e-12  # a variance below this part of the mean square is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """Say what choosing the best of many trials was worth on unseen data.

    Attributes:
        pbo: probability of backtest overfitting, in [0, 1]: share of splits in which the best
            trial of one half ranks at or below the median of the other. About 0.5 when choosing
            is luck, near 0 when one trial is truly better. NaN when it is not defined.
        logits: (C,) float64, log(rank / (1 - rank)) of the chosen trial, one per split; the rank
            is a fraction of n_trials + 1, 1 is best. Empty when it is not defined.
        losing_share: share of splits in which the chosen trial lost money on the other half.
        degradation_slope: of the line through (Sharpe in sample, Sharpe out of sample) of the
            chosen trials; below 0: the better it looked, the worse it did. NaN without spread.
        median_rank: median of the chosen trial's rank out of sample, in (0, 1); 1 is best.
        n_trials: columns that were compared; those that never vary are left out.
        n_periods: rows that were used.
        n_blocks: they were cut into.
    """

    pbo: float
    logits: Floats
    losing_share: float
    degradation_slope: float
    median_rank: float
    n_trials: int
    n_periods: int
    n_blocks: int


def overfitting(returns: Floats, n_blocks: int = 16) -> Overfitting:
    """Estimate the probability that the best of N trials was chosen by luck, over every split.

    A column that does not vary at all did not trade: it is no trial and is left out. One that
    does not vary in some half counts with a Sharpe ratio of 0 there. When several trials are best
    in sample, the one that did worst out of sample counts; equal ranks are averaged.

    Args:
        returns: (T, N) float64, per-period returns of N trials over the same periods, oldest
            first. Periods after a ruin, or without a position, are 0.
        n_blocks: even, from 2 to 20. When T is no multiple of it, the oldest rows are left out.

    Returns:
        the result; pbo and its like are NaN when fewer than 2 trials vary, or with fewer than
        2 periods per block.

    Raises:
        InputError: not two-dimensional, a value is not finite (names row and column), or n_blocks
            is odd or out of range.
    """
    _check(returns, n_blocks)
    length = len(returns) // n_blocks
    used = returns[len(returns) - length * n_blocks :]
    if length >= _LEAST_PER_BLOCK:
        used = used[:, np.isfinite(sharpe_per_period(used.T))]
    n_trials = used.shape[1]
    if length < _LEAST_PER_BLOCK or n_trials < 2:  # noqa: PLR2004 - nothing to choose from
        nan = math.nan
        return Overfitting(nan, np.zeros(0), nan, nan, nan, n_trials, len(used), n_blocks)
    parts = list(_selections(_Halves(used, n_blocks)))
    inside, outside, ranks = (np.concatenate(part) for part in zip(*parts, strict=True))
    logits = np.log(ranks / (1.0 - ranks))
    return Overfitting(
        pbo=float(np.mean(logits <= 0)),
        logits=logits,
        losing_share=float(np.mean(outside < 0)),
        degradation_slope=_slope(inside, outside),
        median_rank=float(np.median(ranks)),
        n_trials=n_trials,
        n_periods=len(used),
        n_blocks=n_blocks,
    )


def _check(returns: Floats, n_blocks: int) -> None:
    if returns.ndim != 2:  # noqa: PLR2004 - periods and trials
        message = f"expected returns of shape (T, N), was {returns.shape}"
        raise InputError(message)
    if n_blocks not in range(2, _MAX_BLOCKS + 1, 2):
        message = f"expected an even n_blocks from 2 to {_MAX_BLOCKS}, was {n_blocks}"
        raise InputError(message)
    if not np.all(np.isfinite(returns)):
        row, column = np.argwhere(~np.isfinite(returns))[0]
        value = returns[row, column]
        message = f"expected finite returns, was {value} in row {row}, column {column}"
        raise InputError(message, hint="a period without a position, or after a ruin, returns 0")


class _Halves:
    """The Sharpe ratio of every trial on any half of the blocks; a half is a mask of bits.

    The sums of all unions of the first blocks, and of all unions of the last, are made once; a
    half is one of the first plus one of the last. Unlike a matrix product this adds in an order
    that does not depend on the columns: trials that are equal over a half are equal to the bit.
    """

    def __init__(self, returns: Floats, n_blocks: int) -> None:
        self.n_blocks = n_blocks
        self.n_trials = returns.shape[1]
        self._n_periods = len(returns) // 2  # of a half
        self._n_first = n_blocks // 2
        blocks = np.ascontiguousarray(returns).reshape(n_blocks, -1, self.n_trials)
        squares = (blocks * blocks).sum(axis=1)
        self._floor = _NOISE * squares.sum(axis=0) / len(returns)
        self._sums = self._unions(blocks.sum(axis=1))
        self._squares = self._unions(squares)

    def _unions(self, of_block: Floats) -> tuple[Floats, Floats]:
        return _subset_sums(of_block[: self._n_first]), _subset_sums(of_block[self._n_first :])

    def sharpes(self, masks: NDArray[np.int64]) -> Floats:
        """Return (len(masks), N) Sharpe ratios per period; 0 where a trial does not vary."""
        first, last = masks & ((1 << self._n_first) - 1), masks >> self._n_first
        mean = (self._sums[0][first] + self._sums[1][last]) / self._n_periods
        variance = self._squares[0][first] + self._squares[1][last]
        variance -= self._n_periods * mean * mean
        variance /= self._n_periods - 1
        varies = variance > self._floor
        return np.asarray(mean / np.sqrt(np.where(varies, variance, np.inf)))


def _subset_sums(rows: Floats) -> Floats:
    """Sum every subset of k rows: row m of the (2^k, N) result is the sum over the bits of m."""
    sums = np.zeros((1, rows.shape[1]))
    for row in rows:
        sums = np.concatenate([sums, sums + row])
    return sums


def _selections(halves: _Halves) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Choose on each half and look on the other: Sharpe in sample, out of sample, and rank."""
    everything = (1 << halves.n_blocks) - 1
    # With the last block in each, no half meets its own complement: both directions of each pair.
    chosen = combinations(range(halves.n_blocks - 1), halves.n_blocks // 2 - 1)
    masks = np.array([sum(1 << block for block in half) for half in chosen], dtype=np.int64)
    masks |= 1 << (halves.n_blocks - 1)
    for some in np.array_split(masks, math.ceil(len(masks) * halves.n_trials / _BATCH)):
        one, other = halves.sharpes(some), halves.sharpes(everything - some)
        yield _select(one, other)
        yield _select(other, one)


def _select(inside: Floats, outside: Floats) -> tuple[Floats, Floats, Floats]:
    best = inside.max(axis=1)
    found = np.where(inside == best[:, None], outside, np.inf).min(axis=1)
    n_below = np.count_nonzero(outside < found[:, None], axis=1)
    n_equal = np.count_nonzero(outside == found[:, None], axis=1)
    ranks = (n_below + (n_equal + 1) / 2) / (outside.shape[1] + 1)
    return best, found, ranks


def _slope(x: Floats, y: Floats) -> float:
    spread = x - x.mean()
    total = float(np.sum(spread * spread))
    return float(np.sum(spread * (y - y.mean()))) / total if total > 0 else math.nan
