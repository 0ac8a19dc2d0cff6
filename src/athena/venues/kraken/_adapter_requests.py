"""From what a session wants to the request that says it to Kraken, and what the answer proves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, OrderType, Side, TimeInForce
from athena.errors import InputError, VenueError
from athena.trading.live import AmendOrder, Answered, PlaceOrder, Request, Result
from athena.venues._contract import CallFailed
from athena.venues.kraken._answers import Accepted, Refused, read_sent
from athena.venues.kraken._limits import OrderAction, order_charges
from athena.venues.kraken._requests import (
    MIN_DEADLINE_NS,
    NewOrder,
    add_order_fields,
    amend_order_fields,
    cancel_order_fields,
    read_added,
    read_amended,
    read_cancelled,
)
from athena.venues.limits import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.trading.live import CancelOrder
    from athena.venues._contract import HttpAnswer
    from athena.venues.kraken._fields import Fields
    from athena.venues.kraken._markets import Markets
    from athena.venues.limits import Charge

SENT_TYPES = (
    OrderType.MARKET,
    OrderType.LIMIT,
    OrderType.STOP,
    OrderType.STOP_LIMIT,
    OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_LIMIT,
)
SENT_TIMES = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTD)
_SELF_TEST_DEADLINE_NS = 5 * SECOND_NS
_CANCEL_PATIENCE_NS = 5 * SECOND_NS  # then the session hears that it did not leave, and decides


@dataclass(frozen=True, slots=True)
class Sending:
    """A request about one order, ready to be sent.

    Attributes:
        request: what is asked.
        client_id: of the order.
        endpoint, fields, priority, charges, deadline_ns: of the call.
        read: translates the result to the venue's id of the order, or empty.
        serial: of an amendment; 0 for another request.
    """

    request: Request
    client_id: str
    endpoint: str
    fields: Mapping[str, str]
    priority: Priority
    charges: tuple[Charge, ...]
    deadline_ns: int
    read: Callable[[Fields], str]
    serial: int = 0


def sending_of(
    effect: PlaceOrder | CancelOrder | AmendOrder, markets: Markets, now_ns: int
) -> Sending:
    """Say what a session wants in Kraken's words.

    Raises:
        InputError: Kraken has no words for it; nothing may leave.
    """
    if isinstance(effect, PlaceOrder):
        return _placing(effect, markets, now_ns)
    pair = markets.pairs[effect.instrument]
    age_ns = max(0, now_ns - effect.opened_ns)
    if isinstance(effect, AmendOrder):
        return Sending(
            Request.AMEND,
            effect.client_id,
            "AmendOrder",
            _amend_fields(effect, markets, now_ns),
            Priority.PROTECT if effect.is_protection else Priority.TRADE,
            order_charges(OrderAction.AMEND, pair, age_ns),
            effect.deadline_ns - MIN_DEADLINE_NS,
            _read_amended,
            effect.serial,
        )
    return Sending(
        Request.CANCEL,
        effect.client_id,
        "CancelOrder",
        cancel_order_fields(effect.client_id),
        Priority.PROTECT,
        order_charges(OrderAction.CANCEL, pair, age_ns),
        now_ns + _CANCEL_PATIENCE_NS,
        _read_cancelled,
    )


def outcome_of(
    sending: Sending, answer: HttpAnswer | CallFailed, now_ns: int
) -> tuple[Answered, bool]:
    """Judge an answer; the flag says whether the venue worked as it should.

    Only what proves that nothing was done counts as refused or as not sent.
    """

    def answered(result: Result, *, venue_id: str = "", reason: str = "") -> Answered:
        return Answered(
            sending.request, sending.client_id, result, now_ns, venue_id, reason, sending.serial
        )

    if isinstance(answer, CallFailed):
        result = Result.UNKNOWN if answer.is_sent else Result.NOT_SENT
        return answered(result, reason=answer.reason), False
    outcome = read_sent(answer, sending.endpoint, sending.read)
    if isinstance(outcome, Accepted):
        return answered(Result.ACCEPTED, venue_id=outcome.value), True
    if isinstance(outcome, Refused):
        refused = answered(Result.REFUSED, reason=outcome.error.message)
        return refused, not outcome.error.retryable
    return answered(Result.UNKNOWN, reason=outcome.error.message), False


def self_test_of(markets: Markets, index: int, price_ticks: int, now_ns: int) -> Sending:
    """Say the smallest order at a price, to be checked by Kraken and not placed."""
    instrument = markets.instruments[index]
    price = instrument.ticks_to_price(price_ticks)
    lot_value = Fraction(price) * Fraction(instrument.lot)
    enough = math.ceil(Fraction(instrument.min_notional) / lot_value)
    order = NewOrder(
        client_id=sha256(f"self-test {instrument.symbol} {now_ns}".encode()).hexdigest()[:32],
        pair=markets.pairs[index],
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=instrument.lots_to_quantity(max(instrument.min_lots, enough)),
        limit_price=price,
        deadline_ns=now_ns + _SELF_TEST_DEADLINE_NS,
        is_validate_only=True,
    )
    return Sending(
        Request.PLACE,
        order.client_id,
        "AddOrder",
        add_order_fields(order, now_ns=now_ns),
        Priority.TRADE,
        order_charges(OrderAction.ADD, order.pair),
        order.deadline_ns - MIN_DEADLINE_NS,
        _read_placed,
    )


def _placing(effect: PlaceOrder, markets: Markets, now_ns: int) -> Sending:
    return Sending(
        Request.PLACE,
        effect.client_id,
        "AddOrder",
        _place_fields(effect, markets, now_ns),
        Priority.PROTECT if effect.is_protection else Priority.TRADE,
        order_charges(OrderAction.ADD, markets.pairs[effect.instrument]),
        # Kraken takes no order with less than half a second to its deadline.
        effect.deadline_ns - MIN_DEADLINE_NS,
        _read_placed,
    )


def _place_fields(effect: PlaceOrder, markets: Markets, now_ns: int) -> dict[str, str]:
    # Kraken's `reduce_only` is a matter of margin; on spot it is refused, and the core has capped
    # a closing order at the position.
    if effect.leverage != 1:
        message = f"expected leverage 1 (spot), was {effect.leverage}"
        raise InputError(message, hint="margin is not offered")
    instrument = markets.instruments[effect.instrument]
    order = NewOrder(
        client_id=effect.client_id,
        pair=markets.pairs[effect.instrument],
        side=effect.side,
        type=effect.type,
        quantity=instrument.lots_to_quantity(effect.lots),
        limit_price=instrument.ticks_to_price(effect.limit_ticks) if effect.limit_ticks else None,
        trigger_price=(
            instrument.ticks_to_price(effect.trigger_ticks) if effect.trigger_ticks else None
        ),
        time_in_force=effect.time_in_force,
        expires_at_ns=effect.expires_ns or None,
        deadline_ns=effect.deadline_ns,
        is_post_only=effect.is_post_only,
    )
    return add_order_fields(order, now_ns=now_ns)


def _amend_fields(effect: AmendOrder, markets: Markets, now_ns: int) -> dict[str, str]:
    instrument = markets.instruments[effect.instrument]
    return amend_order_fields(
        effect.client_id,
        deadline_ns=effect.deadline_ns,
        now_ns=now_ns,
        quantity=instrument.lots_to_quantity(effect.lots) if effect.lots else None,
        trigger_price=(
            instrument.ticks_to_price(effect.trigger_ticks) if effect.trigger_ticks else None
        ),
    )


def _read_placed(result: Fields) -> str:
    ids = read_added(result)
    if len(ids) != 1:
        message = f"expected one order id in the answer to AddOrder, was {len(ids)}"
        raise VenueError(message)
    return ids[0]


def _read_amended(result: Fields) -> str:
    read_amended(result)
    return ""


def _read_cancelled(result: Fields) -> str:
    if read_cancelled(result) != 1:
        message = "expected one order in the answer to CancelOrder, was another number"
        raise VenueError(message)
    return ""
