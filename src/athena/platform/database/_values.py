"""Values that every database stores and returns exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from athena.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.platform.database._protocol import Parameter, Row, Value

_LARGEST = 2**63 - 1


def bind(parameters: Mapping[str, Parameter] | None) -> dict[str, Value]:
    """Turn parameters into what the columns hold.

    Raises:
        InputError: one is a float, an integer beyond 64 bits, a decimal that is not finite, or a
            text that UTF-8 or PostgreSQL cannot hold; the message names it.
    """
    return {name: _bound(name, value) for name, value in (parameters or {}).items()}


def _bound(name: str, value: object) -> Value:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, int):
        if not -_LARGEST - 1 <= value <= _LARGEST:
            message = f"expected an integer of 64 bits for :{name}, was {value}"
            raise InputError(message, hint="store it as text")
        return int(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            message = f"expected a finite decimal for :{name}, was {value}"
            raise InputError(message)
        return f"{value:f}"
    if isinstance(value, str):
        return _checked_text(name, value)
    message = f"expected int, Decimal, str, bytes or None for :{name}, was {type(value).__name__}"
    raise InputError(message, hint="money and quantities are decimals, times are nanoseconds")


def _checked_text(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"expected text that UTF-8 can hold for :{name}, was {error.reason}"
        raise InputError(message) from None
    if "\0" in text:
        message = f"expected text without a zero character for :{name}, was one with it"
        raise InputError(message, hint="store it as bytes")
    # A subclass, such as an enum's member, is stored as the text it is.
    return str.__str__(text)


def found(row: tuple[Any, ...] | list[Any]) -> Row:
    """Check a row that a database returned.

    Raises:
        InputError: a value is a float or of another type than `Value`.
    """
    return tuple(_found(value) for value in row)


def _found(value: object) -> Value:
    if value is None or isinstance(value, str | bytes):
        return value
    if isinstance(value, int):
        return int(value)  # PostgreSQL has booleans
    message = f"expected int, text, bytes or null from the database, was {type(value).__name__}"
    raise InputError(
        message, hint="keep decimals as TEXT and add them in Python; CAST(sum(...) AS BIGINT)"
    )
