"""Scripted runs through core and simulated venue: what differs between two of them is known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import Book, Instrument
from athena.platform.config import CostsConfig
from athena.research.comparison import RecordedRun
from athena.research.engine import _loop
from athena.research.engine._columns import N_RISK, Columns
from athena.research.engine._limits import open_instrument_limits, open_limits
from athena.trading import (
    Intent,
    JournalWriter,
    MemoryStore,
    StrategySlot,
    codes,
    describe_end,
    describe_setup,
    new_state,
    step,
    write_intent,
)
from athena.trading import layout as at
from athena.venues import VenueSettings, matching, new_venue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.trading import State
    from athena.venues import Venue

HOUR_NS = 3_600 * 10**9
START_NS = 1_700_000_000 * 10**9 // HOUR_NS * HOUR_NS
CASH = Decimal(100_000)
N_STEPS = 30
TEST = Instrument("TEST/USD", Decimal("0.01"), Decimal(1), Decimal(1), is_margin=True)
COMMANDS = {
    "pause": codes.COMMAND_PAUSE,
    "resume": codes.COMMAND_RESUME,
    "halt": codes.COMMAND_HALT,
    "flatten": codes.COMMAND_FLATTEN,
    "cancel_all": codes.COMMAND_CANCEL_ALL,
    "close": codes.COMMAND_CLOSE,
    "tighten": codes.COMMAND_TIGHTEN,
    "stop_strategy": codes.COMMAND_STOP_STRATEGY,
    "kill": codes.COMMAND_KILL,
}


@dataclass(frozen=True)
class Asked:
    """A command of an operator, by name."""

    command: str
    argument: int = 0


@dataclass(frozen=True)
class Cash:
    """Money in units of 10^-8 that comes or goes."""

    amount: int
    is_transfer: bool = False


@dataclass(frozen=True)
class Health:
    """What is known of venue, clock and reconciliation; 0 is healthy."""

    bits: int


@dataclass(frozen=True)
class Script:
    """A run to come: what is done at the close of which step.

    Attributes:
        acts: step -> what is done at its close, in order.
        missing: (instrument, step) of bars that there are not.
        shift_ticks: by how much every price differs from the usual.
        cap_lots: largest order.
        limits: column of `athena.trading.limits` -> value, where one is to bind.
        n_steps: how long it goes.
    """

    acts: Mapping[int, Sequence[Intent | Asked | Cash | Health]]
    instruments: tuple[Instrument, ...] = (TEST,)
    slots: tuple[StrategySlot, ...] = (StrategySlot("own", Book.TRADING),)
    missing: frozenset[tuple[int, int]] = frozenset()
    shift_ticks: int = 0
    cap_lots: int = 10**12
    limits: Mapping[int, int] = field(default_factory=dict)
    n_steps: int = N_STEPS
    cash: Decimal = CASH
    volume: int = 10_000
    venue: dict[str, Any] = field(default_factory=dict)

    def run(self, name: str = "run") -> RecordedRun:
        """Run it, with a journal."""
        columns = self.columns()
        limits = open_limits(CostsConfig(base_cost_bps=Decimal(0)))
        for column, value in self.limits.items():
            limits[column] = value
        setup: dict[str, Any] = {
            "instruments": self.instruments,
            "instrument_limits": [
                replace(open_instrument_limits(), cap_lots=self.cap_lots) for _ in self.instruments
            ],
            "strategies": self.slots,
            "limits": limits,
            "cash": self.cash,
            "start_ns": START_NS,
        }
        store = MemoryStore()
        writer = JournalWriter(store, {"setup": describe_setup(**setup)})
        tables = new_state(**setup)
        settings = VenueSettings(
            seed=42, taker_fee_bps=Decimal(0), maker_fee_bps=Decimal(0), base_cost_bps=Decimal(0)
        )
        venue = new_venue(replace(settings, **self.venue), self.cash).views
        for t in range(self.n_steps):
            _process(tables.views, venue, columns, t)
            for act in self.acts.get(t, ()):
                _do(tables.views, venue, act)
            writer.commit(tables.arrays.records[: tables.views.account[at.N_WORDS]])
            tables.views.account[at.N_WORDS] = 0
        writer.close(describe_end(tables.arrays))
        return RecordedRun(name, store, columns)

    def columns(self) -> Columns:
        """Return prices that rise by 3 and fall by 1 in turn, a bar reaching 5 beyond both ends.

        The close of step t is 10,000 + t + (2 when t is even) ticks; the open that of t - 1.
        """
        shape = (len(self.instruments), self.n_steps)
        steps = np.arange(-1, self.n_steps)
        walk = 10_000 + self.shift_ticks + steps + 2 * (steps % 2 == 0)
        close = np.broadcast_to(walk[1:], shape).copy()
        open_ = np.broadcast_to(walk[:-1], shape).copy()
        high, low = np.maximum(open_, close) + 5, np.minimum(open_, close) - 5
        volume = np.full(shape, self.volume)
        for k, t in self.missing:
            volume[k, t] = -1
            for column in (open_, high, low, close):
                column[k, t] = close[k, t - 1]
        close_ns = START_NS + (np.arange(self.n_steps) + 1) * HOUR_NS
        risk = np.zeros((shape[0], N_RISK, 0), np.int64)
        none = np.zeros(0, np.int64), np.zeros((0, shape[0], shape[0]), np.int64)
        return Columns(close_ns, open_, high, low, close, volume, risk, *none)


def close_of(t: int) -> int:
    """Return the usual close of a step in ticks; the open of the step behind it."""
    return 10_000 + t + 2 * (t % 2 == 0)


def time_of(t: int) -> int:
    """Return when a step closes."""
    return START_NS + (t + 1) * HOUR_NS


def _process(s: State, v: Venue, c: Columns, t: int) -> None:
    for k in range(len(c.open)):
        bar = (c.open[k, t], c.high[k, t], c.low[k, t], c.close[k, t], c.volume[k, t])
        _loop.load_bar(v, k, *map(int, bar))
    _loop.step_bar(s, v, t, int(c.close_ns[t]))


def _do(s: State, v: Venue, act: Intent | Asked | Cash | Health) -> None:
    if isinstance(act, Intent):
        write_intent(act, 0, s.intent)
        step.apply_intent(s)
    elif isinstance(act, Asked):
        step.apply_command(s, COMMANDS[act.command], act.argument, 0)
    elif isinstance(act, Health):
        step.apply_health(s, act.bits, s.account[at.NOW_NS])
    else:
        step.apply_cash(s, act.amount, int(act.is_transfer), 0)
    matching.drain(s, v)
