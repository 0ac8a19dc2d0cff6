"""Embedders, the index in memory, and how entries are ranked."""

from athena.memory.recall._embedders import Embedder, HashedEmbedder
from athena.memory.recall._index import Index, View
from athena.memory.recall._ranking import Ranking
from athena.memory.recall._vectors import STEPS, to_levels
from athena.memory.recall._wordllama import WordLlamaEmbedder

__all__ = [
    "STEPS",
    "Embedder",
    "HashedEmbedder",
    "Index",
    "Ranking",
    "View",
    "WordLlamaEmbedder",
    "to_levels",
]
