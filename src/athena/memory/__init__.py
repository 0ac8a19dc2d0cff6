"""What is remembered: an event log that nobody rewrites, asked as of any moment.

The inner rooms: `entries` (what a memory is, and the operations as pure functions), `recall`
(embedders, index, ranking), `store` (the log in a database), `agent` (the six operations as an
agent uses them, and short-term memory), `evaluation` (how well entries are found).
"""

from athena.memory.agent import AgentMemory, Failure, Operation, Outcome, ShortTerm
from athena.memory.entries import (
    SHARED,
    Added,
    Entry,
    EntryNotFound,
    EntryType,
    FactKey,
    MemoryFull,
    Note,
    Trust,
)
from athena.memory.recall import Embedder, HashedEmbedder, Ranking, WordLlamaEmbedder
from athena.memory.store import (
    TABLES,
    Hit,
    Memory,
    MemoryStatistics,
    Question,
    Recall,
    export_lines,
    import_lines,
)

__all__ = [
    "SHARED",
    "TABLES",
    "Added",
    "AgentMemory",
    "Embedder",
    "Entry",
    "EntryNotFound",
    "EntryType",
    "FactKey",
    "Failure",
    "HashedEmbedder",
    "Hit",
    "Memory",
    "MemoryFull",
    "MemoryStatistics",
    "Note",
    "Operation",
    "Outcome",
    "Question",
    "Ranking",
    "Recall",
    "ShortTerm",
    "Trust",
    "WordLlamaEmbedder",
    "export_lines",
    "import_lines",
]
