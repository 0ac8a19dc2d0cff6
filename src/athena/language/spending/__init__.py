"""What asking costs: the budget of a day and of a decision, and a record of every call."""

from athena.language.spending._ledger import (
    Call,
    Ledger,
    Limits,
    ModelSpending,
    OverBudget,
    Reserved,
    Settlement,
    day_of,
)
from athena.language.spending._tables import TABLES

__all__ = [
    "TABLES",
    "Call",
    "Ledger",
    "Limits",
    "ModelSpending",
    "OverBudget",
    "Reserved",
    "Settlement",
    "day_of",
]
