"""Signals that come while a command gets ready; importing this costs nothing."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Caught:
    """SIGINT and SIGTERM of a start: they end it at once, and none is lost.

    What a handler raises may be swallowed by whoever is interrupted (an import, a destructor), so
    the signal is noted too.

    Attributes:
        number: of the first signal; 0 for none.
        is_starting: nothing was begun yet, so that a signal may interrupt whatever it finds.
    """

    def __init__(self) -> None:
        """Begin without a signal."""
        self.number = 0
        self.is_starting = True

    @property
    def name(self) -> str:
        """Return the name of the first signal; empty for none."""
        return signal.Signals(self.number).name if self.number else ""

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal.

        Raises:
            Interrupted: nothing was begun yet.
        """
        self.number = self.number or number
        self.check()

    def check(self) -> None:
        """Go no further with a start that was interrupted.

        Raises:
            Interrupted: a signal has come.
        """
        if self.number and self.is_starting:
            raise Interrupted(self.name)


class Interrupted(BaseException):
    """A start was interrupted; nothing was sent."""


@contextmanager
def catching_signals() -> Iterator[Caught]:
    """Catch SIGINT and SIGTERM while the block runs; only in the main thread."""
    caught = Caught()
    before = {number: signal.signal(number, caught.take) for number in SIGNALS}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
