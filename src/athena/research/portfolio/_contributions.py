"""What each strategy has made of the account, to the money unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.trading import arithmetic

if TYPE_CHECKING:
    from athena.research.engine import Setup
    from athena.trading import FillColumns


def contributions(setup: Setup, n_strategies: int, fills: FillColumns) -> list[int]:
    """Return the profit of each strategy in money units (10^-8): together, the account's.

    What a strategy's fills paid and brought, fees included, and what it holds at the last close;
    rounded as the core rounds, so that the sum is exact.

    Args:
        setup: of the run.
        n_strategies: how many shared the account.
        fills: all of them, in order.
    """
    earned = [0] * n_strategies
    held: dict[tuple[int, int], int] = {}
    ratios = [instrument.value_ratio() for instrument in setup.instruments]
    rows = zip(
        fills.strategy.tolist(),
        fills.instrument.tolist(),
        fills.side.tolist(),
        fills.lots.tolist(),
        fills.price_ticks.tolist(),
        fills.fee.tolist(),
        strict=True,
    )
    for strategy, k, side, lots, ticks, fee in rows:
        earned[strategy] -= arithmetic.value(ticks, side * lots, *ratios[k]) + fee
        held[strategy, k] = held.get((strategy, k), 0) + side * lots
    for (strategy, k), lots in held.items():
        last = int(setup.columns.close[k, -1])
        earned[strategy] += arithmetic.value(last, lots, *ratios[k])
    return earned
