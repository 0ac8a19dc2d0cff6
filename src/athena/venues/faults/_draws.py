"""Random draws by key: the same key gives the same number, whatever was drawn before."""

from __future__ import annotations

import hashlib

_BYTES = 8
_RANGE = 1 << 8 * _BYTES


def draw(seed: int, *key: str | int) -> float:
    """Draw a number from [0, 1) for a key."""
    return _hash(seed, key) / _RANGE


def pick(seed: int, low: int, high: int, *key: str | int) -> int:
    """Draw a whole number from [low, high] for a key."""
    return low + _hash(seed, key) * (high - low + 1) // _RANGE


def _hash(seed: int, key: tuple[str | int, ...]) -> int:
    text = "/".join(map(str, (seed, *key)))
    digest = hashlib.blake2b(text.encode(), digest_size=_BYTES).digest()
    return int.from_bytes(digest, "big")
