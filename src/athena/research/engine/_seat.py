"""A strategy in its place: its view, its signals, what wakes it, and the blame if it raises."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import AthenaError, InputError, StrategyError
from athena.trading import BarStrategy, Intent, View, Wake, WokenStrategy
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from athena.trading import Ints, Market, State, Strategy

    Wanted = Intent | Iterable[Intent] | None

_NEVER_BELOW = -1
_NEVER_ABOVE = 2**62
_TERMINATED = 143  # the exit code with which SIGTERM unwinds the stack
_SIGNAL_KINDS = "biuf"  # truth values, integers, floats


@dataclass(slots=True)
class Seat:
    """A strategy in its place.

    Attributes:
        view: what it is shown.
        signals: its columns, and the same as memory views, which give Python numbers.
        wakes: (T,) uint8, 1 where its signals or its timer wake it.
        levels: (S, 2) prices that wake it, under the first or over the second.
        n_fills, n_told: its fills so far; those it has been told of.
        decide: its method that is called.
    """

    index: int
    name: str
    strategy: BarStrategy | WokenStrategy
    view: View
    signals: tuple[NDArray[Any], ...]
    signal_views: tuple[memoryview, ...]
    wakes: NDArray[np.uint8]
    on_fill: bool
    levels: Ints
    n_fills: int = 0
    n_told: int = 0
    decide: Callable[[View], Wanted] = field(init=False)

    def __post_init__(self) -> None:
        """Choose the method once: asking for the kind at every wake takes a tenth of a run."""
        strategy = self.strategy
        self.decide = strategy.on_bar if isinstance(strategy, BarStrategy) else strategy.on_wake

    def sync(self, state: State) -> None:
        """Bring what fills have changed into the view."""
        view = self.view
        n_instruments = len(view.positions)
        first = self.index * n_instruments
        for k in range(n_instruments):
            view.positions[k] = state.positions[first + k, at.QUANTITY]
        self.n_fills = state.strategies[self.index, at.STRATEGY_FILLS]
        view.has_filled = self.n_fills != self.n_told
        n_rows = state.account[at.N_ROWS]
        view.n_working = self._count_working(state, n_rows) if n_rows else 0

    def _count_working(self, state: State, n_rows: int) -> int:
        orders = state.orders
        return sum(
            1
            for row in range(n_rows)
            if orders[row, at.NUMBER] and orders[row, at.ORDER_STRATEGY] == self.index
        )

    def ask(self) -> Wanted:
        """Call the strategy; it is told of its fills.

        Raises:
            StrategyError: it raised.
        """
        try:
            wanted = self.decide(self.view)
        except AthenaError:
            raise
        except BaseException as error:
            raise strategy_error(self.name, self.view.step, error) from error
        self.n_told = self.n_fills
        self.view.has_filled = False
        return wanted

    def listed(self, asked: object) -> tuple[Intent, ...]:
        """List what the strategy wants, when it is more than one intent.

        Raises:
            StrategyError: it raised on the way, or wants what is no intent.
        """
        try:
            intents = tuple(asked) if isinstance(asked, Iterable) else (asked,)
        except AthenaError:
            raise
        except BaseException as error:
            raise strategy_error(self.name, self.view.step, error) from error
        for intent in intents:
            if not isinstance(intent, Intent):
                message = (
                    f"expected {self.name} to return intents, was {type(intent).__name__}, "
                    f"on bar {self.view.step}"
                )
                raise StrategyError(message, n_bars=self.view.step)
        return intents

    def is_awake(self, step: int) -> bool:
        """Tell whether this step is one the strategy asked for."""
        if isinstance(self.strategy, BarStrategy) or self.wakes[step]:
            return True
        if self.on_fill and self.view.has_filled:
            return True
        return any(
            bar.close <= low or bar.close >= high
            for bar, (low, high) in zip(self.view.bars, self.levels.tolist(), strict=True)
        )


def take_seat(index: int, name: str, strategy: Strategy, market: Market, state: State) -> Seat:
    """Put a strategy in its place.

    Raises:
        InputError: it is of no known kind, a signal is not a numeric column of the run's length,
            or it wakes on a signal that it does not name.
        StrategyError: it raised while it computed its signals.
    """
    if not isinstance(strategy, BarStrategy | WokenStrategy):
        message = f"expected a strategy to be a Bar-, Woken- or RuleStrategy, was {name}"
        raise InputError(message)
    signals = signal_columns(name, strategy, market)
    wake = strategy.wake if isinstance(strategy, WokenStrategy) else Wake(on_fill=True)
    levels = np.full((len(market.instruments), 2), _NEVER_BELOW, np.int64)
    levels[:, 1] = _NEVER_ABOVE
    return Seat(
        index=index,
        name=name,
        strategy=strategy,
        view=View(market.instruments, state, levels.data, index),
        signals=tuple(signals.values()),
        signal_views=tuple(column.data for column in signals.values()),
        wakes=wake_mask(name, wake, signals, market.close_ns),
        on_fill=wake.on_fill,
        levels=levels,
    )


def signal_columns(name: str, strategy: Strategy, market: Market) -> dict[str, NDArray[Any]]:
    """Compute a strategy's signals, in the order it names them; each (T,).

    Raises:
        InputError: a signal is not a numeric column of the market's length.
        StrategyError: it raised.
    """
    try:
        signals = {key: np.asarray(column) for key, column in strategy.signals(market).items()}
    except AthenaError:
        raise
    except BaseException as error:
        raise strategy_error(name, "in its signals", error) from error
    for key, column in signals.items():
        if column.shape != market.close_ns.shape or column.dtype.kind not in _SIGNAL_KINDS:
            message = (
                f"expected signal {key!r} of {name} as numbers of shape {market.close_ns.shape}, "
                f"was {column.dtype} of shape {column.shape}"
            )
            raise InputError(message)
    return signals


def wake_mask(
    name: str, wake: Wake, signals: Mapping[str, NDArray[Any]], close_ns: Ints
) -> NDArray[np.uint8]:
    """Mark the steps (T,) at which a strategy asks to be woken by signals or time.

    The first step wakes whoever waits for a change, and for whatever time is past already.

    Raises:
        InputError: it wakes on a signal that it does not name.
    """
    mask = np.zeros(len(close_ns), np.uint8)
    for key in wake.on_change:
        if key not in signals:
            message = f"expected wake of {name} to name a signal of {list(signals)}, was {key!r}"
            raise InputError(message)
        now, before = signals[key][1:], signals[key][:-1]
        mask[0] = 1
        mask[1:] |= (now != before) & ~((now != now) & (before != before))  # noqa: PLR0124 - NaN
    if wake.every_ns > 0:
        mask |= close_ns % wake.every_ns == 0
    steps = np.searchsorted(close_ns, np.array(wake.at_ns, np.int64))
    mask[steps[steps < len(mask)]] = 1
    return mask


def strategy_error(name: str, where: int | str, error: BaseException) -> StrategyError:
    """Blame a strategy for what it raised on a bar, or elsewhere in words.

    Raises:
        KeyboardInterrupt: a person pressed Ctrl-C; that is not the strategy's doing.
        SystemExit: the process was asked to end (SIGTERM); neither is that.
    """
    is_terminated = isinstance(error, SystemExit) and error.code == _TERMINATED
    if is_terminated or isinstance(error, KeyboardInterrupt):
        raise error
    n_bars, when = (where, f"on bar {where}") if isinstance(where, int) else (0, where)
    message = f"{name} raised {type(error).__name__}: {error}, {when}, {_place(error)}"
    return StrategyError(message, n_bars=n_bars)


def _place(error: BaseException) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"at {where.filename}:{where.lineno}"
