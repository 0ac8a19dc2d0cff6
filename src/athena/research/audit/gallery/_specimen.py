"""A planted leak and its honest twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athena.research.audit._subject import Auditable
    from athena.research.audit._trades import Trader


@dataclass(frozen=True, slots=True)
class Specimen:
    """A planted leak and its honest twin.

    Attributes:
        name: of the fault, as the field calls it.
        how: what it knows too early, in a few words.
        leaking, honest: to be audited; the first must be caught, the second not accused.
    """

    name: str
    how: str
    leaking: Auditable
    honest: Auditable


@dataclass(frozen=True, slots=True)
class TradingSpecimen:
    """A specimen whose fault lies in its fills; attributes as of `Specimen`."""

    name: str
    how: str
    leaking: Trader
    honest: Trader
