"""Where orders meet the market: triggers, fills and the end of orders.

The market is what `traded` says. Nobody trades with another account. Bid and ask stand half a
spread beside the last price; taking costs a draw around that, resting fills at the limit. One
trade of the market fills at most a share of its quantity, shared by all orders in order of price,
then time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import Liquidity, OrderType, Side, TimeInForce
from athena.venues.exchange._candles import add_to_candles
from athena.venues.exchange._exact import times, to_step
from athena.venues.exchange._state import Market, Order, Print, Request, Status, System, Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.venues.exchange._filling import Filling
    from athena.venues.exchange._funds import Funds, News
    from athena.venues.exchange._orders import Orders
    from athena.venues.exchange._pricing import Pricing
    from athena.venues.exchange._settings import ExchangeSettings, Listing
    from athena.venues.exchange._state import Account, State

_BPS = Decimal(10_000)
_MAX_PRINTS = 1_000
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


@dataclass(frozen=True, slots=True)
class Parts:
    """What the matching works with."""

    orders: Orders
    filling: Filling
    funds: Funds
    pricing: Pricing
    news: News


class Matching:
    """Orders in the book, and the market that passes by."""

    __slots__ = (
        "_filling",
        "_funds",
        "_listings",
        "_news",
        "_orders",
        "_pricing",
        "_settings",
        "_state",
    )

    def __init__(
        self,
        state: State,
        listings: Mapping[str, Listing],
        settings: ExchangeSettings,
        parts: Parts,
    ) -> None:
        """Work on a state; arguments as `Funds`, and the parts."""
        self._state = state
        self._listings = listings
        self._settings = settings
        self._orders = parts.orders
        self._filling = parts.filling
        self._funds = parts.funds
        self._pricing = parts.pricing
        self._news = parts.news

    def is_marketable(self, request: Request, limit: Decimal) -> bool:
        """Tell whether a limit would take at once."""
        market = self._state.markets[request.symbol]
        if not market.last:
            return False
        best = self._pricing.best(request.symbol, request.side, market.last)
        return limit >= best if request.side is Side.BUY else limit <= best

    def go_live(self, order: Order) -> None:
        """Put an order into the book; it may be triggered or filled at once."""
        if order.status is not Status.PENDING:
            return
        order = self._orders.change(order, "new", status=Status.OPEN)
        market = self._state.markets[order.request.symbol]
        if order.is_waiting:
            if _is_reached(order, market.last):
                self._trigger(order)
            return
        self._arrive(order)

    def arrive_again(self, order: Order) -> None:
        """Look at an amended order as if it had just come."""
        if order.status is not Status.OPEN:
            return
        if not order.is_waiting:
            self._arrive(order)
        elif _is_reached(order, self._state.markets[order.request.symbol].last):
            self._trigger(order)

    def traded(self, symbol: str, price: Decimal, quantity: Decimal) -> None:
        """Let the market trade: the price moves, stops trigger, orders fill."""
        market = self._state.markets[symbol]
        trade = Print(
            number=market.n_prints + 1,
            price=price,
            quantity=quantity,
            side=Side.SELL if price < market.last else Side.BUY,
            stamp_ns=self._state.stamp_ns,
        )
        leftovers = {
            order.id for order in self._orders.working(symbol) if self._is_leftover(order)
        }
        self._move(market, trade)
        self._news.printed(symbol, trade)
        if self._state.system is System.MAINTENANCE:
            return
        for order in self._orders.working(symbol):
            if order.status is Status.OPEN and order.is_waiting and _is_reached(order, price):
                self._trigger(order)
        self._fill_takers(market, leftovers)
        self._fill_resting(market, price)

    def force_sale(self, account: Account, symbol: str, quantity: Decimal) -> Order:
        """Sell at the market at once: a liquidation by the venue; reservations give way."""
        request = Request(
            symbol=symbol,
            side=Side.SELL,
            terms=Terms(type=OrderType.MARKET),
            quantity=quantity,
        )
        base = self._listings[symbol].instrument.base
        for order_id in tuple(account.working):
            order = account.orders[order_id][-1]
            is_in_the_way = self._funds.reserved(order)[0] == base and not order.is_waiting
            if is_in_the_way and self._funds.free(account, base) < quantity:
                self._orders.end(order, Status.CANCELED, "Liquidated")
        order = self._orders.enter(
            replace(self._orders.draft(account, request), misc="liquidated")
        )
        order = self._orders.change(order, "new", status=Status.OPEN)
        price = self._pricing.taken(order, self._state.markets[symbol].last)
        self._filling.fill(order, quantity, price, Liquidity.TAKER)
        return self._orders.newest(order.id)

    def _arrive(self, order: Order) -> None:
        """Take what can be taken; what is left rests, waits or ends."""
        if self._state.system is System.MAINTENANCE:
            return
        request, limit = order.request, order.terms.limit
        is_taking = limit is None or self.is_marketable(request, limit)
        if is_taking and request.is_post_only:
            self._orders.end(order, Status.CANCELED, "Post only order")
            return
        market = self._state.markets[request.symbol]
        if request.time_in_force is TimeInForce.FOK and market.left < order.left:
            is_taking = False
        if is_taking and market.last:
            self._take(order, market)
        order = self._orders.newest(order.id)
        if order.is_working and request.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}:
            kind = request.time_in_force.value.upper()
            self._orders.end(order, Status.CANCELED, f"{kind} order not filled at once")

    def _trigger(self, order: Order) -> None:
        symbol, last = order.request.symbol, self._state.markets[order.request.symbol].last
        price = order.terms.limit or self._pricing.worst(symbol, order.request.side, last)
        is_stop = order.terms.type in _STOPS
        misc = "stopped" if is_stop else "touched"
        order = replace(order, is_triggered=True, reserve_price=price, misc=misc)
        if not self._funds.covers(order):
            order = self._orders.version(order)
            self._orders.end(order, Status.CANCELED, "Insufficient funds")
            return
        self._arrive(self._orders.change(order, "status"))

    def _take(self, order: Order, market: Market) -> None:
        quantity = min(order.left, market.left)
        if quantity > 0:
            market.left -= quantity
            price = self._pricing.taken(order, market.last)
            self._filling.fill(order, quantity, price, Liquidity.TAKER)

    def _is_leftover(self, order: Order) -> bool:
        """Tell whether an order would have been filled already, had there been more to fill it."""
        limit = order.terms.limit
        if order.status is not Status.OPEN or order.is_waiting or limit is None:
            return False
        return not order.request.is_post_only and self.is_marketable(order.request, limit)

    def _fill_takers(self, market: Market, leftovers: set[str]) -> None:
        for order in self._orders.working(market.symbol):
            limit = order.terms.limit
            if order.status is not Status.OPEN or order.is_waiting or market.left <= 0:
                continue
            is_still = order.id in leftovers and limit and self.is_marketable(order.request, limit)
            if limit is None or is_still:
                self._take(order, market)

    def _fill_resting(self, market: Market, price: Decimal) -> None:
        late = [self._orders.newest(order_id) for order_id in self._state.late]
        resting = [
            order
            for order in (*self._orders.working(market.symbol), *late)
            if order.request.symbol == market.symbol
            and order.status is not Status.PENDING
            and not order.is_waiting
            and self._is_passed(order, price)
        ]
        for order in sorted(resting, key=_priority):
            quantity = min(order.left, market.left)
            if quantity <= 0:
                return
            market.left -= quantity
            self._filling.fill(order, quantity, order.terms.limit or price, Liquidity.MAKER)
            if order.id in self._state.late:
                self._state.late.remove(order.id)

    def _is_passed(self, order: Order, price: Decimal) -> bool:
        limit = order.terms.limit
        if limit is None:
            return False
        if price == limit:
            return self._settings.is_touch or order.id in self._state.late
        return price < limit if order.request.side is Side.BUY else price > limit

    def _move(self, market: Market, trade: Print) -> None:
        instrument = self._listings[market.symbol].instrument
        market.last, market.last_quantity = trade.price, trade.quantity
        share = times(trade.quantity, self._settings.participation_frac)
        market.left = to_step(share, instrument.lot, is_up=False)
        market.n_prints = trade.number
        market.prints = [*market.prints[1 - _MAX_PRINTS :], trade]
        add_to_candles(market.candles, trade)
        if not market.book_step:
            step = to_step(trade.price / _BPS, instrument.tick, is_up=True)
            market.book_step = max(step, instrument.tick)


def _is_reached(order: Order, price: Decimal) -> bool:
    """Tell whether a price triggers an order; a touch is enough."""
    trigger = order.terms.trigger
    if trigger is None or not price:
        return False
    is_from_below = (order.terms.type in _STOPS) is (order.request.side is Side.BUY)
    return price >= trigger if is_from_below else price <= trigger


def _priority(order: Order) -> tuple[Decimal, int]:
    """Order by price, the best for the other side first, then by time."""
    limit = order.terms.limit or Decimal(0)
    return (-limit if order.request.side is Side.BUY else limit), order.sequence
