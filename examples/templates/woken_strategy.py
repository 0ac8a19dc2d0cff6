"""Called when a signal changes. Run: athena backtest --strategy woken_strategy.py:Rising ..."""

import numpy as np

from athena.domain import Purpose, Side
from athena.trading import Intent, Market, View, Wake, WokenStrategy


class Rising(WokenStrategy):
    """Hold five lots while the close is above the one before."""

    wake = Wake(on_change=("rises",))

    def signals(self, market: Market) -> dict[str, np.ndarray]:
        """Compute the signal for all bars at once; each value from bars up to its own."""
        return {"rises": np.diff(market.close[0], prepend=market.close[0, :1]) > 0}

    def on_wake(self, view: View) -> Intent | None:
        """Say what is wanted at this bar's close; it is filled from the next bar on."""
        if view.signals[0] and not view.position:
            return Intent(side=Side.BUY, lots=5)
        if view.position and not view.signals[0]:
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        return None
