"""The local exchange as a server: REST, WebSocket, a market from recorded data, and faults.

Nothing here is reachable from another machine: any key and secret open a funded test account.
"""

from athena.venues.serving._clock import ServedClock
from athena.venues.serving._credentials import REVOKED_PREFIX
from athena.venues.serving._feed import Feed, MarketTrade
from athena.venues.serving._host import Host
from athena.venues.serving._server import VenueServer
from athena.venues.serving._state import ServedState, read_state, write_state

__all__ = [
    "REVOKED_PREFIX",
    "Feed",
    "Host",
    "MarketTrade",
    "ServedClock",
    "ServedState",
    "VenueServer",
    "read_state",
    "write_state",
]
