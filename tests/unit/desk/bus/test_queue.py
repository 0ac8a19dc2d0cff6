"""The queue of an agent drops the right ones, and no alert or veto."""

from __future__ import annotations

from athena.desk.bus import MessageType, Priority
from athena.desk.bus._queue import MOST_PROTECTED, MessageQueue
from athena.domain import SECOND_NS
from tests.bus_cases import START_NS, a_message, a_veto

LOW, NORMAL, HIGH, URGENT = Priority


def filled(*priorities: Priority) -> MessageQueue:
    queue = MessageQueue(len(priorities))
    for priority in priorities:
        assert queue.put(a_message(priority=priority)) is None
    return queue


def test_the_oldest_of_the_lowest_priority_goes() -> None:
    queue = MessageQueue(3)
    first, second, urgent = (a_message(priority=p) for p in (NORMAL, NORMAL, URGENT))
    for message in (first, second, urgent):
        queue.put(message)
    assert queue.put(a_message(priority=HIGH)) is first
    assert queue.put(a_message(priority=NORMAL)) is second


def test_a_low_one_does_not_get_into_a_queue_of_higher_ones() -> None:
    queue = filled(HIGH, HIGH)
    low = a_message(priority=LOW)
    assert queue.put(low) is low
    assert len(queue) == 2


def test_alerts_and_vetoes_stay_whatever_their_priority() -> None:
    queue = filled(URGENT, URGENT)
    veto, alert = a_veto(priority=LOW), a_message(type=MessageType.ALERT, priority=LOW)
    assert queue.put(veto).priority is URGENT  # it was full
    assert queue.put(alert).priority is URGENT  # it was full
    assert queue.put(a_veto(priority=LOW)) is None
    assert len(queue) == 3
    normal = a_message()
    assert queue.put(normal) is normal
    assert queue.pop() is veto
    assert queue.pop() is alert


def test_protected_and_other_messages_keep_their_order_inside_a_priority() -> None:
    queue = MessageQueue()
    said = [a_message(), a_veto(), a_message(), a_veto(), a_message(priority=HIGH)]
    for message in said:
        queue.put(message)
    assert [queue.pop() for _ in said] == [said[4], *said[:4]]
    assert queue.pop() is None


def test_what_has_expired_is_taken_out_of_the_middle() -> None:
    queue = MessageQueue()
    said = [a_message(ttl_s=9), a_message(ttl_s=1), a_veto(ttl_s=1), a_veto(ttl_s=9)]
    for message in said:
        queue.put(message)
    assert queue.drop_expired(START_NS + SECOND_NS) == said[1:3]
    assert len(queue) == 2
    assert [queue.pop(), queue.pop(), queue.pop()] == [said[0], said[3], None]


def test_alerts_have_a_bound_of_their_own() -> None:
    """A08: nothing grows for ever."""
    queue = MessageQueue()
    veto = a_veto()
    for _ in range(MOST_PROTECTED):
        queue.put(veto)
    assert not queue.is_hopeless
    queue.put(veto)
    assert queue.is_hopeless
