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

from athena.research.audit._kept import Kept, columns_kept
from athena.trading import BarStrategy, WokenStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from athena.trading import Market, Strategy, View

_MARKET_COLUMNS = ("open", "high", "low", "close", "volume")


class _Hidden:
    """One column and its truth; what lies ahead shows the values of other bars.

    What the strategy itself has written since is left alone.
    """

    def __init__(self, kept: Kept, rng: np.random.Generator) -> None:
        self._offset = kept.offset
        self._place = kept.value
        self._keys = list(kept.value) if isinstance(kept.value, dict) else None
        self._rows = np.moveaxis(kept.value, kept.axis, 0) if self._is_array else kept.value
        self._truth = [self._at(k) for k in range(self._n_rows)]
        order = rng.permutation(self._n_rows)
        self._hidden = [self._truth[k] for k in order]
        for k, value in enumerate(self._hidden):
            self._put(k, value)

    @property
    def _is_array(self) -> bool:
        return isinstance(self._place, np.ndarray)

    @property
    def _n_rows(self) -> int:
        return len(self._rows)

    def _at(self, k: int) -> Any:  # noqa: ANN401 - a number or a row of them
        if self._keys is not None:
            return self._place[self._keys[k]]
        return self._rows[k].copy() if self._is_array else self._rows[k]

    def _put(self, k: int, value: Any) -> None:  # noqa: ANN401 - as above
        if self._keys is not None:
            self._place[self._keys[k]] = value
        else:
            self._rows[k] = value

    def reveal(self, first: int, last: int) -> None:
        """Show the truth of steps [first, last)."""
        begin = 0 if first == 0 else first + self._offset
        for k in range(max(begin, 0), min(last + self._offset, self._n_rows)):
            if self._keys is not None and self._keys[k] not in self._place:
                continue
            if np.array_equal(self._at(k), self._hidden[k], equal_nan=True):
                self._put(k, self._truth[k])


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
        n_steps = len(market.close_ns)
        self._thaw(n_steps)
        own = [Kept(name, column, 1, 0) for name, column in copies.items()]
        for kept in columns_kept(self._strategy, n_steps):
            # A view of the market is hidden with it; its own truth must not be hidden twice.
            if _can_be_hidden(kept.value) and not _is_shared(kept.value, own):
                own.append(kept)
        self._hidden = [_Hidden(kept, self._rng) for kept in own]
        return signals

    def _thaw(self, n_steps: int) -> None:
        """Replace tuples on the strategy by lists, which can be changed."""
        for name, value in list(vars(self._strategy).items()):
            if isinstance(value, tuple) and abs(len(value) - n_steps) <= 1:
                object.__setattr__(self._strategy, name, list(value))

    def decide(self, view: View) -> Any:  # noqa: ANN401 - what strategies return
        """Show what has happened since, then ask."""
        last = view.step + 1
        if last > self._n_shown:
            for column in self._hidden:
                column.reveal(self._n_shown, last)
            self._n_shown = last
        return self._decide(view)


def _can_be_hidden(value: Any) -> bool:  # noqa: ANN401 - what is kept
    """Tell whether values can be exchanged, and whether that would change anything."""
    if isinstance(value, tuple) or (isinstance(value, np.ndarray) and not value.flags.writeable):
        return False
    items = np.asarray(list(value.values()) if isinstance(value, dict) else value)
    return bool((items != items.flat[0]).any())


def _is_shared(value: Any, own: list[Kept]) -> bool:  # noqa: ANN401 - what is kept
    return isinstance(value, np.ndarray) and any(
        isinstance(other.value, np.ndarray) and np.shares_memory(value, other.value)
        for other in own
    )


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
