"""The boundary where a desk's, person's or file's numbers become an intent, or a typed refusal.

Inside the core there are only whole ticks and lots; what is no number, not finite or too fine ends
here, with a code and before anything is journaled or sent (C13, C14, C15).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from athena.domain import (
    Action,
    DenialCode,
    OrderType,
    Purpose,
    Regime,
    Side,
    TimeInForce,
    parse_decimal,
    to_money,
)
from athena.errors import InputError
from athena.trading._core import layout as at
from athena.trading._core.arithmetic import LOTS_MAX, TICKS_MAX
from athena.trading._intent import Intent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.domain import Instrument

Number = Decimal | str | int

LEVERAGE_MAX = 5
MODIFIABLE = frozenset({"quantity", "size_cut_frac", "leverage"})
_DIGITS_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """Ask for one order in the numbers that people and files use.

    Attributes:
        side: direction.
        quantity: in base currency, > 0; or `quote_amount`, to spend that much.
        limit_price, trigger_price: of the order types that have them, > 0.
        stop_price, target_price: protections; None leaves the stop to the risk engine.
        quote_amount: in quote currency, > 0, with at most 8 decimals.
        leverage: 1..5, whole.
        confidence: 0..1.
        purpose, type, time_in_force, post_only, regime, expires_ns, key: as in `Intent`.
    """

    side: Side
    quantity: Number | None = None
    quote_amount: Number | None = None
    purpose: Purpose = Purpose.ENTRY
    type: OrderType = OrderType.MARKET
    limit_price: Number | None = None
    trigger_price: Number | None = None
    stop_price: Number | None = None
    target_price: Number | None = None
    leverage: Number = 1
    confidence: Number = 1
    regime: Regime = Regime.UNKNOWN
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    expires_ns: int = 0
    key: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say why a request became no intent; nothing was journaled or sent.

    Attributes:
        code: as the risk engine's denials.
        message: which number, what was expected, what it was.
    """

    code: DenialCode
    message: str


class _RefusedError(Exception):
    """Carry a refusal out of the conversion of one number."""

    def __init__(self, code: DenialCode, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


def to_intent(request: OrderRequest, instrument: Instrument, index: int = 0) -> Intent | Refusal:
    """Convert a request to an intent in ticks and lots, exactly, or refuse it.

    Args:
        request: what is wanted.
        instrument: whose steps apply.
        index: of the instrument in the run.

    Returns:
        The intent; or a refusal with `invalid_value` (no number, NaN, infinite, zero, negative or
        beyond 64 bits), `precision` (finer than tick, lot or money unit) or `leverage`.
    """
    try:
        return _convert(request, instrument, index)
    except _RefusedError as refused:
        return refused.refusal


def _convert(request: OrderRequest, instrument: Instrument, index: int) -> Intent:
    if (request.quantity is None) == (request.quote_amount is None):
        message = "expected either quantity or quote_amount, was both or neither"
        raise _RefusedError(DenialCode.INVALID_VALUE, message)
    return Intent(
        side=request.side,
        lots=_lots(request.quantity, instrument),
        instrument=index,
        purpose=request.purpose,
        type=request.type,
        limit_ticks=_ticks("limit_price", request.limit_price, instrument),
        trigger_ticks=_ticks("trigger_price", request.trigger_price, instrument),
        stop_ticks=_ticks("stop_price", request.stop_price, instrument),
        target_ticks=_ticks("target_price", request.target_price, instrument),
        quote_amount=_money(request.quote_amount),
        time_in_force=request.time_in_force,
        post_only=request.post_only,
        expires_ns=request.expires_ns,
        leverage=_leverage(request.leverage, LEVERAGE_MAX),
        confidence_ppm=_confidence(request.confidence),
        regime=request.regime,
        key=request.key,
    )


def _number(name: str, value: object) -> Decimal:
    if not isinstance(value, str | int | Decimal):
        message = f"expected {name} as text, int or Decimal, was {type(value).__name__} {value!r}"
        raise _RefusedError(DenialCode.INVALID_VALUE, message)
    try:
        number = parse_decimal(value, what=name)
    except InputError as error:
        raise _RefusedError(DenialCode.INVALID_VALUE, error.message) from None
    # Exact arithmetic on 1e-999999999 would need a gigabyte of digits.
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_DIGITS_MAX:
        message = f"expected {name} with at most {_DIGITS_MAX} decimals, was {value!r}"
        raise _RefusedError(DenialCode.PRECISION, message)
    return number


def _positive(name: str, value: object) -> Decimal:
    number = _number(name, value)
    if number <= 0:
        message = f"expected {name} > 0, was {value}"
        raise _RefusedError(DenialCode.INVALID_VALUE, message)
    return number


def _lots(quantity: Number | None, instrument: Instrument) -> int:
    if quantity is None:
        return 0
    number = _positive("quantity", quantity)
    _check_bound("quantity", number, instrument.lot * LOTS_MAX)
    try:
        return instrument.quantity_to_lots(number)
    except InputError as error:
        raise _RefusedError(DenialCode.PRECISION, error.message) from None


def _ticks(name: str, price: Number | None, instrument: Instrument) -> int:
    if price is None:
        return 0
    number = _positive(name, price)
    _check_bound(name, number, instrument.tick * TICKS_MAX)
    try:
        return instrument.price_to_ticks(number)
    except InputError as error:
        message = f"{name}: {error.message}"
        raise _RefusedError(DenialCode.PRECISION, message) from None


def _check_bound(name: str, number: Decimal, most: Decimal) -> None:
    if number > most:
        message = f"expected {name} <= {most}, was {number}"
        raise _RefusedError(DenialCode.INVALID_VALUE, message)


def _money(amount: Number | None) -> int:
    if amount is None:
        return 0
    number = _positive("quote_amount", amount)
    _check_bound("quote_amount", number, Decimal(2**62) / 10**8)
    try:
        return to_money(number)
    except InputError as error:
        raise _RefusedError(DenialCode.PRECISION, error.message) from None


def _leverage(value: object, most: int) -> int:
    number = _number("leverage", value)
    if number != number.to_integral_value() or not 1 <= number <= most:
        message = f"expected leverage as a whole number from 1 to {most}, was {value}"
        raise _RefusedError(DenialCode.LEVERAGE, message)
    return int(number)


def _confidence(value: object) -> int:
    number = _number("confidence", value)
    if not 0 <= number <= 1:
        message = f"expected confidence from 0 to 1, was {value}"
        raise _RefusedError(DenialCode.INVALID_VALUE, message)
    return int(number * at.PPM)


def apply_modification(
    original: Intent,
    modification: Mapping[str, object],
    instrument: Instrument,
    leverage_cap: int = LEVERAGE_MAX,
) -> Intent | Refusal:
    """Apply what a later component wants changed; it may only shrink (C02, C13).

    Args:
        original: as the risk engine approved it; its size is the ceiling.
        modification: `quantity` in base currency within [0, original], or `size_cut_frac`
            within [0, 1]; `leverage` within [1, cap]. Sizes are rounded down to the lot.
        instrument: whose lot applies.
        leverage_cap: most leverage, 1..5; the original's is never exceeded either.

    Returns:
        The intent with the smaller size; lots 0 is a cancelled intent. A refusal when a key is
        not known, or a value is no number or outside its range.
    """
    try:
        return _modified(original, modification, instrument, leverage_cap)
    except _RefusedError as refused:
        return refused.refusal


def _modified(
    original: Intent, modification: Mapping[str, object], instrument: Instrument, cap: int
) -> Intent:
    unknown = sorted(set(modification) - MODIFIABLE)
    if unknown:
        message = f"expected a change of quantity or leverage, was {', '.join(unknown)}"
        raise _RefusedError(DenialCode.INVALID_VALUE, message)
    if "quantity" in modification and "size_cut_frac" in modification:
        message = "expected either quantity or size_cut_frac, was both"
        raise _RefusedError(DenialCode.INVALID_VALUE, message)
    changed = original
    if "quantity" in modification:
        changed = _with_quantity(original, modification["quantity"], instrument)
    if "size_cut_frac" in modification:
        changed = _with_cut(original, modification["size_cut_frac"])
    if "leverage" in modification:
        leverage = min(original.leverage, _leverage(modification["leverage"], cap))
        changed = replace(changed, leverage=leverage)
    return changed


def _with_quantity(original: Intent, value: object, instrument: Instrument) -> Intent:
    number = _number("quantity", value)
    most = instrument.lots_to_quantity(original.lots)
    if not 0 <= number <= most:
        message = f"expected quantity from 0 to {most}, was {number}"
        raise _RefusedError(DenialCode.INVALID_VALUE, message)
    # The quote amount goes, or a size of 0 lots would mean "as much as it buys".
    lots = math.floor(Fraction(number) / Fraction(instrument.lot))
    return replace(original, lots=lots, quote_amount=0)


def _with_cut(original: Intent, value: object) -> Intent:
    cut = _number("size_cut_frac", value)
    if not 0 <= cut <= 1:
        message = f"expected size_cut_frac from 0 to 1, was {cut}"
        raise _RefusedError(DenialCode.INVALID_VALUE, message)
    kept = 1 - Fraction(cut)
    return replace(
        original,
        lots=math.floor(original.lots * kept),
        quote_amount=math.floor(original.quote_amount * kept),
    )


def closing_intent(
    action: Action, held_lots: int, lots: int, instrument: int = 0
) -> Intent | None:
    """Turn `close_long` or `close_short` into a reduce-only intent (D06).

    Args:
        action: what is to be closed.
        held_lots: signed lots of the position; its sign gives the side.
        lots: asked for; never more than held is sent.
        instrument: index in the run.

    Returns:
        The intent; None when there is no such position, or nothing is asked for.

    Raises:
        InputError: the action does not close anything.
    """
    if action not in {Action.CLOSE_LONG, Action.CLOSE_SHORT}:
        message = f"expected close_long or close_short, was {action.value}"
        raise InputError(message)
    side = Side.SELL if action is Action.CLOSE_LONG else Side.BUY
    held = held_lots if action is Action.CLOSE_LONG else -held_lots
    closing = min(lots, held)
    if closing <= 0:
        return None
    return Intent(side=side, lots=closing, instrument=instrument, purpose=Purpose.EXIT)


__all__ = [
    "LEVERAGE_MAX",
    "Number",
    "OrderRequest",
    "Refusal",
    "apply_modification",
    "closing_intent",
    "to_intent",
]
