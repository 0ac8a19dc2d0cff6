"""The backtest that a session is compared with: its strategies on the bars that it saw."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.research.engine import loop
from athena.research.hosting import RiskFeed, StrategyHost
from athena.trading import (
    SETUP_KEY,
    Bar,
    JournalWriter,
    MemoryStore,
    describe_end,
    marks,
    state_of,
    write_intent,
)
from athena.trading import layout as at
from athena.trading.live import RiskSeen
from athena.venues import new_venue
from athena.venues import table as vt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.domain import Bars
    from athena.research.engine import Columns
    from athena.trading import State, Strategy
    from athena.venues import Venue, VenueSettings

_NO_BAR = Bar(1, 1, 1, 1, vt.NO_BAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """What the backtest of a session is about.

    Attributes:
        manifest: of the session's journal.
        columns: the bars from its first step on.
        history, daily: what it knew before; one set per instrument, `daily` or none.
        strategies: made anew, in the order of the session's slots.
        venue: how orders fill, and what they cost.
    """

    manifest: Mapping[str, Any]
    columns: Columns
    history: Sequence[Bars]
    daily: Sequence[Bars]
    strategies: Sequence[tuple[str, Strategy]]
    venue: VenueSettings


def run_twin(twin: Twin) -> MemoryStore:
    """Run the strategies bar by bar as a backtest does, and return the run's journal.

    The strategies are hosted as in the session, with its history: at the same closes, on the same
    account, they want the same. One that raises is asked no more, as in the session.

    Raises:
        InputError: the manifest is none of this version.
    """
    closes: list[int] = twin.columns.close_ns.tolist()
    interval_ns = twin.history[0].interval_ns
    manifest = _manifest(twin.manifest, closes[0] - interval_ns)
    tables = state_of(manifest)
    venue = new_venue(twin.venue, Decimal(manifest[SETUP_KEY]["cash"]))
    s, v = tables.views, venue.views
    store = MemoryStore()
    writer = JournalWriter(store, manifest)
    host = StrategyHost(twin.strategies, twin.history, s)
    feed = RiskFeed(twin.history, twin.daily)
    for step, close_ns in enumerate(closes):
        bars = _bars_at(twin.columns, step)
        for k in range(len(twin.history)):
            loop.load_bar(v, k, *bars.get(k, _NO_BAR))
        loop.step_bar(s, v, step, close_ns)
        _tell_risk(s, feed, close_ns, bars)
        _decide(s, v, host, close_ns, bars)
        writer.commit(tables.arrays.records[: s.account[at.N_WORDS]])
        s.account[at.N_WORDS] = 0
    writer.close(describe_end(tables.arrays))
    return store


def _manifest(session: Mapping[str, Any], start_ns: int) -> dict[str, Any]:
    """Return what the backtest begins with: the session's account, before its first bar.

    Its targets rest as limits, as in every backtest.
    """
    setup = {**session[SETUP_KEY], "start_ns": start_ns, "targets_trigger": False}
    return {SETUP_KEY: setup, "interval": session["interval"]}


def _bars_at(columns: Columns, step: int) -> dict[int, Bar]:
    table = (columns.open, columns.high, columns.low, columns.close, columns.volume)
    rows = zip(*(column[:, step].tolist() for column in table), strict=True)
    return {k: Bar(*row) for k, row in enumerate(rows) if row[-1] != vt.NO_BAR}


def _tell_risk(s: State, feed: RiskFeed, close_ns: int, bars: Mapping[int, Bar]) -> None:
    """Tell the core the risk inputs of a step, before anybody decides."""
    for seen in feed.on_bars(close_ns, bars):
        if not isinstance(seen, RiskSeen):
            s.correlation[seen.first, seen.second] = seen.ppm
            s.correlation[seen.second, seen.first] = seen.ppm
            continue
        inputs = (
            seen.atr,
            seen.atr_mean,
            seen.day_volume,
            seen.bar_volume,
            seen.volatility_ppm,
            seen.var_ppm,
            seen.move_ppm,
        )
        for field, value in enumerate(inputs):
            s.instruments[seen.instrument, at.ATR + field] = value
        marks.watch_market(s, seen.instrument)


def _decide(
    s: State, v: Venue, host: StrategyHost, close_ns: int, bars: Mapping[int, Bar]
) -> None:
    for decision in host.on_bars(close_ns, bars):
        for intent in decision.keyed():
            write_intent(intent, decision.slot, s.intent)
            loop.submit_one(s, v)
