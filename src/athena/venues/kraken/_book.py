"""An order book kept from Kraken's stream, and proven by its CRC-32 after every update."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.errors import VenueError
from athena.venues.kraken._fields import malformed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from athena.venues.kraken._fields import Fields
    from athena.venues.kraken._stream import ChannelMessage

_CHECKED_LEVELS = 10
_MAX_CHECKSUM = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Level:
    """One price of a book.

    Attributes:
        price: quote currency, > 0.
        quantity: base currency; 0 takes the level away.
    """

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class BookMessage:
    """One snapshot or update of one book.

    Attributes:
        symbol: such as `BTC/USD`.
        is_snapshot: the whole book; else the levels that changed.
        bids, asks: in the order they were sent.
        checksum: of the book after it.
    """

    symbol: str
    is_snapshot: bool
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    checksum: int


class OrderBook:
    """The levels of one pair, as deep as was subscribed; the only thing here that changes.

    The checksum covers the ten best levels of each side, written with the pair's decimals and
    without point or leading zeros (Kraken's guide "Spot WebSocket v2 book checksum").
    """

    __slots__ = ("_asks", "_bids", "_depth", "_price_decimals", "_quantity_decimals", "symbol")

    def __init__(
        self, symbol: str, *, depth: int, price_decimals: int, quantity_decimals: int
    ) -> None:
        """Start empty.

        Args:
            symbol: of the pair.
            depth: levels that were subscribed, a side; what is worse falls out.
            price_decimals: as AssetPairs or the instrument channel state them.
            quantity_decimals: likewise.
        """
        self.symbol = symbol
        self._depth = depth
        self._price_decimals = price_decimals
        self._quantity_decimals = quantity_decimals
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}

    @property
    def bids(self) -> tuple[Level, ...]:
        """The levels of buyers, best first."""
        return tuple(Level(p, self._bids[p]) for p in sorted(self._bids, reverse=True))

    @property
    def asks(self) -> tuple[Level, ...]:
        """The levels of sellers, best first."""
        return tuple(Level(p, self._asks[p]) for p in sorted(self._asks))

    def apply(self, message: BookMessage) -> None:
        """Take a message in and prove the book that results.

        Raises:
            VenueError: another symbol, or the checksum differs: the book is wrong and empty from
                now on; subscribe again.
        """
        if message.symbol != self.symbol:
            malformed("book.symbol", self.symbol, message.symbol)
        if message.is_snapshot:
            self._clear()
        self._bids = self._merged(self._bids, message.bids, is_bid=True)
        self._asks = self._merged(self._asks, message.asks, is_bid=False)
        found = self.checksum()
        if found != message.checksum:
            self._clear()
            text = f"expected the book of {self.symbol} with checksum {message.checksum}, "
            text += f"was {found}"
            raise VenueError(text, hint="subscribe to the book again")

    def checksum(self) -> int:
        """Return the CRC-32 of the ten best asks and bids."""
        text = "".join(
            _digits(level.price, self._price_decimals)
            + _digits(level.quantity, self._quantity_decimals)
            for side in (self.asks, self.bids)
            for level in side[:_CHECKED_LEVELS]
        )
        return zlib.crc32(text.encode())

    def _clear(self) -> None:
        self._bids, self._asks = {}, {}

    def _merged(
        self, side: dict[Decimal, Decimal], levels: Iterable[Level], *, is_bid: bool
    ) -> dict[Decimal, Decimal]:
        merged = dict(side)
        for level in levels:
            if level.quantity == 0:
                merged.pop(level.price, None)
            else:
                merged[level.price] = level.quantity
        best = sorted(merged, reverse=is_bid)[: self._depth]
        return {price: merged[price] for price in best}


def read_book(message: ChannelMessage) -> tuple[BookMessage, ...]:
    """Translate a message of the book channel.

    Raises:
        VenueError: a field is missing or cannot be.
    """
    return tuple(_book(book, is_snapshot=message.is_snapshot) for book in message.data)


def _book(book: Fields, *, is_snapshot: bool) -> BookMessage:
    checksum = book.whole("checksum")
    if not 0 <= checksum <= _MAX_CHECKSUM:
        malformed(f"{book.path}.checksum", "a CRC-32", checksum)
    return BookMessage(
        symbol=book.text("symbol"),
        is_snapshot=is_snapshot,
        bids=_levels(book, "bids"),
        asks=_levels(book, "asks"),
        checksum=checksum,
    )


def _levels(book: Fields, name: str) -> tuple[Level, ...]:
    levels = tuple(
        Level(level.amount("price"), level.amount("qty")) for level in book.objects(name)
    )
    if any(level.price == 0 for level in levels):
        malformed(f"{book.path}.{name}", "prices > 0", 0)
    return levels


def _digits(value: Decimal, decimals: int) -> str:
    """Write a number with the pair's decimals, then drop the point and leading zeros."""
    units = value.scaleb(decimals)
    if units != int(units):
        malformed("book", f"a number of at most {decimals} decimals", value)
    return str(int(units)) if units else ""
