"""The time that a served exchange lives in."""

from __future__ import annotations

import time
from dataclasses import dataclass

from athena.domain import SECOND_NS


@dataclass(frozen=True, slots=True)
class ServedClock:
    """Served time: it starts at a moment and runs `speed` times as fast as the wall's.

    Attributes:
        origin_ns: served time at the start, UTC nanoseconds.
        started_ns: reading of the machine's steady clock at the start.
        speed: seconds of served time per second, > 0.
    """

    origin_ns: int
    started_ns: int
    speed: float = 1.0

    @classmethod
    def starting_at(cls, origin_ns: int, speed: float) -> ServedClock:
        """Start now."""
        return cls(origin_ns, time.monotonic_ns(), speed)

    def now_ns(self) -> int:
        """Return the served time, UTC nanoseconds; it never goes backwards."""
        elapsed_ns = time.monotonic_ns() - self.started_ns
        return self.origin_ns + int(elapsed_ns * self.speed)

    def wall_s(self, served_ns: int) -> float:
        """Return how long a span of served time lasts, in seconds."""
        return served_ns / self.speed / SECOND_NS
