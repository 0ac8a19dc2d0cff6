"""What waits for one agent: urgent first, first in first out among equals, and bounded."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from athena.desk.bus._topics import Priority

if TYPE_CHECKING:
    from athena.desk.bus._message import Message

QUEUE_SIZE = 100
# Alerts and vetoes are never dropped, so their number needs a bound of its own: an agent that
# lets so many wait is dead, and its queue is given up as a whole, loudly.
MOST_PROTECTED = 10_000
_Waiting = tuple[int, "Message"]


class MessageQueue:
    """Keep messages by priority; when full, drop the oldest of the lowest priority.

    The one that comes in takes part in that: a queue full of urgent ones drops a low one at once.
    Alerts and vetoes are never dropped; they may fill the queue beyond its size.
    """

    __slots__ = ("_droppable", "_n_came", "_n_droppable", "_n_protected", "_protected", "_size")

    def __init__(self, size: int = QUEUE_SIZE) -> None:
        """Begin empty.

        Args:
            size: number of messages that are kept, alerts and vetoes counted.
        """
        self._size = size
        self._n_came = 0
        self._n_droppable = 0
        self._n_protected = 0
        self._droppable: dict[Priority, deque[_Waiting]] = _lanes()
        self._protected: dict[Priority, deque[_Waiting]] = _lanes()

    def __len__(self) -> int:
        """Return how many wait."""
        return self._n_droppable + self._n_protected

    @property
    def is_hopeless(self) -> bool:
        """Tell whether more alerts and vetoes wait than anybody will read."""
        return self._n_protected > MOST_PROTECTED

    def put(self, message: Message) -> Message | None:
        """Add a message; return the one that was dropped for it, or None."""
        self._n_came += 1
        item = (self._n_came, message)
        if message.type.is_protected:
            self._protected[message.priority].append(item)
            self._n_protected += 1
        else:
            self._droppable[message.priority].append(item)
            self._n_droppable += 1
        if len(self) <= self._size or not self._n_droppable:
            return None
        lowest = next(lane for lane in self._droppable.values() if lane)
        self._n_droppable -= 1
        return lowest.popleft()[1]

    def pop(self) -> Message | None:
        """Take the next message out; None when none waits."""
        for priority in _FROM_URGENT:
            droppable, protected = self._droppable[priority], self._protected[priority]
            if protected and (not droppable or protected[0][0] < droppable[0][0]):
                self._n_protected -= 1
                return protected.popleft()[1]
            if droppable:
                self._n_droppable -= 1
                return droppable.popleft()[1]
        return None

    def drop_expired(self, now_ns: int) -> list[Message]:
        """Take out what has expired, alerts and vetoes included, and return it."""
        expired: list[Message] = []
        for lanes in (self._droppable, self._protected):
            for priority, lane in lanes.items():
                gone = [message for _, message in lane if now_ns >= message.expires_ns]
                if gone:
                    lanes[priority] = deque(item for item in lane if now_ns < item[1].expires_ns)
                    expired += gone
        self._n_droppable = sum(map(len, self._droppable.values()))
        self._n_protected = sum(map(len, self._protected.values()))
        return expired


_FROM_URGENT = tuple(reversed(Priority))


def _lanes() -> dict[Priority, deque[_Waiting]]:
    return {priority: deque() for priority in Priority}
