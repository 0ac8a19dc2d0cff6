"""What agents look at: snapshots of the market, texts, the account, each with its quality."""

from athena.desk.inputs._account import AccountView, PositionView, ReturnTable
from athena.desk.inputs._book import BookView, read_book
from athena.desk.inputs._conditions import (
    PROFILE_SLOTS,
    MarketConditions,
    bar_volatility,
    conditions_of,
)
from athena.desk.inputs._frames import FRAMES, WORKING_BARS, ClosedBar, Frame, FrameRule
from athena.desk.inputs._fundamentals import Fundamentals, read_fundamentals
from athena.desk.inputs._macro import (
    MACRO_SERIES,
    Macro,
    MacroLabel,
    MacroRules,
    MacroSeries,
    Observation,
    macro_at,
)
from athena.desk.inputs._quality import Grade, Quality, QualityRules, worst
from athena.desk.inputs._record import read_snapshot, write_snapshot
from athena.desk.inputs._snapshot import FAST_MOVE, Snapshot, SymbolFeed, alignment
from athena.desk.inputs._texts import Text, TextKind, TextProvenance, Texts, texts_at

__all__ = [
    "FAST_MOVE",
    "FRAMES",
    "MACRO_SERIES",
    "PROFILE_SLOTS",
    "WORKING_BARS",
    "AccountView",
    "BookView",
    "ClosedBar",
    "Frame",
    "FrameRule",
    "Fundamentals",
    "Grade",
    "Macro",
    "MacroLabel",
    "MacroRules",
    "MacroSeries",
    "MarketConditions",
    "Observation",
    "PositionView",
    "Quality",
    "QualityRules",
    "ReturnTable",
    "Snapshot",
    "SymbolFeed",
    "Text",
    "TextKind",
    "TextProvenance",
    "Texts",
    "alignment",
    "bar_volatility",
    "conditions_of",
    "macro_at",
    "read_book",
    "read_fundamentals",
    "read_snapshot",
    "texts_at",
    "worst",
    "write_snapshot",
]
