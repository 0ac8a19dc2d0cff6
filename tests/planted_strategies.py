"""Strategies with a planted fault, each a cheat about the next bar, and an honest twin (D02)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import Side
from athena.trading import BarStrategy, Intent, Wake, WokenStrategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.trading import Market, View


class Leaking(WokenStrategy):
    """Planted fault: its signal knows the next close."""

    wake = Wake(on_change=("up",))

    def signals(self, market: Market) -> Mapping[str, Any]:
        return {"up": np.append(market.close[0, 1:], 0) > market.close[0]}

    def on_wake(self, view: View) -> Intent | None:
        if view.signals[0] and not view.position:
            return Intent(side=Side.BUY, lots=10)
        if view.position and not view.signals[0]:
            return Intent(side=Side.SELL, lots=view.position)
        return None


class Honest(Leaking):
    """The clean twin: its signal knows the last close."""

    def signals(self, market: Market) -> Mapping[str, Any]:
        return {"up": market.close[0] > np.append(0, market.close[0, :-1])}


class Peeking(BarStrategy):
    """Planted fault: it keeps the market that signals are made of, and reads ahead."""

    def signals(self, market: Market) -> Mapping[str, Any]:
        self.closes = market.close[0].tolist()
        return {}

    def on_bar(self, view: View) -> Intent | None:
        rises = view.step + 1 < len(self.closes) and self.closes[view.step + 1] > view.bar.close
        if rises and not view.position:
            return Intent(side=Side.BUY, lots=10)
        if view.position and not rises:
            return Intent(side=Side.SELL, lots=view.position)
        return None
