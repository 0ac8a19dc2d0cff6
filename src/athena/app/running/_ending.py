"""Why and when a session stops; signals ask for it, and nothing is torn."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from athena.app._signals import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.app._signals import Caught

_HURRIED_S = 5.0
_PATIENT_S = 30.0
_NEVER_NS = 2**63 - 1


class Ending:
    """Wait for the end, or ask for it; made inside a running event loop.

    Attributes:
        until_ns: the session's clock at which it ends; None is never.
        reason: why, in words; empty before it was asked for.
        signal: number of the signal that asked; 0 for another reason.
    """

    def __init__(self, until_ns: int | None = None) -> None:
        """Begin without a wish to end."""
        self.until_ns = until_ns
        self.reason = ""
        self.signal = 0
        self._event = asyncio.Event()

    @property
    def is_asked(self) -> bool:
        """Tell whether the end was asked for."""
        return self._event.is_set()

    @property
    def last_ns(self) -> int:
        """Return the last moment of the session's clock; as good as never where it has no end."""
        return _NEVER_NS if self.until_ns is None else self.until_ns

    @property
    def patience_s(self) -> float:
        """Return how long to wait for what is under way at the venue."""
        return _HURRIED_S if self.signal else _PATIENT_S

    def ask(self, reason: str, number: int = 0) -> None:
        """Ask for the end; the first reason counts, a signal makes it hurry."""
        self.reason = self.reason or reason
        self.signal = self.signal or number
        self._event.set()

    async def wait(self) -> None:
        """Wait until the end is asked for."""
        await self._event.wait()


@contextmanager
def heeding_signals(ending: Ending, caught: Caught) -> Iterator[None]:
    """Let SIGINT and SIGTERM ask for the end while the block runs; only in the main thread."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        loop.add_signal_handler(number, ending.ask, signal.Signals(number).name, int(number))
    if caught.number:
        ending.ask(caught.name, caught.number)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
