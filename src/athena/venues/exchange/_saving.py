"""The whole state as JSON, and back; amounts keep every digit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from athena.domain import Instrument  # noqa: TC001 - pydantic reads the annotations
from athena.errors import InputError
from athena.venues.exchange._settings import ExchangeSettings  # noqa: TC001 - see above
from athena.venues.exchange._state import State  # noqa: TC001 - see above

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Saved:
    """What an exchange is made of."""

    instruments: tuple[Instrument, ...]
    settings: ExchangeSettings
    state: State


def write_saved(saved: Saved) -> str:
    """Write JSON."""
    return _adapter().dump_json(saved).decode()


def read_saved(text: str) -> Saved:
    """Read what `write_saved` wrote.

    Raises:
        InputError: it is something else.
    """
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its start"
        message = f"expected a saved local exchange, was {first['msg']} at {where}"
        raise InputError(message) from None


@cache
def _adapter() -> TypeAdapter[Saved]:
    """Build the translator once: a paper session saves its exchange at every change."""
    from pydantic import TypeAdapter

    return TypeAdapter(Saved)
