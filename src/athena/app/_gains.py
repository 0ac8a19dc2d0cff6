"""Realised gains and open lots, folded from a journal and reconciled with its fills (C04).

Three hands write the same account: the ledger (double entry, lots), a plain tally of what each
fill moved, and the core itself in the journal's last frame or snapshot. They must agree to the
unit, or the report says where they differ.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.domain import Book, LotMethod, format_decimal, from_money, parse_decimal, to_money
from athena.trading import (
    FILL_WORDS,
    SETUP_KEY,
    Account,
    FrameKind,
    Ledger,
    LedgerTransfer,
    Lot,
    RealisedGain,
    StrategySlot,
    arithmetic,
    codes,
    columns_of_fills,
    instruments_of,
    ledger_trades,
    read_frames,
    record_starts,
    restore_snapshot,
    state_of,
)
from athena.trading import layout as at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from athena.domain import Instrument
    from athena.trading import Ints, JournalStore

_HEADER = 2  # words of a record before its fields: kind with length, marks
# Where the fields that are read here lie behind the header.
_REPORT_ORDER, _REPORT_TIME = 1, 7


@dataclass(frozen=True, slots=True)
class OpenLot:
    """A lot that is still held, and where."""

    book: Book
    asset: str
    lot: Lot


@dataclass(frozen=True, slots=True)
class Totals:
    """What the account came to, in money units of its currency.

    Attributes:
        realised: gains of all disposals, fees included.
        funding: interest and funding, + received.
        fees: paid; they are part of costs and proceeds.
        net_deposits: what came from outside less what left, coins at their cost.
        cash: held.
        lots_cost: what the open lots cost.
        unrealised: of the open lots at the newest prices; None when a price is not known.
    """

    realised: int
    funding: int
    fees: int
    net_deposits: int
    cash: int
    lots_cost: int
    unrealised: int | None

    @property
    def value(self) -> int | None:
        """Return cash and lots at the newest prices; None when a price is not known."""
        if self.unrealised is None:
            return None
        return self.cash + self.lots_cost + self.unrealised


@dataclass(frozen=True, slots=True)
class GainsReport:
    """The disposals and open lots of one journal.

    Attributes:
        currency: of costs and proceeds.
        rows: one for each lot, or part of one, that was disposed of, in order.
        lots: open at the journal's end.
        differences: what did not agree, in words; empty when everything did.
    """

    currency: str
    method: LotMethod
    rows: tuple[RealisedGain, ...]
    lots: tuple[OpenLot, ...]
    totals: Totals
    differences: tuple[str, ...]


def realised_ns(row: RealisedGain) -> int:
    """Return when a gain was realised: a short is disposed of before it is acquired."""
    return max(row.acquired_ns, row.disposed_ns)


def fold_gains(
    store: JournalStore, method: LotMethod, on_bytes: Callable[[int], None] = lambda _: None
) -> GainsReport:
    """Read a journal from its beginning to where it ends now.

    Args:
        store: of a run or of a session.
        method: which lots a disposal consumes; not `specific_id`.
        on_bytes: is told how many bytes each frame has.

    Raises:
        CheckFailed: the journal is damaged.
        InputError: it is empty, of another version, or holds a fill that cannot be.
    """
    frames = read_frames(store)
    fold = _Fold(next(frames).values(), method)
    for frame in frames:
        if frame.kind is FrameKind.WORDS:
            fold.words(np.frombuffer(frame.payload, "<i8"))
        elif frame.kind is FrameKind.SNAPSHOT:
            fold.snapshot = frame.payload
            fold.at_snapshot = fold.tally.copy()
        elif frame.kind is FrameKind.FINAL:
            fold.final = frame.values()
        on_bytes(len(frame.payload))
    return fold.report()


@dataclass(slots=True)
class _Tally:
    """What fills and transfers moved, added up without a ledger.

    Attributes:
        cash, fees: money units.
        lots: held of each instrument, signed.
        n_fills: booked.
    """

    cash: int
    fees: int = 0
    n_fills: int = 0
    lots: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def copy(self) -> _Tally:
        return _Tally(self.cash, self.fees, self.n_fills, self.lots.copy())


class _Fold:
    """The account under way through a journal."""

    def __init__(self, manifest: Mapping[str, Any], method: LotMethod) -> None:
        setup = manifest[SETUP_KEY]
        self.manifest = manifest
        self.instruments: list[Instrument] = instruments_of(manifest)
        self.currency = self.instruments[0].quote
        self.slots = [
            StrategySlot(item["name"], Book(item["book"]), item["share_ppm"])
            for item in setup["strategies"]
        ]
        cash = to_money(parse_decimal(setup["cash"], what="cash"))
        self.now_ns = int(setup["start_ns"])
        self.ledger = Ledger(self.currency, method)
        self.tally = _Tally(0)
        self.rows: list[RealisedGain] = []
        self.funding = 0
        self.prices: dict[int, int] = {}
        self.final: dict[str, Any] = {}
        self.snapshot = b""
        self.at_snapshot = self.tally
        self._deposit(Book.TRADING, self.currency, cash, "start")
        self.tally.cash += cash

    def words(self, words: Ints) -> None:
        """Book the records of one group commit, fills in groups as long as nothing is between."""
        view: memoryview[int] = words.data
        starts = record_starts(words)
        fills: list[int] = []
        for start, after in zip(starts, [*starts[1:], len(view)], strict=True):
            kind = view[start] & 0xFF
            first = start + _HEADER
            if kind == at.R_REPORT:
                self.now_ns = view[first + _REPORT_TIME]
                if _is_booked(view, start, after):
                    fills.append(start)
            elif kind == at.R_PRICE and _is_taken(view, start, after):
                self.prices[view[first]] = view[first + 1]
                self.now_ns = view[first + 4]
            elif kind == at.R_CASH:
                self._fills(words, fills)
                fills = []
                self._cash(*view[first:after])
            elif kind == at.R_HOLDING and _is_taken(view, start, after):
                self._fills(words, fills)
                fills = []
                self._holding(*view[first:after])
        self._fills(words, fills)

    def report(self) -> GainsReport:
        """Close the books: what was gained, what is held, and whether all hands agree."""
        lots = tuple(self._open_lots())
        lots_cost = sum(item.lot.cost for item in lots)
        balance = self.ledger.balance
        totals = Totals(
            realised=sum(row.gain for row in self.rows),
            funding=self.funding,
            fees=balance(Account.FEES, self.currency),
            net_deposits=-balance(Account.EXTERNAL, self.currency),
            cash=self.tally.cash,
            lots_cost=lots_cost,
            unrealised=self._unrealised(lots_cost),
        )
        return GainsReport(
            self.currency,
            self.ledger.method,
            tuple(self.rows),
            lots,
            totals,
            tuple(self._differences(totals)),
        )

    def _fills(self, words: Ints, starts: list[int]) -> None:
        if not starts:
            return
        rows = words[np.array(starts)[:, None] + np.arange(FILL_WORDS)]
        fills = columns_of_fills(rows)
        for trade in ledger_trades(fills, self.instruments, self.slots):
            self.rows += self.ledger.trade(trade).gains
        self.tally.n_fills += len(starts)
        columns = (fills.instrument, fills.side, fills.lots, fills.price_ticks, fills.fee)
        for k, side, lots, ticks, fee in zip(*(item.tolist() for item in columns), strict=True):
            self.tally.cash -= side * self._worth(k, ticks, lots) + fee
            self.tally.fees += fee
            self.tally.lots[k] += side * lots

    def _cash(self, amount: int, is_transfer: int, reference: int = 0) -> None:
        self.tally.cash += amount
        if is_transfer:
            self._deposit(Book.TRADING, self.currency, amount, f"transfer {reference}")
        else:
            self.funding += amount
            self.ledger.fund(Book.TRADING, amount)

    def _holding(self, strategy: int, k: int, lots: int, ticks: int, reference: int) -> None:
        instrument = self.instruments[k]
        quantity = to_money(instrument.lots_to_quantity(lots))
        cost = self._worth(k, ticks, lots) if lots > 0 else 0
        book = self.slots[strategy].book
        self._deposit(book, instrument.base, quantity, f"transfer {reference}", cost)
        self.tally.lots[k] += lots

    def _deposit(
        self, book: Book, currency: str, amount: int, reference: str, cost: int = 0
    ) -> None:
        self.ledger.transfer(
            LedgerTransfer(
                reference=reference,
                ts_ns=self.now_ns,
                book=book,
                currency=currency,
                amount=amount,
                cost=cost,
            )
        )

    def _worth(self, k: int, ticks: int, lots: int) -> int:
        return arithmetic.value(ticks, lots, *self.instruments[k].value_ratio())

    def _open_lots(self) -> Iterator[OpenLot]:
        for book in Book:
            for instrument in self.instruments:
                for lot in self.ledger.lots(book, instrument.base):
                    yield OpenLot(book, instrument.base, lot)

    def _unrealised(self, lots_cost: int) -> int | None:
        held = {k: lots for k, lots in self.tally.lots.items() if lots}
        if not held:
            return -lots_cost
        if held.keys() <= self.prices.keys():
            return (
                sum(self._worth(k, self.prices[k], lots) for k, lots in held.items()) - lots_cost
            )
        # A backtest's prices are in its data sets; the journal has the account's value at the end.
        if self.final and all(slot.book is not Book.HODL for slot in self.slots):
            return _units(self.final["equity"]) - _units(self.final["cash"]) - lots_cost
        return None

    def _differences(self, totals: Totals) -> Iterator[str]:
        gained = totals.realised + totals.funding
        # Value less net deposits is gained plus unrealised; both sides without the unrealised.
        kept = totals.cash + totals.lots_cost - totals.net_deposits
        yield from _differ("gains and value less net deposits", gained, kept)
        cash = self.ledger.balance(Account.CASH, self.currency)
        yield from _differ("cash of ledger and fills", cash, self.tally.cash)
        yield from _differ("fees of ledger and fills", totals.fees, self.tally.fees)
        for k, instrument in enumerate(self.instruments):
            lots = sum(
                lot.quantity for book in Book for lot in self.ledger.lots(book, instrument.base)
            )
            held = to_money(instrument.lots_to_quantity(self.tally.lots[k]))
            yield from _differ(f"{instrument.base} in lots and fills", lots, held)
        if self.final:
            yield from self._differences_at_end()
        elif self.snapshot:
            yield from self._differences_at_snapshot()

    def _differences_at_end(self) -> Iterator[str]:
        tally = self.tally
        yield from _differ("cash of fills and core", tally.cash, _units(self.final["cash"]))
        yield from _differ("fees of fills and core", tally.fees, _units(self.final["fees"]))
        if tally.n_fills != self.final["fills"]:
            yield f"fills: the journal has {tally.n_fills}, the core {self.final['fills']}"

    def _differences_at_snapshot(self) -> Iterator[str]:
        """Compare with the core's own books, where the journal has not come to its end."""
        tables = state_of(self.manifest)
        restore_snapshot(tables, self.snapshot)
        tally, account = self.at_snapshot, tables.arrays.account
        yield from _differ("cash of fills and snapshot", tally.cash, int(account[at.CASH]))
        yield from _differ("fees of fills and snapshot", tally.fees, int(account[at.FEES]))
        n = len(self.instruments)
        positions = tables.arrays.positions[: n * len(self.slots), at.QUANTITY]
        for k, lots in enumerate(positions.reshape(-1, n).sum(axis=0).tolist()):
            base = self.instruments[k].base
            if tally.lots[k] != lots:
                yield f"lots of {base}: {tally.lots[k]} in the fills, {lots} in the snapshot"


def _is_booked(view: memoryview[int], start: int, after: int) -> bool:
    """Tell whether a report is a fill that the core booked.

    One that it did not book (seen before, impossible) is followed by a notice about its order:
    by number, or by number and the step that its table forbids.
    """
    first = start + _HEADER
    if view[first] != codes.FILLED_REPORT:
        return False
    order = view[first + _REPORT_ORDER]
    what, argument = _notice_at(view, after)
    is_duplicate = what == codes.NOTICE_DUPLICATE_FILL and argument == order
    is_illegal = what == codes.NOTICE_ILLEGAL and order in {argument, argument >> 16}
    return not (is_duplicate or is_illegal)


def _is_taken(view: memoryview[int], start: int, after: int) -> bool:
    """Tell whether a price or holding was taken; one that was not is followed by a notice."""
    instrument = view[start + _HEADER + (view[start] & 0xFF == at.R_HOLDING)]
    return _notice_at(view, after) != (codes.NOTICE_ILLEGAL, instrument)


def _notice_at(view: memoryview[int], position: int) -> tuple[int, int]:
    """Return kind and argument of the notice at a position; zeros when it is none."""
    if position >= len(view) or view[position] & 0xFF != at.R_NOTICE:
        return 0, 0
    return view[position + _HEADER], view[position + _HEADER + 1]


def _differ(what: str, one: int, other: int) -> Iterator[str]:
    if one != other:
        shown = [format_decimal(from_money(units)) for units in (one, other, one - other)]
        yield f"{what}: {shown[0]} and {shown[1]}, {shown[2]} apart"


def _units(text: str) -> int:
    return to_money(parse_decimal(text, what="amount"))
