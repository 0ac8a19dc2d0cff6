"""What round trips and fills say: win rate, profit factor, turnover, exposure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import HOUR_NS
from athena.research.statistics._bootstrap import independent_interval
from athena.research.statistics._estimate import Estimate, exact, proportion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.research._record import Fill, Trade
    from athena.research.statistics._returns import Floats


@dataclass(frozen=True, slots=True)
class TradeMetrics:
    """Summarise closed round trips; a position still open at the end is only counted.

    Attributes:
        win_rate: share of closed trades with gain > 0, after costs.
        profit_factor: sum of gains / sum of losses; NaN without a losing trade.
        mean_gain: quote currency per closed trade.
        best, worst: quote currency; NaN without a closed trade.
        mean_holding_hours: NaN without a closed trade.
        n_closed, n_open: round trips.
    """

    win_rate: Estimate
    profit_factor: Estimate
    mean_gain: Estimate
    best: float
    worst: float
    mean_holding_hours: float
    n_closed: int
    n_open: int


def measure_trades(trades: Sequence[Trade]) -> TradeMetrics:
    """Measure closed round trips; with none, every value is NaN and n is 0."""
    closed = [trade for trade in trades if not trade.is_open]
    gains = np.array([float(trade.gain) for trade in closed])
    hours = [(trade.closed_at_ns - trade.opened_at_ns) / HOUR_NS for trade in closed]
    n = len(closed)
    return TradeMetrics(
        win_rate=proportion(int(np.count_nonzero(gains > 0)), n),
        profit_factor=_bounded(gains, profit_factor),
        mean_gain=_bounded(gains, _mean),
        best=float(gains.max()) if n else math.nan,
        worst=float(gains.min()) if n else math.nan,
        mean_holding_hours=float(np.mean(hours)) if n else math.nan,
        n_closed=n,
        n_open=len(trades) - n,
    )


def profit_factor(gains: Floats) -> Floats:
    """Divide what winners won by what losers lost, over the last axis; NaN without a loser."""
    won = np.where(gains > 0, gains, 0.0).sum(axis=-1)
    lost = -np.where(gains < 0, gains, 0.0).sum(axis=-1)
    return np.asarray(won / np.where(lost > 0, lost, np.nan))


def _mean(gains: Floats) -> Floats:
    return np.asarray(gains.mean(axis=-1))


def _bounded(gains: Floats, statistic: Callable[[Floats], Floats]) -> Estimate:
    if len(gains) == 0:
        return Estimate(math.nan, math.nan, math.nan, 0, "none: no closed trade")
    low, high = independent_interval(gains, statistic)
    return Estimate(float(statistic(gains)), low, high, len(gains), "bootstrap of trades")


def turnover(fills: Sequence[Fill], equity: Floats, years: float) -> Estimate:
    """Divide the value bought and sold by mean equity, per year.

    Args:
        fills: of one account; both sides count, so a full round trip of the account is 2.
        equity: (T,) float64 of the same account.
        years: time covered.

    Returns:
        times a year, n = fills; NaN when the time or the mean equity is not positive.
    """
    traded = sum(float(fill.quantity * fill.price) for fill in fills)
    mean_equity = float(equity.mean()) if len(equity) else 0.0
    is_defined = years > 0 and mean_equity > 0
    return exact(traded / mean_equity / years if is_defined else math.nan, len(fills))


def exposure(gross_exposure: Floats) -> Estimate:
    """Average the gross exposure over bars: sum of |position value| / equity; NaN when empty."""
    known = gross_exposure[np.isfinite(gross_exposure)]
    return exact(float(known.mean()) if len(known) else math.nan, len(known))


def time_in_market(gross_exposure: Floats) -> Estimate:
    """Measure the share of bars that end with a position; NaN when empty."""
    n = len(gross_exposure)
    return exact(float(np.mean(gross_exposure > 0)) if n else math.nan, n)
