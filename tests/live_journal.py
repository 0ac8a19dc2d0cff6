"""A journal as a live session writes it: prices, fills, transfers, and what a venue gets wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import Purpose, Side, built_in_instrument
from athena.platform.config import CostsConfig
from athena.research import open_instrument_limits, open_limits
from athena.trading import (
    Intent,
    JournalWriter,
    StrategySlot,
    codes,
    describe_end,
    describe_setup,
    new_state,
    outside,
    step,
    write_intent,
)
from athena.trading import layout as at

if TYPE_CHECKING:
    from athena.trading import JournalStore

START_NS = 1_767_225_600 * 10**9  # 2026-01-01
SYMBOLS = ("BTC/USDT", "ETH/USDT", "XRP/USDT")
TICKS = (4_000_000, 300_000, 50_000)
CASH = Decimal(1_000_000)


class LiveJournal:
    """Drive the core as a session does, and keep its journal."""

    def __init__(self, store: JournalStore) -> None:
        instruments = [built_in_instrument(symbol) for symbol in SYMBOLS]
        setup: dict[str, Any] = {
            "instruments": instruments,
            "instrument_limits": [open_instrument_limits() for _ in instruments],
            "strategies": [StrategySlot("first"), StrategySlot("second")],
            "limits": open_limits(CostsConfig()),
            "cash": CASH,
            "start_ns": START_NS,
        }
        self.writer = JournalWriter(store, {"setup": describe_setup(**setup)})
        self.tables = new_state(**setup)
        self.now_ns = START_NS
        self.trade = 0
        self.fills: dict[str, tuple[int, int]] = {}
        for k, ticks in enumerate(TICKS):
            self.price(k, ticks)

    def price(self, k: int, ticks: int) -> None:
        """Tell a price, and let an hour pass."""
        self.now_ns += 3_600 * 10**9
        outside.apply_price(self.tables.views, k, ticks, ticks, ticks, self.now_ns)
        outside.apply_tick(self.tables.views, self.now_ns, 0)
        self.commit()

    def held(self, k: int) -> int:
        """Return the lots held of an instrument, over both strategies."""
        return int(self.tables.arrays.positions[[k, 3 + k], at.QUANTITY].sum())

    def fill(self, k: int, lots: int, *, strategy: int = 0, fee: int = 0, again: int = 0) -> int:
        """Buy (+) or sell (-) lots at the newest price; report the fill `1 + again` times."""
        views = self.tables.views
        side = Side.BUY if lots > 0 else Side.SELL
        purpose = Purpose.ENTRY if lots > 0 else Purpose.EXIT
        asked = Intent(side=side, lots=abs(lots), instrument=k, purpose=purpose)
        write_intent(asked, strategy, views.intent)
        step.apply_intent(views)
        number = int(self.tables.arrays.account[at.NEXT_NUMBER]) - 1
        self.tables.arrays.account[at.N_EFFECTS] = 0
        self.trade += 1
        self.fills[str(self.trade)] = (k, lots)
        price = int(self.tables.arrays.instruments[k, at.LAST])
        step.apply_report(views, codes.ACCEPTED, number, 0, 0, 0, 0, 0)
        for _ in range(1 + again):
            step.apply_report(
                views, codes.FILLED_REPORT, number, abs(lots), price, fee, 0, self.trade
            )
        self.commit()
        return number

    def cash(self, units: int, *, is_transfer: bool = True) -> None:
        """Let money come or go."""
        step.apply_cash(self.tables.views, units, int(is_transfer), 7)
        self.commit()

    def coins(self, k: int, lots: int, ticks: int) -> None:
        """Let coins come or go."""
        outside.apply_holding(self.tables.views, 0, k, lots, ticks, 9)
        self.commit()

    def report(self, what: int, number: int, lots: int, price: int, trade: int) -> None:
        """Report something as it is."""
        step.apply_report(self.tables.views, what, number, lots, price, 0, 0, trade)
        self.commit()

    def commit(self) -> None:
        """Write what the core recorded."""
        account = self.tables.arrays.account
        self.writer.commit(self.tables.arrays.records[: account[at.N_WORDS]])
        account[at.N_WORDS] = 0
        account[at.N_EFFECTS] = 0

    def end(self) -> None:
        """End the journal with what the core came to."""
        outside.apply_tick(self.tables.views, self.now_ns, 0)
        self.commit()
        self.writer.close(describe_end(self.tables.arrays))
