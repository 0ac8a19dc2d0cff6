"""Who is who: client ids of our orders, and numbers for the venue's texts.

An order's id is derived from the session's (drawn from the system's CSPRNG) and the order's number
in the core; the venue sees the first 128 bits of its SHA-256. So one order has one client id for
ever, and a restart knows them all without a table.
"""

from __future__ import annotations

import hashlib

from athena.platform._ids import client_order_id, derive_id

_KNOWN_MAX = 50_000  # newest orders whose client ids are recognised
_KEY_BITS = 63


class OrderIds:
    """Translate order numbers to client ids and back, for the newest 50,000 orders."""

    __slots__ = ("_client_ids", "_known", "_numbers", "session_id")

    def __init__(self, session_id: str) -> None:
        """Begin with no order; `session_id` has 32 hex digits and is never used twice."""
        self.session_id = session_id
        self._client_ids: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._known = 1  # orders with a lower number are known

    def client_id(self, number: int) -> str:
        """Return the client id of an order of the core."""
        known = self._client_ids.get(number)
        if known is None:
            known = client_order_id(derive_id(self.session_id, "order", number))
        return known

    def number_of(self, client_id: str, next_number: int) -> int:
        """Return the number of the order with a client id; 0 when it is none of ours.

        Args:
            client_id: as the venue shows it.
            next_number: of the core: numbers below it have been given.
        """
        self._learn(next_number)
        return self._numbers.get(client_id, 0)

    def _learn(self, next_number: int) -> None:
        for number in range(max(self._known, next_number - _KNOWN_MAX), next_number):
            client_id = self.client_id(number)
            self._client_ids[number] = client_id
            self._numbers[client_id] = number
            forgotten = self._client_ids.pop(number - _KNOWN_MAX, None)
            if forgotten is not None:
                del self._numbers[forgotten]
        self._known = next_number


def key_of(text: str) -> int:
    """Return a number from 1 to 2^63 - 1 that stands for a venue's id in the journal."""
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return digest >> (64 - _KEY_BITS) or 1
