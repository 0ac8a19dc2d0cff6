"""Refuse values that no agent may publish."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from athena.errors import InputError

if TYPE_CHECKING:
    from decimal import Decimal


def check_between(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside [low, high]; NaN is outside.

    Raises:
        InputError: it is.
    """
    if not low <= value <= high:
        message = f"expected {name} in [{low}, {high}], was {value}"
        raise InputError(message)


def check_finite(name: str, value: float) -> None:
    """Refuse NaN and infinity.

    Raises:
        InputError: it is one of them.
    """
    if not math.isfinite(value):
        message = f"expected a finite {name}, was {value}"
        raise InputError(message)


def check_price(name: str, price: Decimal | None) -> None:
    """Refuse a price that is not above 0; None, a price that is not given, passes.

    Raises:
        InputError: it is 0, negative, NaN or infinite.
    """
    if price is not None and not (price.is_finite() and price > 0):
        message = f"expected {name} > 0, was {price}"
        raise InputError(message)
