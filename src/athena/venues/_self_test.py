"""Before new risk is taken the venue checks, and does not place, the smallest order (D05)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import MINUTE_NS
from athena.trading.live import Alert, Urgency

if TYPE_CHECKING:
    from athena.trading.live import Session
    from athena.venues._contract import Adapter, Call, CallFailed, HttpAnswer

NAME = "self_test"
_NOT_YET = "the venue has not checked a test order yet"
_AGAIN_NS = MINUTE_NS


class SelfTest:
    """Have the smallest order of each instrument checked, once, and again while one is refused.

    Until all are taken the session's readiness waits for it, in words.
    """

    __slots__ = ("_again_ns", "_failures", "_is_over", "_under_way")

    def __init__(self, *, is_needed: bool) -> None:
        """Begin; one that is not needed is over."""
        self._is_over = not is_needed
        self._under_way: set[int] = set()
        self._failures: list[str] = []
        self._again_ns = 0

    def guard(self, session: Session) -> None:
        """Let a session wait for it."""
        if not self._is_over:
            session.readiness.waits_for.setdefault(NAME, _NOT_YET)

    def calls(self, adapter: Adapter, session: Session, now_ns: int) -> tuple[Call, ...]:
        """Return what to ask now; nothing while an answer is awaited or the stream is down."""
        is_due = not self._is_over and not self._under_way and now_ns >= self._again_ns
        if not is_due or not session.readiness.is_stream_up:
            return ()
        calls = adapter.self_test_calls(now_ns)
        self._under_way = {call.id for call in calls}
        self._failures = []
        return calls

    def owns(self, call: Call) -> bool:
        """Tell whether a call is one of its own."""
        return call.id in self._under_way

    def take(
        self,
        adapter: Adapter,
        session: Session,
        call: Call,
        answer: HttpAnswer | CallFailed,
        now_ns: int,
    ) -> list[Alert]:
        """Take an answer in; return what a person should know."""
        self._under_way.discard(call.id)
        reason = adapter.read_self_test(answer)
        if reason:
            self._failures.append(f"the test order of {call.fields['pair']}: {reason}")
        if self._under_way:
            return []
        before = session.readiness.waits_for.pop(NAME, "")
        if not self._failures:
            self._is_over = True
            text = "the venue would take the smallest order of each instrument"
            return [Alert(Urgency.NOTICE, NAME, text, now_ns)]
        self._again_ns = now_ns + _AGAIN_NS
        found = session.readiness.waits_for[NAME] = "; ".join(self._failures)
        if found == before:
            return []
        return [Alert(Urgency.URGENT, NAME, f"{found}; no new risk is taken", now_ns)]
