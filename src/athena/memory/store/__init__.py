"""The memory on a database: log, fold, questions, and its history as a file."""

from athena.memory.store._exchange import export_lines, import_lines
from athena.memory.store._memory import Hit, Memory, MemoryStatistics, Question, Recall
from athena.memory.store._tables import TABLES

__all__ = [
    "TABLES",
    "Hit",
    "Memory",
    "MemoryStatistics",
    "Question",
    "Recall",
    "export_lines",
    "import_lines",
]
