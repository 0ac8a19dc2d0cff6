"""Exact conversion between decimals (outside the core) and scaled integers (inside).

This is the only place where the two meet. Nothing here touches a binary float.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from athena.errors import InputError

MONEY_DECIMALS = 8
INT64_MAX = 2**63 - 1


def parse_decimal(text: str | int | Decimal, *, what: str = "number") -> Decimal:
    """Read a finite decimal from text, an int or a Decimal.

    Raises:
        InputError: not a number, NaN or infinite. A float is refused: its digits are not exact.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | Decimal):
        message = f"expected {what} as text, int or Decimal, was {type(text).__name__} {text!r}"
        raise InputError(message)
    try:
        value = Decimal(text)
    except InvalidOperation:
        message = f"expected {what} as a decimal number, was {text!r}"
        raise InputError(message) from None
    if not value.is_finite():
        message = f"expected a finite {what}, was {text!r}"
        raise InputError(message)
    return value


def to_units(value: Decimal, step: Decimal, *, what: str = "value") -> int:
    """Convert a decimal to a whole number of steps, exactly or not at all (TR-01).

    Args:
        value: any finite decimal.
        step: size of one unit, > 0, for example ``Decimal("0.01")``.
        what: name used in the error.

    Returns:
        ``value / step`` as an int.

    Raises:
        InputError: value is not a multiple of step, or does not fit 64 bits.
    """
    numerator, denominator = value.as_integer_ratio()
    step_numerator, step_denominator = step.as_integer_ratio()
    units, rest = divmod(numerator * step_denominator, denominator * step_numerator)
    if rest:
        message = f"expected {what} as a multiple of {step}, was {value}"
        raise InputError(message)
    if abs(units) > INT64_MAX:
        message = f"expected {what} within 64 bits of steps of {step}, was {value}"
        raise InputError(message)
    return units


def from_units(units: int, step: Decimal) -> Decimal:
    """Convert a whole number of steps back to an exact decimal, written with the step's digits."""
    sign, digits, exponent = step.as_tuple()
    if not isinstance(exponent, int):
        message = f"expected a finite step, was {step}"
        raise InputError(message)
    magnitude = abs(units) * int("".join(map(str, digits)))
    negative = (units < 0) != bool(sign)
    return Decimal((int(negative), tuple(map(int, str(magnitude))), exponent))


def money_step(decimals: int = MONEY_DECIMALS) -> Decimal:
    """Return the size of one money unit, ``10 ** -decimals``."""
    return Decimal((0, (1,), -decimals))


def to_money(value: Decimal, decimals: int = MONEY_DECIMALS) -> int:
    """Convert an amount of a currency to units of ``10 ** -decimals``, exactly or not at all."""
    return to_units(value, money_step(decimals), what="amount")


def from_money(units: int, decimals: int = MONEY_DECIMALS) -> Decimal:
    """Convert money units back to an exact decimal amount."""
    return from_units(units, money_step(decimals))


def format_decimal(value: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros; every digit is kept (C12)."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
