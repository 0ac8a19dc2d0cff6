"""Run strategies that CPython calls: on every bar, or from wake to wake."""

from __future__ import annotations

import time
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import AthenaError, StrategyError
from athena.research.engine import _loop
from athena.research.engine._engine import new_engine
from athena.research.engine._seat import strategy_error, take_seat
from athena.research.engine._session import FLUSH_WORDS
from athena.trading import Bar, BarStrategy, Intent, write_intent
from athena.trading import layout as at
from athena.trading import step as core
from athena.venues import matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from athena.research.engine._seat import Seat, Wanted
    from athena.research.engine._session import Session
    from athena.trading import Strategy

    Row = tuple[int, int, tuple[Bar, ...], tuple[Any, ...]]

_BLOCK_STEPS = 4096
_FIRST_HORIZON = 32
_LAST_HORIZON = 4096
_as_bar = partial(tuple.__new__, Bar)  # builds a named tuple without leaving C


def drive(session: Session, strategies: Sequence[tuple[str, Strategy]]) -> None:
    """Run strategies over the bars of a session.

    Raises:
        InputError: what a strategy declares does not fit.
        StrategyError: a strategy raised, or wanted what is no intent.
    """
    driver = _Driver(session, strategies)
    if any(isinstance(seat.strategy, BarStrategy) for seat in driver.seats):
        driver.every_bar()
    else:
        driver.from_wake_to_wake()
    session.cpu_s = time.process_time() - driver.started_s


class _Driver:
    """The seats of a session, and the loop that serves them."""

    def __init__(self, session: Session, strategies: Sequence[tuple[str, Strategy]]) -> None:
        self._session = session
        self._state = session.state.views
        self._shares = {change.step: change.shares_ppm for change in session.shares}
        self._n_steps = session.n_steps
        self._n_instruments = len(session.setup.instruments)
        columns = session.setup.columns
        self._engine = new_engine(
            session.state,
            session.venue,
            columns,
            session.control,
            compiled_in=session.compiled_in,
        )
        self._control = session.control.data
        # Memory views give Python ints, and faster than numpy gives its scalars.
        self._prices = [
            [column[k].data for column in columns[1:6]] for k in range(self._n_instruments)
        ]
        self.started_s = time.process_time()
        market = session.market
        self.seats = [
            take_seat(k, name, strategy, market, self._state)
            for k, (name, strategy) in enumerate(strategies)
        ]
        # Nothing but one strategy's own wishes wakes it.
        self._is_only = len(self.seats) == 1 and not self._shares

    # --- from wake to wake ----------------------------------------------------------------------

    def from_wake_to_wake(self) -> None:
        """Let the loop run until something wakes a strategy."""
        control, account = self._control, self._state.account
        wakes = np.bitwise_or.reduce([seat.wakes for seat in self.seats])
        wakes[list(self._shares)] = 1
        is_only = self._is_only
        nearest = self.seats[0].levels if is_only else np.zeros((self._n_instruments, 2), np.int64)
        advance = self._engine.waker(wakes, nearest)
        control[_loop.C_WAKES_ON_FILL] = int(any(seat.on_fill for seat in self.seats))
        step = 0
        while step < self._n_steps:
            if not is_only:
                nearest[:, 0] = np.max([seat.levels[:, 0] for seat in self.seats], axis=0)
                nearest[:, 1] = np.min([seat.levels[:, 1] for seat in self.seats], axis=0)
            control[_loop.C_FROM] = step
            step = advance()
            control[_loop.C_HAS_INTENT] = 0
            if step < self._n_steps and not control[_loop.C_RECORDS]:
                self._wake(step)
            if control[_loop.C_RECORDS] or account[at.N_WORDS] > FLUSH_WORDS:
                self._hand_over(step)
            step += 1
        self._finish()

    def _wake(self, step: int) -> None:
        """Show the strategies a step, and ask those that wanted to be woken."""
        self._give_shares(step)
        bars = self._bars_at(step)
        is_only = self._is_only
        for seat in self.seats:
            view = seat.view
            view.step = step
            view.now_ns = self._state.account[at.NOW_NS]
            view.bars = bars
            seat.sync(self._state)
            if is_only or seat.is_awake(step):
                view.signals = tuple([column[step] for column in seat.signal_views])
                self._want(seat, seat.ask())

    def _bars_at(self, step: int) -> tuple[Bar, ...]:
        return tuple(
            [
                _as_bar((opens[step], highs[step], lows[step], closes[step], volumes[step]))
                for opens, highs, lows, closes, volumes in self._prices
            ]
        )

    # --- on every bar ---------------------------------------------------------------------------

    def every_bar(self) -> None:
        """Call strategies on every bar; the loop is asked only for bars that may change much."""
        rows = [self._rows(seat) for seat in self.seats]
        engine, control = self._engine, self._control
        looks_ahead = engine.looks_ahead and self._is_only
        horizon = _FIRST_HORIZON if looks_ahead else 0
        processed = seen = 0
        while seen < self._n_steps:
            control[_loop.C_FROM] = processed
            control[_loop.C_TO] = seen
            control[_loop.C_HORIZON] = horizon
            quiet = engine.turn()
            processed = seen
            wanted = False
            if control[_loop.C_IS_FRESH]:
                control[_loop.C_HAS_INTENT] = 0
                processed = seen = seen + 1
                wanted = self._see_fresh(rows, seen - 1)
            elif control[_loop.C_HAS_INTENT]:
                control[_loop.C_HAS_INTENT] = 0
                self.seats[0].sync(self._state)
            if seen < quiet and not wanted:
                asked, n_seen = _call_while_quiet(self.seats[0], rows[0], quiet - seen)
                seen += n_seen
                wanted = self._want(self.seats[0], asked)
            if looks_ahead:
                horizon = _FIRST_HORIZON if wanted else min(2 * horizon, _LAST_HORIZON)
            if self._session.n_words > FLUSH_WORDS:
                self._hand_over(seen)
        control[_loop.C_FROM] = processed
        control[_loop.C_TO] = seen
        engine.turn()
        self._finish()

    def _see_fresh(self, rows: list[Iterator[Row]], step: int) -> bool:
        """Show the strategies a step that may have changed their positions."""
        self._give_shares(step)
        wanted = False
        for seat, row in zip(self.seats, rows, strict=True):
            view = seat.view
            view.step, view.now_ns, view.bars, view.signals = next(row)
            seat.sync(self._state)
            if seat.is_awake(step):
                wanted |= self._want(seat, seat.ask())
        return wanted

    def _rows(self, seat: Seat) -> Iterator[Row]:
        """Yield (step, close time, bars, signals) for every step, block by block."""
        return chain.from_iterable(
            self._block(seat, first) for first in range(0, self._n_steps, _BLOCK_STEPS)
        )

    def _block(self, seat: Seat, first: int) -> Iterator[Row]:
        last = min(first + _BLOCK_STEPS, self._n_steps)
        columns = self._session.setup.columns
        bars = [
            map(
                _as_bar,
                zip(*(column[k, first:last].tolist() for column in columns[1:6]), strict=True),
            )
            for k in range(self._n_instruments)
        ]
        signals: Iterable[tuple[Any, ...]] = (
            zip(*(column[first:last].tolist() for column in seat.signals), strict=True)
            if seat.signals
            else [()] * (last - first)
        )
        times = columns.close_ns[first:last].tolist()
        return zip(range(first, last), times, zip(*bars, strict=True), signals, strict=True)

    # --- both -----------------------------------------------------------------------------------

    def _give_shares(self, step: int) -> None:
        """Hand the core the shares of a step, the lowered first: never more than the whole."""
        own = self._shares.get(step)
        if own is None:
            return
        state = self._state
        changes = [(ppm - state.strategies[k, at.SHARE_PPM], k, ppm) for k, ppm in enumerate(own)]
        for difference, k, ppm in sorted(changes):
            if difference:
                core.apply_share(state, k, ppm)
        if state.account[at.N_EFFECTS]:
            matching.drain(state, self._session.venue.views)

    def _want(self, seat: Seat, asked: Wanted) -> bool:
        """Submit what a strategy wants; the last intent waits in the state for the next call.

        Returns:
            True when something was wanted.
        """
        if asked is None:
            return False
        is_last = seat is self.seats[-1]
        intents = (asked,) if isinstance(asked, Intent) else seat.listed(asked)
        for k, intent in enumerate(intents):
            try:
                write_intent(intent, seat.index, self._state.intent)
            except (KeyError, TypeError, ValueError) as error:
                message = (
                    f"expected {seat.name} to use whole numbers and known names, was {intent}"
                )
                raise StrategyError(message, n_bars=seat.view.step) from error
            if is_last and k == len(intents) - 1:
                self._control[_loop.C_HAS_INTENT] = 1
            else:
                self._engine.submit_one()
                if self._session.n_words > FLUSH_WORDS:
                    self._session.flush()
        return bool(intents)

    def _finish(self) -> None:
        """Submit an intent of the last bar, which nothing can fill, and hand the records over."""
        if self._control[_loop.C_HAS_INTENT]:
            self._engine.submit_one()
        self._hand_over(self._n_steps)

    def _hand_over(self, step: int) -> None:
        self._session.flush()
        self._session.on_progress(step)


def _call_while_quiet(seat: Seat, rows: Iterator[Row], n: int) -> tuple[Wanted, int]:
    """Call a strategy on up to `n` quiet bars; stop where it wants something.

    Returns:
        What it wants, and how many bars it has seen.
    """
    view = seat.view
    decide = seat.decide
    seen = 0
    try:
        for step, now_ns, bars, signals in islice(rows, n):
            view.step = step
            view.now_ns = now_ns
            view.bars = bars
            view.signals = signals
            seen += 1
            asked = decide(view)
            if asked is not None:
                return asked, seen
    except AthenaError:
        raise
    except BaseException as error:
        raise strategy_error(seat.name, view.step, error) from error
    return None, seen
