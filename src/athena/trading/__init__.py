"""The deterministic core: orders, risk, positions, ledger, journal."""

from athena.trading import rules
from athena.trading._core import arithmetic, codes, layout, limits, marks, positions, step
from athena.trading._core.layout import State, Table
from athena.trading._intent import Intent, write_intent
from athena.trading._journal import JournalEnd, JournalWriter
from athena.trading._journal_format import FrameKind
from athena.trading._journal_reader import (
    Frame,
    JournalReport,
    Recovery,
    TornTail,
    read_frames,
    recover_journal,
    verify_journal,
)
from athena.trading._journal_store import JournalStore, MemoryStore
from athena.trading._manifest import BarsReference, bars_of, describe_setup, state_of
from athena.trading._order_table import ORDER_TABLE, OrderEvent, transition_table
from athena.trading._rebalance import (
    RebalanceTrade,
    check_weights,
    largest_deviation_ppm,
    rebalance_trades,
)
from athena.trading._setup import (
    InstrumentLimits,
    StrategySlot,
    digest_of,
    limit_columns,
    limits_table,
    new_state,
)
from athena.trading._strategy import (
    Bar,
    BarStrategy,
    Market,
    RuleStrategy,
    Strategy,
    View,
    Wake,
    WokenStrategy,
)
from athena.trading._tables import Tables

__all__ = [
    "ORDER_TABLE",
    "Bar",
    "BarStrategy",
    "BarsReference",
    "Frame",
    "FrameKind",
    "InstrumentLimits",
    "Intent",
    "JournalEnd",
    "JournalReport",
    "JournalStore",
    "JournalWriter",
    "Market",
    "MemoryStore",
    "OrderEvent",
    "RebalanceTrade",
    "Recovery",
    "RuleStrategy",
    "State",
    "Strategy",
    "StrategySlot",
    "Table",
    "Tables",
    "TornTail",
    "View",
    "Wake",
    "WokenStrategy",
    "arithmetic",
    "check_weights",
    "bars_of",
    "codes",
    "describe_setup",
    "digest_of",
    "largest_deviation_ppm",
    "layout",
    "limit_columns",
    "limits",
    "limits_table",
    "marks",
    "new_state",
    "positions",
    "rebalance_trades",
    "read_frames",
    "recover_journal",
    "rules",
    "state_of",
    "step",
    "transition_table",
    "verify_journal",
    "write_intent",
]
