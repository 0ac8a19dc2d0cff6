"""A session and its venue's adapter, joined: what one wants, the other is told; without I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.domain import HOUR_NS, SECOND_NS
from athena.trading.live import (
    AccountSeen,
    Alert,
    Outage,
    PriceSeen,
    QueryAccount,
    StreamChanged,
    Tick,
)
from athena.venues._self_test import SelfTest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from athena.trading.live import Effect, Event, Session
    from athena.venues._contract import Adapter, Call, CallFailed, HttpAnswer, Pause, Step

_ASK_AGAIN_NS = 5 * SECOND_NS
_LOOK_BACK_NS = HOUR_NS


@dataclass(slots=True)
class Output:
    """What is to be done outside, in order.

    Attributes:
        calls: requests to make.
        messages: texts to say on the stream.
        wants_stream: whether the stream shall be open; None leaves it as it is.
        pauses: for the rate limiter.
        alerts: for people.
        failures: what did not work at the venue, in words, while there is no session to tell.
    """

    calls: list[Call] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    wants_stream: bool | None = None
    pauses: list[Pause] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Driver:
    """Join a session and an adapter.

    Without a session it first reads the account and has one opened on it; a session that was taken
    up again is there from the beginning.

    Attributes:
        session: None until the account was read.
    """

    __slots__ = (
        "_adapter",
        "_asked_ns",
        "_is_up",
        "_n_instruments",
        "_open",
        "_prices",
        "_self_test",
        "_view",
        "session",
    )

    def __init__(
        self,
        adapter: Adapter,
        n_instruments: int,
        *,
        session: Session | None = None,
        opener: Callable[[AccountSeen, Mapping[int, int], int], tuple[Session, list[Effect]]],
        needs_self_test: bool = False,
    ) -> None:
        """Join an adapter and a session.

        Args:
            adapter: of the venue.
            n_instruments: of the session.
            session: taken up again; None to begin one.
            opener: `opener(account, prices, now_ns)` begins a session on a complete view, and
                gives what it wants first.
            needs_self_test: no new risk before the venue has checked a test order (live).
        """
        self._adapter = adapter
        self._n_instruments = n_instruments
        self.session = session
        self._open = opener
        self._is_up = False
        self._prices: dict[int, int] = {}
        self._asked_ns = 0
        self._view: AccountSeen | None = None
        self._self_test = SelfTest(is_needed=needs_self_test)
        if session is not None:
            self._self_test.guard(session)

    # --- what happens ---------------------------------------------------------------------------

    def begin(self, now_ns: int) -> Output:
        """Start to talk to the venue."""
        return self._take(self._adapter.begin(now_ns), now_ns)

    def answered(self, call: Call, answer: HttpAnswer | CallFailed, now_ns: int) -> Output:
        """Hear what came of a request."""
        if self.session is not None and self._self_test.owns(call):
            alerts = self._self_test.take(self._adapter, self.session, call, answer, now_ns)
            return Output(alerts=alerts)
        return self._take(self._adapter.answered(call, answer, now_ns), now_ns)

    def stream_opened(self, now_ns: int) -> Output:
        """Hear that the stream is open."""
        return self._take(self._adapter.stream_opened(now_ns), now_ns)

    def heard(self, text: str, now_ns: int) -> Output:
        """Hear one text of the stream."""
        return self._take(self._adapter.heard(text, now_ns), now_ns)

    def stream_lost(self, reason: str, now_ns: int) -> Output:
        """Hear that the stream broke or could not be opened."""
        return self._take(self._adapter.stream_lost(reason, now_ns), now_ns)

    def tick(self, now_ns: int) -> Output:
        """Let time pass; called at least once a second."""
        output = self._take(self._adapter.tick(now_ns), now_ns)
        if self.session is None:
            self._ask_for_account(output, now_ns)
        else:
            tick = Tick(now_ns, self._adapter.venue_ahead_ns)
            self._carry_out(output, self.session.handle(tick, now_ns), now_ns)
            output.calls += self._self_test.calls(self._adapter, self.session, now_ns)
        return output

    def tell(self, event: Event, now_ns: int) -> Output:
        """Tell the session what did not come from the venue; there has to be one."""
        output = Output()
        if self.session is not None:
            self._carry_out(output, self.session.handle(event, now_ns), now_ns)
        return output

    # --- between the two ------------------------------------------------------------------------

    def _take(self, step: Step, now_ns: int) -> Output:
        output = Output()
        self._absorb(output, step, now_ns)
        return output

    def _absorb(self, output: Output, step: Step, now_ns: int) -> None:
        output.calls += step.calls
        output.messages += step.messages
        output.wants_stream = step.wants_stream
        output.pauses += step.pauses
        output.alerts += step.alerts
        for event in step.events:
            if self.session is None:
                self._learn(output, event, now_ns)
            else:
                self._carry_out(output, self.session.handle(event, now_ns), now_ns)

    def _carry_out(self, output: Output, effects: Iterable[Effect], now_ns: int) -> None:
        for effect in effects:
            if isinstance(effect, Alert):
                output.alerts.append(effect)
            else:
                self._absorb(output, self._adapter.carry_out(effect, now_ns), now_ns)

    # --- before there is a session --------------------------------------------------------------

    def _learn(self, output: Output, event: Event, now_ns: int) -> None:
        if isinstance(event, StreamChanged):
            self._is_up = event.is_up
            self._ask_for_account(output, now_ns)
        elif isinstance(event, PriceSeen):
            self._prices[event.instrument] = event.last
            self._ask_for_account(output, now_ns)
        elif isinstance(event, Outage) and event.has_failed:
            output.failures.append(event.reason)
        elif isinstance(event, AccountSeen):
            self._open_session(output, event, now_ns)

    def _ask_for_account(self, output: Output, now_ns: int) -> None:
        """Ask for the account once the stream is up and every instrument has a price."""
        is_time = now_ns - self._asked_ns >= _ASK_AGAIN_NS
        if self._is_up and len(self._prices) == self._n_instruments and is_time:
            self._asked_ns = now_ns
            query = QueryAccount(max(0, now_ns - _LOOK_BACK_NS), is_urgent=True)
            self._absorb(output, self._adapter.carry_out(query, now_ns), now_ns)

    def _open_session(self, output: Output, account: AccountSeen, now_ns: int) -> None:
        if not account.is_complete:
            output.failures.append(account.reason)
            return
        before, self._view = self._view, account
        if before is None or not _agree(before, account):
            # A trade between two questions of one view is in its balances and not in its fills.
            self._asked_ns = 0
            self._ask_for_account(output, now_ns)
            return
        self.session, effects = self._open(account, self._prices, now_ns)
        self._self_test.guard(self.session)
        effects += self.session.handle(StreamChanged(is_up=self._is_up, ts_ns=now_ns), now_ns)
        self._carry_out(output, effects, now_ns)


def _agree(first: AccountSeen, second: AccountSeen) -> bool:
    """Tell whether nothing happened between two views of an account."""
    fills = [{fill.trade_id for fill in view.fills} for view in (first, second)]
    return first.balances == second.balances and fills[0] == fills[1]
