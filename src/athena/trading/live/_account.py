"""The books beside the venue's account: what agrees, what is missing, what was proven absent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, from_money, to_money
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading.live._effects import Alert, Urgency
from athena.trading.live._identity import key_of
from athena.trading.live._outbox import is_at_venue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.domain import Instrument
    from athena.trading.live._core import Core
    from athena.trading.live._events import AccountSeen, TransferSeen
    from athena.trading.live._evidence import Evidence
    from athena.trading.live._memory import Memory
    from athena.trading.live._outbox import Outbox
    from athena.trading.live._readiness import Readiness

ABSENT_AFTER_NS = 30 * SECOND_NS  # beyond the deadline, by the venue's clock
ABSENT_VIEWS = 3
VIEW_OVERLAP_NS = 60 * SECOND_NS
_CASH_TOLERANCE = Decimal("0.01")
_BASE_TOLERANCE = Decimal("0.0001")


@dataclass(slots=True)
class _Absence:
    """How often an order was looked for in complete views and not found."""

    n_views: int = 0
    first_asked_ns: int = 0


class AccountBook:
    """Compare views of the account with the books, and book what the venue knows and they do not.

    Attributes:
        clean_ns: the venue's clock of the newest view that agreed; 0 before.
        alerts: what a person should be told.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a view is compared with
        self,
        core: Core,
        outbox: Outbox,
        evidence: Evidence,
        memory: Memory,
        readiness: Readiness,
        instruments: Sequence[Instrument],
        *,
        external: int,
        holdings: int,
    ) -> None:
        """Begin; `external` and `holdings` are the slots of what is not a strategy's."""
        self._core = core
        self._outbox = outbox
        self._evidence = evidence
        self._memory = memory
        self._readiness = readiness
        self._instruments = tuple(instruments)
        self._slots = (holdings, external)
        self._absences: dict[int, _Absence] = {}
        self.clean_ns = 0
        self.alerts: list[Alert] = []

    def take(self, view: AccountSeen, now_ns: int) -> None:
        """Take a complete view: fills first, then orders, transfers, balances, absences."""
        self._evidence.needs_view = False
        self._evidence.look_back_ns = at.NEVER_NS
        unbooked: dict[str, int] = {}
        for fill in view.fills:
            is_new = fill.ts_ns > self._evidence.opened_ns
            if is_new and not self._memory.has(key_of(fill.trade_id)):
                unbooked[fill.venue_id] = unbooked.get(fill.venue_id, 0) + fill.lots
        for order in sorted(view.orders, key=lambda order: order.opened_ns):
            if self._evidence.number_of(order.client_id, order.venue_id) == 0:
                self._evidence.adopt(order, unbooked.get(order.venue_id, 0))
        for fill in sorted(view.fills, key=lambda fill: fill.ts_ns):
            self._evidence.fill(fill)
        self._evidence.book_orphans()
        for order in view.orders:
            self._evidence.order(order, now_ns, asked_ns=view.asked_ns)
        for transfer in view.transfers:
            self.transfer(transfer, now_ns)
        if self._evidence.has_orphans:
            self._evidence.book_orphans()
        self._compare(view, now_ns)
        self._count_absences(view, now_ns)

    # --- balances -------------------------------------------------------------------------------

    def _compare(self, view: AccountSeen, now_ns: int) -> None:
        found = tuple(self._differences(view))
        before = self._readiness.differences
        self._readiness.differences = found
        if not found:
            self._readiness.account_ns = view.asked_ns
            self.clean_ns = view.venue_ns
            if before:
                text = "books and account agree again"
                self.alerts.append(Alert(Urgency.NOTICE, "reconciled", text, now_ns))
            return
        self._evidence.needs_view = True
        if found == before:  # a fill between two questions of one view looks like this, once
            text = f"{'; '.join(found)}; no new risk is taken until they agree"
            self.alerts.append(Alert(Urgency.URGENT, "unreconciled", text, now_ns))

    def _differences(self, view: AccountSeen) -> list[str]:
        found = []
        if self._evidence.has_orphans:
            found.append("there are fills whose orders or coins the venue does not show")
        for k, instrument in enumerate(self._instruments):
            booked = instrument.lots_to_quantity(self._core.held_lots(k))
            shown = view.balances.get(instrument.base, Decimal(0))
            if abs(shown - booked) > max(_BASE_TOLERANCE, instrument.lot):
                found.append(f"{instrument.base}: the books say {booked}, the venue {shown}")
        quote = self._instruments[0].quote
        booked = from_money(self._core.s.account[at.CASH] + self._memory.plans.kept)
        shown = view.balances.get(quote, Decimal(0))
        if abs(shown - booked) > _CASH_TOLERANCE:
            found.append(f"{quote}: the books say {booked}, the venue {shown}")
        return found

    # --- transfers ------------------------------------------------------------------------------

    def transfer(self, transfer: TransferSeen, now_ns: int) -> None:
        """Book a deposit or withdrawal, once; coins of no instrument are none of ours."""
        key = key_of(transfer.ledger_id)
        if self._memory.has(key) or transfer.ts_ns <= self._evidence.opened_ns:
            return
        if transfer.currency == self._instruments[0].quote:
            units = to_money(transfer.amount.quantize(Decimal("1e-8")))
            self._core.cash(units, is_transfer=True, reference=key)
            self._memory.remember(key)
        for k, instrument in enumerate(self._instruments):
            if instrument.base == transfer.currency:
                self._move_coins(k, instrument, transfer, key)
                self._memory.remember(key)
        text = f"{transfer.amount} {transfer.currency} came or went without an order"
        self.alerts.append(Alert(Urgency.NOTICE, "transfer", text, now_ns))

    def _move_coins(
        self, k: int, instrument: Instrument, transfer: TransferSeen, key: int
    ) -> None:
        """Book coins on the slot of holdings; what leaves is taken from who holds it."""
        s = self._core.s
        lots = int(transfer.amount / instrument.lot)
        ticks = max(1, s.instruments[k, at.LAST])
        if lots >= 0:
            self._core.holding(self._slots[0], k, lots, ticks, key)
            return
        n = s.account[at.N_INSTRUMENTS]
        strategies = range(s.account[at.N_STRATEGIES])
        for slot in (*self._slots, *(k for k in strategies if k not in self._slots)):
            taken = min(-lots, max(0, s.positions[slot * n + k, at.QUANTITY]))
            if taken > 0:
                self._core.holding(slot, k, -taken, ticks, key)
                lots += taken

    # --- absences -------------------------------------------------------------------------------

    def _count_absences(self, view: AccountSeen, now_ns: int) -> None:
        """End orders that three complete views in a row did not show, if nothing speaks for them.

        Nothing speaks for an order when the venue's clock is half a minute past its deadline, the
        stream had no gap since the first of the views, and the balances agree.
        """
        shown = {
            self._evidence.number_of(order.client_id, order.venue_id) for order in view.orders
        }
        s = self._core.s
        for row in self._core.live_rows():
            number = s.orders[row, at.NUMBER]
            sent_ns = self._sent_ns(row)
            if number in shown or sent_ns is None:
                self._absences.pop(number, None)
                continue
            reaches = view.since_ns <= s.orders[row, at.CREATED_NS] - VIEW_OVERLAP_NS // 2
            if view.asked_ns <= sent_ns or not reaches:
                self._evidence.needs_view = True
                self._evidence.look_back_ns = min(
                    self._evidence.look_back_ns, s.orders[row, at.CREATED_NS]
                )
                continue
            absence = self._absences.setdefault(number, _Absence(0, view.asked_ns))
            if not self._readiness.is_stream_up or (
                self._readiness.stream_since_ns > absence.first_asked_ns
            ):
                self._absences[number] = absence = _Absence(0, view.asked_ns)
            absence.n_views += 1
            self._evidence.needs_view = True
            self._judge_absence(row, number, absence, view, now_ns)
        live = {s.orders[row, at.NUMBER] for row in self._core.live_rows()}
        self._absences = {n: a for n, a in self._absences.items() if n in live}

    def _is_foreign(self, row: int) -> bool:
        return bool(self._core.s.orders[row, at.FLAGS] & at.FLAG_EXTERNAL)

    def _sent_ns(self, row: int) -> int | None:
        """Return since when the venue may show an order, our clock; None before it left.

        Another's was at the venue when it was taken up.
        """
        orders = self._core.s.orders
        if self._is_foreign(row):
            return orders[row, at.CREATED_NS]
        sent = self._outbox.sent.get(orders[row, at.NUMBER])
        return None if sent is None else sent.placed_ns

    def _judge_absence(
        self, row: int, number: int, absence: _Absence, view: AccountSeen, now_ns: int
    ) -> None:
        s = self._core.s
        is_foreign = self._is_foreign(row)
        # What the venue compares with its own clock is the deadline as it was written, by ours.
        deadline_ns = (
            s.orders[row, at.CREATED_NS] if is_foreign else self._outbox.sent[number].deadline_ns
        )
        is_late = view.venue_ns > deadline_ns + ABSENT_AFTER_NS
        if absence.n_views < ABSENT_VIEWS or not is_late or self._readiness.differences:
            return
        if s.orders[row, at.STATE] == codes.SUBMITTING:
            self._core.report(codes.AMBIGUOUS, number)
        if s.orders[row, at.STATE] == codes.UNKNOWN:
            self._core.report(codes.ABSENT_PROVEN, number)
            text = f"order {number} never reached the venue: three complete views do not show it"
            self.alerts.append(Alert(Urgency.WARNING, "absent_proven", text, now_ns))
        elif is_at_venue(s, row):
            self._core.report(codes.CANCELLED_REPORT, number)
            urgency = Urgency.WARNING if is_foreign else Urgency.URGENT
            text = f"order {number} is at the venue no more, and no fill explains it"
            self.alerts.append(Alert(urgency, "vanished", text, now_ns))
