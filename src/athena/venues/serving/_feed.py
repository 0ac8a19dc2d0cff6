"""What a served exchange is fed with: the trades of a market, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """One trade of the market.

    Attributes:
        offset_ns: since the start of the feed, >= 0.
        symbol: ``BASE/QUOTE``.
        price, quantity: exact, > 0.
    """

    offset_ns: int
    symbol: str
    price: Decimal
    quantity: Decimal


class Feed:
    """Trades in the order of their time, taken as time passes.

    Attributes:
        origin_ns: served time of offset 0.
    """

    __slots__ = ("_next", "_trades", "origin_ns")

    def __init__(
        self, trades: Iterator[MarketTrade], origin_ns: int, *, after_ns: int | None = None
    ) -> None:
        """Start.

        Args:
            trades: oldest first.
            origin_ns: served time of offset 0.
            after_ns: trades up to here happened in an earlier life of the exchange; None: none.
        """
        self._trades = trades
        self._next = next(trades, None)
        self.origin_ns = origin_ns
        if after_ns is not None:
            for _ in self.take(after_ns):
                pass

    @property
    def is_over(self) -> bool:
        """Tell whether no trade is left; prices stand still from then on."""
        return self._next is None

    def take(self, until_ns: int) -> Iterator[tuple[int, MarketTrade]]:
        """Yield the trades up to a served time, each with its own."""
        while self._next is not None:
            at_ns = self.origin_ns + self._next.offset_ns
            if at_ns > until_ns:
                return
            trade = self._next
            self._next = next(self._trades, None)
            yield at_ns, trade
