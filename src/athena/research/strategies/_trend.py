"""Directional strategies on one instrument: each is woken when its signal changes or fills."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from athena.domain import Purpose, Side, format_interval, parse_interval_ns
from athena.market import indicators
from athena.research.strategies import _signals as signals_of
from athena.research.strategies._checks import require
from athena.research.strategies._sizing import Sizing
from athena.trading import Intent, Wake, WokenStrategy, arithmetic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from athena.trading import Market, View

_PPM = 1_000_000


@dataclass
class EmaCross(WokenStrategy):
    """Hold while the fast exponential mean is above the slow one, be flat while it is below.

    Attributes:
        fast, slow: lengths in bars, 1 <= fast < slow.
        frame: length of the bars it looks at, such as 4h, a multiple of the run's own; empty uses
            those.
        quantity: in base currency; 0 uses the fraction.
        fraction: of equity; the default is what the default limits let one position have.
    """

    wake: ClassVar[Wake] = Wake(on_change=("trend",), on_fill=True)

    fast: int = 9
    slow: int = 21
    frame: str = ""
    quantity: Decimal = Decimal(0)
    fraction: float = 0.2

    def __post_init__(self) -> None:
        """Refuse lengths that make no cross."""
        require(1 <= self.fast < self.slow, "1 <= fast < slow", fast=self.fast, slow=self.slow)
        if self.frame:
            parse_interval_ns(self.frame)
        self._sizing = Sizing(self.quantity, self.fraction)

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Compute the trend of the first instrument: -1, 0 or 1."""
        closes = market.close[0].astype(np.float64)
        if not self.frame:
            return {"trend": signals_of.ema_trend(closes, self.fast, self.slow)}
        last_steps, newest = signals_of.on_frame(market.close_ns, self._frame_ns(market))
        trend = signals_of.ema_trend(closes[last_steps], self.fast, self.slow)
        return {"trend": np.where(newest >= 0, trend[np.maximum(newest, 0)], 0)}

    def _frame_ns(self, market: Market) -> int:
        """Return the frame's length; bars that it cannot be made of are refused (InputError)."""
        frame_ns = parse_interval_ns(self.frame)
        is_multiple = frame_ns > market.interval_ns and frame_ns % market.interval_ns == 0
        interval = format_interval(market.interval_ns)
        expected = f"frame a multiple of the run's {interval} bars, and longer"
        require(is_multiple, expected, frame=self.frame)
        return frame_ns

    def on_wake(self, view: View) -> Intent | None:
        """Buy into an upward trend when flat, sell out of a downward one."""
        (trend,) = view.signals
        if view.n_working:
            return None
        if trend > 0 and view.position == 0:
            return Intent(side=Side.BUY, lots=self._sizing.lots(view))
        if trend < 0 and view.position > 0:
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        return None


@dataclass
class _Swing(WokenStrategy):
    """Enter when a signal says so, with a stop and a target; leave by them or by its opposite.

    A short is asked for only where the instrument can be sold short.
    """

    wake: ClassVar[Wake] = Wake(on_change=("signal",), on_fill=True)

    quantity: Decimal = Decimal(0)
    fraction: float = 0.2

    def __post_init__(self) -> None:
        """Check the size."""
        self._sizing = Sizing(self.quantity, self.fraction)

    def on_wake(self, view: View) -> Intent | None:
        """Enter when flat, leave when the signal has turned against the position."""
        signal = int(view.signals[0])
        position = view.position
        if position and signal * position < 0:
            side = Side.SELL if position > 0 else Side.BUY
            return Intent(side=side, lots=abs(position), purpose=Purpose.EXIT)
        if position or view.n_working or not signal:
            return None
        if signal < 0 and not view.instruments[0].is_margin:
            return None
        stop, target = self.protections(view, signal)
        if stop <= 0 or target <= 0:
            return None
        return Intent(
            side=Side.BUY if signal > 0 else Side.SELL,
            lots=self._sizing.lots(view),
            stop_ticks=stop,
            target_ticks=target,
        )

    @abstractmethod
    def protections(self, view: View, signal: int) -> tuple[int, int]:
        """Return stop and target in ticks; 0 where they are not known yet."""


def _away(close: int, signal: int, fraction: float) -> int:
    """Return the price a fraction away in the direction of the signal, on a whole tick."""
    return arithmetic.scaled(close, _PPM + signal * round(fraction * _PPM))


@dataclass
class Momentum(_Swing):
    """Follow a return over `length` bars beyond a threshold.

    Attributes:
        length: bars of the return.
        threshold: size of the return that counts, as a fraction.
        stop, target: distances from the close, as fractions.
    """

    length: int = 20
    threshold: float = 0.02
    stop: float = 0.02
    target: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what measures or protects nothing."""
        super().__post_init__()
        require(self.length >= 1, "length >= 1 bar", length=self.length)
        require(self.threshold > 0, "threshold > 0", threshold=self.threshold)
        is_around = 0 < self.stop < 1 and 0 < self.target < 1
        require(is_around, "stop and target within 0..1", stop=self.stop, target=self.target)

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Compute 1 after a rise beyond the threshold, -1 after such a fall, else 0."""
        closes = market.close[0].astype(np.float64)
        move = np.zeros(len(closes))
        before = closes[: -self.length]
        known = before > 0
        move[self.length :][known] = closes[self.length :][known] / before[known] - 1
        return {"signal": signals_of.beyond(move, self.threshold)}

    def protections(self, view: View, signal: int) -> tuple[int, int]:
        """Return the stop against, and the target with, the move."""
        close = view.bar.close
        return _away(close, -signal, self.stop), _away(close, signal, self.target)


@dataclass
class MeanReversion(_Swing):
    """Trade back to the mean when the close is far from it, in deviations.

    Attributes:
        length: bars of mean and deviation.
        threshold: deviations that are far.
        stop: distance from the close, as a fraction.
    """

    length: int = 20
    threshold: float = 2.0
    stop: float = 0.03

    def __post_init__(self) -> None:
        """Refuse what measures or protects nothing."""
        super().__post_init__()
        require(self.length > 1, "length > 1 bar", length=self.length)
        require(self.threshold > 0, "threshold > 0", threshold=self.threshold)
        require(0 < self.stop < 1, "stop within 0..1", stop=self.stop)

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Compute 1 far under the mean, -1 far over it, else 0; and the mean in ticks."""
        first = signals_of.first_priced(market.close[0])
        closes = market.close[0, first:].astype(np.float64)
        lower, middle, upper = indicators.bollinger(closes, self.length, self.threshold)
        signal = np.zeros(len(closes), np.int8)
        signal[closes < lower] = 1
        signal[closes > upper] = -1
        mean = np.rint(np.nan_to_num(middle)).astype(np.int64)
        n_steps = len(market.close_ns)
        return {
            "signal": signals_of.padded(signal, n_steps),
            "mean": signals_of.padded(mean, n_steps),
        }

    def protections(self, view: View, signal: int) -> tuple[int, int]:
        """Return the stop beyond the close, and the mean as the target."""
        return _away(view.bar.close, -signal, self.stop), int(view.signals[1])


@dataclass
class Breakout(_Swing):
    """Follow a close beyond the range of the last bars when volatility was squeezed before.

    Attributes:
        length: bars of the range.
        within: the squeeze was on in one of this many bars before.
        stop_atr: distance of the stop in average true ranges.
        reward: distance of the target in stop distances.
    """

    length: int = 20
    within: int = 5
    stop_atr: float = 2.0
    reward: float = 3.0

    def __post_init__(self) -> None:
        """Refuse what measures or protects nothing."""
        super().__post_init__()
        lengths = {"length": self.length, "within": self.within}
        require(min(lengths.values()) >= 1, "length and within >= 1 bar", **lengths)
        distances = {"stop_atr": self.stop_atr, "reward": self.reward}
        require(min(distances.values()) > 0, "stop_atr and reward > 0", **distances)

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Compute 1 over the range, -1 under it, else 0; and the stop's distance in ticks."""
        first = signals_of.first_priced(market.close[0])
        high, low, close = (
            column[0, first:].astype(np.float64)
            for column in (market.high, market.low, market.close)
        )
        top = signals_of.behind(signals_of.rolling_max(high, self.length))
        bottom = signals_of.behind(-signals_of.rolling_max(-low, self.length))
        squeezed = np.nan_to_num(indicators.squeeze(high, low, close))
        was_squeezed = signals_of.behind(signals_of.rolling_max(squeezed, self.within)) > 0
        signal = np.zeros(len(close), np.int8)
        signal[(close > top) & was_squeezed] = 1
        signal[(close < bottom) & was_squeezed] = -1
        distance = np.rint(self.stop_atr * np.nan_to_num(indicators.atr(high, low, close)))
        n_steps = len(market.close_ns)
        return {
            "signal": signals_of.padded(signal, n_steps),
            "distance": signals_of.padded(distance.astype(np.int64), n_steps),
        }

    def protections(self, view: View, signal: int) -> tuple[int, int]:
        """Return stop and target by the average true range; none while it is unknown."""
        distance = int(view.signals[1])
        if distance <= 0:
            return 0, 0
        close = view.bar.close
        return close - signal * distance, close + signal * round(self.reward * distance)


@dataclass
class Random(WokenStrategy):
    """Enter and leave by tossing a coin; the yardstick that knows nothing.

    Attributes:
        holding: mean number of bars between tosses that turn up.
        seed: of the tosses; the toss of a bar does not depend on how many bars follow.
        quantity: in base currency; 0 uses the fraction.
        fraction: of equity; the default is what the default limits let one position have.
    """

    wake: ClassVar[Wake] = Wake(on_change=("tosses",))

    holding: int = 50
    seed: int = 42
    quantity: Decimal = Decimal(0)
    fraction: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a holding that is none."""
        require(self.holding >= 1, "holding >= 1 bar", holding=self.holding)
        require(self.seed >= 0, "seed >= 0", seed=self.seed)
        self._sizing = Sizing(self.quantity, self.fraction)

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Count the tosses that turned up, one draw a bar."""
        draws = np.random.Generator(np.random.PCG64(self.seed)).random(len(market.close_ns))
        turned_up = draws * self.holding < 1
        turned_up[: signals_of.first_priced(market.close[0])] = False
        return {"tosses": np.cumsum(turned_up)}

    def on_wake(self, view: View) -> Intent | None:
        """Enter when flat, leave when not."""
        if view.n_working or view.signals[0] == 0:
            return None
        if view.position:
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        return Intent(side=Side.BUY, lots=self._sizing.lots(view))
