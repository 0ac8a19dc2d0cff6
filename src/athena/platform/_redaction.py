"""Keep secrets out of logs, records and crash bundles (C23)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from athena.platform._secrets import MASK, Secret, SecretName

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SECRET_NAMES = frozenset(SecretName)
# `tokens` (plural) counts what a model read; it is no secret.
_SECRET_NAME = re.compile(
    r"secret|passw|passphrase|credential|authorization|bearer|token(?!s)"
    r"|(api|private|access|sign(ing)?)[-_. ]?key",
    re.IGNORECASE,
)
# Shorter values ("1", "true") would mask half of every text.
_SHORTEST_SECRET = 8


def looks_secret(name: str) -> bool:
    """Tell whether a key, variable or option of this name holds a secret."""
    return name in _SECRET_NAMES or _SECRET_NAME.search(name) is not None


def known_secrets(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """List every value that has to be masked, longest first.

    Those of variables whose names look secret, and every `Secret` that the process was given.
    """
    named = (value for name, value in environment.items() if looks_secret(name))
    values = {value for value in (*named, *Secret.given()) if len(value) >= _SHORTEST_SECRET}
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def mask_text(text: str, secrets: Iterable[str]) -> str:
    """Replace every occurrence of a known secret in a text."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def redact(value: object, secrets: Sequence[str] = ()) -> object:
    """Copy a value of mappings, lists and texts without its secrets.

    A text under a key that looks secret is masked whole; other texts lose the known secrets.
    Anything else is returned as it is.
    """
    if isinstance(value, str):
        return mask_text(value, secrets)
    if isinstance(value, Mapping):
        return {
            key: MASK
            if isinstance(item, str | bytes) and looks_secret(str(key))
            else redact(item, secrets)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item, secrets) for item in value]
    return value


def redact_arguments(arguments: Sequence[str], secrets: Sequence[str] = ()) -> list[str]:
    """Copy command-line arguments without the values of options that look secret."""
    masked: list[str] = []
    is_value_secret = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        is_option = name.startswith("-") and looks_secret(name)
        if is_value_secret:
            masked.append(MASK)
        elif is_option and equals:
            masked.append(f"{name}={MASK}")
        else:
            masked.append(mask_text(argument, secrets))
        is_value_secret = is_option and not equals
    return masked
