"""Every bus keeps the promises of `Bus`: that of a process, and NATS where there is a server."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.bus import MessageType, Priority, Topic, open_bus
from athena.domain import SECOND_NS
from athena.errors import InputError
from athena.platform import VirtualClock
from tests.bus_cases import (
    BTC,
    START_NS,
    XRP,
    Ends,
    Listener,
    a_message,
    a_veto,
    every_message,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.desk.bus import Bus, Message

KINDS = ["process", pytest.param("nats", marks=pytest.mark.service)]
EVENTS = Topic.SYSTEM_EVENTS


@pytest.fixture(params=KINDS)
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    clock = VirtualClock(START_NS)
    if request.param == "process":
        bus = open_bus("", "test", clock)
        bus.register("system")
        yield Ends(bus, bus, clock)
        bus.close()
        return
    url: str = request.getfixturevalue("nats_url")
    desk = f"test-{os.urandom(4).hex()}"
    here, there = open_bus(url, desk, clock), open_bus(url, desk, clock)
    here.register("system")
    yield Ends(here, there, clock)
    here.close()
    there.close()


def listen(bus: Bus, agent: str, *topics: Topic) -> Listener:
    listener = Listener()
    bus.register(agent, listener)
    for topic in topics:
        bus.subscribe(agent, topic)
    return listener


def ids(messages: Any) -> list[str]:
    return [message.id for message in messages]


def nothing_happened(ends: Ends) -> bool:
    return not ends.here.history() and not ends.there.history()


@pytest.mark.parametrize(
    "message", [pytest.param(m, id=f"{k} {m.topic}") for k, m in enumerate(every_message())]
)
def test_every_field_of_every_form_arrives(ends: Ends, message: Message) -> None:
    """C01."""
    if message.source != "system":
        ends.here.register(message.source)
    target = "listener" if message.target == "*" else message.target
    listener = listen(ends.there, target, message.topic)
    ends.here.publish(message)
    assert listener.wait(1) == [message]
    assert ends.there.history(message.topic) == (message,)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"topic": "gossip"}, "expected topic to be one of market_data or .*'gossip'"),
        ({"type": "order"}, "expected type to be one of signal or .*'order'"),
        ({"type": "signal"}, "expected type to be one of"),  # the word is not the member
        ({"priority": 3}, "expected priority to be one of low or"),
        ({"target": ""}, "expected target of 1 to 100 characters, was ''"),
        ({"source": ""}, "expected source of 1 to 100 characters, was ''"),
        ({"source": None}, "expected source of 1 to 100 characters, was None"),
        ({"id": ""}, "expected id of 1 to 100 characters"),
        ({"target": "system"}, "expected a target other than the source"),
        ({"ttl_s": 0}, "expected a time to live of 1 to 86,400 s, was 0"),
        ({"ttl_s": -1}, "was -1"),
        ({"ttl_s": 86_401}, "was 86401"),
        ({"ttl_s": 1.5}, "expected ttl_s as an integer, was 1.5"),
        ({"schema_version": 2}, "expected schema version 1, was 2"),
        ({"payload": {"code": "x"}}, "expected SystemEvent in a signal on system_events"),
        ({"type": MessageType.VETO}, "expected no veto on system_events"),
        ({"type": MessageType.RESPONSE}, "expected a response to name its request"),
        ({"source": "stranger"}, "expected an agent that is registered, was 'stranger'"),
        ({"ts_ns": START_NS + 2 * SECOND_NS}, "expected a message of"),
    ],
)
def test_what_is_not_valid_is_refused_with_the_reason(
    ends: Ends, changes: dict[str, Any], reason: str
) -> None:
    """C01, C10: nothing is kept or delivered."""
    listener = listen(ends.there, "listener", *Topic)
    with pytest.raises(InputError, match=reason):
        ends.here.publish(a_message(**changes))
    assert nothing_happened(ends)
    ends.settle()
    assert listener.heard == []
    assert ends.here.statistics().n_refused == 1


def test_clocks_may_be_a_second_apart(ends: Ends) -> None:
    message = a_message(ts_ns=START_NS + SECOND_NS)
    ends.here.publish(message)
    ends.settle()
    assert message in ends.there.history()


def test_an_opinion_is_its_holders_on_the_topic_of_its_role_about_its_symbol(ends: Ends) -> None:
    for agent in ("technical", "regime"):
        ends.here.register(agent)
    opinion = a_message(Topic.TA_SIGNALS)
    for changes, reason in [
        ({"source": "regime"}, "expected source technical"),
        ({"topic": Topic.REGIME_UPDATES}, "expected an opinion of the regime role"),
        ({"symbol": XRP}, f"expected the symbol of the payload, '{BTC}', was '{XRP}'"),
    ]:
        with pytest.raises(InputError, match=reason):
            ends.here.publish(replace(opinion, **changes))
    assert nothing_happened(ends)
    ends.here.publish(opinion)
    assert ends.here.history() == (opinion,)


def test_the_same_message_twice_is_refused(ends: Ends) -> None:
    message = a_message()
    ends.here.publish(message)
    with pytest.raises(InputError, match="expected a new message"):
        ends.here.publish(message)
    ends.settle()
    assert ends.there.history().count(message) == 1


def test_everyone_hears_it_but_the_sender(ends: Ends) -> None:
    system = Listener()
    ends.here.unregister("system")
    ends.here.register("system", system)
    ends.here.subscribe("system", EVENTS)
    ears = [listen(ends.there, f"ear {k}", EVENTS) for k in range(3)]
    deaf = listen(ends.there, "deaf", Topic.FORECASTS)
    message = a_message()
    ends.here.publish(message)
    assert all(ear.wait(1) == [message] for ear in ears)
    assert (system.heard, deaf.heard) == ([], [])


def test_what_is_said_to_one_reaches_that_one_without_a_subscription(ends: Ends) -> None:
    one, other = listen(ends.there, "one"), listen(ends.there, "other", EVENTS)
    message = a_message(target="one")
    ends.here.publish(message)
    assert one.wait(1) == [message]
    assert other.heard == []


def test_what_is_said_to_nobody_known_is_kept_and_reaches_nobody(ends: Ends) -> None:
    message = a_message(target="nobody")
    assert ends.here.publish(message) == 0
    assert ends.here.history() == (message,)


def test_it_says_how_many_agents_of_its_process_it_reached(ends: Ends) -> None:
    for k in range(3):
        listen(ends.here, f"ear {k}", EVENTS)
    ends.here.register("inbox")
    ends.here.subscribe("inbox", EVENTS)
    assert ends.here.publish(a_message()) == 4
    ends.here.unsubscribe("ear 0", EVENTS)
    ends.here.unregister("ear 1")
    assert ends.here.publish(a_message()) == 2


def test_a_filter_decides_what_is_heard_and_one_that_raises_hinders_nobody(ends: Ends) -> None:
    ends.here.register("technical")
    chosen = Listener()
    ends.there.register("chosen", chosen)
    ends.there.subscribe("chosen", Topic.TA_SIGNALS, lambda message: message.symbol == XRP)
    ends.there.register("broken")
    ends.there.subscribe("broken", Topic.TA_SIGNALS, lambda _: 1 // 0 == 0)
    for symbol in (BTC, XRP):
        ends.here.publish(a_message(Topic.TA_SIGNALS, symbol=symbol))
    ends.settle()
    assert [message.symbol for message in chosen.heard] == [XRP]
    assert ends.there.take("broken") == ()
    assert ends.there.statistics().topics[Topic.TA_SIGNALS].n_errors == 2


def test_an_agent_is_registered_once_and_subscribes_once_a_topic(ends: Ends) -> None:
    ends.here.register("agent")
    ends.here.subscribe("agent", EVENTS)
    with pytest.raises(InputError, match="not registered, was 'agent'"):
        ends.here.register("agent")
    with pytest.raises(InputError, match="expected one subscription of agent to system_events"):
        ends.here.subscribe("agent", EVENTS)
    for name in ("", "*"):
        with pytest.raises(InputError, match="expected the name of an agent"):
            ends.here.register(name)
    for call in (ends.here.take, lambda name: ends.here.subscribe(name, EVENTS)):
        with pytest.raises(InputError, match="expected an agent that is registered"):
            call("stranger")


def test_ninety_nine_hear_it_when_one_raises(ends: Ends) -> None:
    """DK-14."""

    def fail(_: Message) -> None:
        raise ZeroDivisionError

    ends.there.register("broken", fail)
    ends.there.subscribe("broken", EVENTS)
    ears = [listen(ends.there, f"ear {k}", EVENTS) for k in range(99)]
    message = a_message()
    n_reached = ends.here.publish(message)
    assert all(ear.wait(1) == [message] for ear in ears)
    ends.settle()
    counted = ends.there.statistics().topics[EVENTS]
    assert counted.n_errors == 1
    assert counted.n_delivered == 99 + 1  # and the fence
    if ends.here is ends.there:
        assert n_reached == 99


def test_nothing_is_locked_while_a_handler_runs(ends: Ends) -> None:
    """DK-14, C24: another thread may do anything meanwhile."""
    done = []

    def ask_in_another_thread(message: Message) -> None:
        def use_all() -> None:
            ends.there.register("other")
            ends.there.subscribe("other", EVENTS)
            ends.there.publish(a_message(source="other"))
            ends.there.take("other")
            ends.there.statistics()
            ends.there.sweep()
            done.append(message)

        other = threading.Thread(target=use_all)
        other.start()
        other.join(20)
        assert not other.is_alive()

    ends.there.register("asks", ask_in_another_thread)
    ends.here.publish(a_message(target="asks"))
    ends.settle()
    assert len(done) == 1


def test_a_handler_may_publish_and_order_is_kept_per_priority(ends: Ends) -> None:
    """DK-37."""
    order: list[str] = []
    follow_ups = [
        a_message(source="chatty", priority=priority)
        for priority in (Priority.NORMAL, Priority.LOW, Priority.URGENT, Priority.NORMAL)
    ]

    def answer(_: Message) -> None:
        order.append("chatty begins")
        for follow_up in follow_ups:
            ends.there.publish(follow_up)
        order.append("chatty ends")

    ends.there.register("chatty", answer)
    ends.there.subscribe("chatty", Topic.TA_SIGNALS)
    ear = listen(ends.there, "ear", Topic.TA_SIGNALS, EVENTS)
    ends.here.register("technical")
    cause = a_message(Topic.TA_SIGNALS)
    ends.here.publish(cause)
    heard = ear.wait(5)
    normal, low, urgent, normal_too = ids(follow_ups)
    assert order == ["chatty begins", "chatty ends"]
    assert ids(heard) == [urgent, cause.id, normal, normal_too, low]


def test_vetoes_reach_a_busy_agent_and_the_oldest_of_the_others_are_dropped(ends: Ends) -> None:
    """DK-38."""
    for agent in ("technical", "risk"):
        ends.here.register(agent)
    ends.there.register("busy")
    for topic in (Topic.TA_SIGNALS, Topic.RISK_ALERTS):
        ends.there.subscribe("busy", topic)
    normal = [a_message(Topic.TA_SIGNALS) for _ in range(150)]
    vetoes = [a_veto(priority=Priority.LOW) for _ in range(5)]
    said = [*normal[:100], *vetoes[:3], *normal[100:], *vetoes[3:]]
    for message in said:
        ends.here.publish(message)
    ends.settle()
    taken = ends.there.take("busy")
    assert ids(taken) == ids([*normal[-95:], *vetoes])
    assert ends.there.statistics().topics[Topic.TA_SIGNALS].n_dropped == 55
    assert ends.there.statistics().topics[Topic.RISK_ALERTS].n_dropped == 0


def test_vetoes_reach_an_agent_whose_handler_was_busy(ends: Ends) -> None:
    """DK-38, with a handler."""
    ends.there.register("risk")
    ends.there.register("technical")
    heard: list[Message] = []

    def be_busy(message: Message) -> None:
        if not heard:
            heard.append(message)
            for _ in range(150):
                ends.there.publish(a_message(Topic.TA_SIGNALS))
            for _ in range(5):
                ends.there.publish(a_veto())
            return
        heard.append(message)

    ends.there.register("busy", be_busy)
    for topic in (Topic.TA_SIGNALS, Topic.RISK_ALERTS):
        ends.there.subscribe("busy", topic)
    ends.here.publish(a_message(target="busy"))
    ends.settle()
    assert sum(message.type is MessageType.VETO for message in heard) == 5
    assert len(heard) == 1 + 100
    assert ends.there.statistics().topics[Topic.TA_SIGNALS].n_dropped == 55


def test_an_inbox_gives_urgent_messages_first_and_equals_as_they_came(ends: Ends) -> None:
    ends.there.register("agent")
    ends.there.subscribe("agent", EVENTS)
    said = [
        a_message(priority=priority)
        for priority in (Priority.LOW, Priority.HIGH, Priority.URGENT, Priority.NORMAL) * 2
    ]
    for message in said:
        ends.here.publish(message)
    ends.settle()
    expected = [said[k] for k in (2, 6, 1, 5, 3, 7, 0, 4)]
    assert [m for m in ends.there.take("agent") if m in said] == expected
    assert ends.there.take("agent") == ()


def test_what_has_expired_is_neither_returned_nor_delivered(ends: Ends) -> None:
    """C10: a second to live, read after one and after two."""
    ends.there.register("agent")
    ends.there.subscribe("agent", EVENTS)
    short, long = a_message(ttl_s=1), a_message(ttl_s=300)
    ends.here.publish(short)
    ends.here.publish(long)
    ends.settle()
    assert ends.there.get_latest(EVENTS, source="system") is not None
    ends.clock.advance(SECOND_NS)  # to the nanosecond
    assert short not in ends.there.history()
    assert long in ends.there.history()
    ends.clock.advance(SECOND_NS)
    taken = ends.there.take("agent")
    assert short not in taken
    assert long in taken
    assert ends.there.statistics().topics[EVENTS].n_expired == 1


def test_what_has_expired_before_it_is_said_reaches_nobody(ends: Ends) -> None:
    ear = listen(ends.there, "ear", EVENTS)
    ends.clock.advance(301 * SECOND_NS)
    assert ends.here.publish(a_message()) == 0
    ends.settle()
    assert all(message.ts_ns != START_NS for message in ear.heard)
    assert ends.here.statistics().topics[EVENTS].n_expired == 1


def test_the_history_is_bounded_between_sweeps(ends: Ends) -> None:
    """C10."""
    n = 10_000 if ends.here is ends.there else 1_500
    for _ in range(n):
        ends.here.publish(a_message())
    ends.settle()
    for bus in (ends.here, ends.there):
        assert len(bus.history()) == 1_000
        assert bus.statistics().n_history == 1_000


def test_a_sweep_forgets_what_has_expired(ends: Ends) -> None:
    for ttl_s in (300, 10, 10):
        ends.here.publish(a_message(ttl_s=ttl_s))
    ends.clock.advance(11 * SECOND_NS)
    assert ends.here.sweep() == 2
    assert ends.here.statistics().n_history == 1


def test_the_latest_is_that_of_the_symbol_and_source_asked_for(ends: Ends) -> None:
    """DK-15."""
    for agent in ("technical", "second"):
        ends.here.register(agent)
    older = a_message(Topic.TA_SIGNALS, symbol=BTC)
    newer = a_message(Topic.TA_SIGNALS, symbol=XRP, ts_ns=START_NS + SECOND_NS)
    other = a_message(Topic.TA_SIGNALS, symbol=BTC, source="second", ts_ns=START_NS - SECOND_NS)
    ends.clock.advance(SECOND_NS)
    for message in (older, newer, other):
        ends.here.publish(message)
    ends.settle()
    latest = ends.there.get_latest
    assert latest(Topic.TA_SIGNALS, symbol=BTC) == older
    assert latest(Topic.TA_SIGNALS) == newer
    assert latest(Topic.TA_SIGNALS, source="second") == other  # said earlier, heard later
    assert latest(Topic.TA_SIGNALS, symbol=BTC, max_age_s=1) == older
    assert latest(Topic.TA_SIGNALS, symbol=BTC, max_age_s=0) is None
    assert latest(Topic.TA_SIGNALS, symbol="ETH/USDT") is None
    assert latest(Topic.FORECASTS) is None


def test_a_closed_bus_holds_nothing_and_closes_twice(ends: Ends) -> None:
    ends.here.publish(a_message())
    ends.here.close()
    ends.here.close()
    assert ends.here.history() == ()
    with pytest.raises(InputError, match="registered"):
        ends.here.publish(a_message())
