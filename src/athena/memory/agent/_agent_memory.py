"""The six operations as an agent acts through them: they fail with a code and never raise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from athena.errors import AthenaError, RefusedError
from athena.memory.agent._outcome import (
    Operation,
    OperationStatistics,
    Outcome,
    Tally,
    failure_of,
)
from athena.memory.agent._short_term import KEEP_THRESHOLD, ShortTerm, Summary
from athena.memory.entries import SHARED
from athena.memory.store import Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.memory.entries import Added, EntryType, Note
    from athena.memory.store import Memory, Recall
    from athena.platform import Clock

T = TypeVar("T")

SUMMARY_FROM = 0.7


class AgentMemory:
    """Long-term and short-term memory of one agent.

    An agent writes into its own namespace and the shared one, and reads these two. None of the
    operations runs behind its back.

    Attributes:
        short_term: the working context.
    """

    def __init__(
        self,
        memory: Memory,
        agent: str,
        clock: Clock,
        *,
        short_term: ShortTerm | None = None,
        timer: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """Give an agent a memory.

        Args:
            memory: long-term memory, which may be shared between agents.
            agent: name of its namespace.
            clock: tells when something was put into short-term memory.
            short_term: the working context; a new one when None.
            timer: nanoseconds for latencies; a replay hands over recorded ones.
        """
        self.short_term = short_term or ShortTerm()
        self._memory = memory
        self._namespaces = frozenset({agent, SHARED})
        self._clock = clock
        self._timer = timer
        self._tallies = {operation: Tally() for operation in Operation}

    def add(self, note: Note) -> Outcome[Added]:
        """Remember a note; its namespace is the agent's or `shared`."""

        def act() -> Added:
            self._check_namespace(note.namespace)
            return self._memory.add(note)

        return self._run(Operation.ADD, act)

    def update(self, entry_id: str, text: str) -> Outcome[Added]:
        """Record a new version of an entry; the value names the new id and the old."""

        def act() -> Added:
            self._check_namespace(self._memory.get(entry_id).note.namespace)
            return self._memory.update(entry_id, text)

        return self._run(Operation.UPDATE, act)

    def delete(self, entry_id: str, reason: str) -> Outcome[str]:
        """Hide an entry from now on; the value is its id."""

        def act() -> str:
            self._check_namespace(self._memory.get(entry_id).note.namespace)
            self._memory.delete(entry_id, reason)
            return entry_id

        return self._run(Operation.DELETE, act)

    def retrieve(
        self,
        query: str,
        *,
        k: int = 5,
        as_of_ns: int | None = None,
        types: frozenset[EntryType] = frozenset(),
    ) -> Outcome[Recall]:
        """Find entries and put them into short-term memory; no hit at all is a success."""

        def act() -> Recall:
            question = Question(query, k, as_of_ns, types, self._namespaces)
            found = self._memory.retrieve(question)
            self.short_term.query = query
            now_ns = self._clock.now_ns()
            # The best hit last, so that it is the last to leave.
            for hit in reversed(found.hits):
                self.short_term.put(hit.text, hit.id, now_ns, trust=hit.trust)
            return found

        return self._run(Operation.RETRIEVE, act)

    def summary(self, query: str) -> Outcome[Summary]:
        """Put one summary in the place of the unpinned items of short-term memory."""
        return self._run(
            Operation.SUMMARY, lambda: self.short_term.summarise(query, self._clock.now_ns())
        )

    def filter(self, query: str, threshold: float = KEEP_THRESHOLD) -> Outcome[tuple[str, ...]]:
        """Drop the unpinned items that have too little of a query; the value is their ids."""
        return self._run(Operation.FILTER, lambda: self.short_term.keep_relevant(query, threshold))

    def process_query(
        self, query: str, *, k: int = 5, as_of_ns: int | None = None
    ) -> Outcome[Recall]:
        """Retrieve, filter, and sum up when over 70 % of the window is used.

        The outcome is that of the retrieval; the other two are counted by themselves.
        """
        found = self.retrieve(query, k=k, as_of_ns=as_of_ns)
        if found.is_success:
            self.filter(query)
            if self.short_term.filling > SUMMARY_FROM:
                self.summary(query)
        return found

    def statistics(self) -> dict[Operation, OperationStatistics]:
        """Return how each operation fared; its failures are how healthy the memory is (ML-03)."""
        return {operation: tally.statistics() for operation, tally in self._tallies.items()}

    def clear(self) -> None:
        """Begin a new task: forget what is in short-term memory."""
        self.short_term.clear()

    def _check_namespace(self, namespace: str) -> None:
        if namespace not in self._namespaces:
            message = f"expected one of {', '.join(sorted(self._namespaces))}, was {namespace!r}"
            raise RefusedError(message, hint="each agent writes into its own memory")

    def _run(self, operation: Operation, act: Callable[[], T]) -> Outcome[T]:
        tokens, began_ns = self.short_term.n_tokens, self._timer()
        value: T | None = None
        failure, detail = None, ""
        try:
            value = act()
        except AthenaError as error:
            failure, detail = failure_of(error), error.message
        took_ns = self._timer() - began_ns
        change = self.short_term.n_tokens - tokens
        outcome = Outcome(failure is None, value, failure, detail, took_ns, change)
        self._tallies[operation].note(outcome)
        return outcome
