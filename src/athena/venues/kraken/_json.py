"""JSON as a venue sends it, read without a float: numbers keep every digit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Never

from athena.errors import VenueError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_DIGITS = 40  # of a number; the longest that Kraken sends has about 20


def parse_json(body: bytes, what: str) -> Any:  # noqa: ANN401 (JSON may be anything)
    """Read JSON; a number with a point is a Decimal, one without an int.

    Args:
        body: UTF-8 text.
        what: names the message in errors.

    Raises:
        VenueError: not JSON (HTML, a cut body, deep nesting), NaN or Infinity, a key twice in one
            object, or a number with more than 40 digits.
    """
    try:
        return json.loads(
            body.decode(),
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_no_number,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as error:
        start = body[:60].decode(errors="replace")
        message = f"expected {what} as JSON, was {start!r} ({type(error).__name__}: {error})"
        raise VenueError(message) from None


def _decimal(text: str) -> Decimal:
    if len(text) > _MAX_DIGITS:
        message = f"a number of {len(text)} digits"
        raise ValueError(message)
    return Decimal(text)


def _whole(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        message = f"a number of {len(text)} digits"
        raise ValueError(message)
    return int(text)


def _no_number(text: str) -> Never:
    message = f"the constant {text}"
    raise ValueError(message)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        # Which of the two would count? Neither: a fill must not depend on it.
        message = "a key stands twice in one object"
        raise ValueError(message)
    return values
