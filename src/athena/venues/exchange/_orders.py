"""The orders that the exchange has taken in: how they begin, change and end."""

from __future__ import annotations

import heapq
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.venues.exchange._exact import new_id
from athena.venues.exchange._state import LIMITED, Order, Request, Status

if TYPE_CHECKING:
    from athena.venues.exchange._funds import News
    from athena.venues.exchange._pricing import Pricing
    from athena.venues.exchange._settings import ExchangeSettings
    from athena.venues.exchange._state import Account, State

LIVE, EXPIRE, LATE, DEAD_MAN, BEAT = "live", "expire", "late", "dead_man", "beat"


class Orders:
    """Every order, version by version; whoever changes one goes through here."""

    __slots__ = ("_news", "_pricing", "_settings", "_state")

    def __init__(
        self, state: State, settings: ExchangeSettings, pricing: Pricing, news: News
    ) -> None:
        """Work on a state.

        Args:
            state: of the exchange.
            settings: of the exchange.
            pricing: says what taking may cost.
            news: is told of every change.
        """
        self._state = state
        self._settings = settings
        self._pricing = pricing
        self._news = news

    def schedule(self, at_ns: int, what: str, whom: str) -> None:
        """Have something happen at a time."""
        heapq.heappush(self._state.due, (at_ns, self._state.count("due"), what, whom))

    def draft(self, account: Account, request: Request, *, parent_id: str = "") -> Order:
        """Return the order that a request would become; nothing knows of it yet."""
        return Order(
            id="",
            account=account.key,
            request=request,
            quantity=request.quantity,
            terms=request.terms,
            sequence=0,
            opened_stamp_ns=self._state.stamp_ns,
            changed_ns=self._state.now_ns,
            reserve_price=self._reserve_price(request),
            parent_id=parent_id,
        )

    def enter(self, draft: Order) -> Order:
        """Take an order in; it reaches the book after the latency."""
        state, request = self._state, draft.request
        order = replace(
            draft,
            id=new_id(self._settings.seed or 0, "O", state.count("O")),
            sequence=state.count("sequence"),
        )
        account = state.accounts[order.account]
        account.orders[order.id] = [order]
        account.working.append(order.id)
        self._news.ordered(order, "pending_new")
        self.schedule(state.now_ns + self._settings.latency_ns, LIVE, order.id)
        if request.expires_stamp_ns:
            at_ns = request.expires_stamp_ns - state.faults.clock_offset_ns
            self.schedule(max(at_ns, state.now_ns), EXPIRE, order.id)
        return order

    def change(self, order: Order, event: str, **changes: Any) -> Order:  # noqa: ANN401
        """Make the next version of an order and tell of it."""
        order = self.version(order, **changes)
        self._news.ordered(order, event)
        return order

    def version(self, order: Order, **changes: Any) -> Order:  # noqa: ANN401
        """Make the next version of an order without a word about it."""
        order = replace(order, **changes, changed_ns=self._state.now_ns)
        self._state.accounts[order.account].orders[order.id].append(order)
        return order

    def end(self, order: Order, status: Status, reason: str) -> Order:
        """End an order that is not filled."""
        self._state.accounts[order.account].working.remove(order.id)
        event = "expired" if status is Status.EXPIRED else "canceled"
        stamp_ns = self._state.stamp_ns
        return self.change(order, event, status=status, reason=reason, closed_stamp_ns=stamp_ns)

    def cancel(self, order: Order, reason: str) -> Order:
        """Cancel an order; it may fill once more while that fault is on and it was resting."""
        is_resting = order.status is Status.OPEN and order.terms.limit and not order.is_waiting
        if is_resting and self._state.faults.is_filling_after_cancel:
            self._state.late.append(order.id)
            self.schedule(self._state.now_ns + self._settings.late_fill_ns, LATE, order.id)
        return self.end(order, Status.CANCELED, reason)

    def newest(self, order_id: str) -> Order:
        """Return an order as it is now, whoever owns it."""
        accounts = self._state.accounts.values()
        return next(item.orders[order_id][-1] for item in accounts if order_id in item.orders)

    def working(self, symbol: str) -> list[Order]:
        """Return the working orders of a pair, oldest first."""
        accounts = self._state.accounts.values()
        orders = [item.orders[order_id][-1] for item in accounts for order_id in item.working]
        return sorted(
            (order for order in orders if order.request.symbol == symbol),
            key=lambda order: order.sequence,
        )

    def _reserve_price(self, request: Request) -> Decimal:
        if request.terms.type in LIMITED:
            return request.terms.limit or Decimal(0)
        last = self._state.markets[request.symbol].last
        return self._pricing.worst(request.symbol, request.side, last)
