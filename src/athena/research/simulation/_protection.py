"""Is every position covered by stops that rest at the venue, and how long was it not (I11)?

The rule, in true time, for each position of a strategy that has to have a stop:

- A position is *uncovered* while it holds more lots than the stops and market sales that work at
  the venue will sell, if the difference is more than the venue takes in one order (else it is
  dust: nothing can be done).
- It may be so for two seconds (`PROTECTED_WITHIN_NS`). What is beyond is counted as
  `unprotected_s`, whatever the reason: process dead, link down, request lost. Nothing is excused.
- It is a violation where nothing explains it: the line between desk and venue was whole for a
  minute before and the two seconds are over, or it has been whole for as long as the desk's
  longest wait between two tries (`SETTLED_NS`) and the position is still uncovered.

The line is whole while the process lives, its stream carries messages, its clock does not jump,
nothing went wrong with a request about an order or with a message, and no such request had to wait
for the rate limit. Two more things count like
a line that is down. A person's resting sale: the venue reserves the coins, and whatever the desk
sends is refused for want of funds. And an exit of the position that was sent and never came: it
must not be sent again before its absence is proven, which takes half a minute after its deadline
and three views, a minute apart at most, of which none fails (`VIEWED_WITHIN_NS`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athena.research.simulation._stage import Stage
    from athena.research.simulation._venue_book import Place, VenueBook

PROTECTED_WITHIN_NS = 2 * SECOND_NS
LOOK_EVERY_NS = SECOND_NS
CALM_NS = 60 * SECOND_NS
SETTLED_NS = 75 * SECOND_NS
ABSENT_AFTER_NS = 30 * SECOND_NS
VIEWED_WITHIN_NS = 180 * SECOND_NS


class ProtectionCheck:
    """Look at every position once a second.

    Attributes:
        unprotected_ns: time that positions were uncovered beyond two seconds, summed over them.
    """

    def __init__(self, world: Stage, book: VenueBook) -> None:
        """Look at a world's positions, as its venue knows them."""
        self._world = world
        self._book = book
        self._since_ns: dict[Place, int] = {}
        self._locked_ns: dict[int, int] = {}
        self._told: set[Place] = set()
        self.unprotected_ns = 0

    def look(self, troubled_ns: int) -> Iterator[str]:
        """Look now, and yield what is uncovered without an explanation, each gap once.

        Args:
            troubled_ns: until when the line was not whole.
        """
        now_ns = self._world.heap.now_ns
        uncovered = self.uncovered()
        if uncovered:
            self._locked_ns |= dict.fromkeys(self._book.locked(), now_ns)
        for place in [place for place in self._since_ns if place not in uncovered]:
            del self._since_ns[place]
            self._told.discard(place)
        for place, lots in uncovered.items():
            if place not in self._since_ns:
                bought_ns = self._book.bought_ns.get(place, 0)
                is_new = now_ns - bought_ns <= LOOK_EVERY_NS
                self._since_ns[place] = bought_ns if is_new else now_ns
            since_ns = self._since_ns[place]
            if now_ns - since_ns <= PROTECTED_WITHIN_NS:
                continue
            late_ns = now_ns - since_ns - PROTECTED_WITHIN_NS
            self.unprotected_ns += min(LOOK_EVERY_NS, late_ns)
            hindered_ns = max(troubled_ns, self._hindered_ns(place))
            is_calm = since_ns - hindered_ns > CALM_NS
            is_settled = now_ns - max(since_ns, hindered_ns) > SETTLED_NS
            if (is_calm or is_settled) and place not in self._told:
                self._told.add(place)
                yield self._words(place, lots, now_ns - since_ns)

    def _hindered_ns(self, place: Place) -> int:
        """Return until when something else than the line kept a position from being covered."""
        now_ns, failed_ns = self._world.heap.now_ns, self._world.network.failed_ns
        proven_ns = [
            max(sent.deadline_ns + ABSENT_AFTER_NS, failed_ns) + VIEWED_WITHIN_NS
            for sent in self._book.unknown_exits(place)
        ]
        return max(
            self._locked_ns.get(place.instrument, 0), min(now_ns, max(proven_ns, default=0))
        )

    def at_the_end(self) -> Iterator[str]:
        """Yield every position that is uncovered when all has settled."""
        locked = self._book.locked()
        for place, lots in self.uncovered().items():
            if place.instrument in locked:
                continue
            since_ns = self._since_ns.get(place, self._world.heap.now_ns)
            yield self._words(place, lots, self._world.heap.now_ns - since_ns)

    def oversized(self) -> Iterator[str]:
        """Yield every stop that works at the venue for more than its position holds (TR-10)."""
        owned = self._book.owned()
        stops: dict[Place, int] = {}
        for sent, left in self._book.left_at_venue():
            if sent.is_stop:
                stops[sent.place] = stops.get(sent.place, 0) + left
        too_much = {place: lots - owned.get(place, 0) for place, lots in stops.items()}
        for place, lots in self._whole(too_much).items():
            item = self._world.instruments[place.instrument]
            quantity = item.lots_to_quantity(lots)
            yield f"stops of slot {place.slot} would sell {quantity} {item.base} too much"

    def uncovered(self) -> dict[Place, int]:
        """Return the lots of each position that nothing at the venue would sell, but for dust."""
        if not self._book.held:
            return {}
        owned = self._book.owned()
        if not owned:
            return {}
        for sent, left in self._book.left_at_venue():
            if sent.closes and sent.place in owned:
                owned[sent.place] -= left
        return self._whole(owned)

    def holdings(self) -> dict[Place, int]:
        """Return the lots of each guarded position that can be sold, but for dust."""
        locked = self._book.locked()
        whole = self._whole(self._book.owned())
        return {place: lots for place, lots in whole.items() if place.instrument not in locked}

    def _whole(self, positions: dict[Place, int]) -> dict[Place, int]:
        return {
            place: lots
            for place, lots in positions.items()
            if lots > 0 and place.slot in self._world.guarded and not self._is_dust(place, lots)
        }

    def _is_dust(self, place: Place, lots: int) -> bool:
        item = self._world.instruments[place.instrument]
        quantity = item.lots_to_quantity(lots)
        worth = quantity * self._world.price(place.instrument)
        return quantity < item.min_quantity or worth < item.min_notional

    def _words(self, place: Place, lots: int, age_ns: int) -> str:
        item = self._world.instruments[place.instrument]
        return (
            f"{item.lots_to_quantity(lots)} {item.base} of slot {place.slot} have had no stop at "
            f"the venue for {age_ns / SECOND_NS:.1f} s"
        )
