"""The strategy interface: what it sees, what wakes it, what it may want.

Three kinds, one result: a `BarStrategy` is called on every bar, a `WokenStrategy` only when
something it named happens, a `RuleStrategy` is a function in the compiled subset. All see ticks,
lots and their own signals, cut at the present bar, and return intents; none can send an order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from athena.domain import Book
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading._core import risk
from athena.trading._core.arithmetic import lots_worth
from athena.trading._core.positions import worth
from athena.trading._intent import REGIME_CODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from athena.domain import Instrument, Regime
    from athena.trading._core.layout import State, Table
    from athena.trading._intent import Intent


class Bar(NamedTuple):
    """One closed bar of one instrument, in ticks and lots; volume -1 when there was none."""

    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass(frozen=True, slots=True)
class Market:
    """The whole market of a run, for signals; a signal at t may use columns up to t only (D02).

    Attributes:
        instruments: S of them.
        interval_ns: length of a bar.
        close_ns: (T,) int64, close time of each step.
        open, high, low, close: (S, T) int64 ticks; a missing bar repeats the last close, 0
            before the first.
        volume: (S, T) int64 lots; -1 marks a missing bar.
    """

    instruments: tuple[Instrument, ...]
    interval_ns: int
    close_ns: NDArray[np.int64]
    open: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    close: NDArray[np.int64]
    volume: NDArray[np.int64]

    def until(self, n_steps: int) -> Market:
        """Return the market of the first steps, 1 <= n_steps <= T, as if nothing came after.

        The columns are copies: the base of a view would show the rest.
        """
        columns = (self.close_ns, self.open, self.high, self.low, self.close, self.volume)
        cut = [column[..., :n_steps].copy() for column in columns]
        for column in cut:
            column.flags.writeable = False
        return Market(self.instruments, self.interval_ns, *cut)


class View:
    """What a strategy sees at the close of a bar; it is valid during the call.

    Attributes:
        instruments: of the run, in the order of every list here.
        step: index of the bar in the columns that `signals` was given: in the run, unless a
            walk-forward showed it what came before.
        now_ns: its close time, UTC nanoseconds.
        bars: one `Bar` per instrument.
        signals: this bar's value of each signal, in the order the strategy named them.
        positions: signed lots per instrument that the strategy holds.
        n_working: its orders that are live, protections included.
        has_filled: True when something of it filled since it was last called.
    """

    __slots__ = (
        "_levels",
        "_state",
        "_strategy",
        "bars",
        "has_filled",
        "instruments",
        "n_working",
        "now_ns",
        "positions",
        "signals",
        "step",
    )

    def __init__(
        self, instruments: tuple[Instrument, ...], state: State, levels: Table, strategy: int = 0
    ) -> None:
        """Look at a state as one of its strategies; the driver moves the view from bar to bar."""
        self.instruments = instruments
        self.step = -1
        self.now_ns = 0
        self.bars: tuple[Bar, ...] = ()
        self.signals: tuple[Any, ...] = ()
        self.positions = [0] * len(instruments)
        self.n_working = 0
        self.has_filled = False
        self._state = state
        self._levels = levels
        self._strategy = strategy

    @property
    def bar(self) -> Bar:
        """Return the first instrument's bar."""
        return self.bars[0]

    @property
    def position(self) -> int:
        """Return the signed lots held in the first instrument."""
        return self.positions[0]

    @property
    def cash(self) -> int:
        """Return the account's cash in money units (10^-8)."""
        return self._state.account[at.CASH]

    def equity(self) -> int:
        """Return the strategy's share of the equity at this bar's closes, in money units.

        A strategy that runs alone has a share of 1. In a portfolio the shares of all strategies
        come to 1 or less; what one gains or loses is shared by all.
        """
        total = self._state.account[at.CASH]
        n = len(self.instruments)
        for row in range(self._state.account[at.N_POSITIONS]):
            lots = self._state.positions[row, at.QUANTITY]
            if lots:
                total += self.value(lots, row % n)
        return total * self._state.strategies[self._strategy, at.SHARE_PPM] // at.PPM

    def value(self, lots: int, instrument: int = 0) -> int:
        """Return what lots are worth at this bar's close, in money units."""
        return worth(self._state, instrument, self.bars[instrument].close, lots)

    def lots_for(self, fraction: float, instrument: int = 0) -> int:
        """Return the lots that a fraction of `equity` buys at this bar's close, rounded down.

        Room for fee and slippage is kept back, so that a fraction of 1 can be paid for.
        """
        state = self._state
        buffer_ppm = state.limits[limit.CASH_BUFFER_PPM]
        money = self.equity() * round(fraction * at.PPM) // (at.PPM + buffer_ppm)
        row = state.instruments
        return lots_worth(
            money,
            self.bars[instrument].close,
            row[instrument, at.VALUE_NUM],
            row[instrument, at.VALUE_DEN],
        )

    def drawdown_ppm(self) -> int:
        """Return the fall of the account's equity from its peak, as the core judges it, in ppm."""
        return risk.drawdown_ppm(self._state, self._state.account[at.EQUITY])

    def confidence_floor_ppm(self, regime: Regime) -> int:
        """Return the least confidence that the risk engine lets risk through with now, in ppm.

        Regime, losses in a row and strictness make it; 0 where limits do not ask for confidence.
        """
        state = self._state
        if state.limits[limit.NEEDS_CONFIDENCE] == 0:
            return 0
        lowest_tier = state.limits[limit.TIER_4_PPM]
        return max(lowest_tier, risk.confidence_floor(state, REGIME_CODES[regime]))

    def wake_at(self, *, below: int = 0, above: int = 0, instrument: int = 0) -> None:
        """Ask to be woken when a close is at or under, or at or over, a price in ticks; 0 = never.

        The levels hold until they are set anew.
        """
        self._levels[instrument, 0] = below if below > 0 else -1
        self._levels[instrument, 1] = above if above > 0 else 2**62


class Strategy(ABC):  # noqa: B024 - what must be written differs by kind
    """What all strategies share: their book, what they learn, and signals computed on columns.

    Attributes:
        book: whose positions they manage.
        horizon_bars: how far the labels that `fit` learns from reach beyond their bar, >= 1; so
            many bars at the end of a training window are left out.
    """

    book: ClassVar[Book] = Book.TRADING
    horizon_bars: ClassVar[int] = 1

    def fit(self, market: Market) -> None:
        """Learn from a training window, before the first signal; default nothing.

        `athena walkforward` calls it once for each fold, with a market that ends where training
        ends. The same market must teach the same. A backtest refuses a strategy that defines it.
        """
        del market

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Compute signal columns (T,), each value from bars up to its own; default none."""
        del market
        return {}


def needs_fit(strategy: Strategy) -> bool:
    """Tell whether a strategy has something to learn before it may run."""
    return type(strategy).fit is not Strategy.fit


class BarStrategy(Strategy):
    """A strategy that is called on every bar."""

    @abstractmethod
    def on_bar(self, view: View) -> Intent | Iterable[Intent] | None:
        """Say what is wanted at this bar's close; None is nothing."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Say what wakes a strategy.

    Attributes:
        on_change: names of signals; a change of value wakes.
        every_ns: > 0 wakes at each close whose time is a multiple of it since 1970 UTC.
        on_fill: True wakes at the close of a bar in which something filled.
        at_ns: times; the first close at or after each of them wakes.
    """

    on_change: tuple[str, ...] = ()
    every_ns: int = 0
    on_fill: bool = False
    at_ns: tuple[int, ...] = ()


class WokenStrategy(Strategy):
    """A strategy that is called only when what it named in `wake` happens, and on its levels."""

    wake: ClassVar[Wake]

    @abstractmethod
    def on_wake(self, view: View) -> Intent | Iterable[Intent] | None:
        """Say what is wanted at this bar's close; None is nothing."""


class RuleStrategy(Strategy):
    """A strategy whose rule is a function in the compiled subset.

    Attributes:
        rule: a static method ``rule(now, memory, parameters, intents) -> number written``; see
            `athena.trading.rules` for the columns. It is shown one bar at a time, so it cannot
            see the future; what it needs to remember it keeps in `memory`.
    """

    rule: ClassVar[staticmethod[[Table, Table, Table, Table], int]]

    @abstractmethod
    def parameters(self, market: Market) -> list[int]:
        """Return the rule's integer parameters; they must not depend on prices."""

    @abstractmethod
    def memory_size(self) -> int:
        """Return how many integers the rule remembers."""

    def max_intents(self) -> int:
        """Return how many intents one call may write; default 1."""
        return 1
