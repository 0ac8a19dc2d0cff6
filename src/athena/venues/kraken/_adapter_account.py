"""Read the whole account: question after question, page after page, into one view.

The order of the questions matters. The venue's clock comes first, so that it is a lower bound of
every later answer; open orders come before closed ones, so that an order that ends in between
shows in both and never in neither; balances come last.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from athena.domain import SECOND_NS
from athena.errors import AthenaError, VenueError
from athena.trading.live import NOT_TRADED, AccountSeen, TransferSeen
from athena.venues.kraken._adapter_calls import Question
from athena.venues.kraken._adapter_orders import fill_of, order_of_report
from athena.venues.kraken._ledgers import TRADE, read_ledgers
from athena.venues.kraken._market import read_server_time
from athena.venues.kraken._orders import read_closed_orders, read_open_orders
from athena.venues.kraken._trades import read_balances, read_trades_history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from athena.trading.live import FillSeen, OrderSeen, QueryAccount
    from athena.venues.kraken._adapter_orders import OrderMemory
    from athena.venues.kraken._fields import Fields
    from athena.venues.kraken._ledgers import LedgerReport
    from athena.venues.kraken._markets import Markets
    from athena.venues.kraken._orders import OrderReport
    from athena.venues.kraken._trades import TradeReport

PAGE_SIZE = 50
_MAX_ENTRIES = 10_000  # of one list; who asks for more asks for too long a time
_MAX_READINGS = 3  # of one list that moves while it is read
_REST_DIGIT_NS = 100_000  # REST states times to a tenth of a millisecond, the stream finer

EntryT = TypeVar("EntryT")
SeenT = TypeVar("SeenT", "FillSeen", "OrderSeen", "TransferSeen")


class _Part(Protocol):
    """One list or figure of the account, asked until it is whole."""

    def question(self) -> Question:
        """Return what to ask next."""
        ...

    def take(self, result: Fields) -> bool:
        """Take an answer in; True when the part is whole.

        Raises:
            VenueError: it cannot be read, or moves too fast.
        """
        ...


class _Whole(Generic[EntryT]):
    """A part that one answer holds."""

    def __init__(self, question: Question, read: Callable[[Fields], EntryT]) -> None:
        self._question = question
        self._read = read
        self.value: EntryT | None = None

    def question(self) -> Question:
        return self._question

    def take(self, result: Fields) -> bool:
        self.value = self._read(result)
        return True


class _Pages(Generic[EntryT]):
    """A part that comes in pages, newest first, and may grow while it is read.

    An entry that appears shifts all that are older, so a page may repeat the one before, and an
    order that ends may slip in behind us. The count tells: a list that was not the same size on
    every page, or that holds fewer entries than it counts, is read again from its start.
    """

    def __init__(
        self,
        question: Question,
        read: Callable[[Fields], tuple[Sequence[EntryT], int]],
        key: Callable[[EntryT], str],
    ) -> None:
        self._question = question
        self._read = read
        self._key = key
        self._n_total = -1
        self._n_read = 0
        self._n_readings = 1
        self.entries: dict[str, EntryT] = {}

    def question(self) -> Question:
        fields = {**self._question.fields, "ofs": str(self._n_read)}
        return Question(self._question.endpoint, fields, is_history=self._question.is_history)

    def take(self, result: Fields) -> bool:
        page, n_total = self._read(result)
        if n_total > _MAX_ENTRIES:
            self._fail(f"at most {_MAX_ENTRIES} entries", f"{n_total}")
        if self._n_read and n_total != self._n_total:
            return self._start_again(f"{n_total} entries after {self._n_total}")
        self._n_total = n_total
        self._n_read += len(page)
        self.entries |= {self._key(entry): entry for entry in page}
        if page and self._n_read < n_total:
            return False
        if len(self.entries) < n_total:
            return self._start_again(f"{len(self.entries)} of {n_total} entries")
        return True

    def _start_again(self, seen: str) -> bool:
        if self._n_readings == _MAX_READINGS:
            self._fail("a list that stays as it is while it is read", f"{seen}, three times")
        self._n_readings += 1
        self._n_read = 0
        self.entries = {}
        return False

    def _fail(self, expected: str, seen: str) -> None:
        message = f"expected {expected} of {self._question.endpoint}, was {seen}"
        raise VenueError(message)


class AccountReading:
    """One reading of the account, from the first question to the view.

    Attributes:
        query: that it answers.
        markets: of the session.
    """

    def __init__(
        self, query: QueryAccount, asked_ns: int, markets: Markets, memory: OrderMemory
    ) -> None:
        """Begin.

        Args:
            query: how far back, venue's clock.
            asked_ns: our clock.
            markets: of the session.
            memory: of the adapter; what is seen is remembered.
        """
        self.query = query
        self.markets = markets
        self._since_ns = since_ns = query.since_ns
        self._asked_ns = asked_ns
        self._memory = memory
        self._reason = ""
        self._entries_of: dict[str, list[LedgerReport]] = {}  # of the ledger, by trade id
        start = {"start": str(max(0, since_ns // SECOND_NS - 1))}  # Kraken leaves the start out
        self._time = _Whole(Question("Time", is_private=False), read_server_time)
        self._open = _Whole(Question("OpenOrders"), read_open_orders)
        self._closed: _Pages[OrderReport] = _Pages(
            Question("ClosedOrders", {**start, "closetime": "close"}),
            read_closed_orders,
            lambda order: order.order_id,
        )
        self._fills: _Pages[TradeReport] = _Pages(
            Question("TradesHistory", start, is_history=True),
            read_trades_history,
            lambda fill: fill.trade_id,
        )
        self._ledger: _Pages[LedgerReport] = _Pages(
            Question("Ledgers", start, is_history=True),
            read_ledgers,
            lambda entry: entry.ledger_id,
        )
        self._balances = _Whole(Question("Balance"), read_balances)
        self._left: list[_Part] = [
            self._time, self._open, self._closed, self._fills, self._ledger, self._balances,
        ]  # fmt: skip

    def question(self) -> Question | None:
        """Return what to ask next; None when nothing is left, or it failed."""
        return self._left[0].question() if self._left else None

    def take(self, result: Fields) -> None:
        """Take the answer to the last question in; one that cannot be read ends the reading."""
        try:
            is_whole = self._left[0].take(result)
        except AthenaError as error:
            self.fail(error.message)
            return
        if is_whole:
            del self._left[0]

    def fail(self, reason: str) -> None:
        """End the reading: what is missing is not made up."""
        self._reason = reason
        self._left = []

    def seen(self) -> AccountSeen:
        """Return the view; what it has is evidence even where it is not complete."""
        for entry in self._ledger.entries.values():
            if entry.kind == TRADE:
                self._entries_of.setdefault(entry.reference_id, []).append(entry)
        # An order that ended while we read is in both lists; the later one is right.
        reports = {order.order_id: order for order in self._open.value or ()}
        reports |= self._closed.entries
        orders = self._all(reports.values(), self._order)
        for fill in self._fills.entries.values():
            if self.markets.find(fill.pair) == NOT_TRADED:
                self._memory.note_foreign_fill(fill.trade_id)

        def own_fill(fill: TradeReport) -> FillSeen | None:
            order = reports.get(fill.order_id)
            return self._fill(fill, is_base_fee=order is not None and order.is_base_fee)

        fills = self._all(self._fills.entries.values(), own_fill)
        return AccountSeen(
            asked_ns=self._asked_ns,
            venue_ns=self._time.value or 0,
            since_ns=self._since_ns,
            orders=orders,
            fills=fills,
            transfers=self._all(self._ledger.entries.values(), self._transfer),
            balances=self._balances.value or {},
            is_complete=not self._reason,
            reason=self._reason,
        )

    def _all(
        self, entries: Iterable[EntryT], translate: Callable[[EntryT], SeenT | None]
    ) -> tuple[SeenT, ...]:
        """Translate what can be, oldest first; what cannot makes the view incomplete."""
        found = []
        for entry in entries:
            try:
                seen = translate(entry)
            except VenueError as error:
                self._reason = self._reason or error.message
                continue
            if seen is not None:
                found.append(seen)
        return tuple(sorted(found, key=lambda item: item.ts_ns))

    def _order(self, report: OrderReport) -> OrderSeen | None:
        if report.closed_at_ns is not None and self._is_too_old(report.closed_at_ns):
            return None
        order = order_of_report(report, self.markets)
        self._memory.note_view(order)
        return order

    def _fill(self, fill: TradeReport, *, is_base_fee: bool) -> FillSeen | None:
        index = self.markets.find(fill.pair)
        if index == NOT_TRADED or self._is_too_old(fill.at_ns):
            return None
        base = self.markets.instruments[index].base
        fees = [item.fee for item in self._booked(fill.trade_id) if item.currency == base]
        if any(fees):
            fill = replace(fill, fee=sum(fees, Decimal(0)), fee_currency=base)
        elif is_base_fee and fill.fee != 0:
            message = (
                f"expected the fee of {fill.trade_id} in the ledger, was in coins and is not there"
            )
            raise VenueError(message)
        return fill_of(fill, self._memory.client_id(fill.order_id), self.markets)

    def _booked(self, trade_id: str) -> list[LedgerReport]:
        """Return what the ledger says of a trade: only it names the currency of a fee."""
        return self._entries_of.get(trade_id, [])

    def _transfer(self, entry: LedgerReport) -> TransferSeen | None:
        if self._is_too_old(entry.at_ns):
            return None
        return transfer_of(
            entry.kind,
            entry.reference_id,
            TransferSeen(entry.ledger_id, entry.currency, entry.amount - entry.fee, entry.at_ns),
            self._memory,
        )

    def _is_too_old(self, at_ns: int) -> bool:
        # The start is asked in whole seconds; what lies before it was never asked for.
        return at_ns < self._since_ns // _REST_DIGIT_NS * _REST_DIGIT_NS


def transfer_of(
    kind: str, reference_id: str, transfer: TransferSeen, memory: OrderMemory
) -> TransferSeen | None:
    """Return a movement of money unless a fill of the session explains it.

    A fill in a pair that the session does not trade moves money like any other transfer.
    """
    is_explained = kind == TRADE and not memory.is_foreign_fill(reference_id)
    return None if is_explained else transfer
