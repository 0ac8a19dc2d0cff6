"""Everybody who has to hear of what a session does: the database, the notices, the person."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from athena.app.live import alert_row
from athena.app.running._account_rows import (
    Known,
    Titles,
    fill_row,
    find_order,
    known_numbers,
    order_row,
    snapshot_of,
)
from athena.platform import SystemClock, get_logger
from athena.trading import layout as at
from athena.trading.live import (
    AccountSeen,
    Alert,
    Answered,
    FillSeen,
    OrderSeen,
    Request,
    Result,
    Urgency,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from decimal import Decimal

    from athena.app.live import RecorderState, Row, SessionRow
    from athena.domain import DenialCode
    from athena.trading.live import Cause, Event, Session

_KNOWN_MAX = 20_000  # orders of which something is remembered beside the core's tables
_LOG_LEVELS = {Urgency.NOTICE: "info", Urgency.WARNING: "warning", Urgency.URGENT: "error"}


class Sink(Protocol):
    """Take rows and never wait; see `athena.app.live.Recorder`."""

    @property
    def state(self) -> RecorderState:
        """Say how far it is."""
        ...

    def put(self, *rows: Row) -> None:
        """Take rows."""
        ...


class Bell(Protocol):
    """Take alerts and never wait; see `athena.app.notices.Notifier`."""

    def post(self, alert: Alert) -> None:
        """Take an alert."""
        ...


class Chronicle:
    """Write down what happens, beside the journal and never before it.

    Attributes:
        titles: of the session.
        n_alerts: how many of each urgency were told.
        last_failure: what went wrong at the venue before there was a session; empty when nothing.
    """

    def __init__(
        self, titles: Titles, sink: Sink, bell: Bell, *, row: SessionRow | None = None
    ) -> None:
        """Begin with nothing known; `row` is the session's own, told again with everything."""
        self.titles = titles
        self._titles_row = () if row is None else (row,)
        self.n_alerts = dict.fromkeys(Urgency, 0)
        self.last_failure = ""
        self._sink = sink
        self._bell = bell
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._heard: list[Event] = []
        self._balances: dict[str, Decimal] = {}
        self._balances_ns = 0
        self._missing = (0, 0)  # rows that were lost, databases that were opened anew
        self._early: list[Alert] = []

    # --- what is told ---------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """Take note of an event that the session is about to be told."""
        if isinstance(event, Answered | OrderSeen | FillSeen | AccountSeen):
            self._heard.append(event)

    def forget_heard(self) -> None:
        """Let go of what was heard before there was a session; its first view has it all."""
        self._heard.clear()

    def wanted(self, number: int, code: DenialCode | None, correlation_id: str) -> None:
        """Remember which decision led to an order, and what the risk engine said of it."""
        reason = "" if code is None else code.value
        self._learn(
            number, replace(self._of(number), correlation_id=correlation_id, reason=reason)
        )

    def recall(self, known: Mapping[int, Known]) -> None:
        """Remember what the journal says of orders of an earlier life, the oldest first."""
        for number, item in known.items():
            self._learn(number, item)

    def alert(self, alert: Alert, session: Session | None) -> None:
        """Tell a person."""
        self.n_alerts[alert.urgency] += 1
        self._bell.post(alert)
        log = getattr(get_logger("athena.session"), _LOG_LEVELS[alert.urgency])
        log(alert.text, code=alert.code)
        if session is None:
            self._early.append(alert)
        else:
            self._sink.put(alert_row(session.session_id, alert))

    def failed(self, reasons: Iterable[str]) -> None:
        """Take note of what went wrong at the venue before there was a session."""
        for reason in reasons:
            if reason != self.last_failure:
                get_logger("athena.session").warning("the venue is not ready", why=reason)
            self.last_failure = reason

    # --- what is written ------------------------------------------------------------------------

    def changed(self, session: Session, numbers: Iterable[int], now_ns: int) -> None:
        """Write the orders that changed, and the fills that were heard of."""
        touched = set(numbers)
        for cause in session.take_causes():
            self._explain(cause)
            touched.add(cause.order)
        heard, self._heard = self._heard, []
        for event in heard:
            touched.update(self._take(session, event, now_ns))
        self._put_orders(session, touched, now_ns)

    def everything(self, session: Session, now_ns: int) -> None:
        """Write all orders that the core knows: at the start, and when rows were lost."""
        early, self._early = self._early, []
        self._sink.put(*self._titles_row, *(alert_row(session.session_id, item) for item in early))
        self._put_orders(session, known_numbers(session), now_ns)

    def status(self, session: Session, now_ns: int) -> None:
        """Write what is so now."""
        state = self._sink.state
        missing = state.n_lost, state.n_anew
        if missing != self._missing:
            self._missing = missing
            self.everything(session, now_ns)
        snapshot = snapshot_of(session, self.titles, self._balances, self._balances_ns, now_ns)
        # Whether the engine is alive is judged by the wall's clock, whatever clock it trades by.
        self._sink.put(replace(snapshot, updated_ns=SystemClock().now_ns()).row())

    def _put_orders(self, session: Session, numbers: Iterable[int], now_ns: int) -> None:
        for number in sorted(set(numbers)):
            row = order_row(session, self.titles, number, self._family(session, number), now_ns)
            if row is not None:
                self._sink.put(row)

    def _take(self, session: Session, event: Event, now_ns: int) -> Iterator[int]:
        """Learn from an event that the session was told; yield the orders that it changes."""
        if isinstance(event, Answered | OrderSeen):
            number = session.number_of(event.client_id, event.venue_id)
            known = self._of(number)
            learnt = replace(known, venue_id=event.venue_id or known.venue_id)
            if isinstance(event, Answered) and event.result is Result.REFUSED:
                is_placing = event.request is Request.PLACE
                ended = "" if is_placing else known.ended  # it was refused, not taken back
                learnt = replace(learnt, reason=event.reason, ended=ended)
            if number and learnt != known:
                self._learn(number, learnt)
                yield number
        elif isinstance(event, FillSeen):
            self._take_fill(session, event)
        elif isinstance(event, AccountSeen) and event.is_complete:
            self._balances, self._balances_ns = dict(event.balances), now_ns
            for order in event.orders:
                yield from self._take(session, order, now_ns)
            for fill in event.fills:
                self._take_fill(session, fill)

    def _take_fill(self, session: Session, fill: FillSeen) -> None:
        number = session.number_of(fill.client_id, fill.venue_id)
        if number and fill.instrument >= 0:
            self._sink.put(fill_row(session, fill, number, self._family(session, number)))

    # --- what is known of orders ----------------------------------------------------------------

    def _explain(self, cause: Cause) -> None:
        """Learn why an order came to be or ended that nobody named a reason for."""
        known = self._of(cause.order)
        if cause.correlation_id:
            learnt = replace(known, correlation_id=cause.correlation_id, reason=cause.reason)
        else:
            learnt = replace(known, ended=cause.reason)
        self._learn(cause.order, learnt)

    def _of(self, number: int) -> Known:
        return self._known.get(number, Known())

    def _learn(self, number: int, known: Known) -> None:
        self._known[number] = known
        if len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)

    def _family(self, session: Session, number: int) -> Known:
        """Return what is known of an order; a child shares the correlation id of its parent."""
        known = self._of(number)
        found = None if known.correlation_id else find_order(session, number)
        if found is None:
            return known
        orders, row = found
        parent = orders[row, at.PARENT]
        return replace(known, correlation_id=self._of(parent).correlation_id) if parent else known
