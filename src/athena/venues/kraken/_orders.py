"""Orders as Kraken reports them: OpenOrders, ClosedOrders, QueryOrders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import OrderState, OrderType, Side
from athena.venues.kraken._consistency import check_cost
from athena.venues.kraken._fields import malformed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from athena.venues.kraken._fields import Fields

SIDES: Mapping[str, Side] = {"buy": Side.BUY, "sell": Side.SELL}
ORDER_TYPES: Mapping[str, OrderType] = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop-loss": OrderType.STOP,
    "stop-loss-limit": OrderType.STOP_LIMIT,
    "take-profit": OrderType.TAKE_PROFIT,
    "take-profit-limit": OrderType.TAKE_PROFIT_LIMIT,
    "trailing-stop": OrderType.TRAILING_STOP,
}
# What Kraken may close a position with; no order of ours, so it has no type of ours.
_FOREIGN_TYPES = ("settle-position", "trailing-stop-limit", "iceberg")
ALL_TYPES: Mapping[str, OrderType | None] = {**ORDER_TYPES, **dict.fromkeys(_FOREIGN_TYPES)}
_STATES: Mapping[str, OrderState] = {
    "pending": OrderState.OPEN,  # the venue has it, the book not yet
    "open": OrderState.OPEN,
    "closed": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "expired": OrderState.EXPIRED,
}
_QUOTE_QUANTITY = "viqc"  # the flag of an order whose quantity is in quote currency
_BASE_FEE = "fcib"  # the flag of an order whose fee is taken from the base currency
_TRIGGERED = frozenset({"stopped", "touched"})  # in `misc`: by a stop, by a target


@dataclass(frozen=True, slots=True)
class OrderReport:
    """One order, as the venue shows it.

    Attributes:
        order_id: Kraken's.
        client_id: ours, or None for an order that carries none (not ours).
        pair: as Kraken wrote it (`XBTUSD` or `XXBTZUSD`).
        side: of the order.
        type: None for a kind that we never send.
        state: with any quantity filled, an open order is `partially_filled`.
        quantity, filled: in base currency; in quote currency when `is_quote_quantity`.
        cost, fee: so far, quote currency (the fee in base currency where the flags say so).
        average_price: of the fills; 0 without.
        limit_price, trigger_price: what the order asks, or None.
        is_triggered: its stop or target was reached.
        is_quote_quantity: the order was placed for an amount of quote currency.
        is_base_fee: its fee is taken from the base currency.
        opened_at_ns: UTC nanoseconds.
        closed_at_ns: or None while it works.
        trade_ids: of its fills, as far as Kraken was asked for them.
        reason: why it was cancelled, or empty.
    """

    order_id: str
    client_id: str | None
    pair: str
    side: Side
    type: OrderType | None
    state: OrderState
    quantity: Decimal
    filled: Decimal
    cost: Decimal
    fee: Decimal
    average_price: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None
    is_triggered: bool
    is_quote_quantity: bool
    is_base_fee: bool
    opened_at_ns: int
    closed_at_ns: int | None
    trade_ids: tuple[str, ...]
    reason: str


def read_open_orders(result: Fields) -> tuple[OrderReport, ...]:
    """Translate OpenOrders.

    Raises:
        VenueError: a field is missing or the figures of an order contradict each other.
    """
    return read_orders(result.inner("open"))


def read_closed_orders(result: Fields) -> tuple[tuple[OrderReport, ...], int]:
    """Translate one page of ClosedOrders, and how many there are in all.

    Raises:
        VenueError: see `read_open_orders`; or fewer in all than on this page.
    """
    orders = read_orders(result.inner("closed"))
    n_total = result.whole("count")
    if n_total < len(orders):
        malformed(f"{result.path}.count", f"at least the {len(orders)} of this page", n_total)
    return orders, n_total


def read_orders(result: Fields) -> tuple[OrderReport, ...]:
    """Translate orders by id: the result of QueryOrders, or what stands inside the other two.

    An order that was asked for and is not there is unknown to Kraken by that id; that alone does
    not prove that it never was.

    Raises:
        VenueError: see `read_open_orders`.
    """
    return tuple(_order(order_id, order) for order_id, order in result.entries())


def _order(order_id: str, order: Fields) -> OrderReport:
    asked = order.inner("descr")
    filled = order.amount("vol_exec")
    flags = (order.maybe_text("oflags") or "").split(",")
    report = OrderReport(
        order_id=order_id,
        client_id=order.maybe_text("cl_ord_id"),
        pair=asked.text("pair"),
        side=asked.one_of("type", SIDES),
        type=asked.one_of("ordertype", ALL_TYPES),
        state=_state(order, filled),
        quantity=order.amount("vol"),
        filled=filled,
        cost=order.amount("cost"),
        fee=order.decimal("fee"),
        average_price=order.amount("price"),
        limit_price=_limit_price(asked),
        trigger_price=_trigger_price(asked),
        is_triggered=not _TRIGGERED.isdisjoint((order.maybe_text("misc") or "").split(",")),
        is_quote_quantity=_QUOTE_QUANTITY in flags,
        is_base_fee=_BASE_FEE in flags,
        opened_at_ns=order.seconds_ns("opentm"),
        closed_at_ns=order.maybe_seconds_ns("closetm"),
        trade_ids=order.texts("trades") if "trades" in order.values else (),
        reason=order.maybe_text("reason") or "",
    )
    _check(report, order.path)
    return report


def _state(order: Fields, filled: Decimal) -> OrderState:
    state = order.one_of("status", _STATES)
    if state is OrderState.OPEN and filled > 0:
        return OrderState.PARTIALLY_FILLED
    return state


def _limit_price(asked: Fields) -> Decimal | None:
    match asked.text("ordertype"):
        case "limit":
            return asked.amount("price")
        case "stop-loss-limit" | "take-profit-limit":
            return asked.amount("price2")
    return None


def _trigger_price(asked: Fields) -> Decimal | None:
    kinds = {"stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit"}
    return asked.amount("price") if asked.text("ordertype") in kinds else None


def _check(report: OrderReport, path: str) -> None:
    """Refuse an order whose figures contradict each other: no fill is made of a garbled one."""
    if report.quantity <= 0:
        malformed(f"{path}.vol", "a quantity > 0", report.quantity)
    if report.filled > report.quantity:
        malformed(f"{path}.vol_exec", f"at most vol = {report.quantity}", report.filled)
    if report.state is OrderState.FILLED and report.filled == 0:
        malformed(f"{path}.vol_exec", "a filled quantity of a closed order", report.filled)
    if not report.is_quote_quantity:
        check_cost(report.average_price, report.filled, report.cost, path)
