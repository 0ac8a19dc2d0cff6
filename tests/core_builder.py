"""A small run of the core to drive by hand in tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import DenialCode, Instrument, OrderState
from athena.platform.config import CostsConfig, RiskConfig
from athena.research.engine._limits import (
    instrument_limits,
    open_instrument_limits,
    open_limits,
    risk_limits,
)
from athena.trading import (
    Intent,
    StrategySlot,
    Tables,
    codes,
    limits,
    marks,
    new_state,
    step,
    write_intent,
)
from athena.trading import layout as at

if TYPE_CHECKING:
    from athena.trading import State

# Wednesday 2023-11-15, 12:00 UTC
NOON = 1_700_049_600 * 10**9
MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONEY = 10**8
BTC = Instrument("BTC/USDT", Decimal("0.01"), Decimal("0.00000001"), Decimal("0.0001"))
TEST = Instrument("TEST/USDT", Decimal("0.01"), Decimal(1), Decimal(1), is_margin=True)
CODES = [code.value for code in DenialCode]
STATES = [state.value for state in OrderState]


def cheap_limits(*, is_open: bool = False) -> at.Table:
    """Return limits whose slippage estimate never refuses: these tests know no volume."""
    costs = CostsConfig()
    table = open_limits(costs) if is_open else risk_limits(RiskConfig(), costs)
    table[limits.SLIPPAGE_PPM] = 10**9
    return table


@dataclass
class Core:
    """Drive one core: prices, intents, reports."""

    instruments: list[Instrument] = field(default_factory=lambda: [TEST])
    strategies: list[StrategySlot] = field(default_factory=lambda: [StrategySlot("a")])
    cash: Decimal = Decimal(2_100)
    start_ns: int = NOON
    is_open: bool = False
    tables: Tables[State] = field(init=False)
    trades: int = 0

    def __post_init__(self) -> None:
        own = (
            [open_instrument_limits() for _ in self.instruments]
            if self.is_open
            else [instrument_limits(item, RiskConfig()) for item in self.instruments]
        )
        self.tables = new_state(
            instruments=self.instruments,
            instrument_limits=own,
            strategies=self.strategies,
            limits=cheap_limits(is_open=self.is_open),
            cash=self.cash,
            start_ns=self.start_ns,
        )

    @property
    def s(self) -> State:
        return self.tables.views

    def price(self, ticks: int, now_ns: int | None = None, instrument: int = 0) -> None:
        """Close a bar at a price and judge the account there."""
        now = self.s.account[at.NOW_NS] if now_ns is None else now_ns
        for k in range(len(self.instruments)):
            last = ticks if k == instrument else self.s.instruments[k, at.LAST]
            marks.set_price(self.s, k, last, last, last, now)
        self.s.account[at.ACCOUNT_NS] = now
        marks.mark(self.s, now)

    def ask(self, intent: Intent, strategy: int = 0) -> int:
        """Hand an intent to the core; return the order's number."""
        write_intent(intent, strategy, self.s.intent)
        return step.apply_intent(self.s)

    def verdict(self, intent: Intent, strategy: int = 0) -> str:
        """Hand an intent to the core; return the code that decided, or `approved`."""
        self.ask(intent, strategy)
        code = self.s.verdict[at.CODE]
        return CODES[code - 1] if code else "approved"

    @property
    def all_codes(self) -> set[str]:
        mask = self.s.verdict[at.MASK]
        return {name for bit, name in enumerate(CODES, start=1) if mask >> bit & 1}

    @property
    def approved(self) -> int:
        return self.s.verdict[at.APPROVED]

    def report(self, what: int, number: int, lots: int = 0, price: int = 0, fee: int = 0) -> None:
        self.trades += 1
        step.apply_report(self.s, what, number, lots, price, fee, codes.TAKER, self.trades)

    def fill(self, number: int, lots: int, price: int, fee: int = 0) -> None:
        self.report(codes.FILLED_REPORT, number, lots, price, fee)

    def trade(self, intent: Intent, price: int, strategy: int = 0) -> int:
        """Ask, accept and fill the whole approved size; return the order's number."""
        number = self.ask(intent, strategy)
        assert self.s.verdict[at.CODE] == 0, self.all_codes
        lots = self.approved
        self.report(codes.ACCEPTED, number)
        self.fill(number, lots, price)
        return number

    def accept_all(self) -> None:
        """Acknowledge what was sent, as a venue does."""
        for effect in range(self.s.account[at.N_EFFECTS]):
            if self.s.effects[effect, at.E_KIND] == at.SEND:
                self.report(codes.ACCEPTED, self.s.effects[effect, at.E_NUMBER])
        self.s.account[at.N_EFFECTS] = 0

    def effects(self) -> list[tuple[int, int]]:
        """Return (kind, number) of what has to leave the core, and empty the queue."""
        count = self.s.account[at.N_EFFECTS]
        found = [
            (self.s.effects[i, at.E_KIND], self.s.effects[i, at.E_NUMBER]) for i in range(count)
        ]
        self.s.account[at.N_EFFECTS] = 0
        return found

    def row(self, number: int) -> int:
        """Return the row of a live order."""
        return next(
            row
            for row in range(self.s.account[at.N_ROWS])
            if self.s.orders[row, at.NUMBER] == number
        )

    def state(self, number: int) -> str:
        """Return the state of an order, live or closed."""
        for row in range(self.s.account[at.N_ROWS]):
            if self.s.orders[row, at.NUMBER] == number:
                return STATES[self.s.orders[row, at.STATE]]
        slot = number % len(self.s.closed)
        assert self.s.closed[slot, at.NUMBER] == number
        return STATES[self.s.closed[slot, at.STATE]]

    def children(self, number: int) -> list[int]:
        """Return the numbers of the live orders born of an entry."""
        return [
            self.s.orders[row, at.NUMBER]
            for row in range(self.s.account[at.N_ROWS])
            if self.s.orders[row, at.NUMBER] != 0 and self.s.orders[row, at.PARENT] == number
        ]

    def quantity(self, strategy: int = 0, instrument: int = 0) -> int:
        return self.s.positions[strategy * len(self.instruments) + instrument, at.QUANTITY]

    def get(self, column: int) -> int:
        return self.s.account[column]

    def notices(self) -> list[int]:
        """Return the kinds of the notices in the record buffer, oldest first."""
        found = []
        cursor = 0
        while cursor < self.s.account[at.N_WORDS]:
            header = self.s.records[cursor]
            if header & 0xFF == at.R_NOTICE:
                found.append(self.s.records[cursor + 2])
            cursor += header >> 8
        return found


__all__ = ["BTC", "DAY", "HOUR", "MINUTE", "MONEY", "NOON", "TEST", "Core"]
