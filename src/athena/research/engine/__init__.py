"""The loop: bars into the core, strategies out of it, interpreted or compiled."""

from athena.research.engine import _columns as columns
from athena.research.engine import _loop as loop
from athena.research.engine._columns import Columns
from athena.research.engine._compiled import Compiler, compiler_for, has_compiler
from athena.research.engine._engine import EngineKind, choose_engine, has_kept_code
from athena.research.engine._fill_finder import FillSink
from athena.research.engine._limits import (
    instrument_limits,
    open_instrument_limits,
    open_limits,
    risk_limits,
)
from athena.research.engine._rule_driver import rule_tables, rule_view
from athena.research.engine._seat import (
    Seat,
    signal_columns,
    strategy_error,
    take_seat,
    wake_mask,
)
from athena.research.engine._session import ProgressSink, RecordSink
from athena.research.engine._setup import Setup
from athena.research.engine._shares import ShareChange
from athena.research.engine._simulation import Outcome, simulate, strategy_slots
from athena.research.engine._timeline import align, risk_rows

__all__ = [
    "Columns",
    "Compiler",
    "EngineKind",
    "FillSink",
    "Outcome",
    "ProgressSink",
    "RecordSink",
    "Seat",
    "Setup",
    "ShareChange",
    "align",
    "choose_engine",
    "columns",
    "compiler_for",
    "has_compiler",
    "has_kept_code",
    "instrument_limits",
    "loop",
    "open_instrument_limits",
    "open_limits",
    "risk_limits",
    "risk_rows",
    "rule_tables",
    "rule_view",
    "signal_columns",
    "simulate",
    "strategy_error",
    "strategy_slots",
    "take_seat",
    "wake_mask",
]
