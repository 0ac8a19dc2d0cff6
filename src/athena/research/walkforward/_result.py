"""What a walk-forward came to: fold by fold, and joined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from athena.domain import format_time
from athena.research.statistics import sample_returns, sharpe_per_period, with_start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.research._record import RunRecord
    from athena.research.runs import BacktestResult
    from athena.research.splits import Span
    from athena.research.walkforward._choice import Choice
    from athena.research.walkforward._windows import FoldWindows


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold, told.

    Attributes:
        number: from 1.
        train: bars that its parameters were chosen on, from the first open to the last close.
        test: when they were traded.
        parameters: that were chosen; those given when there was nothing to choose.
        n_tried: combinations that were run on the training window.
        train_sharpe: annualised, after costs, of the chosen ones; NaN when flat.
        train_trades: round trips that they closed in training.
        train_halted: whether the drawdown stop ended their training early.
        test_sharpe: annualised, after costs, from the joined account; NaN when flat.
        test_return: fraction, from the joined account.
        test_trades: round trips that began in the test window.
    """

    number: int
    train: Span
    test: Span
    parameters: Mapping[str, str]
    n_tried: int
    train_sharpe: float
    train_trades: int
    train_halted: bool
    test_sharpe: float
    test_return: float
    test_trades: int


@dataclass(frozen=True, slots=True)
class WalkForwardResult:
    """What a walk-forward came to.

    Attributes:
        run: the joined out-of-sample run, kept as any other.
        folds: oldest first.
        n_refused: combinations of the grid that the strategy refuses.
        left_over_days: time at the end of the data that is too short for another fold.
        has_choice: whether there was anything to choose.
        has_fit: whether the strategy learned from each training window.
    """

    run: BacktestResult
    folds: tuple[Fold, ...]
    n_refused: int
    left_over_days: float
    has_choice: bool
    has_fit: bool

    @property
    def n_halted(self) -> int:
        """Count the folds whose training a drawdown stop halted."""
        return sum(fold.train_halted for fold in self.folds)

    @property
    def n_changes(self) -> int:
        """Count the folds that chose otherwise than the one before."""
        return sum(one.parameters != other.parameters for one, other in pairwise(self.folds))

    @property
    def train_sharpe(self) -> float:
        """Return the mean of the folds' training Sharpe ratios; NaN when one is not defined."""
        return sum(fold.train_sharpe for fold in self.folds) / len(self.folds)

    @property
    def efficiency(self) -> float:
        """Return the joined Sharpe ratio as a part of the training mean; NaN where that is <= 0.

        1 keeps out of sample what training promised, 0 keeps nothing; below 0 it loses.
        """
        promised = self.train_sharpe
        return self.run.summary.main.sharpe.value / promised if promised > 0 else math.nan

    @property
    def sentence(self) -> str:
        """Say in plain words what came out."""
        main = self.run.summary.main
        kept = f"Out of sample it made {main.total_return.value:+.1%}"
        if math.isfinite(main.sharpe.value):
            kept += f" at a Sharpe ratio of {main.sharpe.value:.2f}"
            if math.isfinite(self.train_sharpe):
                kept += f", against {self.train_sharpe:.2f} in training"
        if self.n_halted:
            n_folds = len(self.folds)
            kept += f"; the drawdown stop halted training in {self.n_halted} of {n_folds} folds"
        if not self.has_choice:
            return f"{kept}; there was nothing to choose."
        often = {0: "never changed", 1: "changed once"}.get(
            self.n_changes, f"changed {self.n_changes} times"
        )
        return f"{kept}; the parameters chosen {often} in {len(self.folds)} folds."


def tell_folds(
    record: RunRecord, windows: Sequence[FoldWindows], choices: Sequence[Choice]
) -> tuple[Fold, ...]:
    """Cut the joined account into the folds' test windows."""
    cash, interval_ns = float(record.cash), record.interval_ns
    marks, times = with_start(record.main.equity, record.ts_ns, cash, interval_ns)
    folds = []
    first = 0
    for window, choice in zip(windows, choices, strict=True):
        last = first + window.n_test
        # The mark before the window belongs to it: its first bar counts.
        series = sample_returns(marks[first : last + 1], times[first : last + 1], interval_ns)
        per_period = float(sharpe_per_period(series.returns))
        span = window.test
        folds.append(
            Fold(
                number=window.number,
                train=window.train,
                test=span,
                parameters=choice.parameters,
                n_tried=choice.n_tried,
                train_sharpe=choice.measured.sharpe,
                train_trades=choice.measured.n_trades,
                train_halted=choice.measured.is_halted,
                test_sharpe=per_period * math.sqrt(series.periods_per_year),
                test_return=float(marks[last] / marks[first] - 1),
                test_trades=sum(
                    span.start_ns <= trade.opened_at_ns < span.end_ns for trade in record.trades
                ),
            )
        )
        first = last
    return tuple(folds)


def describe_fold(window: FoldWindows, choice: Choice) -> dict[str, Any]:
    """Describe what a fold decided as JSON, for the parameters of the run."""
    return {
        "train": _interval(window.train),
        "test": _interval(window.test),
        "parameters": dict(sorted(choice.parameters.items())),
    }


def _interval(span: Span) -> str:
    return f"{format_time(span.start_ns)}/{format_time(span.end_ns)}"
