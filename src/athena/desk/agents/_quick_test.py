"""A quick test of a signal: does it earn anything on these bars, after costs (4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.desk.agents._hosting import SignalStrategy
from athena.errors import InputError

if TYPE_CHECKING:
    from athena.desk.agents._signals import SignalSettings, StrategyName
    from athena.research import Setup
    from athena.research.statistics import Estimate
    from athena.trading import Ints

QUICK_TEST_BARS = 30


@dataclass(frozen=True, slots=True)
class QuickTest:
    """What a signal came to on some bars, after the costs of the setup.

    Attributes:
        n_bars: of the test.
        total_return: compounded, fraction.
        sharpe: per bar, not annualised; NaN when the account did not vary.
        max_drawdown: positive fraction.
        win_rate, profit_factor: of closed round trips, each with n and interval.
        n_trades: closed round trips.
    """

    n_bars: int
    total_return: float
    sharpe: float
    max_drawdown: float
    win_rate: Estimate
    profit_factor: Estimate
    n_trades: int


def quick_test(
    setup: Setup, name: StrategyName, settings: SignalSettings | None = None
) -> QuickTest:
    """Run a signal through the core, with its fills, its costs and its limits.

    Args:
        setup: bars, limits and costs; two instruments for pairs.
        name: of the strategy.
        settings: numbers of the signals; None is the specification's.

    Raises:
        InputError: fewer than 30 bars.
    """
    from athena.research import simulate
    from athena.research.runs import follow_account, list_trades
    from athena.research.statistics import (
        max_drawdown,
        measure_trades,
        sharpe_per_period,
        with_start,
    )
    from athena.trading import fill_columns

    n_bars = len(setup.columns.close_ns)
    if n_bars < QUICK_TEST_BARS:
        message = f"expected {QUICK_TEST_BARS} or more bars, was {n_bars}"
        raise InputError(message)
    strategy = SignalStrategy(name) if settings is None else SignalStrategy(name, settings)
    groups: list[Ints] = []
    outcome = simulate(
        setup, [(name.value, strategy)], on_records=lambda words: groups.append(words.copy())
    )
    fills = fill_columns(groups)
    equity = follow_account(setup, fills).equity
    cash = float(setup.cash)
    marks, _ = with_start(equity, setup.columns.close_ns, cash, setup.interval_ns)
    trades = measure_trades(list_trades(setup, outcome, fills))
    return QuickTest(
        n_bars=n_bars,
        total_return=float(marks[-1] / cash - 1.0),
        sharpe=float(sharpe_per_period(marks[1:] / marks[:-1] - 1.0)),
        max_drawdown=max_drawdown(marks),
        win_rate=trades.win_rate,
        profit_factor=trades.profit_factor,
        n_trades=trades.n_closed,
    )
