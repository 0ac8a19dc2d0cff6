"""Rebalancing rules: how far weights are off, and which trades bring them back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import InputError
from athena.trading._core.arithmetic import part

if TYPE_CHECKING:
    from collections.abc import Sequence

_PPM = 1_000_000
_SUM_TOLERANCE_PPM = 1_000


@dataclass(frozen=True, slots=True)
class RebalanceTrade:
    """One trade that a rebalance needs.

    Attributes:
        instrument: index.
        amount: money units to buy (> 0) or sell (< 0).
        target_ppm: weight it leads to.
    """

    instrument: int
    amount: int
    target_ppm: int


def check_weights(weights_ppm: Sequence[int]) -> None:
    """Refuse weights that are negative or add up to more than all, with 0.1 % of tolerance.

    What is missing from all is the weight of cash.

    Raises:
        InputError: a weight is negative, or the sum is above 1.001.
    """
    if any(weight < 0 for weight in weights_ppm):
        message = f"expected weights >= 0, was {list(weights_ppm)} ppm"
        raise InputError(message)
    if sum(weights_ppm) > _PPM + _SUM_TOLERANCE_PPM:
        message = f"expected weights that add up to at most 1, was {sum(weights_ppm) / _PPM}"
        raise InputError(message)


def largest_deviation_ppm(values: Sequence[int], equity: int, weights_ppm: Sequence[int]) -> int:
    """Return how far the weight that is farthest off is from its target, cash included.

    Args:
        values: (S,) money held per instrument.
        equity: > 0.
        weights_ppm: (S,) targets.
    """
    held = [value * _PPM // equity for value in values]
    cash = _PPM - sum(held)
    target_cash = max(0, _PPM - sum(weights_ppm))
    deviations = [abs(now - then) for now, then in zip(held, weights_ppm, strict=True)]
    return max([abs(cash - target_cash), *deviations])


def rebalance_trades(
    values: Sequence[int],
    equity: int,
    weights_ppm: Sequence[int],
    *,
    smallest: int,
    largest: int,
) -> list[RebalanceTrade]:
    """Return the trades that lead back to the weights, sells first.

    Args:
        values: (S,) money held per instrument.
        equity: money units; 0 or less gives no trades.
        weights_ppm: (S,) targets.
        smallest: trades under it are skipped.
        largest: a larger trade is cut to it; the rest is left for the next look.
    """
    if equity <= 0:
        return []
    trades = []
    for instrument, (value, weight) in enumerate(zip(values, weights_ppm, strict=True)):
        amount = part(equity, weight) - value
        if abs(amount) >= smallest:
            cut = max(-largest, min(largest, amount))
            trades.append(RebalanceTrade(instrument, cut, weight))
    return sorted(trades, key=lambda trade: trade.amount)
