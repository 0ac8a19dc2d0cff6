"""One account under way: `handle` takes an event and returns what is to be done outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from athena.domain import MINUTE_NS, SECOND_NS, DenialCode
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._journal_format import FrameKind
from athena.trading._manifest import instruments_of, slots_of
from athena.trading._records import Command
from athena.trading._setup import limit_columns
from athena.trading.live._account import VIEW_OVERLAP_NS, AccountBook
from athena.trading.live._core import Core
from athena.trading.live._degradation import Degradation, Level
from athena.trading.live._effects import Alert, Effect, QueryAccount, Urgency
from athena.trading.live._events import (
    AccountSeen,
    Answered,
    CorrelationSeen,
    FillSeen,
    LimitChanged,
    Operated,
    OrderSeen,
    Outage,
    PlanStarted,
    PlanStopped,
    PriceSeen,
    RiskSeen,
    StreamAlive,
    StreamChanged,
    Tick,
    TransferSeen,
    Wanted,
)
from athena.trading.live._evidence import Evidence
from athena.trading.live._identity import OrderIds
from athena.trading.live._memory import MEMORY_NOTE
from athena.trading.live._news import News
from athena.trading.live._outbox import Outbox, is_at_venue
from athena.trading.live._plans import Plans
from athena.trading.live._readiness import Readiness
from athena.trading.live._watch import ProtectionWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.domain import Instrument
    from athena.trading._journal import JournalWriter
    from athena.trading._setup import StateTables, StrategySlot
    from athena.trading.live._effects import AmendOrder, CancelOrder, PlaceOrder
    from athena.trading.live._events import Event
    from athena.trading.live._memory import Memory
    from athena.trading.live._plan_book import PlanBook

SESSION_KEY = "session"
_LATE_NS = SECOND_NS
_LOST_NS = 5 * SECOND_NS
_N_VIEWS_TOLD = 3  # incomplete views in a row before a person is told, and again each time
_KNOWN_OVERLAP_NS = 10 * MINUTE_NS
_VIEW_EVERY_NS = MINUTE_NS
_VIEW_WITHOUT_STREAM_NS = 5 * SECOND_NS
_VIEW_GIVEN_UP_NS = 2 * MINUTE_NS
_VIEW_BACKOFF_MAX = 6  # 2^6 s is beyond the minute at which it stays
_COMMANDS = {command: number for number, command in enumerate(Command, start=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """Say how a session behaves.

    Attributes:
        deadline_ns: that every order carries, 0.5 to 60 s.
        trail_every_ns: how often trailing stops are moved.
        snapshot_events, snapshot_every_ns: after how many events, or how long, a snapshot.
    """

    deadline_ns: int = 5 * SECOND_NS
    trail_every_ns: int = MINUTE_NS
    snapshot_events: int = 10_000
    snapshot_every_ns: int = 15 * MINUTE_NS


class Session:
    """One account: its core, its journal, and what it knows of the venue.

    Not thread-safe, and on purpose: one writer.

    Attributes:
        session_id: 32 hex digits.
        instruments: in the order of their indices.
        slots: likewise; their shares are those that they began with.
        readiness: what has to hold before new risk is taken.
        degradation: how far it has withdrawn.
        watch: over the protection of positions.
        carries_on: plans are asked for what is due; False while a process winds down.
        last_verdict: number of the order that was wanted last, and why it was denied; None when
            it was approved.
    """

    def __init__(  # noqa: PLR0913 - what a session consists of
        self,
        tables: StateTables,
        journal: JournalWriter,
        manifest: Mapping[str, Any],
        memory: Memory,
        settings: SessionSettings,
        *,
        now_ns: int,
    ) -> None:
        """Drive a state whose journal has been opened or recovered."""
        own = manifest[SESSION_KEY]
        self.session_id: str = own["id"]
        self.instruments: tuple[Instrument, ...] = tuple(instruments_of(manifest))
        self.slots: tuple[StrategySlot, ...] = tuple(slots_of(manifest))
        self._settings = settings
        self._journal = journal
        self._memory = memory
        self._core = Core(tables, memory.plans.take_input)
        ids = OrderIds(self.session_id)
        self._outbox = Outbox(self._core, ids, deadline_ns=settings.deadline_ns)
        slots = {"external": own["external_slot"], "holdings": own["holdings_slot"]}
        self._evidence = Evidence(self._core, self._outbox, ids, memory, **slots)
        self._evidence.opened_ns = own["opened_venue_ns"]
        self.readiness = Readiness()
        self._account = AccountBook(
            self._core,
            self._outbox,
            self._evidence,
            memory,
            self.readiness,
            self.instruments,
            **slots,
        )
        self.degradation = Degradation()
        self.watch = ProtectionWatch(self._core)
        self._news = News(self._core, memory)
        self._plans = Plans(self._core, memory, self._note)
        self.carries_on = True
        self._ids = ids
        self._alerts: list[Alert] = []
        self._now_ns = now_ns
        self._extremes = [(0, 0)] * len(self.instruments)
        self._trailed_ns = now_ns
        self._warned: set[int] = set()
        self._asked_ns = 0  # when the view under way was asked for; 0 = none is
        self._viewed_ns = 0
        self._n_urgent_views = 0
        self._n_incomplete = 0
        self._wants_view = True
        self._n_events = 0
        self._has_note = False
        self._snapshot_ns = now_ns
        self.last_verdict: tuple[int, DenialCode | None] = (0, None)
        self._handlers: dict[type, Callable[[Any], None]] = {
            PriceSeen: self._on_price,
            Tick: self._on_tick,
            Answered: self._on_answer,
            OrderSeen: self._on_order,
            FillSeen: self._on_fill,
            AccountSeen: self._on_account,
            StreamAlive: self._on_alive,
            StreamChanged: self._on_stream,
            TransferSeen: self._on_transfer,
            RiskSeen: self._on_risk,
            CorrelationSeen: self._on_correlation,
            Wanted: self._on_wanted,
            Operated: self._on_operated,
            PlanStarted: self._plans.start,
            PlanStopped: self._on_plan_stopped,
            LimitChanged: self._on_limit,
            Outage: self._on_outage,
        }

    # --- what is read ---------------------------------------------------------------------------

    @property
    def core(self) -> Core:
        """Return the core, to be read."""
        return self._core

    @property
    def plans(self) -> PlanBook:
        """Return the execution plans, to be read."""
        return self._memory.plans

    def take_asked(self) -> list[tuple[int, DenialCode | None, str]]:
        """Return the orders that plans asked for since this was asked last.

        With each why it was denied, None when it was not, and the id of the plan.
        """
        asked = list(self._plans.asked)
        self._plans.asked.clear()
        return asked

    @property
    def level(self) -> Level:
        """Return how far the session has withdrawn."""
        return self.degradation.level

    def client_id(self, number: int) -> str:
        """Return an order's client id."""
        return self._ids.client_id(number)

    def number_of(self, client_id: str, venue_id: str) -> int:
        """Return the number of an order, ours or taken up; 0 when it is neither."""
        return self._evidence.number_of(client_id, venue_id)

    def findings(self, now_ns: int) -> list[str]:
        """List in words what keeps new risk from being taken; empty when nothing does."""
        symbols = [instrument.symbol for instrument in self.instruments]
        return self.readiness.findings(self._core, symbols, now_ns) + self.watch.gaps(symbols)

    def take_touched(self) -> set[int]:
        """Return the numbers of the orders that changed since this was asked last."""
        return self._news.take_touched()

    # --- the one door ---------------------------------------------------------------------------

    def handle(self, event: Event, now_ns: int) -> list[Effect]:
        """Take one event and return what is to be done, after the journal holds why.

        Args:
            event: what happened.
            now_ns: our clock when it did.

        Raises:
            InputError, MissingError: the journal could not be written; nothing of what is to be
                done may leave, and the session must not be used on.
        """
        self._now_ns = max(self._now_ns, now_ns)
        self._n_events += 1
        self._handlers[type(event)](event)
        return self._finish()

    def flush(self) -> None:
        """Write what waits to be written; called within 50 ms of an event."""
        if self._core.s.account[at.N_WORDS]:
            self._commit()
            self._sync()
        elif self._has_note:
            self._sync()

    @property
    def has_unwritten(self) -> bool:
        """Tell whether events wait to be written."""
        return self._core.s.account[at.N_WORDS] > 0 or self._has_note

    def close(self) -> None:
        """Write everything and a snapshot, and let go: the session can be resumed."""
        self._take_snapshot()
        self._journal.abandon()

    # --- events ---------------------------------------------------------------------------------

    def _on_price(self, event: PriceSeen) -> None:
        k = event.instrument
        # A price is as old as it is, however late it comes; an older one than the last is none.
        seen_ns = min(self._now_ns, event.ts_ns - (self.readiness.venue_ahead_ns or 0))
        if seen_ns < self._core.s.instruments[k, at.LAST_NS]:
            return
        high, low = self._extremes[k]
        high = max(high, event.high)
        low = min(low, event.low) if low else event.low
        self._extremes[k] = (high, low)
        self._core.price(k, event.last, high, low, seen_ns)

    def _on_tick(self, event: Tick) -> None:
        if event.venue_ahead_ns is not None:
            self.readiness.venue_ahead_ns = event.venue_ahead_ns
        now = self._now_ns
        moves_stops = now - self._trailed_ns >= self._settings.trail_every_ns
        self._pass_time(moves_stops=moves_stops)
        self._judge_degradation()
        self._mind_late_answers()
        self._alerts.extend(self.watch.look(now))
        bits = self.readiness.health_bits(self.degradation.level)
        if self.watch.has_gaps:  # no new risk while there is some without a stop
            bits |= at.HEALTH_UNRECONCILED
        self._core.health(bits, self.readiness.confirm(now))
        if self.carries_on:
            self._plans.carry_on(now)
        self._sweep()
        self._outbox.forget_ended(now)

    def _pass_time(self, *, moves_stops: bool) -> None:
        self._core.tick(self._now_ns, moves_stops=moves_stops)
        if moves_stops:
            self._trailed_ns = self._now_ns
            last = (self._core.s.instruments[k, at.LAST] for k in range(len(self.instruments)))
            self._extremes = [(price, price) for price in last]

    def _judge_degradation(self) -> None:
        before = self.degradation.level
        level = self.degradation.judge(self._now_ns)
        if level == before:
            return
        urgency = Urgency.URGENT if level >= Level.LIMITED else Urgency.WARNING
        text = f"level {level} ({level.name.lower()}) after {self.degradation.worst} failures"
        self._alert(urgency, "degraded" if level > before else "recovered", text)
        if level is Level.EMERGENCY:
            self._core.command(codes.COMMAND_HALT)

    def _mind_late_answers(self) -> None:
        """After a second without an answer warn; after five the outcome is unknown."""
        s = self._core.s
        for number, sent in list(self._outbox.sent.items()):
            row = self._core.row_of(number)
            if row < 0 or s.orders[row, at.STATE] != codes.SUBMITTING:
                self._warned.discard(number)
                continue
            age_ns = self._now_ns - sent.placed_ns
            if age_ns > _LATE_NS and number not in self._warned:
                self._warned.add(number)
                self._alert(Urgency.WARNING, "late_answer", f"order {number}: no answer yet")
            if age_ns > _LOST_NS:
                self._core.report(codes.AMBIGUOUS, number)
                self._trouble()

    def _sweep(self) -> None:
        self._requests.extend(self._outbox.collect(self._now_ns))  # else they were asked twice
        for row in self._core.live_rows():
            self._sweep_row(row)

    def _sweep_row(self, row: int) -> None:
        """Ask again for what an order still waits for: a cancel, or an amendment."""
        s = self._core.s
        pending = s.orders[row, at.PENDING]
        state = s.orders[row, at.STATE]
        if pending == codes.PENDING_CANCEL and (is_at_venue(s, row) or state == codes.UNKNOWN):
            sent = self._outbox.sent.get(s.orders[row, at.NUMBER])
            if sent is None or sent.may_cancel_again(self._now_ns):
                self._requests.append(self._outbox.cancel(row, self._now_ns))
        elif pending == codes.PENDING_AMEND and is_at_venue(s, row):
            amendment = self._outbox.amend(row, self._now_ns)
            if amendment is not None:
                self._requests.append(amendment)

    def _on_answer(self, event: Answered) -> None:
        self._evidence.answer(event, self._now_ns)
        self._sweep_order(event.client_id, event.venue_id)

    def _on_order(self, event: OrderSeen) -> None:
        self._evidence.order(event, self._now_ns)
        if self._evidence.has_orphans:
            self._evidence.book_orphans()
        self._sweep_order(event.client_id, event.venue_id)

    def _on_fill(self, event: FillSeen) -> None:
        if self._core.s.account[at.N_TRAILING] > 0:
            # What the price did before this fill moves the stops that were there before it.
            self._pass_time(moves_stops=True)
        last = self._core.s.instruments[max(0, event.instrument), at.LAST]
        if event.instrument >= 0:
            self._extremes[event.instrument] = (last, last)
        self._evidence.fill(event)
        self._sweep_order(event.client_id, event.venue_id)

    def _sweep_order(self, client_id: str, venue_id: str) -> None:
        number = self._evidence.number_of(client_id, venue_id)
        row = self._core.row_of(number) if number else at.NONE
        if row >= 0:
            self._requests.extend(self._outbox.collect(self._now_ns))
            self._sweep_row(row)

    def _on_account(self, event: AccountSeen) -> None:
        self._asked_ns = 0
        self._viewed_ns = self._now_ns
        if not event.is_complete:
            self._wants_view = True
            self._n_urgent_views += 1
            self._n_incomplete += 1
            self.readiness.failing_ns = self.readiness.failing_ns or self._now_ns
            if self._n_incomplete % _N_VIEWS_TOLD == 0:
                text = f"{self._n_incomplete} views in a row were not complete: {event.reason}"
                self._alert(Urgency.WARNING, "no_view", text)
            return
        self._n_incomplete = 0
        self.readiness.failing_ns = 0
        self._account.take(event, self._now_ns)
        if not self._evidence.needs_view and not self._has_unknown():
            self._wants_view = False
            self._n_urgent_views = 0
        else:
            self._wants_view = True
            self._n_urgent_views += 1
        self._sweep()

    def _has_unknown(self) -> bool:
        s = self._core.s
        return any(s.orders[row, at.STATE] == codes.UNKNOWN for row in self._core.live_rows())

    def _on_alive(self, event: StreamAlive) -> None:
        del event
        self.readiness.alive_ns = self._now_ns

    def _on_stream(self, event: StreamChanged) -> None:
        self.readiness.is_stream_up = event.is_up
        self.readiness.alive_ns = self._now_ns
        if event.is_up:
            self.readiness.stream_since_ns = self._now_ns
        else:
            self._alert(Urgency.WARNING, "stream_down", event.reason or "the stream was lost")
        self._trouble()

    def _on_transfer(self, event: TransferSeen) -> None:
        self._account.transfer(event, self._now_ns)

    def _on_risk(self, event: RiskSeen) -> None:
        values = (
            event.atr,
            event.atr_mean,
            event.day_volume,
            event.bar_volume,
            event.volatility_ppm,
            event.var_ppm,
            event.move_ppm,
        )
        self._core.risk(event.instrument, values)

    def _on_correlation(self, event: CorrelationSeen) -> None:
        self._core.correlation(event.first, event.second, event.ppm)

    def _on_wanted(self, event: Wanted) -> None:
        self._pass_time(moves_stops=False)
        number = self._core.want(event.strategy, event.intent)
        code = self._core.verdict()
        self.last_verdict = (number, code)
        if event.correlation_id:
            self._note({"kind": "wanted", "order": number, "correlation_id": event.correlation_id})

    def _on_operated(self, event: Operated) -> None:
        self._pass_time(moves_stops=False)
        self._note(
            {
                "kind": "operated",
                "command": event.command.value,
                "arguments": [event.argument, event.argument_2],
                "by": event.by,
                "reason": event.reason,
                "ts_ns": event.ts_ns,
            }
        )
        self._core.command(_COMMANDS[event.command], event.argument, event.argument_2)

    def _on_plan_stopped(self, event: PlanStopped) -> None:
        self._pass_time(moves_stops=False)
        self._plans.stop(event)

    def _on_limit(self, event: LimitChanged) -> None:
        self._note(
            {
                "kind": "limit",
                "name": event.name,
                "value": event.value,
                "by": event.by,
                "reason": event.reason,
                "ts_ns": event.ts_ns,
            }
        )
        self._core.limit(limit_columns()[event.name], event.value)

    def _on_outage(self, event: Outage) -> None:
        self.degradation.note(event.dependency, has_failed=event.has_failed)

    # --- what leaves ----------------------------------------------------------------------------

    @property
    def _requests(self) -> list[PlaceOrder | CancelOrder | AmendOrder]:
        return self._news.requests

    def _finish(self) -> list[Effect]:
        """Write what leaves, then let it leave."""
        requests = self._outbox.collect(self._now_ns)
        requests += self._news.take_requests()
        requests += self._evidence.orders_to_cancel
        self._evidence.orders_to_cancel = []
        if self._evidence.needs_view:
            self._trouble()
            self._evidence.needs_view = False
        alerts = [*self._news.read(self._now_ns), *self._alerts]
        alerts += self._evidence.alerts
        alerts += self._account.alerts
        alerts += self._plans.alerts
        self._alerts, self._evidence.alerts, self._account.alerts = [], [], []
        self._plans.alerts = []
        if requests:
            self._commit()
            self._sync()
        elif self._core.s.account[at.N_WORDS] > at.RECORD_RESERVE // 2:
            self._commit()
        if self._is_snapshot_due():
            self._take_snapshot()
        query = self._query()
        return [*requests, *alerts, *([query] if query else [])]

    def _trouble(self) -> None:
        """Ask for a view of the account soon: at first after a second, then ever more rarely."""
        if not self._wants_view:
            self._n_urgent_views = 0
        self._wants_view = True

    def _query(self) -> QueryAccount | None:
        """Return the question for a view of the account when one is due."""
        now = self._now_ns
        if self._asked_ns and now - self._asked_ns < _VIEW_GIVEN_UP_NS:
            return None
        age_ns = now - self._viewed_ns
        wait_ns = _VIEW_EVERY_NS
        is_working = bool(self._outbox.sent)
        if self._wants_view:
            backoff = min(self._n_urgent_views, _VIEW_BACKOFF_MAX)
            wait_ns = min(_VIEW_EVERY_NS, SECOND_NS << backoff)
        if not self.readiness.is_stream_up and is_working:
            wait_ns = min(wait_ns, _VIEW_WITHOUT_STREAM_NS)
        if age_ns < wait_ns:
            return None
        self._asked_ns = now
        since_ns = self._account.clean_ns or self._evidence.opened_ns
        s = self._core.s
        unseen = [
            s.orders[row, at.CREATED_NS]
            for row in self._core.live_rows()
            if s.orders[row, at.STATE] in (codes.SUBMITTING, codes.UNKNOWN)
        ]
        since_ns = min(since_ns, self._evidence.look_back_ns, *unseen)
        return QueryAccount(max(0, since_ns - VIEW_OVERLAP_NS), is_urgent=self._wants_view)

    def _alert(self, urgency: Urgency, code: str, text: str) -> None:
        self._alerts.append(Alert(urgency, code, text, self._now_ns))

    # --- journal --------------------------------------------------------------------------------

    def _commit(self) -> None:
        """Hand the core's records to the journal."""
        n_words = self._core.s.account[at.N_WORDS]
        self._news.scan()
        self._journal.commit(self._core.tables.arrays.records[:n_words])
        self._core.s.account[at.N_WORDS] = 0
        self._news.restart()

    def _note(self, values: Mapping[str, object]) -> None:
        """Journal what the core has no record for, in its place among the records."""
        if self._core.s.account[at.N_WORDS]:
            self._commit()
        self._journal.note(FrameKind.NOTE, values)
        self._has_note = True

    def _sync(self) -> None:
        self._journal.sync()
        self._has_note = False

    def _is_snapshot_due(self) -> bool:
        is_many = self._n_events >= self._settings.snapshot_events
        return is_many or self._now_ns - self._snapshot_ns >= self._settings.snapshot_every_ns

    def _take_snapshot(self) -> None:
        if self._core.s.account[at.N_WORDS]:
            self._commit()
        self._journal.snapshot(self._core.tables)
        self._journal.note(FrameKind.NOTE, {"kind": MEMORY_NOTE, **self._memory.to_values()})
        self._sync()
        self._n_events = 0
        self._snapshot_ns = self._now_ns

    # --- after a restart ------------------------------------------------------------------------

    def resume(self) -> None:
        """Take up orders that were on their way when the session ended: their fate is unknown."""
        s = self._core.s
        for row in self._core.live_rows():
            number = s.orders[row, at.NUMBER]
            if s.orders[row, at.STATE] < codes.SUBMITTING:
                continue  # held: it never left
            self._outbox.take_up(number, s.orders[row, at.CREATED_NS], self._now_ns)
            if s.orders[row, at.STATE] == codes.SUBMITTING:
                self._core.report(codes.AMBIGUOUS, number)
        self._outbox.drop_effects()
        # Views reach back to when the account was last known, and some minutes more.
        known_ns = s.account[at.ACCOUNT_NS] - _KNOWN_OVERLAP_NS
        self._account.clean_ns = max(self._evidence.opened_ns, known_ns)
        # Nothing that was known of the venue holds any more.
        bits = self.readiness.health_bits(self.degradation.level)
        self._core.health(bits, s.account[at.ACCOUNT_NS])
        self._trouble()
