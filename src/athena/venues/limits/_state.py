"""Who may go now, who must wait and who comes too late: a pure function of state and time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from athena.domain import INT64_MAX, SECOND_NS
from athena.errors import InputError, VenueBusy
from athena.venues.limits._counter import POINT, Counter, CounterRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RESERVED_PERCENT = 20  # of every counter, kept for cancels and protection
MAX_WAITING = 1_000
_LEASE_NS = 2 * SECOND_NS  # a waiter that is this late to ask again has died


class Priority(IntEnum):
    """Who goes first; the first may use the reserved share."""

    PROTECT = 0  # cancels, exits and protective orders
    TRADE = 1
    READ = 2


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request costs one counter.

    Attributes:
        bucket: the counter; `trading:XBTUSD` follows the rule of `trading`.
        points: whole, > 0.
    """

    bucket: str
    points: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request that wants to go.

    Attributes:
        id: unique among those who wait.
        priority: who goes first.
        arrival_ns: decides among equals, UTC nanoseconds.
        deadline_ns: after it the request is of no use, UTC nanoseconds.
        charges: each counter once.
    """

    id: str
    priority: Priority
    arrival_ns: int
    deadline_ns: int
    charges: tuple[Charge, ...]

    def rank(self) -> tuple[int, int, str]:
        """Return the place in the queue; less goes first."""
        return self.priority, self.arrival_ns, self.id


@dataclass(frozen=True, slots=True)
class Waiting:
    """A ticket in the queue.

    Attributes:
        ticket: of the request.
        lease_ns: until when it counts without asking again, UTC nanoseconds.
    """

    ticket: Ticket
    lease_ns: int


@dataclass(frozen=True, slots=True)
class LimitState:
    """What all processes of one account share.

    Attributes:
        counters: by bucket; one that is not here counts as full when it is first asked.
        paused_until_ns: by bucket, UTC nanoseconds.
        waiting: at most 1,000.
    """

    counters: Mapping[str, Counter] = field(default_factory=dict)
    paused_until_ns: Mapping[str, int] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Granted:
    """Go now; the points are booked."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again at a time, UTC nanoseconds."""

    until_ns: int


@dataclass(frozen=True, slots=True)
class TooLate:
    """The deadline comes before the turn; the ticket left the queue.

    Attributes:
        possible_ns: earliest moment it could have gone, UTC nanoseconds.
    """

    possible_ns: int


Decision = Granted | Wait | TooLate


def poll(
    state: LimitState, rules: Mapping[str, CounterRule], ticket: Ticket, now_ns: int
) -> tuple[LimitState, Decision]:
    """Decide about a ticket, which may have asked before.

    It goes when no bucket is paused and every counter has room below its share, for it and for
    all those with a better rank who wait for the same counter: nobody is overtaken to his cost,
    and who waits for another counter is in nobody's way.

    Raises:
        InputError: no rule for a bucket, or a charge that its share can never hold.
        VenueBusy: the queue is full.
    """
    state = _caught_up(state, rules, ticket, now_ns)
    ahead = [item.ticket for item in state.waiting if item.ticket.rank() < ticket.rank()]
    soonest_ns = max(now_ns, _fits_at_ns(state, rules, ticket, ()))
    if soonest_ns > ticket.deadline_ns:
        return state, TooLate(soonest_ns)
    turn_ns = _fits_at_ns(state, rules, ticket, ahead)
    if turn_ns <= now_ns:
        return _booked(state, ticket), Granted()
    if len(state.waiting) >= MAX_WAITING:
        message = f"expected at most {MAX_WAITING} requests to wait, was one more"
        raise VenueBusy(message, hint="wait for the others to be sent")
    # Those ahead may leave without going, so a late turn is no reason to give up before the
    # deadline; but each asks again at its own turn.
    until_ns = min(turn_ns, ticket.deadline_ns + 1)
    mine = Waiting(ticket, until_ns + _LEASE_NS)
    return replace(state, waiting=(*state.waiting, mine)), Wait(until_ns)


def withdraw(state: LimitState, ticket_id: str) -> LimitState:
    """Take a ticket out of the queue; one that is not there changes nothing."""
    kept = tuple(item for item in state.waiting if item.ticket.id != ticket_id)
    return replace(state, waiting=kept)


def pause(state: LimitState, buckets: Iterable[str], until_ns: int) -> LimitState:
    """Stop buckets until a time; a pause is never shortened."""
    known = state.paused_until_ns
    longer = {bucket: max(until_ns, known.get(bucket, 0)) for bucket in buckets}
    return replace(state, paused_until_ns={**known, **longer})


def _caught_up(
    state: LimitState, rules: Mapping[str, CounterRule], ticket: Ticket, now_ns: int
) -> LimitState:
    """Move the ticket's counters to now and take it, the dead and the late out of the queue."""
    counters = dict(state.counters)
    for charge in ticket.charges:
        rule = _rule(rules, charge.bucket)
        before = counters.get(charge.bucket, Counter(rule.capacity, now_ns))
        counters[charge.bucket] = before.moved_to(now_ns, rule)
    waiting = tuple(
        item
        for item in state.waiting
        if item.ticket.id != ticket.id
        and item.lease_ns >= now_ns
        and item.ticket.deadline_ns >= now_ns
    )
    pauses = {b: until for b, until in state.paused_until_ns.items() if until > now_ns}
    return LimitState(counters, pauses, waiting)


def _fits_at_ns(
    state: LimitState,
    rules: Mapping[str, CounterRule],
    ticket: Ticket,
    ahead: Iterable[Ticket],
) -> int:
    """Return when there is room for a ticket, once those ahead have gone."""
    before: dict[str, int] = {}
    for other in ahead:
        for charge in other.charges:
            before[charge.bucket] = before.get(charge.bucket, 0) + charge.points * POINT
    times = []
    for charge in ticket.charges:
        rule = _rule(rules, charge.bucket)
        room = _share(rule, ticket.priority) - charge.points * POINT
        if room < 0 or charge.points <= 0:
            share = _share(rule, ticket.priority) // POINT
            message = f"expected 1 to {share} points for {charge.bucket}, was {charge.points}"
            raise InputError(message)
        counter = state.counters[charge.bucket]
        counter = replace(counter, level=counter.level + before.get(charge.bucket, 0))
        paused_ns = state.paused_until_ns.get(charge.bucket, 0)
        times.append(max(counter.below_at_ns(room, rule), paused_ns))
    return max(times, default=-INT64_MAX)


def _booked(state: LimitState, ticket: Ticket) -> LimitState:
    counters = dict(state.counters)
    for charge in ticket.charges:
        counter = counters[charge.bucket]
        counters[charge.bucket] = replace(counter, level=counter.level + charge.points * POINT)
    return replace(state, counters=counters)


def _share(rule: CounterRule, priority: Priority) -> int:
    if priority is Priority.PROTECT:
        return rule.capacity
    return rule.capacity * (100 - RESERVED_PERCENT) // 100


def _rule(rules: Mapping[str, CounterRule], bucket: str) -> CounterRule:
    family = bucket.partition(":")[0]
    if family not in rules:
        message = f"expected a bucket of {', '.join(sorted(rules))}, was {bucket}"
        raise InputError(message)
    return rules[family]
