"""Drive a strategy host bar by bar beside the core and the venue on bars, as a live loop would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.research.engine import loop, strategy_slots
from athena.research.hosting import RiskFeed, StrategyHost
from athena.trading import Bar, StateTables, digest_of, marks, new_state, write_intent
from athena.trading import layout as at
from athena.trading.live import RiskSeen
from athena.venues import new_venue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from athena.domain import Bars
    from athena.research import Setup
    from athena.research.hosting import Decision
    from athena.trading import State, Strategy
    from athena.venues import Venue

    Ints = NDArray[np.int64]
    Named = Sequence[tuple[str, Strategy]]


def state_of(setup: Setup, strategies: Named) -> StateTables:
    """Build the core's tables of a setup."""
    return new_state(
        instruments=setup.instruments,
        instrument_limits=setup.instrument_limits,
        strategies=strategy_slots(strategies),
        limits=setup.limits,
        cash=setup.cash,
        start_ns=setup.start_ns,
    )


def steps_of(bars: Sequence[Bars]) -> Iterator[tuple[int, dict[int, Bar]]]:
    """Yield close and bars of each step in which something has a bar, oldest first."""
    rows = [
        {row[0]: Bar(*row[1:]) for row in zip(*(c.tolist() for c in item.columns()), strict=True)}
        for item in bars
    ]
    for ts_ns in sorted({ts_ns for own in rows for ts_ns in own}):
        found = {k: own[ts_ns] for k, own in enumerate(rows) if ts_ns in own}
        yield ts_ns + bars[0].interval_ns, found


@dataclass(frozen=True, slots=True)
class Hosted:
    """What came of a drive.

    Attributes:
        words: everything the journal would hold.
        decisions: of every step.
        host: as it ended.
    """

    words: Ints
    digest: str
    decisions: list[tuple[Decision, ...]]
    host: StrategyHost


def drive(  # noqa: PLR0913 - what a run is about, and how it is broken
    setup: Setup,
    bars: Sequence[Bars],
    make: Callable[[], Named],
    *,
    history: Sequence[Bars] = (),
    restarts: Sequence[int] = (),
    crashes: Sequence[int] = (),
    is_keyed: bool = False,
    window_bars: int = 5_000,
) -> Hosted:
    """Run strategies beside the core: venue, marks, risk inputs, decisions, orders; step by step.

    Args:
        setup: what it is about; its columns are used for nothing but to know whether risk
            inputs are asked for.
        bars: that come.
        make: builds the strategies anew.
        history: what came before; empty is nothing.
        restarts: steps before which the host is thrown away, and built anew of what it saved.
        crashes: steps that are decided on, and again by a host that does not know of it.
        is_keyed: intents carry keys.
        window_bars: of the host.
    """
    strategies = make()
    tables, venue = state_of(setup, strategies), new_venue(setup.venue, setup.cash)
    s, v = tables.views, venue.views
    before = list(history) or [item.rows(0, 0) for item in bars]
    host = StrategyHost(strategies, before, s, window_bars=window_bars)
    feed = RiskFeed(before) if len(setup.columns.day) else None
    groups: list[Ints] = []
    decisions = []
    for step, (close_ns, found) in enumerate(steps_of(bars)):
        if step in restarts:
            saved = json.loads(json.dumps(host.save()))
            past = _joined(before, bars, close_ns)
            host = StrategyHost(make(), past, s, window_bars=window_bars, saved=saved)
        for k in range(len(bars)):
            loop.load_bar(v, k, *found.get(k, Bar(1, 1, 1, 1, -1)))
        loop.step_bar(s, v, step, close_ns)
        if feed is not None:
            tell_risk(s, feed, close_ns, found)
        saved = json.loads(json.dumps(host.save())) if step in crashes else {}
        decided = host.on_bars(close_ns, found)
        _submit(s, v, decided, is_keyed=is_keyed)
        if step in crashes:
            past = _joined(before, bars, close_ns)
            host = StrategyHost(make(), past, s, window_bars=window_bars, saved=saved)
            _submit(s, v, host.on_bars(close_ns, found), is_keyed=is_keyed)
        decisions.append(decided)
        groups.append(tables.arrays.records[: s.account[at.N_WORDS]].copy())
        s.account[at.N_WORDS] = 0
    words = np.concatenate(groups) if groups else np.zeros(0, np.int64)
    return Hosted(words, digest_of(tables.arrays), decisions, host)


def _submit(s: State, v: Venue, decided: Sequence[Decision], *, is_keyed: bool) -> None:
    for decision in decided:
        for intent in decision.keyed() if is_keyed else decision.intents:
            write_intent(intent, decision.slot, s.intent)
            loop.submit_one(s, v)


def tell_risk(s: State, feed: RiskFeed, close_ns: int, found: Mapping[int, Bar]) -> None:
    """Tell the core the risk inputs of a step, as a session does."""
    for seen in feed.on_bars(close_ns, found):
        if isinstance(seen, RiskSeen):
            inputs = [
                seen.atr,
                seen.atr_mean,
                seen.day_volume,
                seen.bar_volume,
                seen.volatility_ppm,
                seen.var_ppm,
                seen.move_ppm,
            ]
            for field, value in enumerate(inputs):
                s.instruments[seen.instrument, at.ATR + field] = value
            marks.watch_market(s, seen.instrument)
        else:
            s.correlation[seen.first, seen.second] = seen.ppm
            s.correlation[seen.second, seen.first] = seen.ppm


def _joined(history: Sequence[Bars], bars: Sequence[Bars], close_ns: int) -> list[Bars]:
    """Return all bars that had closed before a step."""
    found = []
    for old, new in zip(history, bars, strict=True):
        past = new.between(None, close_ns - new.interval_ns)
        columns: Any = {
            name: np.append(one, other)
            for name, one, other in zip(_COLUMNS, old.columns(), past.columns(), strict=True)
        }
        found.append(
            type(new)(new.instrument, new.interval_ns, provenance=new.provenance, **columns)
        )
    return found


_COLUMNS = ("ts_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
