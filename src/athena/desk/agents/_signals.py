"""The strategies of the desk as signals: pure functions of closed bars (4.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from athena.desk.agents._pairs import PairSettings, pair_signal
from athena.desk.agents._signal import NOTHING, Signal
from athena.errors import CoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class StrategyName(StrEnum):
    """A strategy that the desk can follow."""

    MOMENTUM = "momentum"
    MEAN_REVERSION = "mean_reversion"
    BREAKOUT = "breakout"
    PAIRS = "pairs"


@dataclass(frozen=True, slots=True)
class SignalSettings:
    """Numbers of the strategies.

    Attributes:
        bars: that momentum, mean reversion and breakout look back.
        momentum_frac: move beyond which momentum enters.
        momentum_gain: strength per unit of move.
        momentum_stop_frac, momentum_target_frac: distances from the entry.
        reversion_z: deviations beyond which mean reversion enters.
        reversion_stop_frac: distance from the entry.
        squeeze_bars: a breakout comes at most so many bars after a squeeze.
        breakout_stop_atr: stop in ATR.
        breakout_reward: target in stop distances.
        pairs: of the pairs strategy.
    """

    bars: int = 20
    momentum_frac: float = 0.02
    momentum_gain: float = 10.0
    momentum_stop_frac: float = 0.02
    momentum_target_frac: float = 0.05
    reversion_z: float = 2.0
    reversion_stop_frac: float = 0.03
    squeeze_bars: int = 5
    breakout_stop_atr: float = 2.0
    breakout_reward: float = 3.0
    pairs: PairSettings = field(default_factory=PairSettings)


class Window(NamedTuple):
    """The bars that a strategy looks at, oldest first; the newest has closed.

    Attributes:
        high, low, close: (N,) quote units.
        squeeze: (N,) 1 in a squeeze, 0 not, NaN not known.
        atr: of the newest bar; NaN when not known.
        other: (N,) closes of the pair's other leg, on the same bars; None without a pair.
    """

    high: Floats
    low: Floats
    close: Floats
    squeeze: Floats
    atr: float
    other: Floats | None = None


def momentum_signal(window: Window, settings: SignalSettings) -> Signal:
    """Follow a move over the last bars that is beyond the threshold."""
    n = settings.bars
    if len(window.close) <= n:
        return NOTHING
    price = float(window.close[-1])
    move = price / float(window.close[-1 - n]) - 1.0
    if abs(move) <= settings.momentum_frac:
        return NOTHING
    side = 1 if move > 0 else -1
    return Signal(
        side=side,
        strength=min(settings.momentum_gain * abs(move), 1.0),
        stop=price * (1.0 - side * settings.momentum_stop_frac),
        target=price * (1.0 + side * settings.momentum_target_frac),
        reason=f"{n}-bar return {move:+.1%}",
    )


def reversion_signal(window: Window, settings: SignalSettings) -> Signal:
    """Go back to the mean of the last bars from too many deviations away."""
    n = settings.bars
    if len(window.close) < n:
        return NOTHING
    closes = window.close[-n:]
    price, mean, deviation = float(closes[-1]), float(closes.mean()), float(closes.std())
    if deviation <= 0:
        return NOTHING
    z = (price - mean) / deviation
    if abs(z) <= settings.reversion_z:
        return NOTHING
    side = -1 if z > 0 else 1
    return Signal(
        side=side,
        strength=min(abs(z) / settings.reversion_z, 1.0),
        stop=price * (1.0 - side * settings.reversion_stop_frac),
        target=mean,
        reason=f"{n}-bar z {z:+.2f}",
    )


def breakout_signal(window: Window, settings: SignalSettings) -> Signal:
    """Follow a close beyond the range of the bars before it, soon after a squeeze."""
    n = settings.bars
    if len(window.close) <= n or not window.atr > 0:
        return NOTHING
    if not (window.squeeze[-1 - settings.squeeze_bars : -1] > 0).any():
        return NOTHING
    price = float(window.close[-1])
    top, bottom = float(window.high[-1 - n : -1].max()), float(window.low[-1 - n : -1].min())
    if bottom <= price <= top:
        return NOTHING
    side = 1 if price > top else -1
    excess = price - top if side > 0 else bottom - price
    distance = settings.breakout_stop_atr * window.atr
    return Signal(
        side=side,
        strength=min(excess / window.atr, 1.0),
        stop=price - side * distance,
        target=price + side * settings.breakout_reward * distance,
        reason=f"close {excess / window.atr:.2f} ATR beyond the {n}-bar range after a squeeze",
    )


def _pairs(window: Window, settings: SignalSettings) -> Signal:
    if window.other is None:
        return NOTHING
    return pair_signal(window.close, window.other, settings.pairs)


SIGNALS: dict[StrategyName, Callable[[Window, SignalSettings], Signal]] = {
    StrategyName.MOMENTUM: momentum_signal,
    StrategyName.MEAN_REVERSION: reversion_signal,
    StrategyName.BREAKOUT: breakout_signal,
    StrategyName.PAIRS: _pairs,
}


def check_strategies() -> None:
    """Refuse to start with a strategy that has a name and no signal (DK-12).

    Raises:
        CoreError: one is missing.
    """
    missing = [name.value for name in StrategyName if name not in SIGNALS]
    if missing:
        message = f"expected a signal for every strategy, was none for {', '.join(missing)}"
        raise CoreError(message)


def suggested_size_frac(
    volatility: float, strength: float, *, scale: float = 0.02, cap: float = 0.20
) -> float:
    """Suggest a share of equity: (0.02 / volatility) x strength, 0.20 at most.

    Args:
        volatility: deviation of bar returns, fraction; NaN or 0 or less is not known: no size.
        strength: 0..1.
        scale: volatility at which a full strength is all of the equity.
        cap: largest share.
    """
    if not volatility > 0 or math.isinf(volatility):
        return 0.0
    return min(scale / volatility * strength, cap)
