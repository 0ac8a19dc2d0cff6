"""The benchmark's jobs as freqtrade's strategies; it finds them by folder and name."""

from __future__ import annotations

from typing import Any, ClassVar

import peer
from freqtrade.strategy import IStrategy


class FreqtradeCross(IStrategy):
    timeframe = "1m"
    minimal_roi: ClassVar = {"0": 1000.0}  # never
    stoploss = -0.99
    use_exit_signal = True
    startup_candle_count = 0
    process_only_new_candles = True

    def populate_indicators(self, dataframe: Any, metadata: Any) -> Any:  # noqa: ARG002 - the peer's signature
        dataframe["fast"] = dataframe["close"].rolling(peer.FAST).mean()
        dataframe["slow"] = dataframe["close"].rolling(peer.SLOW).mean()
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:  # noqa: ARG002 - as above
        is_above = dataframe["fast"] > dataframe["slow"] + peer.MARGIN
        dataframe.loc[is_above, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:  # noqa: ARG002 - as above
        is_below = dataframe["fast"] < dataframe["slow"] - peer.MARGIN
        dataframe.loc[is_below, "exit_long"] = 1
        return dataframe

    def custom_stake_amount(self, *, current_rate: float, **_: Any) -> float:
        """Buy one unit."""
        return current_rate


class FreqtradeBracket(FreqtradeCross):
    # Its target is a profit after fees, its stop a distance of the price.
    minimal_roi: ClassVar = {
        "0": (1 + peer.TARGET_FRAC) * (1 - peer.FEE_FRAC) / (1 + peer.FEE_FRAC) - 1
    }
    stoploss = -peer.STOP_FRAC
    use_exit_signal = False
