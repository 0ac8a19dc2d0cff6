"""A clock that nobody waits for: things happen at their time, in the order they were planned."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Heap:
    """What will happen, by time; among equals, what was planned first.

    Attributes:
        now_ns: the time of what happens now.
    """

    __slots__ = ("_n_planned", "_queue", "now_ns")

    def __init__(self, now_ns: int) -> None:
        """Begin at a time."""
        self.now_ns = now_ns
        self._queue: list[tuple[int, int, Callable[[], object]]] = []
        self._n_planned = 0

    def at(self, when_ns: int, act: Callable[[], object]) -> None:
        """Plan something; what is late happens next."""
        self._n_planned += 1
        heapq.heappush(self._queue, (max(when_ns, self.now_ns), self._n_planned, act))

    def after(self, delay_ns: int, act: Callable[[], object]) -> None:
        """Plan something for later."""
        self.at(self.now_ns + delay_ns, act)

    def step(self, until_ns: int) -> bool:
        """Let the next thing happen, if it is due by `until_ns`; False when nothing is."""
        if not self._queue or self._queue[0][0] > until_ns:
            self.now_ns = max(self.now_ns, until_ns)
            return False
        self.now_ns, _, act = heapq.heappop(self._queue)
        act()
        return True
