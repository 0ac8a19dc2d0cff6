"""HTTP and WebSocket between an engine and a venue, in one event loop."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from athena.app.running._engine import TICK_NS
from athena.domain import SECOND_NS
from athena.errors import RefusedError, ServiceDown, VenueBusy
from athena.platform import RandomIds, get_logger
from athena.venues import NO_ROOM, WITHDRAWN, CallFailed
from athena.venues.kraken import PrivateTransport, open_stream
from athena.venues.limits import Granted, Ticket, Wait

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from athena.app.running._ending import Ending
    from athena.app.running._engine import Engine
    from athena.platform import Clock
    from athena.venues import Call, HttpAnswer, Pause
    from athena.venues.kraken import Signer, StreamTransport
    from athena.venues.limits import RateLimiter

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_FLUSH_WITHIN_S = 0.03
_TICK_MIN_S = 0.02  # a clock that runs fast must not eat the processor
_ANSWER_MIN_S = 0.5
_SILENCE_S = 10.0
_SILENCE_MIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a venue is.

    Attributes:
        rest: of REST, without a path.
        private_stream, public_stream: of the streams; they may be one.
    """

    rest: str
    private_stream: str
    public_stream: str


def addresses_of(rest: str) -> Addresses:
    """Return where the streams of a REST address are: Kraken's, or a local exchange's."""
    parts = urlsplit(rest)
    if is_this_machine(rest):
        stream = f"ws://{parts.netloc}/v2"
        return Addresses(rest, stream, stream)
    domain = (parts.hostname or "").removeprefix("api.")
    return Addresses(rest, f"wss://ws-auth.{domain}/v2", f"wss://ws.{domain}/v2")


def is_this_machine(address: str) -> bool:
    """Tell whether an address cannot lead to another machine."""
    return urlsplit(address).hostname in _LOOPBACK


class SocketWires:
    """Requests at the same time, one stream; all that comes back is told in the loop's thread.

    A clock that runs `speed` times as fast as the wall's makes waits shorter, but no shorter than
    a machine needs.
    """

    def __init__(
        self,
        addresses: Addresses,
        signer: Signer,
        limiter: RateLimiter,
        *,
        clock: Clock,
        speed: float = 1.0,
    ) -> None:
        """Prepare; nothing is opened before `run`.

        Args:
            addresses: of the venue.
            signer: for private calls.
            limiter: of the account, on the same clock.
            clock: that engine and venue live by.
            speed: seconds of the clock in one of the wall's.
        """
        self._addresses = addresses
        self._limiter = limiter
        self._clock = clock
        self._speed = speed
        self._ids = RandomIds()
        self._transport = PrivateTransport(addresses.rest, signer)
        self._tasks: set[asyncio.Task[None]] = set()
        # Calls of which not a byte has left, by id.
        self._waiting: dict[int, tuple[Call, asyncio.Task[None]]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._engine: Engine | None = None
        self._stream: asyncio.Task[None] | None = None
        self._texts: asyncio.Queue[str] = asyncio.Queue()
        self._unwritten = asyncio.Event()

    @property
    def now_ns(self) -> int:
        """Return the time that engine and venue live by."""
        return self._clock.now_ns()

    @property
    def speed_reached(self) -> float:
        """Return the speed of the clock: it is the venue's, and waits for nobody."""
        return self._speed

    async def run(self, engine: Engine, ending: Ending) -> None:
        """Let an engine trade until the end is asked for, then wind down.

        Raises:
            ExceptionGroup: of what the engine raised.
        """
        self._engine = engine
        async with self._transport, asyncio.TaskGroup() as group:
            self._group = group
            self.spawn(self._tick(engine, ending))
            self.spawn(self._flush(engine))
            engine.begin(self.now_ns)
            self._told(engine)
            await ending.wait()
            engine.wind_down(self.now_ns, ending.reason)
            until_s = time.monotonic() + ending.patience_s
            while not engine.is_quiet and time.monotonic() < until_s:  # noqa: ASYNC110 - many things make it quiet
                await asyncio.sleep(_TICK_MIN_S)
            self._group = self._engine = None
            for task in self._tasks:
                task.cancel()
        engine.flush()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """Let something run besides, until the end; what it raises ends everything.

        Returns:
            What runs; None when it is the end already.
        """
        if self._group is None:
            work.close()
            return None
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- wires ----------------------------------------------------------------------------------

    def send(self, call: Call) -> None:
        """Make a request as soon as the rate limit has room for it.

        One that takes back another of which not a byte has left keeps both from leaving.
        """
        held = self._waiting.pop(call.withdraws, None)
        if held is not None:
            other, waiter = held
            waiter.cancel()
            self.spawn(self._take_back(other, call))
            return
        task = self.spawn(self._make(call))
        if task is not None:
            self._waiting[call.id] = (call, task)

    def say(self, text: str) -> None:
        """Say a text on the stream."""
        self._texts.put_nowait(text)

    def want_stream(self, *, is_wanted: bool) -> None:
        """Open the stream, or close it."""
        if is_wanted and self._stream is None and self._group is not None:
            self._texts = asyncio.Queue()
            self._stream = self._group.create_task(self._keep_stream(self._texts))
            self._tasks.add(self._stream)
            self._stream.add_done_callback(self._tasks.discard)
        elif not is_wanted and self._stream is not None:
            stream, self._stream = self._stream, None
            stream.cancel()

    def pause(self, pause: Pause) -> None:
        """Hold a counter's requests back, those of other processes too."""
        self.spawn(self._hold(pause))

    # --- requests -------------------------------------------------------------------------------

    async def _make(self, call: Call) -> None:
        answer: HttpAnswer | CallFailed | None = await self._room(call)
        if answer is None:
            timeout_ns = max(call.timeout_ns / self._speed, _ANSWER_MIN_S * SECOND_NS)
            answer = await self._transport.make(
                replace(call, timeout_ns=int(timeout_ns)),
                on_leaving=lambda: self._left(call),
            )
        self._left(call)
        self._answered(call, answer)

    def _left(self, call: Call) -> None:
        self._waiting.pop(call.id, None)

    async def _take_back(self, *calls: Call) -> None:
        for call in calls:
            self._answered(call, WITHDRAWN)

    def _answered(self, call: Call, answer: HttpAnswer | CallFailed) -> None:
        if self._engine is not None:
            self._engine.answered(call, answer, self._clock.now_ns())
            self._told(self._engine)

    async def _hold(self, pause: Pause) -> None:
        try:
            await asyncio.to_thread(self._limiter.pause, (pause.bucket,), pause.until_ns)
        except RefusedError as error:  # the venue says it again
            get_logger("athena.session").warning("a pause was not shared", why=error.message)

    async def _room(self, call: Call) -> CallFailed | None:
        """Wait for room under the rate limit; say why when there will be none in time."""
        now_ns = self._clock.now_ns()
        ticket = Ticket(self._ids.next_id(), call.priority, now_ns, call.deadline_ns, call.charges)
        while True:
            try:
                decision = await asyncio.to_thread(self._limiter.ask, ticket)
            except (VenueBusy, RefusedError) as error:
                return CallFailed(is_sent=False, reason=error.message)
            if isinstance(decision, Granted):
                return None
            if not isinstance(decision, Wait):
                return NO_ROOM
            rest_ns = max(0, decision.until_ns - self._clock.now_ns())
            try:
                await asyncio.sleep(rest_ns / SECOND_NS / self._speed)
            except asyncio.CancelledError:
                self.spawn(self._leave_queue(ticket.id))  # the others need not wait for it
                raise

    async def _leave_queue(self, ticket_id: str) -> None:
        try:
            await asyncio.to_thread(self._limiter.withdraw, ticket_id)
        except RefusedError as error:  # its place is given up soon anyway
            get_logger("athena.session").warning("a turn was not given back", why=error.message)

    # --- stream ---------------------------------------------------------------------------------

    async def _keep_stream(self, texts: asyncio.Queue[str]) -> None:
        """Keep the stream open until it breaks; whoever wants another says so."""
        private, public = self._addresses.private_stream, self._addresses.public_stream
        silence_s = max(_SILENCE_MIN_S, _SILENCE_S / self._speed)
        reasons: list[str] = []
        try:
            async with (
                open_stream(private, public, silence_s=silence_s) as stream,
                asyncio.TaskGroup() as group,
            ):
                group.create_task(_speak(stream, texts))
                await self._listen(stream)
        except* ServiceDown as errors:
            reasons += [str(error) for error in leaves(errors)]
        engine = self._engine
        if engine is not None and self._stream is asyncio.current_task():
            self._stream = None
            engine.stream_lost("; ".join(reasons), self._clock.now_ns())
            self._told(engine)

    async def _listen(self, stream: StreamTransport) -> None:
        engine = self._engine
        if engine is None:
            return
        engine.stream_opened(self._clock.now_ns())
        self._told(engine)
        while True:
            text = await stream.hear()
            engine.heard(text, self._clock.now_ns())
            self._told(engine)

    # --- time -----------------------------------------------------------------------------------

    async def _tick(self, engine: Engine, ending: Ending) -> None:
        pause_s = max(_TICK_MIN_S, TICK_NS / SECOND_NS / self._speed)
        while True:
            engine.tick(self._clock.now_ns())
            if ending.until_ns is not None and self.now_ns >= ending.until_ns:
                ending.ask("the duration is over")
            self._told(engine)
            await asyncio.sleep(pause_s)

    async def _flush(self, engine: Engine) -> None:
        """Write what is not written within 50 ms."""
        while True:
            await self._unwritten.wait()
            await asyncio.sleep(_FLUSH_WITHIN_S)
            self._unwritten.clear()
            engine.flush()

    def _told(self, engine: Engine) -> None:
        if engine.has_unwritten:
            self._unwritten.set()


async def _speak(stream: StreamTransport, texts: asyncio.Queue[str]) -> None:
    while True:
        await stream.say(await texts.get())


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """List the errors of a group, those of its groups included."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
