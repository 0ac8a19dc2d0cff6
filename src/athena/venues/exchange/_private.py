"""Answers to private requests; each takes an account and form fields and returns the result."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Any

from athena.domain import DAY_NS, SECOND_NS, Liquidity, ns_to_datetime
from athena.venues.exchange import _history as history
from athena.venues.exchange._exact import new_id, new_token, rounded, times
from athena.venues.exchange._forms import (
    find_listing,
    is_true,
    read_amendment,
    read_deadline,
    read_order,
    read_whole,
)
from athena.venues.exchange._refusal import refuse_field
from athena.venues.exchange._settings import asset_key
from athena.venues.exchange._state import TRIGGERED, Account, Order, Status, Token
from athena.venues.exchange._wire import (
    TYPE_WORDS,
    price_words,
    prices,
    seconds,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from athena.venues.exchange._funds import Funds
    from athena.venues.exchange._intake import Intake
    from athena.venues.exchange._settings import ExchangeSettings, Listing
    from athena.venues.exchange._state import Entry, Fill, State

Result = dict[str, Any]
_TOKEN_LIFE_S = 900
_MAX_TIMEOUT_S = 86_400
_MAX_QUERIED = 50
_PRICE_DECIMALS = 4  # that an average price has beyond those of the pair
_DIVIDING = Context(prec=80)
_DOLLARS = frozenset({"USD", "USDT", "USDC"})
_PERMISSIONS = (
    "query-funds",
    "query-open-trades",
    "query-closed-trades",
    "modify-trades",
    "close-trades",
    "create-ws-token",
)
WITHDRAW_PREFIX = "withdraw"  # a key that starts so may withdraw, for whoever wants to see that
_CLOSED = frozenset({Status.CLOSED, Status.CANCELED, Status.EXPIRED})


class PrivateDesk:
    """Answers for one exchange."""

    __slots__ = ("_funds", "_intake", "_listings", "_settings", "_state")

    def __init__(
        self,
        state: State,
        listings: Mapping[str, Listing],
        settings: ExchangeSettings,
        funds: Funds,
        intake: Intake,
    ) -> None:
        """Work on a state; arguments as `Intake`."""
        self._state = state
        self._listings = listings
        self._settings = settings
        self._funds = funds
        self._intake = intake

    def endpoints(self) -> dict[str, Callable[[Account, Mapping[str, str]], Result]]:
        """Return what may be asked, by endpoint."""
        return {
            "AddOrder": self._add_order,
            "AmendOrder": self._amend_order,
            "Balance": self._balance,
            "BalanceEx": self._balance_ex,
            "CancelAll": self._cancel_all,
            "CancelAllOrdersAfter": self._cancel_all_after,
            "CancelOrder": self._cancel_order,
            "ClosedOrders": self._closed_orders,
            "GetApiKeyInfo": self._key_info,
            "GetWebSocketsToken": self._token,
            "Ledgers": self._ledgers,
            "OpenOrders": self._open_orders,
            "OpenPositions": self._open_positions,
            "QueryLedgers": self._query_ledgers,
            "QueryOrders": self._query_orders,
            "QueryTrades": self._query_trades,
            "TradeBalance": self._trade_balance,
            "TradeVolume": self._trade_volume,
            "TradesHistory": self._trades_history,
        }

    def _add_order(self, account: Account, fields: Mapping[str, str]) -> Result:
        stamp_ns = self._state.stamp_ns
        request, deadline_ns = read_order(fields, self._listings.values(), stamp_ns)
        is_dry = is_true(fields, "validate")
        order = self._intake.place(account, request, deadline_stamp_ns=deadline_ns, is_dry=is_dry)
        described = {"order": self._words(order)}
        if request.close is not None:
            described["close"] = self._close_words(order)
        return {"descr": described} if is_dry else {"descr": described, "txid": [order.id]}

    def _amend_order(self, account: Account, fields: Mapping[str, str]) -> Result:
        order_id, client_id = _named_order(fields)
        order = self._intake.find(account, order_id, client_id)
        deadline_ns = read_deadline(fields, self._state.stamp_ns)
        self._intake.amend(order, read_amendment(fields), deadline_stamp_ns=deadline_ns)
        return {"amend_id": new_id(self._settings.seed or 0, "A", self._state.count("A"))}

    def _cancel_order(self, account: Account, fields: Mapping[str, str]) -> Result:
        order_id, client_id = _named_order(fields)
        ids = order_id.split(",")
        if client_id:
            ids = [self._intake.find(account, "", client_id).id]
        return {"count": self._intake.cancel(account, ids, reason="User requested")}

    def _cancel_all(self, account: Account, fields: Mapping[str, str]) -> Result:
        del fields
        return {"count": self._intake.cancel_all(account, reason="User requested")}

    def _cancel_all_after(self, account: Account, fields: Mapping[str, str]) -> Result:
        timeout_s = read_whole(fields, "timeout")
        if timeout_s > _MAX_TIMEOUT_S:
            refuse_field("timeout")
        self._intake.set_dead_man(account, timeout_s * SECOND_NS)
        now_ns = self._state.stamp_ns
        moment = ns_to_datetime(now_ns) + timedelta(seconds=timeout_s)
        trigger = f"{moment:%Y-%m-%dT%H:%M:%SZ}" if timeout_s else "0"
        return {
            "currentTime": f"{ns_to_datetime(now_ns):%Y-%m-%dT%H:%M:%SZ}",
            "triggerTime": trigger,
        }

    def _key_info(self, account: Account, fields: Mapping[str, str]) -> Result:
        del fields
        may_withdraw = account.key.startswith(WITHDRAW_PREFIX)
        return {
            "apiKeyName": "test",
            "apiKey": account.key,
            "permissions": [*_PERMISSIONS, *(["withdraw-funds"] if may_withdraw else [])],
            "validUntil": "0",
            "ipAllowlist": [],
        }

    def _open_orders(self, account: Account, fields: Mapping[str, str]) -> Result:
        orders = [order for order in self._orders(account, fields) if order.is_working]
        return {"open": self._described(orders, fields)}

    def _closed_orders(self, account: Account, fields: Mapping[str, str]) -> Result:
        orders = [order for order in self._orders(account, fields) if order.status in _CLOSED]
        orders.sort(key=lambda order: (order.closed_stamp_ns, order.sequence), reverse=True)
        orders = orders[: self._state.faults.history_limit]
        which = fields.get("closetime") or "both"
        if which not in {"open", "close", "both"}:
            refuse_field("closetime")

        def stamps(order: Order) -> tuple[int, ...]:
            times = {"open": order.opened_stamp_ns, "close": order.closed_stamp_ns}
            return (times[which],) if which in times else tuple(times.values())

        orders = history.within(orders, fields, stamps, lambda order: order.id)
        shown = history.page(orders, fields)
        return {"closed": self._described(shown, fields), "count": len(orders)}

    def _query_orders(self, account: Account, fields: Mapping[str, str]) -> Result:
        ids = _queried(fields, "txid")
        known = {order.id: order for order in self._orders(account, fields)}
        return self._described([known[item] for item in ids if item in known], fields)

    def _trades_history(self, account: Account, fields: Mapping[str, str]) -> Result:
        fills = history.fills_at(account, self._seen_ns)[: self._state.faults.history_limit]
        fills = history.within(
            fields=fields,
            items=fills,
            stamps=lambda fill: (fill.stamp_ns,),
            name=lambda fill: fill.id,
        )
        shown = history.page(fills, fields)
        return {"trades": {fill.id: self._fill(fill) for fill in shown}, "count": len(fills)}

    def _query_trades(self, account: Account, fields: Mapping[str, str]) -> Result:
        ids = _queried(fields, "txid")
        fills = {fill.id: fill for fill in history.fills_at(account, self._seen_ns)}
        return {item: self._fill(fills[item]) for item in ids if item in fills}

    def _ledgers(self, account: Account, fields: Mapping[str, str]) -> Result:
        kind, assets = fields.get("type") or "all", _words(fields.get("asset") or "all")
        entries = [
            entry
            for entry in history.entries_at(account, self._seen_ns)
            if kind in {"all", entry.kind}
            and ("all" in assets or {entry.currency, asset_key(entry.currency)} & assets)
        ]
        entries = history.within(
            entries, fields, lambda entry: (entry.stamp_ns,), lambda entry: entry.id
        )
        shown = history.page(entries, fields)
        return {"ledger": {item.id: _entry(item) for item in shown}, "count": len(entries)}

    def _query_ledgers(self, account: Account, fields: Mapping[str, str]) -> Result:
        ids = _queried(fields, "id")
        entries = {item.id: item for item in history.entries_at(account, self._seen_ns)}
        return {item: _entry(entries[item]) for item in ids if item in entries}

    def _balance(self, account: Account, fields: Mapping[str, str]) -> Result:
        del fields
        balances = history.balances_at(account, self._seen_ns)
        return {asset_key(name): text(amount) for name, amount in balances.items()}

    def _balance_ex(self, account: Account, fields: Mapping[str, str]) -> Result:
        del fields
        held: dict[str, Decimal] = {}
        for order in history.orders_at(account, self._seen_ns):
            if order.is_working:
                currency, amount = self._funds.reserved(order)
                held[currency] = held.get(currency, Decimal(0)) + amount
        return {
            asset_key(name): {
                "balance": text(amount),
                "hold_trade": text(held.get(name, Decimal(0))),
            }
            for name, amount in history.balances_at(account, self._seen_ns).items()
        }

    def _trade_balance(self, account: Account, fields: Mapping[str, str]) -> Result:
        wanted = fields.get("asset") or "ZUSD"
        total = Decimal(0)
        for currency, amount in history.balances_at(account, self._seen_ns).items():
            total += times(amount, self._price_in(currency, wanted))
        worth = text(rounded(total, 4, ROUND_HALF_UP), 4)
        zero = text(Decimal(0), 4)
        names = dict.fromkeys(("m", "n", "c", "v"), zero)
        return {"eb": worth, "tb": worth, **names, "e": worth, "mf": worth}

    def _trade_volume(self, account: Account, fields: Mapping[str, str]) -> Result:
        names = [name for name in fields.get("pair", "").split(",") if name]
        every = self._listings.values()
        pairs = [find_listing(every, name) for name in names] if names else list(every)
        since_ns = self._state.now_ns - 30 * DAY_NS
        costs = (
            fill.cost
            for fill in account.fills
            if fill.at_ns > since_ns and fill.symbol.partition("/")[2] in _DOLLARS
        )
        volume = rounded(sum(costs, Decimal(0)), 4, ROUND_HALF_UP)
        taker, maker = self._settings.taker_fee_bps, self._settings.maker_fee_bps
        return {
            "currency": "ZUSD",
            "volume": text(volume, 4),
            "fees": {pair.key: _fee_tier(taker) for pair in pairs},
            "fees_maker": {pair.key: _fee_tier(maker) for pair in pairs},
        }

    def _open_positions(self, account: Account, fields: Mapping[str, str]) -> Result:
        del account, fields  # spot only: there is never one
        return {}

    def _token(self, account: Account, fields: Mapping[str, str]) -> Result:
        del fields
        state = self._state
        token = new_token(self._settings.seed or 0, state.count("token"))
        state.tokens = {
            name: item for name, item in state.tokens.items() if item.expires_ns > state.now_ns
        }
        state.tokens[token] = Token(account.key, state.now_ns + _TOKEN_LIFE_S * SECOND_NS)
        return {"token": token, "expires": _TOKEN_LIFE_S}

    @property
    def _seen_ns(self) -> int:
        """Return as of when an account is shown; older than now while that fault is on."""
        return self._state.now_ns - self._state.faults.snapshot_lag_ns

    def _orders(self, account: Account, fields: Mapping[str, str]) -> list[Order]:
        client_id, userref = fields.get("cl_ord_id", ""), fields.get("userref", "")
        return [
            order
            for order in history.orders_at(account, self._seen_ns)
            if client_id in {"", order.request.client_id}
            and userref in {"", str(order.request.userref)}
        ]

    def _described(self, orders: Sequence[Order], fields: Mapping[str, str]) -> Result:
        return {order.id: self._order(order, fields) for order in orders}

    def _order(self, order: Order, fields: Mapping[str, str]) -> Result:
        request, listing = order.request, self._listings[order.request.symbol]
        price, price2 = prices(order.terms)
        described: Result = {
            "refid": order.parent_id or None,
            "userref": request.userref or None,
            "status": order.status.value,
            "opentm": seconds(order.opened_stamp_ns),
            "starttm": 0,
            "expiretm": seconds(request.expires_stamp_ns),
            "descr": {
                "pair": listing.altname,
                "type": request.side.value,
                "ordertype": TYPE_WORDS[order.terms.type],
                "price": price,
                "price2": price2,
                "leverage": "none",
                "order": self._words(order),
                "close": self._close_words(order),
            },
            "vol": text(order.quantity),
            "vol_exec": text(order.filled),
            "cost": text(order.cost),
            "fee": text(order.fee),
            "price": text(average_price(order, listing), listing.price_decimals),
            "stopprice": _price_text(order.terms.trigger, listing),
            "limitprice": _price_text(
                order.terms.limit if order.terms.type in TRIGGERED else None, listing
            ),
            "misc": order.misc,
            "oflags": flags(order),
            "timeinforce": request.time_in_force.value.upper(),
        }
        if request.client_id:
            described["cl_ord_id"] = request.client_id
        if order.terms.type in TRIGGERED:
            described["trigger"] = "last"
        if order.status in _CLOSED:
            described["closetm"] = seconds(order.closed_stamp_ns)
            described["reason"] = order.reason or None
        if is_true(fields, "trades"):
            described["trades"] = list(order.trade_ids)
        return described

    def _fill(self, fill: Fill) -> Result:
        return {
            "ordertxid": fill.order_id,
            "postxid": fill.id,
            "pair": self._listings[fill.symbol].key,
            "time": seconds(fill.stamp_ns),
            "type": fill.side.value,
            "ordertype": TYPE_WORDS[fill.type],
            "price": _price_text(fill.price, self._listings[fill.symbol]),
            "cost": text(fill.cost),
            "fee": text(fill.fee),
            "vol": text(fill.quantity),
            "margin": text(Decimal(0), 5),
            "leverage": "0",
            "misc": fill.misc,
            "trade_id": fill.number,
            "maker": fill.liquidity is Liquidity.MAKER,
        }

    def _words(self, order: Order) -> str:
        pair = self._listings[order.request.symbol].altname
        side, volume = order.request.side.value, text(order.quantity)
        return f"{side} {volume} {pair} @ {price_words(order.terms)}"

    @staticmethod
    def _close_words(order: Order) -> str:
        close = order.request.close
        return f"close position @ {price_words(close)}" if close else ""

    def _price_in(self, currency: str, wanted: str) -> Decimal:
        """Return what one unit of a currency is worth; 0 where no pair says so."""
        if wanted in {currency, asset_key(currency)}:
            return Decimal(1)
        for listing in self._listings.values():
            instrument = listing.instrument
            is_quote = wanted in {instrument.quote, asset_key(instrument.quote)}
            if is_quote and instrument.base == currency:
                return self._state.markets[listing.symbol].last
        return Decimal(0)


def average_price(order: Order, listing: Listing) -> Decimal:
    """Return the average price of an order's fills; 0 without."""
    if not order.filled:
        return Decimal(0)
    price = _DIVIDING.divide(order.cost, order.filled)
    return rounded(price, listing.price_decimals + _PRICE_DECIMALS, ROUND_HALF_UP)


def flags(order: Order) -> str:
    """Return an order's flags as Kraken writes them."""
    fee = "fciq" if order.request.is_fee_in_quote else "fcib"
    return f"{fee},post" if order.request.is_post_only else fee


def _entry(entry: Entry) -> Result:
    return {
        "refid": entry.reference_id,
        "time": seconds(entry.stamp_ns),
        "type": entry.kind,
        "subtype": "",
        "aclass": "currency",
        "asset": asset_key(entry.currency),
        "amount": text(entry.amount),
        "fee": text(entry.fee),
        "balance": text(entry.balance),
    }


def _fee_tier(bps: Decimal) -> Result:
    fee = text(bps.scaleb(-2), 4)
    none = {"nextfee": None, "nextvolume": None, "tiervolume": text(Decimal(0), 4)}
    return {"fee": fee, "minfee": fee, "maxfee": fee, **none}


def _price_text(price: Decimal | None, listing: Listing) -> str:
    return text(price or Decimal(0), listing.price_decimals)


def _named_order(fields: Mapping[str, str]) -> tuple[str, str]:
    order_id, client_id = fields.get("txid", ""), fields.get("cl_ord_id", "")
    if bool(order_id) is bool(client_id):
        refuse_field("txid")
    return order_id, client_id


def _queried(fields: Mapping[str, str], name: str) -> list[str]:
    ids = [item for item in fields.get(name, "").split(",") if item]
    if not 0 < len(ids) <= _MAX_QUERIED:
        refuse_field(name)
    return ids


def _words(value: str) -> set[str]:
    return set(value.split(","))
