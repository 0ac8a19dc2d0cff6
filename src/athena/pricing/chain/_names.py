"""Which column of a file is which, by the names that venues and vendors give them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

REQUIRED = ("expiry", "strike", "type", "bid", "ask")
_NAMES = {
    "expiry": {"expiry", "expiration", "expiry_ts", "expiry_date", "expiration_date"}
    | {"expire_date", "exdate", "maturity", "expiration_timestamp"},
    "strike": {"strike", "strike_price", "k"},
    "type": {"type", "right", "option_type", "cp", "cp_flag", "call_put", "put_call"},
    "bid": {"bid", "bid_price", "best_bid", "best_bid_price"},
    "ask": {"ask", "ask_price", "best_ask", "best_ask_price", "offer", "best_offer"},
    "quoted": {"ts", "quote_time", "quoted", "timestamp", "time", "quote_date", "quotedate"}
    | {"quote_datetime", "date", "datetime"},
    "underlying": {"underlying_price", "underlying_last", "spot", "spot_price", "stock_price"}
    | {"underlyingprice", "index_price"},
    "mark": {"mark", "mark_price"},
    "published_sigma": {"iv", "implied_volatility", "mark_iv", "impl_volatility"},
    "style": {"style", "exercise_style"},
    "settlement": {"settlement", "settle"},
    "unit": {"price_unit", "premium_currency"},
    "asset": {"underlying", "underlying_symbol", "asset"},
    "multiplier": {"multiplier", "contract_size"},
    "quantity": {"quantity", "position", "position_quantity"},
    "symbol": {"symbol", "contract", "contract_symbol", "option_symbol", "occ_symbol"},
}


def match_columns(
    names: Sequence[str], own: Sequence[tuple[str, str]], label: str
) -> dict[str, str]:
    """Match a file's columns to the fields of a quote.

    Args:
        names: of the file's columns.
        own: (field, column) pairs of the user, which go first.
        label: the file, for errors.

    Returns:
        Field -> column name in the file, for the fields that are there.

    Raises:
        InputError: a required field has no column, a field has several, or a pair of the user
            names what does not exist.
    """
    found: dict[str, str] = {}
    for field, name in own:
        if field not in _NAMES or name not in names:
            what = f"a field of {', '.join(_NAMES)}" if field not in _NAMES else "a column"
            message = f"expected {what} in {label}, was {field}={name}"
            raise InputError(message)
        found[field] = name
    for field, aliases in _NAMES.items():
        matches = [name for name in names if _plain(name) in aliases]
        if field not in found and len(matches) > 1:
            message = f"expected one column for {field} in {label}, was {', '.join(matches)}"
            raise InputError(message, hint=f"choose with --column {field}={matches[0]}")
        if field not in found and matches:
            found[field] = matches[0]
    missing = [field for field in REQUIRED if field not in found]
    if missing:
        message = f"expected a column for {missing[0]} in {label}, was {', '.join(names)}"
        raise InputError(message, hint=f"name it with --column {missing[0]}=NAME")
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\s\-.]+", "_", name.strip().lower()).strip("_")
