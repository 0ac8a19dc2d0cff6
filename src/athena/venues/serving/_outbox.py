"""What one stream connection still has to be told, and how its messages fare on the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.venues.faults import Link

if TYPE_CHECKING:
    from athena.venues.faults import MessageFate

_MAX_WAITING = 100_000  # whoever reads slower than this is cut off, as exchanges do


class Outbox:
    """Messages in the order they are delivered; used from one event loop alone."""

    __slots__ = ("_is_ended", "_loop", "_waiting")

    def __init__(self) -> None:
        """Start empty, inside a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[tuple[float, str | Link]] = asyncio.Queue()
        self._is_ended = False

    def put(self, text: str, fate: MessageFate) -> None:
        """Send a message on its way; behind the end of the link nothing is kept."""
        if self._is_ended:
            return
        if self._waiting.qsize() >= _MAX_WAITING:
            self._end(Link.CUT)
        elif fate.link is not Link.KEPT:
            self._end(fate.link)
        elif fate.is_overtaken:
            self._loop.call_later(fate.delay_ns / SECOND_NS, self._enqueue, text, fate.n_copies, 0)
        else:
            self._enqueue(text, fate.n_copies, fate.delay_ns)

    async def take(self) -> str | Link:
        """Wait for the next message, or for how the link ends."""
        due_s, item = await self._waiting.get()
        # A late message keeps those behind it waiting: they share one connection.
        await asyncio.sleep(max(0.0, due_s - self._loop.time()))
        return item

    def _end(self, link: Link) -> None:
        self._is_ended = True
        self._waiting.put_nowait((0.0, link))

    def _enqueue(self, text: str, n_copies: int, delay_ns: int) -> None:
        due_s = self._loop.time() + delay_ns / SECOND_NS
        for _ in range(n_copies):
            self._waiting.put_nowait((due_s, text))
