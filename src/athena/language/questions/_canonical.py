"""One way to write a value as JSON, so that equal questions have equal digests."""

from __future__ import annotations

import hashlib
import json


def canonical(value: object) -> bytes:
    """Write a value as JSON with sorted keys and no spaces, UTF-8.

    Raises:
        ValueError: it holds NaN, infinity, or half of a surrogate pair.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of a value, 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()
