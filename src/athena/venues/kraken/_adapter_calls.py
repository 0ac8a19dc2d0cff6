"""Requests under way: who asked, what it cost, and who hears the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from athena.domain import SECOND_NS
from athena.errors import ServiceDown
from athena.trading.live import Dependency, Outage
from athena.venues._contract import Call, CallFailed
from athena.venues.kraken._answers import pauses_after, read_result
from athena.venues.kraken._limits import public_charges, read_charges

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.trading.live import Alert, Event
    from athena.venues._contract import HttpAnswer, Pause
    from athena.venues.kraken._adapter_requests import Sending
    from athena.venues.kraken._fields import Fields
    from athena.venues.limits import Priority

_PATIENCE_NS = 60 * SECOND_NS  # how long a read may wait for room under the rate limit
_TIMEOUT_NS = 10 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be read.

    Attributes:
        endpoint, fields: of the request.
        is_private: signed.
        is_history: costs double.
    """

    endpoint: str
    fields: Mapping[str, str] = field(default_factory=dict)
    is_private: bool = True
    is_history: bool = False


@dataclass(slots=True)
class Draft:
    """A step in the making."""

    calls: list[Call] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def judge_venue(self, now_ns: int, failure: str = "") -> None:
        """Say that the venue worked as it should, or how it did not."""
        self.events.append(Outage(Dependency.VENUE, bool(failure), now_ns, failure))


Handler: TypeAlias = "Callable[[Draft, HttpAnswer | CallFailed, int], None]"


class Caller:
    """Make requests and hand each answer, once, to whoever asked."""

    __slots__ = ("_n_calls", "_pending")

    def __init__(self) -> None:
        """Start with nothing under way."""
        self._n_calls = 0
        self._pending: dict[int, Handler] = {}

    def ask(
        self, draft: Draft, question: Question, handle: Handler, priority: Priority, now_ns: int
    ) -> None:
        """Read something."""
        charges = public_charges()
        if question.is_private:
            charges = read_charges(is_history=question.is_history)
        self._n_calls += 1
        call = Call(
            self._n_calls,
            question.endpoint,
            question.fields,
            question.is_private,
            priority,
            charges,
            now_ns + _PATIENCE_NS,
            _TIMEOUT_NS,
        )
        self._pending[call.id] = handle
        draft.calls.append(call)

    def send(self, draft: Draft, sending: Sending, handle: Handler, *, withdraws: int = 0) -> int:
        """Change something; return the id of the call.

        Args:
            draft: the step.
            sending: what is asked.
            handle: hears the answer.
            withdraws: id of the call that this one makes needless; 0 for none.
        """
        call = self.call_for(sending, withdraws=withdraws)
        self._pending[call.id] = handle
        draft.calls.append(call)
        return call.id

    def call_for(self, sending: Sending, *, withdraws: int = 0) -> Call:
        """Make a call whose answer nobody here waits for."""
        self._n_calls += 1
        return Call(
            self._n_calls,
            sending.endpoint,
            sending.fields,
            is_private=True,
            priority=sending.priority,
            charges=sending.charges,
            deadline_ns=sending.deadline_ns,
            timeout_ns=_TIMEOUT_NS,
            withdraws=withdraws,
        )

    def answer(
        self, draft: Draft, call: Call, answer: HttpAnswer | CallFailed, now_ns: int
    ) -> None:
        """Pass an answer on; the second one to a call says nothing (F03)."""
        handle = self._pending.pop(call.id, None)
        if handle is None:
            return
        if not isinstance(answer, CallFailed):
            draft.pauses += pauses_after(answer, call.charges, now_ns)
        handle(draft, answer, now_ns)


def result_of(answer: HttpAnswer | CallFailed, what: str) -> Fields:
    """Return the result of a read.

    Raises:
        ServiceDown: nothing came back.
        AthenaError: as `read_result`.
    """
    if isinstance(answer, CallFailed):
        message = f"expected an answer to {what}, was {answer.reason}"
        raise ServiceDown(message)
    return read_result(answer, what)
