"""What a bus counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.desk.bus._topics import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class TopicStatistics:
    """What became of the messages of a topic.

    Attributes:
        n_published: said here, or come from another process.
        n_delivered: heard by a handler, or taken from an inbox; one for each agent.
        n_dropped: given up for newer or more urgent ones in a full queue.
        n_expired: waited too long for one agent, or came too late for everybody.
        n_errors: raised by a handler or a filter.
    """

    n_published: int
    n_delivered: int
    n_dropped: int
    n_expired: int
    n_errors: int


@dataclass(frozen=True, slots=True)
class BusStatistics:
    """What a bus counted since it began, and what it holds now.

    Attributes:
        topics: one each.
        n_refused: messages that were not valid.
        n_history: messages kept.
        n_waiting: messages in the queues of agents.
        n_unkept: messages that left the history without reaching the archive.
        lost: agents whose queue was given up -> messages in it; see `InboxLost`.
    """

    topics: Mapping[Topic, TopicStatistics]
    n_refused: int
    n_history: int
    n_waiting: int
    n_unkept: int
    lost: Mapping[str, int]


class Tally:
    """Count per topic."""

    __slots__ = ("delivered", "dropped", "errors", "expired", "published")

    def __init__(self) -> None:
        """Begin at 0."""
        self.published: Counter[Topic] = Counter()
        self.delivered: Counter[Topic] = Counter()
        self.dropped: Counter[Topic] = Counter()
        self.expired: Counter[Topic] = Counter()
        self.errors: Counter[Topic] = Counter()

    def read(self) -> dict[Topic, TopicStatistics]:
        """Return what was counted."""
        return {
            topic: TopicStatistics(
                self.published[topic],
                self.delivered[topic],
                self.dropped[topic],
                self.expired[topic],
                self.errors[topic],
            )
            for topic in Topic
        }
