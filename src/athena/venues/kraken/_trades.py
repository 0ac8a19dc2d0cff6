"""Fills of the account: TradesHistory; and its balances: Balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import Liquidity
from athena.venues.kraken._consistency import check_cost
from athena.venues.kraken._fields import malformed
from athena.venues.kraken._names import our_currency
from athena.venues.kraken._orders import SIDES

if TYPE_CHECKING:
    from decimal import Decimal

    from athena.domain import Side
    from athena.venues.kraken._fields import Fields


@dataclass(frozen=True, slots=True)
class TradeReport:
    """One fill, as the venue shows it.

    Attributes:
        trade_id: Kraken's; the same id twice is one fill.
        order_id: Kraken's id of the order that was filled.
        pair: as Kraken wrote it: `XXBTZUSD` in REST, `BTC/USD` in the stream.
        side: of the order.
        price: quote currency, > 0.
        quantity: base currency, > 0.
        cost: quote currency.
        fee: in `fee_currency`; negative where the venue pays.
        fee_currency: our spelling; empty where the message does not say it (REST: the quote's
            unless the order's flags say otherwise).
        liquidity: maker or taker, or None where the message does not say it.
        at_ns: the venue's time, UTC nanoseconds.
    """

    trade_id: str
    order_id: str
    pair: str
    side: Side
    price: Decimal
    quantity: Decimal
    cost: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity | None
    at_ns: int


def read_trades_history(result: Fields) -> tuple[tuple[TradeReport, ...], int]:
    """Translate one page of TradesHistory, and how many fills there are in all.

    Raises:
        VenueError: a field is missing, a fill's figures contradict each other, or there are fewer
            in all than on this page.
    """
    trades = tuple(_trade(trade_id, trade) for trade_id, trade in result.inner("trades").entries())
    n_total = result.whole("count")
    if n_total < len(trades):
        malformed(f"{result.path}.count", f"at least the {len(trades)} of this page", n_total)
    return trades, n_total


def read_balances(result: Fields) -> dict[str, Decimal]:
    """Translate Balance: our currency -> amount, reserved parts included.

    Raises:
        VenueError: an amount is no number, or one currency stands there twice.
    """
    balances: dict[str, Decimal] = {}
    for name in result.values:
        currency = our_currency(name)
        if currency in balances:
            malformed(f"{result.path}.{name}", f"one balance of {currency}", result.values[name])
        balances[currency] = result.decimal(name)
    return balances


def check_fill(fill: TradeReport, path: str) -> TradeReport:
    """Return a fill that agrees with itself.

    Raises:
        VenueError: price or quantity is 0, or the cost is not theirs.
    """
    if fill.price <= 0 or fill.quantity <= 0:
        malformed(path, "a price and a quantity > 0", f"{fill.price}, {fill.quantity}")
    check_cost(fill.price, fill.quantity, fill.cost, path)
    return fill


def _trade(trade_id: str, trade: Fields) -> TradeReport:
    maker = {True: Liquidity.MAKER, False: Liquidity.TAKER}
    fill = TradeReport(
        trade_id=trade_id,
        order_id=trade.text("ordertxid"),
        pair=trade.text("pair"),
        side=trade.one_of("type", SIDES),
        price=trade.amount("price"),
        quantity=trade.amount("vol"),
        cost=trade.amount("cost"),
        fee=trade.decimal("fee"),
        fee_currency="",
        liquidity=maker[trade.flag("maker")] if "maker" in trade.values else None,
        at_ns=trade.seconds_ns("time"),
    )
    return check_fill(fill, trade.path)
