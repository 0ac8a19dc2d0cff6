"""The bench of `venue_bench.py` over real sockets: a served exchange and the real transports."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.errors import ServiceDown
from athena.platform import Secret
from athena.trading.live import StreamChanged
from athena.venues.faults import NO_FAULTS
from athena.venues.kraken import Keys, NonceSource, PrivateTransport, Signer, open_stream
from athena.venues.serving import Feed, Host, ServedClock
from tests.venue_bench import KEY, VenueBench, new_exchange
from tests.venue_server import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from athena.venues import Call, CallFailed, HttpAnswer, Step

KEYS = Keys(Secret(KEY), Secret("a" * 88))
_PATIENCE_S = 20.0


class _Served(Host):
    """A host that also does what a test asks, on the thread that owns the exchange."""

    def __init__(self) -> None:
        now_ns = time.time_ns()
        exchange = new_exchange(now_ns=now_ns)
        clock = ServedClock.starting_at(now_ns, 1.0)
        super().__init__(exchange, Feed(iter(()), now_ns), clock, NO_FAULTS)
        self._wishes: list[tuple[Callable[[], None], threading.Event]] = []

    def wish(self, deed: Callable[[], None]) -> None:
        """Have something done, and wait until it is."""
        is_done = threading.Event()
        self._wishes.append((deed, is_done))
        assert is_done.wait(10)

    def advance(self) -> None:
        super().advance()
        while self._wishes:
            deed, is_done = self._wishes.pop(0)
            deed()
            is_done.set()
            super().advance()


class SocketBench(VenueBench):
    """Drive the adapter as a live run does: calls at the same time, one stream, real clocks."""

    def __init__(self) -> None:
        self._host = _Served()
        super().__init__(exchange=self._host.exchange)
        self._stack = ExitStack()
        self._server = self._stack.enter_context(serving(self._host))
        self._runner = self._stack.enter_context(asyncio.Runner())
        signer = Signer(self._server.rest_url, KEYS, NonceSource())
        self._transport = PrivateTransport(self._server.rest_url, signer)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stream: asyncio.Task[None] | None = None
        self._say: asyncio.Queue[str] = asyncio.Queue()
        self.now_ns = time.time_ns()

    def start(self) -> None:
        async def begin() -> None:
            self._apply(self.adapter.begin(self._now()))

        self._runner.run(begin())
        self.wait_for(StreamChanged)

    def do(self, effect: Any) -> None:
        async def hand_over() -> None:
            self._apply(self.adapter.carry_out(effect, self._now()))

        self._runner.run(hand_over())

    def trade(self, symbol: str, price: str, quantity: str = "1000000") -> None:
        self._host.wish(lambda: self.exchange.trade(symbol, Decimal(price), Decimal(quantity)))

    def deposit(self, currency: str, amount: str) -> None:
        self._host.wish(lambda: self.exchange.deposit(KEY, currency, Decimal(amount)))

    def liquidate(self, symbol: str, quantity: str) -> None:
        def sell() -> None:
            self.exchange.liquidate(KEY, symbol, Decimal(quantity))

        self._host.wish(sell)

    def break_stream(self) -> None:
        async def cut() -> None:
            stream, self._stream = self._stream, None
            assert stream is not None
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)
            self._apply(self.adapter.stream_lost("cut", self._now()))

        self._runner.run(cut())

    def run(self, seconds: float) -> None:
        self._runner.run(self._pump(seconds))

    def wait_for(self, kind: Any, match: Callable[[Any], bool] = lambda _: True) -> Any:
        limit_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < limit_s:
            found = [event for event in self.events if isinstance(event, kind) and match(event)]
            if found:
                return found[0]
            self.run(0.01)
        message = f"expected {kind} within {_PATIENCE_S} s, was {self.events[-5:]}"
        raise AssertionError(message)

    def make_calls(self, calls: tuple[Call, ...]) -> list[HttpAnswer | CallFailed]:
        async def make() -> list[HttpAnswer | CallFailed]:
            return [await self._transport.make(call) for call in calls]

        return self._runner.run(make())

    def close(self) -> None:
        async def end() -> None:
            for task in (*self._tasks, *([self._stream] if self._stream else [])):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._stream is not None:
                await asyncio.gather(self._stream, return_exceptions=True)
            await self._transport.__aexit__(None, None, None)

        self._runner.run(end())
        self._stack.close()

    def _now(self) -> int:
        self.now_ns = time.time_ns()
        return self.now_ns

    async def _pump(self, seconds: float) -> None:
        """Let real time pass, with a tick every fifth of a second of it."""
        end_s = time.monotonic() + seconds
        while True:
            self._apply(self.adapter.tick(self._now()))
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, 0.2))

    def _apply(self, step: Step) -> None:
        self.events += step.events
        if step.wants_stream and self._stream is None:
            self._say = asyncio.Queue()
            self._stream = asyncio.create_task(self._keep_stream())
        if not step.wants_stream and self._stream is not None:
            self._stream.cancel()
            self._stream = None
        for text in step.messages:
            self._say.put_nowait(text)
        for call in step.calls:
            task = asyncio.create_task(self._call(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _call(self, call: Call) -> None:
        self.calls.append(call)
        answer = await self._transport.make(call)
        changed = self.fail(call, getattr(answer, "body", b""))
        self._apply(self.adapter.answered(call, changed or answer, self._now()))

    async def _keep_stream(self) -> None:
        url = self._server.stream_url
        try:
            async with open_stream(url, url) as stream, asyncio.TaskGroup() as group:
                group.create_task(self._speak(stream))
                self._apply(self.adapter.stream_opened(self._now()))
                while True:
                    text = await stream.hear()
                    self._apply(self.adapter.heard(text, self._now()))
        except* ServiceDown as errors:
            self._stream = None
            self._apply(self.adapter.stream_lost(str(errors.exceptions[0]), self._now()))

    async def _speak(self, stream: Any) -> None:
        while True:
            await stream.say(await self._say.get())
