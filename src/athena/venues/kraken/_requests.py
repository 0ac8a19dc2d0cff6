"""Requests that change something, as the form fields that Kraken takes, and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import (
    SECOND_NS,
    OrderType,
    TimeInForce,
    format_decimal,
    ns_to_datetime,
)
from athena.errors import InputError
from athena.venues.kraken._fields import malformed
from athena.venues.kraken._orders import ORDER_TYPES, SIDES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from athena.domain import Side
    from athena.venues.kraken._fields import Fields

MIN_DEADLINE_NS = SECOND_NS // 2
MAX_DEADLINE_NS = 60 * SECOND_NS
_CLIENT_ID_DIGITS = 32
_SIDE_NAMES = {side: name for name, side in SIDES.items()}
_TYPE_NAMES = {kind: name for name, kind in ORDER_TYPES.items()}
_TIMES: Mapping[TimeInForce, str] = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.GTD: "GTD",
}
_TRIGGERED = frozenset(
    {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)
_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """A conditional close: one order that Kraken places for each fill of the primary.

    Attributes:
        type: a stop, a target or a limit.
        trigger_price, limit_price: as the type needs them.
    """

    type: OrderType
    trigger_price: Decimal | None = None
    limit_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to place.

    Attributes:
        client_id: 32 hex digits, from the intent; one intent, one id.
        pair: Kraken's altname (`XBTUSD`).
        side: of the order.
        type: any but a trailing stop: Athena trails by amending a stop.
        quantity: base currency, already rounded to the pair's rules.
        limit_price, trigger_price: as the type needs them.
        time_in_force: Kraken knows no fill-or-kill.
        expires_at_ns: of a GTD order, UTC nanoseconds.
        deadline_ns: the matching engine refuses the order after it, UTC nanoseconds; 0.5 to 60 s
            from `now_ns` of the request.
        leverage: factor; 1 trades without margin.
        is_post_only, is_reduce_only: as they say.
        is_validate_only: checked by Kraken, never placed.
        close: or None.
    """

    client_id: str
    pair: str
    side: Side
    type: OrderType
    quantity: Decimal
    deadline_ns: int
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at_ns: int | None = None
    leverage: int = 1
    is_post_only: bool = False
    is_reduce_only: bool = False
    is_validate_only: bool = False
    close: Close | None = None


def add_order_fields(order: NewOrder, *, now_ns: int) -> dict[str, str]:
    """Write AddOrder's form fields; numbers with every digit and no exponent.

    Args:
        order: what to place.
        now_ns: UTC nanoseconds, against which the deadline is judged.

    Raises:
        InputError: the order cannot be said in Kraken's words (C14, C15).
    """
    _check_client_id(order.client_id)
    _check_positive("quantity", order.quantity)
    if order.leverage < 1:
        message = f"expected leverage >= 1, was {order.leverage}"
        raise InputError(message)
    fields = {
        "pair": order.pair,
        "type": _SIDE_NAMES[order.side],
        "volume": format_decimal(order.quantity),
        "cl_ord_id": order.client_id,
        "deadline": _deadline(order.deadline_ns, now_ns),
        **_kind(order.type, order.trigger_price, order.limit_price),
        **_life(order),
    }
    if order.leverage > 1:
        fields["leverage"] = str(order.leverage)
    # Left to itself Kraken takes the fee of a sale from what is sold: then no position is round.
    fields["oflags"] = "post,fciq" if order.is_post_only else "fciq"
    if order.is_reduce_only:
        fields["reduce_only"] = "true"
    if order.is_validate_only:
        fields["validate"] = "true"
    if order.close is not None:
        close = _kind(order.close.type, order.close.trigger_price, order.close.limit_price)
        fields |= {f"close[{name}]": value for name, value in close.items()}
    return fields


def amend_order_fields(  # noqa: PLR0913 (each may be amended)
    client_id: str,
    *,
    deadline_ns: int,
    now_ns: int,
    quantity: Decimal | None = None,
    limit_price: Decimal | None = None,
    trigger_price: Decimal | None = None,
) -> dict[str, str]:
    """Write AmendOrder's form fields; the order keeps its ids and, where it can, its place.

    Raises:
        InputError: nothing to amend, a value <= 0, or a deadline out of range.
    """
    _check_client_id(client_id)
    new = {"order_qty": quantity, "limit_price": limit_price, "trigger_price": trigger_price}
    changes = {name: value for name, value in new.items() if value is not None}
    if not changes:
        message = "expected a quantity or a price to amend, was none"
        raise InputError(message)
    for name, value in changes.items():
        _check_positive(name, value)
    fields = {"cl_ord_id": client_id, "deadline": _deadline(deadline_ns, now_ns)}
    return fields | {name: format_decimal(value) for name, value in changes.items()}


def cancel_order_fields(client_id: str) -> dict[str, str]:
    """Write CancelOrder's form fields.

    Raises:
        InputError: the id is not one of ours.
    """
    _check_client_id(client_id)
    return {"cl_ord_id": client_id}


def read_added(result: Fields) -> tuple[str, ...]:
    """Translate AddOrder's answer to Kraken's order ids; empty after a mere validation.

    Raises:
        VenueError: the answer describes no order.
    """
    result.inner("descr").text("order")
    if "txid" not in result.values:
        return ()
    ids = result.texts("txid")
    if not ids:
        malformed(f"{result.path}.txid", "at least one order id", ids)
    return ids


def read_amended(result: Fields) -> str:
    """Translate AmendOrder's answer to the amendment's id.

    Raises:
        VenueError: there is none.
    """
    return result.text("amend_id")


def read_cancelled(result: Fields) -> int:
    """Translate CancelOrder's answer to the number of orders; they may still be pending.

    Raises:
        VenueError: no count.
    """
    count = result.whole("count")
    if count < 0:
        malformed(f"{result.path}.count", "a count >= 0", count)
    return count


def _kind(
    kind: OrderType, trigger_price: Decimal | None, limit_price: Decimal | None
) -> dict[str, str]:
    """Write type and prices: a trigger comes first, then the limit behind it."""
    if kind is OrderType.TRAILING_STOP:
        message = "expected an order type that Kraken is sent, was trailing_stop"
        raise InputError(message, hint="Athena trails by amending a stop")
    prices: list[Decimal] = []
    for name, price, is_needed in (
        ("trigger price", trigger_price, kind in _TRIGGERED),
        ("limit price", limit_price, kind in _LIMITED),
    ):
        if (price is not None) is not is_needed:
            state = "a" if is_needed else "no"
            message = f"expected {state} {name} for a {kind.value} order, was {price}"
            raise InputError(message)
        if price is not None:
            _check_positive(name, price)
            prices.append(price)
    names = zip(("price", "price2"), prices, strict=False)
    return {"ordertype": _TYPE_NAMES[kind]} | {name: format_decimal(p) for name, p in names}


def _life(order: NewOrder) -> dict[str, str]:
    if order.time_in_force not in _TIMES:
        message = f"expected gtc, ioc or gtd at Kraken, was {order.time_in_force.value}"
        raise InputError(message)
    is_dated = order.time_in_force is TimeInForce.GTD
    if (order.expires_at_ns is not None) is not is_dated:
        message = f"expected an expiry with gtd and only there, was {order.time_in_force.value}"
        raise InputError(message)
    if order.type is OrderType.MARKET:
        return {}
    fields = {"timeinforce": _TIMES[order.time_in_force]}
    if order.expires_at_ns is not None:
        fields["expiretm"] = str(order.expires_at_ns // SECOND_NS)
    return fields


def _deadline(deadline_ns: int, now_ns: int) -> str:
    if not MIN_DEADLINE_NS <= deadline_ns - now_ns <= MAX_DEADLINE_NS:
        seconds = (deadline_ns - now_ns) / SECOND_NS
        message = f"expected a deadline 0.5 to 60 s from now, was {seconds:.3f} s"
        raise InputError(message)
    # Rounded down: the engine must not take the order later than we think.
    moment = ns_to_datetime(deadline_ns)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _check_client_id(client_id: str) -> None:
    is_hex = all(char in "0123456789abcdef" for char in client_id)
    if len(client_id) != _CLIENT_ID_DIGITS or not is_hex:
        message = f"expected a client order id of 32 hex digits, was {client_id!r}"
        raise InputError(message)


def _check_positive(name: str, value: Decimal) -> None:
    if not value.is_finite() or value <= 0:
        message = f"expected {name} > 0, was {value}"
        raise InputError(message)
