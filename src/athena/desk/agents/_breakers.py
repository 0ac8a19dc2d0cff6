"""A breaker per provider: after failures in a row it is left alone for a while."""

from __future__ import annotations

from dataclasses import dataclass

from athena.domain import SECOND_NS


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a breaker opens: failures in a row, and for how long."""

    failures: int = 3
    rest_ns: int = 300 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Breaker:
    """State of one provider.

    Attributes:
        failures: in a row.
        opened_ns: when it was last left alone, UTC; -1 for not now.
    """

    failures: int = 0
    opened_ns: int = -1

    def may_ask(self, now_ns: int, rules: BreakerRules) -> bool:
        """Tell whether the provider may be asked: not within its rest, then once to try."""
        return self.opened_ns < 0 or now_ns - self.opened_ns >= rules.rest_ns

    def after(self, now_ns: int, rules: BreakerRules, *, success: bool) -> Breaker:
        """Return the state after an answer or a failure; a failed trial rests it again."""
        if success:
            return Breaker()
        failures = self.failures + 1
        return Breaker(failures, now_ns if failures >= rules.failures else -1)
