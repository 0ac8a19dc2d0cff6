"""What a person asks of a portfolio."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.domain import DAY_NS
from athena.errors import InputError
from athena.research.allocation import Allocation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.research.runs import BacktestRequest


@dataclass(frozen=True, slots=True)
class StrategyRequest:
    """One strategy of a portfolio.

    Attributes:
        strategy: built-in name, ``file.py:Class`` or ``module:Class``.
        parameters: name -> text.
        symbol: the only one that it sees and trades; empty shows it all of them, of which the
            built-in strategies trade the first, `hold`, `rebalance` and `monthly` all.
    """

    strategy: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    symbol: str = ""

    @property
    def place(self) -> str:
        """Return strategy and symbol as they are typed: ``name@symbol``."""
        return f"{self.strategy}@{self.symbol}" if self.symbol else self.strategy

    @property
    def text(self) -> str:
        """Return it as it is typed: ``name@symbol:k=v,k=v``."""
        values = ",".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.place}:{values}" if values else self.place


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRequest:
    """What a person asks of a portfolio.

    Attributes:
        market: data, dates, cash, risk and engine, as of a backtest.
        strategies: what trades, at least one.
        allocation: how capital is divided.
        lookback_ns: past that an allocation looks at.
        every_ns: time between two allocations; the first one is that long after the start.
        risk_aversion: > 0, of mean-variance; 1 is the logarithm's, which makes growth largest.
    """

    market: BacktestRequest
    strategies: Sequence[StrategyRequest]
    allocation: Allocation = Allocation.EQUAL
    lookback_ns: int = 90 * DAY_NS
    every_ns: int = 30 * DAY_NS
    risk_aversion: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be divided.

        Raises:
            InputError: no strategy, one of them twice, or numbers that are not positive.
        """
        texts = [item.text for item in self.strategies]
        if not texts or len(set(texts)) != len(texts):
            message = f"expected strategies, each one once, was {', '.join(texts) or 'none'}"
            raise InputError(message, hint="--strategy sma_cross:fast=20 --strategy momentum")
        if min(self.lookback_ns, self.every_ns) <= 0 or not 0 < self.risk_aversion < float("inf"):
            message = (
                "expected lookback, time between allocations and risk aversion > 0, was "
                f"{self.lookback_ns} ns, {self.every_ns} ns and {self.risk_aversion}"
            )
            raise InputError(message)

    @property
    def names(self) -> list[str]:
        """Return a name for each strategy: short where that is enough to tell it by."""
        short = [item.place.rpartition(":")[2] for item in self.strategies]
        return [
            name if short.count(name) == 1 else item.text
            for name, item in zip(short, self.strategies, strict=True)
        ]
