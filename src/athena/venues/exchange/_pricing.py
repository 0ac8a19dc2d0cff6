"""What taking costs: bid and ask stand beside the last price."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import Side
from athena.venues.exchange._exact import draw, times, to_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.venues.exchange._settings import ExchangeSettings, Listing
    from athena.venues.exchange._state import Order

_BPS = Decimal("0.0001")


class Pricing:
    """Prices for takers, from the settings."""

    __slots__ = ("_listings", "_settings")

    def __init__(self, listings: Mapping[str, Listing], settings: ExchangeSettings) -> None:
        """Price the pairs of an exchange."""
        self._listings = listings
        self._settings = settings

    def best(self, symbol: str, side: Side, last: Decimal) -> Decimal:
        """Return the best price that a taker of a side meets: the ask for a buyer."""
        return self._beside(symbol, side, last, Decimal(1))

    def worst(self, symbol: str, side: Side, last: Decimal) -> Decimal:
        """Return the worst price that a taker may get now."""
        return self._beside(symbol, side, last, self._settings.cost_factor_max)

    def taken(self, order: Order, last: Decimal) -> Decimal:
        """Draw the price of a taker's next fill, never worse than its limit.

        The draw is keyed by (seed, order, number of the fill).
        """
        lowest, highest = self._settings.cost_factor_min, self._settings.cost_factor_max
        share = draw(self._settings.seed or 0, "cost", order.id, len(order.trade_ids))
        factor = lowest + times(highest - lowest, share)
        side, limit = order.request.side, order.terms.limit
        price = self._beside(order.request.symbol, side, last, factor)
        if limit is None:
            return price
        return min(price, limit) if side is Side.BUY else max(price, limit)

    def _beside(self, symbol: str, side: Side, last: Decimal, factor: Decimal) -> Decimal:
        """Return a price worsened by the half spread times a factor, to the tick; 0 stays 0."""
        if not last:
            return last
        tick = self._listings[symbol].instrument.tick
        share = times(times(self._settings.half_spread_bps, _BPS), factor)
        is_buy = side is Side.BUY
        price = times(last, 1 + share if is_buy else max(1 - share, Decimal(0)))
        return max(to_step(price, tick, is_up=is_buy), tick)
