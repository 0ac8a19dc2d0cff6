"""The wire of the simulation: latency, late and missing answers, a stream that breaks, limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.research.simulation import Client, Heap, Network
from athena.research.simulation._network import LATENCY_NS
from athena.venues import WITHDRAWN, Call, CallFailed, HttpAnswer
from athena.venues.faults import Fault, FaultPlan
from athena.venues.limits import Charge, CounterRule, Priority
from tests.venue_bench import KEY, START, new_exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_NS = 5 * SECOND_NS
SUBSCRIBE = '{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"]}}'


@dataclass
class Line:
    """A client, its network and an exchange, and what came over."""

    plan: FaultPlan = field(default_factory=lambda: FaultPlan(1))
    points: int = 100
    answers: list[tuple[int, HttpAnswer | CallFailed]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    opened_ns: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heap = Heap(START)
        self.exchange = new_exchange()
        self.network = Network(
            heap=self.heap,
            exchange=self.exchange,
            plan=self.plan,
            rules={"calls": CounterRule.of(self.points, Decimal(1))},
            key=KEY,
            reaches=self._reaches,
            advance=lambda: self.exchange.advance(self.heap.now_ns),
        )
        self.client = self.new_client()

    def new_client(self) -> Client:
        return Client(
            lambda _, answer: self.answers.append((self.heap.now_ns - START, answer)),
            lambda: self.opened_ns.append(self.heap.now_ns - START),
            self.texts.append,
            self.lost.append,
        )

    def _reaches(self, endpoint: str, fields: Mapping[str, str]) -> None:
        del fields
        self.reached.append(endpoint)

    def call(self, number: int = 1, *, deadline_s: int = 60) -> Call:
        return Call(
            id=number,
            endpoint="Balance",
            fields={},
            is_private=True,
            priority=Priority.TRADE,
            charges=(Charge("calls", 1),),
            deadline_ns=self.heap.now_ns + deadline_s * SECOND_NS,
            timeout_ns=TIMEOUT_NS,
        )

    def send(self, *numbers: int, deadline_s: int = 60) -> None:
        for number in numbers:
            self.network.send(self.client, self.call(number, deadline_s=deadline_s))

    def run(self, seconds: float) -> None:
        until_ns = self.heap.now_ns + round(seconds * SECOND_NS)
        while self.heap.step(until_ns):
            pass

    def connect(self) -> None:
        self.network.want_stream(self.client, is_wanted=True)
        self.run(1)


def test_an_answer_takes_the_way_there_and_back() -> None:
    line = Line()
    line.send(1)
    line.run(1)
    ((at_ns, answer),) = line.answers
    assert at_ns == 2 * LATENCY_NS
    assert isinstance(answer, HttpAnswer)
    assert b'"error":[]' in answer.body.replace(b" ", b"")
    assert line.reached == ["Balance"]


def test_a_request_that_is_taken_back_while_it_waits_never_leaves_nor_does_what_took_it() -> None:
    """I10: what waits for the rate limit is not out of reach of the kill switch."""
    line = Line(points=5)  # four of them for who is not a cancel
    line.send(1, 2, 3, 4, 5)
    line.network.send(line.client, replace(line.call(6), withdraws=5))
    line.run(0.01)
    assert line.answers == [(0, WITHDRAWN), (0, WITHDRAWN)]
    line.run(10)
    assert len(line.reached) == 4


def test_a_request_that_has_left_is_taken_back_by_the_one_that_says_so() -> None:
    line = Line()
    line.send(1)
    line.network.send(line.client, replace(line.call(2), withdraws=1))
    line.run(1)
    assert len(line.reached) == 2


def test_a_request_lost_on_the_way_never_arrives_and_may_have_been_sent() -> None:
    """F01."""
    line = Line(FaultPlan(1, {Fault.TIMEOUT_BEFORE_ACCEPT: 1.0}))
    line.send(1)
    line.run(10)
    ((at_ns, answer),) = line.answers
    assert isinstance(answer, CallFailed)
    assert answer.is_sent
    assert at_ns == TIMEOUT_NS
    assert line.reached == []


def test_an_answer_lost_on_the_way_back_was_carried_out() -> None:
    """F02."""
    line = Line(FaultPlan(1, {Fault.TIMEOUT_AFTER_ACCEPT: 1.0}))
    line.send(1)
    line.run(10)
    ((_, answer),) = line.answers
    assert isinstance(answer, CallFailed)
    assert answer.is_sent
    assert line.reached == ["Balance"]


def test_an_answer_later_than_the_patience_is_none_and_comes_once() -> None:
    """F04."""
    plan = FaultPlan(3, {Fault.LATE: 1.0}, max_delay_ns=60 * SECOND_NS)
    line = Line(plan)
    line.send(*range(20))
    line.run(200)
    failed = [at_ns for at_ns, answer in line.answers if isinstance(answer, CallFailed)]
    assert len(line.answers) == 20
    assert len(line.reached) == 20
    assert failed
    assert max(at_ns for at_ns, _ in line.answers) <= TIMEOUT_NS


def test_a_name_that_is_not_found_proves_that_nothing_left() -> None:
    """F20."""
    line = Line(FaultPlan(1, {Fault.NAME_RESOLUTION: 1.0}))
    for _ in range(60):
        line.send(1)
        line.run(1)
    unsent = [a for _, a in line.answers if isinstance(a, CallFailed) and not a.is_sent]
    assert unsent
    assert len(line.reached) == 60 - len(unsent)


def test_requests_wait_for_room_under_the_rate_limit() -> None:
    line = Line(points=2)
    line.send(1, 2, 3, 4)
    line.run(0.5)
    n_at_once = len(line.answers)
    line.run(10)
    assert n_at_once < 4
    assert len(line.answers) == 4
    assert all(isinstance(answer, HttpAnswer) for _, answer in line.answers)


def test_a_request_without_room_in_time_never_leaves() -> None:
    line = Line(points=2)
    line.send(*range(10), deadline_s=1)
    line.run(30)
    unsent = [a for _, a in line.answers if isinstance(a, CallFailed) and not a.is_sent]
    assert len(line.answers) == 10
    assert unsent
    assert len(line.reached) == 10 - len(unsent)


def test_a_pause_holds_requests_back() -> None:
    line = Line()
    line.network.pause("calls", START + 7 * SECOND_NS)
    line.send(1)
    line.run(6.9)
    assert line.answers == []
    line.run(1)
    assert len(line.answers) == 1


def test_a_process_that_died_is_told_nothing_and_sends_nothing_more() -> None:
    """F15."""
    line = Line(points=2)
    line.connect()
    line.send(1, 2, 3, 4)
    line.network.drop(line.client)
    line.run(30)
    assert line.answers == []
    assert len(line.reached) < 4
    assert not line.exchange.connections


def test_a_stream_carries_what_is_said_both_ways() -> None:
    line = Line()
    line.connect()
    line.network.say(line.client, SUBSCRIBE)
    line.run(1)
    assert line.opened_ns == [2 * LATENCY_NS]
    assert any('"ticker"' in text for text in line.texts)


def test_a_stream_that_nobody_wants_is_closed_without_a_word() -> None:
    line = Line()
    line.connect()
    line.network.want_stream(line.client, is_wanted=False)
    line.texts.clear()
    line.exchange.trade("BTC/USD", Decimal(51_000), Decimal(1))
    line.network.deliver()
    line.run(1)
    assert (line.texts, line.lost) == ([], [])
    assert not line.exchange.connections


def test_a_half_open_stream_looks_alive_and_carries_nothing() -> None:
    """F09."""
    line = Line(FaultPlan(1, {Fault.HALF_OPEN_SOCKET: 1.0}))
    line.connect()
    line.network.say(line.client, SUBSCRIBE)
    line.run(10)
    assert line.texts == []
    assert line.lost == []
    assert line.client.wire is not None


def test_a_message_that_came_twice_is_the_same_text_twice() -> None:
    """F03."""
    line = Line(FaultPlan(1, {Fault.DUPLICATE: 1.0}))
    line.connect()
    line.network.say(line.client, SUBSCRIBE)
    line.run(1)
    assert line.texts
    assert line.texts[::2] == line.texts[1::2]


def test_late_messages_of_one_connection_stay_in_order() -> None:
    """F04: only what F05 overtakes changes its place."""

    def heard(**rates: float) -> list[str]:
        line = Line(FaultPlan(5, {Fault(name): rate for name, rate in rates.items()}))
        line.connect()
        line.network.say(line.client, SUBSCRIBE)
        line.run(0.1)
        for k in range(20):
            line.exchange.trade("BTC/USD", Decimal(50_000 + k), Decimal(1))
            line.network.deliver()
        line.run(60)
        return [text for text in line.texts if '"ticker","type":"update"' in text]

    assert len(heard()) == 20
    assert heard(late=0.5) == heard()
    assert heard(reordered=0.5) != heard()
    assert sorted(heard(reordered=0.5)) == sorted(heard())
