"""The dead-man switch: the venue cancels everything when it hears nothing from us for a minute.

It cancels protective stops too, so it is off unless asked for, and off while a stop rests.
"""

from __future__ import annotations

from athena.domain import SECOND_NS

TIMEOUT_S = 60
_RENEWAL_NS = 20 * SECOND_NS


class DeadMan:
    """Decide what to tell the venue's switch.

    Attributes:
        is_wanted: somebody asked for it.
    """

    __slots__ = ("_asked_ns", "_in_flight", "_may_be_armed", "_told", "is_wanted")

    def __init__(self, *, is_wanted: bool) -> None:
        """Start with a switch that is off at the venue."""
        self.is_wanted = is_wanted
        self._may_be_armed = False
        self._in_flight = False
        self._asked_ns = 0
        self._told = ""

    def due(self, now_ns: int, *, is_safe: bool) -> int | None:
        """Return the seconds to set it to: 60, 0 (off), or None while nothing has to be said.

        Args:
            now_ns: our clock.
            is_safe: the venue's orders are known and no stop rests or is on its way.
        """
        if self._in_flight or not self.is_wanted:
            return None
        if not is_safe:
            return 0 if self._may_be_armed else None
        is_fresh = self._may_be_armed and 0 <= now_ns - self._asked_ns < _RENEWAL_NS
        return None if is_fresh else TIMEOUT_S

    def ask(self, timeout_s: int, now_ns: int) -> None:
        """Note what the venue is told; until it says otherwise the switch may be armed."""
        self._in_flight = True
        self._asked_ns = now_ns
        self._may_be_armed = self._may_be_armed or timeout_s > 0

    def answer(self, timeout_s: int, *, is_done: bool) -> None:
        """Note what the venue answered."""
        self._in_flight = False
        if timeout_s == 0 and is_done:
            self._may_be_armed = False
        if timeout_s > 0 and not is_done:
            self._asked_ns = 0  # renew it on the next tick

    def news(self) -> str:
        """Return what a person should know of the switch; empty when it was told last."""
        told, self._told = self._told, _ARMED if self._may_be_armed else _OFF
        return "" if told == self._told else self._told


_ARMED = f"the dead-man switch is armed: {TIMEOUT_S} s without us, and Kraken cancels every order"
_OFF = "the dead-man switch is off while a stop rests: it would cancel the stop"
