"""What a portfolio came to, strategy by strategy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import format_decimal, format_time, from_money
from athena.platform import atomic_write_text
from athena.research._record import Curve
from athena.research.allocation import Allocation
from athena.research.portfolio._contributions import contributions
from athena.research.runs import follow_account
from athena.research.statistics import measure_curve, turnover
from athena.trading import FillColumns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from athena.research._record import RunRecord
    from athena.research.engine import Setup
    from athena.research.portfolio._schedule import Allotment
    from athena.research.runs import BacktestResult
    from athena.research.statistics import CurveMetrics, Estimate, RunSummary

PORTFOLIO_FILE = "portfolio.json"


@dataclass(frozen=True, slots=True, eq=False)
class StrategyResult:
    """What one strategy of a portfolio came to.

    Attributes:
        name: as in the run's records.
        contribution: its profit in quote currency, exact; all of them are the account's profit.
        total_return: the same as a fraction of the starting cash.
        sharpe: annualised, of its profit in parts of the account before.
        turnover: times a year that it traded the account's mean value.
        n_fills: of its orders.
        alone: the same strategy with the whole account.
    """

    name: str
    contribution: Decimal
    total_return: float
    sharpe: Estimate
    turnover: Estimate
    n_fills: int
    alone: CurveMetrics


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioResult:
    """What a portfolio came to.

    Attributes:
        run: as of a backtest.
        strategies: in the order they were asked for.
        allotments: every division of the capital, oldest first; none where shares stay equal.
        allocation: how capital was divided.
        start_ns: of the run, when shares were equal.
    """

    run: BacktestResult
    strategies: tuple[StrategyResult, ...]
    allotments: tuple[Allotment, ...]
    allocation: Allocation
    start_ns: int

    @property
    def n_kept(self) -> int:
        """Count the divisions that kept the weights before, because no others were found."""
        return sum(1 for item in self.allotments if item.kept)

    @property
    def is_too_short(self) -> bool:
        """Tell whether shares stayed equal for want of a past."""
        return self.allocation is not Allocation.EQUAL and not self.allotments

    def weights_of(self, k: int) -> list[float]:
        """Return the weights that a strategy was given, the equal one of the start first."""
        return [1 / len(self.strategies), *(item.weights[k] for item in self.allotments)]

    def strategies_json(self) -> list[dict[str, Any]]:
        """Describe the strategies and their weights as JSON; money is text."""
        return strategies_json(self.strategies, self.allotments, self.start_ns)


def measure_strategies(
    setup: Setup,
    names: Sequence[str],
    record: RunRecord,
    summary: RunSummary,
    fills: FillColumns,
) -> tuple[StrategyResult, ...]:
    """Measure what each strategy did for the account.

    The record's first baselines are the strategies alone, in their order.
    """
    earned = contributions(setup, len(names), fills)
    years = summary.main.series.years
    results = []
    for k, name in enumerate(names):
        of_k = [fill for fill in record.fills if fill.strategy == name]
        own = FillColumns(*(column[fills.strategy == k] for column in fills))
        curve = _curve(setup, name, own, record)
        contribution = from_money(earned[k])
        results.append(
            StrategyResult(
                name=name,
                contribution=contribution,
                total_return=float(contribution / record.cash),
                sharpe=measure_curve(record, curve).sharpe,
                turnover=turnover(of_k, record.main.equity, years),
                n_fills=len(of_k),
                alone=summary.baselines[k],
            )
        )
    return tuple(results)


def _curve(setup: Setup, name: str, fills: FillColumns, record: RunRecord) -> Curve:
    """Chain a strategy's profits in parts of the account at the close before.

    A step's parts of all strategies come to the account's return.
    """
    cash = float(record.cash)
    profit = np.diff(follow_account(setup, fills).equity, prepend=cash)
    account = np.insert(record.main.equity, 0, cash)[:-1]
    parts: NDArray[np.float64] = np.zeros(len(profit))
    np.divide(profit, account, out=parts, where=account > 0)
    equity = np.asarray(cash * np.cumprod(1.0 + parts), np.float64)
    return Curve(name, equity, Decimal(0), 0, 0)


def strategies_json(
    strategies: Sequence[StrategyResult], allotments: Sequence[Allotment], start_ns: int
) -> list[dict[str, Any]]:
    """Describe the strategies and the weights that they were given as JSON; money is text."""
    return [
        {
            "name": item.name,
            "weights": _weights(k, len(strategies), allotments, start_ns),
            "contribution": format_decimal(item.contribution),
            "return": item.total_return,
            "sharpe": _number(item.sharpe.value),
            "sharpe_interval": _interval(item.sharpe),
            "n": item.sharpe.n,
            "turnover": _number(item.turnover.value),
            "fills": item.n_fills,
            "alone": {
                "return": _number(item.alone.total_return.value),
                "sharpe": _number(item.alone.sharpe.value),
                "max_drawdown": _number(item.alone.max_drawdown.value),
            },
        }
        for k, item in enumerate(strategies)
    ]


def _weights(k: int, n: int, allotments: Sequence[Allotment], start_ns: int) -> list[Any]:
    """List the weights of one strategy from the start, with the reason where one was kept."""
    path: list[dict[str, Any]] = [{"at": format_time(start_ns), "weight": 1 / n}]
    for item in allotments:
        reason = {"kept": item.kept} if item.kept else {}
        path.append({"at": format_time(item.ts_ns), "weight": item.weights[k], **reason})
    return path


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _interval(estimate: Estimate) -> list[float] | None:
    return [estimate.low, estimate.high] if estimate.has_interval else None


def write_portfolio(folder: Path, values: list[dict[str, Any]]) -> None:
    """Write `portfolio.json` beside the run's other files."""
    text = json.dumps({"strategies": values}, indent=2, allow_nan=False)
    atomic_write_text(folder / PORTFOLIO_FILE, f"{text}\n")
