"""A signal of the desk as a strategy of the backtest: the same numbers on the same bars (4.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from athena.desk.agents._signals import (
    SIGNALS,
    SignalSettings,
    StrategyName,
    Window,
    suggested_size_frac,
)
from athena.domain import Purpose, Side
from athena.market.indicators import atr, squeeze
from athena.trading import Intent, Wake, WokenStrategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from athena.trading import Market, View

_WINDOW = 120
_VOLATILITY_BARS = 20


@dataclass
class SignalStrategy(WokenStrategy):
    """Trade one signal of the desk with its stop and target, one position at a time.

    The signal is computed for each bar from the bars up to it. It is what wakes: while it stands
    unchanged, nothing is asked for again.

    Attributes:
        name: which signal; pairs look at the second instrument and trade the first.
        settings: of the signals.
    """

    wake: ClassVar[Wake] = Wake(on_change=("side",), on_fill=True)

    name: StrategyName = StrategyName.MOMENTUM
    settings: SignalSettings = field(default_factory=SignalSettings)

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Compute side, stop and target in ticks, and the share of equity, per bar."""
        high, low, close = (
            column[0].astype(np.float64) for column in (market.high, market.low, market.close)
        )
        ranges, squeezes = atr(high, low, close), squeeze(high, low, close)
        other = market.close[1].astype(np.float64) if len(market.instruments) > 1 else None
        n = len(close)
        side, stop, target = (np.zeros(n, np.int64) for _ in range(3))
        share = np.zeros(n)
        for k in range(n):
            past = slice(max(0, k + 1 - _WINDOW), k + 1)
            if low[past].min() <= 0:  # no bar yet
                continue
            window = Window(
                high=high[past],
                low=low[past],
                close=close[past],
                squeeze=squeezes[past],
                atr=float(ranges[k]),
                other=None if other is None else other[past],
            )
            found = SIGNALS[self.name](window, self.settings)
            if found.side == 0:
                continue
            away = math.floor if found.side > 0 else math.ceil
            side[k], stop[k], target[k] = found.side, away(found.stop), away(found.target)
            share[k] = suggested_size_frac(_volatility(close[past]), found.strength)
        return {"side": side, "stop": stop, "target": target, "share": share}

    def on_wake(self, view: View) -> Intent | None:
        """Enter with a bracket when flat; leave when the signal turns."""
        side, stop, target, share = view.signals
        held = view.position
        if side == 0 or held * side > 0:
            return None
        if held:
            closes = Side.SELL if held > 0 else Side.BUY
            return Intent(side=closes, lots=abs(held), purpose=Purpose.EXIT)
        lots = view.lots_for(float(share))
        close = view.bar.close
        is_around = stop < close < target if side > 0 else 0 < target < close < stop
        if view.n_working or lots <= 0 or not is_around:
            return None
        return Intent(
            side=Side.BUY if side > 0 else Side.SELL,
            lots=lots,
            stop_ticks=int(stop),
            target_ticks=int(target),
        )


def _volatility(close: NDArray[np.float64]) -> float:
    if len(close) <= _VOLATILITY_BARS:
        return math.nan
    window = close[-_VOLATILITY_BARS - 1 :]
    return float((np.diff(window) / window[:-1]).std())
