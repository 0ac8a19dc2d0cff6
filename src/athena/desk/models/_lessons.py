"""What the desk learned: kept in memory by a reflection, recalled by the next debate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from athena.desk.contract import MEMORY_HITS, MemoryHit, Unavailable
from athena.memory import EntryType, Note

if TYPE_CHECKING:
    from athena.memory import AgentMemory

_LESSONS = frozenset({EntryType.LESSON})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What was learned, and from what.

    Attributes:
        text: one to three sentences that fit any market.
        decision_id: newest of the decisions that it was learned from.
        links: entries of memory that it rests on: outcomes, and the decisions before them.
    """

    text: str
    decision_id: str
    links: tuple[str, ...]


class Lessons(Protocol):
    """Where lessons are kept. Nothing is raised for what a memory does."""

    def recall(self, query: str, as_of_ns: int) -> tuple[MemoryHit, ...] | Unavailable:
        """Return lessons that were known at a moment, the best first."""

    def keep(self, lesson: Lesson) -> str | Unavailable:
        """Keep a lesson and return the id of its entry."""


class MemoryLessons:
    """Lessons in the memory of an agent; a question is always asked as of its moment."""

    def __init__(self, memory: AgentMemory, agent: str, *, k: int = MEMORY_HITS) -> None:
        """Take a memory.

        Args:
            memory: of the agent.
            agent: name of its namespace, into which lessons are written.
            k: most lessons in a recall.
        """
        self._memory = memory
        self._agent = agent
        self._k = k

    def recall(self, query: str, as_of_ns: int) -> tuple[MemoryHit, ...] | Unavailable:
        """Return lessons that were known at a moment, the best first."""
        found = self._memory.retrieve(query, k=self._k, as_of_ns=as_of_ns, types=_LESSONS)
        if found.value is None:
            return Unavailable("memory:lessons", f"{found.failure}: {found.detail}")
        hits = found.value.hits
        return tuple(MemoryHit(hit.id, hit.text, min(1.0, hit.score)) for hit in hits)

    def keep(self, lesson: Lesson) -> str | Unavailable:
        """Keep a lesson and return the id of its entry."""
        kept = self._memory.add(
            Note(
                lesson.text,
                type=EntryType.LESSON,
                namespace=self._agent,
                source=f"decision/{lesson.decision_id}",
                links=lesson.links,
            )
        )
        if kept.value is None:
            return Unavailable("memory:lessons", f"{kept.failure}: {kept.detail}")
        return kept.value.id
