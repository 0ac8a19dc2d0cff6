"""One account under way: `handle` takes an event and returns what is to be done outside."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from athena.domain import MINUTE_NS, SECOND_NS, DenialCode, Side
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._manifest import instruments_of, slots_of
from athena.trading._records import Command
from athena.trading._setup import limit_columns
from athena.trading.live._account import VIEW_OVERLAP_NS, AccountBook
from athena.trading.live._causes import Causes
from athena.trading.live._core import Core
from athena.trading.live._degradation import Degradation, Level
from athena.trading.live._diary import Diary
from athena.trading.live._effects import Alert, Effect, QueryAccount, Urgency
from athena.trading.live._events import (
    AccountSeen,
    Answered,
    CorrelationSeen,
    Dependency,
    FillSeen,
    LimitChanged,
    Operated,
    OrderSeen,
    Outage,
    PlanStarted,
    PlanStopped,
    PriceSeen,
    PurchaseAsked,
    RebalanceAsked,
    RiskSeen,
    StreamAlive,
    StreamChanged,
    Tick,
    TransferSeen,
    Wanted,
)
from athena.trading.live._evidence import Evidence
from athena.trading.live._follow_up import FollowUp
from athena.trading.live._identity import OrderIds
from athena.trading.live._news import News
from athena.trading.live._outbox import Outbox
from athena.trading.live._plans import Plans
from athena.trading.live._readiness import Readiness
from athena.trading.live._views import Views
from athena.trading.live._watch import ProtectionWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.domain import Instrument
    from athena.trading._journal import JournalWriter
    from athena.trading._setup import StateTables, StrategySlot
    from athena.trading.live._causes import Cause
    from athena.trading.live._effects import AmendOrder, CancelOrder, PlaceOrder
    from athena.trading.live._events import Event
    from athena.trading.live._memory import Memory
    from athena.trading.live._plan_book import PlanBook

SESSION_KEY = "session"
SPOT_LEVERAGE = 1  # margin needs positions that are no balances; it is refused
_KNOWN_OVERLAP_NS = 10 * MINUTE_NS
_CAUSES_MAX = 1_000
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
        self._memory = memory
        self._core = Core(tables, memory.plans.take_input, Causes(self.session_id))
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
        self._diary = Diary(
            self._core,
            journal,
            self._news,
            memory,
            snapshot_events=settings.snapshot_events,
            snapshot_every_ns=settings.snapshot_every_ns,
            now_ns=now_ns,
        )
        self._views = Views()
        self._follow_up = FollowUp(self._core, self._outbox, self._news, self._views)
        self._plans = Plans(self._core, memory, self._diary.note)
        self.carries_on = True
        self._ids = ids
        self._alerts: list[Alert] = []
        self._causes: deque[Cause] = deque(maxlen=_CAUSES_MAX)
        self._now_ns = now_ns
        self._extremes = [(0, 0)] * len(self.instruments)
        self._trailed_ns = now_ns
        self._has_told_of_margin = False
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
            RebalanceAsked: self._plans.ask_rebalance,
            PurchaseAsked: self._plans.ask_purchase,
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

    def take_causes(self) -> list[Cause]:
        """Return why orders came to be or ended that nobody named a reason for, newest 1,000.

        Of those since this was asked last.
        """
        causes = list(self._causes)
        self._causes.clear()
        return causes

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
        found = self.readiness.findings(self._core, symbols, now_ns) + self.watch.gaps(symbols)
        if self.level >= Level.LIMITED:
            found.append(f"degraded to {self.degradation.in_words()}")
        return found

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
        self._diary.count()
        self._handlers[type(event)](event)
        return self._finish()

    def flush(self) -> None:
        """Write what waits to be written; called within 50 ms of an event."""
        self._diary.flush()

    @property
    def has_unwritten(self) -> bool:
        """Tell whether events wait to be written."""
        return self._diary.has_unwritten

    def close(self) -> None:
        """Write everything and a snapshot, and let go: the session can be resumed."""
        self._diary.close(self._now_ns)

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
        self._alerts.extend(self._follow_up.mind_late_answers(now))
        self._alerts.extend(self.watch.look(now))
        self._judge_health()
        if self.carries_on:
            self._plans.carry_on(now)
        self._follow_up.sweep(self._now_ns)
        self._outbox.forget_ended(now)

    def _judge_health(self) -> None:
        """Tell the core what is known of venue, clock and account."""
        bits = self.readiness.health_bits(self.degradation.level)
        if self.watch.has_gaps:  # no new risk while there is some without a stop
            bits |= at.HEALTH_UNRECONCILED
        self._core.health(bits, self.readiness.confirm(self._now_ns))

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
        if level > before:
            self._alert(urgency, "degraded", f"degraded to {self.degradation.in_words()}")
        else:
            self._alert(urgency, "recovered", f"back to {level} ({level.name.lower()})")
        if level is Level.EMERGENCY:
            self._core.command(codes.COMMAND_HALT)

    def _on_answer(self, event: Answered) -> None:
        self._evidence.answer(event)
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
        if self._evidence.has_orphans:
            self._evidence.book_orphans()
        self._sweep_order(event.client_id, event.venue_id)

    def _sweep_order(self, client_id: str, venue_id: str) -> None:
        number = self._evidence.number_of(client_id, venue_id)
        self._follow_up.sweep_order(number, self._now_ns)

    def _on_account(self, event: AccountSeen) -> None:
        self._views.came(self._now_ns, is_complete=event.is_complete)
        if not event.is_complete:
            self._views.settle(is_settled=False)
            self.readiness.failing_ns = self.readiness.failing_ns or self._now_ns
            if self._views.is_told:
                n = self._views.n_incomplete
                text = f"{n} views in a row were not complete: {event.reason}"
                self._alert(Urgency.WARNING, "no_view", text)
            return
        self.readiness.failing_ns = 0
        self._account.take(event, self._now_ns)
        is_settled = not self._evidence.needs_view and not self._has_unknown()
        self._views.settle(is_settled=is_settled)
        self._follow_up.sweep(self._now_ns)

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
        self._views.want()

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
        self._judge_degradation()
        self._judge_health()  # what broke since the last tick counts already
        number = self._core.want(event.strategy, event.intent)
        code = self._core.verdict()
        self.last_verdict = (number, code)
        self._tell_of_margin(event, code)
        if event.correlation_id:
            self._core.causes.named(number)
            self._diary.note(
                {"kind": "wanted", "order": number, "correlation_id": event.correlation_id}
            )

    def _tell_of_margin(self, event: Wanted, code: DenialCode | None) -> None:
        """Tell once what is asked for and not offered: leverage, and sales of what is not held."""
        intent = event.intent
        is_short = (
            code is DenialCode.INVALID_VALUE
            and intent.side is Side.SELL
            and intent.lots > self._core.slot_lots(event.strategy, intent.instrument)
        )
        wanted = "a sale beyond the holding" if is_short else f"a leverage of {intent.leverage}"
        if self._has_told_of_margin or not (is_short or code is DenialCode.LEVERAGE):
            return
        self._has_told_of_margin = True
        text = (
            f"slot {event.strategy} asked for {wanted}: it is denied, and so are all like it; "
            "paper and live sessions trade spot"
        )
        self._alert(Urgency.WARNING, "margin_refused", text)

    def _on_operated(self, event: Operated) -> None:
        self._pass_time(moves_stops=False)
        self._diary.note(
            {
                "kind": "operated",
                "command": event.command.value,
                "arguments": [event.argument, event.argument_2],
                "by": event.by,
                "reason": event.reason,
                "ts_ns": event.ts_ns,
                "correlation_id": event.correlation_id,
            }
        )
        words = f"{event.command.value} by {event.by}: {event.reason}"
        self._core.causes.request = (event.correlation_id, words)
        self._core.command(_COMMANDS[event.command], event.argument, event.argument_2)
        self._core.causes.request = ("", "")

    def _on_plan_stopped(self, event: PlanStopped) -> None:
        self._pass_time(moves_stops=False)
        self._plans.stop(event)

    def _on_limit(self, event: LimitChanged) -> None:
        if event.name == "MAX_LEVERAGE" and event.value > SPOT_LEVERAGE:
            text = f"a leverage of {event.value} is refused: paper and live sessions trade spot"
            self._alert(Urgency.WARNING, "margin_refused", text)
            return
        self._diary.note(
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
        before_ns = self.degradation.failing_ns(event.dependency)
        self.degradation.note(event)
        if event.dependency is not Dependency.DATA or bool(before_ns) == event.has_failed:
            return
        # Bars that closed between the two notes came late or never: the gap is on record (D03).
        self._diary.note(
            {
                "kind": "outage",
                "dependency": event.dependency,
                "is_over": not event.has_failed,
                "since_ns": before_ns or event.ts_ns,
                "ts_ns": event.ts_ns,
                "reason": event.reason,
            }
        )

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
            self._views.want()
            self._evidence.needs_view = False
        for cause in self._core.causes.take():
            self._causes.append(cause)
            self._diary.note(cause.note())
        alerts = self._news.read(self._now_ns)
        sources = (self._alerts, self._evidence.alerts, self._account.alerts, self._plans.alerts)
        for told in sources:
            alerts += told
            told.clear()
        self._diary.write(self._now_ns, is_urgent=bool(requests))
        query = self._query()
        return [*requests, *alerts, *([query] if query else [])]

    def _query(self) -> QueryAccount | None:
        """Return the question for a view of the account when one is due."""
        is_blind = not self.readiness.is_stream_up and bool(self._outbox.sent)
        if not self._views.is_due(self._now_ns, is_blind=is_blind):
            return None
        self._views.ask(self._now_ns)
        since_ns = self._account.clean_ns or self._evidence.opened_ns
        s = self._core.s
        unseen = [
            s.orders[row, at.CREATED_NS]
            for row in self._core.live_rows()
            if s.orders[row, at.STATE] in (codes.SUBMITTING, codes.UNKNOWN)
        ]
        since_ns = min(since_ns, self._evidence.look_back_ns, *unseen)
        return QueryAccount(max(0, since_ns - VIEW_OVERLAP_NS), is_urgent=self._views.is_wanted)

    def _alert(self, urgency: Urgency, code: str, text: str) -> None:
        self._alerts.append(Alert(urgency, code, text, self._now_ns))

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
        self._views.want()
