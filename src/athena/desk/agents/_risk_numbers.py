"""Numbers of the risk view: value at risk, shortfall, correlation, exposure (4.8)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athena.desk.contract import Share
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

    from athena.desk.inputs import PositionView, ReturnTable

    Floats = NDArray[np.float64]

# Quantiles of the normal distribution, as the specification rounds them.
NORMAL_Z = {0.90: 1.282, 0.95: 1.645, 0.99: 2.326}
_RISK_FREE = 0.02
_ROUNDING = 1e-9


def historical_var(returns: Floats, confidence: float) -> float:
    """Return the historical value at risk: minus the return at index floor(n (1 - c) + 1e-9).

    Args:
        returns: (n,) float64, fractions, finite; n >= 1.
        confidence: 0.95 or 0.99.

    Returns:
        A fraction; negative when even that return is a gain.
    """
    _need_returns(returns)
    return -float(np.sort(returns)[_tail_count(len(returns), confidence)])


def expected_shortfall(returns: Floats, confidence: float) -> float:
    """Return minus the mean of the worst max(1, k) returns, k as in `historical_var`."""
    _need_returns(returns)
    n_worst = max(1, _tail_count(len(returns), confidence))
    return -float(np.sort(returns)[:n_worst].mean())


def parametric_var(returns: Floats, confidence: float) -> float:
    """Return z x deviation - mean: negative for a sure gain (DK-11).

    Args:
        returns: (n,) float64, fractions, finite; n >= 2.
        confidence: a key of `NORMAL_Z`.
    """
    _need_returns(returns, least=2)
    return NORMAL_Z[confidence] * float(returns.std(ddof=1)) - float(returns.mean())


def _tail_count(n: int, confidence: float) -> int:
    return math.floor(n * (1.0 - confidence) + _ROUNDING)


def _need_returns(returns: Floats, least: int = 1) -> None:
    if len(returns) < least or not np.isfinite(returns).all():
        message = f"expected {least} or more finite returns, was {len(returns)}"
        raise InputError(message)


def annual_volatility(returns: Floats, periods_per_year: float) -> float:
    """Return the deviation (n - 1) of returns, annualised; n >= 2."""
    return float(returns.std(ddof=1) * math.sqrt(periods_per_year))


def annual_sharpe(returns: Floats, periods_per_year: float) -> float:
    """Return the annualised Sharpe ratio over a risk-free 2 %; NaN when returns do not vary."""
    from athena.research.statistics import sharpe_per_period

    excess = returns - _RISK_FREE / periods_per_year
    return float(sharpe_per_period(excess)) * math.sqrt(periods_per_year)


def compounded_drawdown(returns: Floats) -> float:
    """Return the deepest fall from a peak of compounded returns, a fraction >= 0."""
    from athena.research.statistics import max_drawdown

    path: Floats = np.cumprod(np.concatenate(([1.0], 1.0 + returns)), dtype=np.float64)
    return max_drawdown(path)


@dataclass(frozen=True, slots=True, eq=False)
class CorrelationMatrix:
    """Pearson correlations with the names of rows and columns.

    Attributes:
        symbols: N of them.
        values: (N, N) float64, -1..1; NaN for a pair without enough common returns, or one that
            did not move.
    """

    symbols: tuple[str, ...]
    values: Floats

    def pairs_above(self, limit: float) -> tuple[tuple[str, str, float], ...]:
        """Return the pairs whose absolute correlation is above a limit, strongest first."""
        found = [
            (self.symbols[i], self.symbols[j], float(self.values[i, j]))
            for i in range(len(self.symbols))
            for j in range(i)
            if abs(self.values[i, j]) > limit
        ]
        return tuple(sorted(found, key=lambda item: (-abs(item[2]), item[0], item[1])))


def correlate(table: ReturnTable, symbols: Sequence[str], least: int = 3) -> CorrelationMatrix:
    """Correlate the returns of symbols, by name; the order of the table's columns is no matter.

    Args:
        table: returns.
        symbols: wanted; those without a column are NaN.
        least: common returns that a pair needs.
    """
    n = len(symbols)
    values = np.full((n, n), np.nan)
    columns = {name: table.returns[:, k] for k, name in enumerate(table.symbols)}
    for i, first in enumerate(symbols):
        values[i, i] = 1.0
        for j, second in enumerate(symbols[:i]):
            if first in columns and second in columns:
                value = _pearson(columns[first], columns[second], least)
                values[i, j] = values[j, i] = value
    return CorrelationMatrix(tuple(symbols), values)


def _pearson(x: Floats, y: Floats, least: int) -> float:
    together = np.isfinite(x) & np.isfinite(y)
    if int(together.sum()) < least:
        return math.nan
    dx, dy = x[together] - x[together].mean(), y[together] - y[together].mean()
    scale = math.sqrt(float(dx @ dx) * float(dy @ dy))
    return max(-1.0, min(1.0, float(dx @ dy) / scale)) if scale > 0 else math.nan


def portfolio_returns(
    table: ReturnTable, weights: Mapping[str, float]
) -> tuple[Floats, tuple[str, ...]]:
    """Return the returns that the positions of today would have had.

    Args:
        table: returns of symbols.
        weights: signed value of each position over equity.

    Returns:
        (n,) returns of the periods in which every position has one, and the symbols that have no
        column at all: the returns are of the others then.
    """
    known = [name for name in weights if name in table.symbols]
    missing = tuple(sorted(set(weights) - set(known)))
    if not known:
        return np.empty(0), missing
    columns = table.returns[:, [table.symbols.index(name) for name in known]]
    complete = columns[np.isfinite(columns).all(axis=1)]
    return complete @ np.array([weights[name] for name in known]), missing


def exposures(positions: Iterable[PositionView], equity: Decimal) -> tuple[Share, ...]:
    """Return gross, net, long and short, then each sector and asset class, as parts of equity.

    Sectors and classes are gross: a short does not cancel a long.
    """
    held = list(positions)
    values = [float(item.value / equity) for item in held]
    found = {
        "gross": math.fsum(map(abs, values)),
        "net": math.fsum(values),
        "long": math.fsum(value for value in values if value > 0),
        "short": -math.fsum(value for value in values if value < 0),
    }
    for item, value in zip(held, values, strict=True):
        for group, name in (("sector", item.sector), ("class", item.asset_class)):
            if name:
                key = f"{group}:{name}"
                found[key] = found.get(key, 0.0) + abs(value)
    return tuple(Share(name, value) for name, value in found.items())
