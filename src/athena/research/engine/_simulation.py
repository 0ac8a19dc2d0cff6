"""Run strategies over bars, on a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import Book
from athena.errors import CoreError, InputError
from athena.research.engine._driver import drive
from athena.research.engine._rule_driver import drive_rule
from athena.research.engine._session import ProgressSink, RecordSink, Session
from athena.research.engine._shares import check_shares
from athena.research.strategies import BUILT_IN, Relay, Solo
from athena.trading import RuleStrategy, StrategySlot, digest_of, new_state
from athena.trading import layout as at
from athena.venues import books_agree, new_venue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.research.engine._setup import Setup
    from athena.research.engine._shares import ShareChange
    from athena.trading import StateTables, Strategy
    from athena.venues import VenueTables


# The strategies whose every order is a rebalance; of a subclass nobody knows.
_OF_THE_CORE_BOOK = {
    kind for info in BUILT_IN.values() for kind in info.kinds.values() if kind.book is Book.CORE
}


def strategy_slots(strategies: Sequence[tuple[str, Strategy]]) -> list[StrategySlot]:
    """Give strategies their places: their own book, equal shares of the equity.

    Raises:
        InputError: a book is not its strategy's to choose.
    """
    share_ppm = at.PPM // len(strategies)
    return [StrategySlot(name, _book_of(strategy), share_ppm) for name, strategy in strategies]


def _book_of(strategy: Strategy) -> Book:
    """Refuse a book that frees a strategy from the rules of trading: it may not choose its own."""
    book = strategy.book
    kind = strategy.kind if isinstance(strategy, Relay | Solo) else type(strategy)
    if book == Book.TRADING or (book == Book.CORE and kind in _OF_THE_CORE_BOOK):
        return book
    message = f"expected {kind.__name__} in the trading book, was book {book!r}"
    hint = "the core book is for the built-in rebalance and monthly; a subclass could do anything"
    if book == Book.HODL:
        hint = "the hodl book is filled by the system only"
    raise InputError(message, hint=hint)


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


def _say_nothing(_step: int) -> None:
    """Report no progress."""


def simulate(
    setup: Setup,
    strategies: Sequence[tuple[str, Strategy]],
    *,
    shares: Sequence[ShareChange] = (),
    on_records: RecordSink,
    on_progress: ProgressSink = _say_nothing,
) -> Outcome:
    """Run strategies over the bars of a setup.

    Args:
        setup: what it is about.
        strategies: (name, strategy); equal shares of the equity to begin with. An instance serves
            one run.
        shares: what the shares change to, oldest first; the journal has them.
        on_records: takes the core's records, whole ones, in order; the array is reused.
        on_progress: told the step now and then.

    Raises:
        StrategyError: a strategy raised; it names strategy and bar.
        InputError: no strategy, a compiled rule beside another strategy or with changing shares,
            one whose book is not its to choose, or shares that cannot be.
    """
    _check(strategies, shares)
    check_shares(shares, len(strategies), len(setup.columns.close_ns))
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
    session = Session(setup, state, venue, on_records, on_progress, shares)
    name, first = strategies[0]
    try:
        if isinstance(first, RuleStrategy):
            drive_rule(session, name, first)
        else:
            drive(session, strategies)
    finally:
        session.flush()  # also what was made before a strategy raised: it belongs to the evidence
    if not books_agree(venue.arrays, state.arrays):
        message = "expected the venue's books to equal the core's, they differ"
        raise CoreError(message)
    digest = digest_of(state.arrays)
    return Outcome(state, venue, tuple(slots), digest, session.is_compiled, session.cpu_s)


def _check(strategies: Sequence[tuple[str, Strategy]], shares: Sequence[ShareChange]) -> None:
    if not strategies:
        message = "expected at least one strategy, was none"
        raise InputError(message)
    has_rule = any(isinstance(strategy, RuleStrategy) for _, strategy in strategies)
    if has_rule and (len(strategies) > 1 or shares):
        message = "expected a compiled rule to run alone on all of the equity, was in a portfolio"
        raise InputError(message, hint="use its woken or bar kind")
