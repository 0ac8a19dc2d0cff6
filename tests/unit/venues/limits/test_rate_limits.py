"""The rate limiter: exact counters, a reserved share, turns in order, and a shared file."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from athena.errors import InputError, RefusedError, VenueBusy
from athena.platform import SeededIds, VirtualClock, file_lock
from athena.venues.kraken import (
    HOUSE_RULES,
    TIERS,
    OrderAction,
    Tier,
    order_charges,
    public_charges,
    read_charges,
    trading_points,
)
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
    TooLate,
    Wait,
    pause,
    poll,
    read_state,
    withdraw,
    write_state,
)

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 10**9
START = 1_700_000_000 * SECOND
RULES = {"calls": CounterRule.of(10, Decimal(1)), "trading": CounterRule.of(60, Decimal("0.33"))}
EMPTY = LimitState({"calls": Counter(0, START), "trading:XBTUSD": Counter(0, START)})


def ticket(
    name: str,
    *charges: tuple[str, int],
    priority: Priority = Priority.TRADE,
    arrival_ns: int = START,
    deadline_s: int = 60,
) -> Ticket:
    wanted = tuple(Charge(bucket, points) for bucket, points in charges or [("calls", 1)])
    return Ticket(name, priority, arrival_ns, START + deadline_s * SECOND, wanted)


def take(state: LimitState, count: int, *, priority: Priority = Priority.TRADE) -> LimitState:
    """Let a number of calls pass at the start."""
    for index in range(count):
        state, decision = poll(state, RULES, ticket(f"t{index}", priority=priority), START)
        assert decision == Granted()
    return state


def test_a_decay_is_exact_to_the_nanosecond() -> None:
    """0.33 points a second: the point is free after 3.0303... s, and not a nanosecond before."""
    rule = CounterRule.of(15, Decimal("0.33"))
    counter = Counter(POINT, START)
    free_ns = counter.below_at_ns(0, rule)
    assert free_ns - START == -(-POINT // 33)
    assert counter.moved_to(free_ns, rule).level == 0
    assert counter.moved_to(free_ns - 1, rule).level > 0
    with pytest.raises(InputError, match="multiple"):
        CounterRule.of(15, Decimal("0.333"))
    with pytest.raises(InputError, match="> 0"):
        CounterRule.of(0, Decimal(1))


def test_a_counter_that_was_never_persisted_is_full() -> None:
    """Section 9: after a restart there is no free budget."""
    state, decision = poll(LimitState(), RULES, ticket("a"), START)
    assert decision == Wait(START + 3 * SECOND)  # down from 10 to 7 leaves room for an eighth
    assert state.counters["calls"].level == 10 * POINT


def test_a_fifth_is_kept_for_cancels_and_protection() -> None:
    state = take(EMPTY, 8)
    _, ordinary = poll(state, RULES, ticket("a"), START)
    assert ordinary == Wait(START + SECOND)
    state = take(state, 2, priority=Priority.PROTECT)
    _, protective = poll(state, RULES, ticket("b", priority=Priority.PROTECT), START)
    assert protective == Wait(START + SECOND)


def test_the_better_rank_goes_first_then_who_came_first() -> None:
    state = take(EMPTY, 8)
    late = ticket("late", arrival_ns=START + 2)
    early = ticket("early", arrival_ns=START + 1)
    cancel = ticket("cancel", priority=Priority.PROTECT, arrival_ns=START + 3)
    state, decision = poll(state, RULES, late, START)
    assert decision == Wait(START + SECOND)
    state, decision = poll(state, RULES, early, START)
    assert decision == Wait(START + SECOND)
    state, decision = poll(state, RULES, cancel, START)
    assert decision == Granted()  # it passes by the others, out of the reserve
    state, decision = poll(state, RULES, late, START + 2 * SECOND)
    assert decision == Wait(START + 3 * SECOND)  # there is room for one, and it is not its turn
    state, decision = poll(state, RULES, early, START + 2 * SECOND)
    assert decision == Granted()
    _, decision = poll(state, RULES, late, START + 3 * SECOND)
    assert decision == Granted()


def test_who_delays_nobody_need_not_wait_for_those_ahead() -> None:
    counters = {**EMPTY.counters, "trading:XBTUSD": Counter(60 * POINT, START)}
    state = replace(EMPTY, counters=counters)
    order = ticket("order", ("trading:XBTUSD", 1), ("calls", 1))
    state, decision = poll(state, RULES, order, START)
    assert isinstance(decision, Wait)
    for index in range(7):  # of eight calls one is kept for the order
        read = ticket(f"read{index}", priority=Priority.READ)
        state, decision = poll(state, RULES, read, START)
        assert decision == Granted()
    _, decision = poll(state, RULES, ticket("more", priority=Priority.READ), START)
    assert decision == Wait(START + SECOND)


def test_a_deadline_that_comes_before_the_turn_is_said_at_once() -> None:
    state = take(EMPTY, 8)
    state, decision = poll(state, RULES, ticket("a", ("calls", 5), deadline_s=3), START)
    assert decision == TooLate(START + 5 * SECOND)
    assert state.waiting == ()


def test_a_deadline_that_passes_while_others_are_ahead_ends_the_wait() -> None:
    state = take(EMPTY, 8)
    state, _ = poll(state, RULES, ticket("first", arrival_ns=START, deadline_s=60), START)
    second = ticket("second", arrival_ns=START + 1, deadline_s=1)
    state, decision = poll(state, RULES, second, START)
    assert decision == Wait(START + SECOND + 1)
    _, decision = poll(state, RULES, second, START + SECOND + 1)
    assert isinstance(decision, TooLate)


def test_a_waiter_that_died_is_forgotten() -> None:
    state = take(EMPTY, 8)
    state, decision = poll(state, RULES, ticket("dead", ("calls", 8)), START)
    assert decision == Wait(START + 8 * SECOND)
    other = ticket("other", arrival_ns=START + 1)
    _, decision = poll(state, RULES, other, START + 10 * SECOND)
    assert isinstance(decision, Wait)
    _, decision = poll(state, RULES, other, START + 10 * SECOND + 1)
    assert decision == Granted()


def test_a_paused_bucket_lets_nobody_through_until_it_ends() -> None:
    """F07: 429 and its kind; a pause is never shortened."""
    state = pause(pause(EMPTY, ["calls"], START + 9 * SECOND), ["calls"], START + SECOND)
    cancel = ticket("a", priority=Priority.PROTECT)
    _, decision = poll(state, RULES, cancel, START)
    assert decision == Wait(START + 9 * SECOND)
    _, decision = poll(state, RULES, cancel, START + 9 * SECOND)
    assert decision == Granted()


def test_a_clock_that_was_set_back_frees_nothing() -> None:
    """F14."""
    state = take(EMPTY, 8)
    state, decision = poll(state, RULES, ticket("a"), START - 100 * SECOND)
    assert decision == Wait(START - 99 * SECOND)
    assert state.counters["calls"].level == 8 * POINT


@pytest.mark.parametrize("charges", [("calls", 11), ("calls", 0), ("calls", 9), ("unheard", 1)])
def test_a_charge_that_can_never_pass_is_an_error(charges: tuple[str, int]) -> None:
    with pytest.raises(InputError, match="expected"):
        poll(EMPTY, RULES, ticket("a", charges), START)


def test_the_queue_is_bounded() -> None:
    state = take(EMPTY, 8)
    for index in range(1_000):
        state, _ = poll(state, RULES, ticket(f"w{index:04}", deadline_s=9_999), START)
    with pytest.raises(VenueBusy, match="1000 requests"):
        poll(state, RULES, ticket("z", deadline_s=9_999), START)
    state = withdraw(state, "w0500")
    assert len(state.waiting) == 999


# Kraken's figures


@pytest.mark.parametrize(
    ("action", "points"),
    [
        (OrderAction.ADD, [1, 1, 1, 1, 1, 1, 1]),
        (OrderAction.AMEND, [4, 3, 2, 1, 1, 1, 1]),
        (OrderAction.EDIT, [7, 6, 5, 3, 2, 1, 1]),
        (OrderAction.CANCEL, [8, 6, 5, 4, 2, 1, 0]),
    ],
)
def test_an_action_costs_what_the_table_says_at_each_age(
    action: OrderAction, points: list[int]
) -> None:
    """C05: the table of section 9, just before and at each step."""
    ends = [5, 10, 15, 45, 90, 300]
    at_starts = [trading_points(action, age * SECOND) for age in [0, *ends]]
    before_ends = [trading_points(action, age * SECOND - 1) for age in ends]
    assert at_starts == points
    assert before_ends == points[:-1]


def test_an_order_that_is_not_born_yet_has_no_cost() -> None:
    with pytest.raises(InputError, match="age"):
        trading_points(OrderAction.CANCEL, -1)


def test_each_request_charges_its_counters() -> None:
    def costs(charges: tuple[Charge, ...]) -> dict[str, int]:
        return {charge.bucket: charge.points for charge in charges}

    add = order_charges(OrderAction.ADD, "XBTUSD")
    assert costs(add) == {"calls": 1, "trading:XBTUSD": 1, "orders": 1}
    cancel = order_charges(OrderAction.CANCEL, "XBTUSD", 3 * SECOND)
    assert costs(cancel) == {"calls": 1, "trading:XBTUSD": 8}
    old = order_charges(OrderAction.CANCEL, "XBTUSD", 300 * SECOND)
    assert costs(old) == {"calls": 1}
    assert costs(read_charges()) == {"calls": 1, "rest": 1}
    assert costs(read_charges(is_history=True)) == {"calls": 1, "rest": 2}
    assert costs(public_charges()) == {"calls": 1}


@pytest.mark.parametrize(
    ("tier", "rest", "trading", "open_orders"),
    [
        (Tier.STARTER, (15, 33), (60, 100), 60),
        (Tier.INTERMEDIATE, (20, 50), (125, 234), 80),
        (Tier.PRO, (20, 100), (180, 375), 225),
    ],
)
def test_a_tier_has_the_counters_of_the_table(
    tier: Tier, rest: tuple[int, int], trading: tuple[int, int], open_orders: int
) -> None:
    limits = TIERS[tier]
    assert limits.rest == CounterRule(rest[0] * POINT, rest[1])
    assert limits.trading == CounterRule(trading[0] * POINT, trading[1])
    assert limits.max_open_orders == open_orders
    assert set(limits.rules()) == {"calls", "orders", "rest", "trading"}


def test_the_dearest_cancel_of_a_starter_fits_and_so_does_the_dearest_edit() -> None:
    rules = TIERS[Tier.STARTER].rules()
    for action in OrderAction:
        priority = Priority.PROTECT if action is OrderAction.CANCEL else Priority.TRADE
        request = Ticket("a", priority, START, START + 99 * SECOND, order_charges(action, "X"))
        assert isinstance(poll(LimitState(), rules, request, START)[1], Wait)


# The file and the waiting


class Nap:
    """Sleep by moving the clock on, and remember for how long."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.naps_s: list[float] = []

    def __call__(self, duration_s: float) -> None:
        self.naps_s.append(duration_s)
        self.clock.advance(round(duration_s * SECOND))


def new_limiter(path: Path, clock: VirtualClock | None = None) -> RateLimiter:
    own = clock or VirtualClock(START)
    return RateLimiter(path, RULES, own, Nap(own), SeededIds(1))


def test_a_new_file_waits_and_a_persisted_one_goes_on_where_it_was(tmp_path: Path) -> None:
    """C05: after a restart, what was persisted counts and nothing else."""
    path = tmp_path / "limits.json"
    first = new_limiter(path)
    for _ in range(3):
        first.acquire([Charge("calls", 1)], priority=Priority.TRADE, deadline_ns=START + 10**11)
    assert first.clock.now_ns() - START == pytest.approx(5 * SECOND, abs=10**5)
    state = read_state(path)
    second = new_limiter(path, VirtualClock(START + 30 * SECOND))
    second.acquire([Charge("calls", 1)], priority=Priority.TRADE, deadline_ns=START + 10**12)
    assert second.clock.now_ns() == START + 30 * SECOND
    assert state.counters["calls"].level > 7 * POINT


NEGATIVE = '{"format": 1, "counters": {"a": [-1, 0]}, "paused_until_ns": {}, "waiting": []}'


@pytest.mark.parametrize("text", ["", "{", '{"format": 2}', '{"format": 1}', "[]", NEGATIVE])
def test_a_damaged_file_means_that_nothing_is_known(tmp_path: Path, text: str) -> None:
    path = tmp_path / "limits.json"
    path.write_text(text)
    assert read_state(path) == LimitState()


def test_the_state_goes_to_the_file_and_back(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    state = pause(take(EMPTY, 8), ["trading:XBTUSD"], START + SECOND)
    state, _ = poll(state, RULES, ticket("a"), START)
    write_state(path, state)
    assert read_state(path) == state


def test_no_lock_is_held_while_waiting(tmp_path: Path) -> None:
    """C05."""
    path = tmp_path / "limits.json"
    clock = VirtualClock(START)
    free = []

    def nap(duration_s: float) -> None:
        with file_lock(tmp_path / "limits.json.lock", timeout_s=0):
            free.append(duration_s)
        clock.advance(round(duration_s * SECOND))

    limiter = RateLimiter(path, RULES, clock, nap, SeededIds(1))
    limiter.acquire([Charge("calls", 1)], priority=Priority.TRADE, deadline_ns=START + 10**11)
    assert free == [pytest.approx(3, abs=1e-3)]


def test_a_lock_that_is_held_is_found_by_that_test(tmp_path: Path) -> None:
    """The planted fault of the test above."""
    with (
        file_lock(tmp_path / "limits.json.lock"),
        pytest.raises(RefusedError, match="held by another"),
        file_lock(tmp_path / "limits.json.lock", timeout_s=0),
    ):
        pass


def test_a_caller_that_would_be_too_late_is_told_so_without_waiting(tmp_path: Path) -> None:
    limiter = new_limiter(tmp_path / "limits.json")
    with pytest.raises(VenueBusy, match=r"calls.* not before 2023-11-14T22:13:23Z"):
        limiter.acquire([Charge("calls", 1)], priority=Priority.TRADE, deadline_ns=START + SECOND)
    assert limiter.clock.now_ns() == START


def test_an_interrupted_waiter_leaves_the_queue(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    clock = VirtualClock(START)

    def interrupted(_: float) -> None:
        assert len(read_state(path).waiting) == 1
        raise KeyboardInterrupt

    limiter = RateLimiter(path, RULES, clock, interrupted, SeededIds(1))
    with pytest.raises(KeyboardInterrupt):
        limiter.acquire([Charge("calls", 1)], priority=Priority.READ, deadline_ns=START + 10**11)
    assert read_state(path).waiting == ()


def test_a_pause_holds_for_every_process(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    new_limiter(path).pause(["calls"], START + 15 * SECOND)
    other = new_limiter(path)
    other.acquire([Charge("calls", 1)], priority=Priority.PROTECT, deadline_ns=START + 10**11)
    assert other.clock.now_ns() >= START + 15 * SECOND


def test_the_house_allows_60_calls_and_30_orders_a_minute() -> None:
    assert HOUSE_RULES["calls"] == CounterRule(10 * POINT, 100)
    assert HOUSE_RULES["orders"] == CounterRule(5 * POINT, 50)
