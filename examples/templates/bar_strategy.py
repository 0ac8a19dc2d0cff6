"""Called on every bar. Run: athena backtest --strategy bar_strategy.py:Rising --data FILE."""

from athena.domain import Purpose, Side
from athena.trading import BarStrategy, Intent, View


class Rising(BarStrategy):
    """Hold five lots while the close is above the one before."""

    last = 0

    def on_bar(self, view: View) -> Intent | None:
        """Say what is wanted at this bar's close; it is filled from the next bar on."""
        rises, self.last = view.bar.close > self.last > 0, view.bar.close
        if rises and not view.position:
            return Intent(side=Side.BUY, lots=5)
        if view.position and not rises:
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        return None
