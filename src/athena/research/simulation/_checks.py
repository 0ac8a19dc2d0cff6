"""What must hold: after every step, after every wish, and when everything has settled (I1-I11)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import OrderState, from_money
from athena.errors import CheckFailed, RefusedError
from athena.research.simulation._stage import ACCOUNT, START_NS
from athena.trading import codes, digest_of
from athena.trading import layout as at
from athena.trading import limits as limit
from athena.trading.live import SessionSettings, fold_journal, resume_session
from athena.venues.kraken import our_currency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from athena.research.simulation._stage import Stage
    from athena.trading.live import Session
    from athena.venues import Output

ADD = "AddOrder"
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
        self._reached: dict[str, int] = {}
        self._ended: dict[int, OrderState] = {}
        self._known: set[str] = set()
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

    def refused_to_start(self, refused: RefusedError) -> None:
        """Note that a journal was refused."""
        self.fail("I9", f"the journal was refused: {refused.message}")

    def after_step(self, output: Output) -> None:
        """Check what a step has done, before anything of it leaves (I3, I5, I10)."""
        session = self._world.session
        if session is None:
            return
        s = session.core.s
        for call in output.calls:
            if call.endpoint != ADD:
                continue
            client_id = call.fields["cl_ord_id"]
            self._known.add(client_id)
            if not self._world.store.is_safe:
                self.fail("I3", f"order {client_id} leaves before its intent is safe")
            is_killed = s.account[at.HALT] & at.HALT_KILL
            if is_killed and call.fields["type"] == "buy":
                self.fail("I10", f"order {client_id} adds risk after the kill switch")
        for number in session.take_touched():
            self._check_end(session, number)
        if s.account[at.N_ILLEGAL]:
            self.fail("TR-08", f"{s.account[at.N_ILLEGAL]} events that cannot be")
            s.account[at.N_ILLEGAL] = 0
        if s.account[at.HALT] & at.HALT_FAULT and not self._has_overfilled:
            self._has_overfilled = True
            self.fail("I1", "an order filled more than it asked for")

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
        before = self._ended.setdefault(number, state)
        if state not in _TERMINAL or before is not state:
            self.fail("I5", f"order {number} went from {before.value} to {state.value}")

    def request_reaches(self, endpoint: str, fields: Mapping[str, str]) -> None:
        """Count the orders that reach the venue: one client id, one order (I3, I4)."""
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
        if client_id not in self._known:
            self.fail("I3", f"order {client_id} was never wanted")

    def after_wish(self) -> None:
        """After an approval the trading book is within its gross limit at worst case (I6)."""
        session = self._world.session
        if session is None or session.last_verdict[1] is not None:
            return
        s = session.core.s
        worst = sum(self._worst_case(session))
        allowed = s.account[at.EQUITY] * s.limits[limit.GROSS_PPM] // at.PPM
        # The price may have moved positions beyond it since; an approval may not.
        row = session.core.row_of(session.last_verdict[0])
        if row >= 0 and not s.orders[row, at.FLAGS] & at.FLAG_REDUCE_ONLY and worst > allowed:
            self.n_breaches += 1
            self.fail("I6", f"gross exposure {from_money(worst)}, allowed {from_money(allowed)}")

    def _worst_case(self, session: Session) -> Iterator[int]:
        """Yield the money of every position and every order that may still enlarge one."""
        s = session.core.s
        n = s.account[at.N_INSTRUMENTS]
        for position in range(s.account[at.N_POSITIONS]):
            if s.strategies[position // n, at.BOOK] == codes.TRADING_BOOK:
                last = s.instruments[position % n, at.LAST]
                yield abs(self._worth(session, position % n, last, s.positions[position, 0]))
        for row in session.core.live_rows():
            is_entry = not s.orders[row, at.FLAGS] & at.FLAG_REDUCE_ONLY
            is_working = codes.SUBMITTING <= s.orders[row, at.STATE] <= codes.PARTIALLY_FILLED
            if is_entry and is_working:
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
        """Check what must hold once nothing goes wrong any more (I1, I2, I7, I8, I9, I11)."""
        session = self._world.session
        if session is None:
            self.fail("I8", "there is no session")
            return
        self._check_quiet(session)
        self._check_orders(session)
        self._check_balances(session)
        self._check_protection(session)
        self._check_replay(session)

    def _check_quiet(self, session: Session) -> None:
        s = session.core.s
        for row in session.core.live_rows():
            number, state = s.orders[row, at.NUMBER], _STATES[s.orders[row, at.STATE]]
            if state in {OrderState.SUBMITTING, OrderState.UNKNOWN}:
                self.fail("I8", f"order {number} is still {state.value}")
            if s.orders[row, at.PENDING]:
                self.fail("I8", f"order {number} still waits for an answer")
        for finding in session.findings(self._world.heap.now_ns):
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
        booked = from_money(session.core.s.account[at.CASH])
        shown = balances.get(quote, Decimal(0))
        if abs(booked - shown) > _CASH_TOLERANCE:
            self.n_lost += 1
            self.fail("I2", f"{quote}: books {booked}, venue {shown}")

    def _check_protection(self, session: Session) -> None:
        for text in session.watch.gaps([item.symbol for item in session.instruments]):
            self.fail("I11", text)

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
