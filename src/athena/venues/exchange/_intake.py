"""What customers ask of their orders: place, amend, cancel; checked, then done or refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import OrderType, Side, TimeInForce
from athena.venues.exchange._exact import is_multiple, times, to_step
from athena.venues.exchange._orders import DEAD_MAN
from athena.venues.exchange._refusal import (
    INSUFFICIENT_FUNDS,
    INVALID,
    POST_ONLY,
    UNKNOWN_ORDER,
    Refusal,
    refuse,
    refuse_field,
)
from athena.venues.exchange._state import LIMITED, TRIGGERED, Request, Status, System

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.venues.exchange._matching import Matching, Parts
    from athena.venues.exchange._settings import ExchangeSettings, Listing
    from athena.venues.exchange._state import Account, Order, State, Terms

_TICK_SIZE = "EOrder:Tick size check failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is to change of an order; None stays."""

    quantity: Decimal | None = None
    limit: Decimal | None = None
    trigger: Decimal | None = None
    is_post_only: bool = False


class Intake:
    """The desk that takes requests about orders."""

    __slots__ = ("_funds", "_listings", "_matching", "_orders", "_settings", "_state")

    def __init__(
        self,
        state: State,
        listings: Mapping[str, Listing],
        settings: ExchangeSettings,
        parts: Parts,
        matching: Matching,
    ) -> None:
        """Work on a state; arguments as `Matching`, and the matching."""
        self._state = state
        self._listings = listings
        self._settings = settings
        self._funds = parts.funds
        self._orders = parts.orders
        self._matching = matching

    def place(
        self, account: Account, request: Request, *, deadline_stamp_ns: int, is_dry: bool
    ) -> Order:
        """Place an order.

        Args:
            account: whose.
            request: what.
            deadline_stamp_ns: after which it is refused; 0 without.
            is_dry: check only.

        Returns:
            The order; without an id when it was only checked.

        Raises:
            Refusal: with Kraken's code; nothing was done.
        """
        self._check_open(deadline_stamp_ns, is_post_only=request.is_post_only)
        request = self._cut(request)
        self._check_size(request.symbol, request.quantity, self._price(request))
        self._check_terms(request.symbol, request.terms)
        if request.close is not None:
            self._check_terms(request.symbol, request.close)
        self._check_life(request)
        self._check_book(account, request)
        draft = self._funded(account, request)
        return draft if is_dry else self._orders.enter(draft)

    def amend(self, order: Order, change: Amendment, *, deadline_stamp_ns: int) -> None:
        """Change quantity or prices of a working order, which keeps its ids.

        Raises:
            Refusal: with Kraken's code; nothing was done.
        """
        self._check_open(deadline_stamp_ns, is_post_only=order.request.is_post_only)
        if not order.is_working:
            refuse(UNKNOWN_ORDER)
        new = self._amended(order, change)
        if new.quantity <= order.filled:
            self._orders.end(order, Status.CANCELED, "Amended below what is filled")
            return
        if not self._funds.covers(new):
            refuse(INSUFFICIENT_FUNDS)
        is_post_only = change.is_post_only or order.request.is_post_only
        limit = new.terms.limit
        if is_post_only and limit and self._matching.is_marketable(order.request, limit):
            refuse(POST_ONLY)
        is_behind = new.terms != order.terms or new.quantity > order.quantity
        sequence = self._state.count("sequence") if is_behind else order.sequence
        self._matching.arrive_again(self._orders.change(new, "amended", sequence=sequence))

    def cancel(self, account: Account, ids: Sequence[str], *, reason: str) -> int:
        """Cancel working orders and return how many.

        Raises:
            Refusal: none of them is working.
        """
        found = [account.orders[item][-1] for item in ids if item in account.working]
        if not found:
            refuse(UNKNOWN_ORDER)
        for order in found:
            self._orders.cancel(order, reason)
        return len(found)

    def cancel_all(self, account: Account, *, reason: str) -> int:
        """Cancel every working order and return how many."""
        ids = tuple(account.working)
        return self.cancel(account, ids, reason=reason) if ids else 0

    def set_dead_man(self, account: Account, timeout_ns: int) -> None:
        """Cancel everything after a time, unless it is set again; 0 switches it off."""
        account.dead_man_ns = self._state.now_ns + timeout_ns if timeout_ns else 0
        if timeout_ns:
            self._orders.schedule(account.dead_man_ns, DEAD_MAN, account.key)

    def find(self, account: Account, order_id: str, client_id: str) -> Order:
        """Return the working order of an id of either kind.

        Raises:
            Refusal: there is none.
        """
        for item in account.working:
            order = account.orders[item][-1]
            if item == order_id or (client_id and order.request.client_id == client_id):
                return order
        raise Refusal(UNKNOWN_ORDER)

    def _check_open(self, deadline_stamp_ns: int, *, is_post_only: bool) -> None:
        system = self._state.system
        is_closed = system is System.CANCEL_ONLY
        if is_closed or (system is System.POST_ONLY and not is_post_only):
            refuse(f"EService:Market in {system.value} mode")
        if deadline_stamp_ns and self._state.stamp_ns > deadline_stamp_ns:
            refuse("EService:Deadline elapsed")

    def _cut(self, request: Request) -> Request:
        """Cut the quantity to fewer decimals while that fault is on."""
        decimals = self._state.faults.quantity_decimals
        if decimals is None:
            return request
        step = Decimal((0, (1,), -decimals))
        return replace(request, quantity=to_step(request.quantity, step, is_up=False))

    def _price(self, request: Request) -> Decimal:
        """Return the price that an order's smallest cost is judged at."""
        last = self._state.markets[request.symbol].last
        return request.terms.limit or request.terms.trigger or last

    def _check_size(self, symbol: str, quantity: Decimal, price: Decimal) -> None:
        instrument = self._listings[symbol].instrument
        if not is_multiple(quantity, instrument.lot):
            refuse_field("volume")
        if quantity < max(instrument.min_quantity, instrument.lot):
            refuse_field("volume minimum not met")
        if price and times(quantity, price) < instrument.min_notional:
            refuse("EOrder:Cost minimum not met")

    def _check_terms(self, symbol: str, terms: Terms) -> None:
        tick = self._listings[symbol].instrument.tick
        prices = [price for price in (terms.limit, terms.trigger) if price is not None]
        if any(not is_multiple(price, tick) for price in prices):
            refuse(_TICK_SIZE)
        if (terms.limit is not None) is not (terms.type in LIMITED):
            refuse_field("price2" if terms.type in TRIGGERED else "price")
        if (terms.trigger is not None) is not (terms.type in TRIGGERED):
            refuse_field("price")

    def _check_life(self, request: Request) -> None:
        is_dated = request.time_in_force is TimeInForce.GTD
        if is_dated is not (request.expires_stamp_ns > 0):
            refuse_field("expiretm")
        if is_dated and request.expires_stamp_ns <= self._state.stamp_ns:
            refuse_field("expiretm")
        if request.is_post_only and request.terms.type is not OrderType.LIMIT:
            refuse_field("oflags")

    def _check_book(self, account: Account, request: Request) -> None:
        orders = [account.orders[item][-1].request for item in account.working]
        # Kraken compares a client id with those of open orders only.
        if request.client_id and request.client_id in {item.client_id for item in orders}:
            refuse("EOrder:Duplicate cl_ord_id")
        n_open = sum(item.symbol == request.symbol for item in orders)
        if n_open >= self._settings.max_open_orders:
            refuse("EOrder:Orders limit exceeded")
        is_market = request.terms.type is OrderType.MARKET
        if is_market and not self._state.markets[request.symbol].last:
            refuse("EService:Market in limit_only mode")
        limit = request.terms.limit
        if request.is_post_only and limit and self._matching.is_marketable(request, limit):
            refuse(POST_ONLY)

    def _funded(self, account: Account, request: Request) -> Order:
        draft = self._orders.draft(account, request)
        if self._funds.covers(draft):
            return draft
        # The base currency is preferred for the fee of a sale, not insisted on.
        if request.side is Side.SELL and not request.is_fee_in_quote:
            draft = replace(draft, request=replace(request, is_fee_in_quote=True))
            if self._funds.covers(draft):
                return draft
        raise Refusal(INSUFFICIENT_FUNDS)

    def _amended(self, order: Order, change: Amendment) -> Order:
        """Return the order as it would be.

        Raises:
            Refusal: a price or a quantity that it cannot have.
        """
        terms = order.terms
        if change.limit is not None and terms.type not in LIMITED:
            refuse(f"{INVALID}:limit_price")
        if change.trigger is not None and not order.is_waiting:
            refuse(f"{INVALID}:trigger_price")
        terms = replace(
            terms,
            limit=terms.limit if change.limit is None else change.limit,
            trigger=terms.trigger if change.trigger is None else change.trigger,
        )
        self._check_terms(order.request.symbol, terms)
        quantity = order.quantity if change.quantity is None else change.quantity
        self._check_size(
            order.request.symbol, quantity, terms.limit or terms.trigger or Decimal(0)
        )
        price = order.reserve_price if terms.limit is None else terms.limit
        return replace(order, terms=terms, quantity=quantity, reserve_price=price)
