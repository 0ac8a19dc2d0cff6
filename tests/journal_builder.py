"""Small runs through core and simulated venue, journaled: inputs of the journal's tests."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import Purpose, Side, built_in_instrument
from athena.platform.config import CostsConfig, RiskConfig
from athena.research.engine import _loop
from athena.research.engine._columns import N_RISK, Columns
from athena.research.engine._limits import (
    instrument_limits,
    open_instrument_limits,
    open_limits,
    risk_limits,
)
from athena.research.runs._replay import COLUMNS_KEY, columns_sha256
from athena.trading import (
    Intent,
    JournalWriter,
    MemoryStore,
    State,
    StrategySlot,
    Tables,
    describe_end,
    describe_setup,
    new_state,
    step,
    write_intent,
)
from athena.trading import layout as at
from athena.venues import Venue, VenueSettings, matching, new_venue

if TYPE_CHECKING:
    from collections.abc import Container

    from athena.trading import JournalStore

MINUTE_NS = 60 * 10**9
START_NS = 1_600_000_000 * 10**9
CASH = Decimal(2100)
SYMBOLS = ("BTC/USDT", "XRP/USDT")


@dataclass
class Run:
    """A run in progress.

    Attributes:
        store: its journal.
        tables, venue: state of the core and of the venue.
        columns: its bars.
    """

    store: JournalStore
    writer: JournalWriter
    tables: Tables[State]
    venue: Tables[Venue]
    columns: Columns


def random_columns(
    n_steps: int, seed: int, *, with_risk: bool = True, interval_ns: int = 30 * MINUTE_NS
) -> Columns:
    """Return two instruments' random walks, some bars missing, with made-up risk inputs."""
    rng = np.random.default_rng(seed)
    shape = (2, n_steps)
    close = np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=1)) * [[1_000_000], [30_000]]
    close = np.maximum(close.astype(np.int64), 10)
    open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    span = np.abs(rng.normal(0, 0.004, shape))
    high = (np.maximum(open_, close) * (1 + span)).astype(np.int64)
    low = (np.minimum(open_, close) * (1 - span)).astype(np.int64)
    volume = rng.integers(1, 10, shape) * np.array([[10**9], [10**4]])
    volume[1, rng.random(n_steps) < 0.1] = -1
    n_days = n_steps // 48 + 1
    risk, day = np.zeros((2, N_RISK, 0), np.int64), np.zeros(0, np.int64)
    correlation = np.zeros((0, 2, 2), np.int64)
    if with_risk:
        risk = rng.integers(1, 20_000, (2, N_RISK, n_steps))
        risk[:, 2:4] *= 10**6
        day = np.arange(n_steps) // 48
        correlation = rng.integers(-500_000, 500_000, (n_days, 2, 2))
    close_ns = START_NS + (np.arange(n_steps) + 1) * interval_ns
    return Columns(close_ns, open_, high, low, close, volume, risk, day, correlation)


def setup(*, is_open: bool = False) -> dict[str, Any]:
    """Return the arguments of `new_state`: two strategies on two instruments."""
    instruments = [built_in_instrument(symbol) for symbol in SYMBOLS]
    risk, costs = RiskConfig(), CostsConfig()
    own = [
        open_instrument_limits() if is_open else instrument_limits(item, risk)
        for item in instruments
        if item is not None
    ]
    return {
        "instruments": instruments,
        "instrument_limits": own,
        "strategies": [StrategySlot("first"), StrategySlot("second")],
        "limits": open_limits(costs) if is_open else risk_limits(risk, costs),
        "cash": CASH,
        "start_ns": START_NS,
    }


def start(
    columns: Columns,
    store: JournalStore | None = None,
    *,
    is_open: bool = True,
    segment_bytes: int = 1 << 16,
) -> Run:
    """Begin a run and its journal."""
    values = setup(is_open=is_open)
    manifest = {
        "setup": describe_setup(**values),
        "seed": 42,
        COLUMNS_KEY: columns_sha256(columns),
    }
    store = MemoryStore() if store is None else store
    writer = JournalWriter(store, manifest, segment_bytes=segment_bytes)
    return Run(
        store, writer, new_state(**values), new_venue(VenueSettings(seed=42), CASH), columns
    )


def trade(run: Run, first: int, last: int, *, snapshots: Container[int] = ()) -> None:
    """Process steps [first, last) with a random strategy whose draws depend on the step only."""
    s, v, c = run.tables.views, run.venue.views, run.columns
    for t in range(first, last):
        for k in range(2):
            bar = (c.open[k, t], c.high[k, t], c.low[k, t], c.close[k, t], c.volume[k, t])
            _loop.load_bar(v, k, *map(int, bar))
        _loop.step_bar(s, v, t, int(c.close_ns[t]))
        if len(c.day):
            _loop.post_risk(s, c, t)
        _decide(s, v, random.Random(t))  # noqa: S311 - a test's own draw
        run.writer.commit(run.tables.arrays.records[: s.account[at.N_WORDS]])
        s.account[at.N_WORDS] = 0
        if t in snapshots:
            run.writer.snapshot(run.tables)


def finish(run: Run) -> None:
    """End a run's journal with what it came to."""
    run.writer.close(describe_end(run.tables.arrays))


def finished_run(
    n_steps: int = 120,
    seed: int = 7,
    *,
    is_open: bool = True,
    snapshots: Container[int] = (),
    segment_bytes: int = 1 << 16,
) -> Run:
    """Return a finished run."""
    run = start(random_columns(n_steps, seed), is_open=is_open, segment_bytes=segment_bytes)
    trade(run, 0, n_steps, snapshots=snapshots)
    finish(run)
    return run


def _decide(s: State, v: Venue, draw: random.Random) -> None:
    """Enter with a bracket, leave, pause, resume or move cash, as the draw falls."""
    k, strategy = draw.randrange(2), draw.randrange(2)
    last = s.instruments[k, at.LAST]
    held = s.positions[strategy * 2 + k, at.QUANTITY]
    what = draw.random()
    if what < 0.25 and last > 0:
        lots = draw.randrange(1, 4) * (10**5 if k == 0 else 20)
        wants = Intent(
            side=Side.BUY,
            lots=lots,
            instrument=k,
            stop_ticks=last * 97 // 100,
            target_ticks=last * 108 // 100,
            trail_ppm=draw.choice((0, 20_000)),
            break_even=draw.random() < 0.3,
        )
        _ask(s, v, strategy, wants)
    elif what < 0.35 and held > 0:
        _ask(s, v, strategy, Intent(side=Side.SELL, lots=held, instrument=k, purpose=Purpose.EXIT))
    elif what < 0.38:
        _command(s, v, draw.choice(("pause", "resume", "cancel_all", "close")), k)
    elif what < 0.40:
        step.apply_health(s, draw.choice((0, 0, 1)), s.account[at.NOW_NS])


def _ask(s: State, v: Venue, strategy: int, intent: Intent) -> None:
    write_intent(intent, strategy, s.intent)
    step.apply_intent(s)
    matching.drain(s, v)


def _command(s: State, v: Venue, name: str, argument: int) -> None:
    number = {"pause": 1, "resume": 2, "cancel_all": 5, "close": 7}[name]
    step.apply_command(s, number, argument, 0)
    matching.drain(s, v)
