"""Why and when a session stops; signals ask for it, and nothing is torn."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HURRIED_S = 5.0
_PATIENT_S = 30.0


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
def heeding_signals(ending: Ending) -> Iterator[None]:
    """Let SIGINT and SIGTERM ask for the end while the block runs; only in the main thread."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        loop.add_signal_handler(number, ending.ask, signal.Signals(number).name, int(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
