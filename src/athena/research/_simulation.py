"""Run strategies over bars: the driver of loop, strategies and journal on a virtual clock."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.errors import AthenaError, InputError, StrategyError
from athena.research import _loop
from athena.research._engine import (
    Engine,
    EngineKind,
    choose_engine,
    new_engine,
    new_rule_engine,
)
from athena.trading import (
    Bar,
    BarStrategy,
    Intent,
    Market,
    RuleStrategy,
    Strategy,
    StrategySlot,
    View,
    Wake,
    WokenStrategy,
    digest_of,
    limits,
    new_state,
    rules,
    write_intent,
)
from athena.trading import layout as at
from athena.venues import VenueSettings, books_agree, new_venue

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from numpy.typing import NDArray

    from athena.domain import Instrument
    from athena.research._columns import Columns
    from athena.trading import InstrumentLimits, Ints, StateTables
    from athena.venues import VenueTables

_BLOCK_STEPS = 4096
_FIRST_HORIZON = 32
_LAST_HORIZON = 4096
_FLUSH_WORDS = at.RECORD_RESERVE // 2

RecordSink = Callable[["NDArray[np.int64]"], None]
ProgressSink = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a simulation is about, all of it already checked and in the core's units.

    Attributes:
        instruments: S of them.
        interval_ns: length of a bar.
        columns: their bars on one time line.
        limits: the core's limits vector.
        instrument_limits: one per instrument.
        venue: how orders are filled and charged.
        cash: to start with.
        engine: who runs the core.
        cache_folder: where compiled code is kept.
    """

    instruments: tuple[Instrument, ...]
    interval_ns: int
    columns: Columns
    limits: Ints
    instrument_limits: tuple[InstrumentLimits, ...]
    venue: VenueSettings
    cash: Decimal
    engine: EngineKind
    cache_folder: Path

    @property
    def start_ns(self) -> int:
        """Return when the first bar opens."""
        return int(self.columns.close_ns[0]) - self.interval_ns


def strategy_slots(strategies: list[tuple[str, Strategy]]) -> list[StrategySlot]:
    """Give strategies their places: their own book, equal shares of the equity."""
    share_ppm = at.PPM // len(strategies)
    return [StrategySlot(name, strategy.book, share_ppm) for name, strategy in strategies]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left at the end of a simulation.

    Attributes:
        state: the core's tables.
        venue: the venue's tables.
        slots: the strategies' places.
        digest: of all state transitions.
        is_compiled: who ran it.
        cpu_s: CPU seconds from the first signal to the last record, journal included; compiling
            or loading the engine is not.
    """

    state: StateTables
    venue: VenueTables
    slots: tuple[StrategySlot, ...]
    digest: str
    is_compiled: bool
    cpu_s: float


def simulate(
    setup: Setup,
    strategies: list[tuple[str, Strategy]],
    *,
    on_records: RecordSink,
    on_progress: ProgressSink = lambda step: None,
) -> Outcome:
    """Run strategies over the bars of a setup.

    Args:
        setup: what it is about.
        strategies: (name, strategy); equal shares of the equity.
        on_records: takes the core's records, whole ones, in order; the array is reused.
        on_progress: told the step now and then.

    Raises:
        StrategyError: a strategy raised; it names strategy and bar.
        InputError: no strategy, or a compiled rule beside another strategy.
    """
    if not strategies:
        message = "expected at least one strategy, was none"
        raise InputError(message)
    slots = strategy_slots(strategies)
    state = new_state(
        instruments=setup.instruments,
        instrument_limits=setup.instrument_limits,
        strategies=slots,
        limits=setup.limits,
        cash=setup.cash,
        start_ns=setup.start_ns,
    )
    venue = new_venue(setup.venue, setup.cash)
    run = _Run(setup, state, venue, on_records, on_progress)
    try:
        run.go(strategies)
    finally:
        run.flush()  # also what was made before a strategy raised: it belongs to the evidence
    if not books_agree(venue.arrays, state.arrays):
        message = "expected the venue's books to equal the core's, they differ"
        raise AthenaError(message)
    digest = digest_of(state.arrays)
    return Outcome(state, venue, tuple(slots), digest, run.is_compiled, run.cpu_s)


@dataclass(slots=True)
class _Seat:
    """A strategy in its place: its view, its signals, and what wakes it."""

    index: int
    name: str
    strategy: BarStrategy | WokenStrategy
    view: View
    signals: tuple[NDArray[Any], ...]
    signal_views: tuple[memoryview, ...]
    wakes: NDArray[np.uint8]
    on_fill: bool
    fills: int = 0

    @property
    def decide(self) -> Callable[[View], Intent | Iterable[Intent] | None]:
        """Return the method that is called."""
        if isinstance(self.strategy, BarStrategy):
            return self.strategy.on_bar
        return self.strategy.on_wake


class _Run:
    """One simulation under way."""

    def __init__(
        self,
        setup: Setup,
        state: StateTables,
        venue: VenueTables,
        on_records: RecordSink,
        on_progress: ProgressSink,
    ) -> None:
        self._setup = setup
        self._state = state
        self._venue = venue
        self._on_records = on_records
        self._on_progress = on_progress
        self._n_steps = len(setup.columns.close_ns)
        self.cpu_s = 0.0
        self.is_compiled = choose_engine(setup.engine, self._n_steps)
        self._control = np.zeros(_loop.N_CONTROL, np.int64)
        self._control[_loop.C_TO] = self._n_steps
        self._levels = np.zeros((len(setup.instruments), 2), np.int64)
        self._levels[:, 0] = -1
        self._levels[:, 1] = 2**62
        # Memory views give Python ints, and faster than numpy gives its scalars.
        self._prices = [column.data for column in setup.columns[1:6]]

    @property
    def _compiled_in(self) -> Path | None:
        return self._setup.cache_folder if self.is_compiled else None

    def flush(self) -> None:
        """Hand the records over; nothing of a run is kept in memory."""
        account = self._state.arrays.account
        n_words = int(account[at.N_WORDS])
        if n_words:
            self._on_records(self._state.arrays.records[:n_words])
            account[at.N_WORDS] = 0

    def _market(self) -> Market:
        columns = self._setup.columns
        return Market(self._setup.instruments, self._setup.interval_ns, *columns[:6])

    def go(self, strategies: list[tuple[str, Strategy]]) -> None:
        """Run one rule, or strategies that CPython calls."""
        only = strategies[0][1]
        if not any(isinstance(strategy, RuleStrategy) for _, strategy in strategies):
            self.with_strategies(strategies)
        elif len(strategies) == 1 and isinstance(only, RuleStrategy):
            self.with_rule(only)
        else:
            message = "expected a compiled rule to run alone, was beside other strategies"
            raise InputError(message, hint="use its woken or bar kind")

    # --- a compiled rule -----------------------------------------------------------------------

    def with_rule(self, strategy: RuleStrategy) -> None:
        """Run a rule on every bar, inside the loop."""
        engine = new_rule_engine(
            self._state,
            self._venue,
            self._setup.columns,
            type(strategy).rule,
            compiled_in=self._compiled_in,
        )
        started_s = time.process_time()
        parameters = np.array(strategy.parameters(self._market()), np.int64)
        memory = np.zeros(strategy.memory_size(), np.int64)
        intents = np.zeros(strategy.max_intents() * at.N_INTENT, np.int64)
        now = self._rule_view()
        step = 0
        tables = [engine.scratch(table) for table in (now, memory, parameters, intents)]
        control = engine.scratch(self._control)
        while step < self._n_steps:
            control[_loop.C_FROM] = step
            step = engine.run(*tables, control)
            self.flush()
            self._on_progress(step)
        self.cpu_s = time.process_time() - started_s

    def _rule_view(self) -> Ints:
        """Return what a rule is shown, with what never changes filled in."""
        n = len(self._setup.instruments)
        now = np.zeros(rules.N_NOW + n * rules.N_NOW_INSTRUMENT, np.int64)
        now[rules.NOW_BUFFER_PPM] = self._setup.limits[limits.CASH_BUFFER_PPM]
        for k in range(n):
            base = rules.N_NOW + k * rules.N_NOW_INSTRUMENT
            now[base + rules.VALUE_NUM] = self._state.arrays.instruments[k, at.VALUE_NUM]
            now[base + rules.VALUE_DEN] = self._state.arrays.instruments[k, at.VALUE_DEN]
        return now

    # --- strategies in Python -------------------------------------------------------------------

    def with_strategies(self, strategies: list[tuple[str, Strategy]]) -> None:
        """Run strategies that CPython calls: on every bar, or when they are woken."""
        engine = new_engine(
            self._state, self._venue, self._setup.columns, compiled_in=self._compiled_in
        )
        started_s = time.process_time()
        market = self._market()
        seats = [
            self._seat(k, name, strategy, market) for k, (name, strategy) in enumerate(strategies)
        ]
        if any(isinstance(seat.strategy, BarStrategy) for seat in seats):
            self._every_bar(engine, seats)
        else:
            self._woken(engine, seats)
        self.cpu_s = time.process_time() - started_s

    def _seat(self, index: int, name: str, strategy: Strategy, market: Market) -> _Seat:
        if not isinstance(strategy, BarStrategy | WokenStrategy):
            message = f"expected a strategy to be a Bar-, Woken- or RuleStrategy, was {name}"
            raise InputError(message)
        with _blamed(name, "its signals"):
            signals = {key: np.asarray(column) for key, column in strategy.signals(market).items()}
        for key, column in signals.items():
            if column.shape != market.close_ns.shape:
                message = (
                    f"expected signal {key!r} of {name} of shape {market.close_ns.shape}, "
                    f"was {column.shape}"
                )
                raise InputError(message)
        wake = strategy.wake if isinstance(strategy, WokenStrategy) else Wake(on_fill=True)
        view = View(self._setup.instruments, self._state.views, self._levels.data)
        return _Seat(
            index,
            name,
            strategy,
            view,
            tuple(signals.values()),
            tuple(column.data for column in signals.values()),
            _wake_mask(name, wake, signals, market.close_ns),
            wake.on_fill,
        )

    def _woken(self, engine: Engine, seats: list[_Seat]) -> None:
        """Let the loop run from wake to wake."""
        wakes = engine.scratch(np.bitwise_or.reduce([seat.wakes for seat in seats]))
        levels = engine.scratch(self._levels)
        control = engine.scratch(self._control)
        control[_loop.C_WAKES_ON_FILL] = int(any(seat.on_fill for seat in seats))
        step = 0
        while step < self._n_steps:
            control[_loop.C_FROM] = step
            step = engine.advance(wakes, levels, control)
            control[_loop.C_HAS_INTENT] = 0
            if step < self._n_steps and not control[_loop.C_RECORDS]:
                self._wake(engine, seats, step)
            if control[_loop.C_RECORDS] or self._words() > _FLUSH_WORDS:
                self.flush()
                self._on_progress(step)
            step += 1
        self._finish(engine)

    def _wake(self, engine: Engine, seats: list[_Seat], step: int) -> None:
        """Show the strategies a step, and ask those that wanted to be woken."""
        bars = self._bars_at(step)
        for seat in seats:
            view = seat.view
            view.step = step
            view.now_ns = self._state.views.account[at.NOW_NS]
            view.bars = bars
            self._sync(seat)
            if len(seats) == 1 or self._is_awake(seat, step):
                view.signals = tuple([column[step] for column in seat.signal_views])
                self._want(engine, seat, self._ask(seat), is_last=seat is seats[-1])

    def _want(
        self,
        engine: Engine,
        seat: _Seat,
        asked: Intent | Iterable[Intent] | None,
        *,
        is_last: bool,
    ) -> bool:
        """Submit what a strategy wants; the last intent waits in the state for the next call.

        Returns:
            True when something was wanted.
        """
        if asked is None:
            return False
        if is_last and type(asked) is Intent:  # the common case, first
            write_intent(asked, seat.index, self._state.views.intent)
            self._control[_loop.C_HAS_INTENT] = 1
            return True
        intents = (asked,) if isinstance(asked, Intent) else tuple(asked)
        for k, intent in enumerate(intents):
            if not isinstance(intent, Intent):
                message = f"expected {seat.name} to return intents, was {type(intent).__name__}"
                raise StrategyError(message)
            write_intent(intent, seat.index, self._state.views.intent)
            if is_last and k == len(intents) - 1:
                self._control[_loop.C_HAS_INTENT] = 1
            else:
                engine.submit_one()
        return bool(intents)

    def _finish(self, engine: Engine) -> None:
        """Submit an intent of the last bar, which nothing can fill, and hand the records over."""
        if self._control[_loop.C_HAS_INTENT]:
            engine.submit_one()
        self.flush()

    def _words(self) -> int:
        return self._state.views.account[at.N_WORDS]

    def _is_awake(self, seat: _Seat, step: int) -> bool:
        """Tell whether this step is one the strategy asked for."""
        if seat.wakes[step] or (seat.on_fill and seat.view.has_filled):
            return True
        return any(
            bar.close <= low or bar.close >= high
            for bar, (low, high) in zip(seat.view.bars, self._levels.tolist(), strict=True)
        )

    def _bars_at(self, step: int) -> tuple[Bar, ...]:
        opens, highs, lows, closes, volumes = self._prices
        return tuple(
            [
                Bar(
                    opens[k, step],
                    highs[k, step],
                    lows[k, step],
                    closes[k, step],
                    volumes[k, step],
                )
                for k in range(len(self._setup.instruments))
            ]
        )

    def _sync(self, seat: _Seat) -> None:
        """Bring what fills have changed into a view."""
        state = self._state.views
        view = seat.view
        n = len(self._setup.instruments)
        first = seat.index * n
        for k in range(n):
            view.positions[k] = state.positions[first + k, at.QUANTITY]
        fills = state.strategies[seat.index, at.STRATEGY_FILLS]
        view.has_filled = fills != seat.fills
        seat.fills = fills
        n_rows = state.account[at.N_ROWS]
        view.n_working = self._count_working(seat.index, n_rows) if n_rows else 0

    def _count_working(self, index: int, n_rows: int) -> int:
        orders = self._state.views.orders
        return sum(
            1
            for row in range(n_rows)
            if orders[row, at.NUMBER] and orders[row, at.ORDER_STRATEGY] == index
        )

    def _every_bar(self, engine: Engine, seats: list[_Seat]) -> None:
        """Call strategies on every bar; the loop is asked only for bars that may change much."""
        rows = [self._rows(seat) for seat in seats]
        control = engine.scratch(self._control)
        looks_ahead = engine.looks_ahead and len(seats) == 1
        horizon = _FIRST_HORIZON if looks_ahead else 0
        processed = seen = 0
        while seen < self._n_steps:
            control[_loop.C_FROM] = processed
            control[_loop.C_TO] = seen
            control[_loop.C_HORIZON] = horizon
            quiet = engine.turn(control)
            processed = seen
            wanted = False
            if control[_loop.C_IS_FRESH]:
                control[_loop.C_HAS_INTENT] = 0
                processed = seen = seen + 1
                wanted = self._see_fresh(engine, seats, rows, seen - 1)
            elif control[_loop.C_HAS_INTENT]:
                control[_loop.C_HAS_INTENT] = 0
                self._sync(seats[0])
            if seen < quiet and not wanted:
                asked, n_seen = self._call_while_quiet(seats[0], rows[0], quiet - seen)
                seen += n_seen
                wanted = self._want(engine, seats[0], asked, is_last=True)
            if looks_ahead:
                horizon = _FIRST_HORIZON if wanted else min(2 * horizon, _LAST_HORIZON)
            if self._words() > _FLUSH_WORDS:
                self.flush()
                self._on_progress(seen)
        control[_loop.C_FROM] = processed
        control[_loop.C_TO] = seen
        engine.turn(control)
        self._finish(engine)

    def _see_fresh(
        self, engine: Engine, seats: list[_Seat], rows: list[Iterator[Any]], step: int
    ) -> bool:
        """Show the strategies a step that may have changed their positions."""
        wanted = False
        for seat, row in zip(seats, rows, strict=True):
            view = seat.view
            view.step, view.now_ns, view.bars, view.signals = next(row)
            self._sync(seat)
            if isinstance(seat.strategy, BarStrategy) or self._is_awake(seat, step):
                asked = self._ask(seat)
                wanted |= self._want(engine, seat, asked, is_last=seat is seats[-1])
            view.has_filled = False
        return wanted

    def _call_while_quiet(
        self, seat: _Seat, rows: Iterator[Any], n: int
    ) -> tuple[Intent | Iterable[Intent] | None, int]:
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
        except Exception as error:
            raise _strategy_error(seat.name, view.step, error) from error
        return None, seen

    def _rows(self, seat: _Seat) -> Iterator[tuple[int, int, tuple[Bar, ...], tuple[Any, ...]]]:
        """Yield (step, close time, bars, signals) for every step, block by block."""
        return chain.from_iterable(
            self._block(seat, first) for first in range(0, self._n_steps, _BLOCK_STEPS)
        )

    def _block(
        self, seat: _Seat, first: int
    ) -> Iterator[tuple[int, int, tuple[Bar, ...], tuple[Any, ...]]]:
        last = min(first + _BLOCK_STEPS, self._n_steps)
        columns = self._setup.columns
        as_bar = partial(tuple.__new__, Bar)  # builds a named tuple without leaving C
        bars = [
            map(
                as_bar,
                zip(*(column[k, first:last].tolist() for column in columns[1:6]), strict=True),
            )
            for k in range(len(self._setup.instruments))
        ]
        signals: Iterable[tuple[Any, ...]] = (
            zip(*(column[first:last].tolist() for column in seat.signals), strict=True)
            if seat.signals
            else [()] * (last - first)
        )
        times = columns.close_ns[first:last].tolist()
        return zip(range(first, last), times, zip(*bars, strict=True), signals, strict=True)

    def _ask(self, seat: _Seat) -> Intent | Iterable[Intent] | None:
        try:
            return seat.decide(seat.view)
        except Exception as error:
            raise _strategy_error(seat.name, seat.view.step, error) from error


def _wake_mask(
    name: str, wake: Wake, signals: dict[str, NDArray[Any]], close_ns: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Mark the steps at which a strategy asks to be woken by signals or time."""
    mask = np.zeros(len(close_ns), np.uint8)
    for key in wake.on_change:
        if key not in signals:
            message = (
                f"expected wake of {name} to name a signal out of {list(signals)}, was {key!r}"
            )
            raise InputError(message)
        column = signals[key]
        mask[0] = 1
        mask[1:] |= column[1:] != column[:-1]
    if wake.every_ns > 0:
        mask |= close_ns % wake.every_ns == 0
    return mask


class _blamed:  # noqa: N801 - reads as a verb
    """Turn whatever a strategy raises into a `StrategyError` that names it."""

    def __init__(self, name: str, where: str) -> None:
        self._name = name
        self._where = where

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise anew what came out, unless it is one of ours."""
        if isinstance(error, Exception) and not isinstance(error, AthenaError):
            message = f"{self._name} raised {type(error).__name__}: {error}, in {self._where}"
            raise StrategyError(message) from error


def _strategy_error(name: str, step: int, error: Exception) -> StrategyError:
    where = traceback.extract_tb(error.__traceback__)[-1]
    message = (
        f"{name} raised {type(error).__name__}: {error}, on bar {step}, "
        f"at {where.filename}:{where.lineno}"
    )
    return StrategyError(message)
