"""Answers and messages in Kraken's documented form, written by hand, and how to read them."""

from __future__ import annotations

import json
from typing import Any

from athena.venues.kraken import Fields, HttpAnswer, read_result

PAIR = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "base": "XXBT",
    "quote": "ZUSD",
    "pair_decimals": 1,
    "lot_decimals": 8,
    "leverage_buy": [2, 3, 4, 5],
    "leverage_sell": [2, 3],
    "fees": [[0, 0.4], [10000, 0.35]],
    "fees_maker": [[0, 0.25], [10000, 0.2]],
    "ordermin": "0.0001",
    "costmin": "0.5",
    "tick_size": "0.1",
    "status": "online",
}
ORDER = {
    "refid": None,
    "userref": 0,
    "cl_ord_id": "0123456789abcdef0123456789abcdef",
    "status": "open",
    "opentm": 1700000000.1234,
    "starttm": 0,
    "expiretm": 0,
    "descr": {
        "pair": "XBTUSD",
        "type": "buy",
        "ordertype": "limit",
        "price": "37500.0",
        "price2": "0",
        "leverage": "none",
        "order": "buy 1.25000000 XBTUSD @ limit 37500.0",
        "close": "",
    },
    "vol": "1.25000000",
    "vol_exec": "0.37500000",
    "cost": "14062.50000",
    "fee": "22.50000",
    "price": "37500.0",
    "stopprice": "0.00000",
    "limitprice": "0.00000",
    "misc": "",
    "oflags": "fciq",
    "trades": ["TCCCTY-WE2O6-P3NB37"],
}
TRADE = {
    "ordertxid": "OQCLML-BW3P3-BUCMWZ",
    "pair": "XXBTZUSD",
    "time": 1688667796.8802,
    "type": "buy",
    "ordertype": "limit",
    "price": "30010.00000",
    "cost": "600.20000",
    "fee": "0.96032",
    "vol": "0.02000000",
    "margin": "0.00000",
    "misc": "",
    "trade_id": 40274859,
    "maker": True,
}
EXECUTION = {
    "order_id": "OK4GJX-KSTLS-7DZZO5",
    "cl_ord_id": "0123456789abcdef0123456789abcdef",
    "exec_id": "TIB6NP-KBJUZ-YCYVR7",
    "exec_type": "trade",
    "trade_id": 365573,
    "symbol": "BTC/USD",
    "side": "sell",
    "last_qty": 0.005,
    "last_price": 26599.9,
    "liquidity_ind": "t",
    "cost": 132.9995,
    "order_qty": 0.02,
    "cum_qty": 0.005,
    "order_status": "partially_filled",
    "order_type": "limit",
    "timestamp": "2023-09-22T10:33:05.709982Z",
    "fees": [{"asset": "USD", "qty": 0.3458}],
}
LEDGER_ENTRY = {
    "ledger_id": "DATKX6-PEHL2-HZDZJJ",
    "ref_id": "LYHAUK-BFMYL-4HXWZM",
    "timestamp": "2023-09-22T10:33:05.709993Z",
    "type": "trade",
    "asset": "USD",
    "wallet_type": "spot",
    "amount": -12.5,
    "fee": 0.25,
    "balance": 1087.25,
}
STREAM_PAIR = {
    "symbol": "BTC/USD",
    "base": "BTC",
    "quote": "USD",
    "status": "online",
    "price_precision": 1,
    "qty_precision": 8,
    "price_increment": 0.1,
    "qty_increment": 1e-8,
    "qty_min": 0.0001,
    "cost_min": "0.5",
}


def body(result: object, *errors: str) -> bytes:
    """Write a REST answer."""
    answer: dict[str, Any] = {"error": list(errors)}
    if result is not None:
        answer["result"] = result
    return json.dumps(answer).encode()


def result(value: object, what: str = "a request") -> Fields:
    """Read a REST result as the translators get it."""
    return read_result(HttpAnswer(200, body(value)), what)


def stream(channel: str, data: object, *, kind: str = "update", sequence: int = 8) -> bytes:
    """Write a WebSocket v2 message."""
    message = {"channel": channel, "type": kind, "data": data, "sequence": sequence}
    return json.dumps(message).encode()


def changed(message: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return a message with some fields replaced."""
    return message | fields


def without(message: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a message without one field."""
    return {key: value for key, value in message.items() if key != name}
