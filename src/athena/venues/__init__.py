"""Where orders go: the contract of a venue, the simulated venue and its fills on bars."""

from athena.venues import _matching as matching
from athena.venues import _table as table
from athena.venues._capability_table import capability_table
from athena.venues._contract import (
    NO_ROOM,
    WITHDRAWN,
    Adapter,
    Call,
    CallFailed,
    Capabilities,
    HttpAnswer,
    Pause,
    Step,
)
from athena.venues._driver import Driver, Output
from athena.venues._simulated import (
    VENUE_DTYPE,
    VenueSettings,
    VenueTables,
    books_agree,
    new_venue,
)
from athena.venues._table import Venue, VenueArrays

__all__ = [
    "NO_ROOM",
    "VENUE_DTYPE",
    "WITHDRAWN",
    "Adapter",
    "Call",
    "CallFailed",
    "Capabilities",
    "Driver",
    "HttpAnswer",
    "Output",
    "Pause",
    "Step",
    "Venue",
    "VenueArrays",
    "VenueSettings",
    "VenueTables",
    "books_agree",
    "capability_table",
    "matching",
    "new_venue",
    "table",
]
