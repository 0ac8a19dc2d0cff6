"""What the core's newest records say to a person, and which orders they touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading.live._effects import Alert, Urgency
from athena.trading.live._halt_words import HALT_WORDS

if TYPE_CHECKING:
    from athena.trading.live._core import Core
    from athena.trading.live._effects import AmendOrder, CancelOrder, PlaceOrder
    from athena.trading.live._memory import Memory

_HEADER = 2

# notice -> urgency, code, words; the argument is put in
_NOTICES = {
    codes.NOTICE_LATE_FILL: (
        Urgency.URGENT, "late_fill", "order {0} filled after its end; booked",
    ),
    codes.NOTICE_OVERFILL: (
        Urgency.URGENT, "overfill", "order {0} filled more than it asked for",
    ),
    codes.NOTICE_ILLEGAL: (Urgency.URGENT, "illegal", "an event that cannot be: {0}"),
    codes.NOTICE_PAUSE: (Urgency.WARNING, "pause", "new risk pauses after losses or errors"),
    codes.NOTICE_TIME_EXIT: (Urgency.NOTICE, "time_exit", "position {0} was held long enough"),
    codes.NOTICE_DUPLICATE_FILL: (
        Urgency.NOTICE, "duplicate_fill", "a fill of order {0} came twice; booked once",
    ),
    codes.NOTICE_SHARE_REFUSED: (
        Urgency.WARNING, "share_refused", "the share of strategy {0} cannot be",
    ),
}  # fmt: skip


class News:
    """Read the records that the core has made since the last look.

    Attributes:
        requests: what besides the core's effects is to be asked of the venue.
    """

    def __init__(self, core: Core, memory: Memory) -> None:
        """Begin with the records that come."""
        self._core = core
        self._memory = memory
        self._position = 0
        self._touched: set[int] = set()
        self._notices: list[tuple[int, int]] = []
        self.requests: list[PlaceOrder | CancelOrder | AmendOrder] = []

    def scan(self) -> None:
        """Walk over the records that are new."""
        s = self._core.s
        end = s.account[at.N_WORDS]
        while self._position < end:
            kind = s.records[self._position] & 0xFF
            first = self._position + _HEADER
            if kind == at.R_NOTICE:
                self._notices.append((s.records[first], s.records[first + 1]))
            elif kind == at.R_REPORT:
                self._touched.add(s.records[first + 1])
            elif kind == at.R_VERDICT:
                self._touched.add(s.records[first])
            self._memory.take_record(s.records, self._position, 0)
            self._position += s.records[self._position] >> 8

    def restart(self) -> None:
        """Begin again at the front: the records were handed over."""
        self._position = 0

    def read(self, now_ns: int) -> list[Alert]:
        """Return what the new records say to a person."""
        self.scan()
        notices, self._notices = self._notices, []
        return [alert for notice in notices if (alert := _alert(*notice, now_ns)) is not None]

    def take_touched(self) -> set[int]:
        """Return the numbers of orders that changed since this was asked last."""
        touched, self._touched = self._touched, set()
        return touched

    def take_requests(self) -> list[PlaceOrder | CancelOrder | AmendOrder]:
        """Return the requests that wait, and forget them."""
        requests, self.requests = self.requests, []
        return requests


def _alert(what: int, argument: int, now_ns: int) -> Alert | None:
    if what == codes.NOTICE_HALT:
        return Alert(Urgency.URGENT, "halt", HALT_WORDS[argument], now_ns)
    if what == codes.NOTICE_RESET:
        return Alert(Urgency.NOTICE, "reset", f"over: {HALT_WORDS[argument]}", now_ns)
    if what not in _NOTICES:
        return None
    urgency, code, words = _NOTICES[what]
    return Alert(urgency, code, words.format(argument), now_ns)
