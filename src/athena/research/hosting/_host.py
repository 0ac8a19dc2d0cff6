"""Strategies on bars as they come: the decisions of a backtest, one closed step at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from athena.domain import format_time
from athena.errors import AthenaError, InputError, StrategyError
from athena.research.hosting._places import CalledPlace, RulePlace
from athena.research.hosting._window import market_of, with_step
from athena.trading import BarStrategy, RuleStrategy, WokenStrategy, needs_fit
from athena.trading import layout as at
from athena.trading.algorithms import intent_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.domain import Bars
    from athena.research.hosting._kept import Kept
    from athena.research.hosting._places import Place
    from athena.trading import Bar, Intent, Market, State, Strategy

WINDOW_BARS = 5_000
_SAVED_VERSION = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of asking one strategy at the close of a step.

    Attributes:
        slot: of the strategy in the session.
        name: of the strategy.
        close_ns: of the step.
        intents: what it wants, in its order; the core judges each.
        error: what it raised; then it wants nothing, and is not asked again.
    """

    slot: int
    name: str
    close_ns: int
    intents: tuple[Intent, ...]
    error: StrategyError | None = None

    def keyed(self) -> tuple[Intent, ...]:
        """Return the intents with a key that asking again about the same step repeats.

        The core denies a key that it has judged: a crash between a decision and `save` cannot
        double an order. An intent that has a key of its own keeps it.
        """
        parent = f"{self.slot}/{self.name}/{self.close_ns}"
        return tuple(
            intent if intent.key else replace(intent, key=intent_key(parent, "decision", number))
            for number, intent in enumerate(self.intents)
        )


class StrategyHost:
    """Strategies beside a live session: shown each closed step, they say what they want.

    The parts that decide are the backtest's own (seat, signals, wakes, what a rule is shown), so
    that the same bars on the same account give the same intents at the same closes.

    Attributes:
        market: the window of bars that signals are computed on.
        n_decided: steps that were decided on since this host was made.
    """

    def __init__(
        self,
        strategies: Sequence[tuple[str, Strategy]],
        history: Sequence[Bars],
        state: State,
        *,
        window_bars: int = WINDOW_BARS,
        saved: Kept | None = None,
    ) -> None:
        """Put strategies in their places, in the order of the session's slots.

        Args:
            strategies: (name, strategy); an instance serves one host.
            history: one per instrument of the session, in its order: closed bars of one interval
                up to the last one before the first step. They warm signals up and give no orders
                (rule 7); all of them empty is a start from nothing.
            state: of the session, which goes on changing.
            window_bars: most steps to keep, >= 2; beyond it the oldest eighth is dropped.
            saved: what `save` gave before a restart; what would have woken a strategy between
                then and the first step wakes it there. None begins anew: whoever waits for a
                change is woken at the first step, as by the first bar of a backtest.

        Raises:
            InputError: strategies, history and session do not fit each other, a strategy has to
                be fitted first, what one declares does not fit, or what was saved is of other
                strategies or parameters.
            StrategyError: a strategy raised.
        """
        if window_bars < 2:  # noqa: PLR2004 - a change takes two steps
            message = f"expected a window of 2 bars or more, was {window_bars}"
            raise InputError(message)
        self.market: Market = market_of(history, window_bars)
        self.n_decided = 0
        self._window_bars = window_bars
        self._decided_ns = -1
        _check(strategies, state, len(history))
        self._places = [
            _place(slot, name, strategy, state, self.market)
            for slot, (name, strategy) in enumerate(strategies)
        ]
        if saved is not None:
            self._restore(saved)
        for place in self._places:
            place.prepare(self.market)

    def on_bars(self, close_ns: int, bars: Mapping[int, Bar]) -> tuple[Decision, ...]:
        """Take the bars of one closed step, and ask whoever it wakes.

        The session must have been told the closes before, as a backtest marks the account before
        anybody decides. What is wanted here may be sent at once: it trades after this close.

        Args:
            close_ns: when the step closed, after the one before; steps without any bar are left
                out, as in a backtest.
            bars: by number of the instrument, at least one; a missing one repeats its last close.

        Returns:
            One for each strategy that was asked, in the order of the slots. One that raised is
            not asked again; the others are not held up by it. What it has at the venue stays.

        Raises:
            InputError: no bar, an unknown instrument, or a step that is not after the last one.
        """
        self._check_step(close_ns, bars)
        self.market = with_step(self.market, close_ns, bars, self._window_bars)
        since = self._since()
        decisions = [
            decision
            for place in self._places
            if not place.is_stopped and (decision := self._asked(place, since)) is not None
        ]
        self._decided_ns = close_ns
        self.n_decided += 1
        return tuple(decisions)

    def stop(self, slot: int) -> None:
        """Ask a strategy no more."""
        self._places[slot].is_stopped = True

    def save(self) -> Kept:
        """Return what a restart has to know, ready for JSON: take it after each step.

        After a restart the history ends with the last step that was saved, and the steps after
        it are shown again: see `Decision.keyed`.
        """
        return {
            "version": _SAVED_VERSION,
            "decided_ns": self._decided_ns,
            "strategies": [place.save() for place in self._places],
        }

    def not_kept(self) -> tuple[str, ...]:
        """Name what `save` leaves out of the strategies' memory, such as ``name.attribute``."""
        return tuple(lost for place in self._places for lost in place.not_kept())

    def _restore(self, saved: Kept) -> None:
        kept = saved["strategies"]
        if saved["version"] != _SAVED_VERSION or len(kept) != len(self._places):
            message = (
                f"expected memory of version {_SAVED_VERSION} and {len(self._places)} strategies, "
                f"was version {saved['version']} and {len(kept)}"
            )
            raise InputError(message)
        self._decided_ns = saved["decided_ns"]
        for place, item in zip(self._places, kept, strict=True):
            place.restore(item)

    def _since(self) -> int:
        """Return the step that was decided on last; the present one when it is not in sight."""
        close_ns = self.market.close_ns
        step = int(np.searchsorted(close_ns, self._decided_ns))
        return step if close_ns[step] == self._decided_ns else len(close_ns) - 1

    def _asked(self, place: Place, since: int) -> Decision | None:
        close_ns = int(self.market.close_ns[-1])
        try:
            intents = place.ask(self.market, since)
        except AthenaError as error:
            place.is_stopped = True
            return Decision(place.slot, place.name, close_ns, (), self._dated(error))
        if intents is None:
            return None
        return Decision(place.slot, place.name, close_ns, intents)

    def _dated(self, error: AthenaError) -> StrategyError:
        """Say at which bar's close a strategy failed: its number is of no use to a person."""
        closed = format_time(int(self.market.close_ns[-1]))
        message = f"{error.message} (bar closed {closed})"
        dated = StrategyError(message, hint=error.hint, n_bars=self.n_decided)
        dated.__cause__ = error
        return dated

    def _check_step(self, close_ns: int, bars: Mapping[int, Bar]) -> None:
        n = len(self.market.instruments)
        if not bars or not all(0 <= k < n for k in bars):
            message = f"expected bars of instruments 0 to {n - 1}, was of {sorted(bars) or 'none'}"
            raise InputError(message, hint="a step without any bar is no step")
        times = self.market.close_ns
        if len(times) and close_ns <= times[-1]:
            message = (
                f"expected a step after {format_time(int(times[-1]))}, was {format_time(close_ns)}"
            )
            raise InputError(message)


def _check(strategies: Sequence[tuple[str, Strategy]], state: State, n_instruments: int) -> None:
    """Refuse strategies that cannot be hosted, or not beside this session."""
    kinds = [strategy for _, strategy in strategies]
    if not kinds or len(kinds) > state.account[at.N_STRATEGIES]:
        message = f"expected 1 to {state.account[at.N_STRATEGIES]} strategies, was {len(kinds)}"
        raise InputError(message)
    if n_instruments != state.account[at.N_INSTRUMENTS]:
        message = (
            f"expected history of the session's {state.account[at.N_INSTRUMENTS]} instruments, "
            f"was of {n_instruments}"
        )
        raise InputError(message)
    for name, strategy in strategies:
        if needs_fit(strategy):
            message = f"expected a strategy that needs no fit, was {name}, which defines one"
            raise InputError(message)
    if len(kinds) > 1 and any(isinstance(strategy, RuleStrategy) for strategy in kinds):
        message = "expected a compiled rule to run alone, was beside another strategy"
        raise InputError(message, hint="use its woken or bar kind")


def _place(slot: int, name: str, strategy: Strategy, state: State, market: Market) -> Place:
    if isinstance(strategy, RuleStrategy):
        return RulePlace(slot, name, strategy, state, market)
    if isinstance(strategy, BarStrategy | WokenStrategy):
        return CalledPlace(slot, name, strategy, state)
    message = f"expected a strategy to be a Bar-, Woken- or RuleStrategy, was {name}"
    raise InputError(message)
