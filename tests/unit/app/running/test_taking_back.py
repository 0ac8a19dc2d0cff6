"""Requests that wait for the rate limit are taken back before they leave (I10)."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from athena.app.running._sockets import SocketWires, addresses_of
from athena.domain import SECOND_NS
from athena.platform import Secret, VirtualClock
from athena.venues import WITHDRAWN, Call, CallFailed, HttpAnswer
from athena.venues.kraken import Keys, NonceSource, Signer
from athena.venues.limits import Granted, Priority, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.app.running._engine import Engine
    from athena.venues.limits import Decision, RateLimiter, Ticket

NOW = 1_700_000_000 * SECOND_NS


@dataclass
class Full:
    """A rate limit without room for orders that add risk."""

    withdrawn: list[str] = field(default_factory=list)
    asked: list[Ticket] = field(default_factory=list)

    def ask(self, ticket: Ticket) -> Decision:
        self.asked.append(ticket)
        is_free = ticket.priority is Priority.PROTECT
        return Granted() if is_free else Wait(NOW + 3_600 * SECOND_NS)

    def withdraw(self, ticket_id: str) -> None:
        self.withdrawn.append(ticket_id)


@dataclass
class Heard:
    """An engine that only listens."""

    answers: list[tuple[int, HttpAnswer | CallFailed]] = field(default_factory=list)
    has_unwritten: bool = False

    def answered(self, call: Call, answer: HttpAnswer | CallFailed, now_ns: int) -> None:
        del now_ns
        self.answers.append((call.id, answer))


@dataclass
class Transport:
    """Takes everything, and says when it leaves."""

    made: list[int] = field(default_factory=list)

    async def make(self, call: Call, on_leaving: Callable[[], None]) -> HttpAnswer:
        on_leaving()
        self.made.append(call.id)
        return HttpAnswer(200, b"")


def call(number: int, priority: Priority, *, withdraws: int = 0) -> Call:
    return Call(
        number, "AddOrder", {}, True, priority, (), NOW + 10**12, SECOND_NS, withdraws
    )  # fmt: skip


async def joined(wires: SocketWires, heard: Heard, n_answers: int, *calls: Call) -> None:
    """Send calls, wait for the answers, and end."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        wires._group, wires._engine = group, cast("Engine", heard)
        for item in calls:
            wires.send(item)
            await asyncio.sleep(0)
        while len(heard.answers) < n_answers:  # noqa: ASYNC110 - an engine that only listens
            await asyncio.sleep(0.001)
        while wires._waiting and n_answers == 0:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.001)
        wires._group = None


def new_wires(limiter: Full, transport: Transport) -> SocketWires:
    address = "http://127.0.0.1:1"
    keys = Keys(Secret("k"), Secret(base64.b64encode(b"s").decode()))
    wires = SocketWires(
        addresses_of(address),
        Signer(address, keys, NonceSource()),
        cast("RateLimiter", limiter),
        clock=VirtualClock(NOW),
    )
    cast("Any", wires)._transport = transport
    return wires


def test_an_order_that_waits_is_taken_back_and_neither_it_nor_its_cancel_leaves() -> None:
    limiter, heard, transport = Full(), Heard(), Transport()
    wires = new_wires(limiter, transport)
    order = call(1, Priority.TRADE)
    asyncio.run(joined(wires, heard, 2, order, call(2, Priority.PROTECT, withdraws=1)))
    assert heard.answers == [(1, WITHDRAWN), (2, WITHDRAWN)]
    assert transport.made == []


def test_a_cancel_of_an_order_that_has_left_leaves_too() -> None:
    limiter, heard, transport = Full(), Heard(), Transport()
    wires = new_wires(limiter, transport)

    async def run() -> None:
        await joined(wires, heard, 1, call(1, Priority.PROTECT))
        await joined(wires, heard, 2, call(2, Priority.PROTECT, withdraws=1))

    asyncio.run(run())
    assert transport.made == [1, 2]
    assert wires._waiting == {}
