"""A strategy that hands over to another of its kind at set times, on one account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from athena.errors import InputError
from athena.trading import BarStrategy, Strategy, Wake, WokenStrategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from athena.domain import Book
    from athena.trading import Intent, Market, View

    Wanted = Intent | Iterable[Intent] | None


@dataclass(frozen=True, slots=True)
class Leg:
    """One stretch of a relay.

    Attributes:
        strategy: who decides; an instance serves one leg.
        n_steps: how many steps of the run it decides on, >= 1.
    """

    strategy: BarStrategy | WokenStrategy
    n_steps: int


class Relay(Strategy):
    """One strategy made of several that follow each other; `relay_of` builds it.

    Positions and working orders are handed over; the price levels that the one before was to be
    woken at are not. The next one decides at once, at the close of its first bar.
    """

    def __init__(self, history: Market, legs: Sequence[Leg]) -> None:
        """Take the legs in their order; the history ends with the last step of the last one.

        Raises:
            InputError: the legs differ in their book or in what wakes them.
        """
        self.kind = type(legs[0].strategy)
        self._history = history
        self._legs = legs
        self._manner = _manner_of(legs[0])
        self._check_manners()
        n_steps = [leg.n_steps for leg in legs]
        first = len(history.close_ns) - sum(n_steps)
        # of the run: the step after each leg's last
        self._ends = np.cumsum(n_steps).tolist()
        self._first = first
        self._at = 0

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Join the signals of the legs; each sees the history, and nothing after its own end.

        Raises:
            InputError: the run is not the end of the history, a leg names other signals, a signal
                is no column of the market that it was made from, or a leg has changed its book or
                what wakes it.
        """
        if not np.array_equal(market.close_ns, self._history.close_ns[self._first :]):
            message = "expected a relay to run on the end of its history, was on other steps"
            raise InputError(message)
        parts: dict[str, list[NDArray[Any]]] = {}
        for leg, end in zip(self._legs, self._ends, strict=True):
            n_known = self._first + end
            columns = leg.strategy.signals(self._history.until(n_known))
            if parts and list(parts) != list(columns):
                message = f"expected the signals {list(parts)} of every leg, was {list(columns)}"
                raise InputError(message)
            for name, column in columns.items():
                whole = np.asarray(column)
                if whole.shape != (n_known,):
                    message = f"expected signal {name!r} of shape {(n_known,)}, was {whole.shape}"
                    raise InputError(message)
                parts.setdefault(name, []).append(whole[-leg.n_steps :])
        self._check_manners()
        return {name: np.concatenate(columns) for name, columns in parts.items()}

    def decide(self, view: View) -> Wanted:
        """Ask the leg whose step it is; it counts steps on the history, as its columns do."""
        while view.step >= self._ends[self._at]:
            self._at += 1
            for k in range(len(view.instruments)):
                view.wake_at(instrument=k)  # the levels were the last one's
        step = view.step
        view.step += self._first
        try:
            return _asked(self._legs[self._at].strategy, view)
        finally:
            view.step = step

    def _check_manners(self) -> None:
        """Refuse legs that differ in what the run asks of a strategy only once."""
        for leg in self._legs:
            manner = _manner_of(leg)
            for what, one, other in zip(("book", "wake"), self._manner, manner, strict=True):
                if one != other:
                    message = f"expected one {what} for all legs of a relay, was {one} and {other}"
                    hint = f"{what} may depend neither on a parameter nor on what was learned"
                    raise InputError(message, hint=hint)

    @property
    def starts_ns(self) -> tuple[int, ...]:
        """Return the close of the first bar of each leg but the first: when it takes over."""
        steps = [self._first + end for end in self._ends[:-1]]
        return tuple(self._history.close_ns[steps].tolist())


def _manner_of(leg: Leg) -> tuple[Book, Wake | None]:
    """Return the book of a leg and what wakes it, as its strategy states them now."""
    strategy = leg.strategy
    return strategy.book, strategy.wake if isinstance(strategy, WokenStrategy) else None


def _asked(strategy: BarStrategy | WokenStrategy, view: View) -> Wanted:
    """Ask a strategy; what it lists is listed at once, while the view is as it is shown."""
    wanted = strategy.on_bar(view) if isinstance(strategy, BarStrategy) else strategy.on_wake(view)
    return tuple(wanted) if isinstance(wanted, Iterator) else wanted


def relay_of(history: Market, legs: Sequence[Leg]) -> BarStrategy | WokenStrategy:
    """Join strategies of one class into one that is run as they are.

    Each may come from an import of its own, so that classes are the same by name.

    Args:
        history: the market from the first bar that signals may use to the end of the last leg.
        legs: at least one, in the order of time; the run begins with the first one's first step.

    Raises:
        InputError: no leg, or strategies of different classes, books or wakes.
    """
    names = {type(leg.strategy).__qualname__ for leg in legs}
    if len(names) != 1:
        found = ", ".join(sorted(names)) or "none"
        message = f"expected the legs of a relay to be of one class, was {found}"
        raise InputError(message)
    first = legs[0].strategy
    # Book and wake belong to a class, so that each relay needs one of its own.
    if isinstance(first, BarStrategy):
        return _bar_relay(first, history, legs)
    return _woken_relay(first, history, legs)


def _bar_relay(first: BarStrategy, history: Market, legs: Sequence[Leg]) -> BarStrategy:
    class BarRelay(Relay, BarStrategy):
        book: ClassVar[Book] = first.book

        def on_bar(self, view: View) -> Wanted:
            return self.decide(view)

    return BarRelay(history, legs)


def _woken_relay(first: WokenStrategy, history: Market, legs: Sequence[Leg]) -> WokenStrategy:
    starts_ns = Relay(history, legs).starts_ns

    class WokenRelay(Relay, WokenStrategy):
        book: ClassVar[Book] = first.book
        wake: ClassVar[Wake] = replace(first.wake, at_ns=first.wake.at_ns + starts_ns)

        def on_wake(self, view: View) -> Wanted:
            return self.decide(view)

    return WokenRelay(history, legs)
