"""The double-entry ledger: every fill, fee, funding and transfer posts entries that sum to zero.

Amounts are unbounded integers in units of 10^-8 of their currency. The ledger keeps balances and
open lots only; the postings and gains of each event are returned, and kept by who needs them.
In the reporting currency the balance of `exchange` is what the open lots cost.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from athena.domain import Book, Instrument, LotMethod, Side, to_money
from athena.errors import CoreError, InputError
from athena.trading._core.arithmetic import value
from athena.trading._lots import Lot, Movement, RealisedGain, apply_movement, remove_at_cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from athena.trading._fill_columns import FillColumns
    from athena.trading._setup import StrategySlot


class Account(StrEnum):
    """What a posting is booked on.

    `cash` is the reporting currency, `asset` any other; `exchange` is the other side of every
    trade; `fees` is what was paid, `fees_in_cost` the part of it that lots and gains carry.
    """

    CASH = "cash"
    ASSET = "asset"
    EXCHANGE = "exchange"
    FEES = "fees"
    FEES_IN_COST = "fees_in_cost"
    FUNDING = "funding"
    EXTERNAL = "external"
    REALISED = "realised"


@dataclass(frozen=True, slots=True)
class Posting:
    """Move an amount onto one account."""

    account: Account
    book: Book
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Booking:
    """Say what one event posted, and the gains it realised."""

    postings: tuple[Posting, ...]
    gains: tuple[RealisedGain, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTrade:
    """One fill.

    Attributes:
        quantity: of the base currency, > 0.
        amount: of the quote currency, >= 0 (dust may come to nothing), without the fee.
        fee: >= 0, of `fee_currency`, which is base or quote.
        reporting_value: of the trade in reporting units; needed when the quote is not the
            reporting currency, and then it prices both sides.
        can_short: whether it may sell more than is held.
        chosen: fills whose lots it disposes of, for the method SPECIFIC_ID.
    """

    fill: str
    ts_ns: int
    book: Book
    base: str
    quote: str
    side: Side
    quantity: int
    amount: int
    fee: int = 0
    fee_currency: str = ""
    reporting_value: int | None = None
    can_short: bool = False
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTransfer:
    """Money or an asset that came from outside (+) or left (-).

    Attributes:
        cost: reporting units that an arriving asset is booked at; a leaving one leaves at cost.
    """

    reference: str
    ts_ns: int
    book: Book
    currency: str
    amount: int
    cost: int = 0


class Ledger:
    """Fold events into balances and lots."""

    __slots__ = ("_balances", "_lots", "method", "reporting")

    def __init__(self, reporting: str, method: LotMethod = LotMethod.FIFO) -> None:
        """Begin with nothing.

        Args:
            reporting: currency of costs and gains.
            method: which lots a disposal consumes.
        """
        self.reporting = reporting
        self.method = method
        self._balances: defaultdict[tuple[Account, Book, str], int] = defaultdict(int)
        self._lots: dict[tuple[Book, str], list[Lot]] = {}

    def balance(self, account: Account, currency: str, book: Book | None = None) -> int:
        """Return an account's balance, in one book or in all."""
        return sum(
            amount
            for (own, of_book, of), amount in self._balances.items()
            if own is account and of == currency and book in {None, of_book}
        )

    def balances(self) -> dict[tuple[Account, Book, str], int]:
        """Return every balance that is not zero, sorted by account, book and currency."""
        return {key: amount for key, amount in sorted(self._balances.items()) if amount}

    def lots(self, book: Book, asset: str) -> tuple[Lot, ...]:
        """Return the open lots of an asset, oldest first."""
        return tuple(self._lots.get((book, asset), ()))

    def unrealised(self, values: Mapping[str, int]) -> int:
        """Return what the open lots would gain at the values of one whole holding of each asset.

        Args:
            values: asset -> reporting units that all of it (every book) is worth.
        """
        cost = sum(lot.cost for lots in self._lots.values() for lot in lots)
        return sum(values.values()) - cost

    def trade(self, trade: LedgerTrade) -> Booking:
        """Book a fill.

        Raises:
            InputError: a quantity or amount is not positive, the fee is in a third currency, the
                reporting value is missing, or more is sold than is held.
        """
        self._check(trade)
        sign = 1 if trade.side is Side.BUY else -1
        base = sign * trade.quantity
        quote = -sign * trade.amount
        fee_of = {trade.fee_currency or trade.quote: trade.fee}
        moved = {
            trade.base: base - fee_of.get(trade.base, 0),
            trade.quote: quote - fee_of.get(trade.quote, 0),
        }
        postings = [
            self._holding(trade.book, currency, amount) for currency, amount in moved.items()
        ]
        postings += [
            Posting(Account.FEES, trade.book, currency, fee) for currency, fee in fee_of.items()
        ]
        for currency, amount in ((trade.base, base), (trade.quote, quote)):
            postings.append(Posting(Account.EXCHANGE, trade.book, currency, -amount))
        return self._settle(trade, moved, postings)

    def transfer(self, transfer: LedgerTransfer) -> Booking:
        """Book money or an asset that came from outside, or left; never a gain.

        Raises:
            InputError: more leaves than is held.
        """
        book, currency, amount = transfer.book, transfer.currency, transfer.amount
        postings = [
            self._holding(book, currency, amount),
            Posting(Account.EXTERNAL, book, currency, -amount),
        ]
        if currency != self.reporting and amount != 0:
            cost = self._move_at_cost(transfer)
            postings += [
                Posting(Account.EXCHANGE, book, self.reporting, cost),
                Posting(Account.EXTERNAL, book, self.reporting, -cost),
            ]
        return self._post(postings, [])

    def fund(self, book: Book, amount: int) -> Booking:
        """Book funding or interest in the reporting currency: + received, - paid."""
        return self._post(
            [
                self._holding(book, self.reporting, amount),
                Posting(Account.FUNDING, book, self.reporting, -amount),
            ],
            [],
        )

    def _settle(
        self, trade: LedgerTrade, moved: Mapping[str, int], postings: list[Posting]
    ) -> Booking:
        """Move the lots of a trade, and post what that does to their cost and to gains."""
        if trade.quote == self.reporting:
            gains = self._move(trade, trade.base, moved[trade.base], -moved[trade.quote])
        else:
            worth = trade.reporting_value or 0
            cost = worth if trade.side is Side.BUY else -worth
            gains = self._move(trade, trade.base, moved[trade.base], cost)
            gains += self._move(trade, trade.quote, moved[trade.quote], -cost)
        fee_currency = trade.fee_currency or trade.quote
        fee = trade.fee if fee_currency == self.reporting else 0
        realised = sum(row.gain for row in gains)
        # The lots' cost has changed by what was paid, fee included, and by what was gained.
        postings += [
            Posting(Account.EXCHANGE, trade.book, self.reporting, fee + realised),
            Posting(Account.FEES_IN_COST, trade.book, self.reporting, -fee),
            Posting(Account.REALISED, trade.book, self.reporting, -realised),
        ]
        return self._post(postings, gains)

    def _move(
        self, trade: LedgerTrade, asset: str, quantity: int, cost: int
    ) -> list[RealisedGain]:
        lots = self.lots(trade.book, asset)
        movement = Movement(asset, quantity, cost, trade.ts_ns, trade.fill, trade.chosen)
        after, gains = apply_movement(lots, movement, self.method)
        self._lots[trade.book, asset] = after
        return gains

    def _move_at_cost(self, transfer: LedgerTransfer) -> int:
        """Open a lot, or take one out at cost; return by how much the lots' cost changed."""
        key = (transfer.book, transfer.currency)
        lots = self.lots(*key)
        movement = Movement(
            transfer.currency, transfer.amount, transfer.cost, transfer.ts_ns, transfer.reference
        )
        if transfer.amount > 0:
            self._lots[key], _ = apply_movement(lots, movement, self.method)
            return transfer.cost
        self._refuse_short(transfer.currency, -transfer.amount, lots)
        self._lots[key], cost = remove_at_cost(lots, movement, self.method)
        return -cost

    def _check(self, trade: LedgerTrade) -> None:
        if trade.quantity <= 0 or trade.amount < 0 or trade.fee < 0:
            message = (
                f"expected quantity > 0, amount and fee >= 0 in fill {trade.fill}, was "
                f"{trade.quantity}, {trade.amount} and {trade.fee}"
            )
            raise InputError(message)
        if trade.fee_currency not in {"", trade.base, trade.quote}:
            message = (
                f"expected a fee in {trade.base} or {trade.quote} in fill {trade.fill}, "
                f"was {trade.fee_currency}"
            )
            raise InputError(message)
        if trade.quote != self.reporting and trade.reporting_value is None:
            message = f"expected the value in {self.reporting} of fill {trade.fill}, was none"
            raise InputError(message)
        self._check_quantities(trade)

    def _check_quantities(self, trade: LedgerTrade) -> None:
        """Refuse to give more of an asset than is held, and a fee that eats all that comes in."""
        base, quote = (trade.base, trade.quantity), (trade.quote, trade.amount)
        given, taken = (quote, base) if trade.side is Side.BUY else (base, quote)
        fee_currency = trade.fee_currency or trade.quote
        if taken[0] != self.reporting and taken[1] <= trade.fee * (taken[0] == fee_currency):
            message = (
                f"expected a fee under the {taken[1]} units of {taken[0]} that fill {trade.fill} "
                f"brings, was {trade.fee}"
            )
            raise InputError(message)
        if given[0] != self.reporting and not trade.can_short:
            leaving = given[1] + trade.fee * (given[0] == fee_currency)
            self._refuse_short(given[0], leaving, self.lots(trade.book, given[0]))

    def _refuse_short(self, asset: str, quantity: int, lots: Sequence[Lot]) -> None:
        held = sum(lot.quantity for lot in lots)
        if quantity > held:
            message = f"expected at most {held} units of {asset} to leave, was {quantity}"
            raise InputError(message)

    def _holding(self, book: Book, currency: str, amount: int) -> Posting:
        account = Account.CASH if currency == self.reporting else Account.ASSET
        return Posting(account, book, currency, amount)

    def _post(self, postings: Sequence[Posting], gains: Sequence[RealisedGain]) -> Booking:
        booked = tuple(posting for posting in postings if posting.amount)
        sums: defaultdict[str, int] = defaultdict(int)
        for posting in booked:
            sums[posting.currency] += posting.amount
        odd = [currency for currency, total in sums.items() if total]
        if odd:
            message = f"expected postings in {odd[0]} that sum to zero, was {sums[odd[0]]}"
            raise CoreError(message)
        for posting in booked:
            self._balances[posting.account, posting.book, posting.currency] += posting.amount
        return Booking(booked, tuple(gains))


def ledger_trades(
    fills: FillColumns, instruments: Sequence[Instrument], strategies: Sequence[StrategySlot]
) -> Iterator[LedgerTrade]:
    """Turn a run's fills into trades, with the core's own rounding of money.

    Raises:
        InputError: a fill of an order that the core did not know, or a lot finer than 10^-8.
    """
    for row in zip(*(column.tolist() for column in fills), strict=True):
        fill = dict(zip(fills._fields, row, strict=True))
        if fill["instrument"] < 0:
            message = f"expected a known order in fill {fill['trade']}, was {fill['order']}"
            raise InputError(message)
        instrument = instruments[fill["instrument"]]
        yield LedgerTrade(
            fill=str(fill["trade"]),
            ts_ns=fill["ts_ns"],
            book=strategies[fill["strategy"]].book,
            base=instrument.base,
            quote=instrument.quote,
            side=Side.BUY if fill["side"] > 0 else Side.SELL,
            quantity=to_money(instrument.lots_to_quantity(fill["lots"])),
            amount=value(fill["price_ticks"], fill["lots"], *instrument.value_ratio()),
            fee=fill["fee"],
            can_short=instrument.is_margin,
        )
