"""backtrader on the benchmark's jobs, with its defaults: data loaded and indicators run ahead."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import backtrader as bt
import pandas as pd
import peer


class Cross(bt.Strategy):
    def __init__(self) -> None:
        self.fast = bt.ind.SMA(period=peer.FAST)
        self.slow = bt.ind.SMA(period=peer.SLOW)
        self.n_fills = 0

    def difference(self) -> float:
        return float(self.fast[0] - self.slow[0])

    def next(self) -> None:
        difference = self.difference()
        if difference > peer.MARGIN and not self.position:
            self.buy(size=1)
        elif difference < -peer.MARGIN and self.position:
            self.close()

    def notify_order(self, order: Any) -> None:
        self.n_fills += order.status == order.Completed


class Bracket(Cross):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Any] = []

    def next(self) -> None:
        if self.position or self.difference() <= peer.MARGIN:
            return
        if not any(order.alive() for order in self.sent):
            stop, target = peer.protections(self.data.close[0])
            self.sent = self.buy_bracket(
                size=1, exectype=bt.Order.Market, stopprice=stop, limitprice=target
            )


def prepare() -> Any:
    bars = peer.load_bars()
    times = pd.to_datetime(bars.pop("ts"), unit="s")
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=pd.DataFrame(bars, index=times)))
    cerebro.addstrategy(Bracket if peer.job() == "B" else Cross)
    cerebro.broker.setcash(peer.CASH)
    cerebro.broker.setcommission(commission=peer.FEE_FRAC)
    return cerebro


def run(cerebro: Any) -> tuple[int, float]:
    (strategy,) = cerebro.run()
    return strategy.n_fills, float(cerebro.broker.getvalue())


(n_fills, equity), cpu_s, wall_s = peer.measure(prepare, run)
peer.answer(
    f"backtrader {version('backtrader')}", cpu_s, wall_s, fills=n_fills, final_equity=equity
)
