"""C05: over random loads and processes, never more than N per window plus burst."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.platform import VirtualClock
from athena.venues.kraken import TIERS, OrderAction, Tier, order_charges, read_charges
from athena.venues.limits import (
    POINT,
    Charge,
    Counter,
    CounterRule,
    Granted,
    LimitState,
    Priority,
    RateLimiter,
    Ticket,
    Wait,
    poll,
    write_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Poll = Callable[
        [LimitState, Mapping[str, CounterRule], Ticket, int], tuple[LimitState, object]
    ]

SECOND = 10**9
START = 1_700_000_000 * SECOND
CALLS = {"calls": CounterRule.of(10, Decimal(1))}


@dataclass
class Passed:
    """What passed, by bucket: (time, points)."""

    by_bucket: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, ticket: Ticket, now_ns: int) -> None:
        for charge in ticket.charges:
            self.by_bucket.setdefault(charge.bucket, []).append((now_ns, charge.points))

    def violations(self, rules: Mapping[str, CounterRule]) -> list[str]:
        """List the buckets where some span saw more than its burst and decay allow."""
        return [
            bucket
            for bucket, passed in self.by_bucket.items()
            if _is_exceeded(passed, rules[bucket.partition(":")[0]])
        ]


def _is_exceeded(passed: list[tuple[int, int]], rule: CounterRule) -> bool:
    """Judge every span between two requests, by nothing that the limiter computes."""
    for first, (start_ns, _) in enumerate(passed):
        total = 0
        for now_ns, points in passed[first:]:
            total += points * POINT
            if total > rule.capacity + (now_ns - start_ns) * rule.decay_per_ns:
                return True
    return False


requests = st.tuples(
    st.integers(0, 3 * SECOND),  # since the one before
    st.sampled_from(list(Priority)),
    st.one_of(
        st.builds(
            order_charges,
            st.sampled_from(list(OrderAction)),
            st.sampled_from(["XBTUSD", "ETHUSD"]),
            st.integers(0, 400 * SECOND),
        ),
        st.builds(read_charges, is_history=st.booleans()),
    ),
    st.integers(1, 90),  # patience in seconds
)


@given(
    tier=st.sampled_from(list(Tier)),
    load=st.lists(requests, min_size=1, max_size=60),
    persisted=st.booleans(),
)
def test_no_counter_is_ever_exceeded(
    tier: Tier, load: list[tuple[int, Priority, tuple[Charge, ...], int]], *, persisted: bool
) -> None:
    """C05: every waiter asks again at its time; who waits is overtaken by rank only."""
    rules = TIERS[tier].rules()
    state = LimitState()
    if persisted:
        buckets = ["calls", "orders", "rest", "trading:XBTUSD", "trading:ETHUSD"]
        state = LimitState({bucket: Counter(0, START) for bucket in buckets})
    passed = Passed()
    agenda: list[tuple[int, int, Ticket]] = []
    at_ns = START
    for index, (gap_ns, priority, charges, patience_s) in enumerate(load):
        at_ns += gap_ns
        deadline_ns = at_ns + patience_s * SECOND
        agenda.append((at_ns, index, Ticket(f"{index}", priority, at_ns, deadline_ns, charges)))
    n_asked = 0
    while agenda:
        agenda.sort()
        now_ns, index, ticket = agenda.pop(0)
        state, decision = poll(state, rules, ticket, now_ns)
        n_asked += 1
        assert n_asked < 3_000, "somebody asks in a circle"
        if isinstance(decision, Granted):
            assert now_ns <= ticket.deadline_ns
            passed.add(ticket, now_ns)
        elif isinstance(decision, Wait):
            assert now_ns < decision.until_ns <= ticket.deadline_ns + 1
            agenda.append((decision.until_ns, index, ticket))
    assert passed.violations(rules) == []
    assert state.waiting == ()


def burst_twice(
    state: LimitState, rules: Mapping[str, CounterRule], ticket: Ticket, now_ns: int
) -> tuple[LimitState, object]:
    """The pitfall: the refill of a window is added on top of a burst that is full again."""
    doubled = {
        name: CounterRule(2 * rule.capacity, rule.decay_per_ns) for name, rule in rules.items()
    }
    return poll(state, doubled, ticket, now_ns)


def forgets_on_restart(
    state: LimitState, _: Mapping[str, CounterRule], ticket: Ticket, now_ns: int
) -> tuple[LimitState, object]:
    """Another one: a counter that was not persisted starts empty."""
    fresh = LimitState({"calls": Counter(0, now_ns)})
    assert state
    return poll(fresh, CALLS, ticket, now_ns)


def crowd(decide: Poll) -> Passed:
    """Let forty requests come at once, then one a second."""
    state, passed = LimitState({"calls": Counter(0, START)}), Passed()
    for index in range(60):
        now_ns = START + max(0, index - 40) * SECOND
        ticket = Ticket(f"{index}", Priority.PROTECT, now_ns, now_ns, (Charge("calls", 1),))
        state, decision = decide(state, CALLS, ticket, now_ns)
        if isinstance(decision, Granted):
            passed.add(ticket, now_ns)
    return passed


@pytest.mark.parametrize("decide", [burst_twice, forgets_on_restart])
def test_a_limiter_that_lets_too_much_through_is_found(decide: Poll) -> None:
    """C05: the planted faults."""
    assert crowd(decide).violations(CALLS) == ["calls"]


def test_the_right_limiter_is_not_accused() -> None:
    """The clean twin: it lets through what it may, to the last point."""
    passed = crowd(poll)
    assert passed.violations(CALLS) == []
    assert len(passed.by_bucket["calls"]) == 10 + 19


def _ask_often(path: Path, worker: int, answers: multiprocessing.Queue[int]) -> None:
    """Ask twelve times at one moment, in a process of its own."""
    limiter = RateLimiter(path, CALLS, VirtualClock(START))
    n_granted = 0
    for index in range(12):
        name = f"{worker}-{index}"
        ticket = Ticket(name, Priority.PROTECT, START, START, (Charge("calls", 1),))
        n_granted += isinstance(limiter.ask(ticket), Granted)
    answers.put(n_granted)


def test_processes_share_one_burst(tmp_path: Path) -> None:
    """C05: three processes ask 36 times at one moment of the clock; ten go, not thirty."""
    path = tmp_path / "limits.json"
    write_state(path, LimitState({"calls": Counter(0, START)}))
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[int] = context.Queue()
    workers = [
        context.Process(target=_ask_often, args=(path, number, answers)) for number in range(3)
    ]
    for worker in workers:
        worker.start()
    granted = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(timeout=60)
    assert sum(granted) == 10
