"""What was said lately, in the order of its time, and bounded."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from athena.desk.bus._topics import Topic
from athena.domain import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athena.desk.bus._message import Message

HISTORY_SIZE = 1_000


class History:
    """Keep the newest messages; what comes late is put where its time belongs."""

    __slots__ = ("_all", "_by_topic", "_ids")

    def __init__(self) -> None:
        """Begin empty."""
        self._all: deque[Message] = deque()
        self._by_topic: dict[Topic, deque[Message]] = {topic: deque() for topic in Topic}
        self._ids: set[str] = set()

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._all)

    def __contains__(self, message_id: str) -> bool:
        """Tell whether a message of this id is kept."""
        return message_id in self._ids

    def messages(self, topic: Topic | None = None) -> Iterable[Message]:
        """Return what is kept, oldest first, of one topic or of all."""
        return self._all if topic is None else self._by_topic[topic]

    def add(self, message: Message, now_ns: int) -> list[Message]:
        """Keep a message; return those that left: expired at the old end, or one too many."""
        _insert(self._all, message)
        _insert(self._by_topic[message.topic], message)
        self._ids.add(message.id)
        gone = []
        while self._all and (len(self._all) > HISTORY_SIZE or now_ns >= self._all[0].expires_ns):
            oldest = self._all.popleft()
            self._by_topic[oldest.topic].popleft()
            self._ids.discard(oldest.id)
            gone.append(oldest)
        return gone

    def drop_expired(self, now_ns: int) -> list[Message]:
        """Take out everything that has expired, and return it."""
        gone = [message for message in self._all if now_ns >= message.expires_ns]
        if gone:
            kept = [message for message in self._all if now_ns < message.expires_ns]
            self._all = deque(kept)
            self._ids = {message.id for message in kept}
            for lane in self._by_topic.values():
                lane.clear()
            for message in kept:
                self._by_topic[message.topic].append(message)
        return gone

    def latest(
        self,
        topic: Topic,
        now_ns: int,
        *,
        source: str | None = None,
        symbol: str | None = None,
        max_age_s: int | None = None,
    ) -> Message | None:
        """Return the newest live message of a topic that fits; None when there is none."""
        since_ns = None if max_age_s is None else now_ns - max_age_s * SECOND_NS
        for message in reversed(self._by_topic[topic]):
            if since_ns is not None and message.ts_ns < since_ns:
                return None
            if (
                (source is None or message.source == source)
                and (symbol is None or message.symbol == symbol)
                and message.is_live_at(now_ns)
            ):
                return message
        return None


def _insert(messages: deque[Message], message: Message) -> None:
    """Put a message behind all that are not newer."""
    place = len(messages)
    while place and messages[place - 1].ts_ns > message.ts_ns:
        place -= 1
    messages.insert(place, message)
