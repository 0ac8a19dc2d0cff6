"""Identifiers: random from the system CSPRNG, seeded for backtests, or derived (A11)."""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol

from athena.errors import InputError

_ID_BYTES = 16


class IdSource(Protocol):
    """Draw identifiers of 32 hex digits."""

    def next_id(self) -> str:
        """Return an identifier never returned before."""
        ...


class RandomIds:
    """Draw identifiers from the system's CSPRNG: for live and paper runs."""

    __slots__ = ()

    def next_id(self) -> str:
        """Return 128 random bits as 32 hex digits."""
        return secrets.token_hex(_ID_BYTES)


class SeededIds:
    """Draw identifiers that depend only on the seed: for backtests and simulation."""

    __slots__ = ("_counter", "_seed")

    def __init__(self, seed: int) -> None:
        """Start the sequence of a seed."""
        self._seed = seed
        self._counter = 0

    def next_id(self) -> str:
        """Return the first 128 bits of SHA-256(seed, counter) as 32 hex digits."""
        self._counter += 1
        return _digest(f"seed:{self._seed}", str(self._counter))[: 2 * _ID_BYTES]


def derive_id(parent_id: str, role: str, counter: int) -> str:
    """Derive the id of a child order: SHA-256(parent id, role, counter), 64 hex digits.

    Raises:
        InputError: the parent id or the role is empty, or the counter negative.
    """
    if not parent_id or not role or counter < 0:
        message = (
            f"expected a parent id, a role and a counter >= 0, "
            f"was {parent_id!r}, {role!r}, {counter}"
        )
        raise InputError(message)
    return _digest(parent_id, role, str(counter))


def client_order_id(intent_id: str) -> str:
    """Derive the id a venue sees: the first 128 bits of SHA-256(intent id), 32 hex digits."""
    return hashlib.sha256(intent_id.encode()).hexdigest()[: 2 * _ID_BYTES]


def _digest(*parts: str) -> str:
    # Each part is preceded by its length, so that ("ab", "c") and ("a", "bc") differ.
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    return digest.hexdigest()
