"""The bus of one process."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.desk.bus._history import History
from athena.desk.bus._members import Members
from athena.desk.bus._message import CLOCK_TOLERANCE_NS, check_message
from athena.desk.bus._statistics import BusStatistics, Tally
from athena.domain import MINUTE_NS
from athena.errors import AthenaError, InputError, ServiceDown
from athena.platform import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athena.desk.bus._members import Member
    from athena.desk.bus._message import Message
    from athena.desk.bus._protocol import Archive, Filter, Handler
    from athena.desk.bus._topics import Topic
    from athena.platform import Clock

_SWEEP_NS = MINUTE_NS
# What left the history and waits for the archive; beyond it the oldest is given up.
_LEAVING_SIZE = 10_000
# Messages that handlers may cause before the first publisher goes on; more is a circle.
_MOST_HANDLED = 10_000


@dataclass(slots=True)
class _Round:
    """What one thread delivers before it goes on with its own work."""

    waiting: deque[Member]
    failed: Counter[str] = field(default_factory=Counter)  # message -> handlers that raised
    n_handled: int = 0

    def count(self, member: Member, message: Message) -> None:
        """Count a message that is handed over; raise when there is no end of them."""
        self.n_handled += 1
        if self.n_handled > _MOST_HANDLED:
            text = (
                f"expected handlers to come to an end, was over {_MOST_HANDLED:,} messages in one "
                f"go, the last one on {message.topic} for {member.name}"
            )
            raise AthenaError(text, hint="two agents answer each other's answers")


class _Current(threading.local):
    round: _Round | None = None


class LocalBus:
    """Carry messages inside a process; see `Bus`. Any thread may call any method."""

    def __init__(self, clock: Clock, archive: Archive | None = None) -> None:
        """Begin without agents.

        Args:
            clock: decides what has expired.
            archive: gets what leaves the history; None keeps nothing.
        """
        self._clock = clock
        self._archive = archive
        self._lock = threading.Lock()  # held for a moment, never while code of others runs
        self._tally = Tally()
        self._members = Members(self._tally)
        self._history = History()
        self._leaving: deque[Message] = deque()
        self._n_refused = self._n_unkept = 0
        self._swept_ns = clock.now_ns()
        self._current = _Current()

    def register(self, agent: str, handler: Handler | None = None) -> None:
        """Let an agent take part; see `Bus.register`."""
        with self._lock:
            self._members.add(agent, handler)

    def unregister(self, agent: str) -> None:
        """Forget an agent; see `Bus.unregister`."""
        with self._lock:
            self._members.remove(agent)

    def subscribe(self, agent: str, topic: Topic, accepts: Filter | None = None) -> None:
        """Let an agent hear a topic; see `Bus.subscribe`."""
        with self._lock:
            self._members.subscribe(agent, topic, accepts)

    def unsubscribe(self, agent: str, topic: Topic) -> None:
        """End a subscription; see `Bus.unsubscribe`."""
        with self._lock:
            self._members.unsubscribe(agent, topic)

    def publish(self, message: Message) -> int:
        """Judge a message, keep it and deliver it; see `Bus.publish`."""
        self.judge(message)
        return self.deliver(message)

    def judge(self, message: Message) -> None:
        """Refuse a message that may not be said here; see `Bus.publish`."""
        try:
            check_message(message)
            self.check_time(message)
            with self._lock:
                self._members.find(message.source)
                self._check_new(message)
        except InputError:
            with self._lock:
                self._n_refused += 1
            raise

    def check_time(self, message: Message) -> None:
        """Refuse a message that comes from the future, which only a wrong clock can make.

        Raises:
            InputError: it does.
        """
        now_ns = self._clock.now_ns()
        if message.ts_ns > now_ns + CLOCK_TOLERANCE_NS:
            text = (
                f"expected a message of {now_ns} ns or earlier from {message.source}, "
                f"was of {message.ts_ns}"
            )
            raise InputError(text, hint="set the clocks of both machines")

    def deliver(self, message: Message, *, is_for_agents: bool = True) -> int:
        """Keep and deliver a message that was judged already, here or where it comes from.

        Args:
            message: one that is known already, has expired or is from the future is passed over.
            is_for_agents: False puts it into the history only.

        Returns:
            How many agents it reached; see `Bus.publish`.
        """
        with self._lock:
            now_ns = self._clock.now_ns()
            if not self._keep(message, now_ns):
                return 0
            invited = self._members.invited(message) if is_for_agents else []
        willing = [one for one, accepts in invited if self._is_accepted(accepts, one, message)]
        with self._lock:
            reached = [one for one in willing if self._members.enqueue(one, message, now_ns)]
        n_failed = self._dispatch((one for one in reached if one.handler), message.id)
        return len(reached) - n_failed

    def take(self, agent: str) -> tuple[Message, ...]:
        """Take everything out of an inbox; see `Bus.take`."""
        with self._lock:
            return self._members.take_all(agent, self._clock.now_ns())

    def get_latest(
        self,
        topic: Topic,
        *,
        source: str | None = None,
        symbol: str | None = None,
        max_age_s: int | None = None,
    ) -> Message | None:
        """Return the newest live message that fits; see `Bus.get_latest`."""
        with self._lock:
            return self._history.latest(
                topic, self._clock.now_ns(), source=source, symbol=symbol, max_age_s=max_age_s
            )

    def history(self, topic: Topic | None = None) -> tuple[Message, ...]:
        """Return the live messages that are kept; see `Bus.history`."""
        with self._lock:
            now_ns = self._clock.now_ns()
            return tuple(m for m in self._history.messages(topic) if m.is_live_at(now_ns))

    def sweep(self) -> int:
        """Forget what has expired, and archive what left; see `Bus.sweep`."""
        with self._lock:
            n_gone = self._drop_expired(self._clock.now_ns())
        self._archive_leaving()
        return n_gone

    def statistics(self) -> BusStatistics:
        """Return what was counted; see `Bus.statistics`."""
        with self._lock:
            return BusStatistics(
                topics=self._tally.read(),
                n_refused=self._n_refused,
                n_history=len(self._history),
                n_waiting=self._members.n_waiting,
                n_unkept=self._n_unkept,
                lost=dict(self._members.lost),
            )

    def close(self) -> None:
        """Archive what is kept and let go of everything; see `Bus.close`."""
        with self._lock:
            self._leave(self._history.messages())
            self._history = History()
            self._members.clear()
        self._archive_leaving()

    def _check_new(self, message: Message) -> None:
        if message.id in self._history:
            text = f"expected a new message, was one with the id of another, {message.id}"
            raise InputError(text)

    def _keep(self, message: Message, now_ns: int) -> bool:
        """Put a message into the history; False when nobody is to hear it."""
        if message.id in self._history:
            return False
        self._tally.published[message.topic] += 1
        if not message.is_live_at(now_ns):
            self._tally.expired[message.topic] += 1
            return False
        self._leave(self._history.add(message, now_ns))
        if now_ns - self._swept_ns >= _SWEEP_NS:
            self._drop_expired(now_ns)
        return True

    def _is_accepted(self, accepts: Filter | None, member: Member, message: Message) -> bool:
        if accepts is None:
            return True
        try:
            return accepts(message)
        except Exception as error:  # noqa: BLE001 - one agent's fault is not the others'
            self._count_error(member, message, error)
            return False

    def _dispatch(self, members: Iterable[Member], message_id: str) -> int:
        """Let handlers work off their queues; return how many raised at a message.

        What a handler publishes is queued at once and handled when it has returned, so that no
        handler runs inside another, however long the chain (DK-37).
        """
        current = self._current.round
        if current is not None:
            current.waiting.extend(members)
            return 0
        this = self._current.round = _Round(deque(members))
        try:
            while this.waiting:
                self._work_off(this.waiting.popleft(), this)
        finally:
            self._current.round = None
        return this.failed[message_id]

    def _work_off(self, member: Member, this: _Round) -> None:
        if member.handler is None or not self._occupy(member):
            return
        try:
            while (message := self._next_for(member)) is not None:
                this.count(member, message)
                self._hand_over(member.handler, member, message, this)
        except BaseException:
            member.is_busy = False
            raise

    def _hand_over(self, handler: Handler, member: Member, message: Message, this: _Round) -> None:
        try:
            handler(message)
        except Exception as error:  # noqa: BLE001 - one agent's fault is not the others'
            this.failed[message.id] += 1
            self._count_error(member, message, error)
            return
        with self._lock:
            self._tally.delivered[message.topic] += 1

    def _occupy(self, member: Member) -> bool:
        with self._lock:
            if member.is_busy:
                return False
            member.is_busy = True
            return True

    def _next_for(self, member: Member) -> Message | None:
        """Return what an agent handles next; without any it is free, in the same moment."""
        with self._lock:
            message = self._members.pop(member, self._clock.now_ns())
            member.is_busy = message is not None
            return message

    def _count_error(self, member: Member, message: Message, error: Exception) -> None:
        with self._lock:
            self._tally.errors[message.topic] += 1
        get_logger("athena.bus").error(
            "an agent failed at a message",
            agent=member.name,
            topic=message.topic,
            message=message.id,
            error=repr(error),
        )

    def _drop_expired(self, now_ns: int) -> int:
        self._swept_ns = now_ns
        gone = self._history.drop_expired(now_ns)
        self._leave(gone)
        self._members.drop_expired(now_ns)
        return len(gone)

    def _leave(self, messages: Iterable[Message]) -> None:
        if self._archive is None:
            return
        self._leaving.extend(messages)
        while len(self._leaving) > _LEAVING_SIZE:
            self._leaving.popleft()
            self._n_unkept += 1

    def _archive_leaving(self) -> None:
        if self._archive is None:
            return
        with self._lock:
            leaving = list(self._leaving)
            self._leaving.clear()
        if not leaving:
            return
        try:
            self._archive.keep(leaving, self._clock.now_ns())
        except ServiceDown as error:
            get_logger("athena.bus").warning("messages wait for the archive", why=error.message)
            with self._lock:
                newer = list(self._leaving)
                self._leaving.clear()
                self._leave([*leaving, *newer])
