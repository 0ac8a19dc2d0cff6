"""The streams: who is connected, what they asked to hear, and what they are told."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from athena.venues.exchange import _reports as reports
from athena.venues.exchange._candles import INTERVALS_MIN
from athena.venues.exchange._depth import DEPTHS
from athena.venues.exchange._history import orders_at
from athena.venues.exchange._refusal import Refusal, refuse
from athena.venues.exchange._state import Connection, Subscription
from athena.venues.exchange._wire import rfc3339, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athena.venues.exchange._depth import Books
    from athena.venues.exchange._settings import Listing
    from athena.venues.exchange._state import Entry, Fill, Market, Order, Print, State, System

Params = dict[str, Any]
_PRIVATE = frozenset({"executions", "balances"})
_BY_SYMBOL = frozenset({"ticker", "trade", "ohlc", "book"})
_SNAPSHOT_TRADES = 50
_HEARTBEAT = to_json({"channel": "heartbeat"})
_NO_SESSION = "ESession:Invalid session"


class Streams:
    """All connections of one exchange."""

    __slots__ = ("_books", "_listings", "_state")

    def __init__(self, state: State, listings: Mapping[str, Listing], books: Books) -> None:
        """Work on a state.

        Args:
            state: of the exchange.
            listings: by symbol.
            books: as they are shown.
        """
        self._state = state
        self._listings = listings
        self._books = books

    def open(self) -> int:
        """Connect, and say how the exchange is."""
        state = self._state
        number = state.count("connection")
        state.connections[number] = Connection(number)
        self._tell(number, reports.status(state.system, number))
        return number

    def close(self, number: int) -> None:
        """Disconnect; one that is gone already stays gone."""
        self._state.connections.pop(number, None)
        self._state.outbox = [item for item in self._state.outbox if item[0] != number]

    def beat(self, number: int) -> bool:
        """Give a sign of life; False when the connection is gone."""
        if number not in self._state.connections:
            return False
        self._state.outbox.append((number, _HEARTBEAT))
        return True

    def hear(self, number: int, text: str) -> None:
        """Take a request in and answer it.

        Raises:
            Refusal: there is no such connection.
        """
        connection = self._state.connections.get(number)
        if connection is None:
            refuse(f"expected an open connection, was {number}")
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._answer(number, {"method": None}, error="Malformed request")
            return
        params = request.get("params")
        params = params if isinstance(params, dict) else {}
        match request.get("method"):
            case "ping":
                self._answer(number, request)
            case "subscribe":
                self._subscribe(connection, request, params)
            case "unsubscribe":
                self._unsubscribe(connection, request, params)
            case _:
                self._answer(number, {"method": None}, error="Unsupported method")

    def ordered(self, order: Order, event: str) -> None:
        """Tell of an order that changed."""
        listing, stamp_ns = self._listings[order.request.symbol], self._state.stamp_ns
        self._publish(
            "executions",
            order.account,
            lambda: reports.order_event(order, event, listing, stamp_ns),
        )

    def filled(self, order: Order, fill: Fill) -> None:
        """Tell of a fill."""
        listing = self._listings[fill.symbol]
        self._publish(
            "executions", fill.account, lambda: reports.trade_event(order, fill, listing)
        )

    def booked(self, account: str, entries: tuple[Entry, ...]) -> None:
        """Tell of what was booked at once."""
        self._publish("balances", account, *(partial(reports.entry_event, e) for e in entries))

    def printed(self, symbol: str, trade: Print) -> None:
        """Tell of a trade of the market."""
        for connection in self._state.connections.values():
            for subscription in connection.subscriptions:
                if subscription.symbol == symbol:
                    data = self._market_data(subscription, trade)
                    message = reports.channel(subscription.channel, data, is_snapshot=False)
                    self._tell(connection.number, message)

    def switched(self, system: System) -> None:
        """Tell everyone that the exchange opened or closed."""
        for number in self._state.connections:
            self._tell(number, reports.status(system, number))

    def _publish(self, channel: str, account: str, *make: Callable[[], Params]) -> None:
        for connection in self._state.connections.values():
            for subscription in connection.subscriptions:
                if subscription.channel == channel and subscription.account == account:
                    data = [each() for each in make]
                    self._send_private(connection, channel, data, is_snapshot=False)

    def _send_private(
        self, connection: Connection, channel: str, data: list[Params], *, is_snapshot: bool
    ) -> None:
        sequence = connection.sequences.get(channel, 0) + 1
        connection.sequences[channel] = sequence
        message = reports.channel(channel, data, is_snapshot=is_snapshot)
        self._tell(connection.number, {**message, "sequence": sequence})

    def _subscribe(self, connection: Connection, request: Params, params: Params) -> None:
        try:
            wanted = self._wanted(params)
        except Refusal as refusal:
            self._answer(connection.number, request, error=refusal.message)
            return
        for subscription in wanted:
            symbol = {"symbol": subscription.symbol} if subscription.symbol else {}
            if subscription in connection.subscriptions:
                error = f"Already subscribed to {subscription.channel}"
                self._answer(connection.number, request, error=error, **symbol)
                continue
            connection.subscriptions.append(subscription)
            shown = {"channel": subscription.channel, **symbol, **reports.detail(subscription)}
            self._answer(connection.number, request, result={**shown, "snapshot": True})
            self._send_snapshot(connection, subscription, params)

    def _unsubscribe(self, connection: Connection, request: Params, params: Params) -> None:
        symbols = params.get("symbol") or [""]
        for symbol in symbols if isinstance(symbols, list) else [symbols]:
            found = [
                item
                for item in connection.subscriptions
                if item.channel == params.get("channel") and item.symbol == symbol
            ]
            if not found:
                self._answer(connection.number, request, error="Subscription Not Found")
                continue
            connection.subscriptions = [
                item for item in connection.subscriptions if item not in found
            ]
            connection.sequences.pop(found[0].channel, None)
            shown = {"channel": found[0].channel} | ({"symbol": symbol} if symbol else {})
            self._answer(connection.number, request, result=shown)

    def _wanted(self, params: Params) -> list[Subscription]:
        """Read what a subscription asks for.

        Raises:
            Refusal: a channel, symbol, depth or token that is not there.
        """
        channel = str(params.get("channel"))
        if channel in _PRIVATE:
            return [Subscription(channel, account=self._session(params))]
        if channel == "instrument":
            return [Subscription("instrument")]
        if channel not in _BY_SYMBOL:
            refuse(f"Channel {channel} not supported")
        detail = 0
        if channel in {"book", "ohlc"}:
            name, allowed = ("depth", DEPTHS) if channel == "book" else ("interval", INTERVALS_MIN)
            detail = params.get(name, allowed[0])
            if isinstance(detail, bool) or detail not in allowed:
                refuse(f"{name} not supported {detail}")
        symbols = params.get("symbol")
        if not isinstance(symbols, list) or not symbols:
            refuse("Symbol(s) not found")
        for symbol in symbols:
            if not isinstance(symbol, str) or symbol not in self._listings:
                refuse(f"Currency pair not supported {symbol}")
        return [Subscription(channel, symbol, detail=detail) for symbol in symbols]

    def _session(self, params: Params) -> str:
        token = self._state.tokens.get(str(params.get("token")))
        if token is None or token.expires_ns <= self._state.now_ns:
            refuse(_NO_SESSION)
        return token.account

    def _send_snapshot(
        self, connection: Connection, subscription: Subscription, params: Params
    ) -> None:
        channel = subscription.channel
        if channel == "executions":
            data = self._account_orders(subscription.account, params)
            self._send_private(connection, channel, data, is_snapshot=True)
        elif channel == "balances" and params.get("snapshot", True):
            balances = self._state.accounts[subscription.account].balances
            data = [reports.balance(name, amount) for name, amount in balances.items()]
            self._send_private(connection, channel, data, is_snapshot=True)
        elif channel == "instrument":
            rules = reports.instruments(self._listings.values(), self._state.system)
            self._tell(connection.number, reports.channel(channel, rules, is_snapshot=True))
        elif channel in _BY_SYMBOL and params.get("snapshot", True):
            data = self._market_snapshot(subscription)
            if data:
                message = reports.channel(channel, data, is_snapshot=True)
                self._tell(connection.number, message)

    def _account_orders(self, key: str, params: Params) -> list[Params]:
        account = self._state.accounts[key]
        data: list[Params] = []
        if params.get("snap_orders", True):
            orders = orders_at(account, self._state.now_ns)
            data += [
                reports.order_snapshot(order, self._listings[order.request.symbol])
                for order in orders
                if order.is_working
            ]
        if params.get("snap_trades", False):
            data += [
                reports.trade_event(
                    account.orders[fill.order_id][-1], fill, self._listings[fill.symbol]
                )
                for fill in account.fills[-_SNAPSHOT_TRADES:]
            ]
        return data

    def _market_snapshot(self, subscription: Subscription) -> list[Params]:
        market, listing = self._market(subscription)
        if not market.last:
            return []
        match subscription.channel:
            case "trade":
                recent = market.prints[-_SNAPSHOT_TRADES:]
                return [reports.market_trade(listing.symbol, item) for item in recent]
            case "ohlc":
                bars = market.candles[subscription.detail]
                stamp_ns = self._state.stamp_ns
                return [reports.bar(listing, bar, subscription.detail, stamp_ns) for bar in bars]
            case "book":
                depth = self._books.book(market, listing, subscription.detail)
                return [reports.book(listing, depth, depth, self._state.stamp_ns)]
        return [reports.ticker(market, listing, self._books, self._state.stamp_ns)]

    def _market_data(self, subscription: Subscription, trade: Print) -> list[Params]:
        market, listing = self._market(subscription)
        match subscription.channel:
            case "trade":
                return [reports.market_trade(listing.symbol, trade)]
            case "ohlc":
                bar = market.candles[subscription.detail][-1]
                return [reports.bar(listing, bar, subscription.detail, trade.stamp_ns)]
            case "book":
                depth = self._books.book(market, listing, subscription.detail)
                before = self._books.before(market, listing, subscription.detail)
                return [reports.book(listing, depth, reports.moves(before, depth), trade.stamp_ns)]
        return [reports.ticker(market, listing, self._books, trade.stamp_ns)]

    def _market(self, subscription: Subscription) -> tuple[Market, Listing]:
        symbol = subscription.symbol
        return self._state.markets[symbol], self._listings[symbol]

    def _answer(self, number: int, request: Params, *, error: str = "", **more: object) -> None:
        is_ping = request.get("method") == "ping"
        stamp = rfc3339(self._state.stamp_ns)
        message: Params = {"method": "pong" if is_ping else request.get("method")}
        if isinstance(request.get("req_id"), int):
            message["req_id"] = request["req_id"]
        if not is_ping:
            message["success"] = not error
        if error:
            message["error"] = error
        self._tell(number, {**message, **more, "time_in": stamp, "time_out": stamp})

    def _tell(self, number: int, message: Params) -> None:
        self._state.outbox.append((number, to_json(message)))
