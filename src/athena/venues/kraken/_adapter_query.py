"""One reading of the account at a time; a wish that comes meanwhile is remembered."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from athena.errors import AthenaError
from athena.trading.live import QueryAccount
from athena.venues.kraken._adapter_account import AccountReading
from athena.venues.kraken._adapter_calls import result_of
from athena.venues.limits import Priority

if TYPE_CHECKING:
    from athena.venues._contract import CallFailed, HttpAnswer
    from athena.venues.kraken._adapter_calls import Caller, Draft, Question
    from athena.venues.kraken._adapter_clock import VenueClock
    from athena.venues.kraken._adapter_orders import OrderMemory
    from athena.venues.kraken._markets import Markets


class AccountQueries:
    """Read the account as often as it is asked for, one reading after the other."""

    __slots__ = ("_caller", "_clock", "_memory", "_next", "_reading", "_since_ns", "_wants_more")

    def __init__(self, caller: Caller, memory: OrderMemory, clock: VenueClock) -> None:
        """Prepare to ask through a caller, into a memory."""
        self._caller = caller
        self._memory = memory
        self._clock = clock
        self._reading: AccountReading | None = None
        self._next: QueryAccount | None = None
        self._since_ns: int | None = None
        self._wants_more = False

    def ask(self, draft: Draft, query: QueryAccount, markets: Markets, now_ns: int) -> None:
        """Read the account now, or after the reading that runs."""
        if self._reading is None:
            self._begin(draft, query, markets, now_ns)
        else:
            before = self._next or query
            since_ns = min(query.since_ns, before.since_ns)
            self._next = QueryAccount(since_ns, query.is_urgent or before.is_urgent)

    def want_more(self) -> None:
        """Note that something was missed: what the session asked last is asked again."""
        self._wants_more = True

    def tick(self, draft: Draft, markets: Markets, now_ns: int) -> None:
        """Read again what was missed; before the first query there is nothing to miss."""
        if self._wants_more and self._reading is None and self._since_ns is not None:
            self._begin(draft, QueryAccount(self._since_ns, is_urgent=False), markets, now_ns)

    def _begin(self, draft: Draft, query: QueryAccount, markets: Markets, now_ns: int) -> None:
        self._wants_more = False
        self._since_ns = query.since_ns
        self._reading = AccountReading(query, now_ns, markets, self._memory)
        self._go_on(draft, self._reading, now_ns)

    def _go_on(self, draft: Draft, reading: AccountReading, now_ns: int) -> None:
        question = reading.question()
        if question is not None:
            priority = Priority.TRADE if reading.query.is_urgent else Priority.READ
            handle = partial(self._answered, question, reading, now_ns)
            self._caller.ask(draft, question, handle, priority, now_ns)
            return
        draft.events.append(reading.seen())
        self._reading = None
        query, self._next = self._next, None
        if query is not None:
            self._begin(draft, query, reading.markets, now_ns)

    def _answered(  # noqa: PLR0913, PLR0917 (what was asked, then what came back)
        self,
        question: Question,
        reading: AccountReading,
        asked_ns: int,
        draft: Draft,
        answer: HttpAnswer | CallFailed,
        now_ns: int,
    ) -> None:
        failure = ""
        try:
            result = result_of(answer, question.endpoint)
            reading.take(result)
            self._clock.note(question, result, asked_ns, now_ns)
        except AthenaError as error:
            failure = error.message
            reading.fail(failure)
        draft.judge_venue(now_ns, failure)
        self._go_on(draft, reading, now_ns)
