"""What an operation of an agent came to: a failure is a value with a code, never a success."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from athena.errors import (
    AthenaError,
    DatabaseDamaged,
    InputError,
    RefusedError,
)
from athena.memory.entries import EntryNotFound, MemoryFull

T = TypeVar("T")

_LATENCIES_KEPT = 1_000


class Operation(StrEnum):
    """Name the six operations, in the order that a policy scores them in."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"
    RETRIEVE = "retrieve"
    SUMMARY = "summary"
    FILTER = "filter"


class Failure(StrEnum):
    """Say why an operation did not happen."""

    NOT_FOUND = "not_found"
    INVALID = "invalid"
    FULL = "full"
    REFUSED = "refused"
    DAMAGED = "damaged"
    UNAVAILABLE = "unavailable"


# The first kind that fits; whatever else a store reports means that it cannot be used now.
_FAILURES: tuple[tuple[type[AthenaError], Failure], ...] = (
    (EntryNotFound, Failure.NOT_FOUND),
    (MemoryFull, Failure.FULL),
    (DatabaseDamaged, Failure.DAMAGED),
    (InputError, Failure.INVALID),
    (RefusedError, Failure.REFUSED),
)


def failure_of(error: AthenaError) -> Failure:
    """Return the code of an error."""
    return next((code for kind, code in _FAILURES if isinstance(error, kind)), Failure.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What an operation came to.

    Attributes:
        is_success: True when it reached the store and did what was asked.
        value: the result; None after a failure.
        failure: why not; None after a success.
        detail: the failure in words; empty after a success.
        latency_ns: how long it took.
        token_change: tokens in short-term memory afterwards less those before.
    """

    is_success: bool
    value: T | None
    failure: Failure | None
    detail: str
    latency_ns: int
    token_change: int


@dataclass(frozen=True, slots=True)
class OperationStatistics:
    """How an operation fared.

    Attributes:
        n_calls: how often it was asked for.
        n_successes: how often it happened.
        total_ns: time of all calls.
        p95_ns: 95 of 100 of the last 1,000 calls took no longer; 0 without any.
    """

    n_calls: int
    n_successes: int
    total_ns: int
    p95_ns: int


@dataclass(slots=True)
class Tally:
    """Count the calls of one operation."""

    n_calls: int = 0
    n_successes: int = 0
    total_ns: int = 0
    _latencies_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_LATENCIES_KEPT))

    def note(self, outcome: Outcome[T]) -> None:
        """Take a call into the count."""
        self.n_calls += 1
        self.n_successes += outcome.is_success
        self.total_ns += outcome.latency_ns
        self._latencies_ns.append(outcome.latency_ns)

    def statistics(self) -> OperationStatistics:
        """Return the count."""
        ordered = sorted(self._latencies_ns)
        p95_ns = ordered[-(-95 * len(ordered) // 100) - 1] if ordered else 0
        return OperationStatistics(self.n_calls, self.n_successes, self.total_ns, p95_ns)
