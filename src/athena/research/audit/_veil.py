"""The veil: a strategy's own columns, hidden beyond the bar it is asked about.

A strategy is handed whole columns once, for its signals, and might keep them. Under the veil
everything of the run's length that it keeps shows other bars' values in place of the future, and
the truth bar by bar: a run that comes out the same has read nothing ahead at any bar. One run
proves it for all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.research.audit._decisions import kept_columns
from athena.trading import BarStrategy, WokenStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from athena.trading import Market, Strategy, View

_MARKET_COLUMNS = ("open", "high", "low", "close", "volume")


class _Hidden:
    """One column and its truth; what lies ahead shows the values of other bars."""

    def __init__(self, shown: Any, rng: np.random.Generator) -> None:  # noqa: ANN401 - a list or an array
        self.shown = shown
        self.truth = shown.copy()
        order = rng.permutation(np.asarray(shown).shape[-1])
        if isinstance(shown, list):
            shown[:] = [self.truth[k] for k in order]
        else:
            shown[...] = self.truth[..., order]

    def reveal(self, first: int, last: int) -> None:
        """Show the truth of steps [first, last)."""
        if isinstance(self.shown, list):
            self.shown[first:last] = self.truth[first:last]
        else:
            self.shown[..., first:last] = self.truth[..., first:last]


class _Veil:
    """What is hidden from one strategy, and how far it has been shown."""

    def __init__(self, strategy: Strategy, decide: Callable[[View], Any], seed: int) -> None:
        self._strategy = strategy
        self._signals = strategy.signals
        self._decide = decide
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self._hidden: list[_Hidden] = []
        self._n_shown = 0

    def signals(self, market: Market) -> Mapping[str, NDArray[Any]]:
        """Compute the signals on the truth, then hide it."""
        copies = {name: getattr(market, name).copy() for name in _MARKET_COLUMNS}
        views = {name: column.view() for name, column in copies.items()}
        for view in views.values():
            view.flags.writeable = False
        found = self._signals(replace(market, **views))
        signals = {name: np.array(column) for name, column in found.items()}
        own = kept_columns(self._strategy, market.close_ns).values()
        bases = list(copies.values())
        for value in own:
            # A view of the market is hidden with it; its own truth must not be hidden twice.
            is_shared = isinstance(value, np.ndarray) and any(
                np.shares_memory(value, base) for base in bases
            )
            if not is_shared and _is_writeable(value):
                bases.append(value)
        self._hidden = [_Hidden(base, self._rng) for base in bases]
        return signals

    def decide(self, view: View) -> Any:  # noqa: ANN401 - what strategies return
        """Show what has happened since, then ask."""
        last = view.step + 1
        if last > self._n_shown:
            for column in self._hidden:
                column.reveal(self._n_shown, last)
            self._n_shown = last
        return self._decide(view)


def _is_writeable(value: object) -> bool:
    return not isinstance(value, np.ndarray) or bool(value.flags.writeable)


def veiled(strategy: BarStrategy | WokenStrategy, seed: int = 0) -> Strategy:
    """Put a fresh strategy under the veil; it must serve one run only.

    Its two methods are replaced on the instance, because a strategy of another class would be
    another strategy: the core's book is given to built-in classes only.
    """
    name = "on_bar" if isinstance(strategy, BarStrategy) else "on_wake"
    veil = _Veil(strategy, getattr(strategy, name), seed)
    object.__setattr__(strategy, "signals", veil.signals)
    object.__setattr__(strategy, name, veil.decide)
    return strategy
