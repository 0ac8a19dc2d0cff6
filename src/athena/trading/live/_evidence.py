"""What the venue says of orders, as reports to the core; evidence is weighed, never invented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, Liquidity, OrderState
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core.layout import NEVER_NS
from athena.trading._core.orders import needs_trigger
from athena.trading.live._effects import Alert, CancelOrder, Urgency
from athena.trading.live._events import NOT_TRADED, Request, Result
from athena.trading.live._foreign import Foreign
from athena.trading.live._identity import key_of

if TYPE_CHECKING:
    from athena.trading.live._core import Core
    from athena.trading.live._events import Answered, FillSeen, OrderSeen
    from athena.trading.live._identity import OrderIds
    from athena.trading.live._memory import Memory
    from athena.trading.live._outbox import Outbox

_LIQUIDITY = {kind: code for code, kind in enumerate(Liquidity)}
_WORKING = frozenset({OrderState.OPEN, OrderState.TRIGGERED, OrderState.PARTIALLY_FILLED})
_SETTLED_NS = 2 * SECOND_NS  # a view asked sooner after an amendment may still show the old order
_AGAIN_NS = SECOND_NS  # a request that could not leave is not tried again at once
_TRIES_MAX = 4  # refused amendments of one order before the wish is given up
_ORPHANS_MAX = 1_000
_TOLD_MAX = 1_000
_FOR_AMOUNT_MAX = 1_000


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
        self._foreign = Foreign(core, memory, self._tell, external=external, holdings=holdings)
        self._told: dict[str, None] = {}
        self._for_amount: dict[str, None] = {}  # ids of orders for an amount of quote currency
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

    def answer(self, answer: Answered) -> None:
        """Take the answer to a request, or the lack of one."""
        number = self.number_of(answer.client_id, "")
        row = self._core.row_of(number) if number else at.NONE
        if row < 0:
            return  # it ended meanwhile
        if answer.request is Request.PLACE:
            self._placed(row, number, answer)
        elif answer.request is Request.CANCEL:
            # A cancel stays wanted until the order's end is seen; `Session` asks again.
            self.needs_view |= answer.result in {Result.REFUSED, Result.UNKNOWN}
        else:
            self._amended(row, number, answer)

    def _placed(self, row: int, number: int, answer: Answered) -> None:
        state = self._core.s.orders[row, at.STATE]
        if answer.result is Result.ACCEPTED:
            self._core.report(codes.ACCEPTED, number)
        elif answer.result is Result.REFUSED:
            if state in (codes.SUBMITTING, codes.UNKNOWN, codes.OPEN):
                self._core.report(codes.REFUSED, number)
                self._tell(Urgency.WARNING, "refused", f"order {number}: {answer.reason}")
            else:
                self.needs_view = True
        elif answer.result is Result.NOT_SENT:
            self._not_sent(number, state)
        elif state == codes.SUBMITTING:
            self._core.report(codes.AMBIGUOUS, number)
            self.needs_view = True

    def _not_sent(self, number: int, state: int) -> None:
        """End an order that never left; one that was given up for unknown in the queue too."""
        if state == codes.SUBMITTING:
            self._core.report(codes.NOT_SENT, number)
        elif state == codes.UNKNOWN:
            self._core.report(codes.ABSENT_PROVEN, number)

    def _amended(self, row: int, number: int, answer: Answered) -> None:
        s = self._core.s
        sent = self._outbox.sent.get(number)
        if sent is None or answer.serial != sent.n_amends:
            return  # another one is under way: what came of this one was seen before
        if sent.amend is None:  # the stream was faster
            if answer.result is not Result.UNKNOWN:
                sent.amend_again_ns = answer.ts_ns
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
            self._tell(Urgency.URGENT, "amend_refused", f"order {number}: {answer.reason}")
        else:  # still wanted: the next try comes later, and a view may say why this one failed
            sent.n_refused += answer.result is Result.REFUSED
            sent.amend_again_ns = answer.ts_ns + (_AGAIN_NS << sent.n_refused)
            self.needs_view |= answer.result is Result.REFUSED

    # --- fills ----------------------------------------------------------------------------------

    def fill(self, fill: FillSeen) -> None:
        """Book a fill and its fee, each once; one that nobody can place yet waits for a view."""
        if fill.instrument == NOT_TRADED:
            return
        next_number = self._core.s.account[at.NEXT_NUMBER]
        is_own = bool(fill.client_id) and self._ids.number_of(fill.client_id, next_number) > 0
        if not is_own and fill.ts_ns <= self.opened_ns:
            return  # it is in the opening balances
        number = self.number_of(fill.client_id, fill.venue_id)
        is_remembered = number > 0 and self._is_remembered(number)
        key = key_of(fill.trade_id)
        if self._memory.has(key):
            pass
        elif not self._foreign.has_coins_for(fill):
            self._keep_orphan(fill)  # the purchase of what it sells is still on its way
            return
        elif is_remembered:
            self._book(fill, number, key)
        elif number:
            self._foreign.book_forgotten(fill, number, key)
        elif fill.venue_id in self._for_amount:
            self._foreign.book_alone(fill, key)
        else:
            self._keep_orphan(fill)
            return
        if fill.fee_lots:
            slot = self._strategy_of(number) if is_remembered else self._foreign.slot
            self._foreign.book_fee(slot, fill)

    def _book(self, fill: FillSeen, number: int, key: int) -> None:
        """Book a fill of an order that the core knows."""
        self._foreign.make_room(self._strategy_of(number), fill.side, fill.instrument, fill.lots)
        self._grow(number, fill.lots)
        liquidity = _LIQUIDITY[fill.liquidity]
        self._core.fill(number, fill.lots, fill.price_ticks, fill.fee_units, liquidity, key)
        self._memory.remember(key)

    def _grow(self, number: int, lots: int) -> None:
        """Let another's order be as large as its fills show: its owner may have enlarged it."""
        row = self._core.row_of(number)
        if row < 0 or not self._foreign.is_foreign(row):
            return
        order = self._core.s.orders
        filled = order[row, at.FILLED] + lots
        if filled > order[row, at.LOTS]:
            self._core.report(codes.AMENDED, number, filled, order[row, at.TRIGGER])

    def _is_remembered(self, number: int) -> bool:
        """Tell whether the core knows an order, live or closed; what was denied never left."""
        closed = self._core.s.closed
        slot = number % len(closed)
        is_closed = closed[slot, at.NUMBER] == number and closed[slot, at.STATE] != codes.DENIED
        return is_closed or self._core.row_of(number) >= 0

    def _keep_orphan(self, fill: FillSeen) -> None:
        """Keep a fill that cannot be booked yet; a view of the account will explain it."""
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
        if order.instrument == NOT_TRADED:
            self._tell_once(order, "is in something this session does not trade")
            return
        if order.lots <= 0:
            self._take_amount(order)
            return
        number = self.number_of(order.client_id, order.venue_id)
        if number == 0 and asked_ns is None and order.filled_lots:
            self.needs_view = True  # which of its fills are ours to book?
            return
        number = number or self.adopt(order, 0)
        row = self._core.row_of(number) if number else at.NONE
        if row < 0:
            self._mind_ended(order, number, asked_ns)
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
        elif asked_ns < sent.amended_ns + _SETTLED_NS:
            return
        is_settled = sent.amend is not None and (
            (order.lots, theirs) == sent.amend
            # A view that was asked after its deadline shows what came of it; until then it may
            # still arrive, and another one must not overtake it.
            or (asked_ns is not None and asked_ns >= sent.amend_deadline_ns + _SETTLED_NS)
        )
        if is_settled:
            sent.amend = None
            sent.amended_ns = now_ns
            if sent.is_amend_repeated:  # what is shown may be the one before, and this one late:
                # the next waits for its answer, or until it can arrive no more
                sent.amend_again_ns = max(sent.amend_again_ns, sent.amend_deadline_ns)
        elif sent.amend is not None and asked_ns is not None:
            return
        if is_settled or not is_equal:
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

    def _mind_ended(self, order: OrderSeen, number: int, asked_ns: int | None) -> None:
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
        self._tell(Urgency.URGENT, "still_working", text)
        self.orders_to_cancel.append(
            CancelOrder(number, order.client_id, order.instrument, order.opened_ns)
        )

    # --- orders of others -----------------------------------------------------------------------

    def adopt(self, order: OrderSeen, unbooked_lots: int) -> int:
        """Take up an order that is not ours: it counts, and it is never cancelled from here.

        One that ended before the session began, or without a fill, leaves nothing to count.

        Args:
            order: as shown.
            unbooked_lots: of its fills which have not been booked.

        Returns:
            Its number in the core; 0 when it was not taken up.
        """
        if order.is_for_amount:
            self._take_amount(order)
        is_traded = order.instrument != NOT_TRADED and order.lots > 0
        if not is_traded or (order.state not in _WORKING and unbooked_lots == 0):
            return 0
        number = self._foreign.adopt(order, unbooked_lots)
        row = self._core.row_of(number) if number else at.NONE
        if row >= 0 and self._core.s.orders[row, at.FLAGS] & at.FLAG_REDUCE_ONLY:
            self.needs_view = True  # it sells what a strategy holds
        return number

    def _take_amount(self, order: OrderSeen) -> None:
        """Note an order for an amount of quote currency: its fills are booked as they come.

        Only a view says for certain that it is one; the stream may just leave the quantity out.
        """
        if not order.is_for_amount:
            self.needs_view = True
            return
        self._for_amount[order.venue_id] = None
        if len(self._for_amount) > _FOR_AMOUNT_MAX:
            self._for_amount.pop(next(iter(self._for_amount)))
        self._tell_once(order, "is for an amount of money; its trades are booked as they come")

    def book_orphans(self) -> None:
        """Book the fills that can be booked by now; the others wait on."""
        for trade_id, fill in list(self._orphans.items()):
            del self._orphans[trade_id]
            self.fill(fill)

    @property
    def has_orphans(self) -> bool:
        """Tell whether there are fills whose orders, or whose coins, nobody knows yet."""
        return bool(self._orphans)

    # --- people ---------------------------------------------------------------------------------

    def _tell_once(self, order: OrderSeen, what: str) -> None:
        if order.venue_id in self._told or order.state not in _WORKING:
            return
        self._told[order.venue_id] = None
        if len(self._told) > _TOLD_MAX:
            self._told.pop(next(iter(self._told)))
        text = f"order {order.venue_id} at the venue {what}"
        self._tell(Urgency.WARNING, "foreign_order", text)

    def _tell(self, urgency: Urgency, code: str, text: str) -> None:
        self.alerts.append(Alert(urgency, code, text, self._core.now_ns))
