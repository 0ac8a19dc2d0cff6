"""Fault plans: what they answer, when they stop, and how they are written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from athena.domain import MINUTE_NS, SECOND_NS
from athena.errors import InputError
from athena.venues.faults import (
    DEFAULT_RATES,
    MACHINE_FAULTS,
    NO_FAULTS,
    VENUE_FAULTS,
    Answer,
    Fault,
    FaultPlan,
    Link,
    is_partial_fill,
    parse_faults,
    read_fault_file,
    swarm,
)

if TYPE_CHECKING:
    from athena.venues.faults import MessageFate, RequestFate

NOW = 1_700_000_000 * SECOND_NS
HOUR = 60 * MINUTE_NS


def always(*faults: Fault, **settings: int) -> FaultPlan:
    return FaultPlan(seed=0, rates=dict.fromkeys(faults, 1.0), **settings)


def fates(plan: FaultPlan, n: int = 400, endpoint: str = "AddOrder") -> list[RequestFate]:
    return [plan.request_fate(counter, endpoint, NOW) for counter in range(n)]


def messages(plan: FaultPlan, n: int = 400) -> list[MessageFate]:
    return [plan.message_fate(counter, NOW) for counter in range(n)]


def test_the_menu_is_the_specifications_and_every_fault_has_a_rate() -> None:
    codes = [fault.code for fault in Fault if fault.code]
    assert codes == [f"F{number:02}" for number in range(1, 21)]
    assert Fault.TIMEOUT_AFTER_ACCEPT.code == "F02"
    assert Fault.NAME_RESOLUTION.code == "F20"
    assert Fault.CUT_BODY.code == ""
    assert set(DEFAULT_RATES) == set(Fault)
    assert set(Fault) == VENUE_FAULTS | MACHINE_FAULTS


@pytest.mark.parametrize(
    ("fault", "answer", "is_carried_out"),
    [
        (Fault.TIMEOUT_BEFORE_ACCEPT, Answer.NONE, {False}),  # F01
        (Fault.TIMEOUT_AFTER_ACCEPT, Answer.NONE, {True}),  # F02
        (Fault.TOO_MANY_REQUESTS, Answer.TOO_MANY, {False}),  # F07
        (Fault.SERVER_ERROR, Answer.SERVER_ERROR, {True, False}),  # F08
        (Fault.CUT_BODY, Answer.CUT, {True}),
        (Fault.HTML_ANSWER, Answer.HTML, {True, False}),
        (Fault.BAD_NONCE, Answer.BAD_NONCE, {False}),
    ],
)
def test_a_request_meets_its_fault(
    fault: Fault, answer: Answer, is_carried_out: set[bool]
) -> None:
    """F01, F02, F07, F08: what comes back, and whether the exchange saw the request."""
    found = fates(always(fault))
    assert {fate.answer for fate in found} == {answer}
    assert {fate.is_carried_out for fate in found} == is_carried_out


def test_statuses_are_those_of_gateways() -> None:
    """F07, F08: 5xx of all kinds; 429, 418, or Kraken's words with 200."""
    errors = {fate.status for fate in fates(always(Fault.SERVER_ERROR))}
    assert errors == {500, 502, 503, 504, 520}
    slow_down = fates(always(Fault.TOO_MANY_REQUESTS))
    assert {fate.status for fate in slow_down} == {429, 418, 200}
    assert {fate.retry_after_s for fate in slow_down} == {None, 1, 2, 3, 4, 5}


def test_a_public_request_carries_no_nonce_to_be_refused() -> None:
    assert {fate.answer for fate in fates(always(Fault.BAD_NONCE), 20, "Time")} == {Answer.WHOLE}


def test_late_and_overtaken_requests_wait_within_the_bound() -> None:
    """F04 waits on the way back, F05 on the way there."""
    late = fates(always(Fault.LATE, max_delay_ns=SECOND_NS))
    assert all(0 < fate.answer_delay_ns <= SECOND_NS and fate.delay_ns == 0 for fate in late)
    overtaken = fates(always(Fault.REORDERED, max_delay_ns=SECOND_NS))
    assert all(0 < fate.delay_ns <= SECOND_NS for fate in overtaken)
    assert max(fate.delay_ns for fate in overtaken) > SECOND_NS // 2
    assert all(fate.answer_delay_ns == 0 for fate in overtaken)
    assert {fate.delay_ns for fate in fates(always(Fault.REORDERED, max_delay_ns=0))} == {0}


def test_messages_are_doubled_delayed_overtaken_and_lost_with_their_link() -> None:
    """F03, F04, F05, F09."""
    assert {fate.n_copies for fate in messages(always(Fault.DUPLICATE))} == {2}
    late = messages(always(Fault.LATE))
    assert all(fate.delay_ns > 0 and not fate.is_overtaken for fate in late)
    overtaken = messages(always(Fault.REORDERED))
    assert all(fate.delay_ns > 0 and fate.is_overtaken for fate in overtaken)
    assert {fate.link for fate in messages(always(Fault.HALF_OPEN_SOCKET))} == {Link.FROZEN}


def test_the_link_ends_with_a_partial_fill_and_with_no_other_message() -> None:
    """F18."""
    plan = always(Fault.PARTIAL_FILL_THEN_DISCONNECT)
    assert plan.message_fate(0, NOW, is_partial_fill=True).link is Link.CUT
    assert plan.message_fate(0, NOW).link is Link.KEPT


def test_a_partial_fill_is_told_from_a_whole_one_and_from_a_snapshot() -> None:
    """F18."""

    def message(kind: str, event: str, status: str) -> str:
        data = [{"exec_type": event, "order_status": status}]
        return json.dumps({"channel": "executions", "type": kind, "data": data}).replace(" ", "")

    assert is_partial_fill(message("update", "trade", "partially_filled"))
    assert not is_partial_fill(message("update", "trade", "filled"))
    assert not is_partial_fill(message("update", "amended", "partially_filled"))
    assert not is_partial_fill(message("snapshot", "trade", "partially_filled"))


@pytest.mark.parametrize(
    ("fault", "low", "high"),
    [
        (Fault.FILL_AFTER_CANCEL, 0, 0),  # F06
        (Fault.STALE_SNAPSHOT, SECOND_NS, 30 * SECOND_NS),  # F10
        (Fault.SHORT_HISTORY, 1, 5),  # F11
        (Fault.ROUNDING_SURPRISE, 0, 0),  # F13
        (Fault.CLOCK_JUMP, -20 * SECOND_NS, 20 * SECOND_NS),  # F14
        (Fault.NAME_RESOLUTION, 0, 0),  # F20
    ],
)
def test_a_switched_fault_is_on_once_in_a_period(fault: Fault, low: int, high: int) -> None:
    """F06, F10, F11, F13, F14, F20: on, then off, within the period, with an amount in range."""
    plan = always(fault)
    start = NOW // MINUTE_NS * MINUTE_NS
    events = plan.exchange_events(start, start + HOUR)
    assert len(events) == 120
    for on, off in zip(events[::2], events[1::2], strict=True):
        assert on.is_on
        assert not off.is_on
        assert on.at_ns // MINUTE_NS == off.at_ns // MINUTE_NS
        assert low <= on.amount <= high
        assert plan.is_on(fault, on.at_ns)
        assert not plan.is_on(fault, off.at_ns)
        assert not plan.is_on(fault, on.at_ns - 1)
    if fault is Fault.CLOCK_JUMP:
        amounts = [event.amount for event in events if event.is_on]
        assert min(amounts) < 0 < max(amounts)


def test_liquidations_come_with_a_share_and_a_choice() -> None:
    """F12."""
    start = NOW // MINUTE_NS * MINUTE_NS
    events = always(Fault.VENUE_LIQUIDATION).exchange_events(start, start + HOUR)
    assert len(events) == 60
    assert all(100_000 <= event.amount <= 1_000_000 for event in events)
    assert len({event.choice for event in events}) == 60


def test_nothing_is_sent_while_the_name_is_not_found() -> None:
    """F20."""
    plan = always(Fault.NAME_RESOLUTION, Fault.TIMEOUT_AFTER_ACCEPT)
    on, off = plan.exchange_events(NOW // MINUTE_NS * MINUTE_NS, NOW + HOUR)[:2]
    assert plan.request_fate(0, "AddOrder", on.at_ns).answer is Answer.UNRESOLVED
    assert not plan.request_fate(0, "AddOrder", on.at_ns).is_carried_out
    assert plan.request_fate(0, "AddOrder", off.at_ns).answer is Answer.NONE


def test_faults_begin_and_end_when_the_plan_says() -> None:
    """I8: after the end nothing happens any more, and what was on is off."""
    end = NOW + 10 * MINUTE_NS
    plan = always(*Fault, from_ns=NOW, until_ns=end)
    assert fates(plan, 5)[0].answer is not Answer.WHOLE
    for moment in (NOW - 1, end, end + HOUR):
        assert plan.request_fate(3, "AddOrder", moment).answer is Answer.WHOLE
        assert plan.message_fate(3, moment, is_partial_fill=True).link is Link.KEPT
        assert not plan.strikes(Fault.DISK_FULL, 3, moment)
    assert plan.exchange_events(end, end + HOUR) == []
    assert plan.exchange_events(0, NOW - 1) == []
    events = plan.exchange_events(0, end)
    switched = {event.fault for event in events} - {Fault.VENUE_LIQUIDATION}
    assert len(switched) == 6
    for fault in switched:
        assert not [event for event in events if event.fault is fault][-1].is_on


def test_without_faults_nothing_happens() -> None:
    assert {fate.answer for fate in fates(NO_FAULTS)} == {Answer.WHOLE}
    assert {fate.link for fate in messages(NO_FAULTS)} == {Link.KEPT}
    assert NO_FAULTS.exchange_events(NOW, NOW + HOUR) == []


def test_a_machines_faults_are_drawn_by_their_own_counter() -> None:
    """F15, F16, F17, F19: whoever owns the machine asks for them."""
    plan = FaultPlan(seed=3, rates={Fault.DISK_FULL: 0.5})
    struck = [plan.strikes(Fault.DISK_FULL, counter, NOW) for counter in range(64)]
    assert 16 < sum(struck) < 48
    assert all(0 <= plan.pick(Fault.DISK_FULL, counter, 0, 3) <= 3 for counter in range(64))


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_rate_outside_zero_to_one_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="rate of late from 0 to 1"):
        FaultPlan(seed=0, rates={Fault.LATE: rate})


def test_times_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="a period >= 1 s"):
        FaultPlan(seed=0, period_ns=1)
    with pytest.raises(InputError, match="faults to end after"):
        FaultPlan(seed=0, from_ns=5, until_ns=4)


def test_a_swarm_keeps_half_and_every_fault_now_and_then() -> None:
    swarms = [swarm(seed, VENUE_FAULTS) for seed in range(200)]
    half = (len(VENUE_FAULTS) + 1) // 2
    assert {len(kept) for kept in swarms} == {half}
    assert len(set(swarms)) > 190
    for fault in VENUE_FAULTS:
        assert 60 < sum(fault in kept for kept in swarms) < 140
    assert swarm(7, VENUE_FAULTS) == swarm(7, sorted(VENUE_FAULTS))


def test_faults_are_read_from_a_line() -> None:
    assert parse_faults("none", VENUE_FAULTS).rates == {}
    assert set(parse_faults("all", VENUE_FAULTS).rates) == VENUE_FAULTS
    assert parse_faults("timeout_after_accept, duplicate:0.1", VENUE_FAULTS).rates == {
        Fault.TIMEOUT_AFTER_ACCEPT: DEFAULT_RATES[Fault.TIMEOUT_AFTER_ACCEPT],
        Fault.DUPLICATE: 0.1,
    }
    assert parse_faults("F02:1", VENUE_FAULTS).rates == {Fault.TIMEOUT_AFTER_ACCEPT: 1.0}
    rates = parse_faults("late:0,all:0.5", VENUE_FAULTS).rates
    assert (rates[Fault.DUPLICATE], rates[Fault.LATE]) == (0.5, 0)
    assert parse_faults("all:0.5,late:0", VENUE_FAULTS).rates[Fault.LATE] == 0


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("timeout_after_acept", "expected a fault, was 'timeout_after_acept'", "timeout_after_a"),
        ("", "expected a fault, was ''", "one of all, timeout_before_accept"),
        ("late:often", "expected the rate of late from 0 to 1, was 'often'", ""),
        ("late:2", "expected the rate of late from 0 to 1, was '2'", ""),
        ("late,late:0.1", "expected each fault once, was late twice", ""),
        ("late,F04", "expected each fault once, was late twice", ""),
        ("disk_full", "expected a fault that a venue can show, was disk_full", "simulate"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_the_nearest(
    text: str, message: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_faults(text, VENUE_FAULTS)
    assert caught.value.message == message
    assert hint in caught.value.hint


def test_a_plan_is_read_from_yaml() -> None:
    text = """
    seed: 7
    from: 30s
    until: 20m
    period: 2m
    max_delay: 2s
    faults:
      timeout_after_accept: 0.1
      duplicate:
    """
    plan = read_fault_file(text, VENUE_FAULTS, name="plan.yaml").plan(seed=1, start_ns=NOW)
    assert plan == FaultPlan(
        seed=7,
        rates={Fault.TIMEOUT_AFTER_ACCEPT: 0.1, Fault.DUPLICATE: DEFAULT_RATES[Fault.DUPLICATE]},
        from_ns=NOW + 30 * SECOND_NS,
        until_ns=NOW + 20 * MINUTE_NS,
        period_ns=2 * MINUTE_NS,
        max_delay_ns=2 * SECOND_NS,
    )
    assert read_fault_file("faults: all", VENUE_FAULTS, name="p").plan(1, NOW).seed == 1


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("untill: 5m", "expected a key of a fault plan in plan.yaml, was 'untill'", "until"),
        ("- late", "expected keys and values in plan.yaml, was list", ""),
        ("{", "expected YAML in plan.yaml, was", ""),
        ("seed: 1", "plan.yaml: expected faults as a line or as names with rates, was None", ""),
        ("{faults: latte}", "plan.yaml: expected a fault, was 'latte'", "did you mean late?"),
        ("{faults: late, seed: -1}", "plan.yaml: expected seed as a whole number", ""),
        ("{faults: late, until: soon}", "plan.yaml: expected an interval", ""),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        read_fault_file(text, VENUE_FAULTS, name="plan.yaml")
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint
