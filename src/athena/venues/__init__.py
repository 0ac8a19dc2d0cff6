"""Where orders go: the simulated venue and its fills on bars."""

from athena.venues import _matching as matching
from athena.venues import _table as table
from athena.venues._simulated import VenueSettings, books_agree, new_venue
from athena.venues._table import Venue

__all__ = [
    "Venue",
    "VenueSettings",
    "books_agree",
    "matching",
    "new_venue",
    "table",
]
