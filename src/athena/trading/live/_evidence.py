"""What the venue says of orders, as reports to the core; evidence is weighed, never invented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, Liquidity, OrderState, OrderType, Purpose, Side
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core.layout import NEVER_NS
from athena.trading._core.orders import needs_trigger
from athena.trading.live._effects import Alert, CancelOrder, Urgency
from athena.trading.live._events import NOT_TRADED, Request, Result
from athena.trading.live._identity import key_of

if TYPE_CHECKING:
    from athena.trading.live._core import Core
    from athena.trading.live._events import Answered, FillSeen, OrderSeen
    from athena.trading.live._identity import OrderIds
    from athena.trading.live._memory import Memory
    from athena.trading.live._outbox import Outbox

_TYPES = {kind: code for code, kind in enumerate(OrderType)}
_PURPOSES = {kind: code for code, kind in enumerate(Purpose)}
_LIQUIDITY = {kind: code for code, kind in enumerate(Liquidity)}
_WORKING = frozenset({OrderState.OPEN, OrderState.TRIGGERED, OrderState.PARTIALLY_FILLED})
_SETTLED_NS = 2 * SECOND_NS  # a view asked sooner after an amendment may still show the old order
_AGAIN_NS = SECOND_NS  # a request that could not leave is not tried again at once
_TRIES_MAX = 4  # refused amendments of one order before the wish is given up
_ORPHANS_MAX = 1_000
_TOLD_MAX = 1_000


class Evidence:
    """Take what the venue says of orders.

    Attributes:
        needs_view: something was said that only a whole view of the account can explain.
        look_back_ns: how far that view has to reach back, the venue's clock.
        alerts: what a person should be told.
        orders_to_cancel: orders of ours that work at the venue though the books have ended them.
        opened_ns: the venue's clock when the session took over the account; what happened before
            is in its opening balances.
    """

    def __init__(  # noqa: PLR0913 - what evidence is weighed with
        self,
        core: Core,
        outbox: Outbox,
        ids: OrderIds,
        memory: Memory,
        *,
        external: int,
        holdings: int,
    ) -> None:
        """Begin; `external` and `holdings` are the slots of what is not a strategy's."""
        self._core = core
        self._outbox = outbox
        self._ids = ids
        self._memory = memory
        self._external = external
        self._holdings = holdings
        self._told: dict[str, None] = {}
        self._orphans: dict[str, FillSeen] = {}
        self.opened_ns = 0
        self.needs_view = False
        self.look_back_ns = NEVER_NS
        self.alerts: list[Alert] = []
        self.orders_to_cancel: list[CancelOrder] = []

    def number_of(self, client_id: str, venue_id: str) -> int:
        """Return the number of an order, ours or taken up; 0 when it is neither."""
        number = 0
        if client_id:
            number = self._ids.number_of(client_id, self._core.s.account[at.NEXT_NUMBER])
        return number or self._memory.adopted.get(key_of(venue_id), 0)

    # --- answers --------------------------------------------------------------------------------

    def answer(self, answer: Answered, now_ns: int) -> None:
        """Take the answer to a request, or the lack of one."""
        number = self.number_of(answer.client_id, "")
        row = self._core.row_of(number) if number else at.NONE
        if row < 0:
            return  # it ended meanwhile
        if answer.request is Request.PLACE:
            self._placed(row, number, answer, now_ns)
        elif answer.request is Request.CANCEL:
            # A cancel stays wanted until the order's end is seen; `Session` asks again.
            self.needs_view |= answer.result in {Result.REFUSED, Result.UNKNOWN}
        else:
            self._amended(row, number, answer)

    def _placed(self, row: int, number: int, answer: Answered, now_ns: int) -> None:
        state = self._core.s.orders[row, at.STATE]
        if answer.result is Result.ACCEPTED:
            self._core.report(codes.ACCEPTED, number)
        elif answer.result is Result.REFUSED:
            if state in (codes.SUBMITTING, codes.UNKNOWN, codes.OPEN):
                self._core.report(codes.REFUSED, number)
                self._tell(Urgency.WARNING, "refused", f"order {number}: {answer.reason}", now_ns)
            else:
                self.needs_view = True
        elif answer.result is Result.NOT_SENT and state == codes.SUBMITTING:
            self._core.report(codes.NOT_SENT, number)
        elif state == codes.SUBMITTING:
            self._core.report(codes.AMBIGUOUS, number)
            self.needs_view = True

    def _amended(self, row: int, number: int, answer: Answered) -> None:
        s = self._core.s
        sent = self._outbox.sent.get(number)
        if sent is None or sent.amend is None:
            return
        lots, trigger = sent.amend
        is_wanted = (s.orders[row, at.AMEND_LOTS], s.orders[row, at.AMEND_TRIGGER]) == sent.amend
        if answer.result is Result.UNKNOWN:
            self.needs_view = True  # stays under way until a view shows which it is
            return
        sent.amend = None
        sent.amended_ns = answer.ts_ns
        if answer.result is Result.ACCEPTED:
            sent.n_refused = 0
            self._core.report(codes.AMENDED, number, lots, trigger)
        elif is_wanted and answer.result is Result.REFUSED and sent.n_refused >= _TRIES_MAX:
            sent.n_refused = 0
            self._core.report(codes.AMEND_REFUSED, number)
            self._tell(
                Urgency.URGENT, "amend_refused", f"order {number}: {answer.reason}", answer.ts_ns
            )
        else:  # still wanted: the next try comes later, and a view may say why this one failed
            sent.n_refused += answer.result is Result.REFUSED
            sent.amend_again_ns = answer.ts_ns + (_AGAIN_NS << sent.n_refused)
            self.needs_view |= answer.result is Result.REFUSED

    # --- fills ----------------------------------------------------------------------------------

    def fill(self, fill: FillSeen) -> None:
        """Book a fill, once."""
        key = key_of(fill.trade_id)
        if self._memory.has(key) or fill.instrument == NOT_TRADED:
            return
        next_number = self._core.s.account[at.NEXT_NUMBER]
        is_own = bool(fill.client_id) and self._ids.number_of(fill.client_id, next_number) > 0
        if not is_own and fill.ts_ns <= self.opened_ns:
            return  # it is in the opening balances
        number = self.number_of(fill.client_id, fill.venue_id)
        if number == 0 or not self._is_remembered(number):
            self._keep_orphan(fill)
            return
        self._make_room(self._strategy_of(number), fill)
        self._core.fill(
            number,
            fill.lots,
            fill.price_ticks,
            fill.fee_units,
            _LIQUIDITY[fill.liquidity],
            key,
        )
        self._memory.remember(key)

    def _is_remembered(self, number: int) -> bool:
        s = self._core.s
        is_closed = s.closed[number % len(s.closed), at.NUMBER] == number
        return is_closed or self._core.row_of(number) >= 0

    def _keep_orphan(self, fill: FillSeen) -> None:
        """Keep a fill whose order nobody knows yet; a view of the account will show it."""
        self._orphans[fill.trade_id] = fill
        if len(self._orphans) > _ORPHANS_MAX:
            self._orphans.pop(next(iter(self._orphans)))
        self.needs_view = True

    def _strategy_of(self, number: int) -> int:
        s = self._core.s
        row = self._core.row_of(number)
        if row >= 0:
            return s.orders[row, at.ORDER_STRATEGY]
        return s.closed[number % len(s.closed), at.ORDER_STRATEGY]

    def _make_room(self, strategy: int, fill: FillSeen) -> None:
        """Before a sale is booked on a slot that holds less, move there what it sells from others.

        The venue knows one holding and sells from it; how it is shared among the slots is ours to
        say. So it is when the account's owner sells by hand, and when a stop and a market exit of
        one position meet. On spot no slot ever falls below zero.
        """
        if fill.side is Side.BUY or self._core.s.instruments[fill.instrument, at.IS_MARGIN]:
            return
        s = self._core.s
        n = s.account[at.N_INSTRUMENTS]
        short = fill.lots - s.positions[strategy * n + fill.instrument, at.QUANTITY]
        ticks = s.instruments[fill.instrument, at.LAST] or fill.price_ticks
        for other in range(s.account[at.N_STRATEGIES] - 1, -1, -1):
            held = s.positions[other * n + fill.instrument, at.QUANTITY]
            moved = min(short, held) if other != strategy else 0
            if moved > 0:
                self._core.holding(other, fill.instrument, -moved, ticks, 0)
                self._core.holding(strategy, fill.instrument, moved, ticks, 0)
                short -= moved

    # --- orders ---------------------------------------------------------------------------------

    def order(
        self,
        order: OrderSeen,
        now_ns: int,
        *,
        asked_ns: int | None = None,
    ) -> None:
        """Take what the venue shows of one order.

        Args:
            order: as shown.
            now_ns: our clock.
            asked_ns: when the view that shows it was asked for; None for the stream.
        """
        if order.instrument == NOT_TRADED or order.lots <= 0:
            self._tell_of_foreign(order, now_ns)
            return
        number = self.number_of(order.client_id, order.venue_id)
        if number == 0 and asked_ns is None and order.filled_lots:
            self.needs_view = True  # which of its fills are ours to book?
            return
        number = number or self.adopt(order, 0, now_ns)
        row = self._core.row_of(number) if number else at.NONE
        if row < 0:
            self._mind_ended(order, number, now_ns, asked_ns)
            return
        if order.state in _WORKING:
            self._working(row, number, order, now_ns, asked_ns)
        else:
            self._ended(row, number, order)

    def _working(
        self, row: int, number: int, order: OrderSeen, now_ns: int, asked_ns: int | None
    ) -> None:
        s = self._core.s
        if s.orders[row, at.STATE] in (codes.SUBMITTING, codes.UNKNOWN):
            self._core.report(codes.ACCEPTED, number)
        if order.state is OrderState.TRIGGERED and s.orders[row, at.STATE] == codes.OPEN:
            self._core.report(codes.TRIGGERED_REPORT, number)
        if order.filled_lots > s.orders[row, at.FILLED]:
            self._look_back(order)
        self._compare_terms(row, number, order, now_ns, asked_ns)

    def _look_back(self, order: OrderSeen) -> None:
        """Ask for a view that reaches back to an order's beginning: fills of it are missing."""
        self.needs_view = True
        self.look_back_ns = min(self.look_back_ns, order.opened_ns)

    def _compare_terms(
        self, row: int, number: int, order: OrderSeen, now_ns: int, asked_ns: int | None
    ) -> None:
        """Take size and trigger from the venue where they differ and the news is not older."""
        s = self._core.s
        has_trigger = needs_trigger(s.orders[row, at.TYPE])
        is_trailing = s.orders[row, at.TYPE] == codes.TRAILING_STOP
        ours = s.orders[row, at.TRIGGER] if has_trigger or is_trailing else 0
        theirs = order.trigger_ticks if has_trigger or is_trailing else 0
        is_equal = order.lots == s.orders[row, at.LOTS] and theirs in (0, ours)
        sent = self._outbox.sent.get(number)
        if sent is None:
            if not is_equal:
                self._core.report(codes.AMENDED, number, order.lots, theirs or ours)
            return
        if asked_ns is None:
            if order.ts_ns < sent.news_ns:
                return  # older than what is known
            sent.news_ns = order.ts_ns
        elif asked_ns < max(sent.amended_ns, sent.amend_sent_ns) + _SETTLED_NS:
            return
        if sent.amend is not None and (asked_ns is not None or (order.lots, theirs) == sent.amend):
            sent.amend = None  # this is what came of it
            sent.amended_ns = now_ns
        if not is_equal:
            self._core.report(codes.AMENDED, number, order.lots, theirs or ours)

    def _ended(self, row: int, number: int, order: OrderSeen) -> None:
        s = self._core.s
        filled = s.orders[row, at.FILLED]
        if order.filled_lots > filled:
            self._look_back(order)  # its fills come first
            return
        if order.state is OrderState.FILLED:
            if order.filled_lots < filled:
                return  # older than what is known
            if s.orders[row, at.STATE] in (codes.SUBMITTING, codes.UNKNOWN):
                self.needs_view = True
                return
            self._core.report(codes.AMENDED, number, filled, s.orders[row, at.TRIGGER])
            return
        if s.orders[row, at.STATE] == codes.SUBMITTING:
            self._core.report(codes.ACCEPTED, number)
        report = codes.CANCELLED_REPORT
        if order.state is OrderState.EXPIRED:
            report = codes.EXPIRED_REPORT
        elif order.state is OrderState.REJECTED and s.orders[row, at.STATE] == codes.OPEN:
            report = codes.REFUSED
        self._core.report(report, number)

    def _mind_ended(
        self, order: OrderSeen, number: int, now_ns: int, asked_ns: int | None
    ) -> None:
        """Cancel an order of ours that works at the venue though the books have ended it.

        Only a view that was asked for well after its end counts: an older one may still show it.
        """
        s = self._core.s
        own = self._ids.number_of(order.client_id, s.account[at.NEXT_NUMBER])
        is_ours = number > 0 and number == own
        if order.state not in _WORKING or asked_ns is None or not is_ours:
            return
        slot = number % len(s.closed)
        ended = s.closed[slot, at.NUMBER] == number
        if ended and asked_ns < self._outbox.ended_ns.get(number, 0) + 5 * _SETTLED_NS:
            return
        text = f"order {number} works at the venue though the books have ended it; it is cancelled"
        self._tell(Urgency.URGENT, "still_working", text, now_ns)
        self.orders_to_cancel.append(
            CancelOrder(number, order.client_id, order.instrument, order.opened_ns)
        )

    # --- orders of others -----------------------------------------------------------------------

    def adopt(self, order: OrderSeen, unbooked_lots: int, now_ns: int) -> int:
        """Take up an order that is not ours: it counts, and it is never cancelled from here.

        One that ended before the session began, or without a fill, leaves nothing to count.

        Args:
            order: as shown.
            unbooked_lots: of its fills which have not been booked.
            now_ns: our clock.

        Returns:
            Its number in the core; 0 when it was not taken up.
        """
        is_traded = order.instrument != NOT_TRADED and order.lots > 0
        if not is_traded or (order.state not in _WORKING and unbooked_lots == 0):
            return 0
        strategy = self._owner(order)
        s = self._core.s
        n = s.account[at.N_INSTRUMENTS]
        sells_ours = strategy not in (self._external, self._holdings)
        purpose = Purpose.LIQUIDATE if sells_ours else Purpose.MANUAL
        kind = order.type or (OrderType.LIMIT if order.limit_ticks else OrderType.MARKET)
        if kind is OrderType.TRAILING_STOP:
            kind = OrderType.STOP
        number = self._core.adopt(
            (
                strategy,
                order.instrument,
                _PURPOSES[purpose],
                1 if order.side is Side.BUY else -1,
                _TYPES[kind],
                order.lots,
                order.limit_ticks,
                order.trigger_ticks,
                order.filled_lots - unbooked_lots,
                key_of(order.venue_id),
            )
        )
        if number:
            self._memory.remember_adopted(key_of(order.venue_id), number)
            whose = "sells what a strategy holds" if sells_ours else "is not ours"
            text = f"order {order.venue_id} at the venue {whose}; it is counted as order {number}"
            self._tell(Urgency.URGENT if sells_ours else Urgency.WARNING, "adopted", text, now_ns)
            held = s.positions[strategy * n + order.instrument, at.QUANTITY]
            self.needs_view |= sells_ours and held > 0
        return number

    def _owner(self, order: OrderSeen) -> int:
        """Return the slot that another's order is booked on.

        A purchase is nobody's; a sale takes from what is nobody's, then from the largest holder.
        """
        if order.side is Side.BUY:
            return self._external
        s = self._core.s
        n = s.account[at.N_INSTRUMENTS]

        def held(slot: int) -> int:
            return s.positions[slot * n + order.instrument, at.QUANTITY]

        for slot in (self._external, self._holdings):
            if held(slot) >= order.lots:
                return slot
        slots = range(s.account[at.N_STRATEGIES])
        return max(slots, key=lambda slot: (held(slot), -slot))

    def book_orphans(self) -> None:
        """Book the fills whose orders have been taken up since."""
        for trade_id, fill in list(self._orphans.items()):
            if self.number_of(fill.client_id, fill.venue_id):
                del self._orphans[trade_id]
                self.fill(fill)

    @property
    def has_orphans(self) -> bool:
        """Tell whether there are fills whose orders nobody knows."""
        return bool(self._orphans)

    # --- people ---------------------------------------------------------------------------------

    def _tell_of_foreign(self, order: OrderSeen, now_ns: int) -> None:
        if order.venue_id in self._told or order.state not in _WORKING:
            return
        self._told[order.venue_id] = None
        if len(self._told) > _TOLD_MAX:
            self._told.pop(next(iter(self._told)))
        text = f"order {order.venue_id} at the venue is in something this session does not trade"
        self._tell(Urgency.WARNING, "foreign_order", text, now_ns)

    def _tell(self, urgency: Urgency, code: str, text: str, now_ns: int) -> None:
        self.alerts.append(Alert(urgency, code, text, now_ns))
