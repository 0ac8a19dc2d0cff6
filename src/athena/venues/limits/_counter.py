"""A counter that rises with each request and falls with time, in integers, so that it is exact."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from athena.domain import SECOND_NS, to_units
from athena.errors import InputError

# Units of one point. A decay of 0.01 points a second is then one unit a nanosecond.
POINT = 10**11
_DECAY_STEP = Decimal(SECOND_NS) / POINT


@dataclass(frozen=True, slots=True)
class CounterRule:
    """How high a counter may stand, and how fast it falls.

    In any span of `t` ns the points that pass are at most `capacity + decay_per_ns * t`: burst
    and refill are one figure, never added twice (C05).

    Attributes:
        capacity: units, > 0.
        decay_per_ns: units, > 0.
    """

    capacity: int
    decay_per_ns: int

    @classmethod
    def of(cls, points: int, decay_per_s: Decimal) -> CounterRule:
        """Make a rule from whole points and their decay a second.

        Raises:
            InputError: not above 0, or a decay finer than 0.01 points a second.
        """
        if points <= 0 or decay_per_s <= 0:
            message = f"expected points and decay > 0, was {points} and {decay_per_s}"
            raise InputError(message)
        return cls(points * POINT, to_units(decay_per_s, _DECAY_STEP, what="decay a second"))


@dataclass(frozen=True, slots=True)
class Counter:
    """Where a counter stood at a time.

    Attributes:
        level: units, >= 0.
        at_ns: UTC nanoseconds.
    """

    level: int
    at_ns: int

    def moved_to(self, now_ns: int, rule: CounterRule) -> Counter:
        """Let it fall until now; a clock that was set back makes it fall no further (F14)."""
        elapsed_ns = max(0, now_ns - self.at_ns)
        return Counter(max(0, self.level - elapsed_ns * rule.decay_per_ns), now_ns)

    def below_at_ns(self, level: int, rule: CounterRule) -> int:
        """Return when it stands at a level or below it; never before its own time."""
        too_much = max(0, self.level - level)
        return self.at_ns + -(-too_much // rule.decay_per_ns)
