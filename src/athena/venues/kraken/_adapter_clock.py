"""How far the venue's clock is ahead of ours, from every answer that tells the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athena.domain import SECOND_NS
from athena.venues.kraken._market import read_server_time

if TYPE_CHECKING:
    from athena.venues.kraken._adapter_calls import Question
    from athena.venues.kraken._fields import Fields


class VenueClock:
    """Remember the newest comparison of the two clocks.

    Attributes:
        ahead_ns: proven lead of the venue's clock, negative when it is behind; None before one.
    """

    __slots__ = ("ahead_ns",)

    def __init__(self) -> None:
        """Start without a comparison."""
        self.ahead_ns: int | None = None

    def note(self, question: Question, result: Fields, asked_ns: int, answered_ns: int) -> None:
        """Compare, if the answer is one to Time.

        Raises:
            VenueError: the answer tells no time.
        """
        if question.endpoint == "Time":
            venue_ns = read_server_time(result)
            self.ahead_ns = proven_ahead_ns(venue_ns, asked_ns, answered_ns)


def proven_ahead_ns(venue_ns: int, asked_ns: int, answered_ns: int) -> int:
    """Return how far the venue's clock is ahead of ours: as near to 0 as the answer allows.

    Kraken states whole seconds and the answer took a while, so up to a second more may hide in
    it; what is returned is proven.

    Args:
        venue_ns: the venue's time, whole seconds.
        asked_ns: our clock when the request was made.
        answered_ns: our clock when the answer was there.
    """
    least_ns = venue_ns - answered_ns
    most_ns = venue_ns + SECOND_NS - asked_ns
    return min(max(0, least_ns), most_ns)
