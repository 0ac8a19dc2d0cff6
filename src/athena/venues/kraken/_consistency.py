"""Does a fill agree with itself? Price times quantity must be its cost, but for rounding."""

from __future__ import annotations

from decimal import Decimal

from athena.venues.kraken._fields import malformed

_TOLERANCE = Decimal(
    "0.001"
)  # of the cost; an average may have fewer digits than it is shown with


def check_cost(price: Decimal, quantity: Decimal, cost: Decimal, path: str) -> None:
    """Refuse a cost that price and quantity do not explain.

    Price and cost may each be off by a unit of their last digit, and the cost by another 0.1 %.
    Nothing filled costs nothing; what was filled has a price.

    Raises:
        VenueError: they contradict each other.
    """
    if quantity == 0 and cost != 0:
        malformed(path, "no cost without a quantity", cost)
    if quantity != 0 and price == 0:
        malformed(path, "a price of the quantity that was filled", price)
    allowed = quantity * _last_digit(price) + _last_digit(cost) + cost * _TOLERANCE
    if abs(price * quantity - cost) > allowed:
        malformed(path, f"a cost near {price * quantity}", cost)


def _last_digit(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    return Decimal((0, (1,), exponent)) if isinstance(exponent, int) else Decimal(0)
