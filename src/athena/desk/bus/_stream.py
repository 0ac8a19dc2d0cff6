"""A desk's stream in JetStream, seen through one connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, urlsplit

from athena.desk.bus._message import MAX_TTL_S
from athena.errors import MissingExtra, ServiceDown

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext
    from nats.js.api import StreamInfo

    from athena.platform import Secret

_EXTRA = "nats"
# The server drops the oldest beyond them.
_STREAM_MESSAGES = 100_000
_STREAM_BYTES = 256 * 2**20
_NODE = "Athena-Node"
_HEADER_BYTES = 1_024  # at most, of a message on its way
_CONNECT_S = 5
_ANSWER_S = 5.0
_WAIT_S = 5.0  # of one question for the next message
_PING_S = 5  # two that are not answered end a connection
_FORGET_S = 60.0  # after which the server forgets a reader that is gone


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server is, and whose messages are carried.

    Attributes:
        url: `nats://` or `tls://` address, without a password.
        desk: name of the desk; those of another name hear nothing of it.
        node: unique to this process, which does not hear itself.
        password: of the user in the address, or a token where it names none; None for neither.
    """

    url: str
    desk: str
    node: str
    password: Secret | None = None

    @property
    def stream(self) -> str:
        """Return the name of the desk's stream."""
        return f"athena-{self.desk}"

    def subject(self, topic: str) -> str:
        """Return the subject of a topic, or of all of them for `*`."""
        return f"athena.{self.desk}.{topic}"


@dataclass(slots=True)
class Reading:
    """How far a process has read, from one connection to the next.

    Attributes:
        next_seq: number of the message to be read next; 0 before it joined.
        joined_seq: the newest when it joined; what follows is new to it.
        made: when the stream was made; another one is read from its start.
    """

    next_seq: int = 0
    joined_seq: int = 0
    made: object = None

    def go_on(self, info: StreamInfo) -> None:
        """Find out where to read on in the stream as it is now."""
        newest = info.state.last_seq
        if not self.next_seq:
            self.next_seq, self.joined_seq = 1, newest
        elif info.created != self.made or newest < self.next_seq - 1:
            self.next_seq, self.joined_seq = 1, 0
        self.made = info.created


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of another process.

    Attributes:
        seq: its number in the stream.
        data: as it came.
        is_new: False when it was said before this process joined.
    """

    seq: int
    data: bytes
    is_new: bool


@dataclass(slots=True)
class _Ending:
    """Remember that a connection ended, and why."""

    closed: asyncio.Event = field(default_factory=asyncio.Event)
    fault: str = ""

    async def on_error(self, error: Exception) -> None:
        """Keep what went wrong."""
        self.fault = str(error) or type(error).__name__

    async def on_closed(self) -> None:
        """Let those know who wait for it."""
        self.closed.set()


@dataclass(frozen=True, slots=True)
class Stream:
    """Send to a desk's stream, and read what other processes sent; `open_stream` makes one."""

    _place: Place
    _reading: Reading
    _client: Client
    _context: JetStreamContext
    _reader: JetStreamContext.PullSubscription
    _ending: _Ending

    @property
    def max_bytes(self) -> int:
        """Return how long a message may be."""
        return self._client.max_payload - _HEADER_BYTES

    async def send(self, message_id: str, topic: str, data: bytes) -> None:
        """Send a message; when this returns, the server keeps it.

        Raises:
            nats.errors.Error: whether it does is not known; sending it again is harmless.
        """
        await self._context.publish(
            self._place.subject(topic),
            data,
            timeout=_ANSWER_S,
            stream=self._place.stream,
            headers={"Nats-Msg-Id": message_id, _NODE: self._place.node},
        )

    async def hear(self) -> Heard:
        """Wait for the next message of another process; it comes again until `done`.

        Raises:
            nats.errors.Error: the connection or the reader is gone.
        """
        import nats.errors

        while True:
            try:
                (found,) = await self._reader.fetch(1, timeout=_WAIT_S)
            except nats.errors.TimeoutError:
                continue
            seq = found.metadata.sequence.stream
            if (found.headers or {}).get(_NODE) != self._place.node:
                return Heard(seq, found.data, seq > self._reading.joined_seq)
            self.done(seq)

    def done(self, seq: int) -> None:
        """Remember that a message was taken in, so that the next one follows."""
        self._reading.next_seq = seq + 1

    async def wait_closed(self) -> NoReturn:
        """Wait until the connection has ended.

        Raises:
            ConnectionError: when it has, with the reason.
        """
        await self._ending.closed.wait()
        raise ConnectionError(self._ending.fault or "the connection was closed")

    async def close(self) -> None:
        """End the connection."""
        await self._client.close()


def check_client() -> None:
    """Refuse to go on without the client.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import nats  # noqa: F401 - whether it is there is all that is asked
    except ImportError as error:
        raise MissingExtra(_EXTRA, package="nats-py", needed_for="a bus over NATS") from error


def server_down(url: str, fault: str) -> ServiceDown:
    """Return the error that says what is wrong with a server, and what to do."""
    message = f"expected a NATS server with JetStream at {url}, was: {fault}"
    return ServiceDown(message, hint="nats-server -js, or correct bus.url")


async def open_stream(place: Place, reading: Reading) -> Stream:
    """Connect, make the stream where there is none, and find the place to read on.

    Raises:
        nats.errors.Error, OSError, TimeoutError: the server does not answer, or refuses.
    """
    ending = _Ending()
    client = await _connect(place, ending)
    try:
        context = client.jetstream(timeout=_ANSWER_S)
        reading.go_on(await _find_or_make(context, place))
        reader = await _make_reader(context, place, reading)
    except BaseException:
        await client.close()
        raise
    return Stream(place, reading, client, context, reader, ending)


async def check_place(place: Place) -> None:
    """Connect, ask whether the server keeps streams, and leave it as it is.

    Raises:
        nats.errors.Error, OSError, TimeoutError: the server does not answer, or refuses.
    """
    client = await _connect(place, _Ending())
    try:
        await client.jetstream(timeout=_ANSWER_S).account_info()
    finally:
        await client.close()


async def _connect(place: Place, ending: _Ending) -> Client:
    from nats.aio.client import Client
    from nats.errors import NoServersError

    client = Client()
    try:
        async with asyncio.timeout(_CONNECT_S):
            await client.connect(
                **_address(place),
                name=f"athena {place.desk}",
                allow_reconnect=False,  # a new connection is a new `Stream`
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=_CONNECT_S,
                ping_interval=_PING_S,
                error_cb=ending.on_error,
                closed_cb=ending.on_closed,
            )
    except NoServersError as error:
        raise ConnectionError(ending.fault) from error
    except BaseException:
        await client.close()
        raise
    return client


def _address(place: Place) -> dict[str, Any]:
    parts = urlsplit(place.url)
    server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    user = unquote(parts.username or "")
    if place.password is None:
        return {"servers": server, "user": user or None}
    if user:
        return {"servers": server, "user": user, "password": place.password.reveal()}
    return {"servers": server, "token": place.password.reveal()}


async def _find_or_make(context: JetStreamContext, place: Place) -> StreamInfo:
    from nats.js.api import StorageType, StreamConfig
    from nats.js.errors import NotFoundError

    try:
        return await context.stream_info(place.stream)
    except NotFoundError:
        return await context.add_stream(
            StreamConfig(
                name=place.stream,
                subjects=[place.subject("*")],
                storage=StorageType.FILE,
                max_age=MAX_TTL_S,
                max_msgs=_STREAM_MESSAGES,
                max_bytes=_STREAM_BYTES,
            )
        )


async def _make_reader(
    context: JetStreamContext, place: Place, reading: Reading
) -> JetStreamContext.PullSubscription:
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

    made = await context.add_consumer(
        place.stream,
        ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=reading.next_seq,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_FORGET_S,
            mem_storage=True,
        ),
    )
    return await context.pull_subscribe_bind(made.name, place.stream)
