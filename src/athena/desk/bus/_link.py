"""The thread that carries messages to other processes and back, and outlives their server."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from athena.desk.bus._message import encode_message
from athena.desk.bus._queue import MessageQueue
from athena.desk.bus._stream import Reading, check_client, open_stream, server_down
from athena.errors import AthenaError, InputError
from athena.platform import get_logger

if TYPE_CHECKING:
    from athena.desk.bus._message import Message
    from athena.desk.bus._stream import Place, Stream
    from athena.platform import Clock

OUTBOX_SIZE = 10_000
_OPEN_S = 10.0
_CLOSE_S = 2.0
_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)  # between attempts to connect; the last one repeats


@dataclass(frozen=True, slots=True)
class LinkState:
    """How the way to other processes is.

    Attributes:
        is_connected: whether the server answers now.
        n_sent: messages that the server keeps.
        n_waiting: messages that wait for it.
        n_given_up: messages that expired or were dropped while they waited.
        n_heard: messages of other processes.
        n_refused: messages of other processes that were not valid, or led to an endless exchange.
        last_fault: why it was last disconnected; empty when it never was.
    """

    is_connected: bool
    n_sent: int
    n_waiting: int
    n_given_up: int
    n_heard: int
    n_refused: int
    last_fault: str


class Receiver(Protocol):
    """Take in what other processes say."""

    def __call__(self, data: bytes, *, is_new: bool) -> None:
        """Take in a message.

        Args:
            data: as it came.
            is_new: False when it was said before this process joined.

        Raises:
            AthenaError: it is not valid, or led to an endless exchange.
        """
        ...


class Link:
    """Send messages to a stream and receive those of other processes, in a thread of its own.

    A connection that fails is made anew, for ever. Meanwhile messages wait, urgent ones first, and
    what others say is read afterwards from where reading stopped. A message that is sent again
    because its acknowledgement was lost has the same id and is kept once.
    """

    def __init__(self, place: Place, receive: Receiver, clock: Clock) -> None:
        """Prepare; `open` connects.

        Raises:
            MissingExtra: the client is not installed.
        """
        check_client()
        self._place = place
        self._receive = receive
        self._clock = clock
        self._changed = threading.Condition()  # guards all that both threads touch
        self._outbox = MessageQueue(OUTBOX_SIZE)
        self._sending: Message | None = None
        self._max_bytes = 0
        self._is_connected = False
        self._n_sent = self._n_given_up = self._n_heard = self._n_refused = 0
        self._fault = ""
        self._bell: _Bell | None = None  # while the thread runs
        self._is_closing = False
        self._reading = Reading()  # of the thread alone
        self._thread = threading.Thread(target=self._work, name="bus", daemon=True)

    def open(self) -> None:
        """Start, and wait until messages go both ways.

        Raises:
            ServiceDown: the server does not answer, or refuses.
        """
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._is_connected or self._fault, _OPEN_S)
            is_open, fault = self._is_connected, self._fault or "no answer in time"
        if not is_open:
            self.close()
            raise server_down(self._place.url, fault)

    def check_size(self, data: bytes) -> None:
        """Refuse a message that the server would not take.

        Raises:
            InputError: it is too long.
        """
        if len(data) > self._max_bytes:
            message = f"expected a message of at most {self._max_bytes:,} bytes, was {len(data):,}"
            raise InputError(message)

    def send(self, message: Message) -> None:
        """Let a message go out as soon as it can."""
        with self._changed:
            if self._outbox.put(message) is not None:
                self._n_given_up += 1
            if self._outbox.is_hopeless:
                self._n_given_up += len(self._outbox.drop_expired(self._clock.now_ns()))
            if self._outbox.is_hopeless:
                # A day without a server, at an alert every ten seconds: nobody waits for them.
                n_lost = len(self._outbox)
                self._n_given_up += n_lost
                self._outbox = MessageQueue(OUTBOX_SIZE)
                get_logger("athena.bus").error("alerts were not sent", n=n_lost, why=self._fault)
            self._ring()

    def flush(self, timeout_s: float) -> bool:
        """Wait until nothing waits any more; False when it took too long."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._outbox and self._sending is None, timeout_s
            )

    def state(self) -> LinkState:
        """Return how it is."""
        with self._changed:
            return LinkState(
                is_connected=self._is_connected,
                n_sent=self._n_sent,
                n_waiting=len(self._outbox) + (self._sending is not None),
                n_given_up=self._n_given_up,
                n_heard=self._n_heard,
                n_refused=self._n_refused,
                last_fault=self._fault,
            )

    def close(self) -> None:
        """Send what waits, for two seconds at most, and end; a second call does nothing."""
        if self.state().is_connected:
            self.flush(_CLOSE_S)
        with self._changed:
            self._is_closing = True
            self._ring()
        self._thread.join(_OPEN_S)

    def _ring(self) -> None:
        """Wake the thread; `_changed` is held."""
        if self._bell is not None:
            self._bell.ring()

    def _work(self) -> None:
        try:
            asyncio.run(self._stay_connected())
        finally:
            with self._changed:
                self._bell = None
                self._is_connected = False
                self._changed.notify_all()

    async def _stay_connected(self) -> None:
        from nats.errors import Error

        bell = _Bell()
        with self._changed:
            self._bell = bell
        n_failed = 0
        while not self._is_closing:
            try:
                stream = await open_stream(self._place, self._reading)
                n_failed = 0
                await self._carry(stream, bell)
            except (Error, OSError, TimeoutError) as error:
                self._disconnected(str(error) or type(error).__name__)
                pause_s = _PAUSES_S[min(n_failed, len(_PAUSES_S) - 1)]
                n_failed += 1
                await asyncio.sleep(pause_s)

    async def _carry(self, stream: Stream, bell: _Bell) -> None:
        """Send and hear until the connection ends or this process does."""
        with self._changed:
            self._is_connected = True
            self._max_bytes = stream.max_bytes
            self._changed.notify_all()
        jobs = [
            asyncio.create_task(stream.wait_closed()),
            asyncio.create_task(self._send_all(stream, bell)),
            asyncio.create_task(self._hear_all(stream)),
        ]
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in jobs:
            job.cancel()
        # A message that comes in this moment can swallow the cancellation, a closed stream cannot.
        await stream.close()
        for ended in await asyncio.gather(*jobs, return_exceptions=True):
            if isinstance(ended, Exception) and not self._is_closing:
                raise ended

    async def _send_all(self, stream: Stream, bell: _Bell) -> None:
        while not self._is_closing:
            message = self._next_to_send()
            if message is None:
                await bell.wait()
                continue
            await stream.send(message.id, message.topic, encode_message(message))
            with self._changed:
                self._sending = None
                self._n_sent += 1
                self._changed.notify_all()

    def _next_to_send(self) -> Message | None:
        """Return the message that was under way when a connection ended, else the next one."""
        with self._changed:
            now_ns = self._clock.now_ns()
            message = self._sending or self._outbox.pop()
            while message is not None and not message.is_live_at(now_ns):
                self._n_given_up += 1
                message = self._outbox.pop()
            self._sending = message
            if message is None:
                self._changed.notify_all()
            return message

    async def _hear_all(self, stream: Stream) -> None:
        while True:
            heard = await stream.hear()
            try:
                # Handlers may take their time; pings and what is to be sent may not.
                await asyncio.to_thread(self._receive, heard.data, is_new=heard.is_new)
            except AthenaError as error:
                get_logger("athena.bus").warning("a message was refused", why=error.message)
                with self._changed:
                    self._n_refused += 1
            else:
                with self._changed:
                    self._n_heard += 1
            stream.done(heard.seq)

    def _disconnected(self, fault: str) -> None:
        with self._changed:
            was_connected, self._is_connected = self._is_connected, False
            self._fault = fault
            self._changed.notify_all()
        if was_connected:
            get_logger("athena.bus").warning("the bus server is gone", why=fault)


class _Bell:
    """Let any thread wake the one that runs the loop in which this was made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def ring(self) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody is asleep
            self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self) -> None:
        await self._rung.wait()
        self._rung.clear()
