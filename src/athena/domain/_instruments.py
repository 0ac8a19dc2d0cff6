"""Instruments: what can be traded, in which steps, from which minimum."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from athena.domain._money import MONEY_DECIMALS, from_units, to_units
from athena.errors import InputError


@dataclass(frozen=True, slots=True)
class Instrument:
    """Describe one tradable pair; prices are whole ticks and quantities whole lots.

    Attributes:
        symbol: ``BASE/QUOTE``, upper case.
        tick: smallest price step in quote currency, > 0.
        lot: smallest quantity step in base currency, > 0.
        min_quantity: smallest order in base currency, >= 0.
        min_notional: smallest order value in quote currency, >= 0.
        is_margin: True if it can be sold short and held with leverage.
        sector: group for the sector limit; empty when unknown.
    """

    symbol: str
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal = field(default=Decimal(0))
    min_notional: Decimal = field(default=Decimal(0))
    is_margin: bool = False
    sector: str = ""

    def __post_init__(self) -> None:
        """Refuse an instrument whose steps or name cannot be used."""
        base, slash, quote = self.symbol.partition("/")
        if not (base and slash and quote) or self.symbol != self.symbol.upper():
            message = f"expected a symbol like BTC/USDT, was {self.symbol!r}"
            raise InputError(message)
        for name in ("tick", "lot"):
            value = getattr(self, name)
            if not value.is_finite() or value <= 0:
                message = f"expected {name} of {self.symbol} > 0, was {value}"
                raise InputError(message)
        for name in ("min_quantity", "min_notional"):
            value = getattr(self, name)
            if not value.is_finite() or value < 0:
                message = f"expected {name} of {self.symbol} >= 0, was {value}"
                raise InputError(message)

    @property
    def base(self) -> str:
        """Return the currency that is bought and sold."""
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        """Return the currency that prices are stated in."""
        return self.symbol.partition("/")[2]

    def price_to_ticks(self, price: Decimal) -> int:
        """Convert a price to ticks, exactly or not at all.

        Raises:
            InputError: the price is not a multiple of the tick.
        """
        return to_units(price, self.tick, what=f"price of {self.symbol}")

    def ticks_to_price(self, ticks: int) -> Decimal:
        """Convert ticks to an exact price."""
        return from_units(ticks, self.tick)

    def quantity_to_lots(self, quantity: Decimal) -> int:
        """Convert a quantity to lots, exactly or not at all.

        Raises:
            InputError: the quantity is not a multiple of the lot.
        """
        return to_units(quantity, self.lot, what=f"quantity of {self.symbol}")

    def lots_to_quantity(self, lots: int) -> Decimal:
        """Convert lots to an exact quantity."""
        return from_units(lots, self.lot)

    @property
    def min_lots(self) -> int:
        """Return the smallest order in lots, at least one (rounded up)."""
        return max(1, math.ceil(Fraction(self.min_quantity) / Fraction(self.lot)))

    def value_ratio(self, money_decimals: int = MONEY_DECIMALS) -> tuple[int, int]:
        """Return (numerator, denominator): money units that one tick times one lot is worth."""
        ratio = Fraction(self.tick) * Fraction(self.lot) * 10**money_decimals
        return ratio.numerator, ratio.denominator


def _crypto(
    symbol: str, tick: str, lot: str, minimum: str, *, min_notional: str = "0"
) -> Instrument:
    return Instrument(symbol, Decimal(tick), Decimal(lot), Decimal(minimum), Decimal(min_notional))


# Steps and minima per venue. "" is the default profile, with Kraken's steps. Bitfinex quotes five
# significant digits, so it has no fixed tick: the finest step that its records carry is used.
_BUILT_IN: dict[str, dict[str, Instrument]] = {
    "": {
        item.symbol: item
        for item in (
            _crypto("BTC/USD", "0.01", "0.00000001", "0.0001"),
            _crypto("BTC/USDT", "0.01", "0.00000001", "0.0001"),
            _crypto("ETH/USD", "0.01", "0.00000001", "0.001"),
            _crypto("ETH/USDT", "0.01", "0.00000001", "0.001"),
            _crypto("XRP/USD", "0.00001", "1", "10"),
            _crypto("XRP/USDT", "0.00001", "1", "10"),
            _crypto("XRP/BTC", "0.00000001", "1", "10"),
            Instrument("TEST/USD", Decimal("0.01"), Decimal(1), Decimal(1), is_margin=True),
        )
    },
    "bitfinex": {
        item.symbol: item
        for item in (
            _crypto("BTC/USD", "0.00000001", "0.00000001", "0.0001"),
            _crypto("ETH/USD", "0.00000001", "0.00000001", "0.001"),
            _crypto("XRP/USD", "0.00000001", "0.00000001", "10"),
        )
    },
}


def built_in_instrument(symbol: str, venue: str = "") -> Instrument | None:
    """Look an instrument up in the built-in table; None when it is not there."""
    return _BUILT_IN.get(venue, {}).get(symbol) or _BUILT_IN[""].get(symbol)


def built_in_symbols() -> list[str]:
    """List the symbols of the default profile, sorted."""
    return sorted(_BUILT_IN[""])


def with_steps(instrument: Instrument, tick: Decimal, lot: Decimal) -> Instrument:
    """Return the instrument with other steps, for data finer or coarser than the table's."""
    return replace(instrument, tick=tick, lot=lot)
