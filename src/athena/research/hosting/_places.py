"""A strategy in its place beside a live session: its signals, what wakes it, what it wants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import AthenaError, InputError, StrategyError
from athena.research.engine import (
    loop,
    rule_tables,
    rule_view,
    signal_columns,
    strategy_error,
    take_seat,
    wake_mask,
)
from athena.research.hosting._intents import read_intent
from athena.research.hosting._kept import changed_since, give_back, kept_of, not_kept
from athena.research.hosting._window import newest_bars
from athena.trading import Intent, RuleStrategy, WokenStrategy, rules, write_intent
from athena.trading import layout as at
from athena.venues import Venue
from athena.venues import table as vt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.research.engine import Seat
    from athena.research.hosting._kept import Kept
    from athena.trading import BarStrategy, Ints, Market, State, Strategy

Asked = tuple[Intent, ...]


class Place(ABC):
    """One hosted strategy.

    Attributes:
        slot: its number in the session.
        name: as it is called in messages.
        is_stopped: True when it is not asked any more.
    """

    def __init__(self, slot: int, name: str, strategy: Strategy) -> None:
        """Take the strategy as it was made: what changes on it from now on is kept."""
        self.slot = slot
        self.name = name
        self.is_stopped = False
        self._strategy = strategy
        self._made = kept_of(strategy)

    @abstractmethod
    def prepare(self, market: Market) -> None:
        """Learn from what came before, if anything did; nothing may be wanted yet.

        Raises:
            InputError: what it declares does not fit.
            StrategyError: it raised.
        """

    @abstractmethod
    def ask(self, market: Market, since: int) -> Asked | None:
        """Show the strategy the last step, if that or one after `since` wakes it.

        Args:
            market: until now.
            since: the last step that it was shown; the present one when there was none.

        Returns:
            What it wants; None when it sleeps on.

        Raises:
            AthenaError: it raised, or wants what is no intent.
        """

    def save(self) -> Kept:
        """Return what it has to know after a restart, ready for JSON."""
        return {
            "name": self.name,
            "is_stopped": self.is_stopped,
            "made": self._made,
            "changed": changed_since(self._made, kept_of(self._strategy)),
            **self._save_place(),
        }

    def not_kept(self) -> list[str]:
        """Name what of the strategy a restart would lose."""
        return not_kept(self._strategy, self._made, self.name)

    def restore(self, kept: Kept) -> None:
        """Take back what `save` gave.

        Raises:
            InputError: it was saved by another strategy, or by one with other parameters.
        """
        if (kept["name"], kept["made"]) != (self.name, self._made):
            message = (
                f"expected the memory of {self.name} with {self._made}, was of {kept['name']} "
                f"with {kept['made']}"
            )
            raise InputError(message, hint="begin anew without it, or bring the parameters back")
        self.is_stopped = kept["is_stopped"]
        give_back(self._strategy, kept["changed"])
        self._restore_place(kept)

    @abstractmethod
    def _save_place(self) -> Kept: ...

    @abstractmethod
    def _restore_place(self, kept: Kept) -> None: ...


class CalledPlace(Place):
    """The place of a strategy that is called on every bar, or woken."""

    def __init__(
        self, slot: int, name: str, strategy: BarStrategy | WokenStrategy, state: State
    ) -> None:
        """Put it beside a session's state."""
        super().__init__(slot, name, strategy)
        self._called = strategy
        self._state = state
        self._seat: Seat | None = None
        self._seat_kept: Kept = {}

    def prepare(self, market: Market) -> None:
        """Compute its signals once, so that what does not fit is said before the first bar."""
        if len(market.close_ns):
            self._look(market)

    def ask(self, market: Market, since: int) -> Asked | None:
        """Compute its signals, and ask it if it is awake."""
        seat, columns = self._look(market)
        view = seat.view
        view.step = len(market.close_ns) - 1
        view.now_ns = int(market.close_ns[-1])
        view.bars = newest_bars(market)
        seat.sync(self._state)
        seat.wakes = self._wakes(columns, market.close_ns, since)
        if not seat.is_awake(0):
            return None
        view.signals = tuple([column[-1] for column in seat.signal_views])
        wanted = seat.ask()
        if wanted is None:
            return ()
        intents = (wanted,) if isinstance(wanted, Intent) else seat.listed(wanted)
        for intent in intents:
            self._check(intent)
        return intents

    def _look(self, market: Market) -> tuple[Seat, dict[str, Any]]:
        """Compute the signals of a market; the first one also gives the seat."""
        columns = signal_columns(self.name, self._strategy, market)
        if self._seat is None:
            self._seat = self._first_seat(market)
        seat = self._seat
        seat.signals = tuple(columns.values())
        seat.signal_views = tuple(column.data for column in columns.values())
        return seat, columns

    def _first_seat(self, market: Market) -> Seat:
        seat = take_seat(self.slot, self.name, self._strategy, market, self._state)
        # Whatever filled before it came is not its news.
        seat.n_told = self._state.strategies[self.slot, at.STRATEGY_FILLS]
        if self._seat_kept:
            seat.n_told = self._seat_kept["n_told"]
            seat.levels[:] = self._seat_kept["levels"]
        return seat

    def _wakes(self, columns: dict[str, Any], close_ns: Ints, since: int) -> NDArray[np.uint8]:
        """Return (1,) whether signals or time wake it: at the last step, or at one it missed."""
        if not isinstance(self._strategy, WokenStrategy):
            return np.ones(1, np.uint8)
        newest = {key: column[since:] for key, column in columns.items()}
        mask = wake_mask(self.name, self._strategy.wake, newest, close_ns[since:])
        is_awake = bool(mask[1:].any()) if len(mask) > 1 else bool(mask[0])
        return np.full(1, is_awake, np.uint8)

    def _check(self, intent: Intent) -> None:
        """Refuse an intent that the core cannot read.

        Raises:
            StrategyError: a number that is not whole, or a name that is none.
        """
        row = np.zeros(at.N_INTENT, np.int64).data
        try:
            write_intent(intent, self.slot, row)
        except (KeyError, TypeError, ValueError) as error:
            message = f"expected {self.name} to use whole numbers and known names, was {intent}"
            raise StrategyError(message) from error

    def _save_place(self) -> Kept:
        if self._seat is None:
            return {"seat": self._seat_kept}
        return {"seat": {"n_told": self._seat.n_told, "levels": self._seat.levels.tolist()}}

    def _restore_place(self, kept: Kept) -> None:
        self._seat_kept = kept["seat"]
        self._seat = None


class RulePlace(Place):
    """The place of a compiled rule, which CPython runs here: one bar at a time."""

    def __init__(
        self, slot: int, name: str, strategy: RuleStrategy, state: State, market: Market
    ) -> None:
        """Put it beside a session's state, with an empty memory."""
        super().__init__(slot, name, strategy)
        self._state = state
        self._now = rule_view(state)
        self._memory, self._parameters, self._intents = rule_tables(name, strategy, market)
        self._rule = type(strategy).rule
        self._n_shown = 0
        none = np.zeros((0, 0), np.int64).data
        shown = np.zeros((len(market.instruments), vt.N_MARKET), np.int64)
        self._venue = Venue(settings=none, book=none, market=shown.data)

    def prepare(self, market: Market) -> None:
        """Show it what came before; whatever it wants there counts as refused."""
        if self._n_shown == 0:
            for step in range(len(market.close_ns)):
                self._call(market, step)

    def ask(self, market: Market, since: int) -> Asked | None:
        """Show it each step that it has not seen; what it wants at the last one counts."""
        for step in range(since + 1, len(market.close_ns) - 1):
            self._call(market, step)
        n = self._call(market, -1)
        rows = self._intents.reshape(-1, at.N_INTENT)
        if not 0 <= n <= len(rows):
            message = f"expected {self.name} to write up to {len(rows)} intents, was {n}"
            raise StrategyError(message)
        return tuple(map(read_intent, rows[:n]))

    def _call(self, market: Market, step: int) -> int:
        for k in range(len(market.instruments)):
            columns = (market.open, market.high, market.low, market.close, market.volume)
            loop.load_bar(self._venue, k, *(int(column[k, step]) for column in columns))
        loop.show(self._state, self._venue, self._n_shown, self._now.data)
        # The close that is decided on; a live account's clock is past it already.
        self._now[rules.NOW_NS] = market.close_ns[step]
        try:
            n = self._rule(
                self._now.data, self._memory.data, self._parameters.data, self._intents.data
            )
        except AthenaError:
            raise
        except BaseException as error:
            raise strategy_error(self.name, self._n_shown, error) from error
        self._n_shown += 1
        return int(n)

    def _save_place(self) -> Kept:
        return {"memory": self._memory.tolist(), "n_shown": self._n_shown}

    def _restore_place(self, kept: Kept) -> None:
        self._memory[:] = kept["memory"]
        self._n_shown = kept["n_shown"]
