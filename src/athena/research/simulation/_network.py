"""The wire between an adapter and the local exchange, with its latency, limits and faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.venues import NO_ROOM, WITHDRAWN, CallFailed, HttpAnswer
from athena.venues.faults import Answer, Link, is_partial_fill
from athena.venues.limits import (
    Counter,
    Granted,
    LimitState,
    Ticket,
    Wait,
    pause,
    poll,
    withdraw,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.research.simulation._heap import Heap
    from athena.venues import Call
    from athena.venues.exchange import Exchange
    from athena.venues.faults import FaultPlan, RequestFate
    from athena.venues.limits import CounterRule

LATENCY_NS = 40_000_000  # one way
_GAP_NS = 1_000  # between messages of one connection
_HTML = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head></html>"
_TOO_MANY = b'{"error":["EAPI:Rate limit exceeded"]}'
_BAD_NONCE = b'{"error":["EAPI:Invalid nonce"]}'
_OK = 200
_OF_ORDERS = frozenset({"AddOrder", "AmendOrder", "CancelOrder"})


def _nothing(_: Call) -> None:
    """Do nothing."""


@dataclass(slots=True)
class _Wire:
    """One WebSocket connection, as the client's machine sees it.

    Attributes:
        is_frozen: it looks alive and carries nothing (F09).
        last_ns: when the newest message in order arrives.
    """

    number: int
    is_frozen: bool = False
    last_ns: int = 0


@dataclass(slots=True)
class Client:
    """Whom the network tells; a process that died is told nothing more.

    Attributes:
        answered, opened, heard, lost: what it does with what comes.
        is_alive: False once it was killed.
        waiting: its requests that wait for room under the rate limit, by their ids.
    """

    answered: Callable[[Call, HttpAnswer | CallFailed], None]
    opened: Callable[[], None]
    heard: Callable[[str], None]
    lost: Callable[[str], None]
    is_alive: bool = True
    waiting: dict[int, tuple[Call, Ticket]] = field(default_factory=dict)
    wire: _Wire | None = None
    is_connecting: bool = False


@dataclass
class Network:
    """Carry requests and messages.

    Attributes:
        reaches: told each private request that the exchange is about to see: endpoint, fields.
        leaves: told each request as it goes out, after its wait for the rate limit.
        clock: of the machine that sends, which need not be right.
        troubled_ns: until when something is known to have gone wrong with a request about an
            order, or with a message; true time.
        failed_ns: likewise with any request, views of the account among them.
        n_requests, n_messages: so far; they key the plan's draws.
    """

    heap: Heap
    exchange: Exchange
    plan: FaultPlan
    rules: Mapping[str, CounterRule]
    key: str
    reaches: Callable[[str, Mapping[str, str]], None]
    advance: Callable[[], None]
    leaves: Callable[[Call], None] = _nothing
    clock: Callable[[], int] | None = None
    troubled_ns: int = 0
    failed_ns: int = 0
    limits: LimitState = field(default_factory=LimitState)
    n_requests: int = 0
    n_messages: int = 0
    _wires: dict[int, tuple[Client, _Wire]] = field(default_factory=dict)

    # --- requests -------------------------------------------------------------------------------

    def send(self, client: Client, call: Call) -> None:
        """Send a request as soon as the rate limit has room for it.

        One that takes back another that still waits for room keeps both from leaving.
        """
        held = client.waiting.pop(call.withdraws, None)
        if held is not None:
            other, ticket = held
            self.limits = withdraw(self.limits, ticket.id)
            self._answer(client, other, WITHDRAWN, 0)
            self._answer(client, call, WITHDRAWN, 0)
            return
        ticket = Ticket(
            id=f"{id(client)}-{call.id}",
            priority=call.priority,
            arrival_ns=self._now_ns,
            deadline_ns=call.deadline_ns,
            charges=call.charges,
        )
        client.waiting[call.id] = (call, ticket)
        self._queue(client, call, ticket)

    def _queue(self, client: Client, call: Call, ticket: Ticket) -> None:
        if not client.is_alive or call.id not in client.waiting:
            return
        now_ns = self._now_ns
        for charge in call.charges:
            if charge.bucket not in self.limits.counters:
                empty = {charge.bucket: Counter(0, now_ns)}
                self.limits = LimitState(
                    {**self.limits.counters, **empty},
                    self.limits.paused_until_ns,
                    self.limits.waiting,
                )
        self.limits, decision = poll(self.limits, self.rules, ticket, now_ns)
        if not isinstance(decision, Wait):
            del client.waiting[call.id]
        if isinstance(decision, Granted):
            self._leave(client, call)
        elif isinstance(decision, Wait):
            wait_ns = decision.until_ns - now_ns
            self._note_trouble(call, wait_ns)
            self.heap.after(wait_ns, lambda: self._queue(client, call, ticket))
        else:
            self._answer(client, call, NO_ROOM, 0)

    def pause(self, bucket: str, until_ns: int) -> None:
        """Hold a counter's requests back."""
        self.limits = pause(self.limits, (bucket,), until_ns)

    @property
    def _now_ns(self) -> int:
        """Return what the machine that sends takes for the time."""
        return self.heap.now_ns if self.clock is None else self.clock()

    def trouble(self, until_ns: int) -> None:
        """Take note that something goes wrong until then."""
        self.troubled_ns = max(self.troubled_ns, until_ns)

    def is_whole(self, client: Client | None) -> bool:
        """Tell whether a client hears what the exchange says."""
        wire = None if client is None else client.wire
        return client is not None and client.is_alive and wire is not None and not wire.is_frozen

    def _leave(self, client: Client, call: Call) -> None:
        self.leaves(call)
        fate = self.plan.request_fate(self.n_requests, call.endpoint, self.heap.now_ns)
        self.n_requests += 1
        if fate.answer is Answer.UNRESOLVED:
            failed = CallFailed(is_sent=False, reason="the venue's name was not found")
            self._answer(client, call, failed, LATENCY_NS)
            self._note_trouble(call, LATENCY_NS)
            return
        there_ns = LATENCY_NS + fate.delay_ns
        back_ns = LATENCY_NS + fate.answer_delay_ns
        is_late = there_ns + back_ns > call.timeout_ns
        self.heap.after(there_ns, lambda: self._arrive(client, call, fate, is_late=is_late))
        if is_late or fate.answer is Answer.NONE:
            failed = CallFailed(is_sent=True, reason="no answer in time")
            self._answer(client, call, failed, call.timeout_ns)
            self._note_trouble(call, max(there_ns, call.timeout_ns))
        elif fate.answer is not Answer.WHOLE or fate.delay_ns or fate.answer_delay_ns:
            self._note_trouble(call, there_ns + back_ns)

    def _note_trouble(self, call: Call, lasts_ns: int) -> None:
        until_ns = self.heap.now_ns + lasts_ns
        self.failed_ns = max(self.failed_ns, until_ns)
        if call.endpoint in _OF_ORDERS:
            self.trouble(until_ns)

    def _arrive(self, client: Client, call: Call, fate: RequestFate, *, is_late: bool) -> None:
        body = b""
        if fate.is_carried_out:
            self.advance()
            if call.is_private:
                self.reaches(call.endpoint, call.fields)
                body = self.exchange.private(self.key, call.endpoint, call.fields)
            else:
                body = self.exchange.public(call.endpoint, call.fields)
            self.deliver()
        if is_late or fate.answer is Answer.NONE:
            return
        answer: HttpAnswer | CallFailed = HttpAnswer(_OK, body)
        if fate.answer is Answer.CUT:
            answer = CallFailed(is_sent=True, reason="the answer broke off")
        elif fate.answer is Answer.HTML:
            answer = HttpAnswer(fate.status, _HTML)
        elif fate.answer is Answer.SERVER_ERROR:
            answer = HttpAnswer(fate.status, b"")
        elif fate.answer is Answer.TOO_MANY:
            answer = HttpAnswer(fate.status, _TOO_MANY, fate.retry_after_s)
        elif fate.answer is Answer.BAD_NONCE:
            answer = HttpAnswer(_OK, _BAD_NONCE)
        self._answer(client, call, answer, LATENCY_NS + fate.answer_delay_ns)

    def _answer(
        self, client: Client, call: Call, answer: HttpAnswer | CallFailed, delay_ns: int
    ) -> None:
        def tell() -> None:
            if client.is_alive:
                client.answered(call, answer)

        self.heap.after(delay_ns, tell)

    # --- stream ---------------------------------------------------------------------------------

    def want_stream(self, client: Client, *, is_wanted: bool) -> None:
        """Open or close the client's connection."""
        if is_wanted and client.wire is None and not client.is_connecting:
            client.is_connecting = True
            self.heap.after(2 * LATENCY_NS, lambda: self._connect(client))
        elif not is_wanted and client.wire is not None:
            self._close(client.wire.number)
            client.wire = None

    def _connect(self, client: Client) -> None:
        client.is_connecting = False
        if not client.is_alive or client.wire is not None:
            return
        self.advance()
        number = self.exchange.connect()
        client.wire = _Wire(number)
        self._wires[number] = (client, client.wire)
        client.opened()
        self.deliver()

    def say(self, client: Client, text: str) -> None:
        """Say a text on the client's connection."""
        wire = client.wire
        if wire is not None and not wire.is_frozen:
            self.heap.after(LATENCY_NS, lambda: self._hear(wire, text))

    def _hear(self, wire: _Wire, text: str) -> None:
        if wire.number in self._wires:
            self.advance()
            self.exchange.say(wire.number, text)
            self.deliver()

    def drop(self, client: Client) -> None:
        """Forget a client that died; the exchange sees its connection close."""
        client.is_alive = False
        if client.wire is not None:
            self._close(client.wire.number)

    def deliver(self) -> None:
        """Send out what the exchange has to say."""
        for number, text in self.exchange.take_messages():
            if number in self._wires:
                self._carry(number, text)

    def _carry(self, number: int, text: str) -> None:
        client, wire = self._wires[number]
        now_ns = self.heap.now_ns
        fate = self.plan.message_fate(
            self.n_messages, now_ns, is_partial_fill=is_partial_fill(text)
        )
        self.n_messages += 1
        if fate.link is Link.CUT:
            wire.is_frozen = True
            self._wires.pop(number)
            self.exchange.disconnect(number)
            self.heap.after(LATENCY_NS, lambda: self._break(client, wire))
            return
        wire.is_frozen |= fate.link is Link.FROZEN
        if wire.is_frozen:
            return
        arrives_ns = now_ns + LATENCY_NS + fate.delay_ns
        if fate.delay_ns:
            self.trouble(arrives_ns)
        if not fate.is_overtaken:
            arrives_ns = wire.last_ns = max(arrives_ns, wire.last_ns + _GAP_NS)
        for _ in range(fate.n_copies):
            self.heap.at(arrives_ns, lambda: self._deliver(client, wire, text))

    def _break(self, client: Client, wire: _Wire) -> None:
        """Let a client notice that its connection is gone."""
        if client.is_alive and client.wire is wire:
            client.wire = None
            client.lost("cut")

    def _deliver(self, client: Client, wire: _Wire, text: str) -> None:
        if client.is_alive and client.wire is wire:
            client.heard(text)

    def _close(self, number: int) -> None:
        if number in self._wires:
            client, wire = self._wires.pop(number)
            self.exchange.disconnect(number)
            if client.wire is wire:
                client.wire = None
