"""What every bus promises, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from athena.desk.bus._message import Message
from athena.errors import AthenaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.desk.bus._statistics import BusStatistics
    from athena.desk.bus._topics import Topic

Handler = Callable[[Message], None]
Filter = Callable[[Message], bool]


class InboxLost(AthenaError):  # noqa: N818 - the name says what happened, as in `athena.errors`
    """Report that an agent let so many alerts and vetoes wait that its queue was given up."""


class Archive(Protocol):
    """Keep messages that leave the history."""

    def keep(self, messages: Sequence[Message], now_ns: int) -> None:
        """Keep messages; one that is kept already is left as it is.

        Raises:
            ServiceDown: none was kept; trying again later may help.
        """
        ...


class Bus(Protocol):
    """Carry messages between the agents of a desk.

    An agent is called (`handler`) or looks into its inbox (`take`). Either way at most 100
    messages wait for it, urgent ones first and first in first out inside a priority; a full queue
    drops the oldest of the lowest priority, never an alert or a veto. What has expired reaches
    nobody.

    A handler runs in the thread that publishes, outside any lock, and never twice at a time; it
    may publish. What it raises is logged and counted, and hinders nobody else.
    """

    def register(self, agent: str, handler: Handler | None = None) -> None:
        """Let an agent take part; without a handler it looks into its inbox.

        Raises:
            InputError: another one has this name, or it is `*` or no name.
        """
        ...

    def unregister(self, agent: str) -> None:
        """Forget an agent, its subscriptions and what waits for it; one not known is no error."""
        ...

    def subscribe(self, agent: str, topic: Topic, accepts: Filter | None = None) -> None:
        """Let an agent hear what is said to everyone on a topic, or what a filter lets through.

        What is said to the agent itself reaches it without.

        Raises:
            InputError: the agent is not registered, or has subscribed to the topic.
        """
        ...

    def unsubscribe(self, agent: str, topic: Topic) -> None:
        """End a subscription; none is no error."""
        ...

    def publish(self, message: Message) -> int:
        """Judge a message, keep it in the history and deliver it.

        Returns:
            How many agents of this process it reached: handlers that did not raise, and queues
            that took it. 0 for one that has expired.

        Raises:
            InputError: it is not valid, is from the future, was published before, or its source is
                not registered; nothing was done.
            AthenaError: handlers answered each other without end.
        """
        ...

    def take(self, agent: str) -> tuple[Message, ...]:
        """Take everything out of an agent's inbox, urgent first.

        Raises:
            InputError: the agent is not registered.
            InboxLost: its queue was given up since the last call.
        """
        ...

    def get_latest(
        self,
        topic: Topic,
        *,
        source: str | None = None,
        symbol: str | None = None,
        max_age_s: int | None = None,
    ) -> Message | None:
        """Return the newest live message of a topic that fits; None when there is none."""
        ...

    def history(self, topic: Topic | None = None) -> tuple[Message, ...]:
        """Return the live messages that are kept, at most 1,000 of all topics, oldest first."""
        ...

    def sweep(self) -> int:
        """Forget what has expired and hand what left the history to the archive.

        To be called every minute, by the thread that the archive belongs to; publishing forgets
        too, but leaves the archive alone.

        Returns:
            How many messages left the history.
        """
        ...

    def statistics(self) -> BusStatistics:
        """Return what was counted."""
        ...

    def close(self) -> None:
        """Archive what is kept and let go of everything; a second call does nothing."""
        ...
