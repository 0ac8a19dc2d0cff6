"""What goes wrong: a menu of faults, and seeded plans that say when, without any state.

Pure: who serves or simulates a venue asks what happens to the request, message or moment at hand.
"""

from athena.venues.faults._fates import (
    Answer,
    ExchangeEvent,
    Link,
    MessageFate,
    RequestFate,
    is_partial_fill,
)
from athena.venues.faults._menu import (
    DEFAULT_RATES,
    MACHINE_FAULTS,
    SWITCHED_FAULTS,
    VENUE_FAULTS,
    Fault,
    swarm,
)
from athena.venues.faults._plan import NO_FAULTS, FaultPlan
from athena.venues.faults._strike import Faultable, strike
from athena.venues.faults._text import FaultChoice, parse_faults, read_fault_file

__all__ = [
    "DEFAULT_RATES",
    "MACHINE_FAULTS",
    "NO_FAULTS",
    "SWITCHED_FAULTS",
    "VENUE_FAULTS",
    "Answer",
    "ExchangeEvent",
    "Fault",
    "FaultChoice",
    "FaultPlan",
    "Faultable",
    "Link",
    "MessageFate",
    "RequestFate",
    "is_partial_fill",
    "parse_faults",
    "read_fault_file",
    "strike",
    "swarm",
]
