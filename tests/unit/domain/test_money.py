"""TR-01, C12: exact or an error, never a rounded number."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.domain import (
    INT64_MAX,
    format_decimal,
    from_money,
    from_units,
    parse_decimal,
    to_money,
    to_units,
)
from athena.errors import InputError

STEPS = st.sampled_from(
    [Decimal(text) for text in ("0.01", "0.05", "0.00000001", "1", "0.25", "5")]
)


def test_a_digit_too_many_is_an_error_and_not_a_rounding() -> None:
    """TR-01."""
    with pytest.raises(InputError, match=r"multiple of 1E-8, was 0\.123456789"):
        to_money(Decimal("0.123456789"))


def test_every_digit_of_price_and_quantity_survives() -> None:
    """C12."""
    assert from_money(to_money(Decimal("0.12345678"))) == Decimal("0.12345678")
    quantity = Decimal("123456789.12345678")
    assert str(from_money(to_money(quantity))) == "123456789.12345678"


@given(units=st.integers(-INT64_MAX, INT64_MAX), step=STEPS)
def test_units_and_decimals_are_each_others_inverse(units: int, step: Decimal) -> None:
    assert to_units(from_units(units, step), step) == units


def test_what_does_not_fit_64_bits_is_refused() -> None:
    assert to_units(Decimal(INT64_MAX), Decimal(1)) == INT64_MAX
    with pytest.raises(InputError, match="within 64 bits"):
        to_units(Decimal(INT64_MAX + 1), Decimal(1))


def test_a_large_decimal_is_not_rounded_by_the_context() -> None:
    """The decimal module's 28 digits of precision must not matter."""
    big = Decimal(10**40) + Decimal("0.5")
    with pytest.raises(InputError):
        to_units(big, Decimal("0.1"))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-inf", "ten", "", "1,5"])
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_decimal(text, what="price")


@pytest.mark.parametrize("value", [0.1, True, None])
def test_a_float_is_refused_because_its_digits_are_not_exact(value: object) -> None:
    with pytest.raises(InputError, match="as text, int or Decimal"):
        parse_decimal(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+3", "1000"),
        ("1.500", "1.5"),
        ("-0", "0"),
        ("0.00", "0"),
        ("100", "100"),
        ("1E-8", "0.00000001"),
    ],
)
def test_decimals_are_written_plainly(value: str, text: str) -> None:
    assert format_decimal(Decimal(value)) == text
