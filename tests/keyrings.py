"""Keyrings of a test's own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from athena.platform import KEYRING_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class _Kept(KeyringBackend):
    def __init__(self, entries: Mapping[str, str]) -> None:
        super().__init__()
        self._entries = entries

    def get_password(self, service: str, username: str) -> str | None:
        return self._entries.get(username) if service == KEYRING_SERVICE else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep nothing: tests only read."""


class _Locked(_Kept):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(service, username)


@contextmanager
def kept_in_keyring(entries: Mapping[str, str]) -> Iterator[None]:
    """Use a keyring with these entries of Athena while the block runs."""
    with _used(_Kept(entries)):
        yield


@contextmanager
def locked_keyring() -> Iterator[None]:
    """Use a keyring that nobody unlocks while the block runs."""
    with _used(_Locked({})):
        yield


@contextmanager
def _used(backend: KeyringBackend) -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)
