"""Measure a simulation of which nothing is kept: what a search needs to compare strategies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.research.engine import simulate
from athena.research.runs._results import follow_account, list_trades
from athena.research.statistics import (
    ReturnSeries,
    sample_returns,
    sharpe_per_period,
    with_start,
)
from athena.trading import fill_columns
from athena.trading import layout as at

if TYPE_CHECKING:
    from athena.research.engine import Setup
    from athena.trading import Ints, Strategy


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a simulation came to.

    Attributes:
        series: returns of the account after costs, sampled as a report samples them.
        n_trades: round trips that were closed.
        digest: of all state transitions.
        is_halted: whether the drawdown stop had halted it, which nothing lifts before the end.
    """

    series: ReturnSeries
    n_trades: int
    digest: str
    is_halted: bool

    @property
    def sharpe_per_period(self) -> float:
        """Return the Sharpe ratio of a period; NaN when the account did not vary."""
        return float(sharpe_per_period(self.series.returns))

    @property
    def sharpe(self) -> float:
        """Return the annualised Sharpe ratio; NaN when the account did not vary."""
        return self.sharpe_per_period * math.sqrt(self.series.periods_per_year)


def measure_simulation(setup: Setup, name: str, strategy: Strategy) -> Measured:
    """Run a strategy over a setup and measure it; a backtest of the same says the same.

    Args:
        setup: bars, limits and costs.
        name: of the strategy, for errors.
        strategy: an instance that has not run yet.

    Raises:
        StrategyError: the strategy raised.
    """
    groups: list[Ints] = []
    outcome = simulate(
        setup, [(name, strategy)], on_records=lambda words: groups.append(words.copy())
    )
    fills = fill_columns(groups)
    equity = follow_account(setup, fills).equity
    close_ns, interval_ns = setup.columns.close_ns, setup.interval_ns
    marks, times = with_start(equity, close_ns, float(setup.cash), interval_ns)
    trades = list_trades(setup, outcome, fills)
    n_closed = sum(1 for trade in trades if not trade.is_open)
    halt = int(outcome.state.arrays.account[at.HALT])
    return Measured(
        series=sample_returns(marks, times, interval_ns),
        n_trades=n_closed,
        digest=outcome.digest,
        is_halted=bool(halt & (at.HALT_DRAWDOWN | at.HALT_LIMIT)),
    )
