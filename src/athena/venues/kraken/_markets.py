"""The instruments of a session under every name that Kraken gives them, and exact conversion."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Self

from athena.domain import INT64_MAX, MONEY_DECIMALS
from athena.errors import InputError, VenueError
from athena.trading.live import NOT_TRADED
from athena.venues.kraken._names import rest_pair
from athena.venues.kraken._pairs import find_pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from athena.domain import Instrument
    from athena.venues.kraken._pairs import PairRules

_ONLINE = "online"


@dataclass(frozen=True, slots=True)
class Markets:
    """Find an instrument of the session by name.

    Attributes:
        instruments: of the session, in its order.
        pairs: the name of each that requests take.
        indexes: by every name that a message may use.
    """

    instruments: tuple[Instrument, ...]
    pairs: tuple[str, ...]
    indexes: Mapping[str, int]

    @classmethod
    def of(cls, instruments: Sequence[Instrument]) -> Self:
        """Name instruments as Kraken names new pairs; old ones have more names (`with_rules`)."""
        pairs = tuple(rest_pair(item.symbol) for item in instruments)
        names = {item.symbol: index for index, item in enumerate(instruments)}
        names |= {pair: index for index, pair in enumerate(pairs)}
        return cls(tuple(instruments), pairs, names)

    def with_rules(self, found: tuple[PairRules, ...]) -> Markets:
        """Add the names that AssetPairs states, if its rules are those that the session knows.

        Raises:
            VenueError: a pair is unknown, not online, or has other steps or minima; without the
                right ones no trading.
        """
        rules = [find_pair(found, item.symbol) for item in self.instruments]
        for instrument, pair in zip(self.instruments, rules, strict=True):
            check_status(instrument.symbol, pair.status)
            check_steps(instrument, pair.instrument())
        names = {pair.key: index for index, pair in enumerate(rules)}
        names |= {pair.altname: index for index, pair in enumerate(rules)}
        pairs = tuple(pair.altname for pair in rules)
        return replace(self, pairs=pairs, indexes={**self.indexes, **names})

    def find(self, name: str) -> int:
        """Return the index of an instrument; NOT_TRADED for a pair that is not the session's."""
        return self.indexes.get(name, NOT_TRADED)

    def ticks(self, index: int, price: Decimal | None) -> int:
        """Convert a price to ticks, exactly; 0 without one, and for what is not traded.

        Raises:
            VenueError: the price is not a multiple of the tick.
        """
        if price is None or index == NOT_TRADED:
            return 0
        try:
            return self.instruments[index].price_to_ticks(price)
        except InputError as error:
            raise VenueError(error.message) from None

    def lots(self, index: int, quantity: Decimal | None) -> int:
        """Convert a quantity to lots, exactly; 0 without one, and for what is not traded.

        Raises:
            VenueError: the quantity is not a multiple of the lot.
        """
        if quantity is None or index == NOT_TRADED:
            return 0
        try:
            return self.instruments[index].quantity_to_lots(quantity)
        except InputError as error:
            raise VenueError(error.message) from None


def check_status(symbol: str, status: str) -> None:
    """Refuse a pair that does not trade freely.

    Raises:
        VenueError: it is not online.
    """
    if status != _ONLINE:
        message = f"expected {symbol} to be {_ONLINE} at Kraken, was {status}"
        raise VenueError(message, hint="wait until it trades again")


def check_steps(ours: Instrument, theirs: Instrument) -> None:
    """Refuse rules that are not those the session was started with.

    Raises:
        VenueError: names the rule, what was expected and what it was.
    """
    for name in ("tick", "lot", "min_quantity", "min_notional"):
        expected, found = getattr(ours, name), getattr(theirs, name)
        if expected != found:
            message = f"expected {name} {expected} of {ours.symbol} at Kraken, was {found}"
            raise VenueError(message, hint="start again: the rules are read at the start")


def fee_units(fee: Decimal) -> int:
    """Convert a fee to money units, rounded up where the venue is finer.

    Raises:
        VenueError: the fee is negative: the core knows no rebate.
    """
    units: int = math.ceil(Fraction(fee) * 10**MONEY_DECIMALS)
    if fee < 0 or units > INT64_MAX:
        message = f"expected a fee of 0 or more within 64 bits, was {fee}"
        raise VenueError(message)
    return units


def fee_lots(fee: Decimal, instrument: Instrument) -> int:
    """Convert a fee that was taken in coins to lots, rounded up where the venue is finer.

    Raises:
        VenueError: the fee is negative: the core knows no rebate.
    """
    lots: int = math.ceil(Fraction(fee) / Fraction(instrument.lot))
    if fee < 0 or lots > INT64_MAX:
        message = f"expected a fee of 0 or more within 64 bits, was {fee}"
        raise VenueError(message)
    return lots
