"""What must hold: after every step, after every wish, and when everything has settled (I1-I11)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import OrderState, from_money
from athena.errors import CheckFailed, RefusedError
from athena.research.simulation._final_orders import fee_difference, order_differences
from athena.research.simulation._halt_check import HaltCheck
from athena.research.simulation._limit_oracle import LimitOracle
from athena.research.simulation._protection import ProtectionCheck
from athena.research.simulation._stage import ACCOUNT, START_NS
from athena.research.simulation._venue_book import VenueBook, stamp_ns
from athena.trading import codes, digest_of
from athena.trading import layout as at
from athena.trading import limits as limit
from athena.trading.live import Operated, SessionSettings, Wanted, fold_journal, resume_session
from athena.venues import CallFailed
from athena.venues.kraken import our_currency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from athena.research.simulation._stage import Stage
    from athena.trading.live import Event, Session
    from athena.venues import Call, HttpAnswer, Output

ADD = "AddOrder"
AMEND = "AmendOrder"
_VIEW = "OpenOrders"  # every view of the account asks it once
_VIEWS_OF_ABSENCE = 3
_OK, _BAD_REQUEST, _SERVER_ERROR = 200, 400, 500
_TERMINAL = frozenset(
    {
        OrderState.DENIED,
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.EXPIRED,
        OrderState.REJECTED,
    }
)
_STATES = list(OrderState)
_CASH_TOLERANCE = Decimal("0.00001")  # cost is rounded by the venue, fill by fill


class Checks:
    """Compare what the desk believes with what the venue knows.

    Attributes:
        violations: what did not hold, in words, invariant first.
        n_orders: orders that reached the venue.
        n_doubled: client ids that reached it more than once.
        n_breaches: approvals beyond a limit.
        n_lost: orders and fills of the venue that the desk does not know at the end.
    """

    def __init__(self, world: Stage) -> None:
        """Look at a world."""
        self._world = world
        self._book = VenueBook(world)
        self.protection = ProtectionCheck(world, self._book)
        self._limits = LimitOracle(world, self._book)
        self._halts = HaltCheck(world, self._book)
        self._wanted: set[int] = set()
        self._amending: dict[str, Call] = {}
        self._asked_ns: dict[int, int] = {}
        self._views_ns: list[int] = []
        self._reached: dict[str, int] = {}
        self._ended: dict[int, OrderState] = {}
        self._n_illegal = 0
        self._has_overfilled = False
        self.violations: list[str] = []
        self.n_orders = 0
        self.n_doubled = 0
        self.n_breaches = 0
        self.n_lost = 0

    def fail(self, invariant: str, text: str) -> None:
        """Note a violation."""
        at_s = (self._world.heap.now_ns - START_NS) / 10**9
        self.violations.append(f"{invariant} at {at_s:.3f} s: {text}")

    # --- on the way -----------------------------------------------------------------------------

    def started(self) -> None:
        """Forget what an earlier life believed: what was not synced may turn out otherwise."""
        self._ended.clear()
        self._amending.clear()
        self._asked_ns.clear()

    def refused_to_start(self, refused: RefusedError) -> None:
        """Note that a journal was refused."""
        self.fail("I9", f"the journal was refused: {refused.message}")

    def after_step(self, output: Output) -> None:
        """Check what a step has done, before anything of it leaves (I3, I4, I5)."""
        session = self._world.session
        if session is None:
            return
        s = session.core.s
        self._wanted.add(session.last_verdict[0])
        self._wanted.update(number for number, _, _ in session.take_asked())
        for call in output.calls:
            if call.endpoint == ADD:
                self._check_sent(call, session)
            elif call.endpoint == AMEND:
                self._check_amendment(call)
            elif call.endpoint == _VIEW:
                self._asked_ns[call.id] = self._world.heap.now_ns
        for number in session.take_touched():
            self._check_end(session, number)
        if s.account[at.N_ILLEGAL] > self._n_illegal:
            self.fail("TR-08", f"{s.account[at.N_ILLEGAL]} events that cannot be")
        self._n_illegal = s.account[at.N_ILLEGAL]
        if s.account[at.HALT] & at.HALT_FAULT and not self._has_overfilled:
            self._has_overfilled = True
            self.fail("I1", "an order filled more than it asked for")

    def _check_sent(self, call: Call, session: Session) -> None:
        """An order that is sent is safe in the journal, and somebody wanted it (I3)."""
        self._book.note(call, session)
        sent = self._book.sent[call.fields["cl_ord_id"]]
        self._limits.sent(sent)
        if not self._world.store.is_safe:
            self.fail("I3", f"order {sent.client_id} leaves before its intent is safe")
        if sent.number == 0:
            self.fail("I3", f"order {sent.client_id} has no intent in the journal")
        elif sent.is_buy and sent.number not in self._wanted:
            self.fail("I3", f"order {sent.number} was wanted by nobody")

    def _check_amendment(self, call: Call) -> None:
        """No two amendments of an order that differ are on their way at once (I4).

        The next may leave once the venue has had the one before, or its deadline is over.
        """
        client_id = call.fields["cl_ord_id"]
        before = self._amending.get(client_id)
        if before is not None and _terms(before) != _terms(call):
            deadline_ns = stamp_ns(before.fields["deadline"])
            if self._world.latest_venue_ns() <= deadline_ns:
                text = f"order {client_id} is amended again while the first is on its way"
                self.fail("I4", text)
        self._amending[client_id] = call

    def request_leaves(self, call: Call) -> None:
        """Check what goes out over the wire, after its wait for the rate limit (I10)."""
        session = self._world.session
        sent = self._book.sent.get(call.fields.get("cl_ord_id", ""))
        if call.endpoint == ADD and session is not None and sent is not None:
            for text in self._halts.leaves(sent, session):
                self.fail("I10", text)

    def answered(self, call: Call, answer: HttpAnswer | CallFailed) -> None:
        """Take note of what the desk is about to be shown."""
        if call.endpoint == ADD:
            if _is_refusal(answer):
                self._book.refused(call.fields["cl_ord_id"])
        elif call.endpoint == AMEND:
            client_id = call.fields["cl_ord_id"]
            is_over = not isinstance(answer, CallFailed) or not answer.is_sent
            if is_over and self._amending.get(client_id) is call:
                del self._amending[client_id]
        elif call.id in self._asked_ns:
            asked_ns = self._asked_ns.pop(call.id)
            if not isinstance(answer, CallFailed) and answer.status == _OK:
                self._views_ns.append(asked_ns)

    def look(self) -> None:
        """Look at the protection of every position, once a second (I11)."""
        self._book.refresh()
        for text in self.protection.look(self._world.troubled_ns()):
            self.fail("I11", text)

    def _check_end(self, session: Session, number: int) -> None:
        """A terminal state never changes (I5)."""
        s = session.core.s
        if session.core.row_of(number) >= 0:
            if number in self._ended:
                self.fail("I5", f"order {number} lives again")
            return
        slot = number % len(s.closed)
        if s.closed[slot, at.NUMBER] != number:
            return
        state = _STATES[s.closed[slot, at.STATE]]
        is_first = number not in self._ended
        before = self._ended.setdefault(number, state)
        if state not in _TERMINAL or before is not state:
            self.fail("I5", f"order {number} went from {before.value} to {state.value}")
        elif is_first and state is OrderState.REJECTED:
            self._check_absence(session, number)

    def _check_absence(self, session: Session, number: int) -> None:
        """An order is taken for absent by a refusal, or by time and three views (section 10)."""
        sent = self._book.sent.get(session.client_id(number))
        if sent is None or sent.is_refused:
            return
        n_views = sum(asked_ns >= sent.sent_ns for asked_ns in self._views_ns)
        is_late = self._limits.is_absence_provable(sent)
        if n_views < _VIEWS_OF_ABSENCE or not is_late:
            text = f"order {number} was taken for absent after {n_views} views"
            self.fail("I4", text if is_late else f"{text}, half a minute too early")

    def request_reaches(self, endpoint: str, fields: Mapping[str, str]) -> None:
        """Count the orders that reach the venue: one client id, one order (I3, I4)."""
        if endpoint == AMEND:
            self._amending.pop(fields["cl_ord_id"], None)
        if endpoint != ADD:
            return
        client_id = fields["cl_ord_id"]
        self.n_orders += 1
        self._reached[client_id] = self._reached.get(client_id, 0) + 1
        if self._reached[client_id] > 1:
            self.n_doubled += 1
            self.fail(
                "I4", f"order {client_id} reached the venue {self._reached[client_id]} times"
            )
        if client_id not in self._book.sent:
            self.fail("I3", f"order {client_id} was never wanted")

    def told(self, event: Event) -> None:
        """Check what came of a wish or a command, after it was taken (I6, I10)."""
        session = self._world.session
        if session is None:
            return
        if isinstance(event, Operated):
            self._book.refresh()
            for text in self._halts.operated(event.command, session):
                self.fail("I10", text)
        elif isinstance(event, Wanted) and session.last_verdict[1] is None:
            self._book.refresh()
            self._after_wish(session)
            number = session.last_verdict[0]
            found = self._limits.approved(session, event.strategy, event.intent, number)
            for text in found:
                self.n_breaches += 1
                self.fail("I6", text)

    def _after_wish(self, session: Session) -> None:
        """After an approval the desk's own books are within the gross limit, to the unit."""
        s = session.core.s
        worst = sum(self._worst_case(session))
        allowed = s.account[at.EQUITY] * s.limits[limit.GROSS_PPM] // at.PPM
        # The price may have moved positions beyond it since; an approval may not.
        row = session.core.row_of(session.last_verdict[0])
        if row >= 0 and not s.orders[row, at.FLAGS] & at.FLAG_REDUCE_ONLY and worst > allowed:
            self.n_breaches += 1
            self.fail("I6", f"gross exposure {from_money(worst)}, allowed {from_money(allowed)}")

    def _worst_case(self, session: Session) -> Iterator[int]:
        """Yield the money of every position and every order that may still enlarge one.

        On spot that is a purchase; whoever sells by hand sells coins that are there. The limits
        are those of the trading book, and what others buy counts with it while it works.
        """
        s = session.core.s
        n = s.account[at.N_INSTRUMENTS]
        for position in range(s.account[at.N_POSITIONS]):
            if s.strategies[position // n, at.BOOK] == codes.TRADING_BOOK:
                last = s.instruments[position % n, at.LAST]
                yield abs(self._worth(session, position % n, last, s.positions[position, 0]))
        for row in session.core.live_rows():
            is_working = codes.SUBMITTING <= s.orders[row, at.STATE] <= codes.PARTIALLY_FILLED
            book = s.strategies[s.orders[row, at.ORDER_STRATEGY], at.BOOK]
            is_counted = book == codes.TRADING_BOOK or s.orders[row, at.FLAGS] & at.FLAG_EXTERNAL
            if is_working and is_counted and s.orders[row, at.SIDE] > 0:
                left = s.orders[row, at.LOTS] - s.orders[row, at.FILLED]
                instrument = s.orders[row, at.ORDER_INSTRUMENT]
                yield self._worth(session, instrument, s.orders[row, at.RESERVE], left)

    @staticmethod
    def _worth(session: Session, instrument: int, ticks: int, lots: int) -> int:
        row = session.core.s.instruments
        product = ticks * lots * row[instrument, at.VALUE_NUM]
        worth: int = product // row[instrument, at.VALUE_DEN]
        return worth

    # --- at the end -----------------------------------------------------------------------------

    def settled(self) -> None:
        """Check what must hold once nothing goes wrong any more (I1, I2, I7 to I11)."""
        session = self._world.session
        if session is None:
            self.fail("I8", "there is no session")
            return
        self._book.refresh()
        self._check_quiet(session)
        self._check_orders(session)
        self._check_balances(session)
        self._check_history(session)
        for text in (*self.protection.at_the_end(), *self.protection.oversized()):
            self.fail("I11", text)
        for text in self._halts.at_the_end(session, self.protection):
            self.fail("I10", text)
        self._check_replay(session)

    def _check_quiet(self, session: Session) -> None:
        s = session.core.s
        for row in session.core.live_rows():
            number, state = s.orders[row, at.NUMBER], _STATES[s.orders[row, at.STATE]]
            if state in {OrderState.SUBMITTING, OrderState.UNKNOWN}:
                self.fail("I8", f"order {number} is still {state.value}")
            if s.orders[row, at.PENDING]:
                self.fail("I8", f"order {number} still waits for an answer")
        symbols = [item.symbol for item in session.instruments]
        now_ns = self._world.heap.now_ns
        for finding in session.readiness.findings(session.core, symbols, now_ns):
            self.fail("I8", finding)

    def _check_orders(self, session: Session) -> None:
        """Every working order of the venue is ours or taken up, and the other way round."""
        s = session.core.s
        shown = self._ask("OpenOrders")["open"]
        live = {
            s.orders[row, at.NUMBER]
            for row in session.core.live_rows()
            if codes.OPEN <= s.orders[row, at.STATE] <= codes.PARTIALLY_FILLED
        }
        found: set[int] = set()
        for venue_id, order in shown.items():
            number = session.number_of(order.get("cl_ord_id") or "", venue_id)
            if number in live:
                found.add(number)
                continue
            self.n_lost += 1
            self.fail("I7", f"order {venue_id} works at the venue and not in the books: {order}")
        for number in sorted(live - found):
            self.n_lost += 1
            self.fail("I1", f"order {number} works in the books and not at the venue")

    def _check_balances(self, session: Session) -> None:
        balances = {our_currency(name): Decimal(v) for name, v in self._ask("Balance").items()}
        for k, instrument in enumerate(session.instruments):
            booked = instrument.lots_to_quantity(session.core.held_lots(k))
            shown = balances.get(instrument.base, Decimal(0))
            if booked != shown:
                self.n_lost += 1
                self.fail("I1", f"{instrument.base}: books {booked}, venue {shown}")
        quote = session.instruments[0].quote
        booked = from_money(session.core.s.account[at.CASH] + session.plans.kept)
        shown = balances.get(quote, Decimal(0))
        if abs(booked - shown) > _CASH_TOLERANCE:
            self.n_lost += 1
            self.fail("I2", f"{quote}: books {booked}, venue {shown}")

    def _check_history(self, session: Session) -> None:
        """Every order ended as the venue says, and paid what it says."""
        for text in order_differences(self._world, self._book, session):
            self.n_lost += 1
            self.fail("I1", text)
        for text in fee_difference(self._book, session, self._world.opened_ns):
            self.fail("I2", text)

    def _check_replay(self, session: Session) -> None:
        session.flush()
        try:
            folded = fold_journal(self._world.store, from_beginning=True)
        except CheckFailed as failed:
            self.fail("I9", failed.message)
            return
        if digest_of(folded.tables.views) != digest_of(session.core.s):
            self.fail("I9", "the journal folds to another state")

    def flipped(self, positions: Iterable[int]) -> None:
        """A journal with one wrong byte is refused, wherever it is (F17)."""
        for position in positions:
            damaged = self._world.store.flipped(position)
            try:
                resume_session(damaged, SessionSettings(), now_ns=self._world.heap.now_ns)
            except (CheckFailed, RefusedError):
                continue
            self.fail("F17", f"a journal whose byte {position} is wrong was taken for sound")

    def _ask(self, endpoint: str) -> Any:  # noqa: ANN401 - JSON
        answer = json.loads(self._world.exchange.private(ACCOUNT, endpoint, {}))
        return answer["result"]


def _terms(call: Call) -> dict[str, str]:
    """Return what an amendment asks for."""
    return {name: value for name, value in call.fields.items() if name != "deadline"}


def _is_refusal(answer: HttpAnswer | CallFailed) -> bool:
    """Tell whether an answer proves that the order never came to be."""
    if isinstance(answer, CallFailed):
        return not answer.is_sent
    if answer.status != _OK:
        return _BAD_REQUEST <= answer.status < _SERVER_ERROR
    try:
        body = json.loads(answer.body)
    except ValueError:
        return False
    return bool(isinstance(body, dict) and body.get("error"))
