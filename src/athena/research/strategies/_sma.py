"""Simple-moving-average strategies, each written in all three kinds with one result.

They act when the trend changes or something of theirs has filled, so that a refused order is not
asked for again at every bar.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from athena.domain import Purpose, Side
from athena.research.strategies._checks import require
from athena.research.strategies._signals import sma_trend
from athena.research.strategies._sizing import Sizing
from athena.trading import (
    BarStrategy,
    Intent,
    RuleStrategy,
    Table,
    Wake,
    WokenStrategy,
    arithmetic,
    codes,
    rules,
)
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from athena.trading import Market, View

_PPM = 1_000_000


@dataclass
class SmaCross:
    """Hold while the fast mean of closes is above the slow one, be flat while it is below.

    Attributes:
        fast, slow: lengths in bars, 1 <= fast < slow.
        quantity: in base currency; 0 uses the fraction.
        fraction: of equity; the default is what the default limits let one position have.
    """

    fast: int = 10
    slow: int = 30
    quantity: Decimal = Decimal(0)
    fraction: float = 0.2

    def __post_init__(self) -> None:
        """Refuse lengths that make no cross."""
        require(1 <= self.fast < self.slow, "1 <= fast < slow", fast=self.fast, slow=self.slow)
        self._sizing = Sizing(self.quantity, self.fraction)

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Compute the trend of the first instrument: -1, 0 or 1."""
        return {"trend": sma_trend(market.close[0], self.fast, self.slow)}

    def decide(self, view: View) -> Intent | None:
        """Buy into an upward trend when flat, sell out of a downward one."""
        (trend,) = view.signals
        if view.n_working:
            return None
        if trend > 0 and view.position == 0:
            return self.entry(view)
        if trend < 0 and view.position > 0:
            return Intent(side=Side.SELL, lots=view.position, purpose=Purpose.EXIT)
        return None

    def entry(self, view: View) -> Intent:
        """Enter long."""
        return Intent(side=Side.BUY, lots=self._sizing.lots(view))

    def rule_parameters(self, market: Market) -> list[int]:
        """Return the parameters of `sma_rule`."""
        lots = self._sizing.fixed_lots(market.instruments[0])
        return [self.fast, self.slow, lots, self._sizing.fraction_ppm, 0, 0]


@dataclass
class SmaBracket(SmaCross):
    """Enter on an upward trend with a stop and a target; leave only by one of them.

    Attributes:
        stop, target: distances from the close that decided, as fractions of it.
    """

    stop: float = 0.02
    target: float = 0.03

    def __post_init__(self) -> None:
        """Refuse distances that protect nothing."""
        super().__post_init__()
        is_around = 0 < self.stop < 1 and self.target > 0
        require(is_around, "0 < stop < 1, target > 0", stop=self.stop, target=self.target)

    def decide(self, view: View) -> Intent | None:
        """Buy into an upward trend when flat."""
        (trend,) = view.signals
        if trend > 0 and view.position == 0 and not view.n_working:
            return self.entry(view)
        return None

    def entry(self, view: View) -> Intent:
        """Enter long with both protections, on whole ticks."""
        close = view.bar.close
        return Intent(
            side=Side.BUY,
            lots=self._sizing.lots(view),
            stop_ticks=arithmetic.scaled(close, _PPM - round(self.stop * _PPM)),
            target_ticks=arithmetic.scaled(close, _PPM + round(self.target * _PPM)),
        )

    def rule_parameters(self, market: Market) -> list[int]:
        """Return the parameters of `sma_rule`."""
        distances = [round(self.stop * _PPM), round(self.target * _PPM)]
        return super().rule_parameters(market)[:-2] + distances


class SmaCrossWoken(SmaCross, WokenStrategy):
    """`SmaCross`, woken by a change of trend or a fill."""

    wake: ClassVar[Wake] = Wake(on_change=("trend",), on_fill=True)

    def on_wake(self, view: View) -> Intent | None:
        """Decide."""
        return self.decide(view)


class SmaBracketWoken(SmaBracket, WokenStrategy):
    """`SmaBracket`, woken by a change of trend or a fill."""

    wake: ClassVar[Wake] = Wake(on_change=("trend",), on_fill=True)

    def on_wake(self, view: View) -> Intent | None:
        """Decide."""
        return self.decide(view)


@dataclass
class SmaCrossBar(SmaCross, BarStrategy):
    """`SmaCross`, called on every bar."""

    _trend: int = field(default=0, init=False, repr=False)

    def on_bar(self, view: View) -> Intent | None:
        """Decide when the trend has changed or something has filled."""
        trend = view.signals[0]
        if trend != self._trend or view.has_filled:
            self._trend = trend
            return self.decide(view)
        return None


@dataclass
class SmaBracketBar(SmaBracket, BarStrategy):
    """`SmaBracket`, called on every bar."""

    _trend: int = field(default=0, init=False, repr=False)

    def on_bar(self, view: View) -> Intent | None:
        """Decide when the trend has changed or something has filled."""
        trend = view.signals[0]
        if trend != self._trend or view.has_filled:
            self._trend = trend
            return self.decide(view)
        return None


# memory of `sma_rule`
_COUNT = 0
_FAST_SUM = 1
_SLOW_SUM = 2
_TREND = 3
_FILLS = 4
_NEXT = 5  # where in the ring the newest close goes
_RING = 6
# Products of a sum and a length below these fit into 64 bits; a division would cost more.
_PLAIN_SUM = 2**42
_PLAIN_LENGTH = 2**20
# its parameters
_P_FAST = 0
_P_SLOW = 1
_P_LOTS = 2
_P_FRACTION = 3
_P_STOP = 4
_P_TARGET = 5


def sma_rule(now: Table, memory: Table, parameters: Table, intents: Table) -> int:
    """Decide as `SmaCross` (no stop) or `SmaBracket`, from closes it is shown one by one."""
    close = now[rules.N_NOW + rules.BAR_CLOSE]
    if close <= 0:  # no bar yet: what is no price is not counted
        return 0
    trend = _next_trend(memory, parameters[_P_FAST], parameters[_P_SLOW], close)
    if trend == memory[_TREND] and now[rules.NOW_FILLS] == memory[_FILLS]:
        return 0
    memory[_TREND] = trend
    memory[_FILLS] = now[rules.NOW_FILLS]
    position = now[rules.N_NOW + rules.POSITION]
    if now[rules.NOW_WORKING] > 0:
        return 0
    stop_ppm = parameters[_P_STOP]
    if trend > 0 and position == 0:
        lots = parameters[_P_LOTS]
        if lots == 0:
            lots = rules.lots_for(now, 0, parameters[_P_FRACTION])
        base = rules.write_market(intents, 0, 0, lots, codes.ENTRY)
        if stop_ppm > 0:
            target_ppm = parameters[_P_TARGET]
            intents[base + at.I_STOP] = arithmetic.scaled(close, 1_000_000 - stop_ppm)
            intents[base + at.I_TARGET] = arithmetic.scaled(close, 1_000_000 + target_ppm)
        return 1
    if trend < 0 and position > 0 and stop_ppm == 0:
        rules.write_market(intents, 0, 0, -position, codes.EXIT)
        return 1
    return 0


def _next_trend(memory: Table, fast: int, slow: int, close: int) -> int:
    """Move both window sums on by one close; return the sign of their difference.

    The ring holds zeros before it holds `slow` closes, so what leaves can always be taken off.
    """
    newest = memory[_NEXT]
    leaving = newest - fast if newest >= fast else newest - fast + slow
    fast_sum = memory[_FAST_SUM] - memory[_RING + leaving] + close
    slow_sum = memory[_SLOW_SUM] - memory[_RING + newest] + close
    memory[_RING + newest] = close
    memory[_FAST_SUM] = fast_sum
    memory[_SLOW_SUM] = slow_sum
    memory[_NEXT] = newest + 1 if newest + 1 < slow else 0  # no remainder: a division is slow
    memory[_COUNT] += 1
    if memory[_COUNT] < slow:
        return 0
    return _compare_means(fast_sum, fast, slow_sum, slow)


def _compare_means(fast_sum: int, fast: int, slow_sum: int, slow: int) -> int:
    """Return the sign of fast_sum / fast - slow_sum / slow, exactly and within 64 bits."""
    if slow_sum < _PLAIN_SUM and slow < _PLAIN_LENGTH:
        difference = fast_sum * slow - slow_sum * fast
    else:
        difference = fast_sum // fast - slow_sum // slow
        if difference == 0:
            difference = fast_sum % fast * slow - slow_sum % slow * fast
    if difference > 0:
        return 1
    return -1 if difference < 0 else 0


class SmaCrossRule(SmaCross, RuleStrategy):
    """`SmaCross` as a compiled rule."""

    rule = staticmethod(sma_rule)

    def parameters(self, market: Market) -> list[int]:
        """Return the rule's parameters."""
        return self.rule_parameters(market)

    def memory_size(self) -> int:
        """Return the size of the sums and the ring of closes."""
        return _RING + self.slow


class SmaBracketRule(SmaBracket, RuleStrategy):
    """`SmaBracket` as a compiled rule."""

    rule = staticmethod(sma_rule)

    def parameters(self, market: Market) -> list[int]:
        """Return the rule's parameters."""
        return self.rule_parameters(market)

    def memory_size(self) -> int:
        """Return the size of the sums and the ring of closes."""
        return _RING + self.slow
