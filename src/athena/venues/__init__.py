"""Where orders go: the simulated venue and its fills on bars."""

from athena.venues import _matching as matching
from athena.venues import _table as table
from athena.venues._simulated import (
    VENUE_DTYPE,
    VenueSettings,
    VenueTables,
    books_agree,
    new_venue,
)
from athena.venues._table import Venue, VenueArrays

__all__ = [
    "VENUE_DTYPE",
    "Venue",
    "VenueArrays",
    "VenueSettings",
    "VenueTables",
    "books_agree",
    "matching",
    "new_venue",
    "table",
]
