"""A strategy that trades one instrument of several, as if there were no others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from athena.errors import InputError
from athena.trading import BarStrategy, Intent, Market, Strategy, View, Wake, WokenStrategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from athena.domain import Book

    Wanted = Intent | Iterable[Intent] | None


class _OneView(View):
    """One instrument of a view, as number 0; money is that of the whole."""

    __slots__ = ("_k", "_whole")

    def __init__(self, whole: View, k: int) -> None:
        self._whole = whole
        self._k = k
        self.instruments = whole.instruments[k : k + 1]

    def follow(self) -> None:
        """Show what the whole view shows now."""
        whole, k = self._whole, self._k
        self.step = whole.step
        self.now_ns = whole.now_ns
        self.bars = whole.bars[k : k + 1]
        self.signals = whole.signals
        self.positions = whole.positions[k : k + 1]
        self.n_working = whole.n_working
        self.has_filled = whole.has_filled

    @property
    def cash(self) -> int:
        return self._whole.cash

    def equity(self) -> int:
        return self._whole.equity()

    def value(self, lots: int, instrument: int = 0) -> int:
        return self._whole.value(lots, self._k + instrument)

    def lots_for(self, fraction: float, instrument: int = 0) -> int:
        return self._whole.lots_for(fraction, self._k + instrument)

    def wake_at(self, *, below: int = 0, above: int = 0, instrument: int = 0) -> None:
        self._whole.wake_at(below=below, above=above, instrument=self._k + instrument)


class Solo(Strategy):
    """A strategy on one instrument of several; `solo_of` builds it."""

    def __init__(self, strategy: BarStrategy | WokenStrategy, instrument: int) -> None:
        """Take the strategy, and the number of its instrument in the run."""
        self.kind = type(strategy)
        self._strategy = strategy
        self._k = instrument
        self._view: _OneView | None = None

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Compute the strategy's signals on its own instrument."""
        own = slice(self._k, self._k + 1)
        prices = (market.open, market.high, market.low, market.close, market.volume)
        return self._strategy.signals(
            Market(
                market.instruments[own],
                market.interval_ns,
                market.close_ns,
                *(column[own] for column in prices),
            )
        )

    def decide(self, view: View) -> Wanted:
        """Ask the strategy, and send what it wants to its instrument.

        Raises:
            InputError: it wants another instrument than its own.
        """
        if self._view is None:
            self._view = _OneView(view, self._k)
        self._view.follow()
        strategy = self._strategy
        if isinstance(strategy, BarStrategy):
            wanted = strategy.on_bar(self._view)
        else:
            wanted = strategy.on_wake(self._view)
        if isinstance(wanted, Iterable):
            return [self._placed(intent) for intent in wanted]
        return self._placed(wanted) if isinstance(wanted, Intent) else wanted

    def _placed(self, intent: Intent) -> Intent:
        if not isinstance(intent, Intent):
            return intent  # the driver says what is wrong with it
        if intent.instrument != 0:
            message = f"expected instrument 0, the only one, was {intent.instrument}"
            raise InputError(message)
        return replace(intent, instrument=self._k)


def solo_of(strategy: Strategy, instrument: int) -> BarStrategy | WokenStrategy:
    """Put a strategy on one instrument of a run, which it sees as the only one.

    Args:
        strategy: called on every bar, or woken.
        instrument: its number in the run.

    Raises:
        InputError: the strategy is a compiled rule.
    """
    # Book and wake belong to a class, so that each needs one of its own.
    if isinstance(strategy, BarStrategy):
        return _bar_solo(strategy, instrument)
    if isinstance(strategy, WokenStrategy):
        return _woken_solo(strategy, instrument)
    message = f"expected a bar or woken strategy, was {type(strategy).__name__}"
    raise InputError(message)


def _bar_solo(strategy: BarStrategy, instrument: int) -> BarStrategy:
    class BarSolo(Solo, BarStrategy):
        book: ClassVar[Book] = strategy.book

        def on_bar(self, view: View) -> Wanted:
            return self.decide(view)

    return BarSolo(strategy, instrument)


def _woken_solo(strategy: WokenStrategy, instrument: int) -> WokenStrategy:
    class WokenSolo(Solo, WokenStrategy):
        book: ClassVar[Book] = strategy.book
        wake: ClassVar[Wake] = strategy.wake

        def on_wake(self, view: View) -> Wanted:
            return self.decide(view)

    return WokenSolo(strategy, instrument)
