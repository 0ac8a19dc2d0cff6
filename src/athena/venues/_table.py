"""Columns of the simulated venue's own tables; it keeps its own cash and holdings."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from athena.trading import Ints, Table

TableT_co = TypeVar("TableT_co", bound=Table, covariant=True)


class VenueOf(NamedTuple, Generic[TableT_co]):
    """The simulated venue: what an exchange would know.

    Attributes:
        settings: (N_SETTING,) fees, costs, fill rules, seed, counters, own cash.
        book: (M, N_VENUE_ORDER) working orders.
        market: (MAX_INSTRUMENTS, N_MARKET) per instrument: the bar, watch levels, volume left in
            the bar, holding.
    """

    settings: TableT_co
    book: TableT_co
    market: TableT_co


Venue = VenueOf[Table]
VenueArrays = VenueOf[Ints]


# settings
TAKER_PPM = 0
MAKER_PPM = 1
COST_PPM = 2  # base cost of taking, one way
HAS_COST = 3
PARTICIPATION_PPM = 4
IS_TOUCH = 5  # a limit fills when its price is touched
IS_PATH = 6  # open, nearer extreme, farther extreme, close
SEED = 7
N_BOOK = 8  # rows in use, from the front
N_TRADES = 9
CASH = 10
STEP = 11
PHASE = 12  # where in the bar: see PHASE_*
PRICE = 13  # where the path stands
SLIPPAGE = 14  # money lost to cost so far
DRAW_MIN_PPM = 15  # cost is multiplied by a draw from this range
DRAW_MAX_PPM = 16
IMPACT_CAP_PPM = 17
IMPACT_UNKNOWN_PPM = 18
N_SETTING = 19

PHASE_CLOSED = 0  # between bars: an order sent now is live from the next bar
PHASE_OPEN = 1
PHASE_INSIDE = 2

# working order
V_NUMBER = 0  # the core's order number; 0 = row is free
V_INSTRUMENT = 1
V_SIDE = 2
V_TYPE = 3
V_TIME_IN_FORCE = 4
V_LEFT = 5
V_FILLED = 6
V_LIMIT = 7
V_TRIGGER = 8
V_POST_ONLY = 9
V_LIVE_STEP = 10
V_BORN = 11  # phase of the current bar it was born in, PHASE_CLOSED when older
V_FILLS = 12
N_VENUE_ORDER = 13

# market
WATCH_LOW = 0  # a low at or under it may fill something
WATCH_HIGH = 1  # a high at or over it may fill something
N_AT_OPEN = 2  # orders that act at the next open whatever its price
LEFT = 3  # lots that may still trade in this bar
HOLDING = 4
OPEN = 5  # the bar that is being matched
HIGH = 6
LOW = 7
CLOSE = 8
VOLUME = 9  # NO_BAR: the instrument has no bar at this step
N_MARKET = 10

NO_BAR = -1
