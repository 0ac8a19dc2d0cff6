"""Identity of what an algorithm asks for: the same question has the same key, for ever."""

from __future__ import annotations

# Not through the room's door, which shows clock and files: the core may not depend on them.
from athena.platform._ids import derive_id

_DIGITS = 16


def intent_key(parent_id: str, role: str, counter: int) -> int:
    """Derive the key of an intent: the first 63 bits of SHA-256(parent id, role, counter), > 0.

    The core denies a key that it has seen, so that asking again after a crash cannot double.

    Raises:
        InputError: the parent id or the role is empty, or the counter negative.
    """
    bits = int(derive_id(parent_id, role, counter)[:_DIGITS], 16)
    return max(1, bits >> 1)
