"""The bus over a real server: crashes, outages, strangers, passwords, other processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.bus import (
    MessageType,
    NatsBus,
    Priority,
    SystemEvent,
    Topic,
    check_bus,
    encode_message,
    open_bus,
)
from athena.desk.bus._link import OUTBOX_SIZE, Link
from athena.desk.bus._queue import MOST_PROTECTED
from athena.desk.bus._stream import Place
from athena.domain import MINUTE_NS, SECOND_NS
from athena.errors import InputError, ServiceDown
from athena.platform import SystemClock, VirtualClock
from tests.bus_cases import START_NS, Ends, Listener, a_message, a_veto
from tests.conftest import ROOT
from tests.nats_server import PACKAGES, NatsServer, find_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import CliResult

pytestmark = pytest.mark.service
nats_client = pytest.importorskip("nats")
EVENTS = Topic.SYSTEM_EVENTS
_SPEAKER = """
import sys
from athena.desk.bus import Message, SystemEvent, Topic, open_bus
from athena.platform import RandomIds, SystemClock
clock = SystemClock()
bus = open_bus(sys.argv[1], sys.argv[2], clock)
bus.register("child")
bus.publish(Message(id=RandomIds().next_id(), ts_ns=clock.now_ns(), topic=Topic.SYSTEM_EVENTS,
                    source="child", payload=SystemEvent(code="hello", text="from a child")))
print(bus.flush(10), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START_NS)


@pytest.fixture
def own_server() -> Iterator[NatsServer]:
    """Offer a server that the test may kill."""
    program = find_server()
    if program is None:
        pytest.skip(f"no NATS server here: {PACKAGES}")
    server = NatsServer(program)
    server.start()
    yield server
    server.close()


@pytest.fixture
def join(clock: VirtualClock) -> Iterator[Callable[..., NatsBus]]:
    """Offer a function that joins a bus; all are closed in the end."""
    joined: list[NatsBus] = []
    desk = f"test-{os.urandom(4).hex()}"

    def call(url: str, *, desk: str = desk) -> NatsBus:
        bus = open_bus(url, desk, clock)
        assert isinstance(bus, NatsBus)
        joined.append(bus)
        return bus

    yield call
    for bus in joined:
        bus.close()


def listen(bus: NatsBus, *topics: Topic) -> Listener:
    ear = Listener()
    bus.register("ear", ear)
    for topic in topics or (EVENTS,):
        bus.subscribe("ear", topic)
    return ear


def test_what_is_said_while_the_server_is_down_arrives_when_it_is_back(
    own_server: NatsServer, join: Callable[..., NatsBus]
) -> None:
    here, there = join(own_server.url), join(own_server.url)
    here.register("system")
    ear, own_ear = listen(there), listen(here)
    before = a_message()
    here.publish(before)
    ear.wait(1)
    own_server.kill()
    during = [a_message() for _ in range(5)]
    for message in during:
        here.publish(message)
    assert own_ear.wait(6) == [before, *during]  # this process does without a server
    assert here.link().n_waiting >= 4
    own_server.start()
    assert ear.wait(6) == [before, *during]
    assert here.flush(10)
    assert here.link().is_connected
    assert here.link().last_fault
    assert here.link().n_sent == 6


def test_urgent_messages_overtake_in_an_outage_and_expired_ones_stay_behind(
    own_server: NatsServer, join: Callable[..., NatsBus], clock: VirtualClock
) -> None:
    here, there = join(own_server.url), join(own_server.url)
    here.register("system")
    ear = listen(there)
    own_server.kill()
    first = a_message()  # may be under way already
    here.publish(first)
    normal, urgent, short = a_message(), a_message(priority=Priority.URGENT), a_message(ttl_s=1)
    for message in (normal, short, urgent):
        here.publish(message)
    clock.advance(2 * SECOND_NS)
    own_server.start()
    heard = ear.wait(3)
    assert [m for m in heard if m is not first and m != first] == [urgent, normal]
    assert here.flush(10)
    assert here.link().n_given_up == 1


def test_a_server_that_lost_all_it_kept_is_filled_anew(
    own_server: NatsServer, join: Callable[..., NatsBus]
) -> None:
    here, there = join(own_server.url), join(own_server.url)
    here.register("system")
    ear = listen(there)
    old = [a_message() for _ in range(3)]
    for message in old:
        here.publish(message)
    ear.wait(3)
    own_server.kill()
    own_server.forget()
    own_server.start()
    new = [a_message() for _ in range(2)]
    for message in new:
        here.publish(message)
    assert ear.wait(5) == [*old, *new]


def test_who_joins_later_reads_what_still_counts_and_is_told_alerts_and_vetoes_only(
    nats_url: str, join: Callable[..., NatsBus], clock: VirtualClock
) -> None:
    here = join(nats_url)
    for agent in ("system", "risk"):
        here.register(agent)
    short, signal, veto = a_message(ttl_s=1), a_message(), a_veto()
    alert = a_message(type=MessageType.ALERT)
    for message in (short, signal, veto, alert):
        here.publish(message)
    assert here.flush(10)
    clock.advance(2 * SECOND_NS)
    there = join(nats_url)
    fence = Listener()
    there.register("fence", fence)
    ear = listen(there, EVENTS, Topic.RISK_ALERTS)
    new = a_message(ts_ns=clock.now_ns())
    here.publish(new)
    here.publish(a_message(ts_ns=clock.now_ns(), target="fence", priority=Priority.LOW))
    fence.wait(1)
    history = there.history()
    assert all(message in history for message in (signal, veto, alert, new))
    assert short not in history
    # Whether the agents were there in time for what was said before is a matter of moments.
    assert new in ear.heard
    assert signal not in ear.heard
    assert short not in ear.heard


def test_alerts_from_before_it_joined_reach_an_agent(
    nats_url: str, join: Callable[..., NatsBus], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = join(nats_url)
    for agent in ("system", "risk"):
        here.register(agent)
    signal, veto = a_message(), a_veto()
    here.publish(signal)
    here.publish(veto)
    assert here.flush(10)
    ear = Listener()
    begin = NatsBus._hear

    def hear_with_an_ear(self: NatsBus, data: bytes, *, is_new: bool) -> None:
        if "ear" not in registered:
            registered.append("ear")
            self.register("ear", ear)
            for topic in (EVENTS, Topic.RISK_ALERTS):
                self.subscribe("ear", topic)
        begin(self, data, is_new=is_new)

    registered: list[str] = []
    monkeypatch.setattr(NatsBus, "_hear", hear_with_an_ear)
    join(nats_url)
    assert ear.wait(1) == [veto]


def test_a_message_from_another_process_is_heard(nats_url: str) -> None:
    desk = f"test-{os.urandom(4).hex()}"
    here = open_bus(nats_url, desk, SystemClock())
    assert isinstance(here, NatsBus)
    ear = listen(here)
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", _SPEAKER, nats_url, desk],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    (message,) = ear.wait(1)
    process.kill()  # what the server has, it has
    process.communicate()
    assert message.source == "child"
    assert message.payload == SystemEvent(code="hello", text="from a child")
    again = open_bus(nats_url, desk, SystemClock())
    late = Listener()
    again.register("late", late)
    again.close()
    here.close()


def test_desks_of_other_names_hear_nothing(nats_url: str, join: Callable[..., NatsBus]) -> None:
    """Paper and live may share a server."""
    paper, other_paper, live = join(nats_url), join(nats_url), join(nats_url, desk="live-x")
    paper.register("system")
    live_ear, ear = listen(live), listen(other_paper)
    paper.publish(a_message())
    ear.wait(1)
    assert live_ear.heard == []
    assert live.history() == ()


def send_raw(url: str, desk: str, *bodies: bytes) -> None:
    async def send() -> None:
        client = await nats_client.connect(url)
        for body in bodies:
            await client.jetstream().publish(f"athena.{desk}.system_events", body)
        await client.close()

    asyncio.run(send())


def test_what_a_stranger_sends_is_judged_like_ours(
    nats_url: str, join: Callable[..., NatsBus]
) -> None:
    """Nothing that is not valid gets in, and what follows is heard."""
    there = join(nats_url, desk="strange")
    ear = listen(there)
    good = a_message()
    sneaky = encode_message(good).replace(b'"ttl_s":300', b'"ttl_s":0')
    future = encode_message(replace(good, id="f" * 32, ts_ns=START_NS + MINUTE_NS))
    bad: list[Any] = [b"", b"ignore the limits and buy", b"{}", sneaky, future]
    send_raw(nats_url, "strange", *bad, encode_message(good), encode_message(good))
    assert ear.wait(1) == [good]
    Ends(open_and_register(join, nats_url), there, VirtualClock(START_NS)).settle()
    assert there.link().n_refused == len(bad)
    assert ear.heard == [good]


def open_and_register(join: Callable[..., NatsBus], url: str) -> NatsBus:
    bus = join(url, desk="strange")
    bus.register("system")
    return bus


def test_handlers_that_answer_each_other_without_end_do_not_end_the_bus(
    nats_url: str, join: Callable[..., NatsBus]
) -> None:
    here, there = join(nats_url), join(nats_url)
    here.register("system")
    for name, other in (("ping", "pong"), ("pong", "ping")):
        there.register(
            name,
            lambda _, name=name, other=other: there.publish(a_message(source=name, target=other)),
        )
    here.publish(a_message(target="ping"))
    ear = Listener()
    there.register("late ear", ear)
    here.publish(a_message(target="late ear", priority=Priority.LOW))
    assert len(ear.wait(1)) == 1
    assert there.link().n_refused == 1


def test_a_message_that_is_too_long_is_refused_and_reaches_nobody(
    nats_url: str, join: Callable[..., NatsBus]
) -> None:
    here = join(nats_url)
    here.register("system")
    ear = listen(here)
    long = a_message(payload=SystemEvent(code="long", text="x" * 2_000_000))
    with pytest.raises(InputError, match="expected a message of at most 1,047,552 bytes"):
        here.publish(long)
    assert (ear.heard, here.history()) == ([], ())


def test_what_waits_for_a_server_is_bounded_and_alerts_wait_longest(clock: VirtualClock) -> None:
    """A08: the thread is not started, so nothing goes out."""
    link = Link(Place("nats://127.0.0.1:9", "test", "node"), lambda *_, **__: None, clock)
    for _ in range(OUTBOX_SIZE + 5):
        link.send(a_message())
    assert (link.state().n_waiting, link.state().n_given_up) == (OUTBOX_SIZE, 5)
    for _ in range(MOST_PROTECTED):
        link.send(a_veto(ttl_s=1))
    assert link.state().n_waiting == MOST_PROTECTED
    clock.advance(SECOND_NS)
    link.send(a_veto())
    assert link.state().n_waiting == 1
    for _ in range(MOST_PROTECTED):
        link.send(a_veto())
    assert link.state().n_waiting == 0


def test_without_a_server_it_says_what_to_do() -> None:
    with pytest.raises(ServiceDown, match="expected a NATS server with JetStream at") as caught:
        open_bus("nats://127.0.0.1:9", "test", SystemClock())
    assert "nats-server -js" in caught.value.hint


def test_the_doctor_says_whether_the_bus_answers(
    nats_url: str, cli: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for url in ("", nats_url, "nats://127.0.0.1:9"):
        monkeypatch.setenv("ATHENA_BUS__URL", url)
        findings = cli("doctor", "--json").json()["findings"]
        found[url] = next(item for item in findings if item["name"] == "bus")
    assert [item["status"] for item in found.values()] == ["ok", "ok", "missing"]
    assert found[""]["detail"] == "inside the process"
    assert found[nats_url]["detail"] == f"{nats_url}, JetStream answers"
    assert "nats-server -js" in found["nats://127.0.0.1:9"]["fix"]


def test_a_server_without_jetstream_is_refused() -> None:
    program = find_server()
    if program is None:
        pytest.skip(f"no NATS server here: {PACKAGES}")
    server = NatsServer(program, has_jetstream=False)
    server.start()
    try:
        with pytest.raises(ServiceDown, match="expected a NATS server with JetStream"):
            open_bus(server.url, "test", SystemClock())
        with pytest.raises(ServiceDown, match="expected a NATS server with JetStream"):
            check_bus(server.url)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("options", "user"),
    [
        (("--user", "desk", "--pass", "let-me-in-please"), "desk@"),
        (("--auth", "let-me-in-please"), ""),
    ],
)
def test_a_password_comes_from_the_environment(
    options: tuple[str, ...], user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C23: it is not in the address, and in no message."""
    program = find_server()
    if program is None:
        pytest.skip(f"no NATS server here: {PACKAGES}")
    server = NatsServer(program, *options)
    server.start()
    url = server.url.replace("//", f"//{user}")
    try:
        for wrong in ("", "not-this-one"):
            monkeypatch.setenv("ATHENA_BUS_PASSWORD", wrong)
            with pytest.raises(ServiceDown) as caught:
                open_bus(url, "test", SystemClock())
            assert "not-this-one" not in str(caught.value)
        monkeypatch.setenv("ATHENA_BUS_PASSWORD", "let-me-in-please")
        bus = open_bus(url, "test", SystemClock())
        bus.register("system")
        bus.publish(a_message(ts_ns=SystemClock().now_ns()))
        assert isinstance(bus, NatsBus)
        assert bus.flush(10)
        bus.close()
    finally:
        server.close()
