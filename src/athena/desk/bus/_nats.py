"""The bus of several processes: the one of each process, joined through NATS JetStream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.desk.bus._link import Link
from athena.desk.bus._local import LocalBus
from athena.desk.bus._message import decode_message, encode_message

if TYPE_CHECKING:
    from athena.desk.bus._link import LinkState
    from athena.desk.bus._message import Message
    from athena.desk.bus._protocol import Archive, Filter, Handler
    from athena.desk.bus._statistics import BusStatistics
    from athena.desk.bus._stream import Place
    from athena.desk.bus._topics import Topic
    from athena.platform import Clock


class NatsBus:
    """Carry messages between processes; see `Bus`. Any thread may call any method.

    Agents of this process hear each other at once, server or not. Everything that is said goes to
    the stream of the desk as well, from which every other process hears it; its handlers run in a
    thread of the bus there.

    Who joins finds in the history what was said before and still counts. To its agents only the
    alerts and vetoes of it are delivered: what asks for risk is not repeated to somebody new.
    """

    def __init__(self, place: Place, clock: Clock, archive: Archive | None = None) -> None:
        """Connect.

        Args:
            place: where the server is.
            clock: decides what has expired; those of all processes are to agree to a second.
            archive: gets what leaves the history; None keeps nothing.

        Raises:
            MissingExtra: the client is not installed.
            ServiceDown: the server does not answer, or refuses.
        """
        self._local = LocalBus(clock, archive)
        self._link = Link(place, self._hear, clock)
        self._link.open()

    def register(self, agent: str, handler: Handler | None = None) -> None:
        """Let an agent of this process take part; see `Bus.register`."""
        self._local.register(agent, handler)

    def unregister(self, agent: str) -> None:
        """Forget an agent; see `Bus.unregister`."""
        self._local.unregister(agent)

    def subscribe(self, agent: str, topic: Topic, accepts: Filter | None = None) -> None:
        """Let an agent hear a topic; see `Bus.subscribe`."""
        self._local.subscribe(agent, topic, accepts)

    def unsubscribe(self, agent: str, topic: Topic) -> None:
        """End a subscription; see `Bus.unsubscribe`."""
        self._local.unsubscribe(agent, topic)

    def publish(self, message: Message) -> int:
        """Judge a message, deliver it here and send it to the others; see `Bus.publish`.

        Raises:
            InputError: also for one that is too long for the server.
        """
        self._local.judge(message)
        self._link.check_size(encode_message(message))
        # Before the agents here hear it: what they answer must not overtake it on its way.
        self._link.send(message)
        return self._local.deliver(message)

    def take(self, agent: str) -> tuple[Message, ...]:
        """Take everything out of an inbox; see `Bus.take`."""
        return self._local.take(agent)

    def get_latest(
        self,
        topic: Topic,
        *,
        source: str | None = None,
        symbol: str | None = None,
        max_age_s: int | None = None,
    ) -> Message | None:
        """Return the newest live message that fits; see `Bus.get_latest`."""
        return self._local.get_latest(topic, source=source, symbol=symbol, max_age_s=max_age_s)

    def history(self, topic: Topic | None = None) -> tuple[Message, ...]:
        """Return the live messages that are kept; see `Bus.history`."""
        return self._local.history(topic)

    def sweep(self) -> int:
        """Forget what has expired, and archive what left; see `Bus.sweep`."""
        return self._local.sweep()

    def statistics(self) -> BusStatistics:
        """Return what was counted in this process; see `Bus.statistics`."""
        return self._local.statistics()

    def link(self) -> LinkState:
        """Return how the way to other processes is."""
        return self._link.state()

    def flush(self, timeout_s: float) -> bool:
        """Wait until the server keeps all that was said; False when it took too long."""
        return self._link.flush(timeout_s)

    def close(self) -> None:
        """Send what waits, for two seconds at most, archive and let go; see `Bus.close`."""
        self._link.close()
        self._local.close()

    def _hear(self, data: bytes, *, is_new: bool) -> None:
        message = decode_message(data)
        self._local.check_time(message)
        is_for_agents = is_new or message.type.is_protected
        self._local.deliver(message, is_for_agents=is_for_agents)
