"""backtesting.py on the benchmark's jobs: the best event-driven peer in Python."""

from __future__ import annotations

import warnings
from typing import Any

import backtesting
import pandas as pd
import peer

warnings.filterwarnings("ignore")


def mean(values: Any, length: int) -> Any:
    return pd.Series(values).rolling(length).mean()


class Cross(backtesting.Strategy):
    def init(self) -> None:
        self.fast = self.I(mean, self.data.Close, peer.FAST)
        self.slow = self.I(mean, self.data.Close, peer.SLOW)

    def difference(self) -> float:
        return float(self.fast[-1] - self.slow[-1])

    def next(self) -> None:
        difference = self.difference()
        if difference > peer.MARGIN and not self.position:
            self.buy(size=1)
        elif difference < -peer.MARGIN and self.position:
            self.position.close()


class Bracket(Cross):
    def next(self) -> None:
        if self.difference() > peer.MARGIN and not (self.position or self.orders):
            stop, target = peer.protections(self.data.Close[-1])
            self.buy(size=1, sl=stop, tp=target)


def prepare() -> Any:
    bars = peer.load_bars()
    times = pd.to_datetime(bars.pop("ts"), unit="s")
    frame = pd.DataFrame({name.capitalize(): column for name, column in bars.items()}, index=times)
    strategy = Bracket if peer.job() == "B" else Cross
    return backtesting.Backtest(
        frame, strategy, cash=peer.CASH, commission=peer.FEE_FRAC, trade_on_close=False
    )


found, cpu_s, wall_s = peer.measure(prepare, lambda test: test.run())
peer.answer(
    f"backtesting.py {backtesting.__version__}",
    cpu_s,
    wall_s,
    fills=2 * int(found["# Trades"]) + len(found["_strategy"].trades),
    final_equity=float(found["Equity Final [$]"]),
)
