"""A seeded plan: pure questions, answered by draws whose key is what was asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS, SECOND_NS
from athena.errors import InputError
from athena.venues.faults._draws import draw, pick
from athena.venues.faults._fates import Answer, ExchangeEvent, Link, MessageFate, RequestFate
from athena.venues.faults._menu import SWITCHED_FAULTS, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PUBLIC = frozenset(
    {"Time", "SystemStatus", "Assets", "AssetPairs", "Ticker", "OHLC", "Depth", "Trades", "Spread"}
)
# Which fault decides when several strike the same request: what leaves the least evidence first.
_REQUEST_ORDER = (
    Fault.TIMEOUT_BEFORE_ACCEPT,
    Fault.TIMEOUT_AFTER_ACCEPT,
    Fault.SERVER_ERROR,
    Fault.HTML_ANSWER,
    Fault.CUT_BODY,
    Fault.TOO_MANY_REQUESTS,
    Fault.BAD_NONCE,
)
_SIMPLE_FAILURES = {
    Fault.TIMEOUT_BEFORE_ACCEPT: RequestFate(Answer.NONE, is_carried_out=False),
    Fault.TIMEOUT_AFTER_ACCEPT: RequestFate(Answer.NONE),
    Fault.CUT_BODY: RequestFate(Answer.CUT),
    Fault.BAD_NONCE: RequestFate(Answer.BAD_NONCE, is_carried_out=False),
}
_SERVER_ERRORS = (500, 502, 503, 504, 520)
_HTML_STATUSES = (200, 502, 503)
_SLOW_DOWN_STATUSES = (429, 429, 418, 200)
_MAX_RETRY_AFTER_S = 5
_MAX_LAG_NS = 30 * SECOND_NS
_MAX_JUMP_NS = 20 * SECOND_NS
_MAX_SHOWN = 5
_PPM = 1_000_000
_CHOICES = 2**32


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Say what goes wrong, when.

    Nothing is remembered between questions: the fate of request 17 is the same whatever was asked
    before it, and switching one fault off leaves the draws of the others as they are.

    Attributes:
        seed: of every draw; 0 is a seed.
        rates: fault -> probability in [0, 1] each time that it can strike: per request, stream
            message, partial fill, or `period_ns` for what switches on and off; absent is never.
        from_ns, until_ns: faults strike in [from_ns, until_ns), the exchange's clock; None is for
            ever. What is switched on ends by then.
        period_ns: a switched fault is on at most once in each.
        max_delay_ns: longest delay of a late or overtaken request or message.
    """

    seed: int
    rates: Mapping[Fault, float] = field(default_factory=dict)
    from_ns: int = 0
    until_ns: int | None = None
    period_ns: int = MINUTE_NS
    max_delay_ns: int = 8 * SECOND_NS

    def __post_init__(self) -> None:
        """Refuse rates and times that mean nothing.

        Raises:
            InputError: a rate outside [0, 1] or not a number, or a time out of range.
        """
        for fault, rate in self.rates.items():
            if not (math.isfinite(rate) and 0 <= rate <= 1):
                message = f"expected the rate of {fault} from 0 to 1, was {rate}"
                raise InputError(message)
        if self.period_ns < SECOND_NS or self.max_delay_ns < 0:
            message = "expected a period >= 1 s and a delay >= 0, "
            message += f"was {self.period_ns} ns and {self.max_delay_ns} ns"
            raise InputError(message)
        if self.until_ns is not None and self.until_ns < self.from_ns:
            message = f"expected faults to end after {self.from_ns} ns, was {self.until_ns} ns"
            raise InputError(message)
        object.__setattr__(self, "rates", MappingProxyType(dict(self.rates)))

    def strikes(self, fault: Fault, counter: int, now_ns: int) -> bool:
        """Tell whether a fault strikes the `counter`-th time that it could."""
        rate = self.rates.get(fault, 0.0)
        return rate > 0 and self._is_time(now_ns) and draw(self.seed, fault, counter) < rate

    def pick(self, fault: Fault, counter: int, low: int, high: int) -> int:
        """Draw a whole number from [low, high] for a fault that struck: where, how much."""
        return pick(self.seed, low, high, fault, counter, "pick")

    def request_fate(self, counter: int, endpoint: str, now_ns: int) -> RequestFate:
        """Say what happens to the `counter`-th request (F01, F02, F04, F05, F07, F08, F20).

        Args:
            counter: of all requests, or of an account's, as the caller counts.
            endpoint: such as `AddOrder`; a public one carries no nonce.
            now_ns: the exchange's clock.
        """
        if self.is_on(Fault.NAME_RESOLUTION, now_ns):
            return RequestFate(Answer.UNRESOLVED, is_carried_out=False)
        for fault in _REQUEST_ORDER:
            is_possible = fault is not Fault.BAD_NONCE or endpoint not in _PUBLIC
            if is_possible and self.strikes(fault, counter, now_ns):
                return self._failure(fault, counter)
        return RequestFate(
            delay_ns=self._delay(Fault.REORDERED, counter, now_ns),
            answer_delay_ns=self._delay(Fault.LATE, counter, now_ns),
        )

    def message_fate(
        self, counter: int, now_ns: int, *, is_partial_fill: bool = False
    ) -> MessageFate:
        """Say what happens to the `counter`-th stream message (F03, F04, F05, F09, F18).

        Args:
            counter: of all messages, or of a connection's, as the caller counts.
            now_ns: the exchange's clock.
            is_partial_fill: the message reports a fill that leaves its order working.
        """
        cut = Fault.PARTIAL_FILL_THEN_DISCONNECT
        if is_partial_fill and self.strikes(cut, counter, now_ns):
            return MessageFate(Link.CUT)
        if self.strikes(Fault.HALF_OPEN_SOCKET, counter, now_ns):
            return MessageFate(Link.FROZEN)
        n_copies = 2 if self.strikes(Fault.DUPLICATE, counter, now_ns) else 1
        overtaken_ns = self._delay(Fault.REORDERED, counter, now_ns, "message")
        late_ns = self._delay(Fault.LATE, counter, now_ns, "message")
        is_overtaken = overtaken_ns > 0
        delay_ns = overtaken_ns if is_overtaken else late_ns
        return MessageFate(n_copies=n_copies, delay_ns=delay_ns, is_overtaken=is_overtaken)

    def is_on(self, fault: Fault, now_ns: int) -> bool:
        """Tell whether a fault that switches on and off is on."""
        span = self._span(fault, now_ns // self.period_ns)
        return span is not None and span[0] <= now_ns < span[1]

    def exchange_events(self, from_ns: int, until_ns: int) -> list[ExchangeEvent]:
        """List what happens to the exchange itself in (from_ns, until_ns], by time (F06, F10-F14).

        Asked piece by piece or at once, the events are the same. Also F20: the venue's name is
        not found while it is on.
        """
        from_ns = max(from_ns, self.from_ns - 1)
        until_ns = until_ns if self.until_ns is None else min(until_ns, self.until_ns)
        if until_ns <= from_ns or not self.rates:
            return []
        periods = range(from_ns // self.period_ns, until_ns // self.period_ns + 1)
        events = [event for period in periods for event in self._events(period)]
        inside = [event for event in events if from_ns < event.at_ns <= until_ns]
        return sorted(inside, key=lambda event: (event.at_ns, event.is_on, event.fault))

    def _events(self, period: int) -> Iterator[ExchangeEvent]:
        for fault in SWITCHED_FAULTS:
            span = self._span(fault, period)
            if span is not None:
                yield ExchangeEvent(span[0], fault, is_on=True, amount=self._amount(fault, period))
                yield ExchangeEvent(span[1], fault, is_on=False)
        fault = Fault.VENUE_LIQUIDATION
        at_ns = period * self.period_ns + self.pick(fault, period, 1, self.period_ns - 1)
        if self.strikes(fault, period, at_ns):
            share_ppm = pick(self.seed, _PPM // 10, _PPM, fault, period, "share")
            choice = pick(self.seed, 0, _CHOICES - 1, fault, period, "choice")
            yield ExchangeEvent(at_ns, fault, is_on=True, amount=share_ppm, choice=choice)

    def _span(self, fault: Fault, period: int) -> tuple[int, int] | None:
        """Return when a switched fault is on within a period: [start, end), or None."""
        if fault not in self.rates:
            return None
        third = self.period_ns // 3
        start_ns = period * self.period_ns + pick(self.seed, 1, third, fault, period, "start")
        if not self.strikes(fault, period, start_ns):
            return None
        end_ns = start_ns + pick(self.seed, third // 4, third, fault, period, "length")
        return start_ns, end_ns if self.until_ns is None else min(end_ns, self.until_ns)

    def _amount(self, fault: Fault, period: int) -> int:
        if fault is Fault.CLOCK_JUMP:
            sign = 2 * self.pick(fault, period, 0, 1) - 1
            return sign * pick(self.seed, SECOND_NS, _MAX_JUMP_NS, fault, period, "jump")
        if fault is Fault.STALE_SNAPSHOT:
            return self.pick(fault, period, SECOND_NS, _MAX_LAG_NS)
        if fault is Fault.SHORT_HISTORY:
            return self.pick(fault, period, 1, _MAX_SHOWN)
        return 0

    def _failure(self, fault: Fault, counter: int) -> RequestFate:
        if fault in _SIMPLE_FAILURES:
            return _SIMPLE_FAILURES[fault]
        is_carried_out = bool(pick(self.seed, 0, 1, fault, counter, "after"))
        if fault is Fault.HTML_ANSWER:
            status = _HTML_STATUSES[self.pick(fault, counter, 0, len(_HTML_STATUSES) - 1)]
            return RequestFate(Answer.HTML, is_carried_out=is_carried_out, status=status)
        if fault is Fault.SERVER_ERROR:
            status = _SERVER_ERRORS[self.pick(fault, counter, 0, len(_SERVER_ERRORS) - 1)]
            return RequestFate(Answer.SERVER_ERROR, is_carried_out=is_carried_out, status=status)
        status = _SLOW_DOWN_STATUSES[self.pick(fault, counter, 0, len(_SLOW_DOWN_STATUSES) - 1)]
        hint_s = pick(self.seed, 0, _MAX_RETRY_AFTER_S, fault, counter, "hint") or None
        return RequestFate(
            Answer.TOO_MANY, is_carried_out=False, status=status, retry_after_s=hint_s
        )

    def _delay(self, fault: Fault, counter: int, now_ns: int, what: str = "request") -> int:
        # Requests and messages are counted apart, so their draws must not share a key.
        rate = self.rates.get(fault, 0.0)
        if rate == 0 or not self._is_time(now_ns):
            return 0
        if draw(self.seed, fault, counter, what) >= rate or self.max_delay_ns == 0:
            return 0
        # Cubed, because most delays are short and a few are very long.
        share = draw(self.seed, fault, counter, what, "delay")
        return 1 + int(share * share * share * (self.max_delay_ns - 1))

    def _is_time(self, now_ns: int) -> bool:
        return self.from_ns <= now_ns and (self.until_ns is None or now_ns < self.until_ns)


NO_FAULTS = FaultPlan(seed=0)
