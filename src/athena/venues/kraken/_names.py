"""Kraken's three spellings of a currency, and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OURS: Mapping[str, str] = {"XBT": "BTC", "XDG": "DOGE"}
_THEIRS: Mapping[str, str] = {ours: theirs for theirs, ours in _OURS.items()}

# The accounts of the old spelling: X for coins, Z for money, four letters in all.

_OLD = frozenset(
    {
        "XETC", "XETH", "XLTC", "XMLN", "XREP", "XXBT", "XXDG", "XXLM", "XXMR", "XXRP", "XZEC",
        "ZAUD", "ZCAD", "ZEUR", "ZGBP", "ZJPY", "ZUSD",
    }
)  # fmt: skip


def our_currency(name: str) -> str:
    """Translate a currency: `XXBT`, `XBT` -> `BTC`; `ZUSD` -> `USD`; others as they are.

    Only the old accounts of Kraken's fixed list lose a letter: `XTZ` stays `XTZ`. A suffix such as
    `.S` (staked) or `.F` (earning) stays: those are other balances.
    """
    stem, dot, suffix = name.partition(".")
    short = stem[1:] if stem in _OLD else stem
    return _OURS.get(short, short) + dot + suffix


def our_symbol(wsname: str) -> str:
    """Translate a pair's WebSocket name: `XBT/USD` -> `BTC/USD`."""
    base, _, quote = wsname.partition("/")
    return f"{_OURS.get(base, base)}/{_OURS.get(quote, quote)}"


def rest_pair(symbol: str) -> str:
    """Translate a symbol to the name that REST requests take: `BTC/USD` -> `XBTUSD`."""
    base, _, quote = symbol.partition("/")
    return _THEIRS.get(base, base) + _THEIRS.get(quote, quote)
