"""Fills: as much as an account can pay, booked at once, and what follows from them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import Side
from athena.venues.exchange._exact import new_id, to_step, worth
from athena.venues.exchange._state import Fill, Request, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.domain import Liquidity
    from athena.venues.exchange._funds import Funds, News
    from athena.venues.exchange._orders import Orders
    from athena.venues.exchange._settings import ExchangeSettings, Listing
    from athena.venues.exchange._state import Order, State


class Filling:
    """Fill orders; nothing else moves money between an account and the market."""

    __slots__ = ("_funds", "_listings", "_news", "_orders", "_settings", "_state")

    def __init__(  # noqa: PLR0913, PLR0917 - the parts that it is made of
        self,
        state: State,
        listings: Mapping[str, Listing],
        settings: ExchangeSettings,
        orders: Orders,
        funds: Funds,
        news: News,
    ) -> None:
        """Work on a state; arguments as `Funds`, and the orders."""
        self._state = state
        self._listings = listings
        self._settings = settings
        self._orders = orders
        self._funds = funds
        self._news = news

    def fill(self, order: Order, quantity: Decimal, price: Decimal, liquidity: Liquidity) -> None:
        """Fill an order as far as its account can pay; end it where it cannot."""
        quantity = self._payable(order, quantity, price, liquidity)
        if quantity <= 0:
            if order.is_working:
                self._orders.end(order, Status.CANCELED, "Insufficient funds")
            return
        fill = self._new_fill(order, quantity, price, liquidity)
        account = self._state.accounts[order.account]
        is_ending = order.filled + quantity == order.quantity and order.is_working
        if is_ending:
            account.working.remove(order.id)
        order = self._orders.version(
            order,
            filled=order.filled + quantity,
            cost=order.cost + fill.cost,
            fee=order.fee + fill.fee,
            trade_ids=(*order.trade_ids, fill.id),
            status=Status.CLOSED if is_ending else order.status,
            closed_stamp_ns=fill.stamp_ns if is_ending else order.closed_stamp_ns,
        )
        account.fills.append(fill)
        self._news.filled(order, fill)
        if is_ending:
            self._news.ordered(order, "filled")
        self._funds.settle(fill)
        self._place_close(order, quantity)

    def _new_fill(
        self, order: Order, quantity: Decimal, price: Decimal, liquidity: Liquidity
    ) -> Fill:
        state, cost = self._state, worth(price, quantity)
        return Fill(
            id=new_id(self._settings.seed or 0, "T", state.count("T")),
            number=state.counters["T"],
            order_id=order.id,
            account=order.account,
            symbol=order.request.symbol,
            side=order.request.side,
            type=order.terms.type,
            price=price,
            quantity=quantity,
            cost=cost,
            fee=self._funds.fee(order, quantity, cost, liquidity),
            fee_currency=self._funds.fee_currency(order),
            liquidity=liquidity,
            misc=order.misc,
            at_ns=state.now_ns,
            stamp_ns=state.stamp_ns,
        )

    def _payable(
        self, order: Order, quantity: Decimal, price: Decimal, liquidity: Liquidity
    ) -> Decimal:
        """Return how much of a quantity the account can pay, in whole lots."""
        instrument = self._listings[order.request.symbol].instrument
        is_buy = order.request.side is Side.BUY
        currency = instrument.quote if is_buy else instrument.base
        account = self._state.accounts[order.account]
        free = self._funds.free(account, currency, but=order.id)
        is_fee_there = self._funds.fee_currency(order) == currency

        def need(size: Decimal) -> Decimal:
            cost = worth(price, size)
            fee = self._funds.fee(order, size, cost, liquidity) if is_fee_there else Decimal(0)
            return (cost if is_buy else size) + fee

        if need(quantity) <= free:
            return quantity
        if free <= 0:
            return Decimal(0)
        size = to_step(quantity * free / need(quantity), instrument.lot, is_up=False)
        while size > 0 and need(size) > free:
            size -= instrument.lot
        return max(size, Decimal(0))

    def _place_close(self, order: Order, quantity: Decimal) -> None:
        """Place the conditional close of one fill."""
        terms = order.request.close
        if terms is None:
            return
        side = Side.SELL if order.request.side is Side.BUY else Side.BUY
        request = Request(
            symbol=order.request.symbol,
            side=side,
            terms=terms,
            quantity=quantity,
            is_fee_in_quote=order.request.is_fee_in_quote,
        )
        account = self._state.accounts[order.account]
        close = self._orders.enter(self._orders.draft(account, request, parent_id=order.id))
        if not self._funds.covers(close):
            self._orders.end(close, Status.CANCELED, "Insufficient funds")
