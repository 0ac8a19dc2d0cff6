"""When a result may be called better than its baseline, and when it is too good to be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGNIFICANCE = 0.05
MIN_FOLDS = 5
MIN_SEEDS = 3
SUSPICIOUS_ACCURACY = 0.56
SUSPICIOUS_R2 = 0.02
SUSPICIOUS_SHARPE = 3.0


@dataclass(frozen=True, slots=True)
class Claim:
    """Say whether "better than the baseline" may be said.

    Attributes:
        reasons: why it may not, in words; empty when it may.
    """

    reasons: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Say whether the claim may be made."""
        return not self.reasons


def judge_claim(  # noqa: PLR0913 - the conditions of the rule
    *,
    p_value: float,
    mean_gain: float,
    fold_gains: Sequence[float],
    n_seeds: int,
    is_trading: bool,
    has_costs: bool,
) -> Claim:
    """Apply the claim rule: significant, in the same direction in most folds and several seeds.

    Args:
        p_value: Diebold-Mariano over the pooled walk-forward, after Holm's correction; NaN when
            there is none, which never holds.
        mean_gain: loss of the baseline less loss of the model over the same dates; above 0 the
            model is better.
        fold_gains: the same in each fold of the walk-forward.
        n_seeds: random seeds the result was averaged over.
        is_trading: the claim is about money.
        has_costs: fees and slippage are in the figures.
    """
    n_agreeing = sum(gain > 0 for gain in fold_gains)
    n_needed = math.ceil(4 * len(fold_gains) / 5)
    checks = (
        (p_value < SIGNIFICANCE, f"p is {p_value:.3g} after Holm, {SIGNIFICANCE} or more"),
        (mean_gain > 0, "the model loses more than the baseline, or as much"),
        (
            len(fold_gains) >= MIN_FOLDS,
            f"{len(fold_gains)} folds, fewer than {MIN_FOLDS}",
        ),
        (
            n_agreeing >= n_needed,
            f"better in {n_agreeing} of {len(fold_gains)} folds, {n_needed} are needed",
        ),
        (n_seeds >= MIN_SEEDS, f"{n_seeds} random seeds, fewer than {MIN_SEEDS}"),
        (has_costs or not is_trading, "a claim about money without fees and slippage"),
    )
    return Claim(tuple(reason for is_met, reason in checks if not is_met))


def alarms(
    *,
    accuracy: float = math.nan,
    r2_out_of_sample: float = math.nan,
    annual_sharpe: float = math.nan,
) -> tuple[str, ...]:
    """Name the figures that are too good to be believed before the look-ahead audit has run.

    On liquid data honest results stay below these limits; above them something usually sees the
    future. Figures at hand are passed, the others left out.

    Args:
        accuracy: out-of-sample share of right calls, one bar ahead.
        r2_out_of_sample: against zero.
        annual_sharpe: after costs.

    Returns:
        one sentence a figure; empty when none is suspicious.
    """
    found = []
    if accuracy > SUSPICIOUS_ACCURACY:
        found.append(f"{accuracy:.1%} of directions right, above {SUSPICIOUS_ACCURACY:.0%}")
    if r2_out_of_sample > SUSPICIOUS_R2:
        found.append(f"out-of-sample R2 of {r2_out_of_sample:.1%}, above {SUSPICIOUS_R2:.0%}")
    if annual_sharpe > SUSPICIOUS_SHARPE:
        found.append(f"annual Sharpe ratio of {annual_sharpe:.1f}, above {SUSPICIOUS_SHARPE:g}")
    return tuple(found)
