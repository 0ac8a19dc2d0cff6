"""The order book that is shown: made up around the last price, the same from the same seed.

Nobody's orders stand in it, so its sizes say nothing about what may be filled.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import Side
from athena.venues.exchange._exact import draw, times, to_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.venues.exchange._pricing import Pricing
    from athena.venues.exchange._settings import Listing
    from athena.venues.exchange._state import Market

DEPTHS = (10, 25, 100, 500, 1000)
_CHECKED = 10
_MAX_LOTS = 100_000  # of a level
Levels = dict[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Depth:
    """Both sides of a book, price -> quantity, best first."""

    bids: Levels
    asks: Levels


class Books:
    """The books of one exchange."""

    __slots__ = ("_pricing", "_seed")

    def __init__(self, pricing: Pricing, seed: int) -> None:
        """Make books around what `pricing` says is bid and asked; the sizes by `seed`."""
        self._pricing = pricing
        self._seed = seed

    def book(self, market: Market, listing: Listing, n_levels: int) -> Depth:
        """Return the book of a market; empty before its first trade.

        Args:
            market: whose.
            listing: of the pair.
            n_levels: a side, fewer where prices would reach 0.
        """
        return self._around(market.last, market, listing, n_levels)

    def before(self, market: Market, listing: Listing, n_levels: int) -> Depth:
        """Return the book as it was before the newest trade; arguments as `book`."""
        known = market.prints[-2:]
        last = known[0].price if len(known) > 1 else Decimal(0)
        return self._around(last, market, listing, n_levels)

    def _around(self, last: Decimal, market: Market, listing: Listing, n_levels: int) -> Depth:
        if not last:
            return Depth({}, {})
        sides: dict[Side, Levels] = {}
        for side in (Side.SELL, Side.BUY):
            best = self._pricing.best(listing.symbol, side, last)
            prices = _grid(best, market.book_step, n_levels, is_up=side is Side.BUY)
            sides[side] = {price: _size(self._seed, listing, price) for price in prices}
        return Depth(bids=sides[Side.SELL], asks=sides[Side.BUY])


def changes(before: Levels, after: Levels) -> Levels:
    """Return what turns one side into another; quantity 0 takes a level away."""
    gone = dict.fromkeys((price for price in before if price not in after), Decimal(0))
    new = {price: size for price, size in after.items() if before.get(price) != size}
    return gone | new


def checksum(depth: Depth, listing: Listing) -> int:
    """Return the CRC-32 of the ten best asks and bids, in digits without point or lead zeros."""
    text = "".join(
        _digits(price, listing.price_decimals) + _digits(size, listing.quantity_decimals)
        for side in (depth.asks, depth.bids)
        for price, size in list(side.items())[:_CHECKED]
    )
    return zlib.crc32(text.encode())


def _grid(best: Decimal, step: Decimal, n_levels: int, *, is_up: bool) -> Iterator[Decimal]:
    """Yield the best price and then the round prices behind it."""
    yield best
    price = to_step(best, step, is_up=is_up)
    price = price + step if is_up and price == best else price
    price = price - step if not is_up and price == best else price
    for _ in range(n_levels - 1):
        if price <= 0:
            return
        yield price
        price += step if is_up else -step


def _size(seed: int, listing: Listing, price: Decimal) -> Decimal:
    lots = 1 + int(draw(seed, "level", listing.symbol, price.normalize()) * _MAX_LOTS)
    return times(Decimal(lots), listing.instrument.lot)


def _digits(value: Decimal, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace(".", "").lstrip("0")
