"""Who takes part, what they want to hear, and what waits for them; no lock, no call of theirs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.desk.bus._message import EVERYONE
from athena.desk.bus._protocol import InboxLost
from athena.desk.bus._queue import MessageQueue
from athena.desk.bus._topics import Topic
from athena.errors import InputError

if TYPE_CHECKING:
    from athena.desk.bus._message import Message
    from athena.desk.bus._protocol import Filter, Handler
    from athena.desk.bus._statistics import Tally


@dataclass(slots=True, eq=False)
class Member:
    """An agent that takes part.

    Attributes:
        name: unique.
        handler: called with each message; None for one that looks into its inbox.
        queue: what waits for it.
        is_busy: whether its handler runs, in whichever thread.
        n_lost: messages that were given up and that it was not told of.
    """

    name: str
    handler: Handler | None
    queue: MessageQueue = field(default_factory=MessageQueue)
    is_busy: bool = False
    n_lost: int = 0


class Members:
    """Keep the agents of a bus, with subscriptions and queues."""

    def __init__(self, tally: Tally) -> None:
        """Begin without any.

        Args:
            tally: where drops and expiries are counted.
        """
        self._tally = tally
        self._members: dict[str, Member] = {}
        self._subscribers: dict[Topic, dict[str, Filter | None]] = {topic: {} for topic in Topic}
        self.lost: Counter[str] = Counter()

    @property
    def n_waiting(self) -> int:
        """Return how many messages wait in all queues."""
        return sum(len(member.queue) for member in self._members.values())

    def add(self, agent: str, handler: Handler | None) -> None:
        """Let an agent take part; see `Bus.register`."""
        if not agent or agent == EVERYONE or agent in self._members:
            message = f"expected the name of an agent that is not registered, was {agent!r}"
            raise InputError(message)
        self._members[agent] = Member(agent, handler)

    def remove(self, agent: str) -> None:
        """Forget an agent."""
        member = self._members.pop(agent, None)
        if member is not None:
            member.queue = MessageQueue()
        for subscribers in self._subscribers.values():
            subscribers.pop(agent, None)

    def clear(self) -> None:
        """Forget all agents."""
        for agent in list(self._members):
            self.remove(agent)

    def find(self, agent: str) -> Member:
        """Return an agent.

        Raises:
            InputError: it is not registered.
        """
        member = self._members.get(agent)
        if member is None:
            message = f"expected an agent that is registered, was {agent!r}"
            raise InputError(message, hint="register it on the bus first")
        return member

    def subscribe(self, agent: str, topic: Topic, accepts: Filter | None) -> None:
        """Let an agent hear a topic; see `Bus.subscribe`."""
        self.find(agent)
        if agent in self._subscribers[topic]:
            message = f"expected one subscription of {agent} to {topic}, was a second"
            raise InputError(message)
        self._subscribers[topic][agent] = accepts

    def unsubscribe(self, agent: str, topic: Topic) -> None:
        """End a subscription."""
        self._subscribers[topic].pop(agent, None)

    def invited(self, message: Message) -> list[tuple[Member, Filter | None]]:
        """Return whom a message is for, each with the filter that it has to pass."""
        if message.target != EVERYONE:
            member = self._members.get(message.target)
            return [] if member is None else [(member, None)]
        return [
            (self._members[agent], accepts)
            for agent, accepts in self._subscribers[message.topic].items()
            if agent != message.source
        ]

    def enqueue(self, member: Member, message: Message, now_ns: int) -> bool:
        """Let a message wait for an agent; False when the agent has left meanwhile."""
        if self._members.get(member.name) is not member:
            return False
        dropped = member.queue.put(message)
        if dropped is not None:
            self._tally.dropped[dropped.topic] += 1
        if member.queue.is_hopeless:
            self._drop_expired_of(member, now_ns)
        if member.queue.is_hopeless:
            member.n_lost += len(member.queue)
            self.lost[member.name] += len(member.queue)
            member.queue = MessageQueue()
        return dropped is not message

    def pop(self, member: Member, now_ns: int) -> Message | None:
        """Take out the next message that has not expired; None when none waits."""
        while (message := member.queue.pop()) is not None:
            if now_ns < message.expires_ns:
                return message
            self._tally.expired[message.topic] += 1
        return None

    def take_all(self, agent: str, now_ns: int) -> tuple[Message, ...]:
        """Take everything out of an inbox; see `Bus.take`."""
        member = self.find(agent)
        if member.n_lost:
            message = f"expected {agent} to read its inbox, was {member.n_lost:,} messages behind"
            member.n_lost = 0
            raise InboxLost(message, hint="they were given up: look at the history, and why")
        found = []
        while (next_one := self.pop(member, now_ns)) is not None:
            self._tally.delivered[next_one.topic] += 1
            found.append(next_one)
        return tuple(found)

    def drop_expired(self, now_ns: int) -> None:
        """Forget what has expired in all queues."""
        for member in self._members.values():
            self._drop_expired_of(member, now_ns)

    def _drop_expired_of(self, member: Member, now_ns: int) -> None:
        for message in member.queue.drop_expired(now_ns):
            self._tally.expired[message.topic] += 1
