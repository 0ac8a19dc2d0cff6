"""Jesse on the benchmark's jobs, by its research interface, which needs no database.

Its market orders fill at the close that decided, which is the next open here.
"""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import version
from typing import Any

import numpy as np
import peer

os.chdir(tempfile.mkdtemp())  # it makes its folders where it is imported

from jesse import indicators, research  # noqa: E402 - see above
from jesse.strategies import Strategy  # noqa: E402 - see above

EXCHANGE, SYMBOL = "Binance Perpetual Futures", "BTC-USDT"


class Cross(Strategy):
    def difference(self) -> float:
        if self.index < peer.SLOW - 1:
            return 0.0
        candles = self.candles[-peer.SLOW :]
        fast, slow = (indicators.sma(candles, length) for length in (peer.FAST, peer.SLOW))
        return float(fast - slow)

    def should_long(self) -> bool:
        return self.difference() > peer.MARGIN

    def go_long(self) -> None:
        self.buy = 1, self.price

    def update_position(self) -> None:
        if self.difference() < -peer.MARGIN:
            self.liquidate()

    def should_cancel_entry(self) -> bool:
        return False


class Bracket(Cross):
    def on_open_position(self, order: Any) -> None:  # noqa: ARG002 - the peer's signature
        stop, target = peer.protections(self.position.entry_price)
        self.stop_loss = 1, stop
        self.take_profit = 1, target

    def update_position(self) -> None:
        """Leave by the stop or the target."""


def prepare() -> Any:
    bars = peer.load_bars()
    columns = (bars["ts"] * 1000.0, *(bars[name] for name in ("open", "close", "high", "low")))
    return {
        f"{EXCHANGE}-{SYMBOL}": {
            "exchange": EXCHANGE,
            "symbol": SYMBOL,
            "candles": np.column_stack([*columns, bars["volume"]]),
        }
    }


def run(candles: Any) -> Any:
    configuration = {
        "starting_balance": peer.CASH,
        "fee": peer.FEE_FRAC,
        "type": "futures",
        "simulation_model": "perpetual_futures",
        "annualization": 365,
        "futures_leverage": 1,
        "futures_leverage_mode": "cross",
        "exchange": EXCHANGE,
        "warm_up_candles": 0,
    }
    route = {
        "exchange": EXCHANGE,
        "strategy": Bracket if peer.job() == "B" else Cross,
        "symbol": SYMBOL,
        "timeframe": "1m",
    }
    return research.backtest(configuration, [route], [], candles)["metrics"]


metrics, cpu_s, wall_s = peer.measure(prepare, run)
peer.answer(
    f"jesse {version('jesse')}",
    cpu_s,
    wall_s,
    fills=2 * int(metrics["total"]),
    final_equity=float(metrics["finishing_balance"]),
)
