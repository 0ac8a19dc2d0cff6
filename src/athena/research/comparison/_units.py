"""Quantities of two runs in one unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athena.research.comparison._orders import OrderLog


def count_alike(a: OrderLog, b: OrderLog) -> dict[str, Decimal]:
    """Count the lots of both runs in one unit by symbol, where their instruments differ."""
    lots: dict[str, list[Fraction]] = {}
    for log in (a, b):
        for item in log.instruments:
            lots.setdefault(item.symbol, []).append(Fraction(item.lot))
    units = {symbol: _common_unit(found) for symbol, found in lots.items()}
    for log in (a, b):
        factors = {
            item.symbol: Fraction(item.lot) / units[item.symbol] for item in log.instruments
        }
        for order in log.orders:
            order.scale(factors[order.symbol].numerator)
    return {
        symbol: Decimal(unit.numerator) / Decimal(unit.denominator)
        for symbol, unit in units.items()
    }


def _common_unit(lots: list[Fraction]) -> Fraction:
    """Return the largest unit that every lot is a whole number of."""
    denominator = lcm(*(lot.denominator for lot in lots))
    return Fraction(gcd(*(int(lot * denominator) for lot in lots)), denominator)
