"""Why the core made an order that nobody wanted, and why it took one back (C17).

What a strategy, a plan or a person wants comes with the id of its decision. What the core does by
itself, to close a position or after a halt, gets an id of its own here and the reason in words, so
that every fill leads back to why it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.domain import OrderState
from athena.platform._ids import derive_id
from athena.trading._core import codes
from athena.trading._core import layout as at
from athena.trading._core.orders import find_row
from athena.trading._records import Command
from athena.trading.live._halt_words import HALT_WORDS
from athena.trading.live._order_news import halts, notices

if TYPE_CHECKING:
    from athena.trading._core.layout import State

ABSENT_PROVEN = "absent_proven"
MADE_NOTE, ENDED_NOTE = "made", "ended"
_HEADER = 2
_ID_DIGITS = 32
_COMMANDS = tuple(Command)
_BY_VENUE = "cancelled at the venue, not asked for here"
_WORDS = {
    at.R_INTENT: "wanted without a decision",
    at.R_SHARE: "the share of its strategy was cut",
    at.R_ADOPT: "the venue shows it, and it was not sent from here",
}
_BY_ITSELF = "the session itself"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an order came to be, or came to its end.

    Attributes:
        order: its number.
        reason: in words, or a code; never empty.
        correlation_id: of an order that came to be; empty for one that ends.
    """

    order: int
    reason: str
    correlation_id: str = ""

    def note(self) -> dict[str, object]:
        """Return it as the journal keeps it."""
        values: dict[str, object] = {"order": self.order, "reason": self.reason}
        if self.correlation_id:
            return {"kind": MADE_NOTE, **values, "correlation_id": self.correlation_id}
        return {"kind": ENDED_NOTE, **values}


class Causes:
    """Read each input's outcomes: orders without a parent that it made, cancels that it asked for.

    Attributes:
        request: of the operator whose command is being applied: its id, and words for it; empty
            outside of a command.
    """

    __slots__ = ("_found", "_session_id", "request")

    def __init__(self, session_id: str) -> None:
        """Begin with nothing found."""
        self._session_id = session_id
        self._found: dict[tuple[int, bool], Cause] = {}
        self.request = ("", "")

    def take(self) -> list[Cause]:
        """Return what was found since this was asked last."""
        found = list(self._found.values())
        self._found.clear()
        return found

    def named(self, order: int) -> None:
        """Hear that an order has the id of a decision, so that it needs none from here."""
        self._found.pop((order, True), None)

    def take_input(self, s: State, lies: tuple[int, int], n_effects: int, number: int) -> None:
        """Find out what one input led to.

        Args:
            s: the state after exactly this input.
            lies: where in `s.records` its records begin and end.
            n_effects: how many effects were queued before it.
            number: that the next order was to get before it.
        """
        begin, _ = lies
        kind = s.records[begin] & 0xFF
        for made in range(number, s.account[at.NEXT_NUMBER]):
            if _is_alone(s, made):
                request_id, _ = self.request
                chain = request_id or derive_id(self._session_id, "cause", made)[:_ID_DIGITS]
                self._found[made, True] = Cause(made, self._reason(s, lies), chain)
        for k in range(n_effects, s.account[at.N_EFFECTS]):
            if s.effects[k, at.E_KIND] == at.CANCEL:
                order = s.effects[k, at.E_NUMBER]
                is_expired = _is_expired(s, s.effects[k, at.E_ROW])
                reason = OrderState.EXPIRED.value if is_expired else self._reason(s, lies)
                self._found[order, False] = Cause(order, reason)
        if kind == at.R_REPORT:
            what, order = s.records[begin + _HEADER], s.records[begin + _HEADER + 1]
            reason = _end_at_venue(s, what, order)
            if reason:
                self._found[order, False] = Cause(order, reason)

    def _reason(self, s: State, lies: tuple[int, int]) -> str:
        """Say in words what an input did: the most telling of what it led to."""
        begin, end = lies
        kind, first = s.records[begin] & 0xFF, begin + _HEADER
        if kind == at.R_COMMAND:
            return self._commanded(s, s.records[first])
        for bit in halts(s.records, begin, end):
            return HALT_WORDS[bit]
        if any(what == codes.NOTICE_TIME_EXIT for what, _ in notices(s.records, begin, end)):
            return "time exit: its position was held long enough"
        if kind == at.R_REPORT:
            return f"the venue's news of order {s.records[first + 1]}"
        return _WORDS.get(kind, _BY_ITSELF)

    def _commanded(self, s: State, command: int) -> str:
        _, words = self.request
        if words:
            return words
        if command == codes.COMMAND_REDUCE:
            is_closing = s.account[at.HALT] & (at.HALT_KILL | at.HALT_LIMIT)
            if is_closing:
                return HALT_WORDS[is_closing & -is_closing]
            return "unprotected: its position had no whole stop at the venue"
        return f"{_COMMANDS[command - 1].value} by {_BY_ITSELF}"


def _is_alone(s: State, number: int) -> bool:
    """Tell whether an order has no parent whose decision it shares."""
    row = find_row(s, number)
    if row >= 0:
        return s.orders[row, at.PARENT] == 0
    slot = number % len(s.closed)
    is_denied = s.closed[slot, at.STATE] == codes.DENIED
    return not is_denied and s.closed[slot, at.PARENT] == 0


def _is_expired(s: State, row: int) -> bool:
    return 0 < s.orders[row, at.EXPIRES_NS] <= s.account[at.NOW_NS]


def _end_at_venue(s: State, what: int, number: int) -> str:
    """Say why a report ended an order, when nothing here did; empty when it did not."""
    if find_row(s, number) >= 0:
        return ""
    if what == codes.ABSENT_PROVEN:
        return ABSENT_PROVEN
    slot = number % len(s.closed)
    is_asked = s.closed[slot, at.PENDING] == codes.PENDING_CANCEL
    return _BY_VENUE if what == codes.CANCELLED_REPORT and not is_asked else ""
