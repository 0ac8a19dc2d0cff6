"""Memory as an agent uses it: six operations, short-term memory, and what they were worth."""

from athena.memory.agent._agent_memory import AgentMemory
from athena.memory.agent._outcome import Failure, Operation, OperationStatistics, Outcome
from athena.memory.agent._rewards import (
    filter_quality,
    operation_reward,
    retrieval_quality,
    summary_quality,
)
from athena.memory.agent._short_term import SUMMARY_SHARE, Item, ShortTerm, Summary
from athena.memory.agent._summary import summarise_texts

__all__ = [
    "SUMMARY_SHARE",
    "AgentMemory",
    "Failure",
    "Item",
    "Operation",
    "OperationStatistics",
    "Outcome",
    "ShortTerm",
    "Summary",
    "filter_quality",
    "operation_reward",
    "retrieval_quality",
    "summarise_texts",
    "summary_quality",
]
