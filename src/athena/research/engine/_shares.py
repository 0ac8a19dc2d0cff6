"""Shares of the equity that change while strategies run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class ShareChange:
    """Give every strategy its share at the close of a step, before any of them decides there.

    Attributes:
        step: of the run's time line.
        shares_ppm: one per strategy, each 0..1,000,000, together 1,000,000 or less; what is
            missing stays in cash.
    """

    step: int
    shares_ppm: tuple[int, ...]


def check_shares(changes: Sequence[ShareChange], n_strategies: int, n_steps: int) -> None:
    """Refuse changes that a run cannot make.

    Raises:
        InputError: a step lies outside the run or not after the one before, a strategy is without
            its share, or shares are negative or together more than the whole.
    """
    before = -1
    for change in changes:
        if not before < change.step < n_steps:
            message = f"expected a step after {before} and before {n_steps}, was {change.step}"
            raise InputError(message)
        shares = change.shares_ppm
        if len(shares) != n_strategies or min(shares) < 0 or sum(shares) > at.PPM:
            message = (
                f"expected {n_strategies} shares >= 0 that come to {at.PPM} ppm or less at step "
                f"{change.step}, was {shares}"
            )
            raise InputError(message)
        before = change.step
