"""How Kraken writes numbers, times, orders and errors."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from athena.domain import SECOND_NS, OrderType, ns_to_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athena.venues.exchange._state import Terms

TYPE_WORDS: Mapping[OrderType, str] = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop-loss",
    OrderType.STOP_LIMIT: "stop-loss-limit",
    OrderType.TAKE_PROFIT: "take-profit",
    OrderType.TAKE_PROFIT_LIMIT: "take-profit-limit",
}


_plain = json.JSONEncoder().encode


def to_json(value: object) -> str:
    """Write JSON; a Decimal becomes a number with every digit and no exponent."""
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        items = [f"{_plain(name)}:{to_json(item)}" for name, item in value.items()]
        return "{" + ",".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([to_json(item) for item in value]) + "]"
    return _plain(value)


def body(result: object, *errors: str) -> bytes:
    """Write the body of an answer; a refused request has no result."""
    answer = {"error": list(errors)} if errors else {"error": [], "result": result}
    return to_json(answer).encode()


def text(value: Decimal, decimals: int = 8) -> str:
    """Write a number as text, with at least so many decimals."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent >= decimals:
        return f"{value:f}"
    return f"{value:.{decimals}f}"


def seconds(stamp_ns: int) -> Decimal:
    """Write a time in seconds since 1970, to the microsecond; 0 means none."""
    return Decimal(stamp_ns // 1000).scaleb(-6) if stamp_ns else Decimal(0)


def rfc3339(stamp_ns: int) -> str:
    """Write a time as the stream does, to the microsecond."""
    return f"{ns_to_datetime(stamp_ns):%Y-%m-%dT%H:%M:%S.%fZ}"


def rfc1123(stamp_ns: int) -> str:
    """Write a time as the Time endpoint does; English whatever the locale."""
    moment = ns_to_datetime(stamp_ns // SECOND_NS * SECOND_NS)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    month = "JanFebMarAprMayJunJulAugSepOctNovDec"[3 * moment.month - 3 : 3 * moment.month]
    return f"{day}, {moment:%d} {month} {moment:%y %H:%M:%S} +0000"


def price_words(terms: Terms) -> str:
    """Describe type and prices: `stop loss 100 -> limit 99`."""
    words = TYPE_WORDS[terms.type].removesuffix("-limit").replace("-", " ")
    parts = [words]
    if terms.trigger is not None:
        parts.append(f"{terms.trigger:f}")
        if terms.limit is not None:
            parts.append(f"-> limit {terms.limit:f}")
    elif terms.limit is not None:
        parts.append(f"{terms.limit:f}")
    return " ".join(parts)


def prices(terms: Terms) -> Sequence[str]:
    """Return `price` and `price2`: a trigger comes first, then the limit behind it (TR-11)."""
    given = [price for price in (terms.trigger, terms.limit) if price is not None]
    return [f"{price:f}" for price in given] + ["0"] * (2 - len(given))
