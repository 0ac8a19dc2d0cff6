"""What has to hold before new risk is taken, and what does not (D05)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.trading._core import layout as at
from athena.trading._core import limits as limit
from athena.trading.live._degradation import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.trading.live._core import Core

CLOCK_ERROR_MAX_NS = SECOND_NS
_SILENCE_MAX_NS = 10 * SECOND_NS  # a stream that says nothing for longer is not believed
_BLIND_MAX_NS = 180 * SECOND_NS
_CONFIRM_EVERY_NS = 5 * SECOND_NS


@dataclass(slots=True)
class Readiness:
    """What is known of venue, clock and account.

    Attributes:
        is_stream_up: the venue tells us of our orders as they change.
        stream_since_ns: since when without a gap, our clock.
        alive_ns: when the stream spoke last, our clock.
        venue_ahead_ns: the venue's clock less ours; None before it was read.
        differences: what the account shows and the books do not, in words; None before the first
            complete view.
        account_ns: when the account was confirmed last, our clock; 0 never.
        failing_ns: since when views of the account are not complete, our clock; 0 when they are.
        waits_for: what else has to happen first, in words, by name: rules, fees, self-test.
    """

    is_stream_up: bool = False
    stream_since_ns: int = 0
    alive_ns: int = 0
    venue_ahead_ns: int | None = None
    differences: tuple[str, ...] | None = None
    account_ns: int = 0
    failing_ns: int = 0
    waits_for: dict[str, str] = field(default_factory=dict)

    @property
    def is_reconciled(self) -> bool:
        """Tell whether the newest complete view and the books agreed."""
        return self.differences is not None and not self.differences

    def health_bits(self, level: Level) -> int:
        """Return what the risk engine is told."""
        is_clock_off = (
            self.venue_ahead_ns is None or abs(self.venue_ahead_ns) >= CLOCK_ERROR_MAX_NS
        )
        return (
            at.HEALTH_VENUE * (not self.is_stream_up or bool(self.waits_for))
            | at.HEALTH_CLOCK * is_clock_off
            | at.HEALTH_UNRECONCILED * (not self.is_reconciled)
            | at.HEALTH_LIMITED * (level >= Level.LIMITED)
        )

    def confirm(self, now_ns: int) -> int:
        """Return when the account was known last: now, while an unbroken stream speaks.

        The stream alone is not believed for longer than a few views would take, once they fail.
        """
        is_heard = self.is_stream_up and now_ns - self.alive_ns <= _SILENCE_MAX_NS
        is_blind = self.failing_ns > 0 and now_ns - self.failing_ns > _BLIND_MAX_NS
        is_fresh = is_heard and not is_blind
        if is_fresh and self.is_reconciled and now_ns - self.account_ns >= _CONFIRM_EVERY_NS:
            self.account_ns = now_ns
        return self.account_ns

    def findings(self, core: Core, symbols: Sequence[str], now_ns: int) -> list[str]:
        """List in words what keeps new risk from being taken; empty when nothing does."""
        found = list(self.waits_for.values())
        if not self.is_stream_up:
            found.append("the venue's stream of our orders is down")
        if self.venue_ahead_ns is None:
            found.append("the venue's clock was not read yet")
        elif abs(self.venue_ahead_ns) >= CLOCK_ERROR_MAX_NS:
            seconds = self.venue_ahead_ns / SECOND_NS
            found.append(f"the venue's clock is {seconds:+.1f} s from ours; it must be within 1 s")
        if self.differences is None:
            found.append("the account was not reconciled yet")
        else:
            found.extend(f"not reconciled: {text}" for text in self.differences)
        limits = core.s.limits
        if now_ns - self.account_ns >= limits[limit.ACCOUNT_AGE_NS]:
            found.append(f"the account was {_last_seen(self.account_ns, now_ns)}")
        for k, symbol in enumerate(symbols):
            seen_ns = core.s.instruments[k, at.LAST_NS]
            is_old = now_ns - seen_ns >= limits[limit.QUOTE_AGE_NS]
            if core.s.instruments[k, at.LAST] <= 0 or is_old:
                found.append(f"the price of {symbol} was {_last_seen(seen_ns, now_ns)}")
        return found


def _last_seen(then_ns: int, now_ns: int) -> str:
    if then_ns <= 0:
        return "never seen"
    return f"seen last {(now_ns - then_ns) // SECOND_NS} s ago"
