"""What the stream says, message by message, in the words of WebSocket v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athena.domain import DAY_NS, MINUTE_NS, SECOND_NS, Liquidity
from athena.venues.exchange._depth import Depth, changes, checksum
from athena.venues.exchange._private import average_price, flags
from athena.venues.exchange._public import currencies_of, day_of, vwap
from athena.venues.exchange._settings import CURRENCY_DECIMALS
from athena.venues.exchange._state import TRIGGERED, Status
from athena.venues.exchange._wire import TYPE_WORDS, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from athena.venues.exchange._depth import Books
    from athena.venues.exchange._settings import Listing
    from athena.venues.exchange._state import (
        Candle,
        Entry,
        Fill,
        Market,
        Order,
        Print,
        Subscription,
        System,
    )
Params = dict[str, Any]
_WORDS = {
    Status.PENDING: "pending_new",
    Status.OPEN: "new",
    Status.CLOSED: "filled",
    Status.CANCELED: "canceled",
    Status.EXPIRED: "expired",
}


def channel(name: str, data: object, *, is_snapshot: bool) -> Params:
    """Wrap the data of a channel."""
    return {"channel": name, "type": "snapshot" if is_snapshot else "update", "data": data}


def status(system: System, connection: int) -> Params:
    """Say how the exchange is."""
    data = {
        "version": "2.0.10",
        "system": system.value,
        "api_version": "v2",
        "connection_id": connection,
    }
    return channel("status", [data], is_snapshot=False)


def detail(subscription: Subscription) -> Params:
    """Say again how deep or how long."""
    names = {"book": "depth", "ohlc": "interval"}
    name = names.get(subscription.channel)
    return {name: subscription.detail} if name else {}


def order_event(order: Order, event: str, listing: Listing, stamp_ns: int) -> Params:
    """Tell of a change: a new or amended order in full, else what changed."""
    told: Params = _head(order, event, stamp_ns)
    if event in {"pending_new", "amended"}:
        told |= _terms(order)
    if event == "status":
        told |= {"triggers": _triggers(order)}
    if event in {"filled", "canceled", "expired"}:
        told |= {"order_qty": order.quantity, **_progress(order, listing)}
    if order.reason:
        told["reason"] = order.reason
    return told


def order_snapshot(order: Order, listing: Listing) -> Params:
    """Show a working order whole."""
    event = "pending_new" if order.status is Status.PENDING else "new"
    told = _head(order, event, order.opened_stamp_ns)
    return {**told, **_terms(order), **_progress(order, listing)}


def trade_event(order: Order, fill: Fill, listing: Listing) -> Params:
    """Tell of a fill; the order counts as partially filled until `filled` follows."""
    told = _head(order, "trade", fill.stamp_ns)
    if order.status is Status.CLOSED:
        told["order_status"] = "partially_filled"
    return {
        **told,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "order_type": TYPE_WORDS[fill.type],
        "order_qty": order.quantity,
        "exec_id": fill.id,
        "trade_id": fill.number,
        "last_qty": fill.quantity,
        "last_price": fill.price,
        "liquidity_ind": "m" if fill.liquidity is Liquidity.MAKER else "t",
        "cost": fill.cost,
        "fees": [{"asset": fill.fee_currency, "qty": fill.fee}],
        **_progress(order, listing),
    }


def balance(currency: str, amount: Decimal) -> Params:
    """Show a balance."""
    wallet = {"type": "spot", "id": "main", "balance": amount}
    kind = {"asset": currency, "asset_class": "currency"}
    return {**kind, "balance": amount, "wallets": [wallet]}


def entry_event(entry: Entry) -> Params:
    """Tell of a line of the ledger."""
    return {
        "ledger_id": entry.id,
        "ref_id": entry.reference_id,
        "timestamp": rfc3339(entry.stamp_ns),
        "type": entry.kind,
        "category": entry.kind,
        "asset": entry.currency,
        "asset_class": "currency",
        "wallet_type": "spot",
        "wallet_id": "main",
        "amount": entry.amount,
        "fee": entry.fee,
        "balance": entry.balance,
    }


def market_trade(symbol: str, trade: Print) -> Params:
    """Tell of a trade of the market."""
    return {
        "symbol": symbol,
        "side": trade.side.value,
        "price": trade.price,
        "qty": trade.quantity,
        "ord_type": "market",
        "trade_id": trade.number,
        "timestamp": rfc3339(trade.stamp_ns),
    }


def ticker(market: Market, listing: Listing, books: Books, stamp_ns: int) -> Params:
    """Show the best prices, the last one, and the day's figures."""
    best = books.book(market, listing, 1)
    (bid, bid_size), (ask, ask_size) = next(iter(best.bids.items())), next(iter(best.asks.items()))
    day = day_of(market, stamp_ns - DAY_NS)
    change = market.last - day.open
    return {
        "symbol": listing.symbol,
        "bid": bid,
        "bid_qty": bid_size,
        "ask": ask,
        "ask_qty": ask_size,
        "last": market.last,
        "volume": day.volume,
        "vwap": vwap(day, listing),
        "low": day.low,
        "high": day.high,
        "change": change,
        "change_pct": round(100 * change / day.open, 2),
        "timestamp": rfc3339(stamp_ns),
    }


def bar(listing: Listing, candle: Candle, minutes: int, stamp_ns: int) -> Params:
    """Show a bar as it is so far."""
    start_ns = candle.start_s * SECOND_NS
    return {
        "symbol": listing.symbol,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "trades": candle.n_trades,
        "volume": candle.volume,
        "vwap": vwap(candle, listing),
        "interval_begin": rfc3339(start_ns),
        "interval": minutes,
        "timestamp": rfc3339(min(start_ns + minutes * MINUTE_NS, max(stamp_ns, start_ns))),
    }


def moves(before: Depth, after: Depth) -> Depth:
    """Return what changed of a book."""
    return Depth(changes(before.bids, after.bids), changes(before.asks, after.asks))


def book(listing: Listing, whole: Depth, shown: Depth, stamp_ns: int) -> Params:
    """Show levels of a book, with the checksum of the whole."""
    sides = {
        name: [{"price": price, "qty": size} for price, size in levels.items()]
        for name, levels in (("bids", shown.bids), ("asks", shown.asks))
    }
    return {
        "symbol": listing.symbol,
        **sides,
        "checksum": checksum(whole, listing),
        "timestamp": rfc3339(stamp_ns),
    }


def instruments(listings: Iterable[Listing], system: System) -> Params:
    """Show what can be traded, and how finely."""
    every = list(listings)
    assets = [
        {
            "id": currency,
            "status": "enabled",
            "precision": CURRENCY_DECIMALS,
            "precision_display": CURRENCY_DECIMALS,
            "borrowable": False,
        }
        for currency in currencies_of(every)
    ]
    return {"assets": assets, "pairs": [_rules(listing, system) for listing in every]}


def _rules(listing: Listing, system: System) -> Params:
    instrument = listing.instrument
    return {
        "symbol": listing.symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "status": system.value,
        "qty_precision": listing.quantity_decimals,
        "qty_increment": instrument.lot,
        "price_precision": listing.price_decimals,
        "price_increment": instrument.tick,
        "cost_precision": CURRENCY_DECIMALS,
        "qty_min": max(instrument.min_quantity, instrument.lot),
        "cost_min": f"{instrument.min_notional:f}",
        "marginable": False,
        "has_index": False,
    }


def _head(order: Order, event: str, stamp_ns: int) -> Params:
    word = _WORDS[order.status]
    if order.status is Status.OPEN and order.filled:
        word = "partially_filled"
    told: Params = {
        "order_id": order.id,
        "exec_type": event,
        "order_status": word,
        "timestamp": rfc3339(stamp_ns),
    }
    if order.request.client_id:
        told["cl_ord_id"] = order.request.client_id
    if order.request.userref:
        told["order_userref"] = order.request.userref
    if order.parent_id:
        told["ord_ref_id"] = order.parent_id
    return told


def _terms(order: Order) -> Params:
    request = order.request
    told: Params = {
        "symbol": request.symbol,
        "side": request.side.value,
        "order_type": TYPE_WORDS[order.terms.type],
        "order_qty": order.quantity,
        "time_in_force": request.time_in_force.value.upper(),
        "fee_ccy_pref": flags(order).partition(",")[0],
        "post_only": request.is_post_only,
    }
    if order.terms.limit is not None:
        told |= {"limit_price": order.terms.limit, "limit_price_type": "static"}
    if request.expires_stamp_ns:
        told["expire_time"] = rfc3339(request.expires_stamp_ns)
    if order.terms.type in TRIGGERED:
        told["triggers"] = _triggers(order)
    return told


def _triggers(order: Order) -> Params:
    return {
        "reference": "last",
        "price": order.terms.trigger,
        "price_type": "static",
        "status": "triggered" if order.is_triggered else "untriggered",
    }


def _progress(order: Order, listing: Listing) -> Params:
    return {
        "cum_qty": order.filled,
        "cum_cost": order.cost,
        "avg_price": average_price(order, listing),
    }
