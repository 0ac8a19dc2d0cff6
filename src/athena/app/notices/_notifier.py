"""One thread that tells people, beside whoever must not wait."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athena.app.notices._outbox import Outbox
from athena.domain import SECOND_NS
from athena.errors import ServiceDown
from athena.platform import get_logger, known_secrets, mask_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.app.notices._channels import Channel
    from athena.app.notices._message import Message
    from athena.app.notices._outbox import Parcel
    from athena.trading.live import Alert


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel is doing.

    Attributes:
        n_sent: messages that arrived.
        n_waiting: entries not told yet.
        n_dropped: alerts that a full queue gave up.
        reason: why the last attempt failed; empty when it did not.
    """

    name: str
    n_sent: int
    n_waiting: int
    n_dropped: int
    reason: str


class Notifier:
    """Take alerts at once and deliver them when the channels answer.

    A message may arrive twice, when an answer got lost; it is lost only when the queue is full
    (the least urgent first, counted and told) or when the process ends before it could be sent.
    """

    def __init__(self, channels: Sequence[Channel], *, origin: str) -> None:
        """Start the thread; it ends with `close`, or with the process.

        Args:
            channels: where to; none is fine.
            origin: which session of which machine speaks.
        """
        self._origin = origin
        self._routes = [(channel, Outbox(channel.urgency_min)) for channel in channels]
        self._turn = 0
        self._has_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="notices", daemon=True)
        self._thread.start()

    def post(self, alert: Alert) -> None:
        """Take an alert; after `close` it is counted as dropped, and nothing else is done."""
        with self._changed:
            for _, outbox in self._routes:
                if self._has_closed:
                    outbox.n_dropped += 1
                else:
                    outbox.add(alert, time.monotonic_ns())
            self._changed.notify()

    def states(self) -> list[ChannelState]:
        """Say how each channel is doing."""
        with self._changed:
            return [
                ChannelState(channel.name, box.n_sent, box.n_waiting, box.n_dropped, box.reason)
                for channel, box in self._routes
            ]

    def close(self, timeout_s: float) -> int:
        """Try everything that waits once more, and stop; return how many entries were not told."""
        with self._changed:
            self._has_closed = True
            self._changed.notify()
        self._thread.join(timeout_s)
        return sum(state.n_waiting for state in self.states())

    def _work(self) -> None:
        last_tries: set[str] = set()
        while True:
            found = self._next(last_tries)
            if found is None:
                return
            channel, outbox, parcel = found
            reason = _deliver(channel, parcel.message)
            with self._changed:
                was_failing = bool(outbox.reason)
                if reason:
                    outbox.failed(parcel, time.monotonic_ns(), reason)
                else:
                    outbox.delivered(parcel)
            _log(channel, reason, was_failing=was_failing)

    def _next(self, last_tries: set[str]) -> tuple[Channel, Outbox, Parcel] | None:
        """Wait for something to send, each channel in its turn; None when all is done.

        Args:
            last_tries: channels that had their last attempt after `close`; added to.
        """
        with self._changed:
            while True:
                now_ns = time.monotonic_ns()
                n_routes = len(self._routes)
                for k in range(n_routes):
                    channel, outbox = self._routes[(self._turn + k) % n_routes]
                    if channel.name in last_tries:
                        continue
                    parcel = outbox.take(self._origin, now_ns, is_last=self._has_closed)
                    if parcel is not None:
                        self._turn = (self._turn + k + 1) % n_routes
                        if self._has_closed:
                            last_tries.add(channel.name)
                        return channel, outbox, parcel
                if self._has_closed:
                    return None
                due_ns = [due for _, outbox in self._routes if (due := outbox.next_ns())]
                wait_ns = max(min(due_ns) - now_ns, 0) if due_ns else None
                self._changed.wait(None if wait_ns is None else wait_ns / SECOND_NS)


def _deliver(channel: Channel, message: Message) -> str:
    """Send a message; return why it did not arrive, empty when it did."""
    secrets = known_secrets()
    masked = replace(
        message, text=mask_text(message.text, secrets), code=mask_text(message.code, secrets)
    )
    try:
        channel.deliver(masked)
    except ServiceDown as error:
        return mask_text(error.message, secrets)
    return ""


def _log(channel: Channel, reason: str, *, was_failing: bool) -> None:
    """Write one line when a channel stops answering, and one when it does again."""
    if bool(reason) == was_failing:
        return
    logger = get_logger("notices")
    if reason:
        logger.warning("a channel does not take notices", channel=channel.name, reason=reason)
    else:
        logger.warning("a channel takes notices again", channel=channel.name)
