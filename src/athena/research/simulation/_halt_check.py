"""Nothing that adds risk goes over the wire in a halt, and a kill switch clears up (I10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.trading import Command
from athena.trading import layout as at
from athena.trading.live import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.research.simulation._protection import ProtectionCheck
    from athena.research.simulation._stage import Stage
    from athena.research.simulation._venue_book import Sent, VenueBook
    from athena.trading.live import Session

_LATCHES = {
    Command.PAUSE: at.HALT_PAUSED,
    Command.HALT: at.HALT_OPERATOR,
    Command.KILL: at.HALT_KILL,
}
_CLEARS = frozenset({Command.KILL, Command.FLATTEN, Command.CANCEL_ALL})


class HaltCheck:
    """Follow commands and halts, and look at what leaves.

    A purchase adds risk, whatever asked for it: on spot a sale never does. What was on its way
    before a halt took effect cannot be called back; what waited for the rate limit could.
    """

    def __init__(self, world: Stage, book: VenueBook) -> None:
        """Look at a world's orders."""
        self._world = world
        self._book = book
        self._to_end: dict[str, str] = {}

    def operated(self, command: Command, session: Session) -> Iterator[str]:
        """Yield what a command that was just taken has not brought about."""
        bit = _LATCHES.get(command, 0)
        if bit and not session.core.s.account[at.HALT] & bit:
            yield f"`{command.value}` was taken and nothing is halted"
        if command in _CLEARS:
            for sent in self._book.sent.values():
                order = self._book.order_of(sent)
                has_ended = sent.is_refused if order is None else not order.is_working
                if sent.is_buy and not has_ended:
                    self._to_end[sent.client_id] = command.value

    def leaves(self, sent: Sent, session: Session) -> Iterator[str]:
        """Yield why an order that goes out now must not."""
        reason = self._halt(session)
        if sent.is_buy and reason:
            yield f"order {sent.number} adds risk and goes out while {reason}"

    def _halt(self, session: Session) -> str:
        s = session.core.s
        halt = s.account[at.HALT]
        if halt & at.HALT_STOPS:
            return f"halted ({halt})"
        if halt & at.HALT_BREAKERS or s.account[at.NOW_NS] < s.account[at.PAUSE_UNTIL_NS]:
            return f"a breaker holds ({halt})"
        if session.level >= Level.LIMITED:
            return f"withdrawn to level {session.level}"
        return ""

    def at_the_end(self, session: Session, protection: ProtectionCheck) -> Iterator[str]:
        """Yield what a kill switch or a flatten has left behind when all has settled."""
        for client_id, command in self._to_end.items():
            sent = self._book.sent[client_id]
            order = self._book.order_of(sent)
            if order is not None and order.is_working:
                yield f"order {sent.number} still works, though `{command}` was to cancel it"
        if session.core.s.account[at.HALT] & at.HALT_KILL:
            for place, lots in protection.holdings().items():
                yield f"slot {place.slot} still holds {lots} lots after the kill switch"
