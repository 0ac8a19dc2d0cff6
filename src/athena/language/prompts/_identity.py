"""What gives away which market and which time a text is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# What people call the coins; a symbol that is not here is known by its own letters alone.
NICKNAMES = {
    "ADA": ("Cardano",),
    "AVAX": ("Avalanche",),
    "BCH": ("Bitcoin Cash",),
    "BNB": ("Binance",),
    "BTC": ("Bitcoin", "XBT", "Satoshi"),
    "DOGE": ("Dogecoin", "XDG"),
    "DOT": ("Polkadot",),
    "ETH": ("Ethereum", "Ether"),
    "LINK": ("Chainlink",),
    "LTC": ("Litecoin",),
    "SOL": ("Solana",),
    "TRX": ("Tron",),
    "USDC": ("USD Coin",),
    "USDT": ("Tether",),
    "XLM": ("Stellar",),
    "XRP": ("Ripple", "XRPL"),
}
# Money that says nothing about a market.
_MONEY = frozenset({"AUD", "CAD", "CHF", "EUR", "GBP", "JPY", "USD"})
# The words that a text of others may be made of; one more, and it may be about something known.
_GENERIC = frozenset(
    """
    a about above across activity after again against ahead all almost also amid among an analyst
    analysts and another any are as asset assets at average away back be because been before begin
    begins being below better between big bigger bought bounce bounced break breaks broad broader
    broke but buy buyer buyers buying by calm calmer can cautious change changes climb climbed
    climbing climbs close closed closes closing coin coins come comes could crash crashed crashes
    crowd cut cuts day days decline declined declines demand despite dip dipped dips direction
    doubt down drop dropped drops during each early ease eased eases end ended ends even exchange
    exchanges exit exited expect expected expects fade faded fades fall fallen falling falls far
    fast fear fears fell few firm first flat flow flows focus for fresh from further gain gained
    gains gave get gets give given go going good greed grew grow growing growth had has have he
    heavy held her high higher highs his hold holder holders holding holds hope hopes hour hours if
    ignore in inflow inflows into investor investors is it its just keep keeps large larger last
    late later lead leads leave left less level levels light like little long longer look looks
    lose loses loss losses lost low lower lows make makes many market markets may mid might mixed
    momentum month months mood more morning most move moved moves moving much near nearly negative
    network new news next no none nor not nothing now of off on once one only open opened opens or
    order orders other others our out outflow outflows outlook over overnight own panic past pause
    paused peak people point points positive pressure price prices profit profits pull pulled put
    quick quiet quietly rallied rallies rally range rather record recover recovered recovering
    recovery resistance rest retreat retreated retreats rise risen rises rising risk risks risky
    rose rule rules run sale same saw say says second see seen sell seller sellers selling sells
    sentiment session sharp sharply she short should show shows side sign signal signals signs
    since slide slides slid slight slightly slow slower slowly slump slumped small smaller so sold
    some soon spike spiked spikes stable start started starts stay steady still strength strong
    stronger support surge surged surges take takes talk tension than that the their them then
    there these they thin this those though through time to today token tokens tomorrow too toward
    trade traded trader traders trades trading trend trends turn turned turns two uncertain under
    unease until up upside very volatile volatility volume volumes waiting was watch way weak
    weaken weakened weaker weakness week weekend weeks well were what when where which while who
    whole will wins with within without worried worries worry would year years yesterday yet you
    your
    """.split()  # noqa: SIM905  # a page of words
)
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_LONGEST_NUMBER = 2  # digits: "up 5 percent" could be about anything, 61,000 could not
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|apr(?:il)?|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|(?-i:May|Mar|March)"
)
_TIME = re.compile(
    rf"\b(?:18|19|20)\d\d\b|\b(?:{_MONTHS})\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|"
    r"\bq[1-4]\b|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b|\b\d{1,2}:\d\d\b",
    re.IGNORECASE,
)


def names_of(symbol: str) -> tuple[str, ...]:
    """List what a symbol may be called: itself, its parts, and what people call them."""
    parts = [part for part in re.split(r"[/:\-_.]", symbol) if part.upper() not in {"", *_MONEY}]
    nicknames = [name for part in parts for name in NICKNAMES.get(part.upper(), ())]
    return tuple(dict.fromkeys((symbol, *parts, *nicknames)))


def name_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Build a pattern that finds any of the names as a word, in any case."""
    longest_first = sorted({name for name in names if name}, key=lambda name: (-len(name), name))
    words = "|".join(map(re.escape, longest_first)) or "(?!)"
    return re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])", re.IGNORECASE)


def tells_time(text: str) -> bool:
    """Tell whether a text names a day, a month, a year, a quarter or an hour."""
    return _TIME.search(text) is not None


def is_generic(text: str) -> bool:
    """Tell whether a text of others is made of words that fit any market at any time."""
    return all(_fits(word) for word in _WORD.findall(text))


def _fits(word: str) -> bool:
    if word.isascii() and word.isdigit():
        return len(word) <= _LONGEST_NUMBER
    return word.lower() in _GENERIC
