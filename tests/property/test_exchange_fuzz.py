"""TR-22, seen from the other side: no request, however garbled, breaks the local exchange."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange_builder import Customer, new_exchange

ENDPOINTS = (
    "AddOrder", "AmendOrder", "Balance", "BalanceEx", "CancelAll", "CancelAllOrdersAfter",
    "CancelOrder", "ClosedOrders", "GetWebSocketsToken", "Ledgers", "OpenOrders", "OpenPositions",
    "QueryLedgers", "QueryOrders", "QueryTrades", "TradeBalance", "TradeVolume", "TradesHistory",
    "AssetPairs", "Assets", "Depth", "OHLC", "SystemStatus", "Ticker", "Time", "Trades", "Nothing",
)  # fmt: skip
NAMES = (
    "pair", "type", "ordertype", "volume", "price", "price2", "oflags", "timeinforce", "expiretm",
    "deadline", "userref", "cl_ord_id", "close[ordertype]", "close[price]", "leverage", "trigger",
    "txid", "order_qty", "limit_price", "trigger_price", "start", "end", "ofs", "closetime",
    "timeout", "asset", "since", "interval", "count", "id", "nonce", "validate", "trades",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["XBTUSD", "buy", "sell", "market", "limit", "stop-loss", "stop-loss-limit", "0.01", "1",
         "30000", "29000", "post", "fciq", "IOC", "GTD", "+5", "true", "1700000000", "1e999999999",
         "NaN", "Infinity", "-1", "9" * 19, "9" * 60, "0." + "1" * 60, "2023-11-14T22:13:22Z",
         "9999-12-31T23:59:59Z", "٣", "1_0", "", " ", "\ud800"]
    ),
    st.text(max_size=20),
)  # fmt: skip
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
PARAMS = st.dictionaries(
    st.sampled_from(
        ["channel", "symbol", "token", "depth", "interval", "snapshot", "snap_orders"]
    ),
    st.one_of(
        st.sampled_from(["executions", "ticker", "book", "ohlc", ["BTC/USD"], ["BTC/USD", 5], 10]),
        JUNK,
    ),
)
ORDER = {
    "pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": "29000",
}  # fmt: skip


@settings(deadline=None)
@given(
    requests=st.lists(
        st.tuples(
            st.sampled_from(ENDPOINTS), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)
        ),
        max_size=8,
    )
)
def test_every_request_is_answered_with_a_result_or_a_code(
    requests: list[tuple[str, dict[str, str]]],
) -> None:
    exchange = new_exchange()
    for endpoint, fields in requests:
        for answer in (
            exchange.private("me", endpoint, ORDER | fields),
            exchange.private("me", endpoint, fields),
            exchange.public(endpoint, fields),
        ):
            read = json.loads(answer)
            assert ("result" in read) is not bool(read["error"])
        exchange.trade("BTC/USD", Decimal(29_990), Decimal(1))
        exchange.advance(exchange.now_ns + 1_000_000)


@settings(deadline=None)
@given(
    messages=st.lists(
        st.one_of(
            st.text(max_size=20),
            JUNK.map(json.dumps),
            st.builds(
                lambda method, params, req_id: json.dumps(
                    {"method": method, "params": params, "req_id": req_id}
                ),
                st.sampled_from(["subscribe", "unsubscribe", "ping", "add_order", None, [1]]),
                st.one_of(PARAMS, JUNK),
                JUNK,
            ),
        ),
        max_size=8,
    )
)
def test_everything_that_is_said_is_answered(messages: list[str]) -> None:
    me = Customer(new_exchange())
    me.connection = me.exchange.connect()
    me.hear()
    for text in messages:
        me.exchange.say(me.connection, text)
        assert me.hear()
    me.exchange.trade("BTC/USD", Decimal(29_990), Decimal(1))
