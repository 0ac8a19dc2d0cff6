"""What is special about the bus of one process: circles, lost inboxes, threads, the archive."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from athena.desk.bus import InboxLost, LocalBus, Topic
from athena.desk.bus._queue import MOST_PROTECTED
from athena.domain import MINUTE_NS, SECOND_NS
from athena.errors import AthenaError, InputError, ServiceDown
from athena.platform import VirtualClock
from tests.bus_cases import START_NS, Listener, a_message, a_veto

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.desk.bus import Message

EVENTS, ALERTS = Topic.SYSTEM_EVENTS, Topic.RISK_ALERTS


class Shelf:
    """An archive in memory that can be out of order."""

    def __init__(self) -> None:
        self.is_down = False
        self.kept: list[Message] = []

    def keep(self, messages: Sequence[Message], now_ns: int) -> None:
        if self.is_down:
            message = f"expected an archive, was none at {now_ns}"
            raise ServiceDown(message)
        self.kept.extend(messages)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START_NS)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def bus(clock: VirtualClock, shelf: Shelf) -> LocalBus:
    made = LocalBus(clock, shelf)
    for agent in ("system", "risk", "technical"):
        made.register(agent)
    return made


def test_two_agents_that_answer_each_other_without_end_are_stopped(bus: LocalBus) -> None:
    for name, other in (("ping", "pong"), ("pong", "ping")):
        bus.register(
            name,
            lambda _, name=name, other=other: bus.publish(a_message(source=name, target=other)),
        )
    with pytest.raises(AthenaError, match="expected handlers to come to an end, was over 10,000"):
        bus.publish(a_message(target="ping"))
    ear = Listener()
    bus.register("ear", ear)
    bus.publish(a_message(target="ear"))
    assert len(ear.heard) == 1


def test_a_long_chain_of_handlers_needs_no_deep_stack(bus: LocalBus) -> None:
    """DK-37: each hears it after the one before has returned."""
    n = 2_000
    running = []
    for k in range(n):

        def pass_on(_: Message, k: int = k) -> None:
            assert running == []
            running.append(k)
            if k + 1 < n:
                bus.publish(a_message(source=f"agent {k}", target=f"agent {k + 1}"))
            running.clear()

        bus.register(f"agent {k}", pass_on)
    bus.publish(a_message(target="agent 0"))
    assert bus.statistics().topics[EVENTS].n_delivered == n
    assert bus.statistics().topics[EVENTS].n_errors == 0


def test_an_interrupt_leaves_the_handler_free_and_the_rest_waiting(bus: LocalBus) -> None:
    heard: list[str] = []

    def interrupt_once(message: Message) -> None:
        heard.append(message.id)
        if len(heard) == 1:
            bus.publish(a_message(source="risk", target="agent"))
            raise KeyboardInterrupt

    bus.register("agent", interrupt_once)
    with pytest.raises(KeyboardInterrupt):
        bus.publish(a_message(target="agent"))
    bus.publish(a_message(target="agent"))
    assert len(heard) == 3


def test_a_handler_never_runs_twice_at_a_time(bus: LocalBus) -> None:
    n_threads, n_messages = 8, 50
    inside = threading.Lock()
    heard: list[str] = []

    def alone(message: Message) -> None:
        assert inside.acquire(blocking=False)
        heard.append(message.id)
        inside.release()

    bus.register("agent", alone)
    bus.subscribe("agent", EVENTS)
    begin = threading.Barrier(n_threads)

    def talk() -> None:
        begin.wait()
        for _ in range(n_messages):
            bus.publish(a_message())

    threads = [threading.Thread(target=talk) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = bus.statistics().topics[EVENTS]
    assert counted.n_errors == 0
    assert len(heard) + counted.n_dropped == n_threads * n_messages
    assert len(heard) == counted.n_delivered


def test_an_agent_that_never_reads_loses_its_inbox_loudly(bus: LocalBus) -> None:
    bus.register("dead")
    bus.subscribe("dead", ALERTS)
    for _ in range(MOST_PROTECTED):
        bus.publish(a_veto())
    assert bus.statistics().n_waiting == MOST_PROTECTED
    bus.publish(a_veto())
    assert bus.statistics().n_waiting == 0
    assert bus.statistics().lost == {"dead": MOST_PROTECTED + 1}
    with pytest.raises(InboxLost, match="expected dead to read its inbox, was 10,001 messages"):
        bus.take("dead")
    last = a_veto()
    bus.publish(last)
    assert bus.take("dead") == (last,)


def test_expired_alerts_make_room_before_an_inbox_is_given_up(
    bus: LocalBus, clock: VirtualClock
) -> None:
    bus.register("slow")
    bus.subscribe("slow", ALERTS)
    for _ in range(MOST_PROTECTED):
        bus.publish(a_veto(ttl_s=1))
    clock.advance(2 * SECOND_NS)
    last = a_veto(ts_ns=clock.now_ns())
    bus.publish(last)
    assert bus.take("slow") == (last,)
    assert bus.statistics().lost == {}


def test_a_message_expires_to_the_nanosecond_in_an_inbox(
    bus: LocalBus, clock: VirtualClock
) -> None:
    bus.register("agent")
    for ttl_s in (1, 2):
        bus.publish(a_message(ttl_s=ttl_s, target="agent"))
    clock.advance(SECOND_NS)
    assert [message.ttl_s for message in bus.take("agent")] == [2]


def test_who_leaves_while_it_hears_gets_nothing_more(bus: LocalBus) -> None:
    heard: list[str] = []

    def leave(message: Message) -> None:
        heard.append(message.id)
        bus.publish(a_message(source="risk", target="agent"))
        bus.unregister("agent")

    bus.register("agent", leave)
    bus.publish(a_message(target="agent"))
    assert len(heard) == 1


def test_publishing_sweeps_once_a_minute(bus: LocalBus, clock: VirtualClock) -> None:
    bus.register("agent")
    for ttl_s in (300, 10):
        bus.publish(a_message(ttl_s=ttl_s, target="agent"))
    clock.advance(59 * SECOND_NS)
    bus.publish(a_message(ts_ns=clock.now_ns()))
    assert bus.statistics().n_history == 3
    clock.advance(SECOND_NS)
    bus.publish(a_message(ts_ns=clock.now_ns()))
    assert bus.statistics().n_history == 3
    assert bus.statistics().n_waiting == 1
    assert bus.statistics().topics[EVENTS].n_expired == 1


def test_what_leaves_the_history_is_archived_in_a_sweep(
    bus: LocalBus, clock: VirtualClock, shelf: Shelf
) -> None:
    said = [a_message() for _ in range(1_003)]
    for message in said:
        bus.publish(message)
    assert shelf.kept == []  # no input or output while something is said
    bus.sweep()
    assert shelf.kept == said[:3]
    clock.advance(6 * MINUTE_NS)
    assert bus.sweep() == 1_000
    assert shelf.kept == said


def test_closing_archives_the_rest(bus: LocalBus, shelf: Shelf) -> None:
    said = [a_message() for _ in range(3)]
    for message in said:
        bus.publish(message)
    bus.close()
    bus.close()
    assert shelf.kept == said


def test_what_an_archive_does_not_take_waits_for_it(bus: LocalBus, shelf: Shelf) -> None:
    shelf.is_down = True
    said = [a_message() for _ in range(1_002)]
    for message in said[:1_001]:
        bus.publish(message)
    bus.sweep()
    bus.publish(said[1_001])
    shelf.is_down = False
    bus.sweep()
    assert shelf.kept == said[:2]
    assert bus.statistics().n_unkept == 0


def test_what_waits_too_long_for_an_archive_is_given_up_and_counted(
    bus: LocalBus, shelf: Shelf
) -> None:
    """A08: 10,000 may wait."""
    shelf.is_down = True
    for _ in range(11_007):
        bus.publish(a_message())
    bus.sweep()
    assert bus.statistics().n_unkept == 7
    shelf.is_down = False
    bus.sweep()
    assert len(shelf.kept) == 10_000


def test_without_an_archive_nothing_waits_for_one(clock: VirtualClock) -> None:
    bus = LocalBus(clock)
    bus.register("system")
    for _ in range(1_001):
        bus.publish(a_message())
    bus.sweep()
    bus.close()
    assert bus.statistics().n_unkept == 0


def test_a_clock_that_jumps_back_hides_what_was_said_and_refuses_nothing_new() -> None:
    """The clock of a machine can be set back by hours."""

    class Jumping:
        time_ns = START_NS

        def now_ns(self) -> int:
            return self.time_ns

    clock = Jumping()
    bus = LocalBus(clock)
    bus.register("system")
    bus.register("agent")
    old = a_message(target="agent")
    bus.publish(old)
    clock.time_ns -= 7_200 * SECOND_NS
    new = a_message(ts_ns=clock.time_ns, target="agent")
    bus.publish(new)
    assert bus.get_latest(EVENTS) == new
    assert bus.history() == (new,)
    with pytest.raises(InputError, match="expected a message of"):
        bus.publish(a_message())
