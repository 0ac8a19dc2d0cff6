"""Drive the core and the simulated venue over hand-written bars, interpreted or compiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from athena.domain import Instrument, OrderState, OrderType, Side
from athena.platform.config import CostsConfig
from athena.research.engine import _loop
from athena.research.engine._limits import open_instrument_limits, open_limits
from athena.trading import Intent, StrategySlot, codes, limits, new_state, step, write_intent
from athena.trading import layout as at
from athena.venues import VenueSettings, matching, new_venue
from athena.venues import table as vt

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE_NS = 60 * 10**9
START_NS = 1_700_000_000 * 10**9
STATES = list(OrderState)
TYPES = list(OrderType)


class Engine(NamedTuple):
    """The three functions that a run calls, and whether they take records or views."""

    step_bar: Callable[..., Any]
    submit: Callable[..., Any]
    command: Callable[..., Any]
    drain: Callable[..., Any]
    is_compiled: bool


INTERPRETED = Engine(
    _loop.step_bar, _loop.submit, step.apply_command, matching.drain, is_compiled=False
)


class Fill(NamedTuple):
    """One fill, as the core was told of it."""

    bar: int
    number: int
    side: int
    lots: int
    price: int
    liquidity: int
    fee: int


def instrument(symbol: str = "AAA/USD", *, is_margin: bool = True) -> Instrument:
    """Build an instrument of which one lot at one tick is worth 0.0001 in quote currency."""
    cent = Decimal("0.01")
    return Instrument(symbol, cent, cent, is_margin=is_margin)


@dataclass
class BarRun:
    """A run that is fed bar by bar; orders sent after a bar are live from the next one.

    Attributes:
        engine: interpreted, or compiled from the same source.
        instruments: what is traded.
        venue_settings: how the venue fills; fees and costs are off unless given.
        cash: in quote currency.
        entry_limit_ns: how long an entry limit works, 0 = for ever.
        with_limits: limits that differ from those that never bind.
    """

    engine: Engine = INTERPRETED
    instruments: tuple[Instrument, ...] = (instrument(),)
    venue_settings: VenueSettings = field(
        default_factory=lambda: VenueSettings(
            seed=42, taker_fee_bps=Decimal(0), maker_fee_bps=Decimal(0), base_cost_bps=Decimal(0)
        )
    )
    cash: Decimal = Decimal(1_000_000)
    entry_limit_ns: int = 0
    with_limits: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the tables."""
        table = open_limits(CostsConfig())
        if self.entry_limit_ns:
            table[limits.ENTRY_LIMIT_NS] = self.entry_limit_ns
        for column, value in self.with_limits.items():
            table[column] = value
        self.tables = new_state(
            instruments=self.instruments,
            instrument_limits=[open_instrument_limits() for _ in self.instruments],
            strategies=[StrategySlot("first"), StrategySlot("second")],
            limits=table,
            cash=self.cash,
            start_ns=START_NS,
        )
        self.venue_tables = new_venue(self.venue_settings, self.cash)
        self.state = self.tables.arrays
        self.venue = self.venue_tables.arrays
        self.bar = -1
        self.fills: list[Fill] = []

    @property
    def _pair(self) -> tuple[Any, Any]:
        if self.engine.is_compiled:
            return self.tables.record, self.venue_tables.record
        return self.tables.views, self.venue_tables.views

    def step(self, *bars: tuple[int, int, int, int, int] | None) -> None:
        """Process one bar (open, high, low, close, volume) an instrument; None is missing."""
        self.bar += 1
        for row, bar in enumerate(bars):
            shown = (0, 0, 0, 0, vt.NO_BAR) if bar is None else bar
            _loop.load_bar(self.venue_tables.views, row, *shown)
        close_ns = START_NS + (self.bar + 1) * MINUTE_NS
        self.engine.step_bar(*self._pair, self.bar, close_ns)
        self._read_records()

    def send(self, intent: Intent, strategy: int = 0) -> int:
        """Submit an intent after the newest bar; return its order's number."""
        number = int(self.state.account[at.NEXT_NUMBER])
        row = np.zeros(at.N_INTENT, np.int64)
        write_intent(intent, strategy, row)
        table = row if self.engine.is_compiled else memoryview(row)
        self.engine.submit(*self._pair, table, 1)
        self._read_records()
        return number

    def command(self, command: int, argument: int = 0) -> None:
        """Give the core a command and carry out what follows."""
        state, venue = self._pair
        self.engine.command(state, command, argument, 0)
        self.engine.drain(state, venue)
        self._read_records()

    def live_orders(self) -> list[Any]:
        """Return the rows of the live orders."""
        return list(self.state.orders[self.state.orders[:, at.NUMBER] != 0])

    def cancel(self, number: int) -> None:
        """Cancel an order after the newest bar."""
        self.command(codes.COMMAND_CANCEL, number)

    def position(self, instrument_row: int = 0, strategy: int = 0) -> int:
        """Return a strategy's signed position in lots."""
        row = strategy * len(self.instruments) + instrument_row
        return int(self.state.positions[row, at.QUANTITY])

    def order(self, number: int) -> Any:
        """Return an order's columns, live or closed."""
        rows = np.flatnonzero(self.state.orders[:, at.NUMBER] == number)
        if len(rows):
            return self.state.orders[rows[0]]
        closed = self.state.closed[number % len(self.state.closed)]
        assert closed[at.NUMBER] == number
        return closed

    def state_of(self, number: int) -> str:
        """Return the state's name of an order."""
        return STATES[int(self.order(number)[at.STATE])].value

    def working(self) -> list[str]:
        """Describe the venue's open orders, oldest first: `sell 10 stop 95`."""
        rows = list(self.venue.book[self.venue.book[:, vt.V_NUMBER] != 0])
        rows.sort(key=lambda row: int(row[vt.V_NUMBER]))
        return [_described(row) for row in rows]

    def _read_records(self) -> None:
        """Collect the fills from the journal's words and empty the buffer, as a driver does."""
        cursor = 0
        end = int(self.state.account[at.N_WORDS])
        words = self.state.records[:end].tolist()
        while cursor < end:
            kind, length = words[cursor] & 0xFF, words[cursor] >> 8
            body = words[cursor + 2 : cursor + length]
            if kind == at.R_REPORT and body[0] == codes.FILLED_REPORT:
                number, lots, price, fee, liquidity = body[1:6]
                side = ((body[8] >> 24) & 3) - 1  # see `records.pack_order`
                self.fills.append(Fill(self.bar, number, side, lots, price, liquidity, fee))
            cursor += length
        self.state.account[at.N_WORDS] = 0


def _described(row: Any) -> str:
    side = "buy" if row[vt.V_SIDE] > 0 else "sell"
    kind = TYPES[int(row[vt.V_TYPE])]
    price = row[vt.V_LIMIT] if kind is OrderType.LIMIT else row[vt.V_TRIGGER]
    at_price = "" if kind is OrderType.MARKET else f" {price}"
    return f"{side} {row[vt.V_LEFT]} {kind.value}{at_price}"


def buy(lots: int, **terms: Any) -> Intent:
    """Build a buy."""
    return Intent(side=Side.BUY, lots=lots, **terms)


def sell(lots: int, **terms: Any) -> Intent:
    """Build a sale."""
    return Intent(side=Side.SELL, lots=lots, **terms)
