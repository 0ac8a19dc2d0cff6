"""The menu of faults, whom each one befalls, and how often it does unless said otherwise."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from athena.venues.faults._draws import draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Fault(StrEnum):
    """One kind of thing that goes wrong; `code` is its number in the specification."""

    TIMEOUT_BEFORE_ACCEPT = "timeout_before_accept"
    TIMEOUT_AFTER_ACCEPT = "timeout_after_accept"
    DUPLICATE = "duplicate"
    LATE = "late"
    REORDERED = "reordered"
    FILL_AFTER_CANCEL = "fill_after_cancel"
    TOO_MANY_REQUESTS = "too_many_requests"
    SERVER_ERROR = "server_error"
    HALF_OPEN_SOCKET = "half_open_socket"
    STALE_SNAPSHOT = "stale_snapshot"
    SHORT_HISTORY = "short_history"
    VENUE_LIQUIDATION = "venue_liquidation"
    ROUNDING_SURPRISE = "rounding_surprise"
    CLOCK_JUMP = "clock_jump"
    RESTART = "restart"
    TORN_JOURNAL = "torn_journal"
    FLIPPED_JOURNAL_BYTE = "flipped_journal_byte"
    PARTIAL_FILL_THEN_DISCONNECT = "partial_fill_then_disconnect"
    DISK_FULL = "disk_full"
    NAME_RESOLUTION = "name_resolution"
    CUT_BODY = "cut_body"
    HTML_ANSWER = "html_answer"
    BAD_NONCE = "bad_nonce"

    @property
    def code(self) -> str:
        """Return `F01` to `F20`, or nothing for a fault that has no number."""
        return _CODES.get(self, "")


_NUMBERED = tuple(Fault)[:20]
_CODES = {fault: f"F{number:02}" for number, fault in enumerate(_NUMBERED, start=1)}

# What befalls the machine that trades; an exchange cannot show it to a client.
MACHINE_FAULTS = frozenset(
    {Fault.RESTART, Fault.TORN_JOURNAL, Fault.FLIPPED_JOURNAL_BYTE, Fault.DISK_FULL}
)
VENUE_FAULTS = frozenset(Fault) - MACHINE_FAULTS

# What the exchange is in for a while; the others happen to one request, message or moment.
SWITCHED_FAULTS = (
    Fault.FILL_AFTER_CANCEL,
    Fault.STALE_SNAPSHOT,
    Fault.SHORT_HISTORY,
    Fault.ROUNDING_SURPRISE,
    Fault.CLOCK_JUMP,
    Fault.NAME_RESOLUTION,
)

# How likely a fault is each time that it can strike: per request, per stream message, per partial
# fill, or per period for what switches on and off. Together about one request in six goes wrong,
# and a stream lives for some minutes: often enough to be met, rarely enough to get work done.
_REQUEST, _MESSAGE, _PERIOD = 0.02, 0.02, 0.2
DEFAULT_RATES: Mapping[Fault, float] = {
    Fault.TIMEOUT_BEFORE_ACCEPT: _REQUEST,
    Fault.TIMEOUT_AFTER_ACCEPT: _REQUEST,
    Fault.DUPLICATE: _MESSAGE,
    Fault.LATE: _MESSAGE,
    Fault.REORDERED: _MESSAGE,
    Fault.FILL_AFTER_CANCEL: _PERIOD,
    Fault.TOO_MANY_REQUESTS: _REQUEST,
    Fault.SERVER_ERROR: _REQUEST,
    Fault.HALF_OPEN_SOCKET: 0.001,
    Fault.STALE_SNAPSHOT: _PERIOD,
    Fault.SHORT_HISTORY: _PERIOD,
    Fault.VENUE_LIQUIDATION: 0.02,
    Fault.ROUNDING_SURPRISE: _PERIOD,
    Fault.CLOCK_JUMP: 0.05,
    Fault.RESTART: 0.01,
    Fault.TORN_JOURNAL: 0.5,
    Fault.FLIPPED_JOURNAL_BYTE: 0.02,
    Fault.PARTIAL_FILL_THEN_DISCONNECT: 0.2,
    Fault.DISK_FULL: 0.002,
    Fault.NAME_RESOLUTION: 0.05,
    Fault.CUT_BODY: _REQUEST,
    Fault.HTML_ANSWER: _REQUEST,
    Fault.BAD_NONCE: _REQUEST,
}


def swarm(seed: int, faults: Iterable[Fault]) -> frozenset[Fault]:
    """Keep a random half of the faults, rounded up; the seed says which.

    Runs with fewer kinds of faults reach states that a run with all of them never does (swarm
    testing; Groce et al., ISSTA 2012).
    """
    ranked = sorted(faults, key=lambda fault: draw(seed, "swarm", fault))
    return frozenset(ranked[: (len(ranked) + 1) // 2])
