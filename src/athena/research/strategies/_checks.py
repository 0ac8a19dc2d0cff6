"""Refuse parameters that make no strategy."""

from __future__ import annotations

from athena.errors import InputError


def require(is_met: bool, expected: str, **parameters: object) -> None:  # noqa: FBT001 - reads as a sentence
    """Refuse parameters that do not meet an expectation.

    Raises:
        InputError: they do not; the message names each with its value.
    """
    if not is_met:
        was = ", ".join(f"{name}={value}" for name, value in parameters.items())
        message = f"expected {expected}, was {was}"
        raise InputError(message)
