"""Wait for one's turn among all processes of an account; no lock is held while waiting."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from athena.domain import SECOND_NS, format_time
from athena.errors import VenueBusy
from athena.platform import RandomIds, SystemClock, atomic_write_text, file_lock, storage_errors
from athena.venues.limits._counter import Counter
from athena.venues.limits._state import (
    Charge,
    Granted,
    LimitState,
    Priority,
    Ticket,
    TooLate,
    Waiting,
    pause,
    poll,
    withdraw,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from athena.platform import Clock, IdSource
    from athena.venues.limits._counter import CounterRule
    from athena.venues.limits._state import Decision

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Share the counters of one account through a file.

    The clock must be the machine's: monotonic time does not survive a restart. A clock set
    forward frees points early; a clock set back frees none.

    Attributes:
        path: the file; without one, or with one that cannot be read, every counter is full.
        rules: by family of buckets.
        clock, sleep, ids: replaced by tests.
    """

    path: Path
    rules: Mapping[str, CounterRule]
    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], None] = time.sleep
    ids: IdSource = field(default_factory=RandomIds)

    def acquire(self, charges: Iterable[Charge], *, priority: Priority, deadline_ns: int) -> None:
        """Return when the request may go; its points are booked then.

        Args:
            charges: what it costs.
            priority: who goes first.
            deadline_ns: UTC nanoseconds.

        Raises:
            VenueBusy: the deadline comes before the turn.
            InputError: a charge that no rule allows.
            RefusedError: another process holds the file for too long.
        """
        now_ns = self.clock.now_ns()
        ticket = Ticket(self.ids.next_id(), priority, now_ns, deadline_ns, tuple(charges))
        while not isinstance(decision := self.ask(ticket), Granted):
            if isinstance(decision, TooLate):
                raise _too_late(ticket, decision)
            self._wait(ticket, decision.until_ns)

    def ask(self, ticket: Ticket) -> Decision:
        """Ask once and come back at the time that a `Wait` names."""
        with self._locked():
            state, decision = poll(read_state(self.path), self.rules, ticket, self.clock.now_ns())
            write_state(self.path, state)
        return decision

    def pause(self, buckets: Iterable[str], until_ns: int) -> None:
        """Stop buckets for every process, as the venue asked."""
        names = tuple(buckets)
        self._change(lambda state: pause(state, names, until_ns))

    def withdraw(self, ticket_id: str) -> None:
        """Leave the queue: nobody comes back for this turn."""
        self._change(lambda state: withdraw(state, ticket_id))

    def _wait(self, ticket: Ticket, until_ns: int) -> None:
        # A microsecond more: to ask too early would only mean to ask again.
        rest_ns = until_ns - self.clock.now_ns() + 1_000
        try:
            self.sleep(max(0, rest_ns) / SECOND_NS)
        except BaseException:  # interrupted: the others need not wait until the lease ends
            self.withdraw(ticket.id)
            raise

    def _change(self, change: Callable[[LimitState], LimitState]) -> None:
        with self._locked():
            write_state(self.path, change(read_state(self.path)))

    def _locked(self) -> Any:  # noqa: ANN401 (a context manager without a value)
        return file_lock(self.path.with_name(f"{self.path.name}.lock"))


def read_state(path: Path) -> LimitState:
    """Read the shared state; a file that is absent or damaged means that nothing is known.

    Raises:
        InputError: the file is there and may not be read.
    """
    with storage_errors(path):
        if not path.is_file():
            return LimitState()
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        return _from_plain(json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError):
        # Nothing is known, so every counter counts as full: the safe side.
        return LimitState()


def write_state(path: Path, state: LimitState) -> None:
    """Replace the shared state; a reader sees the old or the new.

    Raises:
        InputError: the file cannot be written.
        MissingError: the disk is full.
    """
    atomic_write_text(path, json.dumps(_to_plain(state)) + "\n")


def _to_plain(state: LimitState) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "counters": {k: [c.level, c.at_ns] for k, c in state.counters.items()},
        "paused_until_ns": dict(state.paused_until_ns),
        "waiting": [
            {
                "id": item.ticket.id,
                "priority": int(item.ticket.priority),
                "arrival_ns": item.ticket.arrival_ns,
                "deadline_ns": item.ticket.deadline_ns,
                "charges": [[c.bucket, c.points] for c in item.ticket.charges],
                "lease_ns": item.lease_ns,
            }
            for item in state.waiting
        ],
    }


def _from_plain(values: dict[str, Any]) -> LimitState:
    if values["format"] != _FORMAT:
        message = f"expected format {_FORMAT}"
        raise ValueError(message)
    return LimitState(
        {k: _counter(level, at_ns) for k, (level, at_ns) in values["counters"].items()},
        {k: int(until) for k, until in values["paused_until_ns"].items()},
        tuple(_waiting(item) for item in values["waiting"]),
    )


def _counter(level: int, at_ns: int) -> Counter:
    if level < 0:
        message = "expected a level >= 0"
        raise ValueError(message)
    return Counter(int(level), int(at_ns))


def _waiting(item: dict[str, Any]) -> Waiting:
    charges = tuple(Charge(str(bucket), int(points)) for bucket, points in item["charges"])
    ticket = Ticket(
        str(item["id"]),
        Priority(item["priority"]),
        int(item["arrival_ns"]),
        int(item["deadline_ns"]),
        charges,
    )
    return Waiting(ticket, int(item["lease_ns"]))


def _too_late(ticket: Ticket, decision: TooLate) -> VenueBusy:
    buckets = ", ".join(charge.bucket for charge in ticket.charges)
    message = (
        f"expected room under the rate limit ({buckets}) by {format_time(ticket.deadline_ns)}, "
        f"was not before {format_time(decision.possible_ns)}"
    )
    return VenueBusy(message, hint="send less, or later")
