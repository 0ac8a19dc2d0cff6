"""What an execution came to: slippage, shortfall, fees, fill rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from athena.domain import Side
from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

_BPS = 10_000


class ExecutedFill(NamedTuple):
    """One fill: price and fee in quote currency, quantity in base currency, all exact."""

    price: Decimal
    quantity: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """How well a plan was carried out; costs are positive for either side.

    Attributes:
        slippage_bps: quantity-weighted fill price against the quote at the order; None without a
            fill.
        shortfall_bps: implementation shortfall (Perold 1988) of what was filled: fill price
            against the price that was decided on, fees included; None without a fill.
        fees: quote currency.
        fill_frac: filled over wanted, 0..1.
        n_fills: fills.
    """

    slippage_bps: float | None
    shortfall_bps: float | None
    fees: Decimal
    fill_frac: float
    n_fills: int


def measure_execution(
    side: Side,
    wanted: Decimal,
    *,
    decision_price: Decimal,
    quote_price: Decimal,
    fills: Sequence[ExecutedFill],
) -> ExecutionReport:
    """Measure what the fills of one order or plan cost.

    Args:
        side: of the order.
        wanted: base currency, > 0.
        decision_price: that the desk decided on, > 0.
        quote_price: when the order left, > 0.
        fills: in any order.

    Raises:
        InputError: a size or a price that is not above 0.
    """
    if min(wanted, decision_price, quote_price) <= 0:
        message = (
            f"expected a size and prices above 0, was {wanted}, {decision_price}, {quote_price}"
        )
        raise InputError(message)
    zero = wanted - wanted
    filled = sum((fill.quantity for fill in fills), zero)
    fees = sum((fill.fee for fill in fills), zero)
    if filled == 0:
        return ExecutionReport(None, None, fees, 0.0, len(fills))
    paid = sum((fill.price * fill.quantity for fill in fills), zero)
    sign = 1 if side is Side.BUY else -1
    slippage = sign * (paid / (filled * quote_price) - 1)
    shortfall = (sign * (paid - filled * decision_price) + fees) / (filled * decision_price)
    return ExecutionReport(
        slippage_bps=float(slippage * _BPS),
        shortfall_bps=float(shortfall * _BPS),
        fees=fees,
        fill_frac=float(filled / wanted),
        n_fills=len(fills),
    )
