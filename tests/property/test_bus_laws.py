"""Laws of the bus that hold for any messages in any order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from athena.desk.bus import (
    LocalBus,
    MessageType,
    Priority,
    SystemEvent,
    Topic,
    decode_message,
    encode_message,
)
from athena.desk.bus._queue import MessageQueue
from athena.domain import SECOND_NS
from athena.errors import InputError
from athena.platform import VirtualClock
from tests.bus_cases import START_NS, a_message, every_message

if TYPE_CHECKING:
    from athena.desk.bus import Message

FROM_URGENT = tuple(reversed(Priority))
texts = st.text(max_size=20)
envelopes = st.fixed_dictionaries(
    {
        "id": st.text(min_size=1, max_size=100),
        "ts_ns": st.integers(0, 2**63 - 1),
        "source": st.text(min_size=1, max_size=100),
        "priority": st.sampled_from(Priority),
        "correlation_id": texts,
        "causation_id": texts,
        "ttl_s": st.integers(1, 86_400),
    }
)
said = st.lists(
    st.tuples(st.sampled_from(Priority), st.booleans(), st.integers(1, 3)), max_size=60
)


@given(envelopes, texts, texts)
@example(
    {
        "id": "x", "ts_ns": 0, "source": '"\\', "priority": Priority.LOW, "correlation_id": "",
        "causation_id": "", "ttl_s": 1,
    },
    "\0", "\u2028",
)  # fmt: skip
def test_a_message_of_any_words_is_read_as_it_was_written(
    envelope: dict[str, object], code: str, text: str
) -> None:
    """C01."""
    message = a_message(**envelope, payload=SystemEvent(code=code, text=text), target="anna!")
    assert decode_message(encode_message(message)) == message


@given(st.binary(max_size=200))
def test_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        message = decode_message(data)
    except InputError:
        return
    assert decode_message(encode_message(message)) == message


@given(st.sampled_from(every_message()), st.integers(0, 2_000), st.binary(min_size=1, max_size=3))
def test_a_damaged_message_is_read_as_one_or_refused(
    message: Message, place: int, damage: bytes
) -> None:
    written = encode_message(message)
    place %= len(written)
    data = written[:place] + damage + written[place + len(damage) :]
    try:
        read = decode_message(data)
    except InputError:
        return
    assert decode_message(encode_message(read)) == read


def kept_by_hand(messages: list[Message], size: int) -> tuple[list[Message], list[Message]]:
    """Say in the plainest words what waits, in the order it is read, and what was dropped."""
    waiting: list[Message] = []
    dropped: list[Message] = []
    for message in messages:
        waiting.append(message)
        droppable = [m for m in waiting if not m.type.is_protected]
        if len(waiting) > size and droppable:
            lowest = min(droppable, key=lambda m: tuple(Priority).index(m.priority))
            waiting.remove(lowest)
            dropped.append(lowest)
    return sorted(waiting, key=lambda m: FROM_URGENT.index(m.priority)), dropped


@given(said, st.integers(1, 8))
def test_a_queue_keeps_and_drops_what_the_plain_words_say(
    parts: list[tuple[Priority, bool, int]], size: int
) -> None:
    """DK-38."""
    messages = [
        a_message(priority=priority, type=MessageType.ALERT if is_alert else MessageType.SIGNAL)
        for priority, is_alert, _ in parts
    ]
    waiting, dropped = kept_by_hand(messages, size)
    queue = MessageQueue(size)
    given_up = [gone for message in messages if (gone := queue.put(message)) is not None]
    read = []
    while (message := queue.pop()) is not None:
        read.append(message)
    assert [m.id for m in read] == [m.id for m in waiting]
    assert [m.id for m in given_up] == [m.id for m in dropped]
    assert not any(m.type.is_protected for m in given_up)
    assert len(queue) == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["say", "later", "take", "sweep"]),
            st.integers(0, 5),
            st.sampled_from(Priority),
            st.booleans(),
        ),
        max_size=80,
    )
)
def test_every_message_is_accounted_for_and_nothing_expired_is_seen(
    steps: list[tuple[str, int, Priority, bool]],
) -> None:
    """C10: published = delivered + dropped + expired + waiting, for one agent."""
    clock = VirtualClock(START_NS)
    bus = LocalBus(clock)
    bus.register("system")
    bus.register("agent")
    bus.subscribe("agent", Topic.SYSTEM_EVENTS)
    for what, n, priority, is_alert in steps:
        now_ns = clock.now_ns()
        if what == "say":
            kind = MessageType.ALERT if is_alert else MessageType.SIGNAL
            message = a_message(ts_ns=now_ns, ttl_s=n + 1, priority=priority, type=kind)
            for _ in range(10 * n):
                bus.publish(replace(message, id=a_message().id))
        elif what == "later":
            clock.advance(n * SECOND_NS)
        elif what == "take":
            assert all(now_ns < taken.expires_ns for taken in bus.take("agent"))
        else:
            bus.sweep()
        latest = bus.get_latest(Topic.SYSTEM_EVENTS)
        assert latest is None or latest.is_live_at(clock.now_ns())
        counted, now = bus.statistics().topics[Topic.SYSTEM_EVENTS], bus.statistics()
        assert counted.n_published == (
            counted.n_delivered + counted.n_dropped + counted.n_expired + now.n_waiting
        )
        assert now.n_history <= 1_000
