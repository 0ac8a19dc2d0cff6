"""How often a venue may be asked: counters that decay, shared by the processes of one account."""

from athena.venues.limits._counter import POINT, Counter, CounterRule
from athena.venues.limits._limiter import RateLimiter, read_state, write_state
from athena.venues.limits._state import (
    Charge,
    Decision,
    Granted,
    LimitState,
    Priority,
    Ticket,
    TooLate,
    Wait,
    pause,
    poll,
    withdraw,
)

__all__ = [
    "POINT",
    "Charge",
    "Counter",
    "CounterRule",
    "Decision",
    "Granted",
    "LimitState",
    "Priority",
    "RateLimiter",
    "Ticket",
    "TooLate",
    "Wait",
    "pause",
    "poll",
    "read_state",
    "withdraw",
    "write_state",
]
