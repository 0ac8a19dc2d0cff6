"""The coordinator obeys, follows breakers, tells what is decided, and keeps all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from athena.desk.bus import (
    BreakerAlert,
    Command,
    LocalBus,
    Message,
    MessageType,
    Priority,
    SystemEvent,
    Topic,
    Verb,
)
from athena.desk.coordinator import (
    NAME,
    Coordinator,
    CycleInfo,
    DeskState,
    Ended,
    MemoryStore,
    Response,
    deliberate,
    run_hooks,
)
from athena.domain import HOUR_NS, SECOND_NS, Action, RiskLevel
from athena.errors import InputError, RefusedError, ServiceDown
from athena.platform import SeededIds, VirtualClock
from tests.bus_cases import Listener
from tests.desk_cases import BTC, BUY, NOW_NS, a_case

if TYPE_CHECKING:
    from athena.desk.coordinator import DeskRecord


class Store(MemoryStore):
    """A store that can be out of order."""

    is_down = False

    def save(self, record: DeskRecord, now_ns: int) -> None:
        if self.is_down:
            message = "expected a database, was none"
            raise ServiceDown(message)
        super().save(record, now_ns)


class Desk:
    """A coordinator on a bus, with its clock."""

    def __init__(self, store: Store | None = None) -> None:
        self.clock = VirtualClock(NOW_NS)
        self.bus = LocalBus(self.clock)
        self.store = store or Store()
        self.ids = SeededIds(11)
        self.one = Coordinator(self.bus, self.store, self.ids, NOW_NS)
        self.bus.register("anna")
        self.told = Listener()
        self.bus.register("ear", self.told)
        for topic in (Topic.SYSTEM_EVENTS, Topic.COORDINATOR_COMMANDS):
            self.bus.subscribe("ear", topic)

    @property
    def now_ns(self) -> int:
        return self.clock.now_ns()

    def say(self, topic: Topic, payload: Any, **changes: Any) -> None:
        values = {"id": self.ids.next_id(), "ts_ns": self.now_ns, "source": "anna", **changes}
        self.bus.publish(Message(topic=topic, payload=payload, **values))

    def order(self, verb: Verb, task: str = "") -> None:
        self.one.command(command(verb, task), self.now_ns)

    def tick(self, seconds: float = 0) -> list[str]:
        self.clock.advance(int(seconds * SECOND_NS))
        return [run.task for run in self.one.tick(self.now_ns)]

    def codes(self) -> list[str]:
        return [m.payload.code for m in self.told.heard if isinstance(m.payload, SystemEvent)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def command(verb: Verb, task: str = "") -> Command:
    return Command(verb=verb, task=task, by="anna", reason="a test")


def breaker(name: str = "daily_loss", until_ns: int = -1) -> BreakerAlert:
    return BreakerAlert(breaker=name, level=RiskLevel.HIGH, text="-5 %", until_ns=until_ns)


def test_it_begins_running_and_starts_what_is_due(desk: Desk) -> None:
    assert desk.one.state is DeskState.RUNNING
    assert desk.tick() == ["technical"]
    assert desk.tick(60) == ["technical"]  # the first was given up after 30 s
    assert desk.codes() == ["task_timed_out"]
    assert desk.told.heard[0].type is MessageType.ALERT


def test_a_run_that_ended_is_known_to_have_ended(desk: Desk) -> None:
    (run,) = desk.one.tick(desk.now_ns)
    assert desk.one.end(run, Ended.DONE, desk.now_ns)
    assert not desk.one.end(run, Ended.DONE, desk.now_ns)
    assert desk.tick(60) == ["technical"]
    assert desk.codes() == []


def test_a_paused_desk_goes_on_thinking_and_a_halted_one_does_not(desk: Desk) -> None:
    desk.order(Verb.PAUSE)
    assert desk.one.state is DeskState.PAUSED
    assert desk.tick() == ["technical"]
    desk.order(Verb.HALT)
    assert desk.tick(3_600) == []
    desk.order(Verb.RESUME)
    assert desk.one.state is DeskState.RUNNING
    assert "technical" in desk.tick()
    assert desk.one.record.reason == "resume by anna: a test"


def test_a_halt_is_not_weakened_to_a_pause(desk: Desk) -> None:
    desk.order(Verb.HALT)
    with pytest.raises(RefusedError, match="expected a desk that is not halted to pause it"):
        desk.order(Verb.PAUSE)
    with pytest.raises(RefusedError, match="to run technical, was halted"):
        desk.order(Verb.FORCE_RUN, "technical")


def test_commands_come_over_the_bus_and_are_told(desk: Desk) -> None:
    desk.say(Topic.COORDINATOR_COMMANDS, command(Verb.DISABLE, "technical"))
    desk.say(Topic.COORDINATOR_COMMANDS, command(Verb.FORCE_RUN, "portfolio"), target=NAME)
    assert desk.tick() == ["portfolio"]
    assert desk.codes() == ["commanded", "commanded"]
    assert desk.tick(120) == []
    desk.say(Topic.COORDINATOR_COMMANDS, command(Verb.ENABLE, "technical"))
    desk.tick()
    assert desk.tick(60) == ["technical"]


@pytest.mark.parametrize(
    ("verb", "task", "reason"),
    [
        (Verb.DISABLE, "astrology", "was 'astrology'"),
        (Verb.ENABLE, "", "was ''"),
        (Verb.HALT, "technical", "expected halt for the whole desk, was for technical"),
        (Verb.FORCE_RUN, "sentiment", "expected a task that is enabled, was sentiment"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_aloud(
    desk: Desk, verb: Verb, task: str, reason: str
) -> None:
    desk.order(Verb.DISABLE, "sentiment")
    before = desk.one.record
    with pytest.raises(InputError, match=reason):
        desk.order(verb, task)
    desk.say(Topic.COORDINATOR_COMMANDS, command(verb, task))
    desk.say(Topic.COORDINATOR_COMMANDS, command(Verb.PAUSE))
    desk.tick()
    assert desk.codes()[1:] == ["command_refused", "commanded"]  # what follows is still heard
    assert desk.one.state is DeskState.PAUSED
    assert desk.one.record.tasks[2] == before.tasks[2]


def test_it_does_not_obey_its_own_decisions_or_other_alerts(desk: Desk) -> None:
    desk.one.announce(deliberate(a_case()), desk.now_ns)
    desk.say(Topic.SYSTEM_EVENTS, SystemEvent(code="halt", text="halt"), type=MessageType.ALERT)
    assert desk.tick() == ["technical"]
    assert desk.one.state is DeskState.RUNNING


@pytest.mark.parametrize(
    ("name", "state", "response"),
    [
        ("daily_loss", DeskState.PAUSED, Response.PAUSE),
        ("weekly_loss", DeskState.PAUSED, Response.CUT),
        ("drawdown_limit", DeskState.HALTED, Response.HALT),
    ],
)
def test_breakers_are_followed(
    desk: Desk, name: str, state: DeskState, response: Response
) -> None:
    assert desk.one.follow(breaker(name), desk.now_ns) is response
    assert desk.one.state is state
    other = Desk()
    other.say(Topic.RISK_ALERTS, breaker(name), type=MessageType.ALERT)
    other.tick()
    assert other.one.state is state


def test_a_pause_ends_with_the_breaker_that_began_it(desk: Desk) -> None:
    desk.one.follow(breaker(until_ns=NOW_NS + HOUR_NS), NOW_NS)
    desk.tick(3_599)
    assert desk.one.state is DeskState.PAUSED
    desk.tick(1)
    assert desk.one.state is DeskState.RUNNING
    assert desk.one.record.reason == "after: breaker daily_loss: -5 %"


def test_the_longer_of_two_pauses_counts_and_a_persons_lasts(desk: Desk) -> None:
    long, short = NOW_NS + HOUR_NS, NOW_NS + SECOND_NS
    desk.one.follow(breaker(until_ns=long), NOW_NS)
    desk.one.follow(breaker(until_ns=short), NOW_NS)
    assert desk.one.record.paused_until_ns == long
    desk.one.follow(breaker("drawdown_stop"), NOW_NS)
    assert desk.one.record.paused_until_ns == -1
    person = Desk()
    person.order(Verb.PAUSE)
    person.one.follow(breaker(until_ns=short), NOW_NS)
    person.tick(10)
    assert person.one.state is DeskState.PAUSED


def test_a_breaker_that_pauses_does_not_weaken_a_halt(desk: Desk) -> None:
    desk.order(Verb.HALT)
    desk.one.follow(breaker(until_ns=NOW_NS + SECOND_NS), NOW_NS)
    desk.tick(10)
    assert desk.one.state is DeskState.HALTED


def test_a_decision_is_told_to_everybody_as_urgent(desk: Desk) -> None:
    decision = deliberate(a_case())
    message = desk.one.announce(decision, desk.now_ns)
    assert desk.told.heard == [message]
    assert (message.payload, message.priority) == (decision, Priority.URGENT)
    assert (message.topic, message.correlation_id) == (Topic.COORDINATOR_COMMANDS, decision.id)
    assert (message.symbol, desk.one.record.n_decisions) == (BTC, 1)


def test_what_is_kept_is_there_after_a_restart(desk: Desk) -> None:
    """C09."""
    desk.order(Verb.DISABLE, "technical")
    desk.order(Verb.PAUSE)
    desk.order(Verb.FORCE_RUN, "portfolio")
    assert desk.tick() == ["portfolio"]
    desk.one.announce(deliberate(a_case()), desk.now_ns)
    after = Desk(desk.store)
    assert after.one.state is DeskState.PAUSED
    assert after.one.record.n_decisions == 1
    assert after.tick() == ["portfolio"]
    assert [r.n_runs for r in after.one.record.tasks if r.name == "portfolio"] == [2]


def test_without_its_store_it_does_less_never_more(desk: Desk) -> None:
    desk.order(Verb.PAUSE)
    desk.store.is_down = True
    with pytest.raises(ServiceDown):
        desk.order(Verb.RESUME)
    assert desk.one.state is DeskState.PAUSED
    desk.say(Topic.RISK_ALERTS, breaker(until_ns=NOW_NS + HOUR_NS), type=MessageType.ALERT)
    desk.say(Topic.COORDINATOR_COMMANDS, command(Verb.HALT))
    with pytest.raises(ServiceDown):
        desk.tick()
    assert desk.one.state is DeskState.HALTED  # both were heard
    with pytest.raises(ServiceDown):
        desk.one.announce(deliberate(a_case()), desk.now_ns)
    assert not any(m.topic is Topic.COORDINATOR_COMMANDS for m in desk.told.heard[1:-1])


def test_hooks_run_one_after_the_other_whatever_the_first_does() -> None:
    """DK-41."""
    heard: list[Any] = []

    def fail(actions: Any, info: CycleInfo) -> None:
        actions.clear()
        heard.append(info)
        raise ZeroDivisionError

    def listen(actions: Any, info: CycleInfo) -> None:
        heard.append((actions, info))

    decision = deliberate(a_case())
    actions: dict[str, Action] = {"technical": BUY}
    info = CycleInfo("trading_decision", 3)
    assert run_hooks([fail, listen], actions, info) == ("ZeroDivisionError()",)
    assert heard == [info, ({"technical": BUY}, info)]
    assert deliberate(a_case()) == decision


def test_the_state_does_not_grow_over_a_hundred_thousand_ticks(desk: Desk) -> None:
    """A08, at small size: what is kept has one line a task."""
    for _ in range(2_000):
        for run in desk.one.tick(desk.now_ns):
            desk.one.end(run, Ended.DONE, desk.now_ns)
        desk.clock.advance(SECOND_NS)
    assert len(desk.one.record.tasks) == 5
    assert desk.bus.statistics().n_waiting == 0
