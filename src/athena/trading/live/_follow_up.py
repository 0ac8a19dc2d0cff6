"""Requests about live orders that came to nothing: told, given up for unknown, asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading.live._effects import Alert, Urgency
from athena.trading.live._outbox import is_at_venue

if TYPE_CHECKING:
    from athena.trading.live._core import Core
    from athena.trading.live._news import News
    from athena.trading.live._outbox import Outbox
    from athena.trading.live._views import Views

_LATE_NS = SECOND_NS
_LOST_NS = 5 * SECOND_NS


class FollowUp:
    """Ask again for what live orders still wait for; what is asked joins the news' requests."""

    __slots__ = ("_core", "_news", "_outbox", "_views", "_warned")

    def __init__(self, core: Core, outbox: Outbox, news: News, views: Views) -> None:
        """Begin with nothing late."""
        self._core = core
        self._outbox = outbox
        self._news = news
        self._views = views
        self._warned: set[int] = set()

    def mind_late_answers(self, now_ns: int) -> list[Alert]:
        """After a second without an answer warn; after five the outcome is unknown."""
        s = self._core.s
        alerts = []
        for number, sent in list(self._outbox.sent.items()):
            row = self._core.row_of(number)
            if row < 0 or s.orders[row, at.STATE] != codes.SUBMITTING:
                self._warned.discard(number)
                continue
            age_ns = now_ns - sent.placed_ns
            if age_ns > _LATE_NS and number not in self._warned:
                self._warned.add(number)
                text = f"order {number}: no answer yet"
                alerts.append(Alert(Urgency.WARNING, "late_answer", text, now_ns))
            if age_ns > _LOST_NS:
                self._core.report(codes.AMBIGUOUS, number)
                self._views.want()
        return alerts

    def sweep(self, now_ns: int) -> None:
        """Look after all live orders."""
        # What the core queued goes first: else it were asked twice.
        self._news.requests.extend(self._outbox.collect(now_ns))
        for row in self._core.live_rows():
            self._sweep_row(row, now_ns)

    def sweep_order(self, number: int, now_ns: int) -> None:
        """Look after one order, if it lives."""
        row = self._core.row_of(number) if number else at.NONE
        if row >= 0:
            self._news.requests.extend(self._outbox.collect(now_ns))
            self._sweep_row(row, now_ns)

    def _sweep_row(self, row: int, now_ns: int) -> None:
        """Ask again for what an order still waits for: a cancel, or an amendment."""
        s = self._core.s
        pending = s.orders[row, at.PENDING]
        state = s.orders[row, at.STATE]
        if pending == codes.PENDING_CANCEL and (is_at_venue(s, row) or state == codes.UNKNOWN):
            sent = self._outbox.sent.get(s.orders[row, at.NUMBER])
            if sent is None or sent.may_cancel_again(now_ns):
                self._news.requests.append(self._outbox.cancel(row, now_ns))
        elif pending == codes.PENDING_AMEND and is_at_venue(s, row):
            amendment = self._outbox.amend(row, now_ns)
            if amendment is not None:
                self._news.requests.append(amendment)
