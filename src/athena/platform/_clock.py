"""Clocks: everything that needs the time is handed one, so that a test can replace it (A12)."""

from __future__ import annotations

import time
from typing import Protocol

from athena.errors import InputError


class Clock(Protocol):
    """Tell the time."""

    def now_ns(self) -> int:
        """Return UTC nanoseconds since 1970."""
        ...


class SystemClock:
    """Tell the machine's time."""

    __slots__ = ()

    def now_ns(self) -> int:
        """Return UTC nanoseconds since 1970."""
        return time.time_ns()


class SteadyClock:
    """Tell the machine's time of its making, and how much has passed since.

    Whoever sets the machine's clock does not move it: a process that counts on time neither stands
    still nor jumps. How far it is from a venue's clock is measured elsewhere.
    """

    __slots__ = ("_made_ns", "_monotonic_ns")

    def __init__(self) -> None:
        """Begin at the machine's time."""
        self._made_ns = time.time_ns()
        self._monotonic_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        """Return UTC nanoseconds since 1970."""
        return self._made_ns + time.monotonic_ns() - self._monotonic_ns


class VirtualClock:
    """Tell the time it was set to; it never goes backwards."""

    __slots__ = ("_now_ns",)

    def __init__(self, now_ns: int = 0) -> None:
        """Start at a time, UTC nanoseconds since 1970."""
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return UTC nanoseconds since 1970."""
        return self._now_ns

    def set(self, now_ns: int) -> None:
        """Move to a time.

        Raises:
            InputError: the time lies before the present one.
        """
        if now_ns < self._now_ns:
            message = f"expected a time not before {self._now_ns} ns, was {now_ns}"
            raise InputError(message)
        self._now_ns = now_ns

    def advance(self, duration_ns: int) -> None:
        """Move forward by a duration.

        Raises:
            InputError: the duration is negative.
        """
        self.set(self._now_ns + duration_ns)
