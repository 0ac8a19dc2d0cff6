"""A request that the exchange refuses, in Kraken's words."""

from __future__ import annotations

from typing import Never

from athena.errors import VenueRefused

INVALID = "EGeneral:Invalid arguments"
INSUFFICIENT_FUNDS = "EOrder:Insufficient funds"
POST_ONLY = "EOrder:Post only order"
UNKNOWN_ORDER = "EOrder:Unknown order"
UNKNOWN_PAIR = "EQuery:Unknown asset pair"


class Refusal(VenueRefused):
    """Carry the code that the answer will hold; nothing was done."""


def refuse(code: str) -> Never:
    """Refuse a request.

    Args:
        code: as Kraken writes it, such as `EOrder:Insufficient funds`.

    Raises:
        Refusal: always.
    """
    raise Refusal(code)


def refuse_field(name: str) -> Never:
    """Refuse a request for one of its fields.

    Raises:
        Refusal: always.
    """
    refuse(f"{INVALID}:{name}")
